//! A second pass over the records of a window, for questions that want more of a path than its figures.

use std::net::IpAddr;

use rustc_hash::FxHashSet;

use super::figures::Survey;
use super::scan::{Current, Hot, Scan};
use super::survey::NO_PATH;
use crate::report::period::Day;
use crate::rows;
use crate::store::{OutcomeFacts, ScannedRun, StoreError};

/// A record of the window.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'s> {
    /// Its path, by its place in [`Survey::paths`](super::Survey::paths).
    pub path: usize,
    /// Its outcome, see [`Store::outcomes`](crate::store::Store::outcomes).
    pub outcome: u64,
    /// What the outcome says.
    pub facts: &'s OutcomeFacts,
    /// Its messages.
    pub messages: u64,
    /// The day it counts on.
    pub day: Day,
    /// The address, where it is one.
    pub address: Option<IpAddr>,
}

impl Scan<'_> {
    /// Shows every record of these paths of the survey, or of all, in the order of days and reports. Call it after
    /// [`survey`](Self::survey).
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn visit(
        &mut self,
        survey: &Survey,
        paths: Option<&[usize]>,
        visit: &mut impl FnMut(&Seen<'_>),
    ) -> Result<(), StoreError> {
        let mut wanted = vec![paths.is_none(); survey.paths.len()];
        // What a record shows apart from its address rules most of the others out.
        let mut may = vec![paths.is_none(); self.identities.len()];
        if let Some(paths) = paths {
            paths.iter().for_each(|&path| wanted[path] = true);
            for (identity, pair) in self.sums.pairs() {
                let of = self.paths_of_groups.get(pair.group as usize);
                if of.is_some_and(|&path| path != NO_PATH && wanted[path as usize]) {
                    may[identity as usize] = true;
                }
            }
        }
        let reports: Option<FxHashSet<i64>> = paths.map(|paths| {
            let entries = paths.iter().flat_map(|&path| survey.tally.entries(path));
            entries.map(|entry| survey.tally.report(entry).report).collect()
        });
        let (store, window) = (self.store, self.window);
        store.scan_runs(window.first, window.last, &mut |run| match &reports {
            Some(reports) if !reports.contains(&run.report) => Ok(()),
            _ => self.show(&run, &wanted, &may, visit),
        })
    }

    fn show(
        &mut self,
        run: &ScannedRun<'_>,
        wanted: &[bool],
        may: &[bool],
        visit: &mut impl FnMut(&Seen<'_>),
    ) -> Result<(), StoreError> {
        if run.report != self.current.report {
            self.current = Current::of(run.report);
        }
        let damaged = || StoreError::damaged_records(run.report);
        for record in rows::records(run.rows) {
            let (outcome, count, address) = record.ok_or_else(damaged)?;
            let (kind, hot) = self.kind(outcome, run)?;
            if !hot.asked || !may.get(hot.key.identity() as usize).is_some_and(|&may| may) {
                continue;
            }
            let address = rows::read_address(address).ok_or_else(damaged)?;
            let path = self.path_at(hot, address.ip());
            let Some(path) = path.filter(|&path| wanted[path]) else {
                continue;
            };
            visit(&Seen {
                path,
                outcome,
                facts: &self.kinds.list[kind as usize],
                messages: count.unwrap_or(0),
                day: run.day,
                address: address.ip(),
            });
        }
        Ok(())
    }

    /// The path of one record of the window, by its place in [`Survey::paths`](super::Survey::paths), if it is on one; its
    /// address is packed, see [`rows`]. Call it after [`survey`](Self::survey).
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn path_of(&mut self, run: &ScannedRun<'_>, outcome: u64, address: &[u8]) -> Result<Option<usize>, StoreError> {
        if run.report != self.current.report {
            self.current = Current::of(run.report);
        }
        let (_, hot) = self.kind(outcome, run)?;
        let address = rows::read_address(address).filter(|_| hot.asked);
        Ok(address.and_then(|address| self.path_at(hot, address.ip())))
    }

    /// The path of records of a kind from an address.
    fn path_at(&self, hot: Hot, address: Option<IpAddr>) -> Option<usize> {
        let group = self.sums.group(self.address_numbers.known(hot.key, address)?)?;
        let path = *self.paths_of_groups.get(group as usize)?;
        (path != NO_PATH).then_some(path as usize)
    }
}
