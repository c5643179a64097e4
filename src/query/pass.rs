//! The pass over the records of a window, and over what is remembered of the days before it.
//!
//! This thread reads records and finds their kinds, another computes the sums ([`running_sums`](super::running_sums)).

use std::sync::mpsc::{channel, sync_channel};
use std::thread;

use super::running_sums::{Batch, Record, RunningSums};
use super::scan::{Current, Is, Scan};
use super::sums::{Cell, Excuse};
use super::tally::ReportMark;
use crate::rows;
use crate::store::{Remembered, ScannedRun, StoreError};

/// Records that are handed over to be summed up at once: enough to outweigh the handing over, few enough to stay in the
/// caches until they are.
const BATCH: usize = 8_192;
/// The most batches that wait.
const WAITING: usize = 4;

impl Scan<'_> {
    /// Goes through the records.
    pub(super) fn run(&mut self) -> Result<(), StoreError> {
        let (store, window) = (self.store, self.window);
        let mut sums = RunningSums::new(self.knowledge);
        let read = thread::scope(|scope| {
            let (full, filled) = sync_channel::<Batch>(WAITING);
            let (empty, emptied) = channel::<Batch>();
            let sums = &mut sums;
            scope.spawn(move || {
                for mut batch in filled {
                    sums.add(&mut batch);
                    // The reader may be done and gone.
                    let _ = empty.send(batch);
                }
            });
            let hand_over = |scan: &mut Self| {
                if scan.batch.len() >= BATCH {
                    let next = emptied.try_recv().unwrap_or_default();
                    // The other side ends only after this one.
                    let _ = full.send(std::mem::replace(&mut scan.batch, next));
                }
            };
            // What happened before the window is evidence on the owner; answers depend on nothing after it.
            let memory = window.first.saturating_sub_unsigned(self.knowledge.memory_days);
            if memory < window.first {
                store.remember(memory, window.first - 1, &mut |remembered| {
                    self.recall(&remembered)?;
                    hand_over(self);
                    Ok(())
                })?;
            }
            store.scan_runs(window.first, window.last, &mut |run| {
                self.take(&run)?;
                hand_over(self);
                Ok(())
            })?;
            let _ = full.send(std::mem::take(&mut self.batch));
            Ok(())
        });
        self.sums = sums.close();
        self.kinds.close();
        read
    }

    /// Takes what is remembered of the days before the window.
    fn recall(&mut self, remembered: &Remembered<'_>) -> Result<(), StoreError> {
        match remembered {
            Remembered::Run(run) => self.take(run),
            Remembered::Sources(sources) => {
                self.sources.clear();
                for source in *sources {
                    let met = source.asked.then(|| self.met.place(source.reporter, source.checked));
                    if let Some(met) = met {
                        self.reporters_of.entry(source.domain).or_default().insert(met);
                    }
                    self.sources.push(met);
                }
                Ok(())
            }
            Remembered::Sum(sum) => {
                let kind = self.kinds.of(sum.outcome)?;
                let hot = match self.hot.get(kind as usize) {
                    Some(&hot) if hot.is != Is::New => hot,
                    _ => self.hot(kind)?,
                };
                if !hot.tells {
                    return Ok(());
                }
                let excuse = Excuse { any: sum.excused, as_list: sum.as_list, ..Excuse::default() };
                let before = self.batch.cells.len();
                for cell in sum.cells() {
                    let cell = cell?;
                    if let Some(&Some(met)) = self.sources.get(cell.source) {
                        self.batch.cells.push(Cell::new(cell.day, met, excuse, cell.messages));
                    }
                }
                if self.batch.cells.len() > before {
                    let (key, new) = self.address_numbers.key(hot.key, sum.address);
                    self.batch.v6.extend(new);
                    self.batch.evidence.push((key, (self.batch.cells.len() - before) as u32));
                }
                Ok(())
            }
        }
    }

    fn take(&mut self, run: &ScannedRun<'_>) -> Result<(), StoreError> {
        if run.report != self.current.report {
            self.current = Current::of(run.report);
        }
        let reporter = self.met.place(run.reporter, run.checked);
        let texts = &mut self.texts;
        let operator = self.met.operator(reporter, |name| Ok(texts.text(name)?.to_owned()))?;
        let in_window = run.day >= self.window.first;
        self.reporters_of.entry(run.domain).or_default().insert(reporter);
        // A report on a domain that is asked for counts even when it saw nothing.
        let mut matched = in_window && (self.domains.is_empty() || self.wanted(run.domain)?);
        // The report is numbered when its first record is taken.
        let report = self.current.mark.unwrap_or(self.tally.reports.len() as u32);
        let mut figures = [0; 4];
        let damaged = || StoreError::damaged_records(run.report);
        for record in rows::records(run.rows) {
            let (outcome, count, address) = record.ok_or_else(damaged)?;
            let address = rows::read_address(address).ok_or_else(damaged)?;
            let (kind, hot) = self.kind(outcome, run)?;
            let counted = in_window && hot.asked;
            if !counted && !hot.tells {
                continue;
            }
            let messages = count.unwrap_or(0);
            let (key, new) = self.address_numbers.key(hot.key, address.ip());
            self.batch.v6.extend(new);
            if counted {
                matched = true;
                figures[0] += messages;
                figures[1] += if hot.dmarc_pass { messages } else { 0 };
                figures[2] += if hot.dkim_aligned { messages } else { 0 };
                figures[3] += if hot.spf_aligned { messages } else { 0 };
                self.batch.records.push(Record { key, messages, report, kind, mark: (operator, run.day) });
            } else {
                self.batch.cells.push(Cell::new(run.day, reporter, hot.excuse, messages));
                self.batch.evidence.push((key, 1));
            }
        }
        if !matched {
            return Ok(());
        }
        let sums = self.by_domain.entry(run.domain).or_default();
        if self.current.mark.is_none() {
            self.current.mark = Some(report);
            self.tally.reports.push(ReportMark { report: run.report, day: run.day, reporter, listed: reporter });
            sums.add_report(run.report, run.day, reporter);
        }
        sums.add(figures);
        Ok(())
    }
}
