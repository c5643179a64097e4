//! From what was observed to the review.

use std::cmp::Reverse;

use super::advice::advice;
use super::answer::{Blocker, Ended, Fragile, Regression, Review, ReviewedPath, Verdict};
use super::checklist::Findings;
use super::checks;
use super::decisions::{decisions, looks_forgotten, undecided};
use super::ended::{End, Witnessed};
use super::impact::{self, PathDays, failing, is_own, least_alone, spf_alone};
use super::policy::Target;
use super::reporters::{evidence, handling, reporters, share};
use super::steady::Whole;
use super::thresholds::ReadinessThresholds;
use super::weighed::{Weighed, weighed};
use super::{failures, policy, selectors, subdomains};
use crate::diagnosis::{Class, DomainFinding, SendingPath, WindowAnswer, ledger};
use crate::dns::DnsAudit;
use crate::domain::is_within;
use crate::providers::{Catalogue, Kind};
use crate::query::{CheckedReports, EarlierDays, Matching, Receivers, StrictFigures, Survey};
use crate::report::period::{Day, age_in_days, date_of, end_of, rfc3339};
use crate::role::Role;

/// Fewer messages show no regression.
const ENOUGH_FOR_A_TREND: u64 = 20;

/// What a review is made of. It may hold more domains than the one reviewed.
#[derive(Clone, Copy)]
pub struct Observed<'o> {
    /// The figures.
    pub survey: &'o Survey,
    /// What entries of the ledger would be about.
    pub matching: &'o Matching<'o>,
    /// All paths of the figures.
    pub paths: &'o [SendingPath],
    /// What is wrong with domains as a whole.
    pub findings: &'o [DomainFinding],
    /// What receivers reported and did, of the same days and domains.
    pub receivers: &'o Receivers,
    /// Of the reports of the same days those that passed and those that nobody checked.
    pub checked: &'o [CheckedReports],
    /// Those that nobody checked are left out of all else here.
    pub unchecked_left_out: bool,
    /// What strict alignment would cost, by path.
    pub strict: &'o [StrictFigures],
    /// Days before the window, of the addresses of paths that are quiet.
    pub earlier: &'o EarlierDays,
    /// The catalogue that named the senders.
    pub catalogue: &'o Catalogue,
    /// First and last day of the window.
    pub window: (Day, Day),
    /// The day of the review.
    pub today: Day,
}

