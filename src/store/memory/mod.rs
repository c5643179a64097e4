//! The sums of the days before a window, from which roles are determined.
//!
//! Whose mail is looked up in the 90 days before a window too. To read their records would cost more than to read those of the
//! window, so each period of 32 days keeps them in sum: messages by what records show of who wrote and sent them, by address,
//! day, reporter and policy domain. Records that show nothing of that are left out.
//!
//! A sum is never untrue: it is deleted in the transaction that changes records of its period (see
//! [`Deltas`](super::day_totals)), and a period without one is read record by record. The run that changed them sums up anew
//! at its end, so that a mailbox in any order is summed up once.

mod period;
mod sum;

use std::net::IpAddr;

use super::engine::{self, Connection};

use self::period::PERIOD;
pub(super) use self::period::Span;
use self::sum::write;
use super::runs::{OLDEST_DAY, ScannedRun};
use super::{Result, Store, StoreError};
use crate::report::period::Day;
use crate::rows;
use crate::store::values::blob;
use crate::varint;

/// A reporter on a policy domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemorySource {
    /// Who reports, see [`Store::names`].
    pub reporter: i64,
    /// The policy domain, see [`Store::names`].
    pub domain: i64,
    /// The mail of its reports passed DMARC for the domain that the reporter goes by.
    pub checked: bool,
    /// Whether it is among those that are asked for, and has reports on the days that are.
    pub asked: bool,
}

/// What is remembered of some days.
#[derive(Debug)]
pub enum Remembered<'r> {
    /// Records of a period that is not summed up.
    Run(ScannedRun<'r>),
    /// Who reported in the period that the following sums are of.
    Sources(&'r [MemorySource]),
    /// Sums.
    Sum(RememberedSum<'r>),
}

/// Messages of which records show the same, from one address.
#[derive(Debug, Clone, Copy)]
pub struct RememberedSum<'r> {
    /// An outcome that shows it: others may differ in what bears on no role.
    pub outcome: u64,
    /// Override reasons that counted speak of forwarding.
    pub excused: bool,
    /// They speak of a mailing list.
    pub as_list: bool,
    /// The address, where it is one.
    pub address: Option<IpAddr>,
    cells: &'r [u8],
    sources: &'r [MemorySource],
    period: Span,
    /// The days of the period that are asked for.
    days: (u64, u64),
}

/// Messages of one source on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RememberedCell {
    /// The day.
    pub day: Day,
    /// By the place among the sources of the period.
    pub source: usize,
    /// Messages; there may be records without any.
    pub messages: u64,
}

impl RememberedSum<'_> {
    /// The messages by source and day, those of sources and days that are not asked for left out; at the end an error, where the rest
    /// cannot be read.
    pub fn cells(&self) -> impl Iterator<Item = Result<RememberedCell>> {
        let (mut rest, mut place) = (self.cells, 0_u64);
        let (period, days, sources) = (self.period, self.days, self.sources);
        std::iter::from_fn(move || {
            while !rest.is_empty() {
                let cell = take_cell(&mut rest, &mut place).and_then(|(source, offset, messages)| {
                    let source_asked = sources.get(source)?.asked;
                    let wanted = offset >= days.0 && offset <= days.1 && source_asked;
                    Some(wanted.then(|| RememberedCell { day: period.begin() + offset as Day, source, messages }))
                });
                match cell {
                    Some(None) => {}
                    Some(Some(cell)) => return Some(Ok(cell)),
                    None => {
                        rest = &[];
                        return Some(Err(damaged(period)));
                    }
                }
            }
            None
        })
    }
}

/// Takes messages from the front, with their source and the day of the period; `place` is that of those before.
fn take_cell(bytes: &mut &[u8], place: &mut u64) -> Option<(usize, u64, u64)> {
    *place = place.wrapping_add(varint::take(bytes)?);
    let messages = varint::take(bytes)?;
    Some((usize::try_from(*place / PERIOD as u64).ok()?, *place % PERIOD as u64, messages))
}

fn damaged(period: Span) -> StoreError {
    StoreError::Damaged(format!("memory of period {}", period.0))
}

/// Forgets all sums.
pub(super) fn forget_all(connection: &Connection) -> engine::Result<()> {
    connection.execute("DELETE FROM memory", ()).map(drop)
}

/// Sums up the periods whose records have changed, each in a transaction of its own, until `stop` says so.
pub(super) fn sum_up(connection: &mut Connection, stop: &dyn Fn() -> bool) -> Result<()> {
    let summed = Span::summed_up(connection)?;
    let mut next = Span::from(Day::MIN, connection)?;
    while let Some(mut period) = next.filter(|_| !stop()) {
        if summed.contains(&period) {
            while summed.contains(&Span(period.0 + 1)) {
                period.0 += 1;
            }
        } else {
            let transaction = connection.transaction()?;
            write(&transaction, period)?;
            transaction.check_room()?;
            transaction.commit()?;
        }
        next = period.next(connection)?;
    }
    Ok(())
}

