//! The paths that are nobody's yet: what has to be decided about them before the policy is made stricter.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::answer::{Decision, Undecided};
use super::impact::failing;
use super::thresholds::ReadinessThresholds;
use crate::diagnosis::SendingPath;
use crate::diagnosis::ledger::{self, Ground};
use crate::query::Survey;
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

/// The paths that somebody has to decide about before the policy is made stricter. Those with fewer messages need no decision and are
/// summed up in one line. `in_place_of` names by a path's id the sender in whose place it came.
pub(super) fn decisions(
    ground: &Ground<'_>,
    paths: &[&SendingPath],
    in_place_of: &BTreeMap<String, String>,
    messages: u64,
    thresholds: &ReadinessThresholds,
) -> Vec<Decision> {
    let waits = |path: &&&SendingPath| {
        let whose = match path.role {
            Role::Service | Role::OtherAccount => true,
            Role::Unknown => looks_forgotten(ground.survey, path) || in_place_of.contains_key(&path.id),
            _ => false,
        };
        whose && failing(path) > thresholds.max_path_failures && failing(path).saturating_mul(100) >= messages
    };
    let mut found: Vec<Decision> = paths
        .iter()
        .filter(waits)
        .map(|path| Decision {
            path: path.id.clone(),
            messages: failing(path),
            sender: path.sender.clone(),
            domain: path.domain.clone(),
            in_place_of: in_place_of.get(&path.id).cloned(),
            approve: ledger::approval(ground, path).to_string(),
            deny: ledger::denial(ground, path).to_string(),
        })
        .collect();
    found.sort_by(|a, b| (Reverse(a.messages), &a.path).cmp(&(Reverse(b.messages), &b.path)));
    found
}

/// A spoofer's burst is over before this many days; whoever was forgotten comes back.
const COMES_BACK: Day = 2;

/// Whether an unknown path shows who it is: it signs, or SPF passes for it, or several reporters saw most of its mail with
/// signatures of the domain, if broken ones.
pub(super) fn looks_forgotten(survey: &Survey, path: &SendingPath) -> bool {
    let figures = &survey.paths[path.figures];
    if figures.last.saturating_sub(figures.first) < COMES_BACK {
        return false;
    }
    let broken = 2 * path.dkim.broken > path.messages && path.witnesses > 1;
    broken || path.dkim.unaligned > 0 || path.provider.is_some() || path.named_by.starts_with("spf")
}
