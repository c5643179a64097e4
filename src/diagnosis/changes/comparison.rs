//! What is compared.

use crate::diagnosis::findings::{DomainFinding, FindingCode};
use crate::diagnosis::judge::Diagnosis;
use crate::diagnosis::selectors::KeyDiagnosis;
use crate::query::{Published, ReporterDays, Survey, TlsSurvey, Window};
use crate::report::period::Day;

/// Fewer messages say nothing: no share of them is compared, and they are not missed.
pub(super) const FEW: u64 = 10;

/// A window with its paths.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'j> {
    /// The figures.
    pub survey: &'j Survey,
    /// All of its paths.
    pub diagnosis: &'j Diagnosis,
}

/// What is compared.
#[derive(Debug, Clone, Copy)]
pub struct Comparison<'c> {
    /// The window; both of its ends are days.
    pub window: Window,
    /// The window before.
    pub before: Window,
    /// What today is.
    pub today: Day,
    /// This window.
    pub now: Judged<'c>,
    /// The window before.
    pub then: Judged<'c>,
    /// Both of them, and what was before.
    pub history: Judged<'c>,
    /// The keys of the history.
    pub keys: &'c KeyDiagnosis,
    /// What reporters found published in the window before, and in this one.
    pub published: [&'c Published; 2],
    /// What is wrong with domains as a whole in this window.
    pub findings: &'c [DomainFinding],
    /// Who reported, up to today.
    pub reporter_days: &'c [ReporterDays],
    /// What SMTP TLS reports say of both windows, and of what was before.
    pub tls: &'c TlsSurvey,
    /// Paths with fewer messages in both windows are left out.
    pub min_messages: u64,
}

impl Comparison<'_> {
    /// A code, where there is a finding of it on this domain or reporter.
    pub(super) fn finding(&self, code: FindingCode, subject: &str) -> Option<&'static str> {
        let fits = |one: &&DomainFinding| one.code() == code && one.finding.subject == subject;
        self.findings.iter().find(fits).map(|_| code.as_str())
    }
}
