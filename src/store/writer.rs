//! Writing: batches of reports, each in whole or not at all.
//!
//! A batch is one transaction that holds the write lock from its beginning. Within it every report lies in a savepoint of
//! its own, so that one can be given up without the others. What is cached between batches is dropped when another
//! process has written meanwhile.

use std::time::Duration;

use super::engine::{Connection, params};
use rustc_hash::{FxHashMap, FxHashSet};

use super::day_totals::Deltas;
use super::dictionary::Dictionary;
use super::input::InputReports;
use super::mailbox::Settled;
use super::new_report::{NewQuarantine, Run};
use super::quarantine::{Held, Kept};
use super::same_identity::{self, Group};
use super::trust::Trust;
use super::{DigestKey, Result, Store, StoreError, quarantine, tls_identity};
use crate::limits::Limits;
use crate::rows;

/// A run is written when it has this many bytes.
const RUN_BYTES: usize = 24 * 1024;

/// Writes to a store.
pub struct Writer<'s> {
    pub(super) connection: &'s Connection,
    pub(super) key: DigestKey,
    pub(super) keep_raw: bool,
    pub(super) owner_domains: &'s [String],
    pub(super) ignored: &'s [String],
    now: i64,
    pub(super) dictionary: Dictionary,
    pub(super) deltas: Deltas,
    /// A transaction is open.
    in_batch: bool,
    /// The number of the next report; in a batch nobody else gives any.
    next_report: i64,
    data_version: i64,
    /// The report that is being written, if some of its records were.
    open: Option<OpenReport>,
    /// The emptied buffer of the report before.
    spare: Vec<u8>,
    /// The mails on servers that this batch is done with.
    settled: Settled,
    /// The identities that reports of this batch have, by a digest with the database's key.
    pub(super) groups: FxHashMap<u128, Group>,
    /// Those of them of whose reports it is yet to be decided which count.
    pub(super) unsettled: FxHashSet<u128>,
    /// Identities of TLS reports of which it is yet to be decided which count.
    pub(super) unsettled_tls: FxHashSet<u128>,
    /// The reports of the input that is being written.
    pub(super) input: InputReports,
    /// What the quarantine holds, once that was asked in this batch.
    held: Option<Held>,
    limits: Limits,
}

/// A report some of whose records are written.
#[derive(Debug, Default)]
struct OpenReport {
    id: i64,
    in_runs: bool,
    parts: i64,
    pending: Vec<u8>,
    /// Where the runs belong, once that is known.
    place: Option<Place>,
}

/// The columns by which runs are found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) day: i32,
    pub(super) reporter: i64,
    pub(super) domain: i64,
    /// See [`Trust::counted`].
    pub(super) counted: i64,
}

/// Where the runs of a report belong, for a report whose records come in several runs.
#[derive(Debug, Clone, Copy)]
pub struct RunPlace<'r> {
    /// The day it counts on.
    pub day: i32,
    /// Who reports.
    pub reporter: &'r str,
    /// The policy domain.
    pub domain: &'r str,
    /// Whether the report is believed.
    pub trust: Trust,
}

impl Store {
    /// Begins to write. `now`, in seconds since the epoch, is what is noted on what is quarantined.
    pub fn writer(&mut self, keep_raw: bool, now: i64) -> Writer<'_> {
        Writer {
            connection: &self.connection,
            key: self.key,
            keep_raw,
            owner_domains: &self.owner_domains,
            ignored: &self.ignored,
            now,
            dictionary: Dictionary::default(),
            deltas: Deltas::default(),
            in_batch: false,
            next_report: 0,
            data_version: -1,
            open: None,
            spare: Vec::new(),
            settled: Settled::default(),
            groups: FxHashMap::default(),
            unsettled: FxHashSet::default(),
            unsettled_tls: FxHashSet::default(),
            input: InputReports::default(),
            held: None,
            limits: Limits::default(),
        }
    }
}

