//! How a key fares: does it verify, since when not, is it still used.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::alone::Counted;
use super::key::{FEW, Key};
use crate::diagnosis::change_points::{Segment, segments};
use crate::query::{KeySeen, KeySurvey, KeyUse};
use crate::report::period::Day;
use crate::reporter::operator;
use crate::vocabulary::vocabulary;

vocabulary! {
    /// How a key fares, those that want a look first.
    pub enum KeyState {
        /// Its signatures do not verify, in the last days at least.
        Failing => "failing",
        /// It is no longer seen, though its paths still send.
        Vanished => "vanished",
        /// Some of its signatures verify and some do not.
        Partly => "partly",
        /// Some receivers do not verify its algorithm (ed25519), and no message of its depends on it or others verify all.
        Unsupported => "unsupported",
        /// Its signatures verify.
        Verifying => "verifying",
        /// Another key took over from it.
        Rotated => "rotated",
        /// It is no longer seen, and its paths send too little to tell why.
        Quiet => "quiet",
        /// There are too few messages to tell.
        Few => "few",
    }
}

/// From this share of verified messages on, a key verifies. As everywhere in what is said of a key, this is about the days since its
/// last change, as the class of a path is: a key that was mended verifies.
const VERIFIES: f64 = 0.8;
/// Below this share, a key fails.
const FAILS: f64 = 0.2;
/// The most of a key's messages that may come late: from queues, and by way of others. Each day of them is little beside a usual one.
const STRAGGLERS: f64 = 0.02;
/// What is usual is told by as many days in use.
const LATELY: usize = 14;
/// Fewer days are no gap,
const GAP: Day = 3;
/// and what comes after one is late when it is no more than this share of a usual day.
const AFTER_GAP: f64 = 0.5;
/// A key is missed when this many of its messages would have been due.
const DUE: f64 = 10.0;

/// Stragglers are fewer than this share of what would have been due, and of a usual day.
const LATE: f64 = 0.2;

/// How a key fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Health<'k> {
    pub(super) state: KeyState,
    /// The first day on which it was in use, but for stragglers.
    pub(super) begin: Day,
    /// The last day on which it was in use, but for stragglers.
    pub(super) end: Day,
    /// It came into use while its paths were sending already.
    pub(super) began: Option<Day>,
    /// It went out of use while its paths sent on.
    pub(super) ended: bool,
    /// Messages of its paths since it went out of use.
    pub(super) after: u64,
    /// How many of those would have carried its signature, had it gone on.
    pub(super) due: u64,
    /// Failing since, after it verified.
    pub(super) failing_since: Option<Day>,
    /// Another state before its last change: the day of that, and the messages until then that verified and that failed.
    pub(super) changed: Option<(Day, [u64; 2])>,
    /// The reporters that alone see its signatures verify.
    pub(super) verify_alone: BTreeSet<&'k str>,
}

