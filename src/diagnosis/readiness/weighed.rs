//! The messages of a path that decide: since its last change or the end of an incident, without what one reporter alone claims.

use std::collections::{BTreeMap, BTreeSet};

use super::failures::is_temporary;
use super::impact::failing;
use crate::diagnosis::SendingPath;
use crate::query::Survey;
use crate::report::period::{Day, date_of};
use crate::witness::{Claim, has_share, is_lone_claim};

/// What decides of a path, in messages. The figures that answers show are of all its messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Weighed {
    pub(super) messages: u64,
    pub(super) failing: u64,
    /// Messages that fail and do not count, since one reporter alone sees it, behind the reporter that sees most of them.
    pub(super) alone: Option<(u32, u64)>,
}

/// How many reporters are asked whether they are alone, of those that see most fail.
const ASKED: usize = 3;

/// Below this share a claim of the others together is noise.
const FEW: f64 = 0.05;

/// Of a day on which at least this share of a path's mail passes, what could not be checked for the moment does not count as failed.
const PASSES: f64 = 0.9;

/// What decides of each of the owner's paths: after a repair, a break or an incident the time since, and never one reporter's word
/// that two others saw otherwise on the same days. An incident of one path is one of the others that failed on its days alone.
pub(super) fn weighed(survey: &Survey, own: &[&SendingPath]) -> Vec<Weighed> {
    let of: Vec<Vec<Claim>> = own.iter().map(|path| claims(survey, path)).collect();
    let incidents: Vec<Option<(Day, Day)>> = of.iter().map(|all| incident(&apart(all.clone()).0)).collect();
    let mut known: Vec<(Day, Day)> = incidents.iter().flatten().copied().collect();
    known.sort_unstable();
    known.dedup();
    let all = own.iter().zip(of).zip(incidents);
    all.map(|((path, mut claims), incident)| {
        if failing(path) == 0 {
            return Weighed { messages: path.messages, ..Weighed::default() };
        }
        let since = |day: Day| path.since.as_ref().is_none_or(|since| date_of(day).to_string() >= *since);
        claims.retain(|one| since(one.day));
        let (mut claims, lone) = apart(claims);
        let incident = incident.or_else(|| known.iter().copied().find(|&days| is_within(&claims, days)));
        if let Some((_, over)) = incident {
            claims.retain(|one| one.day > over);
        }
        let at = most_failing(&lone).first().copied();
        let alone = at.map(|at| (at, lone.iter().fold(0u64, |sum, one| sum.saturating_add(one.claimed))));
        claims.iter().fold(Weighed { alone, ..Weighed::default() }, |sum, one| Weighed {
            messages: sum.messages.saturating_add(one.claimed).saturating_add(one.otherwise),
            failing: sum.failing.saturating_add(one.claimed),
            ..sum
        })
    })
    .collect()
}

/// What fails of a path and what does not, by report, without what does not count.
fn claims(survey: &Survey, path: &SendingPath) -> Vec<Claim> {
    if failing(path) == 0 {
        return Vec::new();
    }
    let passing = passing_days(survey, path);
    let mut claims: Vec<Claim> = Vec::new();
    for entry in survey.tally.entries(path.figures).iter().filter(|entry| entry.messages > 0) {
        let (report, facts) = (survey.tally.report(entry), survey.tally.facts(entry));
        let fails = facts.dmarc != Some(true);
        if fails && is_temporary(facts) && passing.contains(&report.day) {
            continue;
        }
        let (claimed, otherwise) = if fails { (entry.messages, 0) } else { (0, entry.messages) };
        match claims.last_mut() {
            Some(last) if (last.day, last.reporter) == (report.day, report.reporter) => {
                last.claimed = last.claimed.saturating_add(claimed);
                last.otherwise = last.otherwise.saturating_add(otherwise);
            }
            _ => claims.push(Claim { day: report.day, reporter: report.reporter, claimed, otherwise }),
        }
    }
    claims
}

/// Claims, and apart from them those that one reporter makes alone.
fn apart(mut claims: Vec<Claim>) -> (Vec<Claim>, Vec<Claim>) {
    let mut lone = Vec::new();
    for reporter in most_failing(&claims) {
        if is_lone_claim(&claims, reporter, FEW) {
            lone.extend(claims.extract_if(.., |one| one.reporter == reporter));
        }
    }
    (claims, lone)
}

/// The days on which nearly all mail of a path passes, on nobody's word alone.
fn passing_days(survey: &Survey, path: &SendingPath) -> BTreeSet<Day> {
    let mut days: BTreeMap<Day, BTreeMap<u32, [u64; 2]>> = BTreeMap::new();
    for entry in survey.tally.entries(path.figures).iter() {
        let report = survey.tally.report(entry);
        let sums = days.entry(report.day).or_default().entry(report.reporter).or_default();
        let side = usize::from(survey.tally.facts(entry).dmarc != Some(true));
        sums[side] = sums[side].saturating_add(entry.messages);
    }
    days.into_iter().filter(|(_, of)| has_share(of.values().copied(), PASSES)).map(|(day, _)| day).collect()
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

/// The most days that an incident lasts,
const INCIDENT: Day = 3;
/// and the days after it that show that it is over, when
const OVER: Day = 7;
/// no more than this share of what it cost fails.
const REST: f64 = 0.05;

/// The first and the last day of the one incident that nearly all failing mail is of, where that is over: a day without name servers, a record
/// that was put right the next morning.
fn incident(claims: &[Claim]) -> Option<(Day, Day)> {
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
    (lasts && is_over && before && (all - during) as f64 <= REST * all as f64).then_some((first, last))
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
