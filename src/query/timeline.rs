//! All that the records of one path say: by day and reporter, by address, and what is listed in them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;

use rustc_hash::{FxHashMap, FxHashSet};

use super::figures::Survey;
use super::scan::Scan;
use crate::alignment::{AuthResult, Disposition, DkimState, OverrideType, Scope, SpfState};
use crate::report::period::Day;
use crate::store::{OutcomeFacts, StoreError};

/// Sums over some messages of a path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartFigures {
    /// Messages.
    pub messages: u64,
    /// By DKIM state, in the order of [`DkimState::ALL`].
    pub dkim: [u64; 5],
    /// With aligned SPF.
    pub spf_aligned: u64,
    /// Passed DMARC.
    pub dmarc_pass: u64,
}

impl PartFigures {
    /// Adds messages that an outcome was of.
    pub fn add(&mut self, facts: &OutcomeFacts, messages: u64) {
        let mut one = PartFigures { messages, ..PartFigures::default() };
        one.dkim[usize::from(facts.dkim.code())] = messages;
        one.spf_aligned = if facts.spf == SpfState::Aligned { messages } else { 0 };
        one.dmarc_pass = if facts.dmarc == Some(true) { messages } else { 0 };
        self.extend(&one);
    }

    /// Adds the figures of others.
    pub fn extend(&mut self, other: &PartFigures) {
        let add = |sum: &mut u64, value: u64| *sum = sum.saturating_add(value);
        add(&mut self.messages, other.messages);
        self.dkim.iter_mut().zip(other.dkim).for_each(|(sum, value)| add(sum, value));
        add(&mut self.spf_aligned, other.spf_aligned);
        add(&mut self.dmarc_pass, other.dmarc_pass);
    }

    /// The messages in a DKIM state.
    #[must_use]
    pub fn in_state(&self, state: DkimState) -> u64 {
        self.dkim[usize::from(state.code())]
    }
}

/// What one reporter says of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// The day.
    pub day: Day,
    /// The reporter, by its place in [`Survey::reporter_names`].
    pub reporter: u32,
    /// What it says.
    pub figures: PartFigures,
}

/// An address of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressUse {
    /// Sums.
    pub figures: PartFigures,
    /// First day seen.
    pub first: Day,
    /// Last day seen.
    pub last: Day,
}

/// A listed SPF check.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpfKey {
    /// The domain that was checked.
    pub domain: Option<String>,
    /// For which identity, where the reporter says.
    pub scope: Option<Scope>,
    /// The result.
    pub result: AuthResult,
}

/// A listed reason for an override.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OverrideKey {
    /// The kind.
    pub kind: OverrideType,
    /// The comment.
    pub comment: Option<String>,
}

/// All that the records of one path say.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    /// By day and reporter, in this order.
    pub cells: Vec<Cell>,
    /// By address.
    pub addresses: BTreeMap<IpAddr, AddressUse>,
    /// Messages of which the reports name no address.
    pub no_address: PartFigures,
    /// Messages with a null reverse-path.
    pub null_senders: PartFigures,
    /// By disposition; absent where reports do not say.
    pub dispositions: BTreeMap<Option<Disposition>, u64>,
    /// Broken signatures by their result.
    pub broken_by: BTreeMap<AuthResult, u64>,
    /// By reporter the messages whose evaluation disagrees with what it lists.
    pub contradictions: BTreeMap<u32, u64>,
    /// Listed SPF checks, with their messages.
    pub spf: BTreeMap<SpfKey, u64>,
    /// Override reasons, with their messages.
    pub overrides: BTreeMap<OverrideKey, u64>,
}

/// Of more override comments those on the fewest messages are summed without them.
const MOST_COMMENTS: usize = 200;