/// Judges a key by the days of its messages, beside those of its paths.
pub(super) fn health<'k>(key: &Key<'k>, survey: &KeySurvey<'_>) -> Health<'k> {
    let volume: Vec<(Day, u64)> = key.days.iter().map(|(&day, results)| (day, results.messages())).collect();
    let (begin, end) = in_use(&volume);
    let paths: BTreeSet<usize> = key.home.iter().map(|one| one.path).collect();
    let mut traffic: BTreeMap<Day, u64> = BTreeMap::new();
    for (&day, &messages) in paths.iter().filter_map(|&path| survey.path_days.get(path)).flatten() {
        *traffic.entry(day).or_default() += messages;
    }
    let sum = |days: &mut dyn Iterator<Item = (&Day, &u64)>| days.fold(0_u64, |sum, (_, &n)| sum.saturating_add(n));
    let (before, after) = (sum(&mut traffic.range(..begin)), sum(&mut traffic.range(end.saturating_add(1)..)));
    let during = sum(&mut traffic.range(begin..=end)).max(1);
    let messages: u64 = volume.iter().fold(0, |sum, &(_, n)| sum.saturating_add(n));
    let due = |elsewhere: u64| elsewhere as f64 * (messages as f64 / during as f64).min(1.0);
    let pause = traffic.keys().next_back().map_or(0, |last| last.saturating_sub(end));
    let late = volume.iter().filter(|&&(day, _)| day > end).fold(0, |sum: u64, &(_, n)| sum.saturating_add(n));
    let missing = due(after) >= DUE && (late as f64) < LATE * due(after);
    let ended = missing && pause >= 2 && f64::from(pause) > 1.5 * f64::from(longest_pause(&volume, end));
    let began = (due(before) >= DUE).then_some(begin);

    let counted = Counted::of(key);
    let segments = segments(&counted.days);
    let known = |one: &Segment<2>| one.sums[0].saturating_add(one.sums[1]);
    let share = |one: &Segment<2>| one.sums[0] as f64 / known(one).max(1) as f64;
    let last = segments.last();
    let fails = last.is_some_and(|one| share(one) < FAILS);
    let failing_since =
        last.filter(|_| fails && segments.iter().rev().skip(1).any(|one| share(one) > FAILS)).map(|one| one.first);
    let state = match last {
        _ if ended && !fails => KeyState::Vanished,
        _ if last.is_none_or(|one| known(one) < FEW) => KeyState::Few,
        _ if fails => KeyState::Failing,
        _ if pause > 0 && due(after) >= 1.0 && f64::from(pause) > 3.0 * f64::from(longest_pause(&volume, end)) => {
            KeyState::Quiet
        }
        Some(one) if share(one) >= VERIFIES => KeyState::Verifying,
        _ => KeyState::Partly,
    };
    let changed = last.zip(segments[..segments.len().saturating_sub(1)].iter().copied().reduce(Segment::join));
    let changed = changed.filter(|(last, before)| level(share(last)) != level(share(before)));
    let changed = changed.map(|(last, before)| (last.first, before.sums));
    Health {
        state,
        begin,
        end,
        began,
        ended,
        after,
        due: due(after) as u64,
        failing_since,
        changed,
        verify_alone: counted.verify_alone,
    }
}

/// Of shares of verified messages: with the same level a key is in the same state.
fn level(share: f64) -> [bool; 2] {
    [share < FAILS, share >= VERIFIES]
}

/// A reporter knows an algorithm when it verifies at least this many messages
const STEADILY: u64 = 20;
/// and fails on no more than this share; it does not know it the other way round.
const ALMOST_NONE: f64 = 0.05;
/// Nearly all of what a key fails on.
const COVERED: f64 = 0.95;

/// Why a key that fails is taken for one whose algorithm receivers do not know, in words: they part into some that verify every
/// signature and others that verify none; or a signature of another key verifies beside each, and the name says what it is.
pub(super) fn unsupported(key: &Key<'_>) -> Option<String> {
    let mut reporters: BTreeMap<Cow<'_, str>, KeySeen> = BTreeMap::new();
    for (name, seen) in key.home.iter().flat_map(|one| &one.reporters) {
        reporters.entry(operator(name)).or_default().extend(seen);
    }
    let telling = || reporters.values().filter(|one| one.results.verified() + one.results.failed() >= FEW);
    let share = |part: u64, one: &KeySeen| part as f64 / (one.results.verified() + one.results.failed()) as f64;
    let knows = |one: &&KeySeen| {
        one.results.verified() >= STEADILY && one.last > one.first && share(one.results.failed(), one) <= ALMOST_NONE
    };
    let knows_not = |one: &&KeySeen| share(one.results.verified(), one) <= ALMOST_NONE;
    let (some, others) = (telling().filter(knows).count(), telling().filter(knows_not).count());
    if some > 0 && others > 1 && some + others == telling().count() {
        return Some(format!(
            "{some} of {} reporters verify all of it and the others none, as with an algorithm that these do not know (ed25519)",
            some + others
        ));
    }
    let sum = |of: fn(&KeyUse<'_>) -> u64| key.home.iter().fold(0u64, |sum, one| sum.saturating_add(of(one)));
    let failed = sum(|one| one.seen.results.failed());
    let covered = failed > 0 && sum(|one| one.covered) as f64 >= COVERED * failed as f64;
    let named = key.selector.is_some_and(|name| {
        let name = name.to_ascii_lowercase();
        name.contains("25519")
            || name.strip_prefix("ed").is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphabetic()))
    });
    (covered && named).then(|| {
        "ed25519 by its name: receivers that do not know it show it as failed, and another signature verifies beside it"
            .to_owned()
    })
}

