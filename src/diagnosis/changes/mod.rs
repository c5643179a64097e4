//! What is new, worse, mended or gone against the window before: the answer of `changes`.
//!
//! A change is told when it is more than noise: the shares of two windows must differ by a margin that means something, and by
//! more than chance makes of so few messages. What a path or a reporter always did, to pause for a week, is no change.

mod announce;
mod keys;
mod moved;
mod paths;
mod silent;
mod tls;

use serde::Serialize;

pub use announce::only_new;

use super::class::Class;
use super::dates::shown;
use super::explain::PartAnswer;
use super::findings::{DomainFinding, FindingCode};
use super::path::{Diagnosis, SendingPath, WindowAnswer};
use super::published::{last_policy, strength};
use super::selectors::KeyDiagnosis;
use super::silence::{Silence, silence};
use crate::finding::Code;
use crate::query::{Presence, Published, Survey, TlsSurvey, Window};
use crate::report::period::Day;
use crate::role::Role;

/// The answer of `changes`.
#[derive(Debug, Clone, Serialize)]
pub struct ChangesAnswer {
    /// Which answer, and its version.
    pub schema: &'static str,
    /// The days it is about.
    pub window: WindowAnswer,
    /// The days it compares with.
    pub before: WindowAnswer,
    /// The end of the newest report in the database.
    pub newest_report: Option<String>,
    /// Reports within the window.
    pub reports: u64,
    /// Reporters within the window.
    pub reporters: usize,
    /// Reports within the window before.
    pub reports_before: u64,
    /// Reporters within the window before.
    pub reporters_before: usize,
    /// It says only what was not said before: `--new`.
    pub only_new: bool,
    /// What was found.
    #[serde(flatten)]
    pub found: Changes,
}

/// What was found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Changes {
    /// Whether something is worse, or no reports come any more: what `--exit-code` is about.
    pub alarm: bool,
    /// No reports come any more.
    pub silence: Option<Silence>,
    /// What is wrong with a domain as a whole in this window, worst first.
    pub findings: Vec<DomainFinding>,
    /// How many of each kind.
    pub counts: Counts,
    /// The changes, worst first.
    pub changes: Vec<Change>,
    /// Small paths of unknown senders, in sum.
    pub unknown: UnknownChanges,
    /// What else to know.
    pub notes: Vec<String>,
    /// Changes and findings that were said before, and are left out of what only says what is new.
    pub told_before: u64,
}

/// How many changes of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names are the kinds'")]
pub struct Counts {
    pub worse: u64,
    pub new: u64,
    pub gone: u64,
    pub mended: u64,
    pub changed: u64,
}

impl Counts {
    fn add(&mut self, kind: ChangeKind) {
        let count = match kind {
            ChangeKind::Worse => &mut self.worse,
            ChangeKind::New => &mut self.new,
            ChangeKind::Gone => &mut self.gone,
            ChangeKind::Mended => &mut self.mended,
            ChangeKind::Changed => &mut self.changed,
        };
        *count += 1;
    }
}

/// Paths of unknown senders that are too small to be told one by one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct UnknownChanges {
    /// New paths.
    pub new_paths: u64,
    /// Their messages.
    pub new_messages: u64,
    /// Paths that are gone.
    pub gone_paths: u64,
    /// Their messages, in the window before.
    pub gone_messages: u64,
}

/// What a change is, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// Less is signed or aligned, a key fails or is missed, a policy is weaker, a large reporter or all of them are silent.
    Worse,
    /// Not seen before.
    New,
    /// No longer seen.
    Gone,
    /// More is signed or aligned.
    Mended,
    /// Otherwise than before, and neither better nor worse.
    Changed,
}

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeSubject {
    /// A policy domain.
    Domain,
    /// The policy published for a domain.
    Policy,
    /// A sending path.
    Path,
    /// A DKIM selector.
    Selector,
    /// A reporter.
    Reporter,
    /// TLS with a mail server of a domain, as SMTP TLS reports tell.
    Tls,
}

/// A change.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// What it is.
    pub kind: ChangeKind,
    /// What has changed.
    pub subject: ChangeSubject,
    /// It counts as something worse.
    pub alarm: bool,
    /// The domain: header From of a path, the signing domain of a selector, the policy domain.
    pub domain: Option<String>,
    /// The sender, the selector, the reporter, or what fails of TLS at which host.
    pub name: Option<String>,
    /// The id, of a path.
    pub path: Option<String>,
    /// The day of the change, where one can be told.
    pub since: Option<String>,
    /// In words.
    pub text: String,
    /// A path in the window before.
    pub before: Option<PathState>,
    /// A path in this window.
    pub after: Option<PathState>,
    /// What to do, in one line.
    pub remedy: Option<String>,
    /// The code of the finding of the domain that says the same in full.
    pub finding: Option<&'static str>,
    /// Of a path the thousandths of its mail since the change that are not signed as the domain, or do not pass, whichever is more:
    /// how bad it is, whatever part of the window it fills.
    #[serde(skip)]
    pub missing: u32,
}

/// A path in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PathState {
    /// Its class.
    pub class: Class,
    /// Its role.
    pub role: Role,
    /// Its figures.
    #[serde(flatten)]
    pub figures: PartAnswer,
}

impl From<&SendingPath> for PathState {
    fn from(path: &SendingPath) -> Self {
        PathState { class: path.class, role: path.role, figures: path.into() }
    }
}

