//! All mail of one header From domain, whatever its paths, for questions on the domain that reach further back than roles
//! are asked for.

use std::collections::BTreeMap;

use super::distinct_facts::DistinctFacts;
use super::figures::{PathFigures, SenderKey, Survey};
use super::tally::{Entry, ReportMark, Tally};
use super::window::Window;
use super::witnesses::Met;
use crate::report::period::Day;
use crate::role::Role;
use crate::rows;
use crate::store::{Store, StoreError};

/// The mail of a header From domain as if it were one path, which costs little more than reading the records. Nothing where
/// both reports that passed and others that nobody checked are there, `memory_days` before the window included: then it
/// depends on the paths whose word counts, so only a [`survey`](super::survey()) tells.
///
/// # Errors
/// See [`StoreError`].
pub fn history(store: &Store, window: Window, domain: &str, memory_days: u32) -> Result<Option<Survey>, StoreError> {
    let first = window.first.saturating_sub_unsigned(memory_days);
    let reports = store.checked_reports(first, window.last, &[])?;
    if reports.iter().any(|one| one.checked > 0) && reports.iter().any(|one| one.unchecked > 0) {
        return Ok(None);
    }
    let (mut names, mut kinds, mut met) = (store.names(), DistinctFacts::new(store)?, Met::default());
    let mut is_its: Vec<Option<bool>> = Vec::new();
    // By day, reporter as it was met, and kind.
    let mut sums: BTreeMap<(Day, u32, u32), u64> = BTreeMap::new();
    store.scan_runs(window.first, window.last, &mut |run| {
        let reporter = met.place(run.reporter, run.checked);
        for record in rows::records(run.rows) {
            let (outcome, count, _) = record.ok_or_else(|| StoreError::damaged_records(run.report))?;
            let kind = kinds.of(outcome)?;
            let at = kind as usize;
            if at >= is_its.len() {
                is_its.resize(kinds.list.len(), None);
            }
            let wanted = match is_its[at] {
                Some(known) => known,
                None => {
                    let from = kinds.list[at].header_from;
                    *is_its[at].insert(from.map_or(Ok(false), |from| Ok::<_, StoreError>(names.text(from)? == domain))?)
                }
            };
            if wanted {
                let sum = sums.entry((run.day, reporter, kind)).or_default();
                *sum = sum.saturating_add(count.unwrap_or(0));
            }
        }
        Ok(())
    })?;
    let witnesses = met.witnesses(|name| Ok(names.text(name)?.to_owned()))?;
    let mut tally = Tally { kinds: kinds.list, reporters: witnesses.names.clone(), ..Tally::default() };
    for ((day, reporter, kind), messages) in sums {
        let reporter = witnesses.of[reporter as usize];
        if tally.reports.last().is_none_or(|last| (last.day, last.reporter) != (day, reporter)) {
            tally.reports.push(ReportMark { report: 0, day, reporter });
        }
        tally.entries.push(Entry { messages, report: tally.reports.len() as u32 - 1, kind });
    }
    tally.entry_places = (0..).take(tally.entries.len()).collect();
    tally.entry_ends = vec![tally.entries.len()];
    let path = PathFigures::new(domain.to_owned(), SenderKey::Nobody, None, Role::Unknown);
    Ok(Some(Survey { paths: vec![path], reporter_names: witnesses.names, tally, ..Survey::default() }))
}
