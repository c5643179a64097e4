//! What could not be read, kept byte for byte.

use super::engine::{self, Connection, Optional, Row, Statement, params};

use super::new_report::{NewQuarantine, Origin};
use super::trust::Trust;
use super::values::number;
use super::{Result, Store, blobs};
use crate::limits::Limits;
use crate::mail::Authenticity;

/// Something in quarantine.
#[derive(Debug, Clone)]
pub struct QuarantineEntry {
    /// Its number.
    pub id: i64,
    /// The code of the reason.
    pub code: String,
    /// The reason.
    pub reason: String,
    /// Which of several documents in the bytes, empty where there is one.
    pub inner: String,
    /// Where it came from first.
    pub origin: Origin,
    /// Who reported, as far as it was read.
    pub reporter: Option<String>,
    /// On which domain, as far as it was read.
    pub domain: Option<String>,
    /// About when, as far as it was read, in seconds since the epoch.
    pub period: Option<(i64, i64)>,
    /// When it came first, in seconds since the epoch.
    pub first_seen: i64,
    /// How many bytes.
    pub size: u64,
    /// SHA-256 of them.
    pub sha256: Vec<u8>,
}

/// An entry with its bytes.
#[derive(Debug, Clone)]
pub struct Quarantined {
    /// The entry.
    pub entry: QuarantineEntry,
    /// The bytes as they came.
    pub bytes: Vec<u8>,
}

const SELECT: &str = "SELECT id, code, reason, inner_path, location, mail_from, subject, mail_date, message_id,
    file_name, reporter, domain, begin_time, end_time, first_seen, raw, dmarc, dmarc_domain FROM quarantine";
/// Of the bytes of an entry.
const BYTES: &str = "SELECT size, sha256 FROM blob WHERE id = ?1";

fn entry(row: Row<'_>, bytes: &mut Statement<'_>) -> engine::Result<QuarantineEntry> {
    let (size, sha256) = bytes.query_row([row.get::<i64>(15)?], |row| Ok((row.get::<i64>(0)?, row.get(1)?)))?;
    let (begin, end): (Option<i64>, Option<i64>) = (row.get(12)?, row.get(13)?);
    Ok(QuarantineEntry {
        id: row.get(0)?,
        code: row.get(1)?,
        reason: row.get(2)?,
        inner: row.get(3)?,
        origin: Origin {
            location: row.get(4)?,
            from: row.get(5)?,
            subject: row.get(6)?,
            date: row.get(7)?,
            message_id: row.get(8)?,
            file_name: row.get(9)?,
            authenticity: match Trust::from_number(row.get(16)?) {
                Trust::Unchecked | Trust::Misnamed => Authenticity::Unchecked,
                Trust::Failed => Authenticity::Failed(row.get(17)?),
                Trust::Passed => Authenticity::Passed(row.get(17)?),
            },
        },
        reporter: row.get(10)?,
        domain: row.get(11)?,
        period: begin.zip(end),
        first_seen: row.get(14)?,
        size: size.unsigned_abs(),
        sha256,
    })
}

/// What became of something that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is in the quarantine.
    Now,
    /// It was there before.
    Before,
    /// There is no room for it.
    Not,
}

/// What the quarantine holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Entries.
    pub entries: u64,
    /// Bytes of what is kept, as it is stored.
    pub bytes: u64,
}

impl Held {
    /// What it holds now.
    pub(super) fn load(connection: &Connection) -> Result<Self> {
        const TOGETHER: usize = 1_000;
        let entries = connection.query_row("SELECT COUNT(*) FROM quarantine", (), |row| number(row, 0))?;
        let mut select = connection.prepare("SELECT DISTINCT raw FROM quarantine")?;
        let found = select.query_map((), |row| row.get(0))?;
        let raw: Vec<i64> = found.collect::<engine::Result<_>>()?;
        let mut bytes = 0_u64;
        for raw in raw.chunks(TOGETHER) {
            let raw: Vec<String> = raw.iter().map(i64::to_string).collect();
            let sql = format!("SELECT COALESCE(SUM(LENGTH(bytes)), 0) FROM blob WHERE id IN ({})", raw.join(", "));
            bytes = bytes.saturating_add(connection.query_row(&sql, (), |row| number(row, 0))?);
        }
        Ok(Held { entries, bytes })
    }

