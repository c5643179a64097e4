//! All mail of header From domains, whatever their paths, for questions on domains that reach further back than roles are asked for.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::distinct_facts::DistinctFacts;
use super::figures::{PathFigures, SenderKey, Survey};
use super::grouped::Grouped;
use super::tally::{Entry, ReportMark, Tally};
use super::window::Window;
use super::witnesses::Met;
use crate::report::period::Day;
use crate::role::Role;
use crate::rows;
use crate::store::{Store, StoreError};

/// The mail of header From domains as if that of each were one path, which costs little more than reading the records. Nothing where
/// both reports that passed and others that nobody checked are there, `memory_days` before the window included: then it
/// depends on the paths whose word counts, so only a [`survey`](super::survey()) tells.
///
/// # Errors
/// See [`StoreError`].
pub fn history(
    store: &Store,
    window: Window,
    domains: &BTreeSet<String>,
    memory_days: u32,
) -> Result<Option<Survey>, StoreError> {
    let first = window.first.saturating_sub_unsigned(memory_days);
    let reports = store.checked_reports(first, window.last, &[])?;
    if reports.iter().any(|one| one.checked > 0) && reports.iter().any(|one| one.unchecked > 0) {
        return Ok(None);
    }
    let (mut names, mut kinds, mut met) = (store.names(), DistinctFacts::new(store)?, Met::default());
    let places: FxHashMap<&str, usize> = domains.iter().map(String::as_str).zip(0..).collect();
    // By kind the place of its domain, if it is one of these.
    let mut place_of: Vec<Option<Option<usize>>> = Vec::new();
    // By place, day, reporter as it was met, and kind.
    let mut sums: FxHashMap<(usize, Day, u32, u32), u64> = FxHashMap::default();
    store.scan_runs(window.first, window.last, &mut |run| {
        let reporter = met.place(run.reporter, run.checked);
        for record in rows::records(run.rows) {
            let (outcome, count, _) = record.ok_or_else(|| StoreError::damaged_records(run.report))?;
            let kind = kinds.of(outcome)?;
            let at = kind as usize;
            if at >= place_of.len() {
                place_of.resize(kinds.list.len(), None);
            }
            let place = match place_of[at] {
                Some(known) => known,
                None => {
                    let from = kinds.list[at].header_from.map(|from| names.text(from)).transpose()?;
                    *place_of[at].insert(from.and_then(|from| places.get(from).copied()))
                }
            };
            if let Some(place) = place {
                let sum = sums.entry((place, run.day, reporter, kind)).or_default();
                *sum = sum.saturating_add(count.unwrap_or(0));
            }
        }
        Ok(())
    })?;
    let witnesses = met.witnesses(|name| Ok(names.text(name)?.to_owned()))?;
    let mut tally = Tally { kinds: kinds.list, reporters: witnesses.names.clone(), ..Tally::default() };
    let mut sums: Vec<((usize, Day, u32, u32), u64)> = sums.into_iter().collect();
    sums.sort_unstable();
    let mut entries: Vec<(u32, Entry)> = Vec::with_capacity(sums.len());
    for ((place, day, reporter, kind), messages) in sums {
        let reporter = witnesses.of[reporter as usize];
        if tally.reports.last().is_none_or(|last| (last.day, last.reporter) != (day, reporter)) {
            tally.reports.push(ReportMark { report: 0, day, reporter, listed: reporter });
        }
        entries.push((place as u32, Entry { messages, report: tally.reports.len() as u32 - 1, kind }));
    }
    tally.entries = Grouped::of(entries.iter().copied(), domains.len());
    let path = |domain: &String| PathFigures::new(domain.clone(), SenderKey::Nobody, None, Role::Unknown);
    Ok(Some(Survey {
        paths: domains.iter().map(path).collect(),
        reporter_names: witnesses.names,
        tally,
        ..Survey::default()
    }))
}
