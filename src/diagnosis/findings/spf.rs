//! The domain's own SPF record cannot be evaluated (`permerror`, `temperror`): then SPF passes for nobody. Services that use a
//! reverse-path below the domain have another record, which passes or fails by itself.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use super::cells;
use super::cells::Now;
use super::code::{DomainFinding, FindingCode, FindingEvidence, remedy};
use super::observations::{DomainMail, names};
use crate::alignment::{SpfFault, SpfState};
use crate::diagnosis::dates::shown;
use crate::finding::Severity;
use crate::providers::Remedy;
use crate::query::{OutcomeFacts, Survey};
use crate::report::period::Day;
use crate::witness::has_share;
use crate::words::plural;

/// From this share on of what could not be evaluated among that and what aligned.
const MOST: f64 = 0.5;
/// Fewer messages say nothing of a record.
const FEWEST: u64 = 5;

/// Whose SPF record it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnosis) enum SpfRecord {
    /// That of the header From domain itself.
    Own,
    /// That of another name of the organization, which a sender uses as reverse-path or HELO name.
    Other,
}

impl SpfRecord {
    /// Both.
    const ALL: [SpfRecord; 2] = [SpfRecord::Own, SpfRecord::Other];

    /// Whose record could not be evaluated, where one could not.
    pub(in crate::diagnosis) fn at_fault(facts: &OutcomeFacts) -> Option<Self> {
        let of_other = facts.detail.spf_fault_elsewhere;
        facts.detail.spf_fault.map(|_| if of_other { SpfRecord::Other } else { SpfRecord::Own })
    }

    /// By whose record SPF aligned, where it did. Where nothing says which name passed, it is taken to be the domain.
    fn aligned_by(facts: &OutcomeFacts) -> Option<Self> {
        let is_own = facts.envelope.is_none() || facts.envelope == facts.header_from;
        (facts.spf == SpfState::Aligned).then_some(if is_own { SpfRecord::Own } else { SpfRecord::Other })
    }

    /// What speaks for a fault of the record (0), and what against it (1): SPF that aligned by it. A reporter that calls every
    /// failure `fail` says neither.
    fn side(self, facts: &OutcomeFacts) -> Option<usize> {
        match (Self::aligned_by(facts), Self::at_fault(facts)) {
            (Some(record), _) => (record == self).then_some(1),
            (None, record) => (record == Some(self)).then_some(0),
        }
    }
}

/// Whether SPF cannot be evaluated for mail of one path, at the end of the days that were seen: of whose record, and since when.
pub(in crate::diagnosis) fn fails_for(survey: &Survey, path: usize) -> Option<(SpfRecord, Now)> {
    let tally = &survey.tally;
    // Of hardly any path a reporter says so.
    tally.telling(path).find(|entry| SpfRecord::at_fault(tally.facts(entry)).is_some())?;
    SpfRecord::ALL.into_iter().find_map(|record| {
        let side = |facts: &OutcomeFacts| record.side(facts);
        Some((record, cells::now(&cells::cells(survey, &[path], side), MOST)?))
    })
}

/// From this share of unaligned mail on, SPF does not align any more.
const NOT_ALIGNED: f64 = 0.9;

/// The first day since which SPF does not align for mail of one path, where it did before from addresses that still send: the record
/// lost them, or the reverse-path became another. Mail with a null reverse-path says nothing of it.
pub(in crate::diagnosis) fn lost_for(survey: &Survey, path: usize) -> Option<Day> {
    let figures = &survey.paths[path];
    if figures.spf_aligned == 0 || figures.spf_aligned >= figures.messages {
        return None;
    }
    let side = |facts: &OutcomeFacts| match facts.spf {
        _ if facts.null_reverse_path || facts.detail.spf_without_domain => None,
        SpfState::Aligned => Some(1),
        SpfState::Unknown => None,
        SpfState::Unaligned | SpfState::Fail | SpfState::None => Some(0),
    };
    let cells = cells::cells(survey, &[path], side);
    let now = cells::now(&cells, NOT_ALIGNED).filter(|now| now.changed)?;
    let before = cells.iter().filter(|cell| cell.day < now.first);
    let aligned = has_share(cells::by_reporter(before).map(|[without, with]| [with, without]), MOST);
    let still_sends = || {
        let all = survey.tally.addresses(path);
        let aligned: HashSet<IpAddr> = all.iter().filter(|one| one.spf_aligned > 0).map(|one| one.ip).collect();
        survey.tally.addresses_since(path, now.first).iter().any(|one| aligned.contains(&one.ip))
    };
    (aligned && still_sends()).then_some(now.first)
}

pub(super) fn find(of: &DomainMail<'_>) -> Vec<DomainFinding> {
    SpfRecord::ALL.into_iter().filter_map(|record| find_of(of, record)).collect()
}

fn find_of(of: &DomainMail<'_>, record: SpfRecord) -> Option<DomainFinding> {
    let side = |facts: &OutcomeFacts| record.side(facts);
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
    let fault = fault(of, record, now.first);
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
    // The record of a reverse-path is of those who use it: what they lose is said of their paths.
    let (severity, whose) = match record {
        SpfRecord::Own => (Severity::Error, of.domain.to_owned()),
        SpfRecord::Other => (
            Severity::Warning,
            format!("a reverse-path of {} other than {}", crate::domain::organizational(of.domain), of.domain),
        ),
    };
    let subject = format!("the SPF record of {whose}");
    let mut found = DomainFinding::new(severity, FindingCode::SpfUnevaluable, of.domain, subject, detail, evidence);
    found.finding.remedy = Some(mend(of.domain, record, fault));
    found.since = now.changed.then(|| shown(now.first));
    found.breaks_authentication = record == SpfRecord::Own;
    Some(found)
}

/// What most messages of most reporters say, each reporter with one voice; of equals what tells more.
fn fault(of: &DomainMail<'_>, record: SpfRecord, first: Day) -> SpfFault {
    let tally = &of.survey.tally;
    let mut by_reporter: BTreeMap<u32, BTreeMap<SpfFault, u64>> = BTreeMap::new();
    for entry in of.paths.iter().flat_map(|&at| tally.entries(at)) {
        let report = tally.report(entry);
        let facts = tally.facts(entry);
        if let (Some(fault), Some(0), true) = (facts.detail.spf_fault, record.side(facts), report.day >= first) {
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

fn mend(domain: &str, record: SpfRecord, fault: SpfFault) -> Remedy {
    let (domain, look, until) = match record {
        SpfRecord::Own => (
            domain,
            format!(
                "`dmarcstat dns {domain}` shows the record, all that it includes, the lookups that this takes, and what is wrong in it."
            ),
            "Until it is fixed, SPF passes for nobody: mail that is not signed with DKIM fails DMARC, so publish no stricter policy.",
        ),
        SpfRecord::Other => (
            "the reverse-path's domain",
            "`dmarcstat explain` of the paths whose SPF fails shows the name under SPF, and `dmarcstat dns` of that name its record, the lookups that it takes, and what is wrong in it.".to_owned(),
            "Until it is fixed, SPF passes for none of the mail with that reverse-path: what of it is not signed with DKIM fails DMARC.",
        ),
    };
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