/// The days between which a key was in use, stragglers left out.
fn in_use(volume: &[(Day, u64)]) -> (Day, Day) {
    let used: Vec<(Day, u64)> = volume.iter().copied().filter(|&(_, messages)| messages > 0).collect();
    let all = used.iter().fold(0_u64, |sum, &(_, n)| sum.saturating_add(n));
    let late = (all as f64 * STRAGGLERS) as u64;
    let (mut skipped, mut most, mut end) = (0_u64, 0_u64, used.len());
    for at in (1..used.len()).rev() {
        skipped = skipped.saturating_add(used[at].1);
        most = most.max(used[at].1);
        if skipped > late {
            break;
        }
        if are_stragglers(&used[at.saturating_sub(LATELY)..at], used[at].0, most) {
            end = at;
        }
    }
    let day = |one: Option<&(Day, u64)>| one.map_or(0, |one| one.0);
    (day(used.first()), day(used[..end].last()))
}

/// Whether messages from a day on, of which no day has more than `most`, are little beside those of the days in use before: after a
/// fall below even its quiet days, such as those of a weekend, or after a gap such as there was none before.
fn are_stragglers(before: &[(Day, u64)], first: Day, most: u64) -> bool {
    let mut messages: Vec<u64> = before.iter().map(|one| one.1).collect();
    messages.sort_unstable();
    let quiet = messages.get(messages.len() / 7).copied().unwrap_or(0);
    let last = before.last().map_or(first, |one| one.0);
    let gap = first.saturating_sub(last);
    let is_gap = gap >= GAP && f64::from(gap) > 1.5 * f64::from(longest_pause(before, last));
    most as f64 <= if is_gap { AFTER_GAP } else { LATE } * quiet as f64
}

/// The longest time between two days in use up to `end`.
fn longest_pause(volume: &[(Day, u64)], end: Day) -> Day {
    let days: Vec<Day> = volume.iter().filter(|&&(day, n)| day <= end && n > 0).map(|&(day, _)| day).collect();
    days.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The last day in use.
    fn end(volume: impl IntoIterator<Item = (Day, u64)>) -> Day {
        in_use(&volume.into_iter().collect::<Vec<_>>()).1
    }

    #[test]
    fn a_key_that_was_used_as_usual_to_the_end_ends_there_however_long_the_window() {
        for days in [5, 30, 100, 400] {
            assert_eq!(end((0..days).map(|day| (day, 100))), days - 1, "of {days} days");
            // Quiet at weekends, and the last day is a Sunday.
            let weeks = days / 7 + 3;
            assert_eq!(end((0..weeks * 7).map(|day| (day, if day % 7 < 5 { 100 } else { 3 }))), weeks * 7 - 1);
            // It had paused before.
            assert_eq!(end((0..days).chain(days + 20..days + 22).map(|day| (day, 100))), days + 21);
        }
        // It grew less over a year.
        assert_eq!(end((0..360).map(|day: Day| (day, u64::from(400 - day.unsigned_abs())))), 359);
        assert_eq!(end([(3, 1)]), 3);
        assert_eq!(in_use(&[]), (0, 0));
    }

    #[test]
    fn what_comes_late_after_a_fall_or_a_gap_is_no_use() {
        for days in [20, 100, 400] {
            let usual = || (0..days).map(|day| (day, 100));
            assert_eq!(end(usual().chain([(days, 4), (days + 1, 2), (days + 5, 1)])), days - 1, "of {days} days");
            assert_eq!(end(usual().chain([(days + 9, 30)])), days - 1, "after a gap, of {days} days");
            assert_eq!(end(usual().chain([(days + 9, 90)])), days + 9, "as much as ever, of {days} days");
        }
        // Of little mail too.
        assert_eq!(end((0..60).map(|day| (day, 5)).chain([(62, 1)])), 59);
    }
}
