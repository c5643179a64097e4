//! The days before a window in sum: what roles are told by them.
//!
//! Whose mail is looked up in the 90 days before a window too. To read their records would cost more than to read those of the
//! window, so each period of 32 days keeps them in sum: messages by what records show of who wrote and sent them, by address,
//! day, reporter and policy domain. Records that show nothing of that are left out.
//!
//! A sum is never untrue: it is deleted in the transaction that changes records of its period (see [`Deltas`](super::totals)),
//! and a period without one is read record by record. The run that changed them sums up anew at its end, so that a mailbox in
//! any order is summed up once.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use rustc_hash::FxHashMap;

use super::runs::{PolicyWords, ScannedRun};
use super::trust::CHECKED;
use super::{OutcomeFacts, Result, Store, StoreError, facts};
use crate::alignment::{DkimState, SpfState};
use crate::report::period::Day;
use crate::rows;
use crate::varint;

/// Days that are summed up together: few enough that the newest period is soon written anew, many enough that steady mail
/// is met four times in a memory of 90 days and not ninety times.
const PERIOD: Day = 32;
/// A part is written when it has this many bytes.
const PART_BYTES: usize = 60 * 1024;
/// So many sums are held until they are written: a period with more has several for the same.
const HELD: usize = 1 << 20;

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
    /// The messages by source and day, those of days that are not asked for left out.
    pub fn cells(&self) -> impl Iterator<Item = RememberedCell> {
        let (mut rest, mut place) = (self.cells, 0_u64);
        let (begin, days) = (self.period.begin(), self.days);
        std::iter::from_fn(move || {
            loop {
                place = place.wrapping_add(varint::take(&mut rest)?);
                let messages = varint::take(&mut rest)?;
                let offset = place % PERIOD as u64;
                if offset >= days.0 && offset <= days.1 {
                    let source = usize::try_from(place / PERIOD as u64).unwrap_or(usize::MAX);
                    return Some(RememberedCell { day: begin + offset as Day, source, messages });
                }
            }
        })
    }
}

/// Days that are summed up together, by their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Span(Day);

impl Span {
    pub(super) fn of(day: Day) -> Self {
        Span(day.div_euclid(PERIOD))
    }

    fn begin(self) -> Day {
        self.0 * PERIOD
    }

    fn end(self) -> Day {
        self.begin() + (PERIOD - 1)
    }

    /// Forgets the sums of those before a day and of its own: the records before it go in this transaction.
    pub(super) fn forget_before(day: Day, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute("DELETE FROM memory WHERE period <= ?1", [Span::of(day).0]).map(drop)
    }

    /// Forgets the sums: the records change in this transaction.
    pub(super) fn forget(self, connection: &Connection) -> rusqlite::Result<()> {
        connection.prepare_cached("DELETE FROM memory WHERE period = ?1")?.execute([self.0]).map(drop)
    }

    /// The first period from this one on that has records.
    fn next_with_records(self, connection: &Connection) -> rusqlite::Result<Option<Self>> {
        let mut select = connection.prepare_cached("SELECT MIN(day) FROM record_run WHERE day >= ?1")?;
        let day: Option<Day> = select.query_row([self.begin()], |row| row.get(0))?;
        Ok(day.map(Span::of))
    }

    fn is_summed_up(self, connection: &Connection) -> rusqlite::Result<bool> {
        connection.prepare_cached("SELECT 1 FROM memory WHERE period = ?1 AND part = 0")?.exists([self.0])
    }
}

/// Forgets all sums.
pub(super) fn forget_all(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM memory", []).map(drop)
}

