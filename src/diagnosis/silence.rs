//! Reports that no longer come: of one reporter, on one domain, or at all. Silence must never look like health.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::dates::shown;
use crate::query::ReporterDays;
use crate::report::period::Day;
use crate::reporter::operator;

/// No reports come any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Silence {
    /// The last day that a report is on; absent where there never was one.
    pub last_day: Option<String>,
    /// Days since, up to today.
    pub days: u32,
}

/// The reports of a day come on the next, so that they are one day old. When the newest are as old as this, no report came for two
/// days.
pub const SILENT: Day = 3;
/// A reporter is silent when it pauses for longer than its longest pause times this, and not before [`SILENT`] days.
const PATIENCE: f64 = 1.5;
/// Where no earlier pause took [`WEEK`] days, one is silence only once it is less likely than this: a probability, from how many of the
/// days are without a report.
const CHANCE: f64 = 0.002;
/// After this many days a pause is not asked how likely it is.
const LONG: Day = 10;
/// A reporter that has paused for this many days is not asked either: its longest pause tells more.
const WEEK: Day = 7;
/// Fewer days with reports make no habit.
const HABIT: usize = 4;
/// A reporter with this share of the messages is missed.
const LARGE: f64 = 0.1;

/// Whether reports have stopped altogether, as of a day.
pub(super) fn silence(reporter_days: &[ReporterDays], today: Day) -> Option<Silence> {
    let last = reporter_days.iter().filter_map(|one| one.days.keys().next_back()).max().copied();
    let days = last.map_or(Day::MAX, |last| today.saturating_sub(last));
    (days >= SILENT).then(|| Silence { last_day: last.map(shown), days: days.unsigned_abs() })
}

/// A run of mail that comes once a month lasts for fewer days than this: what was seen for less may come again.
pub(super) const MONTHLY_RUN: Day = 15;

/// A path from which nothing has come for this many days is quiet.
const QUIET: Day = 14;

/// Whether nothing has come for long from what was last seen on a day, up to another day.
pub(super) fn is_quiet(last_seen: Day, last: Day) -> bool {
    last.saturating_sub(last_seen) >= QUIET
}

/// Messages by the days that there are reports on.
pub(super) type Days = BTreeMap<Day, u64>;

