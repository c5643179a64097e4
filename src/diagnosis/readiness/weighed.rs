//! The messages of a path that decide: since its last change, without what one reporter alone claims.

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

/// So many reporters are asked whether they are alone, of those that see most fail.
const ASKED: usize = 3;

/// Below this share a claim of the others together is noise.
const FEW: f64 = 0.05;

/// What decides of a path: after a repair or a break the time since, and never one reporter's word that two others saw
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
    claims.iter().fold(Weighed::default(), |sum, one| Weighed {
        messages: sum.messages.saturating_add(one.claimed).saturating_add(one.otherwise),
        failing: sum.failing.saturating_add(one.claimed),
    })
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