impl Writer<'_> {
    /// The same with limits of the quarantine.
    #[must_use]
    pub fn with_quarantine(mut self, limits: &Limits) -> Self {
        self.limits.clone_from(limits);
        self
    }

    /// Makes sure that a batch is open.
    pub(super) fn begin(&mut self) -> Result<()> {
        if self.in_batch {
            return Ok(());
        }
        self.connection.begin()?;
        self.in_batch = true;
        self.held = None;
        let version: i64 = self.connection.writes_of_others()?;
        if version != self.data_version {
            self.next_report =
                self.connection.query_row("SELECT COALESCE(MAX(id), 0) + 1 FROM report", (), |row| row.get(0))?;
            self.dictionary.forget();
            self.data_version = version;
        }
        Ok(())
    }

    /// Ends the batch: what was handed over since the last commit is on the disk when this returns.
    ///
    /// # Errors
    /// See [`StoreError`]; the batch is then given up whole.
    pub fn commit(&mut self) -> Result<()> {
        if !self.in_batch {
            return Ok(());
        }
        let done = self
            .settle_identities()
            .and_then(|()| self.deltas.flush(self.connection))
            .and_then(|()| self.settled.flush(self.connection))
            .and_then(|()| Ok(self.dictionary.facts.write(self.connection)?))
            .and_then(|()| self.connection.check_room())
            .and_then(|()| Ok(self.connection.commit()?));
        if done.is_err() {
            self.abandon();
        }
        self.in_batch = false;
        done
    }

    /// Decides which reports count, of the identities of which some came in this batch.
    fn settle_identities(&mut self) -> Result<()> {
        self.groups.clear();
        for identity in self.unsettled.drain() {
            same_identity::settle(self.connection, self.key, self.ignored, identity, &mut self.deltas)?;
        }
        for identity in self.unsettled_tls.drain() {
            tls_identity::settle(self.connection, self.key, identity)?;
        }
        Ok(())
    }

    /// Gives up what was handed over since the last commit.
    pub fn abandon(&mut self) {
        self.deltas = Deltas::default();
        self.groups.clear();
        self.unsettled.clear();
        self.unsettled_tls.clear();
        self.input = InputReports::default();
        self.settled = Settled::default();
        self.open = None;
        self.data_version = -1;
        if self.in_batch {
            self.connection.rollback();
        }
        self.in_batch = false;
    }

    /// Lets a waiting process have the write lock between two batches.
    pub fn yield_lock(&self) {
        std::thread::sleep(Duration::from_millis(2));
    }

    /// Takes some of the records of a report whose end is still to come.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn rows(&mut self, place: RunPlace<'_>, run: &Run) -> Result<()> {
        let open = self.opened(true)?;
        if open.place.is_none() {
            let reporter = self.dictionary.names.id(self.connection, place.reporter)?;
            let domain = self.dictionary.names.id(self.connection, place.domain)?;
            if let Some(open) = &mut self.open {
                open.place = Some(Place { day: place.day, reporter, domain, counted: place.trust.counted() });
            }
        }
        self.take_run(run)
    }

    /// The report that is being written. One that comes in several runs lies in a savepoint: its end may show that it is
    /// unreadable or known. One that comes whole needs none.
    fn opened(&mut self, in_runs: bool) -> Result<&mut OpenReport> {
        if self.open.is_none() {
            self.begin()?;
            if in_runs {
                // What belongs to earlier reports must not be rolled back with this one.
                self.dictionary.facts.write(self.connection)?;
                self.connection.execute_batch("SAVEPOINT report")?;
            }
            let pending = std::mem::take(&mut self.spare);
            self.open = Some(OpenReport { id: self.next_report, in_runs, pending, ..OpenReport::default() });
        }
        self.open.as_mut().ok_or_else(|| StoreError::Other("no report is open".to_owned()))
    }

    /// Forgets the records of a report that turned out unreadable.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn discard(&mut self) -> Result<()> {
        if self.open.take().is_some() {
            self.connection.execute_batch("ROLLBACK TO report; RELEASE report")?;
            // Names and outcomes that were made for it are gone with it.
            self.dictionary.forget();
        }
        Ok(())
    }

    /// Writes the last or only run of the report at hand; returns the report's number.
    pub(super) fn finish_runs(&mut self, place: Place, last: &Run) -> Result<i64> {
        let open = self.opened(false)?;
        open.place = Some(place);
        let id = open.id;
        self.take_run(last)?;
        self.write_run(true)?;
        Ok(id)
    }

    /// The report at hand is written whole.
    pub(super) fn close(&mut self) -> Result<()> {
        if let Some(open) = self.open.take() {
            if open.in_runs {
                self.connection.execute_batch("RELEASE report")?;
            }
            self.spare = open.pending;
        }
        self.next_report += 1;
        Ok(())
    }

    /// Renames the outcomes of a run from the report's numbers to the database's, and writes what is full.
    fn take_run(&mut self, run: &Run) -> Result<()> {
        self.dictionary.look_up(self.connection, &run.outcomes)?;
        let mut ids = Vec::with_capacity(run.outcomes.len());
        for outcome in &run.outcomes {
            ids.push(self.dictionary.outcome(self.connection, outcome)?);
        }
        for record in rows::records(&run.rows) {
            // They were packed by this very run.
            let (outcome, count, address) = record.ok_or(StoreError::BrokenOff)?;
            let id = usize::try_from(outcome).ok().and_then(|at| ids.get(at));
            let (Some(&id), Some(open)) = (id, self.open.as_mut()) else { return Err(StoreError::BrokenOff) };
            rows::put_row(&mut open.pending, id, count, address);
            if open.pending.len() >= RUN_BYTES {
                self.write_run(false)?;
            }
        }
        Ok(())
    }

    /// Writes the pending rows; the last run of a report also when it is empty and the only one, so that the report
    /// is met where runs are scanned.
    fn write_run(&mut self, last: bool) -> Result<()> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        let Some(place) = open.place else {
            return Ok(());
        };
        if open.pending.is_empty() && !(last && open.parts == 0) {
            return Ok(());
        }
        self.connection
            .prepare(
                "INSERT INTO record_run (day, report, part, reporter, domain, counted, rows) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .write(params![
                place.day,
                open.id,
                open.parts,
                place.reporter,
                place.domain,
                place.counted,
                open.pending
            ])?;
        open.parts += 1;
        open.pending.clear();
        Ok(())
    }

    /// Notes that all that was in a mail on a server has been handed over. With an `outcome` actions are pending for
    /// the mail there, which is remembered until [`Store::tidied`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn settle(&mut self, mailbox: i64, uid: u32, outcome: Option<&str>) -> Result<()> {
        self.begin()?;
        self.settled.add(self.connection, mailbox, uid, outcome)
    }

    /// Takes something that was not read, where the quarantine has room for it.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn quarantine(&mut self, new: &NewQuarantine) -> Result<Kept> {
        self.begin()?;
        let mut held = match self.held {
            Some(held) => held,
            None => Held::load(self.connection)?,
        };
        let kept = quarantine::insert(self.connection, new, self.now, &mut held, &self.limits)?;
        self.held = Some(held);
        Ok(kept)
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        self.abandon();
    }
}
