//! Every message once: passing, or lost to somebody.

use std::collections::BTreeMap;

use serde::Serialize;

use super::thresholds::ReadinessThresholds;
use crate::alignment::DkimState;
use crate::diagnosis::{Class, SendingPath};
use crate::query::Survey;
use crate::report::period::Day;
use crate::role::Role;

/// What would become of the window's messages: passing and lost ones are all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Impact {
    /// Messages.
    pub messages: u64,
    /// Messages that pass DMARC.
    pub pass: u64,
    /// Messages that fail DMARC now, by the role of their path, under every role. Each counts once.
    pub lost: BTreeMap<Role, u64>,
}

impl Impact {
    /// What a stricter policy would lose of a role's mail.
    #[must_use]
    pub fn lost_of(&self, role: Role) -> u64 {
        self.lost.get(&role).copied().unwrap_or(0)
    }

    /// What it would lose of the domain's own mail and of approved senders.
    #[must_use]
    pub fn lost_own(&self) -> u64 {
        self.lost_of(Role::Own) + self.lost_of(Role::Approved)
    }
}

/// A day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayFigures {
    /// The day.
    #[serde(rename = "date", serialize_with = "crate::diagnosis::dates::as_date")]
    pub day: Day,
    /// Messages.
    pub messages: u64,
    /// Messages that fail DMARC.
    pub fail: u64,
    /// Messages by the class of their path, under every class.
    pub by_class: BTreeMap<Class, u64>,
}

/// A sum for each word of a closed set, of nothing yet.
fn no_messages<W: Copy + Ord>(all: &[W]) -> BTreeMap<W, u64> {
    all.iter().map(|&word| (word, 0)).collect()
}

/// What the review wants of a path besides its figures.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PathDays {
    /// Messages that pass DMARC without an aligned signature.
    pub(super) spf_alone: u64,
    /// Messages, those that pass DMARC and those with an aligned signature, before the last days and in them.
    pub(super) before: [u64; 3],
    pub(super) recent: [u64; 3],
}

/// Messages of a path that do not pass.
pub(super) fn failing(path: &SendingPath) -> u64 {
    path.messages - path.dmarc_pass.min(path.messages)
}

/// Whether a path's mail is the domain's own, so that losing it is a loss.
pub(super) fn is_own(path: &SendingPath) -> bool {
    path.role.is_owners()
}

/// The mail that shares of a domain's mail are taken of: that of the owner's paths, and of services and accounts that may be. A wave of
/// spoofing, a replay or what others pass on makes nobody's mail a smaller part of it. Of a domain that has none, all mail.
pub(super) fn genuine<'p>(paths: &[&'p SendingPath], parked: bool) -> Vec<&'p SendingPath> {
    let may_be = |path: &&SendingPath| is_own(path) || matches!(path.role, Role::Service | Role::OtherAccount);
    let found: Vec<&SendingPath> = paths.iter().copied().filter(may_be).collect();
    if parked || found.iter().all(|path| path.messages == 0) { paths.to_vec() } else { found }
}

pub(super) fn impact<'p>(paths: impl Iterator<Item = &'p SendingPath>) -> Impact {
    let mut impact = Impact { messages: 0, pass: 0, lost: no_messages(Role::ALL) };
    for path in paths {
        impact.messages += path.messages;
        impact.pass += path.messages - failing(path);
        *impact.lost.entry(path.role).or_default() += failing(path);
    }
    impact
}

/// Goes through the sums behind the paths once: each path's days, and each day's classes.
pub(super) fn days(survey: &Survey, paths: &[&SendingPath], recent_from: Day) -> (Vec<PathDays>, Vec<DayFigures>) {
    let mut of_paths = Vec::with_capacity(paths.len());
    let mut of_days: BTreeMap<Day, DayFigures> = BTreeMap::new();
    for path in paths {
        let mut sums = PathDays::default();
        for entry in survey.tally.entries(path.figures) {
            let facts = survey.tally.facts(entry);
            let day = survey.tally.report(entry).day;
            let (passed, signed) = (facts.dmarc == Some(true), facts.dkim == DkimState::Aligned);
            let messages = entry.messages;
            sums.spf_alone += if passed && !signed { messages } else { 0 };
            let part = if day >= recent_from { &mut sums.recent } else { &mut sums.before };
            part[0] += messages;
            part[1] += if passed { messages } else { 0 };
            part[2] += if signed { messages } else { 0 };
            let figures = of_days.entry(day).or_insert_with(|| DayFigures {
                day,
                messages: 0,
                fail: 0,
                by_class: no_messages(Class::ALL),
            });
            figures.messages += messages;
            figures.fail += if passed { 0 } else { messages };
            *figures.by_class.entry(path.class).or_default() += messages;
        }
        of_paths.push(sums);
    }
    (of_paths, of_days.into_values().collect())
}

/// The messages of one's own path that SPF alone carries; of a path that signs, those of machines that never do.
pub(super) fn spf_alone(path: &SendingPath, days: &PathDays) -> u64 {
    let of_machines = path.evidence.cause.as_ref().filter(|_| path.is_of_machines());
    match (is_own(path), path.class) {
        (false, _) => 0,
        (true, Class::Signed) => of_machines.map_or(0, |shown| shown.messages.min(days.spf_alone)),
        (true, _) => days.spf_alone,
    }
}

/// How many messages of a path must pass by SPF only for it to count: more than the threshold says; or any, where the paths below the
/// threshold exceed it in sum and are not a small part of all, as with many machines that send little each.
pub(super) fn least_alone<'p>(
    paths: impl Iterator<Item = (&'p SendingPath, &'p PathDays)>,
    thresholds: &ReadinessThresholds,
) -> u64 {
    let (mut small, mut all) = (0u64, 0u64);
    for (path, days) in paths.filter(|(path, _)| is_own(path)) {
        let alone = spf_alone(path, days);
        all = all.saturating_add(path.messages);
        small = small.saturating_add(if alone > thresholds.max_path_failures { 0 } else { alone });
    }
    let is_part = small as f64 > (1.0 - thresholds.pass_share) * all as f64;
    if small > thresholds.max_path_failures && is_part { 0 } else { thresholds.max_path_failures }
}