/// By reporter, or by policy domain, the days that there are reports on.
pub(super) fn gather<'p>(
    reporter_days: &'p [ReporterDays],
    name: impl Fn(&'p ReporterDays) -> &'p str,
) -> BTreeMap<&'p str, Days> {
    let mut found: BTreeMap<&str, Days> = BTreeMap::new();
    for one in reporter_days {
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

/// When reports stopped, by their own habit; `days` are in order. `last` is the last day on which any could be.
pub(super) fn stopped(days: impl Iterator<Item = Day>, last: Day) -> Option<Stopped> {
    let all: Vec<Day> = days.take_while(|&day| day <= last).collect();
    let end = *all.last()?;
    if all.len() < HABIT {
        return None;
    }
    let longest = all.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap_or(1);
    // Where there is little mail, days without any follow each other by chance. What comes once a week has a habit.
    let span = f64::from(end.saturating_sub(all[0]).saturating_add(1));
    let without = 1.0 - all.len() as f64 / span;
    let by_chance = if longest < WEEK && without > 0.0 { (CHANCE.ln() / without.ln()).ceil() } else { 0.0 };
    let patience =
        (f64::from(longest) * PATIENCE).ceil().max(by_chance.min(f64::from(LONG))).max(f64::from(SILENT)) as Day;
    let noticed = end.saturating_add(patience);
    (noticed <= last).then_some(Stopped { end, noticed })
}

/// The messages from a day to another.
pub(super) fn messages(days: &Days, first: Day, last: Day) -> u64 {
    days.range(first..=last).fold(0_u64, |sum, (_, &messages)| sum.saturating_add(messages))
}

/// The most days between the last mail of a machine and the first of what takes its place.
pub(super) const BETWEEN: Day = 3;
/// Their messages a day differ by less than this factor.
const ALIKE: f64 = 3.0;
/// Days before the last that are looked at, to know how much came a day.
const LATELY: Day = 14;

/// Whether about as much mail began as other mail ended, up to a day: the first day of it, and how much the two differ (the logarithm
/// of the factor, nothing where they are equal).
pub(super) fn takes_over(before: &Days, after: &Days, last: Day) -> Option<(Day, f64)> {
    let (&end, _) = before.range(..=last).next_back()?;
    let (&first, _) = after.first_key_value()?;
    let ratio = a_day(after, first, last) / a_day(before, end.saturating_sub(LATELY), end);
    let is_close = first.saturating_sub(end).abs() <= BETWEEN && after.len() >= 2;
    let is_alike = ratio.is_finite() && ratio > 1.0 / ALIKE && ratio < ALIKE;
    (is_close && is_alike).then(|| (first, ratio.ln().abs()))
}

/// The most days that mail moves for from one sender to another, mailbox by mailbox.
const MOVES: Day = 28;
/// The messages a day of both together stay within this factor, before, during and after.
const CONSTANT: f64 = 1.5;

/// Whether mail moved from one sender to another over some days on which both sent, up to a day: their sum stayed as it was. The first
/// day of the new one, and how much what it sends in the end differs from what the old one sent at first, as for [`takes_over`].
pub(super) fn moves_gradually(before: &Days, after: &Days, last: Day) -> Option<(Day, f64)> {
    let (&end, _) = before.range(..=last).next_back()?;
    let (&first, _) = after.first_key_value()?;
    let begin = end.saturating_add(1);
    let both = end.saturating_sub(first);
    let is_seen = begin <= last && before.range(..first).count() >= HABIT && after.range(begin..=last).count() >= 2;
    if !(BETWEEN < both && both <= MOVES && is_seen) {
        return None;
    }
    let at_first = a_day(before, first.saturating_sub(LATELY), first.saturating_sub(1));
    let days: BTreeSet<Day> = before.range(first..=end).chain(after.range(first..=end)).map(|(&day, _)| day).collect();
    let during = messages(before, first, end).saturating_add(messages(after, first, end)) as f64 / days.len() as f64;
    let in_the_end = a_day(after, begin, last);
    let unlike = |one: f64| (one / at_first).ln().abs();
    let constant = unlike(during) < CONSTANT.ln() && unlike(in_the_end) < CONSTANT.ln();
    constant.then(|| (first, unlike(in_the_end)))
}

/// Messages a day, over the days from the first to the last on which any came.
fn a_day(days: &Days, first: Day, last: Day) -> f64 {
    let number = days.range(first..=last.max(first)).count();
    messages(days, first, last.max(first)) as f64 / number.max(1) as f64
}

/// The policy domains on which no reports come any more, as of a day. A domain of which one reporter of several told is that
/// reporter's silence; one below another that is still reported on may have lost its own record.
pub(super) fn silent_domains(reporter_days: &[ReporterDays], last: Day) -> Vec<(&str, Stopped)> {
    let domains = gather(reporter_days, |one| &one.domain);
    let mut all: BTreeSet<Cow<'_, str>> = BTreeSet::new();
    let mut reporters: BTreeMap<&str, BTreeSet<Cow<'_, str>>> = BTreeMap::new();
    for one in reporter_days {
        all.insert(operator(&one.reporter));
        reporters.entry(&one.domain).or_default().insert(operator(&one.reporter));
    }
    let several = all.len() > 1;
    let goes_on = |domain: &str, end: Day| {
        let above = domain.match_indices('.').filter_map(|(dot, _)| domains.get(&domain[dot + 1..]));
        above.filter_map(|days| days.range(..=last).next_back()).any(|(&day, _)| day > end)
    };
    let silent = |domain: &str, days: &Days| {
        let alone = several && reporters.get(domain).is_some_and(|of| of.len() == 1);
        stopped(days.keys().copied(), last).filter(|stopped| !alone && !goes_on(domain, stopped.end))
    };
    domains.iter().filter_map(|(domain, days)| Some((*domain, silent(domain, days)?))).collect()
}

/// A reporter that no longer reports while others do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SilentReporter<'p> {
    pub(super) name: &'p str,
    pub(super) stopped: Stopped,
    /// The last day that any reporter reported.
    pub(super) newest: Day,
    /// Its messages in the days that are asked for, and those of all reporters.
    pub(super) messages: (u64, u64),
}

impl SilentReporter<'_> {
    /// Whether it reported enough to be missed.
    pub(super) fn is_large(&self) -> bool {
        self.messages.0 > 0 && self.messages.0 as f64 >= LARGE * self.messages.1 as f64
    }
}

