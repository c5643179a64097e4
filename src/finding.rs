//! Something that a check found: how bad it is, which check found it, about what, in words, and what to do.
//!
//! Everything here that reviews something (`dns`, `inspect`, `check`, `readiness`, the findings of a domain) says what it
//! found in this one form, so that people learn to read it once and scripts look for `severity` and `code` everywhere.
//!
//! Each user has a closed set of codes, a `vocabulary`; what else it knows of a finding (an outcome, a day) stands in a struct
//! of its own around the finding, with `#[serde(flatten)]`.

use serde::Serialize;

use crate::vocabulary::vocabulary;

vocabulary! {
    /// How much a finding matters; the worst first.
    pub enum Severity {
        /// Something does not work because of it: mail fails, reports do not come, an account is not read.
        Error => "error",
        /// It works, and may become an error, or is one in some places.
        Warning => "warning",
        /// It could be better, or is good to know.
        Advice => "advice",
    }
}

/// A finding. `R` is what says what to do: a sentence, or something with steps and records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding<C, R = String> {
    /// How much it matters.
    pub severity: Severity,
    /// Which check found it: a word that scripts may rely on.
    pub code: C,
    /// What it is about: a name in the DNS, an account, a header field, a domain.
    pub subject: String,
    /// What was found, in a sentence without a full stop.
    pub detail: String,
    /// What to do, where there is something to do.
    pub remedy: Option<R>,
}

impl<C, R> Finding<C, R> {
    /// A finding with nothing to do about it.
    #[must_use]
    pub fn new(severity: Severity, code: C, subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Finding { severity, code, subject: subject.into(), detail: detail.into(), remedy: None }
    }

    /// The same, with what to do.
    #[must_use]
    pub fn with_remedy(self, remedy: impl Into<R>) -> Self {
        Finding { remedy: Some(remedy.into()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    vocabulary! {
        /// What can be wrong with a pipe.
        enum Fault {
            /// It is broken.
            Broken => "pipe-broken",
        }
    }

    #[test]
    fn the_form_in_json() {
        let finding: Finding<Fault> = Finding::new(Severity::Warning, Fault::Broken, "kitchen", "it drips");
        assert_eq!(
            serde_json::to_string(&finding.clone().with_remedy("Call somebody.")).unwrap(),
            r#"{"severity":"warning","code":"pipe-broken","subject":"kitchen","detail":"it drips","remedy":"Call somebody."}"#
        );
        assert!(serde_json::to_string(&finding).unwrap().ends_with(r#""remedy":null}"#));
    }
}
