//! Reports that no longer come: of one reporter, on one domain, or at all. Silence must never look like health.

use std::collections::BTreeMap;

use serde::Serialize;

use super::dates::shown;
use crate::query::Presence;
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
pub(super) const LARGE: f64 = 0.1;

/// Whether reports have stopped altogether, as of a day.
pub(super) fn silence(presence: &[Presence], today: Day) -> Option<Silence> {
    let last = presence.iter().filter_map(|one| one.days.keys().next_back()).max().copied();
    let days = last.map_or(Day::MAX, |last| today.saturating_sub(last));
    (days >= SILENT).then(|| Silence { last_day: last.map(shown), days: days.unsigned_abs() })
}

/// Messages by the days that there are reports on.
pub(super) type Days = BTreeMap<Day, u64>;

/// By reporter, or by policy domain, the days that there are reports on.
pub(super) fn gather<'p>(presence: &'p [Presence], name: impl Fn(&'p Presence) -> &'p str) -> BTreeMap<&'p str, Days> {
    let mut found: BTreeMap<&str, Days> = BTreeMap::new();
    for one in presence {
        let days = found.entry(name(one)).or_default();
        for (&day, &messages) in &one.days {
            let sum = days.entry(day).or_default();
            *sum = sum.saturating_add(messages);
        }
    }
    found
}

/// When reports stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stopped {
    /// The last day that there is a report on.
    pub(super) end: Day,
    /// The day on which the pause grew longer than any before.
    pub(super) noticed: Day,
}

/// When reports stopped, by their own habit. `last` is the last day on which any could be.
pub(super) fn stopped(days: &Days, last: Day) -> Option<Stopped> {
    let end = *days.keys().next_back()?;
    let all: Vec<Day> = days.keys().copied().collect();
    if all.len() < HABIT {
        return None;
    }
    let longest = all.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap_or(1);
    let patience = (f64::from(longest) * PATIENCE).ceil().max(f64::from(SILENT)) as Day;
    let noticed = end.saturating_add(patience);
    (noticed <= last).then_some(Stopped { end, noticed })
}

/// The messages from a day to another.
pub(super) fn messages(days: &Days, first: Day, last: Day) -> u64 {
    days.range(first..=last).fold(0_u64, |sum, (_, &messages)| sum.saturating_add(messages))
}
