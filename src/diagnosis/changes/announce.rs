//! Each alarm once: what was said before is left out, unless it ended and began anew, or got worse. That no reports come any more is
//! said again every week while it lasts, or a nightly job that says nothing would look as if all were well.

use super::answer::{Change, ChangeKind, ChangeSubject, Changes, Counts};
use crate::diagnosis::dates::shown;
use crate::diagnosis::findings::{DomainFinding, FindingCode};
use crate::query::Announced;
use crate::report::period::Day;

/// By how many thousandths a share must have grown to be worse: the margin by which shares of two windows are told apart.
const WORSE: u32 = 100;

/// Days after which it is said again that no reports come.
const AGAIN: u32 = 7;

/// What stands now, as it is to be remembered.
struct Standing {
    announced: Announced,
    /// The day on which it began, where one can be told.
    since: Option<String>,
    /// By how much its share must have grown to be said again.
    margin: u32,
}

impl Standing {
    /// Whether it is to be said, after what was said before.
    fn is_new(&self, before: &[Announced]) -> bool {
        let Ok(at) = before.binary_search_by(|one| one.key.cmp(&self.announced.key)) else {
            return true;
        };
        let (known, now) = (&before[at], &self.announced);
        let anew = self.since.as_ref().is_some_and(|since| *since > shown(known.last));
        anew || now.share >= known.share.saturating_add(self.margin)
    }

    /// How it is remembered: what is not said again keeps the measure that it was said with.
    fn remembered(self, before: &[Announced]) -> Announced {
        let known = before.binary_search_by(|one| one.key.cmp(&self.announced.key)).ok().map(|at| &before[at]);
        match known.filter(|_| !self.is_new(before)) {
            Some(known) => Announced { last: self.announced.last.max(known.last), ..known.clone() },
            None => self.announced,
        }
    }
}

/// Leaves in `found` what is not in `before`, which is in the order of its keys, and gives what is to be remembered. `last` is the last
/// day of the window.
pub fn only_new(found: &mut Changes, before: &[Announced], last: Day) -> Vec<Announced> {
    let mut remembered = Vec::new();
    let mut left_out = 0_u64;
    let mut is_new = |standing: Standing| {
        let new = standing.is_new(before);
        remembered.push(standing.remembered(before));
        left_out += u64::from(!new);
        new
    };
    // Where nobody reports any more, that each of them is silent is the same news.
    let all_silent = found.silence.is_some();
    let stopped = |code: FindingCode| matches!(code, FindingCode::NoReports | FindingCode::ReporterSilent);
    found.findings.retain(|one| is_new(of_finding(one, last)) && !(all_silent && stopped(one.code())));
    // What a finding tells in full is told with it, and not counted twice.
    let told: Vec<(&'static str, String)> =
        found.findings.iter().map(|one| (one.code().as_str(), one.finding.subject.clone())).collect();
    found.changes.retain(|one| match one.finding {
        Some(code) => told.iter().any(|(of, subject)| {
            *of == code && (Some(subject) == one.domain.as_ref() || Some(subject) == one.name.as_ref())
        }),
        None => {
            let fell_silent = matches!(one.subject, ChangeSubject::Domain | ChangeSubject::Reporter)
                && matches!(one.kind, ChangeKind::Worse | ChangeKind::Gone);
            is_new(of_change(one, last)) && !(all_silent && fell_silent)
        }
    });
    if found.silence.as_ref().is_some_and(|silence| {
        let announced = Announced { key: "silence".to_owned(), last, share: silence.days };
        // It begins with the day after the last report.
        !is_new(Standing { announced, since: silence.last_day.clone(), margin: AGAIN })
    }) {
        found.silence = None;
    }
    found.counts = Counts::default();
    found.changes.iter().for_each(|change| found.counts.add(change.kind));
    found.alarm = found.silence.is_some() || found.changes.iter().any(|change| change.alarm);
    found.told_before = left_out;
    if found.changes.is_empty() && found.findings.is_empty() {
        // Small paths of nobody come and go every night.
        found.unknown = super::UnknownChanges::default();
    }
    remembered.sort_by(|a, b| a.key.cmp(&b.key));
    remembered
}

fn of_finding(one: &DomainFinding, last: Day) -> Standing {
    let key = format!("finding\0{}\0{}\0{}", one.code().as_str(), one.domain, one.finding.subject);
    Standing { announced: Announced { key, last, share: 0 }, since: one.since.clone(), margin: WORSE }
}

fn of_change(one: &Change, last: Day) -> Standing {
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    // A path goes by its id: its name may get better known.
    let name = match one.subject {
        ChangeSubject::Path => text(&one.path),
        _ => text(&one.name),
    };
    let key = format!("{}\0{}\0{}\0{name}", one.subject.as_str(), one.kind.as_str(), text(&one.domain));
    // Only what costs mail is said again where it costs more.
    let share = if one.alarm { one.missing } else { 0 };
    Standing { announced: Announced { key, last, share }, since: one.since.clone(), margin: WORSE }
}
