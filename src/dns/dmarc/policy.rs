//! The policies that a record can ask for.

use serde::Serialize;

/// What a domain asks receivers to do with mail that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Nothing.
    None,
    /// To treat it as suspicious.
    Quarantine,
    /// To refuse it.
    Reject,
}

impl Policy {
    /// The word in the record; words are case-insensitive (RFC 9989 §4.8, RFC 5234 §2.3).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Policy::None, Policy::Quarantine, Policy::Reject]
            .into_iter()
            .find(|policy| policy.word().eq_ignore_ascii_case(text))
    }

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Policy::None => "none",
            Policy::Quarantine => "quarantine",
            Policy::Reject => "reject",
        }
    }

    /// What is applied in test mode: one level less.
    #[must_use]
    pub fn tested(self) -> Self {
        match self {
            Policy::Reject => Policy::Quarantine,
            Policy::Quarantine | Policy::None => Policy::None,
        }
    }
}
