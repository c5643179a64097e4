//! What stands in the way, in lines: paths that want the same are told once.

use crate::diagnosis::readiness::{Blocker, FailingPart};
use crate::render::document::{Document, Mark, Paint, Text};
use crate::render::fold;
use crate::words::{grouped, list, plural};

/// The most results and reporters that are named.
const NAMED: usize = 3;

/// Blockers by what to do, each group at the place of its first. What has no remedy stands for itself.
pub(super) fn alike(blockers: &[Blocker]) -> Vec<Vec<&Blocker>> {
    let mut groups: Vec<Vec<&Blocker>> = Vec::new();
    for blocker in blockers {
        let same = |group: &&mut Vec<&Blocker>| blocker.remedy.is_some() && group[0].remedy == blocker.remedy;
        match groups.iter_mut().find(same) {
            Some(group) => group.push(blocker),
            None => groups.push(vec![blocker]),
        }
    }
    groups
}

/// The lines of blockers that want the same, largest first.
pub(super) fn lines(alike: &[&Blocker], domain: &str, document: &mut Document) {
    if alike.len() >= fold::LEAST {
        document.marked("→", Paint::Bad, folded(alike, domain));
        return;
    }
    for blocker in alike {
        document.marked("→", Paint::Bad, line(blocker, domain));
        for text in explained(blocker) {
            document.item_at(1, Mark::None, Text::prose(text));
        }
        if let Some(entry) = &blocker.gone {
            document.item_at(1, Mark::None, "If it was taken away for good, this entry of the ledger says so:");
            document.verbatim(2, entry.lines().map(str::to_owned).collect());
        }
    }
}

/// One blocker in a line.
fn line(blocker: &Blocker, domain: &str) -> String {
    let from = if blocker.domain == domain { String::new() } else { format!(" as {}", blocker.domain) };
    let mut parts = vec![format!("{}{from}", blocker.sender)];
    parts.push(format!("{}, {}", blocker.class.as_str(), blocker.role.as_str()));
    parts.extend(figures(&[blocker]));
    parts.push(blocker.path.clone());
    parts.join(" · ")
}

/// Many in a line.
fn folded(alike: &[&Blocker], domain: &str) -> String {
    let first = alike[0];
    let from = if alike.iter().all(|one| one.domain == domain) { String::new() } else { format!(" below {domain}") };
    let mut parts = vec![format!("{}{from}", fold::name(&first.sender, alike.len()))];
    let kind = |one: &Blocker| (one.class, one.role);
    if alike.iter().all(|one| kind(one) == kind(first)) {
        parts.push(format!("{}, {}", first.class.as_str(), first.role.as_str()));
    }
    parts.extend(figures(alike));
    parts.push(format!("ids {}", list(alike.iter().map(|one| &one.path), NAMED)));
    parts.join(" · ")
}

fn figures(alike: &[&Blocker]) -> Vec<String> {
    let sum = |reason: &str, of: fn(&Blocker) -> u64| {
        let some = alike.iter().filter(|one| one.reasons.contains(&reason));
        some.fold(0u64, |sum, one| sum.saturating_add(of(one)))
    };
    let has = |reason| alike.iter().any(|one| one.reasons.contains(&reason));
    let mut parts = Vec::new();
    if has("fails") {
        let (fail, of) = (sum("fails", |one| one.messages), sum("fails", |one| one.path_messages));
        parts.push(format!("{} of {} fail", grouped(fail), grouped(of)));
    }
    if has("spf-alone") {
        parts.push(format!("{} pass by SPF only", grouped(sum("spf-alone", |one| one.spf_alone))));
    }
    parts
}

/// What fails, where no remedy says it, and what took its place.
fn explained(blocker: &Blocker) -> Vec<String> {
    let mut texts = Vec::new();
    if let Some(moved) = &blocker.moved_to {
        texts.push(format!(
            "Fell silent; about as much comes from {} since {} ({}). If it is the same machine at a new address, name that in SPF and sign there.",
            moved.sender, moved.since, moved.path
        ));
    }
    if let (Some(last), None) = (&blocker.quiet_since, &blocker.moved_to) {
        texts.push(format!(
            "Not seen since {last}. It may come again, as a monthly run does, and is waited for until it leaves the window."
        ));
    }
    if blocker.remedy.is_none() && !blocker.failing.is_empty() {
        texts.extend(blocker.failing.iter().take(NAMED).map(part));
        texts.push(format!("`dmarcstat explain {}` shows more.", blocker.path));
    }
    texts
}

fn part(part: &FailingPart) -> String {
    let days = match part.days {
        1 => format!("on {}", part.last),
        days => format!("on {} from {} to {}", plural(u64::from(days), "day"), part.first, part.last),
    };
    let reporters = list(&part.reporters, NAMED);
    format!("{} {days}, at {reporters}: {}", plural(part.messages, "message"), part.result)
}
