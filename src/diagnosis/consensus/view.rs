//! What each reporter says about a path, and which reporters count.
//!
//! Reporters differ: one skips DKIM when SPF passes, one cannot fetch a key that all others fetch, one leaves a signature out
//! whose key is missing, one lies. A state that one reporter alone claims, where others saw the same path on the same days
//! and otherwise, is that reporter's view: it is shown and does not set the class, however many of the messages it saw.

use std::collections::BTreeMap;

use super::agreed::Agreed;
use super::alone::{Lone, Settled, count_omitted_as_broken, settle};
use super::gather::{Gathered, gather};
use crate::alignment::{AuthResult, DkimState, SpfState};
use crate::diagnosis::states::{ALIGNED, Cell, States, add, by_reporter, share};
use crate::query::Survey;
use crate::report::period::Day;

/// What reporters say of a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::diagnosis) struct View {
    /// In the order of days and reporters; as far as it counts.
    pub(in crate::diagnosis) cells: Vec<Cell>,
    /// The messages that set the class.
    pub(in crate::diagnosis) counted: States,
    /// What one reporter alone claims.
    pub(in crate::diagnosis) lone: Vec<Lone>,
    /// Messages without a signature that count as broken: the same reporter lists the signature on other days, and on these
    /// the others saw its key missing.
    pub(in crate::diagnosis) omitted: u64,
    /// Reporters.
    pub(in crate::diagnosis) reporters: usize,
    /// Which messages have aligned SPF or DKIM that speaks for the domain.
    pub(in crate::diagnosis) authenticated: Agreed,
    /// Broken messages by result, but for what is set aside.
    pub(in crate::diagnosis) broken_by: BTreeMap<&'static str, u64>,
    /// Messages with a null reverse-path.
    pub(in crate::diagnosis) null: States,
    /// Messages of which a reporter's evaluation contradicts the results it lists.
    pub(in crate::diagnosis) contradicting: u64,
    /// The reporters of those.
    pub(in crate::diagnosis) contradicting_reporters: Vec<u32>,
}

/// In what is gathered, after the states: the messages with aligned SPF or DKIM that authenticates the domain.
const AUTHENTICATED: usize = 5;

