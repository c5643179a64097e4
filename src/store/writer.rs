//! Writing: batches of reports, each in whole or not at all.
//!
//! A batch is one transaction that holds the write lock from its beginning. Within it every report lies in a savepoint of
//! its own, so that one can be given up without the others. What is cached between batches is dropped when another
//! process has written meanwhile.

use std::time::Duration;

use rusqlite::{Connection, params};

use super::dictionary::Dictionary;
use super::incoming::{Arrival, NewQuarantine, NewReport, Run, Written, bare_id};
use super::mailbox::Settled;
use super::totals::Deltas;
use super::trust::{self, Trust};
use super::{DigestKey, Result, Store, StoreError, blobs, quarantine, room, siblings, sightings, signed};
use crate::report::{Irregularities, IrregularityCode};
use crate::rows;

/// A run is written when it has this many bytes.
const RUN_BYTES: usize = 24 * 1024;

/// Writes to a store.
pub struct Writer<'s> {
    connection: &'s Connection,
    key: DigestKey,
    keep_raw: bool,
    now: i64,
    dictionary: Dictionary,
    deltas: Deltas,
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
struct Place {
    day: i32,
    reporter: i64,
    domain: i64,
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
}

impl Store {
    /// Begins to write. `now`, in seconds since the epoch, is what is noted on what is quarantined.
    pub fn writer(&mut self, keep_raw: bool, now: i64) -> Writer<'_> {
        self.connection.set_prepared_statement_cache_capacity(64);
        Writer {
            connection: &self.connection,
            key: self.key,
            keep_raw,
            now,
            dictionary: Dictionary::default(),
            deltas: Deltas::default(),
            in_batch: false,
            next_report: 0,
            data_version: -1,
            open: None,
            spare: Vec::new(),
            settled: Settled::default(),
        }
    }
}

