//! What checks judge, and the list that they fill.

use std::fmt::Display;

use super::answer::{Blocker, Check, CheckArea, Fragile, Regression, Undecided};
use super::policy::{PublishedAnswer, Target};
use super::reporters::{Evidence, ReporterFigures};
use super::selectors::SelectorHealth;
use super::subdomains::Subdomain;
use super::thresholds::ReadinessThresholds;
use crate::diagnosis::{Cause, DomainFinding};
use crate::dns::DnsAudit;
use crate::query::StrictFigures;
use crate::words;

/// What was found, for the checks to judge.
pub(super) struct Findings<'f> {
    pub(super) domain: &'f str,
    pub(super) target: Target,
    pub(super) thresholds: &'f ReadinessThresholds,
    /// What is wrong with the domain as a whole.
    pub(super) found: &'f [DomainFinding],
    pub(super) evidence: Evidence,
    /// Days from the end of the newest report to the day of the review.
    pub(super) age: Option<u32>,
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
    pub(super) strict: StrictFigures,
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

/// The first few, and how many more.
pub(super) fn listed<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    const MOST: usize = 5;
    words::list(items, MOST)
}
