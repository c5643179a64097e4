//! The paths that are nobody's yet: what has to be decided about them before the policy is made stricter.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::answer::{Decision, STEADY_LINE, Undecided};
use super::impact::{PathDays, failing};
use super::lines::Line;
use super::measures::{Measures, is_broken};
use crate::diagnosis::SendingPath;
use crate::diagnosis::ledger::{self, Ground, small};
use crate::report::period::Day;
use crate::role::Role;

/// A path that somebody has to decide about, as figures.
pub(super) fn undecided(path: &SendingPath) -> Undecided {
    Undecided {
        path: path.id.clone(),
        sender: path.sender.clone(),
        domain: path.domain.clone(),
        messages: failing(path),
    }
}

/// The paths that somebody has to decide about before the policy is made stricter, each with its days. Those with fewer messages need
/// no decision and are summed up in one line. `in_place_of` names by a path's id the sender in whose place it came. Lines with a
/// twentieth of the mail are decided about too.
pub(super) fn decisions<'p>(
    ground: &Ground<'_>,
    paths: impl Iterator<Item = (&'p SendingPath, &'p PathDays)>,
    in_place_of: &BTreeMap<String, String>,
    lines: &[Line<'_>],
    measures: &Measures<'_>,
) -> Vec<Decision> {
    let all = paths.filter_map(|(path, days)| {
        let in_place_of = in_place_of.get(&path.id).cloned();
        let reasons = reasons(path, days, in_place_of.is_some(), measures);
        (!reasons.is_empty()).then_some(Asked { path, spf_alone: days.spf_alone, reasons, in_place_of })
    });
    let (small, rest): (Vec<_>, Vec<_>) = all.partition(|one| {
        let by_itself = |reason: &&str| !matches!(*reason, "service" | "authenticates");
        !one.reasons.iter().any(by_itself)
            && small::is_small(measures.survey, one.path, measures.messages)
            && !measures.whole.has_steady(one.path, measures.survey, true)
            && ledger::denial(ground, one.path).is_live()
    });
    let (groups, alone) = small::groups(small, |one| one.path.domain.as_str());
    let mut found: Vec<Decision> = rest.into_iter().chain(alone).map(|one| one.decision(ground)).collect();
    found.extend(groups.into_iter().filter_map(|group| together(ground, group)));
    let large = |line: &&Line<'_>| line.certain && is_large(line.failing, measures);
    found.extend(lines.iter().filter(large).filter_map(|line| of_line(ground, line)));
    found.sort_by(|a, b| order(a.messages, a.spf_alone, &a.path).cmp(&order(b.messages, b.spf_alone, &b.path)));
    found
}

/// A path that has to be decided about.
struct Asked<'p> {
    path: &'p SendingPath,
    spf_alone: u64,
    reasons: Vec<&'static str>,
    in_place_of: Option<String>,
}

impl Asked<'_> {
    /// The decision about it alone.
    fn decision(self, ground: &Ground<'_>) -> Decision {
        Decision {
            path: self.path.id.clone(),
            messages: failing(self.path),
            spf_alone: self.spf_alone,
            reasons: self.reasons,
            sender: self.path.sender.clone(),
            domain: self.path.domain.clone(),
            together: Vec::new(),
            in_place_of: self.in_place_of,
            approve: ledger::approval(ground, self.path).to_string(),
            deny: ledger::denial(ground, self.path).to_string(),
        }
    }

    fn order(&self) -> (Reverse<u64>, &str) {
        order(failing(self.path), self.spf_alone, &self.path.id)
    }
}

