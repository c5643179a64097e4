//! A second pass over the records of a window, for questions that want more of a path than its figures.

use std::net::IpAddr;

use super::scan::{Current, Scan, WHO_SHIFT};
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
    /// The report, see [`Store::report`](crate::store::Store).
    pub report: i64,
    /// Who reports, see [`Store::names`](crate::store::Store::names).
    pub reporter: i64,
    /// The address, where it is one.
    pub address: Option<IpAddr>,
}

impl Scan<'_> {
    /// Shows every record of one path of the survey, or of all, in the order of days and reports. Call it after
    /// [`survey`](Self::survey).
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn visit(&mut self, path: Option<usize>, visit: &mut impl FnMut(&Seen<'_>)) -> Result<(), StoreError> {
        // What a record shows apart from its address rules most of the others out.
        let mut may = vec![path.is_none(); self.namer.whos()];
        if let Some(path) = path {
            for (&key, pair) in &self.pairs {
                if self.paths_of_units.get(pair.unit as usize).is_some_and(|&of| of as usize == path) {
                    may[(key >> WHO_SHIFT) as usize] = true;
                }
            }
        }
        let (store, window) = (self.store, self.window);
        store.scan_runs(window.first, window.last, &mut |run| {
            if self.error.is_none()
                && let Err(error) = self.show(&run, path, &may, visit)
            {
                self.error = Some(error);
            }
        })?;
        self.error.take().map_or(Ok(()), Err)
    }

    fn show(
        &mut self,
        run: &ScannedRun<'_>,
        wanted: Option<usize>,
        may: &[bool],
        visit: &mut impl FnMut(&Seen<'_>),
    ) -> Result<(), StoreError> {
        if run.report != self.current.report {
            self.current = Current { report: run.report, ..Current::default() };
        }
        let mut rest = run.rows;
        while let Some((outcome, count)) = rows::take_head(&mut rest) {
            let Some(bytes) = rows::take_address_bytes(&mut rest) else {
                break;
            };
            let Some(mut kind) = self.kind(outcome)? else {
                continue;
            };
            let who = self.hot[kind as usize].who;
            if !may.get(who as usize).is_some_and(|&may| may) {
                continue;
            }
            let Some(address) = rows::read_address(bytes) else {
                continue;
            };
            if self.hot[kind as usize].excused {
                kind = self.excused(kind, run)?;
            }
            let key = self.pair_key(self.hot[kind as usize], address);
            let path = self.pairs.get(&key).and_then(|pair| self.paths_of_units.get(pair.unit as usize));
            let Some(path) = path.map(|&path| path as usize).filter(|&path| wanted.is_none_or(|one| one == path))
            else {
                continue;
            };
            visit(&Seen {
                path,
                outcome,
                facts: &self.kinds[kind as usize],
                messages: count.unwrap_or(0),
                day: run.day,
                report: run.report,
                reporter: run.reporter,
                address: address.ip(),
            });
        }
        Ok(())
    }
}
