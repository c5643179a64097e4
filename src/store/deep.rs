//! Whether the whole database is as it was written: the file by SQLite's own check, the records by their stored sums.

use std::io::Read;

use super::engine::{self, Connection, Row};
use rustc_hash::FxHashSet;
use sha2::{Digest as _, Sha256};

use super::interner::NameReader;
use super::tls::stored_content;
use super::values::{blob, number};
use super::{DigestKey, Result, Store, StoreError, blobs};
use crate::alignment::codec;
use crate::rows;

/// Faults that are named.
const MOST: usize = 20;

/// What was found, one line each; of the rest only that there is more.
struct Faults {
    found: Vec<String>,
    more: bool,
}

impl Faults {
    fn add(&mut self, fault: String) {
        if self.found.len() < MOST {
            self.found.push(fault);
        } else {
            self.more = true;
        }
    }

    /// What a step failed on is a fault as well; only what says nothing of the data ends the check.
    fn take(&mut self, step: Result<()>) -> Result<()> {
        match step {
            Err(StoreError::Damaged(fault) | StoreError::Other(fault)) => {
                self.add(fault);
                Ok(())
            }
            other => other,
        }
    }
}

impl Store {
    /// Reads all that is in the database and compares it with what is kept of it in sum. Returns what does not fit, one line
    /// each; nothing where all is well. It takes as long as reading the whole file.
    ///
    /// # Errors
    /// See [`StoreError`]; damage is not an error here.
    pub fn check_deeply(&self) -> Result<Vec<String>> {
        let connection = &self.connection;
        let mut faults = Faults { found: Vec::new(), more: false };
        let step = connection.faults(MOST).map(|found| found.into_iter().for_each(|fault| faults.add(fault)));
        let step = step.map_err(StoreError::from);
        faults.take(step)?;
        let step = outcomes(connection, &mut faults);
        faults.take(step)?;
        let step = records(connection, &mut faults);
        faults.take(step)?;
        let step = totals(connection, &mut faults);
        faults.take(step)?;
        let step = tls(connection, self.key, &mut faults);
        faults.take(step)?;
        let step = bytes(connection, &mut faults);
        faults.take(step)?;
        if faults.more {
            faults.found.push("and more".to_owned());
        }
        Ok(faults.found)
    }
}

/// Whether every outcome can be read, and its facts.
fn outcomes(connection: &Connection, faults: &mut Faults) -> Result<()> {
    let mut names = NameReader::new(connection);
    let mut select = connection.prepare("SELECT id, detail FROM outcome ORDER BY id")?;
    let mut rows = select.query(())?;
    while let Some(row) = rows.next()? {
        let (id, detail): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        if codec::decode(&mut detail.as_slice(), &mut names).is_none() {
            faults.add(format!("outcome {id} cannot be read"));
        }
    }
    let missing: i64 = connection.query_row(
        "SELECT COUNT(*) FROM outcome WHERE NOT EXISTS (SELECT 1 FROM outcome_block WHERE block = outcome.id / 256)",
        (),
        |row| row.get(0),
    )?;
    if missing > 0 {
        faults.add(format!("{missing} outcomes have no facts"));
    }
    Ok(())
}

/// A report as its line and its records say.
#[derive(Debug, PartialEq, Eq)]
struct Sums {
    records: u64,
    messages: u64,
}

