//! Reports that no longer come: on a domain, or of a reporter of much mail.

use super::code::{DomainFinding, FindingCode, FindingEvidence, remedy};
use super::observations::Observations;
use crate::diagnosis::dates::shown;
use crate::diagnosis::silence::{messages, silent_domains, silent_reporters};
use crate::finding::Severity;
use crate::report::period::Day;
use crate::words::{percent, plural};

/// What fell silent longer ago is history, and no finding.
const FRESH: Day = 30;

/// The last day on which reports could be, and the first on which a silence that is told can have been noticed.
fn span(of: &Observations<'_>) -> (Day, Day) {
    let last = of.window.last.min(of.today.saturating_sub(1));
    (last, of.window.first.max(last.saturating_sub(FRESH)))
}

/// Domains on which no reports come any more.
pub(super) fn domains(of: &Observations<'_>) -> Vec<DomainFinding> {
    let (last, from) = span(of);
    let mut found = Vec::new();
    for (domain, stopped) in silent_domains(of.reporter_days, last) {
        if stopped.noticed < from {
            continue;
        }
        let pause = u64::from(last.saturating_sub(stopped.end).unsigned_abs());
        let detail =
            format!("the last reports on it are of {}; {} without any", shown(stopped.end), plural(pause, "day"));
        let evidence = FindingEvidence::Silence { last_day: shown(stopped.end), days: pause, messages: None };
        let mut one = DomainFinding::new(Severity::Error, FindingCode::NoReports, domain, domain, detail, evidence);
        one.since = Some(shown(stopped.end.saturating_add(1)));
        one.finding.remedy = Some(remedy(
            format!("find out where the reports on {domain} go"),
            &[
                "No reports is not the same as no problems: nothing is known of the domain's mail since then.",
                &format!(
                    "`dmarcstat dns {domain}` says whether the record still names an address (rua=), and whether a domain elsewhere still consents to receive for it."
                ),
                "`dmarcstat check` says whether the mailbox can be read, and `dmarcstat quarantine` lists what came and could not be read.",
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
    let mut found = Vec::new();
    for silent in silent_reporters(of.reporter_days, Day::MIN, last) {
        if silent.stopped.noticed < from || !silent.is_large() {
            continue;
        }
        let (name, stopped, (told, total)) = (silent.name, silent.stopped, silent.messages);
        let of_it = of.reporter_days.iter().filter(|one| one.reporter == name);
        let Some(most) = of_it.max_by_key(|one| (messages(&one.days, Day::MIN, last), std::cmp::Reverse(&one.domain)))
        else {
            continue;
        };
        let pause = u64::from(silent.newest.saturating_sub(stopped.end).unsigned_abs());
        let detail = format!(
            "its last report is of {}, {} before the newest of others; it reported {} of the messages",
            shown(stopped.end),
            plural(pause, "day"),
            percent(told, total),
        );
        let evidence = FindingEvidence::Silence { last_day: shown(stopped.end), days: pause, messages: Some(told) };
        let mut one =
            DomainFinding::new(Severity::Warning, FindingCode::ReporterSilent, &most.domain, name, detail, evidence);
        one.since = Some(shown(stopped.end.saturating_add(1)));
        one.finding.remedy = Some(remedy(
            format!("see whether mail to the users of {name} still arrives, and their reports do"),
            &[
                "`dmarcstat quarantine` shows reports of it that came and could not be read, `dmarcstat reports --untrusted` those whose mail failed DMARC or came under another's name.",
                "Look into the report mailbox for rules, a full quota, and mail that was taken for spam.",
                "Until it reports again, its share of the mail is unknown, not healthy.",
            ],
            None,
        ));
        found.push(one);
    }
    found
}