/// Sums up the periods whose records have changed, each in a transaction of its own, until `stop` says so.
pub(super) fn sum_up(connection: &mut Connection, stop: &dyn Fn() -> bool) -> Result<()> {
    let mut next = Span::of(Day::MIN).next_with_records(connection)?;
    while let Some(period) = next.filter(|_| !stop()) {
        if !period.is_summed_up(connection)? {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            write(&transaction, period)?;
            super::room::check(&transaction)?;
            transaction.commit()?;
        }
        next = Span(period.0 + 1).next_with_records(connection)?;
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
        if self.connection.path().is_none_or(str::is_empty) {
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
        let mut next = Span::of(first).next_with_records(&self.connection)?;
        while let Some(period) = next.filter(|period| period.begin() <= last) {
            let days = (first.max(period.begin()), last.min(period.end()));
            if period.is_summed_up(&self.connection)? {
                self.show_sums(period, days, visit)?;
            } else if days.0 <= days.1 {
                self.scan_runs(days.0, days.1, &mut |run| visit(Remembered::Run(run)))?;
            }
            next = Span(period.0 + 1).next_with_records(&self.connection)?;
        }
        Ok(())
    }

    fn show_sums(
        &self,
        period: Span,
        days: (Day, Day),
        visit: &mut dyn FnMut(Remembered<'_>) -> Result<()>,
    ) -> Result<()> {
        let days = ((days.0 - period.begin()) as u64, (days.1 - period.begin()) as u64);
        let damaged = || StoreError::Damaged(format!("memory of period {}", period.0));
        let mut select = self.connection.prepare_cached("SELECT sums FROM memory WHERE period = ?1 ORDER BY part")?;
        let mut parts = select.query([period.0])?;
        let mut owned = self.owned();
        let mut is_head = true;
        while let Some(part) = parts.next()? {
            let mut rest = part.get_ref(0)?.as_blob().map_err(|error| StoreError::Damaged(error.to_string()))?;
            if std::mem::take(&mut is_head) {
                let wanted = mask(days);
                let mut sources = Vec::new();
                while !rest.is_empty() {
                    let (mut source, on) = take_source(&mut rest).ok_or_else(damaged)?;
                    let believed = source.checked || !self.checked_only;
                    source.asked = on & wanted != 0 && believed && owned.has(source.domain)?;
                    sources.push(source);
                }
                visit(Remembered::Sources(&sources))?;
                continue;
            }
            let mut outcome = 0;
            while !rest.is_empty() {
                let sum = take_sum(&mut rest, &mut outcome, period, days).ok_or_else(damaged)?;
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

fn put_source(out: &mut Vec<u8>, source: &Source, days: u32) {
    varint::put(out, source.reporter.unsigned_abs());
    varint::put(out, source.domain.unsigned_abs() << 1 | u64::from(source.checked));
    varint::put(out, u64::from(days));
}

fn take_source(bytes: &mut &[u8]) -> Option<(MemorySource, u32)> {
    let reporter = i64::try_from(varint::take(bytes)?).ok()?;
    let domain = varint::take(bytes)?;
    let days = u32::try_from(varint::take(bytes)?).ok()?;
    let checked = domain & 1 == 1;
    Some((MemorySource { reporter, domain: (domain >> 1) as i64, checked, asked: false }, days))
}

/// Takes a sum from the front; `outcome` is that of the one before.
fn take_sum<'r>(bytes: &mut &'r [u8], outcome: &mut u64, period: Span, days: (u64, u64)) -> Option<RememberedSum<'r>> {
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
        period,
        days,
    })
}

/// A reporter on a policy domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Source {
    reporter: i64,
    domain: i64,
    checked: bool,
}

/// What records show of who wrote and sent them, as far as it bears on roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Shown {
    from: Option<i64>,
    envelope: Option<i64>,
    authenticated: Option<i64>,
    signers: i64,
    spf: SpfState,
    dkim_aligned: bool,
    null: bool,
    strict_spf: bool,
    spf_unevaluable: bool,
    excused: bool,
    as_list: bool,
}

