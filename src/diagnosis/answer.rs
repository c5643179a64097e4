//! The answer of `unsigned` and `sources`: paths, worst first.

use serde::Serialize;

use super::basis::Basis;
use super::findings::DomainFinding;
use super::ledger::LedgerFinding;
use super::path::{SendingPath, Sum};
use crate::query::DomainFigures;

/// The answer.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// Which answer, and its version.
    pub schema: &'static str,
    /// The days, and how much is known of them.
    #[serde(flatten)]
    pub basis: Basis,
    /// By policy domain.
    pub domains: Vec<DomainFigures>,
    /// What is wrong with a domain as a whole, worst first.
    pub findings: Vec<DomainFinding>,
    /// The paths.
    pub paths: Vec<SendingPath>,
    /// Paths of role `unknown`, in sum.
    pub unknown: Sum,
    /// Paths of other customers' accounts, in sum.
    pub other_accounts: Sum,
    /// Entries of the ledger that want a look.
    pub ledger: Vec<LedgerFinding>,
}