/// Gathers what the records of one path say, by its place in the survey. Goes through the records once more.
///
/// # Errors
/// See [`StoreError`].
pub fn timeline(scan: &mut Scan<'_>, survey: &Survey, path: usize) -> Result<Timeline, StoreError> {
    let mut found = Timeline::default();
    let mut cells: FxHashMap<(Day, u32), PartFigures> = FxHashMap::default();
    for entry in survey.tally.entries(path) {
        let (facts, report, messages) = (survey.tally.facts(entry), survey.tally.report(entry), entry.messages);
        cells.entry((report.day, report.reporter)).or_default().add(facts, messages);
        if facts.null_reverse_path {
            found.null_senders.add(facts, messages);
        }
        add(&mut found.dispositions, facts.disposition, messages);
        if let Some(result) = facts.broken_by {
            add(&mut found.broken_by, result, messages);
        }
        if facts.contradiction {
            add(&mut found.contradictions, report.reporter, messages);
        }
    }
    found.cells = cells.into_iter().map(|((day, reporter), figures)| Cell { day, reporter, figures }).collect();
    found.cells.sort_unstable_by_key(|cell| (cell.day, cell.reporter));
    let outcomes = addresses(scan, survey, path, &mut found)?;
    listed(scan, outcomes, &mut found)?;
    Ok(found)
}

fn add<K: Ord>(sums: &mut BTreeMap<K, u64>, key: K, messages: u64) {
    let sum = sums.entry(key).or_default();
    *sum = sum.saturating_add(messages);
}

/// Sums by address; gives the messages of each outcome.
fn addresses(
    scan: &mut Scan<'_>,
    survey: &Survey,
    path: usize,
    found: &mut Timeline,
) -> Result<Vec<(u64, u64)>, StoreError> {
    let mut by_address: FxHashMap<IpAddr, AddressUse> = FxHashMap::default();
    let mut by_outcome: FxHashMap<u64, u64> = FxHashMap::default();
    scan.visit(survey, Some(path), &mut |seen| {
        let sum = by_outcome.entry(seen.outcome).or_default();
        *sum = sum.saturating_add(seen.messages);
        let Some(ip) = seen.address else {
            found.no_address.add(seen.facts, seen.messages);
            return;
        };
        let one = by_address.entry(ip).or_insert(AddressUse {
            figures: PartFigures::default(),
            first: seen.day,
            last: seen.day,
        });
        one.figures.add(seen.facts, seen.messages);
        one.first = one.first.min(seen.day);
        one.last = one.last.max(seen.day);
    })?;
    found.addresses = by_address.into_iter().collect();
    let mut outcomes: Vec<(u64, u64)> = by_outcome.into_iter().collect();
    outcomes.sort_unstable();
    Ok(outcomes)
}

/// Sums what the outcomes list: SPF checks and override reasons.
fn listed(scan: &mut Scan<'_>, outcomes: Vec<(u64, u64)>, found: &mut Timeline) -> Result<(), StoreError> {
    let mut messages = outcomes.iter().map(|&(_, messages)| messages);
    let (spf, overrides) = (&mut found.spf, &mut found.overrides);
    scan.store.outcomes(outcomes.iter().map(|&(id, _)| id), &mut |_, outcome| {
        let messages = messages.next().unwrap_or(0);
        // What a record lists twice counts once.
        let mut checks: FxHashSet<SpfKey> = FxHashSet::default();
        for check in &outcome.spf {
            checks.insert(SpfKey { domain: check.domain.clone(), scope: check.scope, result: check.result });
        }
        checks.into_iter().for_each(|key| add(spf, key, messages));
        let mut reasons: FxHashSet<OverrideKey> = FxHashSet::default();
        for reason in &outcome.reasons {
            reasons.insert(OverrideKey { kind: reason.kind, comment: reason.comment.clone() });
        }
        reasons.into_iter().for_each(|key| add(overrides, key, messages));
    })?;
    let mut all: Vec<(OverrideKey, u64)> = std::mem::take(overrides).into_iter().collect();
    all.sort_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
    for (place, (key, messages)) in all.into_iter().enumerate() {
        let comment = key.comment.filter(|_| place < MOST_COMMENTS);
        add(overrides, OverrideKey { kind: key.kind, comment }, messages);
    }
    Ok(())
}