impl Writer<'_> {
    /// Makes sure that a batch is open.
    fn begin(&mut self) -> Result<()> {
        if self.in_batch {
            return Ok(());
        }
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        self.in_batch = true;
        let version: i64 = self.connection.pragma_query_value(None, "data_version", |row| row.get(0))?;
        if version != self.data_version {
            self.next_report =
                self.connection.query_row("SELECT COALESCE(MAX(id), 0) + 1 FROM report", [], |row| row.get(0))?;
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
            .deltas
            .flush(self.connection)
            .and_then(|()| self.settled.flush(self.connection))
            .and_then(|()| Ok(self.dictionary.facts.write(self.connection)?))
            .and_then(|()| room::check(self.connection))
            .and_then(|()| Ok(self.connection.execute_batch("COMMIT")?));
        if done.is_err() {
            self.abandon();
        }
        self.in_batch = false;
        done
    }

    /// Gives up what was handed over since the last commit.
    pub fn abandon(&mut self) {
        self.deltas = Deltas::default();
        self.settled = Settled::default();
        self.open = None;
        self.data_version = -1;
        if self.in_batch {
            // SQLite has rolled back by itself after some errors; then there is nothing to do.
            let _ = self.connection.execute_batch("ROLLBACK");
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
                open.place = Some(Place { day: place.day, reporter, domain });
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

    /// Takes a report, with the last or only run of its records.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn report(&mut self, new: &NewReport) -> Result<Written> {
        let logical = self.logical(new);
        self.begin()?;
        let brothers = siblings::contents(self.connection, logical)?;
        let trust = Trust::from(&new.origin.authenticity);
        if let Some(&(known, _, _)) = brothers.iter().find(|(_, content, _)| *content == new.content) {
            self.discard()?;
            sightings::insert(self.connection, &mut self.dictionary.names, known, &new.origin)?;
            if trust != Trust::Unchecked {
                trust::seen_again(self.connection, self.key, known, trust, &mut self.deltas)?;
            }
            return Ok(Written { arrival: Arrival::Duplicate, irregularities: 0 });
        }
        // What is not believed contradicts nothing.
        let conflicting = trust != Trust::Failed && brothers.iter().any(|(_, _, trust)| *trust != Trust::Failed);
        let brothers = brothers.len() as i64;
        let id = self.opened(false)?.id;
        let place = Place {
            day: new.day,
            reporter: self.dictionary.names.id(self.connection, &new.reporter)?,
            domain: self.dictionary.names.id(self.connection, &new.domain)?,
        };
        if let Some(open) = &mut self.open {
            open.place = Some(place);
        }
        self.take_run(&new.run)?;
        self.write_run(true)?;
        let mut irregularities = new.irregularities.clone();
        if siblings::overlap(self.connection, place.domain, place.reporter, new)? {
            irregularities.add(IrregularityCode::Overlap, "");
        }
        if conflicting {
            irregularities.add(IrregularityCode::SameIdDifferentContent, &new.report_id);
        }
        self.insert_report(id, logical, place, brothers, new)?;
        self.deltas.add(new.day, place.domain, place.reporter, &new.totals, trust, 1);
        if brothers > 0 || trust == Trust::Failed {
            siblings::settle(self.connection, self.key, logical, &mut self.deltas)?;
        }
        self.irregularities(id, &irregularities)?;
        sightings::insert(self.connection, &mut self.dictionary.names, id, &new.origin)?;
        if let Some(open) = self.open.take() {
            if open.in_runs {
                self.connection.execute_batch("RELEASE report")?;
            }
            self.spare = open.pending;
        }
        self.next_report += 1;
        let arrival = if conflicting { Arrival::Conflicting } else { Arrival::New };
        Ok(Written { arrival, irregularities: irregularities.total() })
    }

    /// What makes a report the same report, whatever it holds (formats: reporter, id, domain, period).
    fn logical(&self, new: &NewReport) -> u128 {
        let mut digest = self.key.digest();
        digest.text(Some(&new.identity));
        digest.text(Some(bare_id(&new.report_id)));
        digest.text(Some(&new.domain));
        digest.text(new.report.report_metadata.date_range.begin.as_deref());
        digest.text(new.report.report_metadata.date_range.end.as_deref());
        digest.finish()
    }

    fn insert_report(&mut self, id: i64, logical: u128, place: Place, brothers: i64, new: &NewReport) -> Result<()> {
        let raw = blobs::store(self.connection, &new.raw, self.keep_raw)?;
        let policy = self.dictionary.policy(self.connection, &new.report.policy_published)?;
        let metadata = &new.report.report_metadata;
        let errors = (!metadata.errors.is_empty()).then(|| metadata.errors.join("\n"));
        let connection = self.connection;
        let names = &mut self.dictionary.names;
        let mut name = |text: Option<&str>| names.id_of(connection, text);
        connection
            .prepare_cached(
                "INSERT INTO report (id, logical, content, day, begin_time, end_time, domain, reporter, org_name, email,
                    extra_contact_info, generator, version, namespace, errors, report_id, policy, rfc9990, records, messages,
                    dmarc_pass, dkim_aligned, spf_aligned, sibling, counted, raw, trust)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
                    ?23, ?24, 1, ?25, ?26)",
            )?
            .execute(params![
                id,
                logical.to_be_bytes(),
                new.content.to_be_bytes(),
                new.day,
                new.period.begin,
                new.period.end,
                place.domain,
                place.reporter,
                name(metadata.org_name.as_deref())?,
                name(metadata.email.as_deref())?,
                name(metadata.extra_contact_info.as_deref())?,
                name(metadata.generator.as_deref())?,
                name(new.report.version.as_deref())?,
                name(new.report.namespace.as_deref())?,
                name(errors.as_deref())?,
                new.report_id,
                policy,
                new.rfc9990,
                signed(new.totals.records),
                signed(new.totals.messages),
                signed(new.totals.dmarc_pass),
                signed(new.totals.dkim_aligned),
                signed(new.totals.spf_aligned),
                brothers,
                raw,
                Trust::from(&new.origin.authenticity).number(),
            ])?;
        Ok(())
    }

    /// Renames the outcomes of a run from the report's numbers to the database's, and writes what is full.
    fn take_run(&mut self, run: &Run) -> Result<()> {
        let mut ids = Vec::with_capacity(run.outcomes.len());
        for outcome in &run.outcomes {
            ids.push(self.dictionary.outcome(self.connection, outcome)?);
        }
        let mut rest = run.rows.as_slice();
        while let Some((outcome, count)) = rows::take_head(&mut rest) {
            let address = rows::take_address_bytes(&mut rest);
            let id = usize::try_from(outcome).ok().and_then(|at| ids.get(at));
            let (Some(address), Some(&id), Some(open)) = (address, id, self.open.as_mut()) else {
                break;
            };
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
            .prepare_cached(
                "INSERT INTO record_run (day, report, part, reporter, domain, counted, rows) VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6)",
            )?
            .execute(params![place.day, open.id, open.parts, place.reporter, place.domain, open.pending])?;
        open.parts += 1;
        open.pending.clear();
        Ok(())
    }

    fn irregularities(&self, report: i64, irregularities: &Irregularities) -> Result<()> {
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO irregularity (report, number, code, detail, count) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for (number, one) in irregularities.as_slice().iter().enumerate() {
            insert.execute(params![report, number as i64, one.code.as_str(), one.detail, signed(one.count)])?;
        }
        Ok(())
    }

    /// Notes that all that was in a mail on a server has been handed over. With an `outcome` something is left to do with
    /// the mail there, which is remembered until [`Store::tidied`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn settle(&mut self, mailbox: i64, uid: u32, outcome: Option<&str>) -> Result<()> {
        self.begin()?;
        self.settled.add(self.connection, mailbox, uid, outcome)
    }

    /// Whether something was handed over since the last commit.
    #[must_use]
    pub fn is_in_batch(&self) -> bool {
        self.in_batch
    }

    /// Takes something that was not read; true when it was known before.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn quarantine(&mut self, new: &NewQuarantine) -> Result<bool> {
        self.begin()?;
        quarantine::insert(self.connection, new, self.now)
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        self.abandon();
    }
}
