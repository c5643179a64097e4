//! Reporters and domains that fell silent within the window, and new ones.

use std::collections::BTreeSet;

use super::answer::{Change, ChangeKind, ChangeSubject};
use super::comparison::Comparison;
use crate::diagnosis::dates::shown;
use crate::diagnosis::findings::FindingCode;
use crate::diagnosis::silence::{Stopped, gather, silent_domains, silent_reporters};
use crate::report::period::Day;

/// A change of a day.
fn change(kind: ChangeKind, subject: ChangeSubject, text: String, since: Day) -> Change {
    Change { since: Some(shown(since)), ..Change::new(kind, subject, text) }
}

/// Whether a silence was noticed within the window.
fn is_new(stopped: Stopped, comparison: &Comparison<'_>) -> bool {
    comparison.window.holds(stopped.noticed)
}

pub(super) fn of_domains(comparison: &Comparison<'_>) -> Vec<Change> {
    let (mut found, mut told) = (Vec::new(), BTreeSet::new());
    for (domain, stopped) in silent_domains(comparison.reporter_days, comparison.today.saturating_sub(1)) {
        if is_new(stopped, comparison) {
            told.insert(domain);
            let text = format!("no reports on it since {}", shown(stopped.end));
            let mut change = change(ChangeKind::Worse, ChangeSubject::Domain, text, stopped.end.saturating_add(1));
            change.domain = Some(domain.to_owned());
            change.finding = comparison.finding(FindingCode::NoReports, domain);
            found.push(change);
        }
    }
    for (domain, days) in gather(comparison.reporter_days, |one| &one.domain) {
        let in_window = days.range(comparison.window.first..=comparison.window.last).next();
        if let (Some((&first, _)), Some(_)) = (days.first_key_value(), in_window)
            && first >= comparison.window.first
            && comparison.then.survey.reports > 0
            && !told.contains(domain)
        {
            let text = format!("first reports on it, of {}", shown(first));
            let mut change = change(ChangeKind::New, ChangeSubject::Domain, text, first);
            change.domain = Some(domain.to_owned());
            found.push(change);
        }
    }
    found
}

pub(super) fn of_reporters(comparison: &Comparison<'_>) -> Vec<Change> {
    let (mut found, mut told) = (Vec::new(), BTreeSet::new());
    for silent in silent_reporters(comparison.reporter_days, comparison.before.first, comparison.today) {
        if is_new(silent.stopped, comparison) {
            told.insert(silent.name);
            let kind = if silent.is_large() { ChangeKind::Worse } else { ChangeKind::Gone };
            let end = silent.stopped.end;
            let text = format!("its last report is of {}", shown(end));
            let mut change = change(kind, ChangeSubject::Reporter, text, end.saturating_add(1));
            change.name = Some(silent.name.to_owned());
            change.finding = comparison.finding(FindingCode::ReporterSilent, silent.name);
            found.push(change);
        }
    }
    for (name, days) in gather(comparison.reporter_days, |one| &one.reporter) {
        if let Some((&first, _)) = days.first_key_value()
            && comparison.window.holds(first)
            && comparison.then.survey.reports > 0
            && !told.contains(name)
        {
            let text = format!("its first report is of {}", shown(first));
            let mut change = change(ChangeKind::New, ChangeSubject::Reporter, text, first);
            change.name = Some(name.to_owned());
            found.push(change);
        }
    }
    found
}