/// Whether the records of each report can be read, and add up to what the report's line says.
fn records(connection: &Connection, faults: &mut Faults) -> Result<()> {
    let known: FxHashSet<u64> = {
        let mut select = connection.prepare("SELECT id FROM outcome")?;
        let ids = select.query_map((), |row| number(row, 0))?;
        ids.collect::<engine::Result<_>>()?
    };
    let mut line = connection.prepare(
        "SELECT records, messages, day, domain, reporter, CASE WHEN counted = 0 THEN 0 WHEN trust = 2 THEN 2 ELSE 1 END
         FROM report WHERE id = ?1",
    )?;
    let mut select = connection
        .prepare("SELECT report, day, domain, reporter, counted, rows FROM record_run ORDER BY report, part")?;
    let mut runs = select.query(())?;
    let (mut at, mut reports): (Option<(i64, Sums)>, i64) = (None, 0);
    loop {
        let run = runs.next()?;
        let report: Option<i64> = run.map(|run| run.get(0)).transpose()?;
        if let Some((id, sums)) = at.take_if(|(id, _)| Some(*id) != report) {
            let said = line.query_row([id], |row| Ok(Sums { records: number(row, 0)?, messages: number(row, 1)? }));
            match said {
                Ok(said) if said == sums => {}
                Ok(said) => faults.add(format!(
                    "report {id} says {} records and {} messages, and has {} and {}",
                    said.records, said.messages, sums.records, sums.messages
                )),
                Err(engine::Error::NoRow) => faults.add(format!("records of report {id}, which is not there")),
                Err(error) => return Err(error.into()),
            }
        }
        let (Some(run), Some(report)) = (run, report) else { break };
        if at.is_none() {
            reports += 1;
            at = Some((report, Sums { records: 0, messages: 0 }));
        }
        let key = |row: Row<'_>, from: usize| -> engine::Result<[i64; 4]> {
            Ok([row.get(from)?, row.get(from + 1)?, row.get(from + 2)?, row.get(from + 3)?])
        };
        let place = key(run, 1)?;
        if line.query_row([report], |row| key(row, 2)).is_ok_and(|said| said != place) {
            faults.add(format!("records of report {report} lie under another day, domain, reporter or state"));
        }
        let Some((_, sums)) = &mut at else { break };
        for record in rows::iterate(blob(run, 5)?) {
            let Some(row) = record.filter(|row| known.contains(&row.outcome)) else {
                faults.add(format!("records of report {report} cannot be read"));
                break;
            };
            sums.records += 1;
            sums.messages = sums.messages.saturating_add(row.count.unwrap_or(0));
        }
    }
    let all: i64 = connection.query_row("SELECT COUNT(*) FROM report", (), |row| row.get(0))?;
    if all != reports {
        faults.add(format!("{all} reports, and records of {reports}"));
    }
    Ok(())
}

/// Whether the summary by days is the sum of the reports that count.
fn totals(connection: &Connection, faults: &mut Faults) -> Result<()> {
    let mut select = connection.prepare(
        "WITH summed AS (
            SELECT day, domain, reporter, COUNT(*) AS reports, SUM(CASE WHEN trust = 2 THEN 1 ELSE 0 END) AS checked, SUM(records) AS records,
                CASE WHEN TOTAL(messages) < 9007199254740992 THEN TOTAL(messages) ELSE 9007199254740992 END AS messages, CASE WHEN TOTAL(dmarc_pass) < 9007199254740992 THEN TOTAL(dmarc_pass) ELSE 9007199254740992 END AS dmarc_pass,
                CASE WHEN TOTAL(dkim_aligned) < 9007199254740992 THEN TOTAL(dkim_aligned) ELSE 9007199254740992 END AS dkim_aligned,
                CASE WHEN TOTAL(spf_aligned) < 9007199254740992 THEN TOTAL(spf_aligned) ELSE 9007199254740992 END AS spf_aligned
            FROM report WHERE counted <> 0 GROUP BY day, domain, reporter)
         SELECT day, name.text FROM (
            SELECT * FROM (SELECT * FROM summed EXCEPT SELECT day, domain, reporter, reports, checked, records, messages,
                dmarc_pass, dkim_aligned, spf_aligned FROM day_total) missing
            UNION SELECT * FROM (SELECT day, domain, reporter, reports, checked, records, messages,
                dmarc_pass, dkim_aligned, spf_aligned FROM day_total EXCEPT SELECT * FROM summed) others) differing
         LEFT JOIN name ON name.id = domain GROUP BY day, domain, name.text ORDER BY day, domain",
    )?;
    let mut rows = select.query(())?;
    while let Some(row) = rows.next()? {
        let (day, domain): (i32, Option<String>) = (row.get(0)?, row.get(1)?);
        let day = crate::report::period::date_of(day);
        faults.add(format!("the sums of {day} on {} are not those of its reports", domain.as_deref().unwrap_or("?")));
    }
    Ok(())
}