impl View {
    /// Of a path of the survey, by its place, from a day on. `few` is the share below which a state is no more than noise.
    pub(in crate::diagnosis) fn of(survey: &Survey, at: usize, from: Day, few: f64) -> Self {
        let spf_authenticates = survey.paths[at].spf_authenticates();
        let mut view = View::default();
        let mut broken_by: BTreeMap<(u32, &'static str), u64> = BTreeMap::new();
        let gathered = gather::<6>(survey, at, from, |sums, reporter, facts, messages| {
            let state = usize::from(facts.dkim.code());
            sums[state] += messages;
            if state == ALIGNED || facts.spf == SpfState::Aligned && spf_authenticates {
                sums[AUTHENTICATED] += messages;
            }
            if let (DkimState::Broken, Some(result)) = (facts.dkim, facts.broken_by) {
                *broken_by.entry((reporter, AuthResult::as_str(result))).or_default() += messages;
            }
            if facts.null_reverse_path {
                view.null[state] += messages;
            }
            if facts.contradiction {
                view.contradicting += messages;
                if view.contradicting_reporters.last() != Some(&reporter) {
                    view.contradicting_reporters.push(reporter);
                }
            }
        });
        view.contradicting_reporters.sort_unstable();
        view.contradicting_reporters.dedup();
        let authenticated = gathered.iter().map(|one| {
            let all: u64 = one.sums[..AUTHENTICATED].iter().sum();
            Gathered {
                day: one.day,
                reporter: one.reporter,
                sums: [one.sums[AUTHENTICATED], all - one.sums[AUTHENTICATED]],
            }
        });
        view.authenticated = Agreed::of(authenticated, few);
        let cell = |one: Gathered<6>| {
            let mut states = [0; 5];
            states.copy_from_slice(&one.sums[..AUTHENTICATED]);
            Cell { day: one.day, reporter: one.reporter, states }
        };
        view.cells = gathered.into_iter().map(cell).collect();
        view.reporters = by_reporter(&view.cells).len();
        let of = |wanted: &[AuthResult]| {
            let those = broken_by.iter().filter(|((_, result), _)| wanted.iter().any(|one| one.as_str() == *result));
            those.map(|one| one.1).sum::<u64>()
        };
        let no_key = share(of(&[AuthResult::PermError, AuthResult::TempError]), broken_by.values().sum()) >= 0.9;
        view.omitted = count_omitted_as_broken(&mut view.cells, no_key);
        view.settle(few);
        for lone in view.lone.iter_mut().filter(|lone| lone.state == DkimState::Broken) {
            let mut results = broken_by.keys().filter(|(reporter, _)| *reporter == lone.reporter);
            lone.result = results.next().map(|one| one.1).filter(|_| results.next().is_none());
        }
        // How signatures break is taken from the reporters that count for it.
        let set_aside =
            |reporter: u32| view.lone.iter().any(|one| one.reporter == reporter && one.state == DkimState::Broken);
        let mut results: BTreeMap<&'static str, u64> = BTreeMap::new();
        for ((_, result), messages) in broken_by.into_iter().filter(|&((reporter, _), _)| !set_aside(reporter)) {
            *results.entry(result).or_default() += messages;
        }
        view.broken_by = results;
        view
    }

    /// Sets aside what one reporter alone claims.
    fn settle(&mut self, few: f64) {
        Settled { cells: self.cells, counted: self.counted, lone: self.lone } =
            settle(std::mem::take(&mut self.cells), few);
    }

    /// Messages by day.
    pub(in crate::diagnosis) fn days(&self) -> Vec<(Day, States)> {
        let mut days: Vec<(Day, States)> = Vec::new();
        for cell in &self.cells {
            match days.last_mut() {
                Some((day, states)) if *day == cell.day => add(states, &cell.states),
                _ => days.push((cell.day, cell.states)),
            }
        }
        days
    }

    /// Messages by reporter.
    pub(in crate::diagnosis) fn by_reporter(&self) -> BTreeMap<u32, States> {
        by_reporter(&self.cells).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::states::{BROKEN, UNSIGNED, known};

    /// One cell for each day and reporter, in order.
    fn merged(mut cells: Vec<Cell>) -> Vec<Cell> {
        cells.sort_unstable_by_key(|cell| (cell.day, cell.reporter));
        cells.dedup_by(|later, earlier| {
            let same = (later.day, later.reporter) == (earlier.day, earlier.reporter);
            if same {
                add(&mut earlier.states, &later.states);
            }
            same
        });
        cells
    }

    /// Cells of (day, reporter, aligned, unaligned, broken, unsigned).
    fn view(cells: &[(Day, u32, [u64; 4])]) -> View {
        let cells = cells.iter().map(|&(day, reporter, [a, b, c, d])| Cell { day, reporter, states: [a, b, c, d, 0] });
        let mut view = View { cells: merged(cells.collect()), ..View::default() };
        view.omitted = count_omitted_as_broken(&mut view.cells, false);
        view.settle(0.05);
        view
    }

    #[test]
    fn one_against_three_does_not_count() {
        let others = [(1, 1, [0, 0, 0, 100]), (1, 2, [0, 0, 0, 100]), (2, 3, [0, 0, 0, 100])];
        for days in [1..=1, 1..=2] {
            let liar = days.map(|day| (day, 0, [10_000, 0, 0, 0]));
            let cells: Vec<_> = liar.chain(others).collect();
            let view = view(&cells);
            assert_eq!(view.counted, [0, 0, 0, 300, 0], "{view:?}");
            assert_eq!(view.lone[0].reporter, 0);
        }
        // Nor where it sees few.
        let view = view(&[(1, 0, [0, 0, 0, 9]), (1, 1, [500, 0, 0, 1]), (1, 2, [40, 0, 0, 0]), (1, 3, [9, 0, 1, 0])]);
        assert_eq!((view.counted[ALIGNED], view.counted[UNSIGNED]), (549, 1));
    }

    #[test]
    fn signatures_are_left_out_only_by_who_lists_none_of_them() {
        let moved = |cells: &[(Day, u32, [u64; 4])], no_key: bool| {
            let cells =
                cells.iter().map(|&(day, reporter, [a, b, c, d])| Cell { day, reporter, states: [a, b, c, d, 0] });
            count_omitted_as_broken(&mut merged(cells.collect()), no_key)
        };
        // A path of which a part is broken and a part not signed, as each reporter sees.
        let mixed = [(1, 0, [0, 0, 4, 6]), (1, 1, [0, 0, 4, 6]), (1, 2, [0, 0, 4, 6])];
        assert_eq!([moved(&mixed, false), moved(&mixed, true)], [0, 0]);
        // Two say that the key is missing; two list no signature, ever.
        let missing = [(1, 0, [0, 0, 4, 0]), (1, 1, [0, 0, 4, 0]), (1, 2, [0, 0, 0, 9]), (1, 3, [0, 0, 0, 9])];
        assert_eq!([moved(&missing, false), moved(&missing, true)], [0, 18]);
        // One says so.
        let lone = [(1, 0, [0, 0, 400, 0]), (1, 2, [0, 0, 0, 9]), (1, 3, [0, 0, 0, 9])];
        assert_eq!(moved(&lone, true), 0);
        // On the day of a missing key, by one that lists signatures on others.
        let rotation = [(1, 0, [9, 0, 0, 0]), (2, 0, [0, 0, 0, 9]), (2, 1, [0, 0, 9, 0]), (2, 2, [0, 0, 9, 0])];
        assert_eq!(moved(&rotation, false), 9);
    }

    #[test]
    fn two_that_agree_count() {
        let view =
            view(&[(1, 0, [0, 0, 0, 1000]), (1, 1, [0, 0, 0, 7]), (1, 2, [100, 0, 0, 0]), (1, 3, [80, 0, 0, 0])]);
        assert_eq!((view.lone.len(), view.counted), (0, [180, 0, 0, 1007, 0]));
    }

    #[test]
    fn without_witnesses_a_word_stands() {
        // Others saw it on other days only, or there is one other.
        let elsewhere = view(&[(1, 0, [0, 0, 0, 50]), (2, 1, [50, 0, 0, 0]), (2, 2, [50, 0, 0, 0])]);
        assert_eq!((elsewhere.lone.len(), elsewhere.counted[UNSIGNED]), (0, 50));
        let two = view(&[(1, 0, [0, 0, 0, 50]), (1, 1, [50, 0, 0, 0])]);
        assert_eq!((two.lone.len(), known(&two.counted)), (0, 100));
        // Everybody against everybody.
        let all = view(&[(1, 0, [50, 0, 0, 0]), (1, 1, [0, 50, 0, 0]), (1, 2, [0, 0, 50, 0])]);
        assert_eq!((all.lone.len(), known(&all.counted)), (0, 150));
    }

    #[test]
    fn chance_is_no_contradiction() {
        // A third is unsigned; whoever sees three messages may see none of it.
        let view = view(&[(1, 0, [700, 0, 0, 300]), (1, 1, [3, 0, 0, 0]), (1, 2, [2, 0, 0, 0]), (1, 3, [1, 0, 0, 0])]);
        assert_eq!((view.lone.len(), view.counted[UNSIGNED]), (0, 300));
    }

    #[test]
    fn a_signature_left_out_on_the_days_of_a_missing_key_is_broken() {
        let mut cells: Vec<(Day, u32, [u64; 4])> = Vec::new();
        for day in 0..30 {
            let gone = (10..12).contains(&day);
            for reporter in 0..3 {
                cells.push((day, reporter, if gone { [0, 0, 20, 0] } else { [20, 0, 0, 0] }));
            }
            for reporter in 3..5 {
                cells.push((day, reporter, if gone { [0, 0, 0, 3] } else { [3, 0, 0, 0] }));
            }
        }
        let view = view(&cells);
        assert_eq!((view.counted[UNSIGNED], view.counted[BROKEN], view.omitted), (0, 132, 12));
        assert!(view.lone.is_empty());
    }

    #[test]
    fn nobody_leaves_a_signature_out_on_one_reporters_word() {
        let mut cells: Vec<(Day, u32, [u64; 4])> = Vec::new();
        for day in 0..20 {
            for reporter in 0..3 {
                cells.push((day, reporter, if day < 10 { [20, 0, 0, 0] } else { [0, 0, 0, 20] }));
            }
            cells.push((day, 3, [0, 0, 500, 0]));
        }
        let view = view(&cells);
        assert_eq!((view.counted, view.omitted), ([600, 0, 0, 600, 0], 0));
        assert_eq!((view.lone.len(), view.lone[0].reporter), (1, 3));
    }

    #[test]
    fn who_is_alone_is_found_behind_those_who_saw_more() {
        // All see the key missing on two days of ten; the last, smaller than the others, could never fetch it.
        let mut cells: Vec<(Day, u32, [u64; 4])> = Vec::new();
        for day in 0..10 {
            let gone = day >= 8;
            for reporter in 0..3 {
                cells.push((day, reporter, if gone { [0, 0, 90, 0] } else { [90, 0, 0, 0] }));
            }
            cells.push((day, 3, [0, 0, 10, 0]));
        }
        let view = view(&cells);
        assert_eq!(view.counted, [8 * 270, 0, 2 * 270, 0, 0]);
        assert_eq!((view.lone.len(), view.lone[0].reporter), (1, 3));
    }

    #[test]
    fn whose_own_word_is_doubted_is_no_witness_against_who_could_verify() {
        // A third is not signed; the second could fetch no key; the third saw little.
        let cells = (0..10).flat_map(|day| {
            [(day, 0, [24, 0, 0, 12]), (day, 1, [0, 0, 3, 1]), (day, 2, [u64::from(day < 4), 0, 0, 1])]
        });
        let view = view(&cells.collect::<Vec<_>>());
        assert_eq!((view.counted[ALIGNED], view.counted[BROKEN]), (244, 0), "{view:?}");
        assert!(view.lone.iter().all(|lone| lone.reporter == 1));
    }

    #[test]
    fn a_small_share_of_a_mixture_is_no_claim() {
        // Three see a mixture, and a fourth one message on each day, of one state or the other.
        let cells = (0..20).flat_map(|day| {
            let one = u64::from(day % 2 == 0);
            [0, 1, 2].map(|reporter| (day, reporter, [20, 0, 0, 20])).into_iter().chain([(
                day,
                3,
                [one, 0, 0, 1 - one],
            )])
        });
        assert!(view(&cells.collect::<Vec<_>>()).lone.is_empty());
    }
}
