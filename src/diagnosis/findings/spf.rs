//! The domain's own SPF record cannot be evaluated (`permerror`, `temperror`): then SPF passes for nobody.

use std::collections::BTreeMap;

use super::cells;
use super::cells::Now;
use super::code::{DomainFinding, FindingCode, FindingEvidence, remedy};
use super::observations::{DomainMail, names};
use crate::alignment::{SpfFault, SpfState};
use crate::diagnosis::dates::shown;
use crate::finding::Severity;
use crate::providers::Remedy;
use crate::query::{OutcomeFacts, Survey};
use crate::words::plural;

/// From this share on of what could not be evaluated among that and what aligned.
const MOST: f64 = 0.5;
/// Fewer messages say nothing of a record.
const FEWEST: u64 = 5;

/// What speaks for a fault, and what against it: SPF that aligned. A reporter that calls every failure `fail` says neither.
fn side(facts: &OutcomeFacts) -> Option<usize> {
    match (facts.detail.spf_fault, facts.spf) {
        (_, SpfState::Aligned) => Some(1),
        (Some(_), _) => Some(0),
        (None, _) => None,
    }
}

/// Whether the domain's own SPF cannot be evaluated for mail of one path, at the end of the days that were seen; and since when.
pub(in crate::diagnosis) fn fails_for(survey: &Survey, path: usize) -> Option<Now> {
    cells::now(&cells::cells(survey, &[path], side), MOST)
}

pub(super) fn find(of: &DomainMail<'_>) -> Option<DomainFinding> {
    let cells = cells::cells(of.survey, of.paths, side);
    if cells.iter().map(|cell| cell.sums[0]).fold(0, u64::saturating_add) < FEWEST {
        return None;
    }
    let now = cells::now(&cells, MOST)?;
    let (mut messages, mut aligned) = (0u64, 0u64);
    let current = cells.iter().filter(|cell| cell.day >= now.first);
    for cell in current.clone() {
        messages = messages.saturating_add(cell.sums[0]);
        aligned = aligned.saturating_add(cell.sums[1]);
    }
    if messages < FEWEST {
        return None;
    }
    let who = names(of.survey, current.clone().filter(|cell| cell.sums[0] > 0).map(|cell| cell.reporter));
    let all = names(of.survey, current.map(|cell| cell.reporter)).len() as u64;
    let fault = fault(of, now.first);
    let (word, means) = match fault {
        SpfFault::Temporary => ("temperror", "temperror"),
        SpfFault::Permanent => ("permerror", "permerror"),
        SpfFault::TooManyLookups => ("too_many_lookups", "permerror: too many DNS lookups"),
    };
    let passed = if aligned == 0 { "none passed".to_owned() } else { format!("{} passed", plural(aligned, "message")) };
    let detail = format!(
        "it cannot be evaluated ({means}) for {} at {} of {}; {passed}",
        plural(messages, "message"),
        who.len(),
        plural(all, "reporter"),
    );
    let evidence = FindingEvidence::Spf { fault: word, messages, spf_aligned: aligned, reporters: who };
    let subject = format!("the SPF record of {}", of.domain);
    let mut found =
        DomainFinding::new(Severity::Error, FindingCode::SpfUnevaluable, of.domain, subject, detail, evidence);
    found.finding.remedy = Some(mend(of.domain, fault));
    found.since = now.changed.then(|| shown(now.first));
    found.breaks_authentication = true;
    Some(found)
}

/// What most messages of most reporters say, each reporter with one voice; of equals what tells more.
fn fault(of: &DomainMail<'_>, first: crate::report::period::Day) -> SpfFault {
    let tally = &of.survey.tally;
    let mut by_reporter: BTreeMap<u32, BTreeMap<SpfFault, u64>> = BTreeMap::new();
    for entry in of.paths.iter().flat_map(|&at| tally.entries(at)) {
        let report = tally.report(entry);
        let facts = tally.facts(entry);
        if let (Some(fault), Some(0), true) = (facts.detail.spf_fault, side(facts), report.day >= first) {
            let sum = by_reporter.entry(report.reporter).or_default().entry(fault).or_default();
            *sum = sum.saturating_add(entry.messages);
        }
    }
    let mut voices: BTreeMap<SpfFault, u64> = BTreeMap::new();
    for faults in by_reporter.values() {
        if let Some((&fault, _)) = faults.iter().max_by_key(|&(&fault, &messages)| (messages, fault)) {
            *voices.entry(fault).or_default() += 1;
        }
    }
    // Few reporters write texts: where two do, or all do, the others' `permerror` is the same fault without its text.
    let permanent = voices.get(&SpfFault::Permanent).copied().unwrap_or(0);
    if let Some(told) = voices.get_mut(&SpfFault::TooManyLookups).filter(|told| **told > 1) {
        *told += permanent;
    }
    voices.iter().max_by_key(|&(&fault, &voices)| (voices, fault)).map_or(SpfFault::Permanent, |(&fault, _)| fault)
}

const RFC7208_LIMITS: &str = "https://www.rfc-editor.org/rfc/rfc7208#section-4.6.4";
const RFC7208_ERRORS: &str = "https://www.rfc-editor.org/rfc/rfc7208#section-2.6";

fn mend(domain: &str, fault: SpfFault) -> Remedy {
    let look = format!(
        "`dmarcstat dns {domain}` shows the record, all that it includes, the lookups that this takes, and what is wrong in it."
    );
    let until = "Until it is fixed, SPF passes for nobody: mail that is not signed with DKIM fails DMARC, so publish no stricter policy.";
    match fault {
        SpfFault::Temporary => remedy(
            format!("make the name servers of {domain}, and those of the domains that its SPF record includes, answer"),
            &[
                &look,
                "Ask each name server of each of these names, over UDP and TCP: one that times out or refuses is enough.",
                until,
            ],
            Some(RFC7208_ERRORS),
        ),
        SpfFault::Permanent | SpfFault::TooManyLookups => remedy(
            format!("fix the SPF record of {domain}"),
            &[
                &look,
                "At most ten lookups are allowed, those of included records counted in (`include`, `a`, `mx`, `ptr`, `exists`, `redirect`), and two that find nothing. Two SPF records at one name, an include of a name without one, and a misspelt mechanism are errors too.",
                "Take out services that you no longer use, and `mx`, `a` and `ptr` where the addresses are few: write `ip4:` and `ip6:`. Services that use a reverse-path of their own need no include here.",
                "Give a service that does need one a reverse-path on a subdomain with an SPF record of its own.",
                until,
            ],
            Some(RFC7208_LIMITS),
        ),
    }
}
