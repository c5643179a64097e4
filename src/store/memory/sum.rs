//! Summing up the records of a period.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;

use super::engine::{Connection, Optional, params};
use rustc_hash::FxHashMap;

use super::period::{PERIOD, Span};
use crate::alignment::{DkimState, SpfState};
use crate::rows::{self, PackedRow};
use crate::store::runs::{PolicyWords, ScannedRun};
use crate::store::{OutcomeFacts, Result, StoreError, facts};
use crate::varint;

/// A part is written when it has this many bytes.
const PART_BYTES: usize = 60 * 1024;
/// The most sums that are held until they are written: a period with more has several for the same.
const HELD: usize = 1 << 20;

fn put_source(out: &mut Vec<u8>, source: &Source, days: u32) {
    varint::put(out, source.reporter.unsigned_abs());
    varint::put(out, source.domain.unsigned_abs() << 1 | u64::from(source.checked));
    varint::put(out, u64::from(days));
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
    address: Option<IpAddr>,
    place: u64,
    messages: u64,
}

/// Sums up a period; part of a transaction.
pub(super) fn write(connection: &Connection, period: Span) -> Result<()> {
    period.forget(connection)?;
    let mut facts = Facts::new(connection)?;
    let mut sums = Sums::default();
    let mut select = connection.prepare(ScannedRun::SELECT)?;
    let mut runs = select.query(params![period.begin(), period.end(), connection.newest_readable()])?;
    while let Some(row) = runs.next()? {
        let run = ScannedRun::of(row)?;
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
    let mut insert = connection.prepare("INSERT INTO memory (period, part, sums) VALUES (?1, ?2, ?3)")?;
    insert.write(params![period.0, part, bytes])?;
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
        for record in rows::iterate(run.rows) {
            let PackedRow { outcome, count, address } =
                record.ok_or_else(|| StoreError::damaged_records(run.report))?;
            let known = facts.of(outcome, run)?;
            if !facts.tells(&known) {
                continue;
            }
            let shown = Shown::of(&known);
            self.held.push(Sum {
                outcome: *self.shown.entry(shown).or_insert(outcome),
                reasons: u8::from(shown.excused) | u8::from(shown.as_list) << 1,
                address: address.ip(),
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
            rows::put_ip(&mut part, address);
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
    /// For each report, the policy that it says was published, and their words.
    policies: FxHashMap<i64, i64>,
    words: FxHashMap<i64, PolicyWords>,
    /// The number of the list without signatures.
    unsigned: Option<i64>,
}

impl<'c> Facts<'c> {
    fn new(connection: &'c Connection) -> Result<Self> {
        let mut select = connection.prepare("SELECT id FROM signers WHERE detail = ?1")?;
        let unsigned = select.query_row([&[0_u8; 0]], |row| row.get(0)).optional()?;
        Ok(Facts {
            connection,
            known: HashMap::new(),
            policies: FxHashMap::default(),
            words: FxHashMap::default(),
            unsigned,
        })
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
        if !self.policies.contains_key(&run.report) {
            self.read_policies(run.report)?;
        }
        let policy =
            *self.policies.get(&run.report).ok_or_else(|| StoreError::Damaged(format!("report {}", run.report)))?;
        let words = match self.words.entry(policy) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(vacant) => vacant.insert(PolicyWords::load(self.connection, policy)?),
        };
        Ok(facts.in_effect(run.domain, words))
    }

    /// Reads the policies of a report and of those around it: a look-up for each would be a round trip to a server.
    fn read_policies(&mut self, report: i64) -> Result<()> {
        const AROUND: i64 = 256;
        let first = report.div_euclid(AROUND) * AROUND;
        let mut select = self.connection.prepare("SELECT id, policy FROM report WHERE id BETWEEN ?1 AND ?2")?;
        let mut rows = select.query([first, first + AROUND - 1])?;
        while let Some(row) = rows.next()? {
            self.policies.insert(row.get(0)?, row.get(1)?);
        }
        Ok(())
    }
}
