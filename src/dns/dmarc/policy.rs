//! The policies that a record can ask for.

use crate::vocabulary::vocabulary;

vocabulary! {
    /// What a domain asks receivers to do with mail that fails; words are case-insensitive (RFC 9989 §4.8, RFC 5234 §2.3).
    pub enum Policy {
        /// Nothing.
        None => "none",
        /// To treat it as suspicious.
        Quarantine => "quarantine",
        /// To refuse it.
        Reject => "reject",
    }
}

impl Policy {
    /// What is applied in test mode: one level less.
    #[must_use]
    pub fn tested(self) -> Self {
        match self {
            Policy::Reject => Policy::Quarantine,
            Policy::Quarantine | Policy::None => Policy::None,
        }
    }
}
