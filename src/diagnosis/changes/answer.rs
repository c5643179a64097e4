//! What has changed: the answer of `changes`.

use serde::Serialize;

use crate::diagnosis::class::Class;
use crate::diagnosis::dates::WindowAnswer;
use crate::diagnosis::explain::PartAnswer;
use crate::diagnosis::findings::DomainFinding;
use crate::diagnosis::path::SendingPath;
use crate::diagnosis::silence::Silence;
use crate::role::Role;
use crate::vocabulary::vocabulary;

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
    pub(super) fn add(&mut self, kind: ChangeKind) {
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

vocabulary! {
    /// What a change is, the worst first.
    pub enum ChangeKind {
        /// Less is signed or aligned, a key fails or is missed, a policy is weaker, a large reporter or all of them are silent.
        Worse => "worse",
        /// Not seen before.
        New => "new",
        /// No longer seen.
        Gone => "gone",
        /// More is signed or aligned.
        Mended => "mended",
        /// Otherwise than before, and neither better nor worse.
        Changed => "changed",
    }
}

vocabulary! {
    /// What has changed.
    pub enum ChangeSubject {
        /// A policy domain.
        Domain => "domain",
        /// The policy published for a domain.
        Policy => "policy",
        /// A sending path.
        Path => "path",
        /// A DKIM selector.
        Selector => "selector",
        /// A reporter.
        Reporter => "reporter",
        /// TLS with a mail server of a domain, as SMTP TLS reports tell.
        Tls => "tls",
    }
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
    /// A change of a path.
    pub(super) fn of_path(kind: ChangeKind, path: &SendingPath, text: String) -> Self {
        Change {
            domain: Some(path.domain.clone()),
            name: Some(path.sender.clone()),
            path: Some(path.id.clone()),
            remedy: path.remedy.as_ref().map(|remedy| remedy.title.clone()),
            ..Change::new(kind, ChangeSubject::Path, text)
        }
    }

    pub(super) fn new(kind: ChangeKind, subject: ChangeSubject, text: String) -> Self {
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
