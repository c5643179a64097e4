//! The outcome of a record: everything but its address and its count.
//!
//! The same few outcomes repeat millions of times, so they are made once and shared.

use super::verdict::Verdict;
use super::vocabulary::{AuthResult, Disposition, OverrideType, Scope};

/// How strictly the two mechanisms were to be aligned (`adkim`, `aspf`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct AlignmentMode {
    /// DKIM: equal names, not equal organizational domains.
    pub dkim_strict: bool,
    /// SPF: the same.
    pub spf_strict: bool,
}

impl AlignmentMode {
    /// From the policy's tags; what is absent or unknown is relaxed (RFC 7489 §6.3).
    #[must_use]
    pub fn from_tags(adkim: Option<&str>, aspf: Option<&str>) -> Self {
        let strict = |tag: Option<&str>| tag.is_some_and(|tag| tag.eq_ignore_ascii_case("s"));
        AlignmentMode { dkim_strict: strict(adkim), spf_strict: strict(aspf) }
    }
}

/// A listed signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// `d=`, normalized.
    pub domain: Option<String>,
    /// `s=`, in lower case.
    pub selector: Option<String>,
    /// The result.
    pub result: AuthResult,
    /// The word for the result, where it is not in the vocabulary.
    pub word: Option<String>,
    /// `human_result`, where it says more than the result.
    pub human: Option<String>,
}

/// A listed SPF check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpfCheck {
    /// The domain that was checked, normalized.
    pub domain: Option<String>,
    /// For which identity; most reporters do not say.
    pub scope: Option<Scope>,
    /// The result.
    pub result: AuthResult,
    /// The word for the result, where it is not in the vocabulary.
    pub word: Option<String>,
    /// `human_result`, where it says more than the result.
    pub human: Option<String>,
}

/// A reason for an override.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverrideReason {
    /// The kind.
    pub kind: OverrideType,
    /// The word for it, where it is not in the vocabulary.
    pub word: Option<String>,
    /// The comment.
    pub comment: Option<String>,
}

/// Everything of a record but its address and its count, and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The modes it was judged under.
    pub mode: AlignmentMode,
    /// Domain of the From header field, normalized.
    pub header_from: Option<String>,
    /// Domain of MAIL FROM, normalized; empty for the null reverse-path; absent where the report does not say.
    pub envelope_from: Option<String>,
    /// The recipients' domain, normalized.
    pub envelope_to: Option<String>,
    /// What was done; absent where the report does not say.
    pub disposition: Option<Disposition>,
    /// The word for it, where it is not in the vocabulary.
    pub disposition_word: Option<String>,
    /// Whether the reporter found DKIM aligned and passing; absent where it does not say.
    pub evaluated_dkim: Option<bool>,
    /// Whether the reporter found SPF aligned and passing; absent where it does not say.
    pub evaluated_spf: Option<bool>,
    /// Why the policy was overridden.
    pub reasons: Vec<OverrideReason>,
    /// The listed signatures, in order.
    pub dkim: Vec<Signature>,
    /// The listed SPF checks, in order.
    pub spf: Vec<SpfCheck>,
    /// What all of it amounts to.
    pub verdict: Verdict,
}
