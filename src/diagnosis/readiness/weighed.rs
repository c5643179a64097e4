//! The messages of a path that decide: since its last change or the end of an incident, without what one reporter alone claims.

use super::impact::failing;
use crate::diagnosis::SendingPath;
use crate::diagnosis::failing::{Counted, REST, apart, claims, incident, most_failing};
use crate::query::Survey;
use crate::report::period::{Day, date_of};
use crate::witness::Claim;

/// What decides of a path, in messages. The figures that answers show are of all its messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Weighed {
    pub(super) messages: u64,
    pub(super) failing: u64,
    /// Messages that fail and do not count, since one reporter alone sees it, behind the reporter that sees most of them.
    pub(super) alone: Option<(u32, u64)>,
}

/// What decides of each of the owner's paths: after a repair, a break or an incident the time since, and never one reporter's word
/// that two others saw otherwise on the same days. An incident of one path is one of the others that failed on its days alone.
pub(super) fn weighed(survey: &Survey, own: &[&SendingPath]) -> Vec<Weighed> {
    let of: Vec<Vec<Claim>> = own.iter().map(|path| claims(survey, path.figures)).collect();
    let incidents: Vec<Option<(Day, Day)>> = of.iter().map(|all| incident(&apart(all.clone()).0)).collect();
    let mut known: Vec<(Day, Day)> = incidents.iter().flatten().copied().collect();
    known.sort_unstable();
    known.dedup();
    let all = own.iter().zip(of).zip(incidents);
    all.map(|((path, claims), incident)| {
        if failing(path) == 0 {
            return Weighed { messages: path.messages, ..Weighed::default() };
        }
        let since = |day: Day| path.since.as_ref().is_none_or(|since| date_of(day).to_string() >= *since);
        let of_others = |claims: &[Claim]| known.iter().copied().find(|&days| is_within(claims, days));
        let counted = Counted::of(claims, since, |claims| incident.or_else(|| of_others(claims)));
        let at = most_failing(&counted.lone).first().copied();
        let alone = at.map(|at| (at, counted.lone.iter().fold(0u64, |sum, one| sum.saturating_add(one.claimed))));
        let (failing, messages) = counted.sums();
        Weighed { messages, failing, alone }
    })
    .collect()
}

/// Whether nearly all that fails is of these days, and mail of later ones passes.
fn is_within(claims: &[Claim], (first, last): (Day, Day)) -> bool {
    let fails = |days: &dyn Fn(Day) -> bool| {
        let some = claims.iter().filter(|one| days(one.day));
        some.fold(0u64, |sum, one| sum.saturating_add(one.claimed))
    };
    let all = fails(&|_| true);
    let rest = fails(&|day| day < first || day > last);
    let passes = claims.iter().any(|one| one.day > last && one.otherwise > 0);
    all > 0 && passes && rest as f64 <= REST * all as f64
}
