//! What a review of records found.

use serde::Serialize;

/// How much a failed check matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Mail fails, or reports do not come, because of it.
    Error,
    /// It may become an error, or is one at some receivers.
    Warning,
    /// Could be better.
    Advice,
}

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Something is wrong.
    Failed,
    /// The DNS gave no answer; nothing is known.
    CouldNotLook,
    /// As it should be.
    Passed,
}

/// A check and what it came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which check: a stable word such as `dmarc-record`.
    pub check: &'static str,
    /// What it came to.
    pub outcome: Outcome,
    /// How much it matters if it fails.
    pub severity: Severity,
    /// The name in the DNS that it is about.
    pub subject: String,
    /// What was found, in a sentence.
    pub detail: String,
    /// What to do, where there is something to do.
    pub remedy: Option<String>,
}

/// Findings as they are collected, about one subject after the other.
#[derive(Debug, Clone, Default)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// A check passed.
    pub fn pass(&mut self, check: &'static str, subject: &str, detail: impl Into<String>) {
        self.add(check, Outcome::Passed, Severity::Advice, subject, detail.into(), None);
    }

    /// A check failed.
    pub fn fail(
        &mut self,
        check: &'static str,
        severity: Severity,
        subject: &str,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let remedy = Some(remedy.into()).filter(|text| !text.is_empty());
        self.add(check, Outcome::Failed, severity, subject, detail.into(), remedy);
    }

    /// Nobody could say; `severity` is what a failure would have been.
    pub fn unknown(&mut self, check: &'static str, severity: Severity, subject: &str, reason: &str) {
        let detail = format!("could not look: {reason}");
        self.add(check, Outcome::CouldNotLook, severity, subject, detail, None);
    }

    fn add(
        &mut self,
        check: &'static str,
        outcome: Outcome,
        severity: Severity,
        subject: &str,
        detail: String,
        remedy: Option<String>,
    ) {
        self.0.push(Finding { check, outcome, severity, subject: subject.to_owned(), detail, remedy });
    }
}
