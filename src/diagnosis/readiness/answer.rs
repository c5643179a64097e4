//! The answer of `readiness`.

use serde::Serialize;

use super::impact::{DayFigures, Impact};
use super::policy::{PolicyChange, PublishedAnswer, Target};
use super::reporters::{DispositionFigures, Evidence, Overridden, ReporterFigures};
use super::selectors::SelectorHealth;
use super::subdomains::Subdomain;
use super::thresholds::ReadinessThresholds;
use crate::cause::Cause;
use crate::diagnosis::{Class, DomainFinding, WindowAnswer};
use crate::dns::DnsAudit;
use crate::providers::Remedy;
use crate::query::StrictFigures;
use crate::role::Role;
use crate::vocabulary::vocabulary;

vocabulary! {
    /// What the review comes to, the worst first.
    pub enum Verdict {
        /// Mail of the domain's own would be lost, or something else stands in the way.
        NotReady => "not-ready",
        /// Too little is known to say.
        NotEnoughData => "not-enough-data",
        /// Nothing of the domain's own stands in the way; whose some mail is has to be decided first.
        Undecided => "undecided",
        /// Nothing stands in the way.
        Ready => "ready",
    }
}

vocabulary! {
    /// What a check is about.
    pub enum CheckArea {
        /// The amount of evidence.
        Data => "data",
        /// Mail.
        Mail => "mail",
        /// Policies and standards.
        Policy => "policy",
        /// Live DNS records.
        Dns => "dns",
    }
}

/// A check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// A stable word for it.
    pub name: String,
    /// What it is about.
    pub area: CheckArea,
    /// Whether it stands in the way when it fails.
    pub blocking: bool,
    /// Whether it passed.
    pub passed: bool,
    /// The figure.
    pub detail: String,
    /// What it had to be.
    pub threshold: String,
}

/// A path that stands in the way.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Blocker {
    /// The path's id.
    pub path: String,
    /// Messages that fail now and would be lost.
    pub messages: u64,
    /// Its class.
    pub class: Class,
    /// Why it does not pass.
    pub cause: Option<Cause>,
    /// What to do.
    pub remedy: Option<Remedy>,
    /// Who hands over.
    pub sender: String,
    /// Header From.
    pub domain: String,
    /// Its role.
    pub role: Role,
    /// All its messages.
    pub path_messages: u64,
    /// Those that pass by SPF only.
    pub spf_alone: u64,
    /// Why it stands in the way: `fails`, `spf-alone`.
    pub reasons: Vec<&'static str>,
    /// Several reporters saw it, on several days: more data will not take it away.
    pub certain: bool,
    /// What fails of it, by result, most messages first.
    pub failing: Vec<FailingPart>,
    /// What took its place, where it fell silent: no mail of the same machine is what is to be signed then.
    pub moved_to: Option<Successor>,
    /// The last day it was seen on, where nothing has come from it for two weeks. It may come again, and is waited for.
    pub quiet_since: Option<String>,
    /// The `[[not_ours]]` entry, in TOML, that says of a quiet one that it was taken away; where one could be about it alone.
    pub gone: Option<String>,
}

/// Messages of a path that fail with one result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailingPart {
    /// What became of the signature, in words.
    pub result: String,
    /// Messages.
    pub messages: u64,
    /// The first day.
    pub first: String,
    /// The last day.
    pub last: String,
    /// On how many days.
    pub days: u32,
    /// Who saw them, those with most messages first.
    pub reporters: Vec<String>,
}

/// A path that began as another fell silent, with about as much mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Successor {
    /// The path's id.
    pub path: String,
    /// Who hands over.
    pub sender: String,
    /// Its first day.
    pub since: String,
}

/// A path of one's own that failed or relied on SPF, and that nothing has come from for long, while other mail of the domain was
/// reported by the same reporters: no reason to wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ended {
    /// The path's id.
    pub path: String,
    /// Who hands over.
    pub sender: String,
    /// Header From.
    pub domain: String,
    /// All its messages.
    pub messages: u64,
    /// The last day it was seen on.
    pub last_seen: String,
}

/// A path of one's own that passes by SPF only: forwarding breaks it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fragile {
    /// The path's id.
    pub path: String,
    /// Who hands over.
    pub sender: String,
    /// Header From.
    pub domain: String,
    /// Its class.
    pub class: Class,
    /// Messages that pass by SPF only.
    pub messages: u64,
    /// All its messages.
    pub path_messages: u64,
}

/// A path of which the reports do not show whether it may send: somebody has to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Undecided {
    /// The path's id.
    pub path: String,
    /// Who hands over.
    pub sender: String,
    /// Header From.
    pub domain: String,
    /// Messages that fail.
    pub messages: u64,
}