/// The reporters that no longer report, as of a day; how much they reported is counted from a day on.
pub(super) fn silent_reporters(reporter_days: &[ReporterDays], from: Day, last: Day) -> Vec<SilentReporter<'_>> {
    let reporters = gather(reporter_days, |one| &one.reporter);
    let of = |days: &Days| messages(days, from.min(last), last);
    let all = reporters.values().fold(0_u64, |sum, days| sum.saturating_add(of(days)));
    let Some(newest) = reporters.values().filter_map(|days| days.range(..=last).next_back()).map(|(&day, _)| day).max()
    else {
        return Vec::new();
    };
    reporters
        .iter()
        .filter_map(|(name, days)| {
            let stopped = stopped(days.keys().copied(), newest)?;
            Some(SilentReporter { name, stopped, newest, messages: (of(days), all) })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_longer_than_any_pause() {
        let daily = || 0..20;
        assert_eq!(stopped(daily(), 40), Some(Stopped { end: 19, noticed: 22 }));
        assert_eq!(stopped(daily(), 21), None);
        let weekly = || (0..5).map(|week| week * 7);
        assert_eq!(stopped(weekly(), 38), None);
        assert_eq!(stopped(weekly(), 39), Some(Stopped { end: 28, noticed: 39 }));
        assert_eq!(stopped([1, 2, 3].into_iter(), 90), None, "no habit");
        // Every other day or so, after a short pause or two.
        let sparse = || [1, 2, 4, 5, 8, 9, 11, 14, 16, 17, 20, 21].into_iter();
        assert_eq!(stopped(sparse(), 28), None);
        assert_eq!(stopped(sparse(), 32), Some(Stopped { end: 21, noticed: 29 }));
        // What is told of later days does not count.
        assert_eq!(stopped(daily().chain(50..60), 40), Some(Stopped { end: 19, noticed: 22 }));
    }

    #[test]
    fn mail_moves_gradually_where_the_sum_of_both_stays() {
        let days = |all: &[(std::ops::Range<Day>, u64)]| -> Days {
            all.iter().flat_map(|(days, messages)| days.clone().map(move |day| (day, *messages))).collect()
        };
        let old = days(&[(0..10, 90), (10..20, 45)]);
        let new = |during, after| days(&[(10..20, during), (20..30, after)]);
        assert_eq!(moves_gradually(&old, &new(45, 90), 29), Some((10, 0.0)));
        // Two that sent beside each other, one of which ended.
        assert_eq!(moves_gradually(&days(&[(0..20, 90)]), &new(90, 90), 29), None);
        assert_eq!(moves_gradually(&old, &new(45, 45), 29), None);
        // Still both.
        assert_eq!(moves_gradually(&old, &new(45, 90), 19), None);
    }

    fn of(domain: &str, reporter: &str, days: std::ops::Range<Day>) -> ReporterDays {
        ReporterDays {
            domain: domain.to_owned(),
            reporter: reporter.to_owned(),
            days: days.map(|day| (day, 10)).collect(),
        }
    }

    #[test]
    fn a_domain_is_silent_when_its_reporters_are() {
        let names = |reporter_days: &[ReporterDays]| -> Vec<String> {
            silent_domains(reporter_days, 30).into_iter().map(|(domain, _)| domain.to_owned()).collect()
        };
        let goes_on = [of("example.com", "one", 0..30), of("example.com", "two", 0..30)];
        let stops = [of("example.org", "one", 0..20), of("example.org", "two", 0..20)];
        let below = [of("news.example.com", "one", 0..20), of("news.example.com", "two", 0..20)];
        let alone = [of("example.net", "liar", 0..20)];
        assert_eq!(names(&[goes_on.clone(), stops].concat()), ["example.org"]);
        assert_eq!(names(&[goes_on.to_vec(), below.to_vec(), alone.to_vec()].concat()), [""; 0]);
        assert_eq!(names(&alone), ["example.net"], "there is no other");
    }

    #[test]
    fn a_reporter_is_silent_while_others_are_not() {
        let reporter_days = [of("example.com", "one", 0..30), of("example.com", "two", 0..20)];
        let silent = silent_reporters(&reporter_days, 0, 40);
        assert_eq!(silent.len(), 1);
        assert_eq!((silent[0].name, silent[0].newest, silent[0].messages), ("two", 29, (200, 500)));
        assert!(silent[0].is_large());
        assert_eq!(silent_reporters(&reporter_days, 0, 21), Vec::new());
    }
}
