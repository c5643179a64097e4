//! The last change of a path within the window: the day since which it signs otherwise.

use std::collections::BTreeMap;

use crate::diagnosis::change_points::{DIFFERENT, Segment, distance, segments};
use crate::diagnosis::class::{Class, Thresholds, class};
use crate::diagnosis::consensus::view::View;
use crate::diagnosis::states::{Cell, States, add};
use crate::report::period::Day;

/// A change of how a path signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    /// The first day after it.
    pub(crate) day: Day,
    /// The class before, back to the change before that.
    pub(crate) before: Class,
}

/// Fewer days are an incident, and no change.
const DAYS: usize = 2;
/// With more segments than this of different classes the path goes to and fro, and no day of it is the last change: a large
/// mailing once a week, beside daily mail.
const MOST_STRETCHES: usize = 3;

/// The change since which a path is of another class, where there is one: two days or more on both sides, and seen by more
/// than one reporter where more than one sees the path.
pub(crate) fn last_change(view: &View, thresholds: &Thresholds) -> Option<Change> {
    let days: Vec<(Day, [u64; 4])> = view.days().into_iter().map(|(day, states)| (day, four(&states))).collect();
    let stays = joined(segments(&days), &days, thresholds);
    let [.., before, after] = stays.as_slice() else {
        return None;
    };
    if stays.len() > MOST_STRETCHES || !is_seen_by_others(view, before, after) {
        return None;
    }
    Some(Change { day: after.first, before: class_of(before, thresholds) })
}

fn four(states: &States) -> [u64; 4] {
    [states[0], states[1], states[2], states[3]]
}

fn class_of(stay: &Segment<4>, thresholds: &Thresholds) -> Class {
    let [aligned, unaligned, broken, unsigned] = stay.sums;
    class(&[aligned, unaligned, broken, unsigned, 0], thresholds)
}

/// Leaves out what is too short to be a change, and joins neighbours of one class.
fn joined(stays: Vec<Segment<4>>, days: &[(Day, [u64; 4])], thresholds: &Thresholds) -> Vec<Segment<4>> {
    let length = |stay: &Segment<4>| days.iter().filter(|(day, _)| (stay.first..=stay.last).contains(day)).count();
    let mut found: Vec<Segment<4>> = Vec::new();
    for stay in stays.into_iter().filter(|stay| length(stay) >= DAYS) {
        match found.last_mut() {
            Some(last) if class_of(last, thresholds) == class_of(&stay, thresholds) => *last = last.join(stay),
            _ => found.push(stay),
        }
    }
    found
}

/// Whether the change holds without the reporter that shows most of it.
fn is_seen_by_others(view: &View, before: &Segment<4>, after: &Segment<4>) -> bool {
    let within = |cell: &&Cell, stay: &Segment<4>| (stay.first..=stay.last).contains(&cell.day);
    let sums = |stay: &Segment<4>| {
        let mut sums: BTreeMap<u32, States> = BTreeMap::new();
        view.cells.iter().filter(|cell| within(cell, stay)).for_each(|cell| {
            add(sums.entry(cell.reporter).or_default(), &cell.states);
        });
        sums
    };
    let (then, now) = (sums(before), sums(after));
    let several = |sums: &BTreeMap<u32, States>| sums.len() > 1;
    if view.reporters > 1 && !(several(&then) && several(&now)) {
        return false;
    }
    let all = |sums: &BTreeMap<u32, States>, but: Option<u32>| {
        let mut whole = [0; 5];
        sums.iter().filter(|(reporter, _)| Some(**reporter) != but).for_each(|(_, states)| add(&mut whole, states));
        four(&whole)
    };
    now.keys().chain(then.keys()).all(|&reporter| {
        let (then, now) = (all(&then, Some(reporter)), all(&now, Some(reporter)));
        let none = |sums: [u64; 4]| sums.iter().all(|&sum| sum == 0);
        view.reporters == 1 || !none(then) && !none(now) && distance(then, now) >= DIFFERENT
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What reporters saw each day: messages by state, aligned, unaligned, broken, unsigned.
    fn change(days: &[&[[u64; 4]]]) -> Option<Change> {
        let mut view = View { reporters: days.iter().map(|day| day.len()).max().unwrap_or(0), ..View::default() };
        for (day, reporters) in (0..).zip(days) {
            for (reporter, &[a, b, c, d]) in (0..).zip(*reporters) {
                view.cells.push(Cell { day, reporter, states: [a, b, c, d, 0] });
            }
        }
        last_change(&view, &Thresholds::default())
    }

    const SIGNED: &[[u64; 4]] = &[[30, 0, 0, 0], [20, 0, 0, 0], [9, 0, 0, 0]];
    const OTHERS: &[[u64; 4]] = &[[0, 30, 0, 0], [0, 20, 0, 0], [0, 9, 0, 0]];
    const BROKEN: &[[u64; 4]] = &[[0, 0, 30, 0], [0, 0, 20, 0], [0, 0, 9, 0]];

    #[test]
    fn a_path_is_what_it_is_since_the_last_change() {
        let on = |days: &[&[[u64; 4]]]| change(days).map(|change| (change.day, change.before));
        assert_eq!(on(&[OTHERS, OTHERS, OTHERS, SIGNED, SIGNED]), Some((3, Class::Unaligned)));
        assert_eq!(on(&[SIGNED, SIGNED, SIGNED, BROKEN, BROKEN, BROKEN]), Some((3, Class::Signed)));
        assert_eq!(on(&[SIGNED, SIGNED, BROKEN, BROKEN, SIGNED, SIGNED]), Some((4, Class::Broken)));
        assert_eq!(on(&[SIGNED; 9]), None);
    }

    #[test]
    fn one_day_is_no_change_and_neither_is_a_path_that_goes_to_and_fro() {
        assert_eq!(change(&[SIGNED, SIGNED, SIGNED, BROKEN, SIGNED, SIGNED]), None);
        assert_eq!(change(&[SIGNED, SIGNED, SIGNED, BROKEN]), None);
        let weekly = [SIGNED, SIGNED, OTHERS, OTHERS, SIGNED, SIGNED, OTHERS, OTHERS, SIGNED, SIGNED];
        assert_eq!(change(&weekly), None);
    }

    #[test]
    fn one_reporter_changes_nothing() {
        let lied: &[[u64; 4]] = &[[0, 0, 3000, 0], [20, 0, 0, 0], [9, 0, 0, 0]];
        assert_eq!(change(&[SIGNED, SIGNED, SIGNED, lied, lied, lied]), None);
        let alone: &[[u64; 4]] = &[[0, 0, 30, 0]];
        assert!(change(&[&SIGNED[..1], &SIGNED[..1], alone, alone]).is_some());
    }
}
