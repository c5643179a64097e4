//! Reports that no longer come: on a domain, or of a reporter that told of much.

use std::collections::BTreeMap;

use super::Observations;
use super::code::{DomainFinding, FindingCode, FindingEvidence, remedy};
use crate::diagnosis::dates::shown;
use crate::diagnosis::silence::{Days, LARGE, gather, messages, stopped};
use crate::finding::Severity;
use crate::query::Presence;
use crate::report::period::Day;
use crate::words::{percent, plural};

/// What fell silent longer ago is history, and no finding.
const FRESH: Day = 30;

/// The last day on which reports could be, and the first on which a silence that is told can have been noticed.
fn span(of: &Observations<'_>) -> (Day, Day) {
    let last = of.window.last.min(of.today.saturating_sub(1));
    (last, of.window.first.max(last.saturating_sub(FRESH)))
}

/// What is known up to a day.
fn up_to(days: &Days, last: Day) -> Days {
    days.range(..=last).map(|(&day, &messages)| (day, messages)).collect()
}

/// Domains on which no reports come any more. A domain of which one reporter of several told is that reporter's silence; one
/// below another that is still reported on may have lost its own record.
pub(super) fn domains(of: &Observations<'_>) -> Vec<DomainFinding> {
    let (last, from) = span(of);
    let domains = gather(of.presence, |one: &Presence| &one.domain);
    let all_reporters = gather(of.presence, |one| &one.reporter).len();
    let mut reporters: BTreeMap<&str, usize> = BTreeMap::new();
    for one in of.presence {
        *reporters.entry(&one.domain).or_default() += 1;
    }
    let mut found = Vec::new();
    for (domain, days) in domains.iter().filter(|(domain, _)| of.rules.ledger.is_owners(domain)) {
        let days = up_to(days, last);
        let Some(stopped) = stopped(&days, last).filter(|stopped| stopped.noticed >= from) else {
            continue;
        };
        let above = domain.match_indices('.').filter_map(|(dot, _)| domains.get(&domain[dot + 1..]));
        let still = above.filter_map(|days| days.range(..=last).next_back().map(|(&day, _)| day)).max();
        let alone = all_reporters > 1 && reporters.get(domain).copied() == Some(1);
        if alone || still.is_some_and(|still| still > stopped.end) {
            continue;
        }
        let pause = u64::from(last.saturating_sub(stopped.end).unsigned_abs());
        let detail = format!("the last reports on it are of {}, {} before", shown(stopped.end), plural(pause, "day"));
        let evidence = FindingEvidence::Silence { last_day: shown(stopped.end), days: pause, messages: None };
        let mut one = DomainFinding::new(Severity::Error, FindingCode::NoReports, domain, *domain, detail, evidence);
        one.since = Some(shown(stopped.end.saturating_add(1)));
        one.finding.remedy = Some(remedy(
            format!("find out where the reports on {domain} go"),
            &[
                "No reports is not the same as no problems: nothing is known of the domain's mail since then.",
                &format!(
                    "`dmarcstat dns {domain}` says whether the record still names an address (rua=), and whether a domain elsewhere still consents to receive for it."
                ),
                "`dmarcstat check` says whether the mailbox can be read, and `dmarcstat quarantine` what came and could not be.",
            ],
            None,
        ));
        found.push(one);
    }
    found
}

/// Large reporters that no longer report while others do; each with the domain of which it told most.
pub(super) fn reporters(of: &Observations<'_>) -> Vec<DomainFinding> {
    let (last, from) = span(of);
    let reporters: BTreeMap<&str, Days> = gather(of.presence, |one: &Presence| &one.reporter)
        .into_iter()
        .map(|(name, days)| (name, up_to(&days, last)))
        .collect();
    let Some(newest) = reporters.values().filter_map(|days| days.keys().next_back()).max().copied() else {
        return Vec::new();
    };
    let all = |days: &Days| messages(days, Day::MIN, Day::MAX);
    let total = reporters.values().fold(0_u64, |sum, days| sum.saturating_add(all(days)));
    let mut found = Vec::new();
    for (name, days) in &reporters {
        let Some(stopped) = stopped(days, newest).filter(|stopped| stopped.noticed >= from) else {
            continue;
        };
        let told = all(days);
        if told == 0 || (told as f64) < LARGE * total as f64 {
            continue;
        }
        let of_it = of.presence.iter().filter(|one| one.reporter == *name && of.rules.ledger.is_owners(&one.domain));
        let Some(most) = of_it.max_by_key(|one| (all(&up_to(&one.days, last)), std::cmp::Reverse(&one.domain))) else {
            continue;
        };
        let pause = u64::from(newest.saturating_sub(stopped.end).unsigned_abs());
        let detail = format!(
            "its last report is of {}, {} before the newest of others; it told of {} of the messages",
            shown(stopped.end),
            plural(pause, "day"),
            percent(told, total),
        );
        let evidence = FindingEvidence::Silence { last_day: shown(stopped.end), days: pause, messages: Some(told) };
        let mut one =
            DomainFinding::new(Severity::Warning, FindingCode::ReporterSilent, &most.domain, *name, detail, evidence);
        one.since = Some(shown(stopped.end.saturating_add(1)));
        one.finding.remedy = Some(remedy(
            format!("see whether mail to the users of {name} still arrives, and their reports do"),
            &[
                "`dmarcstat quarantine` shows reports of it that came and could not be read, `dmarcstat reports --untrusted` those whose mail failed DMARC or came under another's name.",
                "Look into the report mailbox for rules, a full quota, and mail that was taken for spam.",
                "Until it reports again its share of the mail is unknown, and no part of what is well.",
            ],
            None,
        ));
        found.push(one);
    }
    found
}
