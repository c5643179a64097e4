//! The rules by which paths are judged: thresholds, catalogue, ledger.

use super::class::Thresholds;
use crate::providers::Catalogue;
use crate::query::Ledger;

/// What paths are judged by, besides the figures.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'r> {
    /// Where one class ends and the next begins.
    pub thresholds: &'r Thresholds,
    /// The catalogue of providers.
    pub catalogue: &'r Catalogue,
    /// The approved senders.
    pub ledger: &'r Ledger,
}
