//! From what reporters saw to what fails, since when, and whether others saw it.

use std::collections::{BTreeMap, BTreeSet};

use super::policy::{is_enforced, mode};
use super::remedy::{Case, explanation, remedy};
use super::{TlsDomain, TlsFailure, TlsPolicy};
use crate::diagnosis::dates::shown;
use crate::providers::Remedy;
use crate::query::{TlsFailureFigures, TlsPolicyFigures, TlsSurvey, Window};
use crate::report::period::Day;
use crate::witness::{Claim, NOISE, Seen, is_lone_claim};

/// Days with reports and without the failure after which another one is a new one.
const PAUSE: usize = 7;
/// Days with reports and without the failure after which it is over.
const OVER: usize = 2;

/// A failure within a window.
pub(in crate::diagnosis) struct Judged<'j> {
    pub(in crate::diagnosis) policy: &'j TlsPolicyFigures,
    pub(in crate::diagnosis) failure: &'j TlsFailureFigures,
    /// Sessions within the window, and all under the policy that those who say so saw there.
    pub(in crate::diagnosis) sessions: [u64; 2],
    /// Who says so, by place.
    pub(in crate::diagnosis) reporters: BTreeSet<u32>,
    /// The days within the window on which it failed.
    days: BTreeSet<Day>,
    pub(in crate::diagnosis) since: Day,
    pub(in crate::diagnosis) ongoing: bool,
    pub(in crate::diagnosis) lone_claim: bool,
    /// Two reporters on two days say so, or all that report on the policy.
    pub(in crate::diagnosis) enough: bool,
}

impl Judged<'_> {
    /// The last day within the window on which it failed.
    pub(in crate::diagnosis) fn last(&self) -> Day {
        self.days.last().copied().unwrap_or(Day::MIN)
    }
}

/// What to do about a failure.
pub(in crate::diagnosis) fn remedy_of(judged: &Judged<'_>) -> Remedy {
    remedy(&Case::of(judged.policy, judged.failure))
}

/// The failures of a policy within a window.
pub(in crate::diagnosis) fn judged(policy: &TlsPolicyFigures, window: Window) -> impl Iterator<Item = Judged<'_>> {
    policy.failures.iter().filter_map(move |failure| judge(policy, failure, window))
}

fn judge<'j>(policy: &'j TlsPolicyFigures, failure: &'j TlsFailureFigures, window: Window) -> Option<Judged<'j>> {
    let seen: Vec<((Day, u32), u64)> = failure
        .sessions
        .iter()
        .filter(|((day, _), _)| window.holds(*day))
        .map(|(&at, &sessions)| (at, sessions))
        .collect();
    let (&last, _) = seen.last().map(|((day, _), sessions)| (day, sessions))?;
    let sessions = sum(seen.iter().map(|(_, sessions)| *sessions));
    let reporters: BTreeSet<u32> = seen.iter().map(|((_, reporter), _)| *reporter).collect();
    // Days on which those who say so reported on the policy; with whether it failed.
    let mut days: BTreeMap<Day, bool> = BTreeMap::new();
    let ever: BTreeSet<u32> = failure.sessions.keys().map(|(_, reporter)| *reporter).collect();
    for at in policy.sessions.keys().filter(|(day, reporter)| *day <= window.last && ever.contains(reporter)) {
        *days.entry(at.0).or_default() |= failure.sessions.contains_key(at);
    }
    let mut since = last;
    let mut without = 0;
    for (&day, &failed) in days.range(..last).rev() {
        without = if failed { 0 } else { without + 1 };
        if without >= PAUSE {
            break;
        }
        if failed {
            since = day;
        }
    }
    let later = days.range(last.saturating_add(1)..).count();
    let all = || policy.sessions.iter().filter(|((day, _), _)| window.holds(*day));
    let claims: Vec<Claim> = all()
        .map(|(&(day, reporter), &[well, failed])| {
            let claimed = failure.sessions.get(&(day, reporter)).copied().unwrap_or(0);
            Claim { day, reporter, claimed, otherwise: well.saturating_add(failed).saturating_sub(claimed) }
        })
        .collect();
    let lone_claim = reporters.len() == 1 && reporters.iter().all(|&one| is_lone_claim(&claims, one, NOISE));
    let (mut by, mut whole) = (Seen::default(), Seen::default());
    seen.iter().for_each(|((day, reporter), _)| by.add(*reporter, *day));
    all().for_each(|((day, reporter), _)| whole.add(*reporter, *day));
    let theirs = all().filter(|((_, reporter), _)| reporters.contains(reporter));
    let theirs = sum(theirs.map(|(_, [well, failed])| well.saturating_add(*failed)));
    Some(Judged {
        policy,
        failure,
        sessions: [sessions, theirs],
        reporters,
        days: seen.iter().map(|((day, _), _)| *day).collect(),
        since,
        ongoing: later < OVER,
        lone_claim,
        enough: !lone_claim && by.is_enough(whole),
    })
}

