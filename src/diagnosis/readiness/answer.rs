//! The answer of `readiness`.

use serde::Serialize;

use super::thresholds::ReadinessThresholds;
use crate::diagnosis::{Class, Standing, WindowAnswer};
use crate::dns::DnsAudit;
use crate::providers::Remedy;

/// The policy that is to be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// `p=quarantine`.
    Quarantine,
    /// `p=reject`.
    Reject,
}

impl Target {
    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Target::Quarantine => "quarantine",
            Target::Reject => "reject",
        }
    }
}

/// What the review comes to, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Mail of the domain's own would be lost, or something else stands in the way.
    NotReady,
    /// Too little is known to say.
    NotEnoughData,
    /// Nothing stands in the way.
    Ready,
}

impl Verdict {
    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::NotReady => "not-ready",
            Verdict::NotEnoughData => "not-enough-data",
            Verdict::Ready => "ready",
        }
    }
}

/// How much is known.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Evidence {
    /// Days with reports of mail.
    pub days: u32,
    /// Reports.
    pub reports: u64,
    /// Reporters that told of mail.
    pub reporters: u64,
    /// Messages.
    pub messages: u64,
    /// The reporter that told of most messages.
    pub largest_reporter: Option<String>,
    /// Its share of the messages.
    pub largest_reporter_share: Option<f64>,
    /// Reports of which nobody checked whether their mail was genuine.
    pub unchecked_reports: u64,
}

/// Messages that fail DMARC now, by whose they are. Each counts once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names are the standings'")]
pub struct Lost {
    pub yours: u64,
    pub listed: u64,
    pub recognised: u64,
    pub forwarded: u64,
    pub unproven: u64,
}

impl Lost {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.yours + self.listed + self.recognised + self.forwarded + self.unproven
    }
}

/// What would become of the window's messages: passing and lost ones are all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Impact {
    /// Messages.
    pub messages: u64,
    /// Messages that pass DMARC.
    pub pass: u64,
    /// Messages that do not.
    pub lost: Lost,
}

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckArea {
    /// The amount of evidence.
    Data,
    /// Mail.
    Mail,
    /// Policies and standards.
    Policy,
    /// Live DNS records.
    Dns,
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
    /// What to do.
    pub remedy: Option<Remedy>,
    /// Who hands over.
    pub sender: String,
    /// Header From.
    pub domain: String,
    /// Its standing.
    pub standing: Standing,
    /// All its messages.
    pub path_messages: u64,
    /// Those that pass by SPF alone.
    pub spf_alone: u64,
    /// Why it stands in the way: `fails`, `spf-alone`.
    pub reasons: Vec<&'static str>,
}

/// A path of one's own that SPF alone carries: forwarding breaks it.
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
    /// Messages that pass by SPF alone.
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

/// A domain below the one reviewed that was seen in From.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subdomain {
    /// Its name.
    pub domain: String,
    /// Its messages.
    pub messages: u64,
    /// Those that pass DMARC.
    pub pass: u64,
    /// Those of paths of standing yours and listed that do not.
    pub own_lost: u64,
    /// Where receivers found its policy last.
    pub policy_domain: Option<String>,
    /// Whether it inherits the policy of the domain reviewed.
    pub inherited: bool,
    /// The policy that holds for it now.
    pub now: Option<String>,
    /// The tag that says so: `p`, `sp`, or `own` for a record of its own.
    pub by: &'static str,
    /// The policy that would hold after the change, with `sp` and `np` left as they are.
    pub then: String,
    /// What receivers that walk the DNS tree (RFC 9989) and others do differently, and what `np` does.
    pub notes: Vec<String>,
}

/// What strict alignment would cost: messages that pass now and would not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct StrictAnswer {
    /// Under `adkim=s` alone.
    pub lost_adkim: u64,
    /// Under `aspf=s` alone.
    pub lost_aspf: u64,
    /// Under both.
    pub lost_both: u64,
    /// Of which the reports do not tell.
    pub unknown: u64,
}

/// What receivers did with the messages that fail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names are the dispositions'")]
pub struct DispositionFigures {
    pub none: u64,
    pub quarantine: u64,
    pub reject: u64,
    pub unknown: u64,
}

/// Failing messages for which receivers did not do what the policy asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overridden {
    /// What the policy asked for.
    pub asked: String,
    /// What was done.
    pub done: &'static str,
    /// The reasons given, each `type` or `type: comment`; none is an answer too.
    pub reasons: Vec<String>,
    /// Messages.
    pub messages: u64,
    /// Who did.
    pub reporters: Vec<String>,
}

/// A reporter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReporterFigures {
    /// Its name.
    pub reporter: String,
    /// Its reports.
    pub reports: u64,
    /// Its messages.
    pub messages: u64,
    /// Its share of all messages.
    pub share: f64,
    /// First day it reported on.
    pub first: String,
    /// Last day.
    pub last: String,
    /// It used to report, and no longer does.
    pub silent: bool,
}

/// The record as reports found it last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names are the tags'")]
pub struct PublishedAnswer {
    pub domain: String,
    pub p: Option<String>,
    pub sp: Option<String>,
    pub np: Option<String>,
    pub adkim: Option<String>,
    pub aspf: Option<String>,
    pub pct: Option<String>,
    pub testing: Option<String>,
}

