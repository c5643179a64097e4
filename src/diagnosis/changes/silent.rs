//! Reporters and domains that fell silent within the window, and new ones.

use super::{Change, ChangeKind, ChangeSubject, Comparison};
use crate::diagnosis::dates::shown;
use crate::diagnosis::findings::FindingCode;
use crate::diagnosis::silence::{Days, LARGE, Stopped, gather, messages, stopped};
use crate::report::period::Day;

/// When something stopped, where that was noticed within the window.
fn stopped_within(days: &Days, last: Day, comparison: &Comparison<'_>) -> Option<Stopped> {
    let window = comparison.window.first..=comparison.window.last;
    stopped(days, last).filter(|stopped| window.contains(&stopped.noticed))
}

pub(super) fn of_domains(comparison: &Comparison<'_>) -> Vec<Change> {
    let mut found = Vec::new();
    for (domain, days) in gather(comparison.presence, |one| &one.domain) {
        let in_window = |first: Day, last: Day| days.range(first..=last).next().is_some();
        let mut push = |kind, text: String, since: Day, finding: Option<FindingCode>| {
            let mut change = Change::new(kind, ChangeSubject::Domain, text);
            change.domain = Some(domain.to_owned());
            change.since = Some(shown(since));
            change.finding = finding.and_then(|code| comparison.finding(code, domain));
            found.push(change);
        };
        if let Some(Stopped { end, .. }) = stopped_within(&days, comparison.today.saturating_sub(1), comparison) {
            let text = format!("no reports on it since {}", shown(end));
            push(ChangeKind::Worse, text, end.saturating_add(1), Some(FindingCode::NoReports));
        } else if let Some((&first, _)) = days.first_key_value()
            && first >= comparison.window.first
            && in_window(comparison.window.first, comparison.window.last)
            && comparison.then.survey.reports > 0
        {
            push(ChangeKind::New, format!("first reports on it, of {}", shown(first)), first, None);
        }
    }
    found
}

pub(super) fn of_reporters(comparison: &Comparison<'_>) -> Vec<Change> {
    let reporters = gather(comparison.presence, |one| &one.reporter);
    let Some(last) = reporters.values().filter_map(|days| days.keys().next_back()).max().copied() else {
        return Vec::new();
    };
    let in_both = |days: &Days| messages(days, comparison.before.first, comparison.window.last);
    let all = reporters.values().fold(0_u64, |sum, days| sum.saturating_add(in_both(days)));
    let mut found = Vec::new();
    for (name, days) in &reporters {
        let mut push = |kind, text: String, since: Day, finding: Option<FindingCode>| {
            let mut change = Change::new(kind, ChangeSubject::Reporter, text);
            change.name = Some((*name).to_owned());
            change.since = Some(shown(since));
            change.finding = finding.and_then(|code| comparison.finding(code, name));
            found.push(change);
        };
        if let Some(Stopped { end, .. }) = stopped_within(days, last, comparison) {
            let large = in_both(days) as f64 >= LARGE * all as f64 && all > 0;
            let kind = if large { ChangeKind::Worse } else { ChangeKind::Gone };
            let text = format!("its last report is of {}", shown(end));
            push(kind, text, end.saturating_add(1), Some(FindingCode::ReporterSilent));
        } else if let Some((&first, _)) = days.first_key_value()
            && (comparison.window.first..=comparison.window.last).contains(&first)
            && comparison.then.survey.reports > 0
        {
            push(ChangeKind::New, format!("its first report is of {}", shown(first)), first, None);
        }
    }
    found
}
