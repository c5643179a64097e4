//! One key taking over from another.

use std::collections::BTreeSet;

use serde::Serialize;

use super::health::Health;
use super::key::{Key, KeyOwner, compared};
use crate::diagnosis::dates::shown;
use crate::diagnosis::path::SendingPath;
use crate::query::KeyResults;

/// A key that took over from another on the same paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rotation {
    /// `d=` of both.
    pub signing_domain: String,
    /// The selector that went out of use.
    pub old: String,
    /// The selector that came into use.
    pub new: String,
    /// The paths, by id.
    pub paths: Vec<String>,
    /// The last day on which the old one verified, for most messages.
    pub old_last_verified: Option<String>,
    /// The first day on which the new one verified, for most messages.
    pub new_first_verified: String,
    /// Whole days between the two on which neither verified.
    pub gap_days: u32,
    /// Days on which both verified.
    pub overlap_days: u32,
    /// Messages of both that did not verify within the gap.
    pub failed_in_gap: u64,
}

impl Rotation {
    /// The rotation in a sentence.
    pub(super) fn in_words(&self) -> String {
        let (new, first) = (&self.new, &self.new_first_verified);
        let Some(last) = &self.old_last_verified else {
            return format!("{new} took over on {first}; this one never verified");
        };
        if self.gap_days > 0 {
            let days = if self.gap_days == 1 { "day" } else { "days" };
            format!(
                "{new} took over: this one verified until {last}, that one from {first}; {} {days} between, {} messages failed",
                self.gap_days, self.failed_in_gap
            )
        } else if self.overlap_days > 0 {
            format!("{new} took over from {first} on; both verified until {last}")
        } else {
            format!("{new} took over on {first} without a gap")
        }
    }
}

/// Finds the keys that took over: of the same domain, on a path of the old one, begun after the old one and in use when it
/// ended. Of several the one that began nearest to the end. A key that never verified took nothing over.
pub(super) fn rotations(keys: &[Key<'_>], health: &[Health<'_>], paths: &[&SendingPath]) -> Vec<Rotation> {
    let mut found = Vec::new();
    for (old, was) in keys.iter().zip(health) {
        if !was.ended || old.owner == KeyOwner::Other {
            continue;
        }
        let later = |(new, is): &(&Key<'_>, &Health<'_>)| {
            is.begin > was.begin
                && is.end > was.end
                && new.selector.is_some()
                && new.days.values().any(|results| verifies(results))
        };
        let of_domain = compared(keys, old.signing_domain);
        let successor = keys[of_domain.clone()]
            .iter()
            .zip(&health[of_domain])
            .filter(later)
            .filter(|(new, _)| takes_over(old, was, new))
            .min_by_key(|(new, is)| (is.begin.abs_diff(was.end), new.selector));
        if let (Some(selector), Some((new, _))) = (old.selector, successor) {
            found.extend(rotation(old, selector, new, paths));
        }
    }
    found
}

/// Whether a key signs, after the end of the old one, at least half of what that one would have signed.
fn takes_over(old: &Key<'_>, was: &Health<'_>, new: &Key<'_>) -> bool {
    let shared: BTreeSet<usize> = old.home.iter().map(|one| one.path).collect();
    let after = new
        .home
        .iter()
        .filter(|one| shared.contains(&one.path))
        .flat_map(|one| one.days.range(was.end.saturating_add(1)..))
        .fold(0_u64, |sum, (_, results)| sum.saturating_add(results.messages()));
    after > 0 && after >= was.due / 2
}

/// Whether a key verified on a day, for most messages.
fn verifies(results: &KeyResults) -> bool {
    results.verified() > 0 && results.verified() >= results.failed()
}

/// What became of one key and the next; nothing where the next one never verified.
fn rotation(old: &Key<'_>, selector: &str, new: &Key<'_>, paths: &[&SendingPath]) -> Option<Rotation> {
    let old_last = old.days.iter().rev().find(|(_, results)| verifies(results)).map(|(&day, _)| day);
    let first = new.days.iter().find(|(_, results)| verifies(results)).map(|(&day, _)| day)?;
    let (gap, overlap) = match old_last {
        Some(last) if first > last => (first.abs_diff(last) - 1, 0),
        Some(last) => (0, last.abs_diff(first) + 1),
        None => (0, 0),
    };
    let failed_in_gap = match old_last {
        Some(last) if gap > 0 => [old, new]
            .iter()
            .flat_map(|key| key.days.range(last + 1..first))
            .fold(0_u64, |sum, (_, results)| sum.saturating_add(results.failed())),
        _ => 0,
    };
    let shared: BTreeSet<usize> = new.home.iter().map(|one| one.path).collect();
    let ids: BTreeSet<&str> =
        old.home.iter().filter(|one| shared.contains(&one.path)).map(|one| paths[one.path].id.as_str()).collect();
    Some(Rotation {
        signing_domain: old.signing_domain.to_owned(),
        old: selector.to_owned(),
        new: new.selector.unwrap_or_default().to_owned(),
        paths: ids.into_iter().map(str::to_owned).collect(),
        old_last_verified: old_last.map(shown),
        new_first_verified: shown(first),
        gap_days: gap,
        overlap_days: overlap,
        failed_in_gap,
    })
}