/// A decision that the verdict waits for: whose a path is, or some paths of one kind, with the entry of the ledger for either answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// The path's id; of several that of the first.
    pub path: String,
    /// Messages that fail.
    pub messages: u64,
    /// Messages that pass by SPF only.
    pub spf_alone: u64,
    /// Why: `service`, `other-account`, `account-unproven`, `authenticates`, `broken-signatures`, `in-place-of`, `steady`,
    /// `steady-line`.
    pub reasons: Vec<&'static str>,
    /// Who hands over; of several how many these are.
    pub sender: String,
    /// Header From.
    pub domain: String,
    /// The paths that this decides about together, most messages first; none where it is about one.
    pub together: Vec<Undecided>,
    /// The sender of the owner's that fell silent as this one began: it may be the same machine at another address.
    pub in_place_of: Option<String>,
    /// The `[[sender]]` entry, in TOML, where it is the owner's; comment lines where none could be about it alone.
    pub approve: String,
    /// The `[[not_ours]]` entry, in TOML, where it is not; the same holds.
    pub deny: String,
}

/// The reason of a decision about a line whose address changes.
pub(super) const STEADY_LINE: &str = "steady-line";

impl Decision {
    /// Whether it is about a path, by its id.
    #[must_use]
    pub fn is_about(&self, path: &str) -> bool {
        self.path == path || self.together.iter().any(|one| one.path == path)
    }

    /// Whether it is about a line whose address changes: one sender, though its paths are many.
    #[must_use]
    pub fn is_of_line(&self) -> bool {
        self.reasons.contains(&STEADY_LINE)
    }

    /// How many senders it is about.
    #[must_use]
    pub fn senders(&self) -> u64 {
        if self.is_of_line() { 1 } else { self.together.len().max(1) as u64 }
    }
}

/// A path of which less passes than before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Regression {
    /// The path's id.
    pub path: String,
    /// Who hands over.
    pub sender: String,
    /// What got worse: `dmarc` or `dkim`.
    pub what: &'static str,
    /// The share that passed before.
    pub before: f64,
    /// The share that passes in the last days.
    pub now: f64,
    /// Messages of the last days.
    pub messages: u64,
}

/// A path as the review counts it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReviewedPath {
    /// Its id.
    pub id: String,
    /// Who hands over.
    pub sender: String,
    /// Header From.
    pub domain: String,
    /// Its class.
    pub class: Class,
    /// Its role.
    pub role: Role,
    /// Messages.
    pub messages: u64,
    /// Messages that pass DMARC.
    pub pass: u64,
    /// Messages with an aligned, verifying signature.
    pub dkim_aligned: u64,
    /// Messages with aligned SPF.
    pub spf_aligned: u64,
    /// Messages that pass by SPF only.
    pub spf_alone: u64,
    /// First day seen.
    pub first_seen: String,
    /// Last day seen.
    pub last_seen: String,
    /// What to do, in one line.
    pub remedy: Option<String>,
}

/// What a standard says to domains like this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// The document and section.
    pub section: &'static str,
    /// What it says.
    pub text: &'static str,
    /// Why it is said here.
    pub because: String,
    /// Where it stands.
    pub source: &'static str,
}

/// The review.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Review {
    /// Which answer, and its version.
    pub schema: &'static str,
    /// The domain.
    pub domain: String,
    /// The policy that is to be published.
    pub target: Target,
    /// What the review comes to.
    pub verdict: Verdict,
    /// How much is known.
    pub evidence: Evidence,
    /// What would become of the window's messages.
    pub impact: Impact,
    /// What is wrong with the domain as a whole, worst first.
    pub findings: Vec<DomainFinding>,
    /// The checks.
    pub checks: Vec<Check>,
    /// Paths that stand in the way, those that lose most first.
    pub blockers: Vec<Blocker>,
    /// Paths that would stand in the way and have ended.
    pub ended: Vec<Ended>,
    /// Paths of one's own that pass by SPF only.
    pub fragile: Vec<Fragile>,
    /// Subdomains seen.
    pub subdomains: Vec<Subdomain>,
    /// What the verdict waits for: paths that nobody has decided about and that fail in more than a few messages and a
    /// hundredth of the genuine mail, most messages first.
    pub decisions: Vec<Decision>,
    /// Services and accounts that no entry of the ledger is about, however little they send.
    pub decide: Vec<Undecided>,
    /// Unknown paths that are large and authenticate as somebody: forgotten senders look like this.
    pub forgotten: Vec<Undecided>,
    /// Strict alignment.
    pub strict: StrictFigures,
    /// What receivers did with failing messages.
    pub dispositions: DispositionFigures,
    /// Where they did not do what was asked.
    pub overridden: Vec<Overridden>,
    /// Who reports.
    pub reporters: Vec<ReporterFigures>,
    /// The record as reports found it last.
    pub published: Option<PublishedAnswer>,
    /// Its changes within the window.
    pub policy_changes: Vec<PolicyChange>,
    /// Selectors.
    pub selectors: Vec<SelectorHealth>,
    /// Paths of which less passes than before.
    pub regressions: Vec<Regression>,
    /// What standards say.
    pub advice: Vec<Advice>,
    /// Day by day.
    pub daily: Vec<DayFigures>,
    /// Every path, worst first.
    pub paths: Vec<ReviewedPath>,
    /// The live records, where they were asked for.
    pub dns: Option<DnsAudit>,
    /// The days it is about.
    pub window: WindowAnswer,
    /// The day of the review.
    pub as_of: String,
    /// The end of the newest report on the domain in the window.
    pub newest_report: Option<String>,
    /// The thresholds.
    pub thresholds: ReadinessThresholds,
    /// The program and its version.
    pub program: String,
}
