//! What checks judge, the list that they fill, and how they write figures.

use super::answer::{Blocker, Check, CheckArea, Fragile, Regression, StrictAnswer, Undecided};
use super::policy::{PublishedAnswer, Target};
use super::reporters::{Evidence, ReporterFigures};
use super::selectors::SelectorHealth;
use super::subdomains::Subdomain;
use super::thresholds::ReadinessThresholds;
use crate::diagnosis::{Cause, DomainFinding};
use crate::dns::DnsAudit;

/// What was found, for the checks to judge.
pub(super) struct Findings<'f> {
    pub(super) domain: &'f str,
    pub(super) target: Target,
    pub(super) thresholds: &'f ReadinessThresholds,
    /// What is wrong with the domain as a whole.
    pub(super) found: &'f [DomainFinding],
    pub(super) evidence: Evidence,
    /// Days from the end of the newest report to the day of the review.
    pub(super) age: Option<i64>,
    pub(super) window_days: i64,
    pub(super) own_messages: u64,
    pub(super) own_failing: u64,
    /// Paths of one's own that are not of class signed.
    pub(super) unsigned_own: u64,
    pub(super) mailboxes: Vec<String>,
    pub(super) subdomains: Vec<Subdomain>,
    pub(super) selectors: Vec<SelectorHealth>,
    pub(super) blockers: &'f [Blocker],
    pub(super) fragile: &'f [Fragile],
    pub(super) decide: &'f [Undecided],
    /// Paths of one's own on which DKIM fails at every reporter, each with why.
    pub(super) failing_signatures: &'f [(String, Option<Cause>)],
    /// Unknown paths that look like forgotten senders.
    pub(super) forgotten: &'f [Undecided],
    pub(super) regressions: &'f [Regression],
    pub(super) reporters: &'f [ReporterFigures],
    pub(super) published: Option<&'f PublishedAnswer>,
    pub(super) strict: StrictAnswer,
    pub(super) dns: Option<&'f DnsAudit>,
}

/// The list as it grows.
#[derive(Default)]
pub(super) struct List {
    pub(super) checks: Vec<Check>,
}

impl List {
    pub(super) fn add(
        &mut self,
        area: CheckArea,
        name: &str,
        blocking: bool,
        passed: bool,
        threshold: impl Into<String>,
        detail: impl Into<String>,
    ) {
        let (threshold, detail) = (threshold.into(), detail.into());
        self.checks.push(Check { name: name.to_owned(), area, blocking, passed, detail, threshold });
    }
}

pub(super) fn count(number: u64, word: &str) -> String {
    format!("{} {word}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", grouped(number / 1000), number % 1000),
    }
}

/// The first few, and how many more.
pub(super) fn listed<T: ToString>(items: impl Iterator<Item = T>) -> String {
    const MOST: usize = 5;
    let all: Vec<String> = items.map(|item| item.to_string()).collect();
    let more = all.len().saturating_sub(MOST);
    let shown = all.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// A share in percent, to a tenth where that says more.
pub(super) fn percent(share: f64) -> String {
    let tenths = (share * 1000.0).round() / 10.0;
    if tenths.fract() == 0.0 { format!("{tenths:.0}%") } else { format!("{tenths:.1}%") }
}

/// A share in percent that never looks larger than it is.
pub(super) fn floored(share: f64) -> String {
    let hundredths = (share * 10_000.0).floor() / 100.0;
    if hundredths.fract() == 0.0 { format!("{hundredths:.0}%") } else { format!("{hundredths:.2}%") }
}