    /// Whether it has reached a limit.
    #[must_use]
    pub fn is_full(&self, limits: &Limits) -> bool {
        self.entries >= limits.quarantine_entries || self.bytes >= limits.quarantine
    }
}

/// Takes something that was not read at `now`, where the quarantine has room; what it `held` follows.
pub(super) fn insert(
    connection: &Connection,
    new: &NewQuarantine,
    now: i64,
    held: &mut Held,
    limits: &Limits,
) -> Result<Kept> {
    let raw: Option<i64> = connection
        .prepare("SELECT id FROM blob WHERE sha256 = ?1")?
        .query_row([new.raw.sha256.as_slice()], |row| row.get(0))
        .optional()?;
    let known = match raw {
        Some(raw) => connection
            .prepare("SELECT 1 FROM quarantine WHERE raw = ?1 AND inner_path = ?2")?
            .exists(params![raw, new.inner])?,
        None => false,
    };
    if !known && held.is_full(limits) {
        return Ok(Kept::Not);
    }
    let (raw, _) = blobs::store(connection, &new.raw, true)?;
    let origin = &new.origin;
    connection
        .prepare(
            "INSERT INTO quarantine (raw, inner_path, code, reason, location, mail_from, subject, mail_date, message_id,
                file_name, reporter, domain, begin_time, end_time, first_seen, dmarc, dmarc_domain)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
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
            now,
            Trust::from(&origin.authenticity).number(),
            origin.authenticity.domain(),
        ])?;
    if known {
        return Ok(Kept::Before);
    }
    held.entries += 1;
    // Several entries may lie in the same bytes; to count these twice keeps less, not more.
    let length: i64 = connection
        .prepare("SELECT COALESCE(LENGTH(bytes), 0) FROM blob WHERE id = ?1")?
        .query_row([raw], |row| row.get(0))?;
    held.bytes = held.bytes.saturating_add(length.unsigned_abs());
    Ok(Kept::Now)
}

impl Store {
    /// How many entries there are.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn count_quarantined(&self) -> Result<u64> {
        let count = self.connection.query_row("SELECT COUNT(*) FROM quarantine", (), |row| row.get::<i64>(0))?;
        Ok(count.unsigned_abs())
    }

    /// What the quarantine holds.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn held_in_quarantine(&self) -> Result<Held> {
        Held::load(&self.connection)
    }

    /// All entries, oldest first.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn quarantine(&self) -> Result<Vec<QuarantineEntry>> {
        let mut statement = self.connection.prepare(&format!("{SELECT} ORDER BY id"))?;
        let mut bytes = self.connection.prepare(BYTES)?;
        let rows = statement.query_map((), |row| entry(row, &mut bytes))?;
        Ok(rows.collect::<engine::Result<_>>()?)
    }

    /// One entry with its bytes.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn quarantined(&self, id: i64) -> Result<Option<Quarantined>> {
        let found = self
            .connection
            .prepare(&format!("{SELECT} WHERE id = ?1"))?
            .query_row([id], |row| Ok((entry(row, &mut self.connection.prepare(BYTES)?)?, row.get::<i64>(15)?)))
            .optional()?;
        let Some((entry, raw)) = found else {
            return Ok(None);
        };
        let bytes = self.blob_bytes(raw)?.unwrap_or_default();
        Ok(Some(Quarantined { entry, bytes }))
    }

    /// Forgets entries, and their bytes where nothing else needs them. Returns how many there were.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn drop_quarantined(&mut self, ids: &[i64]) -> Result<usize> {
        let transaction = self.connection.transaction()?;
        let mut dropped = 0;
        for id in ids {
            dropped += transaction.prepare("DELETE FROM quarantine WHERE id = ?1")?.execute([id])?;
        }
        super::prune::drop_unused_bytes(&transaction)?;
        transaction.commit()?;
        Ok(dropped)
    }
}
