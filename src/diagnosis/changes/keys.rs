//! Keys that came, went, failed or verify again.

use std::collections::{BTreeMap, HashMap};

use super::answer::{Change, ChangeKind, ChangeSubject};
use super::comparison::{Comparison, FEW};
use crate::alignment::DkimState;
use crate::diagnosis::dates::shown;
use crate::diagnosis::path::SendingPath;
use crate::diagnosis::selectors::{KeyOwner, KeyState, Rotation, SelectorUse};
use crate::query::Window;
use crate::report::period::Day;

pub(super) fn compare(comparison: &Comparison<'_>) -> Vec<Change> {
    let own = |key: &&SelectorUse| key.owner != KeyOwner::Other && key.selector.is_some();
    let signed = SignedDays::of(comparison);
    comparison.keys.selectors.iter().filter(own).filter_map(|key| change(key, comparison, &signed)).collect()
}

fn change(key: &SelectorUse, comparison: &Comparison<'_>, signed: &SignedDays<'_>) -> Option<Change> {
    let (begin, end) = (shown(comparison.window.first), shown(comparison.window.last));
    let within = |day: &Option<String>| day.as_ref().filter(|day| **day >= begin && **day <= end).cloned();
    let [then, now] = [comparison.before, comparison.window].map(|window| verified(key, window));
    let told = |kind, text: String, since: Option<String>| {
        let mut change = Change::new(kind, ChangeSubject::Selector, text);
        change.domain = Some(key.signing_domain.clone());
        change.name.clone_from(&key.selector);
        change.since = since;
        change
    };
    let note = || key.notes.first().cloned().unwrap_or_default();
    match key.state {
        KeyState::Failing if within(&key.failing_since).is_some() => {
            let covered = key.failing_since.as_ref().is_some_and(|since| signed.cover(key, since));
            let (kind, text) = milder(covered, note(), "; its mail carries another signature that verifies");
            Some(told(kind, text, key.failing_since.clone()))
        }
        KeyState::Failing if within(&Some(key.first_seen.clone())).is_some() && now.1 >= FEW => {
            let covered = signed.cover(key, &key.first_seen);
            let text = "new, and never verified".to_owned();
            let (kind, text) = milder(covered, text, "; its mail carries another signature that verifies");
            Some(told(kind, text, Some(key.first_seen.clone())))
        }
        KeyState::Vanished if then.1 + now.1 >= FEW && now.1 < then.1 / 2 => {
            // Stragglers of the last day of a key lie beside those of its successor.
            let covered = signed.cover(key, &later(&key.last_seen, 1));
            let (kind, text) = milder(covered, note(), "; its mail is signed as the domain all the same");
            Some(told(kind, text, Some(key.last_seen.clone())))
        }
        KeyState::Rotated if within(&Some(key.last_seen.clone())).is_some() || then.1 >= FEW && now.1 == 0 => {
            let rotation =
                comparison.keys.rotations.iter().find(|one| is_of(one, key) && Some(&one.old) == key.selector.as_ref());
            Some(told(ChangeKind::Changed, note(), rotation.map(|one| one.new_first_verified.clone())))
        }
        _ if then.1 >= FEW && now.1 >= FEW && then.0 * 2 < then.1 && now.0 * 10 >= now.1 * 8 => {
            let text = format!("verifies again: {} of {} messages, {} of {} before", now.0, now.1, then.0, then.1);
            Some(told(ChangeKind::Mended, text, None))
        }
        // One that took over is told with the one it took over from.
        _ if comparison.keys.rotations.iter().any(|one| is_of(one, key) && Some(&one.new) == key.selector.as_ref()) => {
            None
        }
        _ if within(&key.began).is_some() && now.1 >= FEW => {
            Some(told(ChangeKind::New, format!("first seen {}", key.first_seen), key.began.clone()))
        }
        _ => None,
    }
}

/// What could cost mail is worse, and what is covered by another signature has only changed.
fn milder(covered: bool, text: String, why: &str) -> (ChangeKind, String) {
    if covered { (ChangeKind::Changed, format!("{text}{why}")) } else { (ChangeKind::Worse, text) }
}

/// Nearly all of the messages.
const COVERED: f64 = 0.95;

/// The days that show what came after a key: what breaks later has reasons of its own.
const AFTER: i64 = 7;

/// By id of each path of the owner's, and by day, the messages that are signed as the domain, and those that are not, as far as that
/// is known: of all the history, so that what happened before the window is judged as it was when it happened.
struct SignedDays<'c>(HashMap<&'c str, BTreeMap<String, [u64; 2]>>);

impl<'c> SignedDays<'c> {
    fn of(comparison: &Comparison<'c>) -> Self {
        let survey = comparison.history.survey;
        let days = |path: &SendingPath| {
            let mut days: BTreeMap<Day, [u64; 2]> = BTreeMap::new();
            for entry in survey.tally.entries(path.figures) {
                let facts = survey.tally.facts(entry);
                if facts.dkim != DkimState::Unknown {
                    let sums = days.entry(survey.tally.report(entry).day).or_default();
                    sums[usize::from(facts.dkim != DkimState::Aligned)] += entry.messages;
                }
            }
            days.into_iter().map(|(day, sums)| (shown(day), sums)).collect()
        };
        let own = comparison.history.diagnosis.paths.iter().filter(|path| path.role.is_owners());
        SignedDays(own.map(|path| (path.id.as_str(), days(path))).collect())
    }

    /// Whether the mail of the paths that a key signs for is signed as the domain in the days from one on, whatever becomes of this
    /// key: a second algorithm beside the first, a default signature that gave way, a key that was retired without a gap.
    fn cover(&self, key: &SelectorUse, since: &str) -> bool {
        let signed = |days: &BTreeMap<String, [u64; 2]>| {
            // Of what sends once a month, from the next time it sends.
            let mut after = days.range(since.to_owned()..).peekable();
            let until = after.peek().map(|(first, _)| later(first, AFTER)).unwrap_or_default();
            let within = after.take_while(|(day, _)| **day < until);
            let sums = within.fold([0_u64; 2], |sums, (_, more)| [sums[0] + more[0], sums[1] + more[1]]);
            sums[0] > 0 && sums[0] as f64 >= COVERED * (sums[0] + sums[1]) as f64
        };
        let mut paths = key.senders.iter().filter_map(|one| self.0.get(one.path.as_str())).peekable();
        paths.peek().is_some() && paths.all(signed)
    }
}

/// The day that lies a number of days after one that is written as a date.
fn later(day: &str, days: i64) -> String {
    let found = day.parse::<jiff::civil::Date>().ok();
    let found = found.and_then(|day| day.checked_add(jiff::Span::new().days(days)).ok());
    found.map_or_else(|| day.to_owned(), |found| found.to_string())
}

fn is_of(rotation: &Rotation, key: &SelectorUse) -> bool {
    rotation.signing_domain == key.signing_domain
}

/// The messages whose signature verified in a window, and those of which it is known whether it did.
fn verified(key: &SelectorUse, window: Window) -> (u64, u64) {
    let days = key.days.iter().filter(|day| window.holds(day.day));
    days.fold((0_u64, 0_u64), |(verified, known), day| {
        (verified.saturating_add(day.verified), known.saturating_add(day.verified).saturating_add(day.failed))
    })
}