/// Whether SMTP TLS reports are as they were written, with all their rows.
fn tls(connection: &Connection, key: DigestKey, faults: &mut Faults) -> Result<()> {
    let mut names = NameReader::new(connection);
    let mut select = connection.prepare("SELECT id, content FROM tls_report ORDER BY id")?;
    let mut rows = select.query(())?;
    while let Some(row) = rows.next()? {
        let (id, content): (i64, [u8; 16]) = (row.get(0)?, row.get(1)?);
        if stored_content(connection, key, &mut names, id)? != u128::from_be_bytes(content) {
            faults.add(format!("SMTP TLS report {id} is not what was stored"));
        }
    }
    let lost: i64 = connection.query_row(
        "SELECT (SELECT COUNT(*) FROM tls_policy WHERE report NOT IN (SELECT id FROM tls_report))
              + (SELECT COUNT(*) FROM tls_failure WHERE NOT EXISTS (
                    SELECT 1 FROM tls_policy WHERE tls_policy.report = tls_failure.report AND number = policy))",
        (),
        |row| row.get(0),
    )?;
    if lost > 0 {
        faults.add(format!("{lost} rows of SMTP TLS reports which are not there"));
    }
    Ok(())
}

/// Whether kept bytes are those that came.
fn bytes(connection: &Connection, faults: &mut Faults) -> Result<()> {
    let mut select = connection.prepare(
        "SELECT id, sha256, packed, bytes FROM blob WHERE id > ?1 AND id <= ?2 AND bytes IS NOT NULL ORDER BY id",
    )?;
    let mut last = i64::MIN;
    while let Some(end) = blobs::batch_after(connection, last)? {
        let mut rows = select.query([last, end])?;
        while let Some(row) = rows.next()? {
            check_bytes(row, faults)?;
        }
        last = end;
    }
    let mut select = connection.prepare("SELECT id FROM blob")?;
    let known: FxHashSet<i64> = select.query_map((), |row| row.get(0))?.collect::<engine::Result<_>>()?;
    let mut lost = 0;
    for table in ["report", "tls_report", "quarantine"] {
        let mut select = connection.prepare(&format!("SELECT raw FROM {table}"))?;
        let mut rows = select.query(())?;
        while let Some(row) = rows.next()? {
            lost += u64::from(!known.contains(&row.get::<i64>(0)?));
        }
    }
    if lost > 0 {
        faults.add(format!("the bytes of {lost} reports and entries of the quarantine are not there"));
    }
    Ok(())
}

/// Whether those of one row of `blob` are.
fn check_bytes(row: Row<'_>, faults: &mut Faults) -> Result<()> {
    let (id, sha, packed): (i64, Vec<u8>, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let kept = blob(row, 3)?;
    let mut hash = Sha256::new();
    let read = if packed {
        unpack_into(&mut hash, kept)
    } else {
        hash.update(kept);
        true
    };
    if !read || hash.finalize().as_slice() != sha {
        faults.add(format!("kept bytes {id} are not those that came"));
    }
    Ok(())
}

/// Hashes bytes that were packed for keeping; false where they cannot be unpacked.
fn unpack_into(hash: &mut Sha256, packed: &[u8]) -> bool {
    let mut unpacked = flate2::read::GzDecoder::new(packed);
    let mut buffer = [0; 16 * 1024];
    loop {
        match unpacked.read(&mut buffer) {
            Ok(0) => return true,
            Ok(read) => hash.update(&buffer[..read]),
            Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_database_is_sound() {
        assert_eq!(Store::in_memory().unwrap().check_deeply().unwrap(), Vec::<String>::new());
    }
}