/// A change of the published record within the window, as reports saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyChange {
    /// The first day on which most reports saw the new value.
    pub date: String,
    /// The tag.
    pub tag: &'static str,
    /// Its value before.
    pub from: Option<String>,
    /// Its value from then on.
    pub to: Option<String>,
}

/// A selector of the domain's own signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SelectorHealth {
    /// `d=`.
    pub domain: String,
    /// `s=`; absent where reporters leave it out.
    pub selector: Option<String>,
    /// Messages whose signature verified.
    pub verified: u64,
    /// Messages whose signature did not.
    pub failed: u64,
    /// Whether that is within the threshold.
    pub healthy: bool,
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

/// A day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayFigures {
    /// The date.
    pub date: String,
    /// Messages.
    pub messages: u64,
    /// Messages that fail DMARC.
    pub fail: u64,
    /// Messages by the class of their path.
    pub by_class: ByClass,
}

/// Messages by the class of their path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names are the classes'")]
pub struct ByClass {
    pub signed: u64,
    pub intermittent: u64,
    pub unaligned: u64,
    pub broken: u64,
    pub unsigned: u64,
    pub forwarded: u64,
    pub unproven: u64,
}

impl ByClass {
    /// The figure of a class.
    pub fn of_mut(&mut self, class: Class) -> &mut u64 {
        match class {
            Class::Signed => &mut self.signed,
            Class::Intermittent => &mut self.intermittent,
            Class::Unaligned => &mut self.unaligned,
            Class::Broken => &mut self.broken,
            Class::Unsigned => &mut self.unsigned,
            Class::Forwarded => &mut self.forwarded,
            Class::Unproven => &mut self.unproven,
        }
    }

    /// The figure of a class.
    #[must_use]
    pub fn of(&self, class: Class) -> u64 {
        *self.clone().of_mut(class)
    }
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
    /// Its standing.
    pub standing: Standing,
    /// Messages.
    pub messages: u64,
    /// Messages that pass DMARC.
    pub pass: u64,
    /// Messages with an aligned, verifying signature.
    pub dkim_aligned: u64,
    /// Messages with aligned SPF.
    pub spf_aligned: u64,
    /// Messages that pass by SPF alone.
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
    /// The checks.
    pub checks: Vec<Check>,
    /// Paths that stand in the way, those that lose most first.
    pub blockers: Vec<Blocker>,
    /// Paths of one's own that SPF alone carries.
    pub fragile: Vec<Fragile>,
    /// Subdomains seen.
    pub subdomains: Vec<Subdomain>,
    /// Catalogued senders to decide about.
    pub decide: Vec<Undecided>,
    /// Unproven paths that are large and authenticate as somebody: forgotten senders look like this.
    pub forgotten: Vec<Undecided>,
    /// Strict alignment.
    pub strict: StrictAnswer,
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

/// One line of the list of all domains.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReviewLine {
    /// The domain.
    pub domain: String,
    /// What its review comes to.
    pub verdict: Verdict,
    /// The policy published last.
    pub policy: Option<String>,
    /// Days with reports of mail.
    pub days: u32,
    /// Reporters that told of mail.
    pub reporters: u64,
    /// What would become of its messages.
    pub impact: Impact,
    /// How many paths stand in the way.
    pub blockers: u64,
    /// The blocking checks that failed.
    pub failed: Vec<String>,
}

/// All domains, worst first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReviewList {
    /// Which answer, and its version.
    pub schema: &'static str,
    /// The policy that is to be published.
    pub target: Target,
    /// The days it is about.
    pub window: WindowAnswer,
    /// The day of the reviews.
    pub as_of: String,
    /// Reports behind it.
    pub reports: u64,
    /// The end of the newest.
    pub newest_report: Option<String>,
    /// The domains.
    pub domains: Vec<ReviewLine>,
}

impl ReviewList {
    /// Of the reviews of several domains over the same window.
    #[must_use]
    pub fn of(reviews: Vec<Review>) -> Self {
        let first = reviews.first();
        let mut list = ReviewList {
            schema: "dmarcstat/readiness-list/1",
            target: first.map_or(Target::Reject, |one| one.target),
            window: first.map_or(WindowAnswer { begin: None, end: None }, |one| one.window.clone()),
            as_of: first.map(|one| one.as_of.clone()).unwrap_or_default(),
            reports: reviews.iter().map(|one| one.evidence.reports).sum(),
            newest_report: reviews.iter().filter_map(|one| one.newest_report.clone()).max(),
            domains: Vec::new(),
        };
        list.domains = reviews
            .into_iter()
            .map(|one| ReviewLine {
                policy: one.published.and_then(|record| record.p),
                days: one.evidence.days,
                reporters: one.evidence.reporters,
                blockers: one.blockers.len() as u64,
                failed: one
                    .checks
                    .into_iter()
                    .filter(|check| check.blocking && !check.passed)
                    .map(|check| check.name)
                    .collect(),
                domain: one.domain,
                verdict: one.verdict,
                impact: one.impact,
            })
            .collect();
        list.domains.sort_by(|a, b| {
            let lost = |line: &ReviewLine| line.impact.lost.yours + line.impact.lost.listed;
            (a.verdict, std::cmp::Reverse(lost(a)), std::cmp::Reverse(a.impact.messages), &a.domain).cmp(&(
                b.verdict,
                std::cmp::Reverse(lost(b)),
                std::cmp::Reverse(b.impact.messages),
                &b.domain,
            ))
        });
        list
    }
}