/// Reviews a domain by what concerns it and what is below it.
#[must_use]
pub fn review(
    observed: &Observed<'_>,
    domain: &str,
    target: Target,
    thresholds: &ReadinessThresholds,
    dns: Option<DnsAudit>,
) -> Review {
    let receivers = narrowed(observed.receivers, domain);
    let governing = subdomains::governing(&receivers);
    // What has a record of its own is not touched by the change; it is shown, and not counted.
    let touched = |path: &SendingPath| {
        governing.get(path.domain.as_str()).is_none_or(|found| found.last == domain || !is_within(found.last, domain))
    };
    let within: Vec<&SendingPath> = observed.paths.iter().filter(|path| is_within(&path.domain, domain)).collect();
    let paths: Vec<&SendingPath> = within.iter().copied().filter(|path| touched(path)).collect();
    let own: Vec<&SendingPath> = paths.iter().copied().filter(|path| is_own(path)).collect();

    let impact = impact::impact(paths.iter().copied());
    let recent_from = observed.window.1.saturating_sub(thresholds.recent_days.min(10_000) as i32 - 1);
    let (path_days, daily) = impact::days(observed.survey, &paths, recent_from);
    let reporters = reporters(&receivers);
    let governor = governing.get(domain).map_or(domain, |found| found.last);
    let (published, policy_changes) = policy::history(&receivers, governor);
    let (dispositions, overridden) = handling(&receivers);
    let about = |one: &&CheckedReports| is_within(&one.domain, domain) || is_within(domain, &one.domain);
    let unchecked = observed.checked.iter().filter(about).map(|one| one.unchecked).sum();
    let now = end_of(observed.today);
    let fresh = receivers.reports.iter().map(|report| report.period).filter(|period| period.is_evidence_of_now(now));
    let newest = fresh.max_by_key(|period| period.end);

    let witnessed = Witnessed::of(observed.survey, &paths, observed.earlier);
    let wants_end =
        |path: &SendingPath, days: &PathDays| is_own(path) && (failing(path) > 0 || spf_alone(path, days) > 0);
    let ends: Vec<Option<End>> = (paths.iter().zip(&path_days))
        .map(|(path, days)| wants_end(path, days).then(|| witnessed.end(path)).flatten())
        .collect();
    let is_alive = |end: &Option<End>| !matches!(end, Some(End::Ended));
    let alive = paths.iter().copied().zip(&path_days).zip(&ends).filter(|(_, end)| is_alive(end));
    let least_alone = least_alone(alive.map(|(path, _)| path), thresholds);
    let mut counts = weighed(observed.survey, &own).into_iter();
    let whole = Whole::of(&daily, observed.survey, &paths);
    let mut own_weighed = Weighed::default();
    let mut unsigned_own = 0u64;
    let mut blockers = Vec::new();
    let (mut fragile, mut ended) = (Vec::new(), Vec::new());
    let mut regressions = Vec::new();
    let mut reviewed = Vec::new();
    let (mut decide, mut forgotten, mut failing_signatures) = (Vec::new(), Vec::new(), Vec::new());
    for ((path, days), end) in paths.iter().zip(&path_days).zip(ends) {
        reviewed.push(reviewed_path(path, days));
        match path.role {
            _ if failing(path) == 0 => {}
            Role::Service | Role::OtherAccount => decide.push(undecided(path)),
            Role::Unknown
                if path.leg
                    || looks_forgotten(observed.survey, path)
                        && failing(path).saturating_mul(100) >= impact.messages
                    || whole.has_steady(path, observed.survey) =>
            {
                forgotten.push(undecided(path));
            }
            _ => {}
        }
        if !is_own(path) {
            continue;
        }
        let counted = counts.next().unwrap_or_default();
        if !is_alive(&end) {
            ended.push(Ended {
                path: path.id.clone(),
                sender: path.sender.clone(),
                domain: path.domain.clone(),
                messages: path.messages,
                last_seen: path.last_seen.clone(),
            });
            continue;
        }
        unsigned_own += u64::from((path.class != Class::Signed || path.needs_work()) && path.messages > 0);
        regressions.extend(regression(path, days, thresholds));
        own_weighed.messages = own_weighed.messages.saturating_add(counted.messages);
        own_weighed.failing = own_weighed.failing.saturating_add(counted.failing);
        let fails = fails(counted, thresholds);
        if path.class == Class::Broken && path.evidence.counted.aligned == 0 {
            failing_signatures.push((path.sender.clone(), path.cause));
        }
        let alone = spf_alone(path, days) > least_alone;
        if alone {
            fragile.push(Fragile {
                path: path.id.clone(),
                sender: path.sender.clone(),
                domain: path.domain.clone(),
                class: path.class,
                messages: days.spf_alone,
                path_messages: path.messages,
            });
        }
        let mut reasons = Vec::new();
        if fails {
            reasons.push("fails");
        }
        if alone && target == Target::Reject {
            reasons.push("spf-alone");
        }
        if !reasons.is_empty() {
            blockers.push(Blocker {
                path: path.id.clone(),
                messages: failing(path),
                class: path.class,
                cause: path.cause,
                remedy: path.remedy.clone(),
                sender: path.sender.clone(),
                domain: path.domain.clone(),
                role: path.role,
                path_messages: path.messages,
                spf_alone: days.spf_alone,
                reasons,
                certain: path.reporters.len() > 1 && path.first_seen != path.last_seen,
                failing: if fails { failures::parts(observed.survey, path) } else { Vec::new() },
                moved_to: end.and_then(|end| match end {
                    End::Moved(successor) => Some(successor),
                    End::Ended => None,
                }),
                quiet_since: witnessed.is_quiet(path).then(|| path.last_seen.clone()),
            });
        }
    }
    blockers.sort_by_key(|blocker| Reverse((blocker.messages, blocker.spf_alone)));
    fragile.sort_by_key(|path| Reverse(path.messages));

    let mut strict = StrictFigures::default();
    for path in &own {
        if let Some(figures) = observed.strict.get(path.figures) {
            strict.add(figures);
        }
    }
    // A subdomain with a record of its own is out of the review, and so is what is wrong with it.
    let found: Vec<DomainFinding> = observed
        .findings
        .iter()
        .filter(|one| {
            is_within(&one.domain, domain)
                && (one.domain == domain || paths.iter().any(|path| path.domain == one.domain))
        })
        .cloned()
        .collect();
    let findings = Findings {
        found: &found,
        evidence: evidence(&receivers, impact.messages, unchecked, observed.unchecked_left_out),
        age: newest.map(|period| age_in_days(period.end, observed.today)),
        window_days: (i64::from(observed.window.1) - i64::from(observed.window.0) + 1).max(0),
        own_messages: own_weighed.messages,
        own_failing: own_weighed.failing,
        unsigned_own,
        mailboxes: mailboxes(&own, observed.catalogue),
        subdomains: subdomains::subdomains(domain, target, &within, &governing, published.as_ref()),
        selectors: selectors::selectors(observed.survey, &own, thresholds.max_selector_failures),
        domain,
        target,
        thresholds,
        blockers: &blockers,
        fragile: &fragile,
        decide: &decide,
        forgotten: &forgotten,
        failing_signatures: &failing_signatures,
        regressions: &regressions,
        reporters: &reporters,
        published: published.as_ref(),
        strict,
        dns: dns.as_ref(),
    };
    let (checks, mut verdict) = checks::checks(&findings);
    let Observed { survey, matching, catalogue, .. } = *observed;
    let decisions = decisions(&ledger::Ground { survey, matching, catalogue }, &paths, impact.messages, thresholds);
    if verdict == Verdict::Ready && !decisions.is_empty() {
        verdict = Verdict::Undecided;
    }
    let advice = advice(&findings);
    let Findings { evidence, subdomains, selectors, .. } = findings;
    Review {
        schema: "dmarcstat/readiness/2",
        domain: domain.to_owned(),
        target,
        verdict,
        evidence,
        impact,
        findings: found,
        checks,
        blockers,
        ended,
        fragile,
        subdomains,
        decisions,
        decide,
        forgotten,
        strict,
        dispositions,
        overridden,
        reporters,
        published,
        policy_changes,
        selectors,
        regressions,
        advice,
        daily,
        paths: reviewed,
        dns,
        window: WindowAnswer {
            begin: Some(date_of(observed.window.0).to_string()),
            end: Some(date_of(observed.window.1).to_string()),
        },
        as_of: date_of(observed.today).to_string(),
        newest_report: newest.map(|period| rfc3339(period.end)),
        thresholds: thresholds.clone(),
        program: concat!("dmarcstat ", env!("CARGO_PKG_VERSION")).to_owned(),
    }
}

