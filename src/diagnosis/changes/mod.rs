//! What is new, worse, mended or gone against the window before: the answer of `changes`.
//!
//! A change is told when it is more than noise: the shares of two windows must differ by a margin that means something, and by
//! more than chance makes of so few messages. What a path or a reporter always did, to pause for a week, is not a change.

mod announce;
mod answer;
mod comparison;
mod keys;
mod moved;
mod paths;
mod renamed;
mod shares;
mod silent;
mod tls;

pub use announce::only_new;
pub use answer::{Change, ChangeKind, ChangeSubject, Changes, ChangesAnswer, Counts, PathState, UnknownChanges};
pub use comparison::{Comparison, Judged};

use super::dates::shown;
use super::findings::{DomainFinding, FindingCode};
use super::published::{last_policy, strength};
use super::silence::silence;
use crate::query::Window;

/// Compares two windows.
#[must_use]
pub fn changes(comparison: &Comparison<'_>) -> Changes {
    let mut found = Changes {
        silence: silence(comparison.reporter_days, comparison.today),
        findings: comparison.findings.to_vec(),
        ..Changes::default()
    };
    found.changes.extend(comparison.findings.iter().filter_map(|one| finding(one, comparison.window)));
    found.changes.extend(silent::of_domains(comparison));
    let comparable = comparison.then.survey.reports > 0;
    if !comparable {
        found.notes.push(format!(
            "there are no reports from {} to {}: nothing to compare with",
            shown(comparison.before.first),
            shown(comparison.before.last)
        ));
    }
    if comparison.now.survey.reports == 0 {
        found.notes.push(format!(
            "there are no reports yet from {} to {}",
            shown(comparison.window.first),
            shown(comparison.window.last)
        ));
    }
    if comparable && comparison.now.survey.reports > 0 {
        found.changes.extend(policies(comparison));
        paths::compare(comparison, &mut found);
        found.changes.extend(keys::compare(comparison));
    }
    found.changes.extend(silent::of_reporters(comparison));
    found.changes.extend(tls::compare(comparison));
    found.changes.sort_by(|a, b| {
        let key = |one: &Change| {
            let messages = [one.before, one.after].into_iter().flatten().map(|state| state.figures.messages).max();
            (!one.alarm, one.kind, one.subject, std::cmp::Reverse(messages))
        };
        (key(a), &a.domain, &a.name, &a.path).cmp(&(key(b), &b.domain, &b.name, &b.path))
    });
    found.changes.iter().for_each(|change| found.counts.add(change.kind));
    found.alarm = found.silence.is_some() || found.changes.iter().any(|change| change.alarm);
    found
}

/// A finding that breaks the domain's own SPF or DKIM is worse, whenever it began; another is a change where it began
/// within the window. What is published and who reports is compared apart.
fn finding(finding: &DomainFinding, window: Window) -> Option<Change> {
    let apart =
        matches!(finding.code(), FindingCode::NoReports | FindingCode::ReporterSilent | FindingCode::PolicyChanged);
    let began = finding.since.as_ref().is_some_and(|day| *day >= shown(window.first));
    let kind = match finding.breaks_authentication {
        true => ChangeKind::Worse,
        false if began && !apart => ChangeKind::New,
        false => return None,
    };
    let mut change = Change::new(kind, ChangeSubject::Domain, finding.finding.detail.clone());
    change.domain = Some(finding.domain.clone());
    change.since.clone_from(&finding.since);
    change.remedy = finding.finding.remedy.as_ref().map(|remedy| remedy.title.clone());
    change.finding = Some(finding.code().as_str());
    Some(change)
}

/// Policies that most reporters find otherwise than in the window before.
fn policies(comparison: &Comparison<'_>) -> Vec<Change> {
    let [then, now] = comparison.published;
    let changed = |domain: &String| {
        let (old, new) = (last_policy(then, domain)?, last_policy(now, domain)?);
        if old == new {
            return None;
        }
        let kind = if strength(&new) < strength(&old) { ChangeKind::Worse } else { ChangeKind::Changed };
        let text = format!("p={old} → p={new}, as most reporters find it");
        let mut change = Change::new(kind, ChangeSubject::Policy, text);
        change.domain = Some(domain.clone());
        let told = |one: &&DomainFinding| one.code() == FindingCode::PolicyChanged && one.domain == *domain;
        if let Some(finding) = comparison.findings.iter().find(told) {
            change.finding = Some(finding.code().as_str());
            change.since.clone_from(&finding.since);
        }
        Some(change)
    };
    now.domains.keys().filter_map(changed).collect()
}
