//! The messages of a path that decide: since its last change or the end of an incident, without what one reporter alone claims.

use std::collections::BTreeMap;

use super::impact::failing;
use crate::diagnosis::SendingPath;
use crate::query::Survey;
use crate::report::period::{Day, date_of};
use crate::witness::{Claim, is_lone_claim};

/// What decides of a path, in messages. The figures that answers show are of all its messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Weighed {
    pub(super) messages: u64,
    pub(super) failing: u64,
}

/// How many reporters are asked whether they are alone, of those that see most fail.
const ASKED: usize = 3;

/// Below this share a claim of the others together is noise.
const FEW: f64 = 0.05;

/// What decides of a path: after a repair, a break or an incident the time since, and never one reporter's word that two others saw
/// otherwise on the same days.
pub(super) fn weighed(survey: &Survey, path: &SendingPath) -> Weighed {
    if failing(path) == 0 {
        return Weighed { messages: path.messages, failing: 0 };
    }
    let is_since = |day: Day| path.since.as_ref().is_none_or(|since| date_of(day).to_string() >= *since);
    let mut claims: Vec<Claim> = Vec::new();
    for entry in survey.tally.entries(path.figures).iter().filter(|entry| entry.messages > 0) {
        let report = survey.tally.report(entry);
        if !is_since(report.day) {
            continue;
        }
        let fails = survey.tally.facts(entry).dmarc != Some(true);
        let (claimed, otherwise) = if fails { (entry.messages, 0) } else { (0, entry.messages) };
        match claims.last_mut() {
            Some(last) if (last.day, last.reporter) == (report.day, report.reporter) => {
                last.claimed = last.claimed.saturating_add(claimed);
                last.otherwise = last.otherwise.saturating_add(otherwise);
            }
            _ => claims.push(Claim { day: report.day, reporter: report.reporter, claimed, otherwise }),
        }
    }
    for reporter in most_failing(&claims) {
        if is_lone_claim(&claims, reporter, FEW) {
            claims.retain(|one| one.reporter != reporter);
        }
    }
    if let Some(over) = incident(&claims) {
        claims.retain(|one| one.day > over);
    }
    claims.iter().fold(Weighed::default(), |sum, one| Weighed {
        messages: sum.messages.saturating_add(one.claimed).saturating_add(one.otherwise),
        failing: sum.failing.saturating_add(one.claimed),
    })
}

/// The most days that an incident lasts,
const INCIDENT: Day = 3;
/// and the days after it that show that it is over, when
const OVER: Day = 7;
/// no more than this share of what it cost fails.
const REST: f64 = 0.05;

/// The last day of the one incident that nearly all failing mail is of, where that is over: a day without name servers, a record
/// that was put right the next morning.
fn incident(claims: &[Claim]) -> Option<Day> {
    let mut days: BTreeMap<Day, [u64; 2]> = BTreeMap::new();
    for one in claims {
        let sums = days.entry(one.day).or_default();
        *sums = [sums[0].saturating_add(one.claimed), sums[1].saturating_add(one.otherwise)];
    }
    let bad = || days.iter().filter(|(_, [fails, passes])| fails > passes).map(|(&day, _)| day);
    let (first, last) = (bad().next()?, bad().next_back()?);
    let fails = |sums: &mut dyn Iterator<Item = (&Day, &[u64; 2])>| {
        sums.fold(0u64, |sum, (_, [fails, _])| sum.saturating_add(*fails))
    };
    let during = fails(&mut days.range(first..=last));
    let all = fails(&mut days.iter());
    let after = days.range(last.saturating_add(1)..);
    let lasts = last.saturating_sub(first) < INCIDENT;
    let is_over = after.clone().count() as Day >= OVER;
    let before = days.range(..first).next().is_some();
    (lasts && is_over && before && (all - during) as f64 <= REST * all as f64).then_some(last)
}

/// The reporters that see most messages fail.
fn most_failing(claims: &[Claim]) -> Vec<u32> {
    let mut sums: BTreeMap<u32, u64> = BTreeMap::new();
    for one in claims.iter().filter(|one| one.claimed > 0) {
        let sum = sums.entry(one.reporter).or_default();
        *sum = sum.saturating_add(one.claimed);
    }
    let mut sums: Vec<(u32, u64)> = sums.into_iter().collect();
    sums.sort_unstable_by_key(|&(reporter, sum)| (std::cmp::Reverse(sum), reporter));
    sums.into_iter().take(ASKED).map(|(reporter, _)| reporter).collect()
}