/// What receivers reported of a domain and what is below it.
fn narrowed(receivers: &Receivers, domain: &str) -> Receivers {
    let governed: Vec<_> =
        receivers.governed.iter().filter(|one| is_within(&one.header_from, domain)).cloned().collect();
    // A report is about the domain when its policy was found there or above, and not at a record of a subdomain's own.
    let about = |policy_domain: &str| {
        let below = policy_domain != domain && is_within(policy_domain, domain);
        policy_domain == domain || !below && governed.iter().any(|one| one.policy_domain == policy_domain)
    };
    Receivers {
        reports: receivers.reports.iter().filter(|report| about(&report.policy_domain)).cloned().collect(),
        reporters: receivers.reporters.clone(),
        policies: receivers.policies.clone(),
        handled: receivers.handled.clone(),
        governed,
    }
}

/// Whether more of a path fails than may.
fn fails(path: Weighed, thresholds: &ReadinessThresholds) -> bool {
    let Weighed { messages, failing } = path;
    failing > thresholds.max_path_failures && failing as f64 > (1.0 - thresholds.pass_share) * messages as f64
}

fn regression(path: &SendingPath, days: &PathDays, thresholds: &ReadinessThresholds) -> Option<Regression> {
    if days.before[0] < ENOUGH_FOR_A_TREND || days.recent[0] < ENOUGH_FOR_A_TREND {
        return None;
    }
    [("dmarc", 1), ("dkim", 2)].into_iter().find_map(|(what, at)| {
        let (before, now) = (share(days.before[at], days.before[0])?, share(days.recent[at], days.recent[0])?);
        (before - now > thresholds.max_regression).then(|| Regression {
            path: path.id.clone(),
            sender: path.sender.clone(),
            what,
            before,
            now,
            messages: days.recent[0],
        })
    })
}

fn reviewed_path(path: &SendingPath, days: &PathDays) -> ReviewedPath {
    ReviewedPath {
        id: path.id.clone(),
        sender: path.sender.clone(),
        domain: path.domain.clone(),
        class: path.class,
        role: path.role,
        messages: path.messages,
        pass: path.dmarc_pass,
        dkim_aligned: path.dkim.aligned,
        spf_aligned: path.spf_aligned,
        spf_alone: days.spf_alone,
        first_seen: path.first_seen.clone(),
        last_seen: path.last_seen.clone(),
        remedy: path.remedy.as_ref().map(|remedy| remedy.title.clone()),
    }
}

/// The mailbox hosts among one's own paths: where people write mail, mailing lists are used.
fn mailboxes(own: &[&SendingPath], catalogue: &Catalogue) -> Vec<String> {
    let hosts = own.iter().filter(|path| {
        path.provider
            .as_deref()
            .and_then(|id| catalogue.get(id))
            .is_some_and(|provider| provider.kind == Kind::MailboxHost)
    });
    let mut names: Vec<String> = hosts.map(|path| path.sender.clone()).collect();
    names.sort_unstable();
    names.dedup();
    names
}
