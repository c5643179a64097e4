//! From what was observed to the review.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::advice::advice;
use super::answer::{Review, Verdict};
use super::checklist::Findings;
use super::checks;
use super::decisions::decisions;
use super::ended::{Earlier, End, Witnessed};
use super::impact::{self, PathDays, failing, is_own, least_alone, spf_alone};
use super::lines::{Line, lines};
use super::measures::{Forgers, Measures};
use super::policy::Target;
use super::reporters::{evidence, handling, reporters};
use super::sorted::Sorted;
use super::steady::Whole;
use super::thresholds::ReadinessThresholds;
use super::weighed::weighed;
use super::{policy, selectors, subdomains};
use crate::diagnosis::{DomainFinding, SendingPath, WindowAnswer, ledger};
use crate::dns::DnsAudit;
use crate::domain::is_within;
use crate::providers::{Catalogue, Kind};
use crate::query::{CheckedReports, Matching, Receivers, StrictFigures, Survey};
use crate::report::period::{Day, age_in_days, date_of, end_of, rfc3339};

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
    /// What is known of the days before the window.
    pub earlier: Earlier<'o>,
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
    let governor = governing.get(domain).map_or(domain, |found| found.last);
    let (published, policy_changes) = policy::history(&receivers, governor);
    let (dispositions, overridden) = handling(&receivers);
    let about = |one: &&CheckedReports| is_within(&one.domain, domain) || is_within(domain, &one.domain);
    let unchecked = if observed.unchecked_left_out {
        observed.checked.iter().filter(about).map(|one| one.unchecked).sum()
    } else {
        receivers.reports.iter().filter(|report| !report.is_checked()).count() as u64
    };
    let now = end_of(observed.today);
    let fresh = receivers.reports.iter().map(|report| report.period).filter(|period| period.is_evidence_of_now(now));
    let newest = fresh.max_by_key(|period| period.end);

    let parked = thresholds.is_parked(domain);
    let genuine = impact::genuine(&paths, parked);
    let messages = genuine.iter().fold(0u64, |sum, path| sum.saturating_add(path.messages));
    let witnessed = Witnessed::of(observed.survey, &paths, observed.earlier, messages);
    let mut ends: Vec<Option<End>> =
        paths.iter().map(|path| is_own(path).then(|| witnessed.end(path)).flatten()).collect();
    let in_place_of = successors(&paths, &ends);
    // What passes by itself and has ended is shown like all else.
    let passes = |path: &SendingPath, days: &PathDays| failing(path) == 0 && spf_alone(path, days) == 0;
    for (end, (path, days)) in ends.iter_mut().zip(paths.iter().zip(&path_days)) {
        end.take_if(|_| passes(path, days));
    }
    let is_alive = |end: &Option<End>| !matches!(end, Some(End::Ended));
    let alive = paths.iter().copied().zip(&path_days).zip(&ends).filter(|(_, end)| is_alive(end));
    let least_alone = least_alone(alive.map(|(path, _)| path), thresholds);
    let measures = Measures {
        survey: observed.survey,
        thresholds,
        target,
        parked,
        messages,
        least_alone,
        whole: Whole::of(&daily, observed.survey, &genuine),
        forgers: Forgers::of(&paths),
    };
    let lines = lines(&paths, &measures, observed.catalogue);
    let mut counts = weighed(observed.survey, &own).into_iter();
    let mut sorted = Sorted::default();
    for ((path, days), end) in paths.iter().zip(&path_days).zip(ends) {
        let counted = if is_own(path) { counts.next() } else { None };
        sorted.add(path, days, end, counted.unwrap_or_default(), &measures);
    }
    sorted.forgotten.extend(lines.iter().filter_map(Line::forgotten));
    sorted.blockers.sort_by_key(|blocker| Reverse((blocker.messages, blocker.spf_alone)));
    sorted.fragile.sort_by_key(|path| Reverse(path.messages));

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
    let Observed { survey, matching, catalogue, .. } = *observed;
    let ground = ledger::Ground { survey, matching, catalogue };
    for blocker in sorted.blockers.iter_mut().filter(|one| one.quiet_since.is_some() && one.moved_to.is_none()) {
        let path = own.iter().find(|path| path.id == blocker.path);
        blocker.gone = path
            .map(|path| ledger::denial(&ground, path))
            .filter(|entry| entry.is_live())
            .map(|entry| entry.to_string());
    }
    let review = Review {
        schema: "dmarcstat/readiness/2",
        domain: domain.to_owned(),
        target,
        // The checks decide, below.
        verdict: Verdict::Ready,
        evidence: evidence(&receivers, impact.messages, unchecked, observed.unchecked_left_out),
        findings: found,
        checks: Vec::new(),
        blockers: sorted.blockers,
        ended: sorted.ended,
        fragile: sorted.fragile,
        subdomains: subdomains::subdomains(domain, target, &within, &governing, published.as_ref()),
        decisions: decisions(&ground, paths.iter().copied().zip(&path_days), &in_place_of, &lines, &measures),
        decide: sorted.decide,
        forgotten: sorted.forgotten,
        strict,
        dispositions,
        overridden,
        reporters: reporters(&receivers),
        published,
        policy_changes,
        selectors: selectors::selectors(survey, &own, thresholds.max_selector_failures),
        regressions: sorted.regressions,
        advice: Vec::new(),
        daily,
        paths: sorted.paths,
        dns,
        window: WindowAnswer {
            begin: Some(date_of(observed.window.0).to_string()),
            end: Some(date_of(observed.window.1).to_string()),
        },
        as_of: date_of(observed.today).to_string(),
        newest_report: newest.map(|period| rfc3339(period.end)),
        thresholds: thresholds.clone(),
        program: concat!("dmarcstat ", env!("CARGO_PKG_VERSION")).to_owned(),
        impact,
    };
    let findings = Findings {
        review: &review,
        age: newest.map(|period| age_in_days(period.end, observed.today)),
        window_days: (i64::from(observed.window.1) - i64::from(observed.window.0) + 1).max(0),
        own: sorted.own,
        alone: sorted.alone.iter().map(|(&at, &sum)| (survey.reporter_names[at as usize].as_str(), sum)).collect(),
        unsigned_own: sorted.unsigned_own,
        mailboxes: mailboxes(&own, catalogue),
        failing_signatures: &sorted.failing_signatures,
    };
    let (checks, mut verdict) = checks::checks(&findings);
    if verdict == Verdict::Ready && !review.decisions.is_empty() {
        verdict = Verdict::Undecided;
    }
    let advice = advice(&findings);
    Review { verdict, checks, advice, ..review }
}

/// For each path that came in the place of one of the owner's that fell silent, by its id, the sender of that, or its machine where
/// both senders are called alike. What one reporter alone sees takes nobody's place, where there are others.
fn successors(paths: &[&SendingPath], ends: &[Option<End>]) -> BTreeMap<String, String> {
    let lone = paths.iter().filter(|path| path.witnesses < 2).map(|path| path.id.as_str());
    let lone: BTreeSet<&str> = lone.collect();
    let mut found = BTreeMap::new();
    for (path, end) in paths.iter().zip(ends) {
        let Some(End::Moved(successor)) = end else { continue };
        if path.witnesses < 2 || !lone.contains(successor.path.as_str()) {
            let machine = path.source_ips.first().filter(|_| path.sender == successor.sender);
            let former = machine.map_or_else(|| path.sender.clone(), ToString::to_string);
            found.entry(successor.path.clone()).or_insert(former);
        }
    }
    found
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
