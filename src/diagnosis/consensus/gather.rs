//! The entries of a path, summed up for each reporter and day.

use crate::query::{OutcomeFacts, Survey};
use crate::report::period::Day;

/// Sums over what one reporter saw of a path on one day.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnosis) struct Gathered<const N: usize> {
    pub(in crate::diagnosis) day: Day,
    pub(in crate::diagnosis) reporter: u32,
    pub(in crate::diagnosis) sums: [u64; N],
}

/// Sums up the entries of a path of the survey by whose word it is judged, by its place, from a day on, for each day and
/// reporter, in this order. Entries without messages say nothing.
pub(in crate::diagnosis) fn gather<const N: usize>(
    survey: &Survey,
    at: usize,
    from: Day,
    mut add: impl FnMut(&mut [u64; N], u32, &OutcomeFacts, u64),
) -> Vec<Gathered<N>> {
    let mut all: Vec<Gathered<N>> = Vec::new();
    // Entries come in the order of days, and a day has few reporters.
    let (mut day_begins, mut open) = (0, 0);
    for entry in survey.tally.telling(at).filter(|entry| entry.messages > 0) {
        let report = survey.tally.report(entry);
        if report.day < from {
            continue;
        }
        let is_open = |one: &Gathered<N>| (one.day, one.reporter) == (report.day, report.reporter);
        if !all.get(open).is_some_and(is_open) {
            if all.last().is_some_and(|last| last.day != report.day) {
                all[day_begins..].sort_unstable_by_key(|one| one.reporter);
                day_begins = all.len();
            }
            open = match all[day_begins..].iter().position(|one| one.reporter == report.reporter) {
                Some(known) => day_begins + known,
                None => {
                    all.push(Gathered { day: report.day, reporter: report.reporter, sums: [0; N] });
                    all.len() - 1
                }
            };
        }
        add(&mut all[open].sums, report.reporter, survey.tally.facts(entry), entry.messages);
    }
    all[day_begins..].sort_unstable_by_key(|one| one.reporter);
    all
}