impl Shown {
    fn of(facts: &OutcomeFacts) -> Self {
        Shown {
            from: facts.header_from,
            envelope: facts.envelope,
            authenticated: facts.authenticated,
            signers: facts.signers,
            spf: facts.spf,
            dkim_aligned: facts.dkim == DkimState::Aligned,
            null: facts.null_reverse_path || facts.detail.spf_without_domain,
            strict_spf: facts.detail.strict_spf,
            spf_unevaluable: facts.detail.spf_fault.is_some(),
            excused: facts.forwarding.any(),
            as_list: facts.forwarding.mailing_list,
        }
    }
}

/// The sums of a period while they are made.
#[derive(Default)]
struct Sums {
    /// By their numbers, each with a bit for each day on which it has reports.
    sources: Vec<(Source, u32)>,
    source_numbers: FxHashMap<Source, u32>,
    /// By what is shown an outcome that shows it, and the reasons.
    shown: FxHashMap<Shown, u64>,
    held: Vec<Sum>,
    part: i64,
}

/// Messages of one source on one day, of which the records show the same, from one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Sum {
    outcome: u64,
    reasons: u8,
    address: Address,
    place: u64,
    messages: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Address {
    None,
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

/// Sums up a period; part of a transaction.
fn write(connection: &Connection, period: Span) -> Result<()> {
    period.forget(connection)?;
    let mut facts = Facts::new(connection)?;
    let mut sums = Sums::default();
    let mut select = connection.prepare_cached(
        "SELECT day, report, reporter, domain, counted, rows FROM record_run WHERE day BETWEEN ?1 AND ?2 AND counted
         ORDER BY day, report, part",
    )?;
    let mut runs = select.query([period.begin(), period.end()])?;
    while let Some(row) = runs.next()? {
        let run = ScannedRun {
            day: row.get(0)?,
            report: row.get(1)?,
            reporter: row.get(2)?,
            domain: row.get(3)?,
            checked: row.get::<_, i64>(4)? == CHECKED,
            rows: row.get_ref(5)?.as_blob().map_err(|error| StoreError::Damaged(error.to_string()))?,
        };
        sums.add(&run, period, &mut facts)?;
        if sums.held.len() >= HELD {
            sums.flush(connection, period)?;
        }
    }
    sums.flush(connection, period)?;
    let mut head = Vec::new();
    sums.sources.iter().for_each(|(source, days)| put_source(&mut head, source, *days));
    write_part(connection, period, 0, &head)
}

fn write_part(connection: &Connection, period: Span, part: i64, bytes: &[u8]) -> Result<()> {
    let mut insert = connection.prepare_cached("INSERT INTO memory (period, part, sums) VALUES (?1, ?2, ?3)")?;
    insert.execute(params![period.0, part, bytes])?;
    Ok(())
}

impl Sums {
    fn source(&mut self, run: &ScannedRun<'_>) -> u32 {
        let source = Source { reporter: run.reporter, domain: run.domain, checked: run.checked };
        let next = self.sources.len() as u32;
        let number = *self.source_numbers.entry(source).or_insert(next);
        if number == next {
            self.sources.push((source, 0));
        }
        number
    }

    fn add(&mut self, run: &ScannedRun<'_>, period: Span, facts: &mut Facts<'_>) -> Result<()> {
        let source = self.source(run);
        let day = (run.day - period.begin()) as u64;
        self.sources[source as usize].1 |= 1 << day;
        let mut rest = run.rows;
        while let Some((outcome, count)) = rows::take_head(&mut rest) {
            let Some(address) = rows::take_address_bytes(&mut rest).and_then(rows::read_address) else { break };
            let known = facts.of(outcome, run)?;
            if !facts.tells(&known) {
                continue;
            }
            let shown = Shown::of(&known);
            self.held.push(Sum {
                outcome: *self.shown.entry(shown).or_insert(outcome),
                reasons: u8::from(shown.excused) | u8::from(shown.as_list) << 1,
                address: match address.ip() {
                    Some(IpAddr::V4(v4)) => Address::V4(v4),
                    Some(IpAddr::V6(v6)) => Address::V6(v6),
                    None => Address::None,
                },
                place: u64::from(source) * PERIOD as u64 + day,
                messages: count.unwrap_or(0),
            });
        }
        Ok(())
    }

    /// Writes what is held.
    fn flush(&mut self, connection: &Connection, period: Span) -> Result<()> {
        self.held.sort_unstable();
        let mut part = Vec::with_capacity(PART_BYTES + 1024);
        let (mut cells, mut outcome) = (Vec::new(), 0);
        let sums = std::mem::take(&mut self.held);
        for sum in sums.chunk_by(|a, b| (a.outcome, a.reasons, a.address) == (b.outcome, b.reasons, b.address)) {
            let Sum { outcome: shown, reasons, address, .. } = sum[0];
            cells.clear();
            let mut place = 0;
            for cell in sum.chunk_by(|a, b| a.place == b.place) {
                varint::put(&mut cells, cell[0].place - place);
                place = cell[0].place;
                varint::put(&mut cells, cell.iter().fold(0, |all: u64, one| all.saturating_add(one.messages)));
            }
            varint::put(&mut part, (shown - outcome) << 2 | u64::from(reasons));
            outcome = shown;
            rows::put_ip(
                &mut part,
                match address {
                    Address::V4(v4) => Some(IpAddr::V4(v4)),
                    Address::V6(v6) => Some(IpAddr::V6(v6)),
                    Address::None => None,
                },
            );
            varint::put(&mut part, cells.len() as u64);
            part.extend_from_slice(&cells);
            if part.len() >= PART_BYTES {
                self.part += 1;
                write_part(connection, period, self.part, &part)?;
                part.clear();
                outcome = 0;
            }
        }
        if !part.is_empty() {
            self.part += 1;
            write_part(connection, period, self.part, &part)?;
        }
        self.held = sums;
        self.held.clear();
        Ok(())
    }
}

/// The facts of outcomes, those of a period kept.
struct Facts<'c> {
    connection: &'c Connection,
    known: HashMap<u64, OutcomeFacts>,
    /// By report the words of the policy that it says was published.
    policies: FxHashMap<i64, PolicyWords>,
    /// The number of the list without signatures.
    unsigned: Option<i64>,
}