fn sum(numbers: impl Iterator<Item = u64>) -> u64 {
    numbers.fold(0, u64::saturating_add)
}

/// What the reports of a window say, by domain. The survey may begin before the window, to tell since when something fails.
#[must_use]
pub fn tls_domains(survey: &TlsSurvey, window: Window) -> Vec<TlsDomain> {
    let mut domains: Vec<TlsDomain> = Vec::new();
    for policy in &survey.policies {
        let Some(found) = self::policy(survey, policy, window) else { continue };
        if domains.last().is_none_or(|last| last.domain != policy.domain) {
            let domain = policy.domain.clone();
            domains.push(TlsDomain { domain, successful: 0, failed: 0, policies: Vec::new() });
        }
        if let Some(domain) = domains.last_mut() {
            domain.successful = domain.successful.saturating_add(found.successful);
            domain.failed = domain.failed.saturating_add(found.failed);
            domain.policies.push(found);
        }
    }
    domains
}

fn policy(survey: &TlsSurvey, policy: &TlsPolicyFigures, window: Window) -> Option<TlsPolicy> {
    let seen: Vec<_> = policy.sessions.iter().filter(|((day, _), _)| window.holds(*day)).collect();
    let (first, last) = (seen.first()?.0.0, seen.last()?.0.0);
    let mut failures: Vec<TlsFailure> = judged(policy, window).map(|one| self::failure(survey, &one)).collect();
    failures.sort_by(|a, b| {
        let key = |one: &TlsFailure| (!one.ongoing, one.lone_claim, std::cmp::Reverse(one.sessions));
        key(a).cmp(&key(b))
    });
    Some(TlsPolicy {
        policy_type: policy.policy_type.clone(),
        mode: mode(policy),
        policy_string: policy.policy_string.clone(),
        mx_host: policy.mx_host.clone(),
        enforced: is_enforced(policy),
        successful: sum(seen.iter().map(|(_, [well, _])| *well)),
        failed: sum(seen.iter().map(|(_, [_, failed])| *failed)),
        reports: policy.reports.iter().filter(|(day, _)| window.holds(*day)).count() as u64,
        reporters: survey.names(seen.iter().map(|((_, reporter), _)| *reporter)),
        first_seen: shown(first),
        last_seen: shown(last),
        failures,
    })
}

