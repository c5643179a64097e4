//! The answer of `unsigned` and `sources`: paths, worst first.

use serde::Serialize;

use super::dates::WindowAnswer;
use super::findings::DomainFinding;
use super::ledger::LedgerFinding;
use super::path::{SendingPath, Sum};
use crate::query::DomainFigures;

/// The answer.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// Which answer, and its version.
    pub schema: &'static str,
    /// The days it is about.
    pub window: WindowAnswer,
    /// The end of the newest report in the database.
    pub newest_report: Option<String>,
    /// Reports within the window.
    pub reports: u64,
    /// Reporters within the window.
    pub reporters: usize,
    /// Why it tells little, in words.
    pub cautions: Vec<String>,
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