impl Store {
    /// Sums up the periods whose records have changed, until `stop` says so. What is left is done by the next run: where there
    /// is no room, or others write, it is read record by record until then. A database in memory answers one question, for
    /// which summing up would be more work.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn sum_up_memory(&mut self, stop: &dyn Fn() -> bool) -> Result<()> {
        if self.connection.is_in_memory() {
            return Ok(());
        }
        match sum_up(&mut self.connection, stop) {
            Err(StoreError::Full | StoreError::Locked) => Ok(()),
            done => done,
        }
    }

    /// Shows what is remembered of the days from `first` to `last`, of the owner's reports that count.
    ///
    /// # Errors
    /// See [`StoreError`]; the visitor's ends it.
    pub fn remember(&self, first: Day, last: Day, visit: &mut dyn FnMut(Remembered<'_>) -> Result<()>) -> Result<()> {
        let summed = Span::summed_up(&self.connection)?;
        let within = |period: &Span| *period >= Span::of(first) && *period <= Span::of(last);
        let mut summed = summed.into_iter().filter(within).peekable();
        let oldest: Option<Day> = self.connection.query_row(OLDEST_DAY, (), |row| row.get(0))?;
        let Some(oldest) = oldest else { return Ok(()) };
        let mut next = first.max(oldest);
        while next <= last {
            let Some(begin) = summed.next() else {
                return self.scan_runs(next, last, &mut |run| visit(Remembered::Run(run)));
            };
            if next < begin.begin() {
                self.scan_runs(next, begin.begin() - 1, &mut |run| visit(Remembered::Run(run)))?;
            }
            let mut end = begin;
            while let Some(following) = summed.next_if(|period| period.0 == end.0 + 1) {
                end = following;
            }
            self.show_sums((begin, end), (first, last), visit)?;
            match end.end().checked_add(1) {
                Some(day) => next = day,
                None => break,
            }
        }
        Ok(())
    }

    /// Shows the sums of the periods from one to another, as far as they are of some days.
    fn show_sums(
        &self,
        periods: (Span, Span),
        days: (Day, Day),
        visit: &mut dyn FnMut(Remembered<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut select = self
            .connection
            .prepare("SELECT period, part, sums FROM memory WHERE period BETWEEN ?1 AND ?2 ORDER BY period, part")?;
        let mut parts = select.query([periods.0.0, periods.1.0])?;
        let mut answered = self.answered();
        let mut sources = Vec::new();
        while let Some(part) = parts.next()? {
            let period = Span(part.get(0)?);
            let days = (days.0.max(period.begin()) - period.begin(), days.1.min(period.end()) - period.begin());
            let days = (days.0 as u64, days.1 as u64);
            let damaged = || damaged(period);
            let mut rest = blob(part, 2)?;
            if part.get::<i64>(1)? == 0 {
                let wanted = mask(days);
                sources.clear();
                while !rest.is_empty() {
                    let (mut source, on) = take_source(&mut rest).ok_or_else(damaged)?;
                    let believed = source.checked || !self.checked_only;
                    source.asked = on & wanted != 0 && believed && answered.has(source.domain, source.reporter)?;
                    sources.push(source);
                }
                visit(Remembered::Sources(&sources))?;
                continue;
            }
            let mut outcome = 0;
            while !rest.is_empty() {
                let sum = take_sum(&mut rest, &mut outcome, (period, days), &sources).ok_or_else(damaged)?;
                visit(Remembered::Sum(sum))?;
            }
        }
        Ok(())
    }
}

/// A bit for each of some days.
fn mask(days: (u64, u64)) -> u32 {
    (days.0..=days.1).fold(0, |mask, day| mask | 1 << day)
}

fn take_source(bytes: &mut &[u8]) -> Option<(MemorySource, u32)> {
    let reporter = i64::try_from(varint::take(bytes)?).ok()?;
    let domain = varint::take(bytes)?;
    let days = u32::try_from(varint::take(bytes)?).ok()?;
    let checked = domain & 1 == 1;
    Some((MemorySource { reporter, domain: (domain >> 1) as i64, checked, asked: false }, days))
}

/// Takes a sum from the front; `outcome` is that of the one before.
fn take_sum<'r>(
    bytes: &mut &'r [u8],
    outcome: &mut u64,
    (period, days): (Span, (u64, u64)),
    sources: &'r [MemorySource],
) -> Option<RememberedSum<'r>> {
    let head = varint::take(bytes)?;
    *outcome = outcome.wrapping_add(head >> 2);
    let address = rows::read_address(rows::take_address_bytes(bytes)?)?.ip();
    let length = usize::try_from(varint::take(bytes)?).ok()?;
    let (cells, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(RememberedSum {
        outcome: *outcome,
        excused: head & 1 == 1,
        as_list: head & 2 == 2,
        address,
        cells,
        sources,
        period,
        days,
    })
}
