//! What reporters saw of a domain day by day, and since when it is so.

use rustc_hash::FxHashMap;

use crate::diagnosis::change_points::segments;
use crate::query::{OutcomeFacts, Survey};
use crate::report::period::Day;
use crate::witness::{Seen, has_share};

/// What one reporter saw on one day: messages for something, and messages against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) day: Day,
    pub(super) reporter: u32,
    pub(super) sums: [u64; 2],
}

/// In the order of days and reporters. `side` says of a message whether it speaks for (0) or against (1).
pub(super) fn cells(survey: &Survey, paths: &[usize], side: impl Fn(&OutcomeFacts) -> Option<usize>) -> Vec<Cell> {
    let mut sums: FxHashMap<(Day, u32), [u64; 2]> = FxHashMap::default();
    let tally = &survey.tally;
    for entry in paths.iter().flat_map(|&at| tally.telling(at)).filter(|entry| entry.messages > 0) {
        if let Some(side) = side(tally.facts(entry)) {
            let report = tally.report(entry);
            let sum = &mut sums.entry((report.day, report.reporter)).or_default()[side];
            *sum = sum.saturating_add(entry.messages);
        }
    }
    let mut found: Vec<Cell> = sums.into_iter().map(|((day, reporter), sums)| Cell { day, reporter, sums }).collect();
    found.sort_unstable_by_key(|cell| (cell.day, cell.reporter));
    found
}

/// No reporter counts for more messages of a day than this: a change is dated by how many see it.
const REPORTER_WEIGHT: u64 = 10;

/// How things stand now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnosis) struct Now {
    /// The first day on which it is so.
    pub(in crate::diagnosis) first: Day,
    /// It was otherwise before.
    pub(in crate::diagnosis) changed: bool,
}

/// Whether something holds at the end of the days that were seen, in at least `share` of the messages, whatever one reporter
/// says, and seen by enough; and since when.
pub(super) fn now(cells: &[Cell], share: f64) -> Option<Now> {
    let mut days: Vec<(Day, [u64; 2])> = Vec::new();
    let mut whole = Seen::default();
    for cell in cells {
        whole.add(cell.reporter, cell.day);
        if days.last().is_none_or(|last| last.0 != cell.day) {
            days.push((cell.day, [0; 2]));
        }
        if let Some((_, sums)) = days.last_mut() {
            let counted = capped(cell.sums);
            *sums = [sums[0].saturating_add(counted[0]), sums[1].saturating_add(counted[1])];
        }
    }
    let all = segments(&days);
    let last = all.last()?;
    let mut seen = Seen::default();
    let current = || cells.iter().filter(|cell| cell.day >= last.first);
    current().filter(|cell| cell.sums[0] > 0).for_each(|cell| seen.add(cell.reporter, cell.day));
    let holds = seen.is_enough(whole) && has_share(by_reporter(current()), share);
    holds.then_some(Now { first: last.first, changed: all.len() > 1 })
}

fn capped(sums: [u64; 2]) -> [u64; 2] {
    let all = sums[0].saturating_add(sums[1]);
    if all <= REPORTER_WEIGHT {
        return sums;
    }
    let part = |sum: u64| (sum as f64 / all as f64 * REPORTER_WEIGHT as f64).round() as u64;
    [part(sums[0]), part(sums[1])]
}

/// The sums of each reporter.
pub(super) fn by_reporter<'c>(cells: impl Iterator<Item = &'c Cell>) -> impl Iterator<Item = [u64; 2]> {
    let mut sums: FxHashMap<u32, [u64; 2]> = FxHashMap::default();
    for cell in cells {
        let sum = sums.entry(cell.reporter).or_default();
        *sum = [sum[0].saturating_add(cell.sums[0]), sum[1].saturating_add(cell.sums[1])];
    }
    sums.into_values()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three that agree on each of ten days, and one that says the same of all days.
    fn days(turned: Day, liar: [u64; 2]) -> Vec<Cell> {
        let mut cells = Vec::new();
        for day in 0..10 {
            for reporter in 0..3 {
                let sums = if day < turned { [0, 20] } else { [20, 0] };
                cells.push(Cell { day, reporter, sums });
            }
            if liar != [0, 0] {
                cells.push(Cell { day, reporter: 3, sums: liar });
            }
        }
        cells
    }

    #[test]
    fn the_day_of_the_turn() {
        assert_eq!(now(&days(6, [0, 0]), 0.5), Some(Now { first: 6, changed: true }));
        assert_eq!(now(&days(0, [0, 0]), 0.5), Some(Now { first: 0, changed: false }));
        assert_eq!(now(&days(10, [0, 0]), 0.5), None);
        // On one day only, where there are more.
        assert_eq!(now(&days(9, [0, 0]), 0.5), None);
        assert_eq!(now(&days(8, [0, 0]), 0.5), Some(Now { first: 8, changed: true }));
        assert_eq!(now(&[], 0.5), None);
    }

    #[test]
    fn one_reporter_neither_makes_it_nor_hides_it_nor_dates_it() {
        for liar in [[90_000, 0], [0, 90_000]] {
            assert_eq!(now(&days(6, liar), 0.5), Some(Now { first: 6, changed: true }), "{liar:?}");
            assert_eq!(now(&days(10, liar), 0.5), None, "{liar:?}");
        }
    }

    #[test]
    fn what_is_over_does_not_hold() {
        let mut cells = days(3, [0, 0]);
        cells.iter_mut().filter(|cell| cell.day > 6).for_each(|cell| cell.sums = [0, 20]);
        assert_eq!(now(&cells, 0.5), None);
    }
}