impl Change {
    fn new(kind: ChangeKind, subject: ChangeSubject, text: String) -> Self {
        Change {
            kind,
            subject,
            alarm: kind == ChangeKind::Worse,
            domain: None,
            name: None,
            path: None,
            since: None,
            text,
            before: None,
            after: None,
            remedy: None,
            finding: None,
            missing: 0,
        }
    }
}

impl ChangeKind {
    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ChangeKind::Worse => "worse",
            ChangeKind::New => "new",
            ChangeKind::Gone => "gone",
            ChangeKind::Mended => "mended",
            ChangeKind::Changed => "changed",
        }
    }
}

impl ChangeSubject {
    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ChangeSubject::Domain => "domain",
            ChangeSubject::Policy => "policy",
            ChangeSubject::Path => "path",
            ChangeSubject::Selector => "selector",
            ChangeSubject::Reporter => "reporter",
            ChangeSubject::Tls => "tls",
        }
    }
}

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
    pub presence: &'c [Presence],
    /// What SMTP TLS reports say of both windows, and of what was before.
    pub tls: &'c TlsSurvey,
    /// Paths with fewer messages in both windows are left out.
    pub min_messages: u64,
}

impl Comparison<'_> {
    /// A code, where there is a finding of it on this domain or reporter.
    fn finding(&self, code: FindingCode, subject: &str) -> Option<&'static str> {
        let fits = |one: &&DomainFinding| one.code() == code && one.finding.subject == subject;
        self.findings.iter().find(fits).map(|_| code.as_str())
    }
}

/// Compares two windows.
#[must_use]
pub fn changes(comparison: &Comparison<'_>) -> Changes {
    let mut found = Changes {
        silence: silence(comparison.presence, comparison.today),
        findings: comparison.findings.to_vec(),
        ..Changes::default()
    };
    found.changes.extend(comparison.findings.iter().filter_map(|one| finding(one, comparison.window)));
    found.changes.extend(silent::of_domains(comparison));
    let comparable = comparison.then.survey.reports > 0;
    if !comparable {
        found.notes.push(format!(
            "there are no reports from {} to {}: nothing to compare with",
            shown(comparison.before.first),
            shown(comparison.before.last)
        ));
    }
    if comparison.now.survey.reports == 0 {
        found.notes.push(format!(
            "there are no reports yet from {} to {}",
            shown(comparison.window.first),
            shown(comparison.window.last)
        ));
    }
    if comparable && comparison.now.survey.reports > 0 {
        found.changes.extend(policies(comparison));
        paths::compare(comparison, &mut found);
        found.changes.extend(keys::compare(comparison));
    }
    found.changes.extend(silent::of_reporters(comparison));
    found.changes.extend(tls::compare(comparison));
    found.changes.sort_by(|a, b| {
        let key = |one: &Change| {
            let messages = [one.before, one.after].into_iter().flatten().map(|state| state.figures.messages).max();
            (!one.alarm, one.kind, one.subject, std::cmp::Reverse(messages))
        };
        (key(a), &a.domain, &a.name, &a.path).cmp(&(key(b), &b.domain, &b.name, &b.path))
    });
    found.changes.iter().for_each(|change| found.counts.add(change.kind));
    found.alarm = found.silence.is_some() || found.changes.iter().any(|change| change.alarm);
    found
}

/// A finding that breaks the domain's own SPF or DKIM is worse, whenever it began; another is a change where it began
/// within the window. What is published and who reports is compared apart.
fn finding(finding: &DomainFinding, window: Window) -> Option<Change> {
    let apart =
        matches!(finding.code(), FindingCode::NoReports | FindingCode::ReporterSilent | FindingCode::PolicyChanged);
    let began = finding.since.as_ref().is_some_and(|day| *day >= shown(window.first));
    let kind = match finding.breaks_authentication {
        true => ChangeKind::Worse,
        false if began && !apart => ChangeKind::New,
        false => return None,
    };
    let mut change = Change::new(kind, ChangeSubject::Domain, finding.finding.detail.clone());
    change.domain = Some(finding.domain.clone());
    change.since.clone_from(&finding.since);
    change.remedy = finding.finding.remedy.as_ref().map(|remedy| remedy.title.clone());
    change.finding = Some(finding.code().as_str());
    Some(change)
}

/// Policies that most reporters find otherwise than in the window before.
fn policies(comparison: &Comparison<'_>) -> Vec<Change> {
    let [then, now] = comparison.published;
    let changed = |domain: &String| {
        let (old, new) = (last_policy(then, domain)?, last_policy(now, domain)?);
        if old == new {
            return None;
        }
        let kind = if strength(&new) < strength(&old) { ChangeKind::Worse } else { ChangeKind::Changed };
        let text = format!("p={old} → p={new}, as most reporters find it");
        let mut change = Change::new(kind, ChangeSubject::Policy, text);
        change.domain = Some(domain.clone());
        let told = |one: &&DomainFinding| one.code() == FindingCode::PolicyChanged && one.domain == *domain;
        if let Some(finding) = comparison.findings.iter().find(told) {
            change.finding = Some(finding.code().as_str());
            change.since.clone_from(&finding.since);
        }
        Some(change)
    };
    now.domains.keys().filter_map(changed).collect()
}
