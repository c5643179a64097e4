//! Reports that no longer come: of one reporter, on one domain, or at all. Silence must never look like health.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Change, ChangeKind, ChangeSubject, Comparison};
use crate::diagnosis::dates::shown;
use crate::report::period::Day;

/// No reports come any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Silence {
    /// The last day that a report is on; absent where there never was one.
    pub last_day: Option<String>,
    /// Days since, up to today.
    pub days: u32,
}

/// The reports of a day come on the next. When those of the last two days before yesterday are missing too, no report came
/// for two days.
const SILENT: Day = 3;
/// A reporter is silent when it pauses longer than so many times its longest pause, and not before [`SILENT`] days.
const PATIENCE: f64 = 1.5;
/// Fewer days with reports make no habit.
const HABIT: usize = 4;
/// A reporter with this share of the messages is missed.
const LARGE: f64 = 0.1;

pub(super) fn silence(comparison: &Comparison<'_>) -> Option<Silence> {
    let last = comparison.presence.iter().filter_map(|one| one.days.keys().next_back()).max().copied();
    let days = last.map_or(Day::MAX, |last| comparison.today.saturating_sub(last));
    (days >= SILENT).then(|| Silence { last_day: last.map(shown), days: days.unsigned_abs() })
}

/// Who reports, on whatever it is, with its messages by day.
type Days = BTreeMap<Day, u64>;

fn gather<'p>(
    comparison: &Comparison<'p>,
    name: impl Fn(&'p crate::query::Presence) -> &'p str,
) -> BTreeMap<&'p str, Days> {
    let mut found: BTreeMap<&str, Days> = BTreeMap::new();
    for one in comparison.presence {
        let days = found.entry(name(one)).or_default();
        for (&day, &messages) in &one.days {
            let sum = days.entry(day).or_default();
            *sum = sum.saturating_add(messages);
        }
    }
    found
}

/// The last day of those that stopped within the window, by their own habits: when the pause grew longer than any before.
/// `last` is the last day on which anything was reported.
fn stopped(days: &Days, last: Day, comparison: &Comparison<'_>) -> Option<Day> {
    let end = *days.keys().next_back()?;
    let all: Vec<Day> = days.keys().copied().collect();
    if all.len() < HABIT {
        return None;
    }
    let longest = all.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap_or(1);
    let patience = (f64::from(longest) * PATIENCE).ceil().max(f64::from(SILENT)) as Day;
    let noticed = end.saturating_add(patience);
    (noticed <= last && (comparison.window.first..=comparison.window.last).contains(&noticed)).then_some(end)
}

pub(super) fn of_domains(comparison: &Comparison<'_>) -> Vec<Change> {
    let mut found = Vec::new();
    for (domain, days) in gather(comparison, |one| &one.domain) {
        let in_window = |first: Day, last: Day| days.range(first..=last).next().is_some();
        let mut push = |kind, text: String, since: Day| {
            let mut change = Change::new(kind, ChangeSubject::Domain, text);
            change.domain = Some(domain.to_owned());
            change.since = Some(shown(since));
            found.push(change);
        };
        if let Some(end) = stopped(&days, comparison.today.saturating_sub(1), comparison) {
            push(ChangeKind::Worse, format!("no reports on it since {}", shown(end)), end.saturating_add(1));
        } else if let Some((&first, _)) = days.first_key_value()
            && first >= comparison.window.first
            && in_window(comparison.window.first, comparison.window.last)
            && comparison.then.survey.reports > 0
        {
            push(ChangeKind::New, format!("first reports on it, of {}", shown(first)), first);
        }
    }
    found
}

pub(super) fn of_reporters(comparison: &Comparison<'_>) -> Vec<Change> {
    let reporters = gather(comparison, |one| &one.reporter);
    let Some(last) = reporters.values().filter_map(|days| days.keys().next_back()).max().copied() else {
        return Vec::new();
    };
    let before = |days: &Days| {
        let (first, last) = (comparison.before.first, comparison.window.last);
        days.range(first..=last).fold(0_u64, |sum, (_, &messages)| sum.saturating_add(messages))
    };
    let all = reporters.values().fold(0_u64, |sum, days| sum.saturating_add(before(days)));
    let mut found = Vec::new();
    for (name, days) in &reporters {
        let mut push = |kind, text: String, since: Day| {
            let mut change = Change::new(kind, ChangeSubject::Reporter, text);
            change.name = Some((*name).to_owned());
            change.since = Some(shown(since));
            found.push(change);
        };
        if let Some(end) = stopped(days, last, comparison) {
            let large = before(days) as f64 >= LARGE * all as f64 && all > 0;
            let kind = if large { ChangeKind::Worse } else { ChangeKind::Gone };
            push(kind, format!("its last report is of {}", shown(end)), end.saturating_add(1));
        } else if let Some((&first, _)) = days.first_key_value()
            && (comparison.window.first..=comparison.window.last).contains(&first)
            && comparison.then.survey.reports > 0
        {
            push(ChangeKind::New, format!("its first report is of {}", shown(first)), first);
        }
    }
    found
}