impl<'c> Facts<'c> {
    fn new(connection: &'c Connection) -> Result<Self> {
        let mut select = connection.prepare_cached("SELECT id FROM signers WHERE detail = x''")?;
        let unsigned = select.query_row([], |row| row.get(0)).optional()?;
        Ok(Facts { connection, known: HashMap::new(), policies: FxHashMap::default(), unsigned })
    }

    /// Whether a record may show anything of who wrote or sent it.
    fn tells(&self, facts: &OutcomeFacts) -> bool {
        facts.spf == SpfState::Aligned
            || facts.detail.strict_spf
            || facts.dkim == DkimState::Aligned
            || facts.authenticated.is_some()
            || Some(facts.signers) != self.unsigned
    }

    /// Those of a record, without override reasons that did not count.
    fn of(&mut self, outcome: u64, run: &ScannedRun<'_>) -> Result<OutcomeFacts> {
        if !self.known.contains_key(&outcome) {
            let known = &mut self.known;
            facts::around(self.connection, outcome, &mut |id, facts| {
                known.insert(id, facts);
            })?;
        }
        let facts = *self.known.get(&outcome).ok_or_else(|| StoreError::Damaged(format!("outcome {outcome}")))?;
        if !facts.forwarding.any() {
            return Ok(facts);
        }
        let policy = match self.policies.get(&run.report) {
            Some(known) => known,
            None => {
                let found = PolicyWords::of_report(self.connection, run.report)?;
                self.policies.entry(run.report).or_insert(found)
            }
        };
        Ok(facts.in_effect(run.domain, policy))
    }
}
