//! All that the records of one path say: by day and reporter, by address, and what is listed in them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;

use rustc_hash::{FxHashMap, FxHashSet};

use super::figures::Survey;
use super::scan::Scan;
use crate::alignment::{AuthResult, Disposition, DkimState, OverrideType, ReasonCode, Scope, SpfState};
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
    /// The name that it is listed under, by its place in [`Survey::listed_reporters`].
    pub listed: u32,
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

/// What a reporter writes beside a result that is no pass (`human_result`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WordsKey {
    /// Beside a signature; else beside an SPF check.
    pub of_dkim: bool,
    /// What it means, where that is known.
    pub code: Option<ReasonCode>,
    /// The text, where that is not.
    pub text: Option<String>,
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
    /// For each reporter, as it is listed, the messages whose evaluation disagrees with what it lists.
    pub contradictions: BTreeMap<u32, u64>,
    /// Listed SPF checks, with their messages.
    pub spf: BTreeMap<SpfKey, u64>,
    /// Override reasons, with their messages.
    pub overrides: BTreeMap<OverrideKey, u64>,
    /// What reporters write beside results that are no pass, with the messages.
    pub words: BTreeMap<WordsKey, u64>,
}

/// Of more texts of a kind those on the fewest messages are summed without them.
const MOST_TEXTS: usize = 200;

/// Gathers what the records of each of these paths say, by their places in the survey. Goes through the records once more for all.
///
/// # Errors
/// See [`StoreError`].
pub fn timelines(scan: &mut Scan<'_>, survey: &Survey, paths: &[usize]) -> Result<Vec<Timeline>, StoreError> {
    let mut found: Vec<Timeline> = paths.iter().map(|&path| of_entries(survey, path)).collect();
    let outcomes = addresses(scan, survey, paths, &mut found)?;
    listed(scan, &outcomes, &mut found)?;
    for one in &mut found {
        bound_texts(&mut one.overrides, |key| &mut key.comment);
        bound_texts(&mut one.words, |key| &mut key.text);
    }
    Ok(found)
}

/// What the sums of the survey tell of a path: all but what goes by address, and what outcomes list.
fn of_entries(survey: &Survey, path: usize) -> Timeline {
    let mut found = Timeline::default();
    let mut cells: FxHashMap<(Day, u32, u32), PartFigures> = FxHashMap::default();
    for entry in survey.tally.entries(path) {
        let (facts, report, messages) = (survey.tally.facts(entry), survey.tally.report(entry), entry.messages);
        cells.entry((report.day, report.reporter, report.listed)).or_default().add(facts, messages);
        if facts.null_reverse_path {
            found.null_senders.add(facts, messages);
        }
        add(&mut found.dispositions, facts.disposition, messages);
        if let Some(result) = facts.broken_by {
            add(&mut found.broken_by, result, messages);
        }
        if facts.contradiction {
            add(&mut found.contradictions, report.listed, messages);
        }
    }
    let cell = |((day, reporter, listed), figures)| Cell { day, reporter, listed, figures };
    found.cells = cells.into_iter().map(cell).collect();
    found.cells.sort_unstable_by_key(|cell| (cell.day, cell.reporter, cell.listed));
    found
}

fn add<K: Ord>(sums: &mut BTreeMap<K, u64>, key: K, messages: u64) {
    let sum = sums.entry(key).or_default();
    *sum = sum.saturating_add(messages);
}

/// An outcome, the place in `paths` of a path that has it, and the messages.
type OutcomeUse = (u64, usize, u64);

/// Sums by address; gives the messages of each outcome, in the order of outcomes.
fn addresses(
    scan: &mut Scan<'_>,
    survey: &Survey,
    paths: &[usize],
    found: &mut [Timeline],
) -> Result<Vec<OutcomeUse>, StoreError> {
    let places: FxHashMap<usize, usize> = paths.iter().copied().zip(0..).collect();
    let mut by_address: Vec<FxHashMap<IpAddr, AddressUse>> = vec![FxHashMap::default(); paths.len()];
    let mut by_outcome: FxHashMap<(u64, usize), u64> = FxHashMap::default();
    scan.visit(survey, Some(paths), &mut |seen| {
        let Some(&place) = places.get(&seen.path) else { return };
        let sum = by_outcome.entry((seen.outcome, place)).or_default();
        *sum = sum.saturating_add(seen.messages);
        let Some(ip) = seen.address else {
            found[place].no_address.add(seen.facts, seen.messages);
            return;
        };
        let one = by_address[place].entry(ip).or_insert(AddressUse {
            figures: PartFigures::default(),
            first: seen.day,
            last: seen.day,
        });
        one.figures.add(seen.facts, seen.messages);
        one.first = one.first.min(seen.day);
        one.last = one.last.max(seen.day);
    })?;
    for (one, by_address) in found.iter_mut().zip(by_address) {
        one.addresses = by_address.into_iter().collect();
    }
    let mut outcomes: Vec<OutcomeUse> = by_outcome.into_iter().map(|((id, place), sum)| (id, place, sum)).collect();
    outcomes.sort_unstable();
    Ok(outcomes)
}

/// Sums what the outcomes list: SPF checks, override reasons, and texts beside results.
fn listed(scan: &mut Scan<'_>, outcomes: &[OutcomeUse], found: &mut [Timeline]) -> Result<(), StoreError> {
    let uses_of_each = || outcomes.chunk_by(|a, b| a.0 == b.0);
    let mut uses = uses_of_each();
    scan.store.outcomes(uses_of_each().map(|uses| uses[0].0), &mut |_, outcome| {
        // What a record lists twice counts once.
        let mut checks: FxHashSet<SpfKey> = FxHashSet::default();
        for check in &outcome.spf {
            checks.insert(SpfKey { domain: check.domain.clone(), scope: check.scope, result: check.result });
        }
        let mut reasons: FxHashSet<OverrideKey> = FxHashSet::default();
        for reason in &outcome.reasons {
            reasons.insert(OverrideKey { kind: reason.kind, comment: reason.comment.clone() });
        }
        let mut words: FxHashSet<WordsKey> = FxHashSet::default();
        let written = outcome.dkim.iter().map(|one| (true, one.result, one.human.as_deref()));
        let written = written.chain(outcome.spf.iter().map(|one| (false, one.result, one.human.as_deref())));
        for (of_dkim, _, text) in written.filter(|(_, result, _)| *result != AuthResult::Pass) {
            if let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) {
                let code = ReasonCode::read(text);
                words.insert(WordsKey { of_dkim, code, text: code.is_none().then(|| text.to_owned()) });
            }
        }
        for &(_, place, messages) in uses.next().unwrap_or_default() {
            checks.iter().for_each(|key| add(&mut found[place].spf, key.clone(), messages));
            reasons.iter().for_each(|key| add(&mut found[place].overrides, key.clone(), messages));
            words.iter().for_each(|key| add(&mut found[place].words, key.clone(), messages));
        }
    })
}

/// Sums keys without the texts of strangers in them, where there are too many: those on the fewest messages.
fn bound_texts<K: Ord>(sums: &mut BTreeMap<K, u64>, text: impl Fn(&mut K) -> &mut Option<String>) {
    let mut all: Vec<(K, u64)> = std::mem::take(sums).into_iter().collect();
    all.sort_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
    for (place, (mut key, messages)) in all.into_iter().enumerate() {
        if place >= MOST_TEXTS {
            *text(&mut key) = None;
        }
        add(sums, key, messages);
    }
}
