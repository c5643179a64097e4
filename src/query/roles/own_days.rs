//! Days with own signatures at a place, and how much of an account's mail is on them: what signs beside the owner is not the owner's.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use super::gather::Cell;
use super::keys::MOST;
use super::owner::Owner;
use crate::report::period::Day;
use crate::witness::has_share;

/// Between two days with own signatures the owner may send nothing: on a long weekend,
const WEEKEND: Day = 4;
/// or for as long as this many of its usual pauses.
const PAUSES: Day = 3;
/// Whoever sends on this many days with own signatures sends beside them.
const SEVERAL: usize = 3;

/// Days at a place by whether own signatures verified there.
pub(super) struct SignatureDays {
    /// Those on which none did.
    pub(super) without: FxHashSet<Day>,
    /// Those on which some did with aligned SPF.
    with: FxHashSet<Day>,
    /// Of those without, the ones in a pause no longer than the owner often makes.
    paused: FxHashSet<Day>,
}

/// Who saw something on a day: one reporter, or several.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    One(u32),
    Several,
}

type ByDay = FxHashMap<Day, By>;

fn add(days: &mut ByDay, one: &Cell) {
    let by = days.entry(one.day).or_insert(By::One(one.reporter));
    if *by != By::One(one.reporter) {
        *by = By::Several;
    }
}

/// The days of something on nobody's word alone: without those that only one reporter tells of, the one that tells of most such
/// days, where others saw mail on them.
fn believed(some: &ByDay, all: &ByDay) -> FxHashSet<Day> {
    let mut alone: BTreeMap<u32, usize> = BTreeMap::new();
    for (day, by) in some {
        if let (By::One(reporter), Some(By::Several)) = (by, all.get(day)) {
            *alone.entry(*reporter).or_default() += 1;
        }
    }
    let most = alone.into_iter().max_by_key(|&(_, days)| days).map(|(reporter, _)| reporter);
    let counts =
        |day: &Day, by: &By| all.get(day) != Some(&By::Several) || most.is_none_or(|most| *by != By::One(most));
    some.iter().filter(|(day, by)| counts(day, by)).map(|(day, _)| *day).collect()
}

impl SignatureDays {
    /// Of the groups of a place, each with whether SPF aligns.
    pub(super) fn of(owner: &Owner<'_>, groups: impl Iterator<Item = (usize, bool)>) -> Self {
        let (mut all, mut own, mut at_home) = (ByDay::default(), ByDay::default(), ByDay::default());
        for (at, aligned) in groups {
            let signed = owner.gathered.own(at).verified;
            for one in owner.gathered.cells(at) {
                add(&mut all, &one);
                if signed {
                    add(&mut own, &one);
                }
                if signed && aligned {
                    add(&mut at_home, &one);
                }
            }
        }
        let (own, with) = (believed(&own, &all), believed(&at_home, &all));
        let without: FxHashSet<Day> = all.into_keys().filter(|day| !own.contains(day)).collect();
        let paused = paused(&without, &with);
        SignatureDays { without, with, paused }
    }
}

/// The days in a pause between two of the others that is no longer than their pauses often are.
fn paused(days: &FxHashSet<Day>, others: &FxHashSet<Day>) -> FxHashSet<Day> {
    let mut others: Vec<Day> = others.iter().copied().collect();
    others.sort_unstable();
    let mut pauses: Vec<Day> = others.windows(2).map(|pair| pair[1] - pair[0]).collect();
    pauses.sort_unstable();
    let usual = pauses.get(pauses.len() / 2).copied().unwrap_or(0);
    let short = usual.saturating_mul(PAUSES).max(WEEKEND);
    let is_paused = |day: &Day| {
        let next = others.partition_point(|other| other < day);
        let before = next.checked_sub(1).map(|at| others[at]);
        before.zip(others.get(next)).is_some_and(|(before, after)| after - before <= short)
    };
    days.iter().filter(|day| is_paused(day)).copied().collect()
}

/// The messages of an account on days with own signatures.
#[derive(Default)]
pub(super) struct Beside {
    /// By reporter on these days, and on others.
    on_days: ByReporters,
    /// The same where a short pause of the owner's belongs to them.
    with_pauses: ByReporters,
    /// The days with own signatures on which it is seen.
    days: FxHashSet<Day>,
}

type ByReporters = BTreeMap<u32, [u64; 2]>;

impl Beside {
    pub(super) fn add(&mut self, one: &Cell, days: &SignatureDays) {
        let with = days.with.contains(&one.day);
        if !with && !days.without.contains(&one.day) {
            return;
        }
        let add = |sums: &mut ByReporters, beside: bool| {
            let sum = &mut sums.entry(one.reporter).or_default()[usize::from(!beside)];
            *sum = sum.saturating_add(one.messages);
        };
        add(&mut self.on_days, with);
        add(&mut self.with_pauses, with || days.paused.contains(&one.day));
        if with {
            self.days.insert(one.day);
        }
    }

    /// Whether most of them are on such days. Pauses count where the account is on enough days with own signatures: what signs
    /// while the owner's signer is off is in one pause alone.
    pub(super) fn is_most(&self) -> bool {
        let most = |sums: &ByReporters| has_share(sums.values().copied(), MOST);
        most(&self.on_days) || self.days.len() >= SEVERAL && most(&self.with_pauses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(all: &[Day]) -> FxHashSet<Day> {
        all.iter().copied().collect()
    }

    #[test]
    fn pauses_are_those_that_the_owner_often_makes() {
        let others = days(&[1, 2, 3, 7, 8, 20, 21]);
        assert_eq!(paused(&days(&[0, 4, 5, 6, 12, 22]), &others), days(&[4, 5, 6]));
        assert_eq!(paused(&days(&[5, 8]), &days(&[1, 6, 11])), days(&[5, 8]));
        assert_eq!(paused(&days(&[5]), &days(&[])), days(&[]));
    }

    #[test]
    fn one_reporter_makes_no_days() {
        let by = |list: &[(Day, By)]| list.iter().copied().collect::<ByDay>();
        let all = by(&[(1, By::Several), (2, By::Several), (3, By::Several), (4, By::One(9))]);
        let liar = by(&[(1, By::One(7)), (2, By::One(7)), (3, By::One(8))]);
        assert_eq!(believed(&liar, &all), days(&[3]));
        assert_eq!(believed(&by(&[(1, By::Several), (4, By::One(9))]), &all), days(&[1, 4]));
    }
}
