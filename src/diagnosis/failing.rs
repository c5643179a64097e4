//! What fails of a path and counts: not what one reporter alone claims, what could not be checked for the moment, nor an incident that
//! is over.

use std::collections::{BTreeMap, BTreeSet};

use crate::alignment::{AuthResult, DkimState, ReasonCode, SpfState};
use crate::query::{Entry, OutcomeFacts, Survey};
use crate::report::period::Day;
use crate::witness::{Claim, NOISE, has_share, is_lone_claim};

/// This number of messages of a path may fail,
pub(super) const MOST_FAILURES: u64 = 10;
/// and more where this share of its messages passes.
pub(super) const PASS_SHARE: f64 = 0.995;

/// How many reporters are asked whether they are alone, of those that see most fail.
const ASKED: usize = 3;

/// Of a day on which at least this share of a path's mail passes, what could not be checked for the moment does not count as failed.
const PASSES: f64 = 0.9;

/// What counts of a path.
pub(super) struct Counted {
    /// By report; none before an incident was over.
    claims: Vec<Claim>,
    /// What one reporter alone says, and does not count.
    pub(super) lone: Vec<Claim>,
    /// The last day of the incident.
    over: Option<Day>,
}

impl Counted {
    /// Of the claims about a path those of some days, without the incident that is found in them.
    pub(super) fn of(
        mut claims: Vec<Claim>,
        is_asked: impl Fn(Day) -> bool,
        incident: impl FnOnce(&[Claim]) -> Option<(Day, Day)>,
    ) -> Self {
        claims.retain(|one| is_asked(one.day));
        let (mut claims, lone) = apart(claims);
        let over = incident(&claims).map(|(_, over)| over);
        claims.retain(|one| over.is_none_or(|over| one.day > over));
        Counted { claims, lone, over }
    }

    /// Messages that fail, and of how many.
    pub(super) fn sums(&self) -> (u64, u64) {
        self.claims.iter().fold((0u64, 0u64), |(failing, all), one| {
            let failing = failing.saturating_add(one.claimed);
            (failing, all.saturating_add(one.claimed).saturating_add(one.otherwise))
        })
    }
}

/// More of a path fails than may.
pub(super) struct Failing {
    /// What counts is of this day or later ones,
    first: Day,
    /// and not what these reporters say.
    lone: BTreeSet<u32>,
    /// Messages that fail.
    pub(super) messages: u64,
    /// Of how many.
    pub(super) of: u64,
}

impl Failing {
    /// Of a path by its place, from a day on; none where no more fails than may.
    pub(super) fn of(survey: &Survey, at: usize, since: Day) -> Option<Self> {
        let counted = Counted::of(claims(survey, at), |day| day >= since, incident);
        let (messages, of) = counted.sums();
        let first = counted.over.map_or(since, |over| over.saturating_add(1));
        let lone = counted.lone.iter().map(|one| one.reporter).collect();
        let too_many = messages > MOST_FAILURES && messages as f64 > (1.0 - PASS_SHARE) * of as f64;
        too_many.then_some(Failing { first, lone, messages, of })
    }

    /// Whether an entry fails and counts.
    pub(super) fn has(&self, survey: &Survey, entry: &Entry) -> bool {
        let (report, facts) = (survey.tally.report(entry), survey.tally.facts(entry));
        let counts = report.day >= self.first && !self.lone.contains(&report.reporter);
        counts && facts.dmarc != Some(true) && !is_temporary(facts)
    }
}

/// Whether a signature could not be checked for the moment: no loss where it verifies otherwise, as receivers try again.
fn is_temporary(facts: &OutcomeFacts) -> bool {
    facts.dkim == DkimState::Broken
        && (facts.broken_by == Some(AuthResult::TempError) || facts.detail.reason == Some(ReasonCode::DnsTimeout))
}

/// What became of a message that fails, in words.
pub(super) fn result(facts: &OutcomeFacts) -> String {
    let dkim = match facts.dkim {
        DkimState::Broken if is_temporary(facts) => "DKIM temperror (the key could not be fetched)",
        DkimState::Broken => broken(facts.detail.reason, facts.broken_by),
        DkimState::Unaligned => "signed by other domains only",
        DkimState::Unsigned => "not signed",
        DkimState::Aligned | DkimState::Unknown => "DKIM not told",
    };
    let spf = match facts.spf {
        SpfState::Aligned => return dkim.to_owned(),
        SpfState::Unaligned => "SPF passes for another domain",
        SpfState::Fail => "SPF fails",
        SpfState::None => "no SPF",
        SpfState::Unknown => "SPF not told",
    };
    format!("{dkim}, {spf}")
}