fn failure(survey: &TlsSurvey, judged: &Judged<'_>) -> TlsFailure {
    let Judged { policy, failure, .. } = judged;
    let list = |texts: &BTreeSet<String>| texts.iter().cloned().collect();
    let case = Case::of(policy, failure);
    let day = |day: Option<&Day>| day.copied().map(shown).unwrap_or_default();
    TlsFailure {
        result_type: failure.result_type.clone(),
        explanation: explanation(&case),
        mx_host: failure.mx_host.clone(),
        receiving_ips: list(&failure.receiving_ips),
        reason_codes: list(&failure.reason_codes),
        information: list(&failure.information),
        sessions: judged.sessions[0],
        reporters: survey.names(judged.reporters.iter().copied()),
        days: judged.days.len(),
        first_seen: day(judged.days.first()),
        last_seen: day(judged.days.last()),
        since: shown(judged.since),
        ongoing: judged.ongoing,
        lone_claim: judged.lone_claim,
        remedy: remedy(&case),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A policy with what reporters saw: day, reporter, sessions that went well, sessions that failed.
    fn policy(seen: &[(Day, u32, u64, u64)]) -> TlsPolicyFigures {
        let mut failure =
            TlsFailureFigures { result_type: Some("certificate-expired".to_owned()), ..TlsFailureFigures::default() };
        let mut policy = TlsPolicyFigures { policy_type: Some("sts".to_owned()), ..TlsPolicyFigures::default() };
        for &(day, reporter, well, failed) in seen {
            policy.sessions.insert((day, reporter), [well, failed]);
            if failed > 0 {
                failure.sessions.insert((day, reporter), failed);
            }
        }
        policy.failures.push(failure);
        policy
    }

    fn one(seen: &[(Day, u32, u64, u64)], first: Day, last: Day) -> Option<(Day, bool, bool, bool)> {
        let policy = policy(seen);
        let mut found = judged(&policy, Window { first, last });
        found.next().map(|one| (one.since, one.ongoing, one.lone_claim, one.enough))
    }

    #[test]
    fn since_when_goes_over_short_pauses_and_before_the_window() {
        let daily = |fails: &dyn Fn(Day) -> bool| -> Vec<(Day, u32, u64, u64)> {
            (1..=40).map(|day| (day, 0, 10, u64::from(fails(day)))).collect()
        };
        assert_eq!(one(&daily(&|day| day >= 5), 30, 40), Some((5, true, false, true)));
        assert_eq!(one(&daily(&|day| day % 5 == 0), 30, 40), Some((5, true, false, true)));
        assert_eq!(one(&daily(&|day| day == 3 || day >= 12), 30, 40), Some((12, true, false, true)));
        assert_eq!(one(&daily(&|day| day == 33), 30, 40), Some((33, false, false, false)));
        assert_eq!(one(&daily(&|day| day == 39), 30, 40), Some((39, true, false, false)));
        assert_eq!(one(&daily(&|day| day < 20), 30, 40), None);
        // Days without reports are not days without the failure.
        assert_eq!(one(&[(1, 0, 0, 1), (30, 0, 0, 1)], 30, 40).map(|one| one.0), Some(1));
    }

    #[test]
    fn what_one_says_against_others_is_told_as_that() {
        let mut seen: Vec<(Day, u32, u64, u64)> = (1..=9).map(|day| (day, 0, 0, 500)).collect();
        assert_eq!(one(&seen, 1, 9), Some((1, true, false, true)), "there is no other");
        for reporter in 1..=2 {
            seen.extend((1..=9).map(|day| (day, reporter, 30, 0)));
        }
        assert_eq!(one(&seen, 1, 9), Some((1, true, true, false)));
        // One of the others sees it too.
        seen.iter_mut().filter(|one| one.1 == 1).for_each(|one| one.3 = 30);
        assert_eq!(one(&seen, 1, 9), Some((1, true, false, true)));
    }

    #[test]
    fn the_mode_decides_whether_mail_waits() {
        let with = |kind: &str, line: &str| {
            is_enforced(&TlsPolicyFigures {
                policy_type: Some(kind.to_owned()),
                policy_string: vec!["version: STSv1".to_owned(), line.to_owned()],
                ..TlsPolicyFigures::default()
            })
        };
        assert!(with("sts", "mode: Enforce") && with("tlsa", "3 1 1 AA"));
        assert!(!with("sts", "mode: testing") && !with("no-policy-found", "mode: enforce") && !with("odd", "x"));
    }
}
