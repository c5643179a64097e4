//! Who reports, who fell silent, and what receivers did with mail that fails.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::alignment::{Disposition, OverrideReason};
use crate::diagnosis::silence::stopped;
use crate::query::Receivers;
use crate::report::period::{Day, date_of};
use crate::reporter::operator;

/// How much is known.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Evidence {
    /// Days with reports of mail.
    pub days: u32,
    /// Reports.
    pub reports: u64,
    /// Reporters that reported mail: the domains that passed DMARC, under however many names; where none passed, the names.
    pub reporters: u64,
    /// How many operators these are.
    #[serde(skip)]
    pub operators: u64,
    /// Messages.
    pub messages: u64,
    /// The reporter of most messages.
    pub largest_reporter: Option<String>,
    /// Its share of the messages.
    pub largest_reporter_share: Option<f64>,
    /// Reports of the window of which nobody checked whether their mail was genuine.
    pub unchecked_reports: u64,
    /// Some of the reports passed, and those that nobody checked are left out of the review.
    pub unchecked_left_out: bool,
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

#[derive(Default)]
struct Sums {
    reports: u64,
    messages: u64,
    days: BTreeSet<Day>,
}

/// Each reporter, those with most messages first.
pub(super) fn reporters(receivers: &Receivers) -> Vec<ReporterFigures> {
    let mut sums: BTreeMap<&str, Sums> = BTreeMap::new();
    for report in &receivers.reports {
        let one = sums.entry(&receivers.reporters[report.reporter]).or_default();
        one.reports += 1;
        one.messages += report.messages;
        one.days.insert(report.day);
    }
    let total: u64 = sums.values().map(|one| one.messages).sum();
    let newest = sums.values().filter_map(|one| one.days.last()).max().copied().unwrap_or(Day::MIN);
    let mut found: Vec<ReporterFigures> = sums
        .into_iter()
        .filter_map(|(name, one)| {
            let (&first, &last) = (one.days.first()?, one.days.last()?);
            Some(ReporterFigures {
                reporter: name.to_owned(),
                reports: one.reports,
                messages: one.messages,
                share: share(one.messages, total).unwrap_or(0.0),
                first: date_of(first).to_string(),
                last: date_of(last).to_string(),
                silent: stopped(one.days.iter().copied(), newest).is_some(),
            })
        })
        .collect();
    found.sort_by(|a, b| b.messages.cmp(&a.messages).then_with(|| a.reporter.cmp(&b.reporter)));
    found
}

/// How much is known. `unchecked` reports are left out where some passed.
pub(super) fn evidence(receivers: &Receivers, messages: u64, unchecked: u64, left_out: bool) -> Evidence {
    let mut days: BTreeSet<Day> = BTreeSet::new();
    let mut listed: BTreeSet<Cow<'_, str>> = BTreeSet::new();
    let mut witnesses: BTreeMap<Cow<'_, str>, (u64, &str)> = BTreeMap::new();
    for report in receivers.reports.iter().filter(|report| report.messages > 0) {
        days.insert(report.day);
        let name = receivers.reporters[report.reporter].as_str();
        listed.insert(if report.is_checked() { operator(name) } else { Cow::Borrowed(name) });
        let sum = witnesses.entry(operator(name)).or_insert((0, name));
        sum.0 = sum.0.saturating_add(report.messages);
    }
    let total = witnesses.values().fold(0_u64, |sum, one| sum.saturating_add(one.0));
    let largest = witnesses.iter().max_by_key(|(witness, one)| (one.0, Reverse(*witness)));
    Evidence {
        days: u32::try_from(days.len()).unwrap_or(u32::MAX),
        reports: receivers.reports.len() as u64,
        reporters: listed.len() as u64,
        operators: witnesses.len() as u64,
        messages,
        largest_reporter: largest.map(|(_, (_, name))| (*name).to_owned()),
        largest_reporter_share: largest.and_then(|(_, (messages, _))| share(*messages, total)),
        unchecked_reports: unchecked,
        unchecked_left_out: left_out,
    }
}

/// What was done with failing messages, and where it was not what the policy asked for.
pub(super) fn handling(receivers: &Receivers) -> (DispositionFigures, Vec<Overridden>) {
    let mut figures = DispositionFigures::default();
    let mut overridden = Vec::new();
    for one in &receivers.handled {
        let (sum, done) = match one.done {
            Some(Disposition::None | Disposition::Pass) => (&mut figures.none, "none"),
            Some(Disposition::Quarantine) => (&mut figures.quarantine, "quarantine"),
            Some(Disposition::Reject) => (&mut figures.reject, "reject"),
            Some(Disposition::Unknown) | None => (&mut figures.unknown, "unknown"),
        };
        *sum += one.messages;
        if one.is_override() {
            overridden.push(Overridden {
                asked: one.asked.clone().unwrap_or_default(),
                done,
                reasons: one.reasons.iter().map(reason).collect(),
                messages: one.messages,
                reporters: one.reporters.iter().map(|&at| receivers.reporters[at].clone()).collect(),
            });
        }
    }
    (figures, overridden)
}

fn reason(reason: &OverrideReason) -> String {
    let kind = reason.word.as_deref().unwrap_or(reason.kind.as_str());
    match reason.comment.as_deref().filter(|comment| !comment.is_empty()) {
        Some(comment) => format!("{kind}: {comment}"),
        None => kind.to_owned(),
    }
}

/// A part of a whole, where there is a whole.
pub(super) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