/// What became of a signature that did not verify, in words, by the reason that the reporter writes and by its result.
fn broken(reason: Option<ReasonCode>, result: Option<AuthResult>) -> &'static str {
    match (reason, result) {
        (Some(ReasonCode::NoKey), _) => "DKIM fails (no key)",
        (Some(ReasonCode::KeyRevoked), _) => "DKIM fails (key revoked)",
        (Some(ReasonCode::KeySyntax), _) => "DKIM fails (the key cannot be read)",
        (Some(ReasonCode::KeyTooShort), _) => "DKIM fails (key too short)",
        (Some(ReasonCode::BodyHash), _) => "DKIM fails (body changed)",
        (Some(ReasonCode::SignatureMismatch), _) => "DKIM fails (signature does not fit the key)",
        (Some(ReasonCode::Expired), _) => "DKIM fails (signature expired)",
        (Some(ReasonCode::UnsupportedAlgorithm), _) => "DKIM fails (algorithm not known)",
        // These speak of the DNS, and say nothing of the signature.
        (Some(ReasonCode::DnsTimeout | ReasonCode::TooManyLookups) | None, Some(AuthResult::PermError)) => {
            "DKIM permerror (no key, or none that can be read)"
        }
        (Some(ReasonCode::DnsTimeout | ReasonCode::TooManyLookups) | None, _) => "DKIM fails",
    }
}

/// What fails of a path and what does not, by report, without what does not count.
pub(super) fn claims(survey: &Survey, at: usize) -> Vec<Claim> {
    let path = &survey.paths[at];
    if path.dmarc_pass >= path.messages {
        return Vec::new();
    }
    let passing = passing_days(survey, at);
    let mut claims: Vec<Claim> = Vec::new();
    for entry in survey.tally.entries(at).iter().filter(|entry| entry.messages > 0) {
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
pub(super) fn apart(mut claims: Vec<Claim>) -> (Vec<Claim>, Vec<Claim>) {
    let mut lone = Vec::new();
    for reporter in most_failing(&claims) {
        if is_lone_claim(&claims, reporter, NOISE) {
            lone.extend(claims.extract_if(.., |one| one.reporter == reporter));
        }
    }
    (claims, lone)
}

/// The days on which nearly all mail of a path passes, on nobody's word alone.
fn passing_days(survey: &Survey, at: usize) -> BTreeSet<Day> {
    let mut days: BTreeMap<Day, BTreeMap<u32, [u64; 2]>> = BTreeMap::new();
    for entry in survey.tally.entries(at).iter() {
        let report = survey.tally.report(entry);
        let sums = days.entry(report.day).or_default().entry(report.reporter).or_default();
        let side = usize::from(survey.tally.facts(entry).dmarc != Some(true));
        sums[side] = sums[side].saturating_add(entry.messages);
    }
    days.into_iter().filter(|(_, of)| has_share(of.values().copied(), PASSES)).map(|(day, _)| day).collect()
}

/// The most days that an incident lasts,
const INCIDENT: Day = 3;
/// and the days after it that show that it is over, when
const OVER: Day = 7;
/// no more than this share of what it cost fails.
pub(super) const REST: f64 = 0.05;

/// The first and the last day of the one incident that nearly all failing mail is of, where that is over: a day without name servers, a record
/// that was put right the next morning.
pub(super) fn incident(claims: &[Claim]) -> Option<(Day, Day)> {
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
pub(super) fn most_failing(claims: &[Claim]) -> Vec<u32> {
    let mut sums: BTreeMap<u32, u64> = BTreeMap::new();
    for one in claims.iter().filter(|one| one.claimed > 0) {
        let sum = sums.entry(one.reporter).or_default();
        *sum = sum.saturating_add(one.claimed);
    }
    let mut sums: Vec<(u32, u64)> = sums.into_iter().collect();
    sums.sort_unstable_by_key(|&(reporter, sum)| (std::cmp::Reverse(sum), reporter));
    sums.into_iter().take(ASKED).map(|(reporter, _)| reporter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_why_a_signature_fails_has_words_of_its_own() {
        let of_dns = |reason: &&ReasonCode| matches!(reason, ReasonCode::DnsTimeout | ReasonCode::TooManyLookups);
        let reasons: Vec<&ReasonCode> = ReasonCode::ALL.iter().filter(|reason| !of_dns(reason)).collect();
        let words: BTreeSet<&str> = reasons.iter().map(|&&reason| broken(Some(reason), None)).collect();
        assert_eq!(words.len(), reasons.len());
        assert!(!words.contains(broken(None, None)));
        assert_eq!(broken(Some(ReasonCode::KeyTooShort), Some(AuthResult::Policy)), "DKIM fails (key too short)");
    }
}