/// The decision about many small senders in one.
fn together(ground: &Ground<'_>, mut group: Vec<Asked<'_>>) -> Option<Decision> {
    let name = small::name(group.len());
    let paths: Vec<&SendingPath> = group.iter().map(|one| one.path).collect();
    let approve = ledger::approval_together(ground, &name, &paths)?.to_string();
    let deny = ledger::denial_together(ground, &name, &paths)?.to_string();
    group.sort_by(|a, b| a.order().cmp(&b.order()));
    let first = group.first()?;
    let sum = |of: fn(&Asked<'_>) -> u64| group.iter().fold(0u64, |sum, one| sum.saturating_add(of(one)));
    let reasons: BTreeSet<&str> = group.iter().flat_map(|one| &one.reasons).copied().collect();
    Some(Decision {
        path: first.path.id.clone(),
        messages: sum(|one| failing(one.path)),
        spf_alone: sum(|one| one.spf_alone),
        reasons: reasons.into_iter().collect(),
        sender: name,
        domain: first.path.domain.clone(),
        together: group.iter().map(|one| undecided(one.path)).collect(),
        in_place_of: first.in_place_of.clone(),
        approve,
        deny,
    })
}

/// The decision about a line.
fn of_line(ground: &Ground<'_>, line: &Line<'_>) -> Option<Decision> {
    let first = line.paths.first()?;
    Some(Decision {
        path: first.id.clone(),
        messages: line.failing,
        spf_alone: 0,
        reasons: vec![STEADY_LINE],
        sender: line.network.to_string(),
        domain: first.domain.clone(),
        together: line.paths.iter().map(|path| undecided(path)).collect(),
        in_place_of: None,
        approve: ledger::approval_of_line(line.network, &first.domain).to_string(),
        deny: ledger::denial_of_line(ground, line.network, &line.paths)?.to_string(),
    })
}

/// Those with most messages come first.
fn order(failing: u64, spf_alone: u64, path: &str) -> (Reverse<u64>, &str) {
    (Reverse(failing.max(spf_alone)), path)
}

/// An unknown path that sends as the owner's machines do wants a decision from this part of the mail on: the twentieth.
const PART_OF_STEADY: u64 = 20;

/// Whether so much that nobody authenticates wants a decision where it comes as the owner's would.
fn is_large(fails: u64, measures: &Measures<'_>) -> bool {
    !measures.parked && fails.saturating_mul(PART_OF_STEADY) >= measures.messages
}

/// Why somebody has to decide about a path.
fn reasons(path: &SendingPath, days: &PathDays, came_in_place: bool, measures: &Measures<'_>) -> Vec<&'static str> {
    let (survey, fails) = (measures.survey, failing(path));
    let counts = |messages: u64| {
        messages > measures.thresholds.max_path_failures && messages.saturating_mul(100) >= measures.messages
    };
    let found = match path.role {
        Role::Service => vec![(counts(fails), "service")],
        Role::OtherAccount => {
            let doubted = survey.paths[path.figures].doubted_tenant;
            vec![(counts(fails), "other-account"), (doubted && counts(days.spf_alone), "account-unproven")]
        }
        Role::Unknown if counts(fails) => {
            let shown = shown(path, measures);
            vec![
                (shown == Some(Shown::Authenticated), "authenticates"),
                (shown == Some(Shown::Broken), "broken-signatures"),
                (came_in_place, "in-place-of"),
                (is_large(fails, measures) && measures.whole.has_steady(path, survey, true), "steady"),
            ]
        }
        _ => Vec::new(),
    };
    found.into_iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason).collect()
}

/// A spoofer's burst is over before this many days; whoever was forgotten comes back.
const COMES_BACK: Day = 2;

/// What an unknown path shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// Who it is: it signs, or SPF passes for it.
    Authenticated,
    /// Signatures of the domain, if broken ones, in most of its mail at several reporters.
    Broken,
}

fn shown(path: &SendingPath, measures: &Measures<'_>) -> Option<Shown> {
    let figures = &measures.survey.paths[path.figures];
    if figures.last.saturating_sub(figures.first) < COMES_BACK {
        return None;
    }
    if path.dkim.unaligned > 0 || path.provider.is_some() || path.named_by.starts_with("spf") {
        return Some(Shown::Authenticated);
    }
    let broken = is_broken(path) && path.witnesses > 1 && !measures.forgers.are_many_like(path.messages);
    broken.then_some(Shown::Broken)
}

/// Whether an unknown path shows who it is.
pub(super) fn looks_forgotten(path: &SendingPath, measures: &Measures<'_>) -> bool {
    shown(path, measures).is_some()
}
