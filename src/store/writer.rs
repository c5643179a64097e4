//! Writing: batches of reports, each in whole or not at all.
//!
//! A batch is one transaction that holds the write lock from its beginning. Within it every report lies in a savepoint of
//! its own, so that one can be given up without the others. What is cached between batches is dropped when another
//! process has written meanwhile.

use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use rusqlite::blob::ZeroBlob;
use rusqlite::{Connection, OptionalExtension, params};
use rustc_hash::FxHashMap;

use super::incoming::{Arrival, NewQuarantine, NewReport, Origin, Raw, RawBytes, Run, SharedOutcome, Written, bare_id};
use super::names::{Names, Numbering};
use super::totals::Deltas;
use super::{DigestKey, Result, Store, StoreError, siblings};
use crate::alignment::codec::{self, InPlace};
use crate::alignment::{AuthResult, Outcome};
use crate::report::{Irregularities, IrregularityCode, PolicyPublished};
use crate::{rows, varint};

/// A run is written when it has this many bytes.
const RUN_BYTES: usize = 24 * 1024;
/// Bytes of more than this length are stored piece by piece.
const LARGE: usize = 256 * 1024;
/// More outcomes than that are looked up in the database again.
const OUTCOMES_KEPT: usize = 400_000;

/// Writes to a store.
pub struct Writer<'s> {
    connection: &'s Connection,
    key: DigestKey,
    keep_raw: bool,
    now: i64,
    names: Names,
    outcomes: FxHashMap<u128, u64>,
    signers: FxHashMap<Vec<u8>, i64>,
    policies: FxHashMap<PolicyPublished, i64>,
    deltas: Deltas,
    /// A transaction is open.
    in_batch: bool,
    /// The number of the next report; in a batch nobody else gives any.
    next_report: i64,
    data_version: i64,
    /// The report that is being written, if some of its records were.
    open: Option<OpenReport>,
    scratch: Vec<u8>,
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
            names: Names::default(),
            outcomes: FxHashMap::default(),
            signers: FxHashMap::default(),
            policies: FxHashMap::default(),
            deltas: Deltas::default(),
            in_batch: false,
            next_report: 0,
            data_version: -1,
            open: None,
            scratch: Vec::new(),
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
            self.forget();
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
        let done = self.deltas.flush(self.connection).and_then(|()| Ok(self.connection.execute_batch("COMMIT")?));
        if done.is_err() {
            self.abandon();
        }
        self.in_batch = false;
        done
    }

    /// Gives up what was handed over since the last commit.
    pub fn abandon(&mut self) {
        self.deltas = Deltas::default();
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
            let reporter = self.names.id(self.connection, place.reporter)?;
            let domain = self.names.id(self.connection, place.domain)?;
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
                self.connection.execute_batch("SAVEPOINT report")?;
            }
            self.open = Some(OpenReport { id: self.next_report, in_runs, ..OpenReport::default() });
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
            self.forget();
        }
        Ok(())
    }

    /// Forgets the numbers of what is stored once: somebody else, or a rollback, may have changed them.
    fn forget(&mut self) {
        self.names.forget();
        self.outcomes.clear();
        self.signers.clear();
        self.policies.clear();
    }

    /// Takes a report, with the last or only run of its records.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn report(&mut self, new: &NewReport) -> Result<Written> {
        let logical = self.logical(new);
        self.begin()?;
        let brothers = siblings::contents(self.connection, logical)?;
        if let Some(&(known, _)) = brothers.iter().find(|(_, content)| *content == new.content) {
            self.discard()?;
            self.sighting(known, &new.origin)?;
            return Ok(Written { arrival: Arrival::Duplicate, irregularities: 0 });
        }
        let brothers = brothers.len() as i64;
        let id = self.opened(false)?.id;
        let place = Place {
            day: new.day,
            reporter: self.names.id(self.connection, &new.reporter)?,
            domain: self.names.id(self.connection, &new.domain)?,
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
        if brothers > 0 {
            irregularities.add(IrregularityCode::SameIdDifferentContent, &new.report_id);
        }
        self.insert_report(id, logical, place, brothers, new)?;
        self.deltas.add(new.day, place.domain, place.reporter, &new.totals, 1);
        if brothers > 0 {
            siblings::settle(self.connection, self.key, logical, &mut self.deltas)?;
        }
        self.irregularities(id, &irregularities)?;
        self.sighting(id, &new.origin)?;
        if self.open.take().is_some_and(|open| open.in_runs) {
            self.connection.execute_batch("RELEASE report")?;
        }
        self.next_report += 1;
        let arrival = if brothers > 0 { Arrival::Conflicting } else { Arrival::New };
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
        let raw = self.blob(&new.raw, self.keep_raw)?;
        let policy = self.policy(&new.report.policy_published)?;
        let metadata = &new.report.report_metadata;
        let errors = (!metadata.errors.is_empty()).then(|| metadata.errors.join("\n"));
        let connection = self.connection;
        let names = &mut self.names;
        let mut name = |text: Option<&str>| names.id_of(connection, text);
        connection
            .prepare_cached(
                "INSERT INTO report (id, logical, content, day, begin_time, end_time, domain, reporter, org_name, email,
                    extra_contact_info, generator, version, namespace, errors, report_id, policy, rfc9990, records, messages,
                    dmarc_pass, dkim_aligned, spf_aligned, sibling, counted, raw)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
                    ?23, ?24, 1, ?25)",
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
            ])?;
        Ok(())
    }

    /// Renames the outcomes of a run from the report's numbers to the database's, and writes what is full.
    fn take_run(&mut self, run: &Run) -> Result<()> {
        let mut ids = Vec::with_capacity(run.outcomes.len());
        for outcome in &run.outcomes {
            ids.push(self.outcome(outcome)?);
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

    fn outcome(&mut self, shared: &SharedOutcome) -> Result<u64> {
        if let Some(&id) = self.outcomes.get(&shared.digest) {
            return Ok(id);
        }
        let digest = shared.digest.to_be_bytes();
        let found: Option<i64> = self
            .connection
            .prepare_cached("SELECT id FROM outcome WHERE digest = ?1")?
            .query_row([digest.as_slice()], |row| row.get(0))
            .optional()?;
        let id = match found {
            Some(id) => id,
            None => {
                let mut outcome = codec::decode_unjudged(&mut &*shared.canonical, &mut InPlace)
                    .ok_or_else(|| StoreError::Other("an outcome could not be written".to_owned()))?;
                outcome.verdict = shared.verdict.clone();
                self.insert_outcome(&digest, &outcome)?
            }
        };
        if self.outcomes.len() >= OUTCOMES_KEPT {
            self.outcomes.clear();
        }
        let id = id.unsigned_abs();
        self.outcomes.insert(shared.digest, id);
        Ok(id)
    }

    fn insert_outcome(&mut self, digest: &[u8], outcome: &Outcome) -> Result<i64> {
        self.scratch.clear();
        let mut texts = Numbering { names: &mut self.names, connection: self.connection };
        codec::encode(outcome, &mut self.scratch, &mut texts)?;
        let header_from = self.names.id_of(self.connection, outcome.header_from.as_deref())?;
        let authenticated = self.names.id_of(self.connection, outcome.verdict.authenticated.as_deref())?;
        let detail = std::mem::take(&mut self.scratch);
        let signers = self.signers(outcome)?;
        let id = self
            .connection
            .prepare_cached(
                "INSERT INTO outcome (digest, header_from, authenticated, signers, state, detail)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .insert(params![digest, header_from, authenticated, signers, pack_state(outcome), detail])?;
        self.scratch = detail;
        Ok(id)
    }

    /// The number of the list of signatures that an outcome has.
    fn signers(&mut self, outcome: &Outcome) -> Result<i64> {
        let mut detail = Vec::new();
        for one in outcome.dkim.iter().filter(|one| one.domain.is_some()) {
            for text in [one.domain.as_deref(), one.selector.as_deref()] {
                let id = self.names.id_of(self.connection, text)?.unwrap_or(0);
                varint::put(&mut detail, id.unsigned_abs());
            }
            detail.push(one.result.code());
        }
        if let Some(&id) = self.signers.get(&detail) {
            return Ok(id);
        }
        let found: Option<i64> = self
            .connection
            .prepare_cached("SELECT id FROM signers WHERE detail = ?1")?
            .query_row([&detail], |row| row.get(0))
            .optional()?;
        let id = match found {
            Some(id) => id,
            None => self.connection.prepare_cached("INSERT INTO signers (detail) VALUES (?1)")?.insert([&detail])?,
        };
        if self.signers.len() >= 50_000 {
            self.signers.clear();
        }
        self.signers.insert(detail, id);
        Ok(id)
    }

    fn policy(&mut self, policy: &PolicyPublished) -> Result<i64> {
        // The domain stands with the report.
        let key = PolicyPublished { domain: None, ..policy.clone() };
        if let Some(&id) = self.policies.get(&key) {
            return Ok(id);
        }
        let values =
            params![key.p, key.sp, key.np, key.adkim, key.aspf, key.pct, key.fo, key.testing, key.discovery_method];
        let found: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT id FROM policy WHERE p IS ?1 AND sp IS ?2 AND np IS ?3 AND adkim IS ?4 AND aspf IS ?5 AND pct IS ?6
                    AND fo IS ?7 AND testing IS ?8 AND discovery_method IS ?9",
            )?
            .query_row(values, |row| row.get(0))
            .optional()?;
        let id = match found {
            Some(id) => id,
            None => self
                .connection
                .prepare_cached(
                    "INSERT INTO policy (p, sp, np, adkim, aspf, pct, fo, testing, discovery_method)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                )?
                .insert(values)?,
        };
        if self.policies.len() > 10_000 {
            self.policies.clear();
        }
        self.policies.insert(key, id);
        Ok(id)
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

    fn sighting(&mut self, report: i64, origin: &Origin) -> Result<()> {
        let (folder, item) = split_location(&origin.location);
        let folder = self.names.id(self.connection, folder)?;
        self.connection
            .prepare_cached(
                "INSERT OR IGNORE INTO sighting (report, folder, item, message_id) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![report, folder, item, origin.message_id])?;
        Ok(())
    }

    /// The number of some bytes, which are stored unless they are known.
    fn blob(&self, raw: &Raw, keep: bool) -> Result<i64> {
        let sha = raw.sha256.as_slice();
        let known: Option<(i64, bool)> = self
            .connection
            .prepare_cached("SELECT id, bytes IS NOT NULL FROM blob WHERE sha256 = ?1")?
            .query_row([sha], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((id, kept)) = known {
            if kept || !keep {
                return Ok(id);
            }
            // Known without having been kept; what refers to the old row is what has no bytes yet.
            self.connection.execute("UPDATE blob SET sha256 = randomblob(32) WHERE id = ?1", [id])?;
        }
        let mut insert =
            self.connection.prepare_cached("INSERT INTO blob (sha256, size, packed, bytes) VALUES (?1, ?2, ?3, ?4)")?;
        let size = signed(raw.size);
        let failed = |error: std::io::Error| StoreError::Other(format!("a temporary file failed: {error}"));
        let id = match &raw.bytes {
            // Bound as a whole, bytes are copied twice on their way; large ones go in piece by piece.
            RawBytes::Plain(bytes) if keep && bytes.len() > LARGE => {
                let id = insert.insert(params![sha, size, false, ZeroBlob(bytes.len() as u64)])?;
                self.fill_blob(id, &mut bytes.as_slice())?;
                id
            }
            RawBytes::Plain(bytes) if keep => insert.insert(params![sha, size, false, bytes.as_slice()])?,
            RawBytes::Packed(bytes) if keep => insert.insert(params![sha, size, true, bytes])?,
            RawBytes::PackedFile(file) if keep => {
                let length = file.metadata().map_err(failed)?.len();
                let id = insert.insert(params![sha, size, true, ZeroBlob(length)])?;
                let mut file = file.try_clone().map_err(failed)?;
                file.seek(SeekFrom::Start(0)).map_err(failed)?;
                self.fill_blob(id, &mut file)?;
                id
            }
            _ => insert.insert(params![sha, size, false, None::<&[u8]>])?,
        };
        if let (Some((old, _)), true) = (known, keep) {
            for table in ["report", "quarantine"] {
                self.connection.execute(&format!("UPDATE {table} SET raw = ?1 WHERE raw = ?2"), [id, old])?;
            }
            self.connection.execute("DELETE FROM blob WHERE id = ?1", [old])?;
        }
        Ok(id)
    }

    /// Copies a stream into a blob of its length, piece by piece.
    fn fill_blob(&self, id: i64, source: &mut dyn Read) -> Result<()> {
        let mut blob = self.connection.blob_open("main", "blob", "bytes", id, false)?;
        let mut buffer = vec![0; 64 * 1024];
        let mut offset = 0;
        loop {
            let read = source
                .read(&mut buffer)
                .map_err(|error| StoreError::Other(format!("a temporary file failed: {error}")))?;
            if read == 0 {
                break;
            }
            blob.write_at(&buffer[..read], offset)?;
            offset += read;
        }
        Ok(blob.close()?)
    }

    /// Takes something that was not read; true when it was known before.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn quarantine(&mut self, new: &NewQuarantine) -> Result<bool> {
        self.begin()?;
        let raw = self.blob(&new.raw, true)?;
        let origin = &new.origin;
        let known = self
            .connection
            .prepare_cached("SELECT 1 FROM quarantine WHERE raw = ?1 AND inner_path = ?2")?
            .exists(params![raw, new.inner])?;
        self.connection
            .prepare_cached(
                "INSERT INTO quarantine (raw, inner_path, code, reason, location, mail_from, subject, mail_date, message_id,
                    file_name, reporter, domain, begin_time, end_time, first_seen)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
                 ON CONFLICT (raw, inner_path) DO UPDATE SET code = excluded.code, reason = excluded.reason",
            )?
            .execute(params![
                raw,
                new.inner,
                new.rejection.code.as_str(),
                new.rejection.to_string(),
                origin.location,
                origin.from,
                origin.subject,
                origin.date,
                origin.message_id,
                origin.file_name,
                new.reporter,
                new.domain,
                new.period.map(|period| period.begin),
                new.period.map(|period| period.end),
                self.now,
            ])?;
        Ok(known)
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        self.abandon();
    }
}

/// A location in two: what many sightings share, and the rest. They join to the whole.
fn split_location(location: &str) -> (&str, &str) {
    // A mailbox is shared by its mails, a folder by its files; parts of a mail are no folders.
    let end = match location.find('#') {
        Some(hash) => hash,
        None => {
            let file = location.find("/part.").or_else(|| location.find("/member.")).unwrap_or(location.len());
            location[..file].rfind('/').map_or(0, |slash| slash + 1)
        }
    };
    location.split_at(end)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The states of an outcome in one number, see [`OutcomeFacts`](super::OutcomeFacts).
fn pack_state(outcome: &Outcome) -> i64 {
    let verdict = &outcome.verdict;
    let tri = |value: Option<bool>| value.map_or(0, |value| 1 + i64::from(value));
    i64::from(verdict.dkim.code())
        | i64::from(verdict.spf.code()) << 4
        | tri(verdict.dmarc) << 8
        | i64::from(outcome.disposition.map_or(0, |value| value.code() + 1)) << 12
        | i64::from(verdict.broken_by.map_or(0, |value: AuthResult| value.code() + 1)) << 16
        | i64::from(verdict.contradiction) << 20
        | i64::from(verdict.dmarc_recomputed) << 21
}
