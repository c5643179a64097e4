//! What the ids of a report's rows begin with: a digest of what the report says.
//!
//! The same report has the same key on every machine and in every database, so rows that are exported twice can be recognised.
//! It is SHA-256 and has no secret: whoever sends two reports with one key has sent the same report twice.

use sha2::{Digest, Sha256};

use crate::alignment::Outcome;
use crate::alignment::codec::{InPlace, encode};
use crate::store::ReportHead;

/// The digest of an outcome.
pub(super) type OutcomeDigest = [u8; 32];

/// Digests an outcome, by what the report says and not by what it amounts to.
pub(super) fn of_outcome(outcome: &Outcome) -> OutcomeDigest {
    let mut bytes = Vec::new();
    let Ok(()) = encode(outcome, &mut bytes, &mut InPlace);
    Sha256::digest(&bytes).into()
}

/// The digest of a report, while its records go past in their order.
pub(super) struct RowKey(Sha256);

impl RowKey {
    pub(super) fn new(head: &ReportHead) -> Self {
        let mut hash = Sha256::new();
        let report = &head.summary;
        let written =
            [report.org_name.as_deref(), report.email.as_deref(), Some(&report.report_id), Some(&report.domain)];
        for text in written.into_iter().chain(report.policy.written()) {
            // With the lengths no two lists of texts are the same bytes.
            hash.update(text.map_or(0, |text| text.len() as u64 + 1).to_be_bytes());
            hash.update(text.unwrap_or_default());
        }
        hash.update(report.begin.to_be_bytes());
        hash.update(report.end.to_be_bytes());
        RowKey(hash)
    }

    /// Adds a record; `address` is packed, and says its length itself.
    pub(super) fn add(&mut self, outcome: &OutcomeDigest, messages: Option<u64>, address: &[u8]) {
        self.0.update(outcome);
        self.0.update(messages.map_or(0, |messages| messages.saturating_add(1)).to_be_bytes());
        self.0.update(address);
    }

    pub(super) fn finish(self) -> [u8; 16] {
        let mut key = [0; 16];
        key.copy_from_slice(&self.0.finalize()[..16]);
        key
    }
}
