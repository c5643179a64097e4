//! Deleting old reports, and everything that only they needed.

use super::engine::{self, Connection, params};
use rustc_hash::FxHashSet;

use super::day_totals::Deltas;
use super::memory;
use super::values::{blob, number};
use super::{Result, Store, StoreError, facts, same_identity};
use crate::report::period::Day;
use crate::rows;

/// What was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Reports.
    pub reports: u64,
    /// Their records.
    pub records: u64,
    /// Their messages.
    pub messages: u64,
    /// SMTP TLS reports.
    pub tls_reports: u64,
}

impl Store {
    /// What would be forgotten with the reports of the days before `day`.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn prunable(&self, day: Day) -> Result<Pruned> {
        count(&self.connection, day)
    }

    /// Forgets the reports of the days before `day`.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError); nothing is forgotten then.
    pub fn prune(&mut self, day: Day) -> Result<Pruned> {
        let transaction = self.connection.transaction()?;
        let pruned = count(&transaction, day)?;
        if pruned.tls_reports > 0 {
            // Reports of one identity are of one day.
            for table in ["tls_failure", "tls_policy"] {
                transaction.execute(
                    &format!("DELETE FROM {table} WHERE report IN (SELECT id FROM tls_report WHERE day < ?1)"),
                    [day],
                )?;
            }
            transaction.execute("DELETE FROM tls_report WHERE day < ?1", [day])?;
        }
        if pruned.reports > 0 {
            let apart = same_identity::parted(&transaction, day)?;
            for table in ["irregularity", "sighting"] {
                transaction.execute(
                    &format!("DELETE FROM {table} WHERE report IN (SELECT id FROM report WHERE day < ?1)"),
                    [day],
                )?;
            }
            for table in ["record_run", "day_total", "exported", "report"] {
                transaction.execute(&format!("DELETE FROM {table} WHERE day < ?1"), [day])?;
            }
            let mut deltas = Deltas::default();
            for identity in apart {
                same_identity::settle(&transaction, self.key, &self.ignored, identity, &mut deltas)?;
            }
            deltas.flush(&transaction)?;
            memory::Span::forget_before(day, &transaction)?;
            drop_unused_outcomes(&transaction)?;
        }
        if pruned.reports + pruned.tls_reports > 0 {
            drop_unused_bytes(&transaction)?;
            drop_unused_names(&transaction)?;
        }
        transaction.commit()?;
        self.sum_up_memory(&|| false)?;
        Ok(pruned)
    }
}

fn count(connection: &Connection, day: Day) -> Result<Pruned> {
    Ok(connection.query_row(
        "SELECT COUNT(*), COALESCE(SUM(records), 0), COALESCE(SUM(CASE WHEN messages < 9007199254740992 THEN messages ELSE 9007199254740992 END), 0),
            (SELECT COUNT(*) FROM tls_report WHERE day < ?1) FROM report WHERE day < ?1",
        params![day],
        |row| {
            Ok(Pruned {
                reports: number(row, 0)?,
                records: number(row, 1)?,
                messages: number(row, 2)?,
                tls_reports: number(row, 3)?,
            })
        },
    )?)
}

pub(super) fn drop_unused_bytes(connection: &Connection) -> Result<()> {
    let mut used: FxHashSet<i64> = FxHashSet::default();
    for table in ["report", "tls_report", "quarantine"] {
        let mut select = connection.prepare(&format!("SELECT raw FROM {table}"))?;
        let mut rows = select.query(())?;
        while let Some(row) = rows.next()? {
            used.insert(row.get(0)?);
        }
    }
    let mut select = connection.prepare("SELECT id FROM blob")?;
    let all: Vec<i64> = select.query_map((), |row| row.get(0))?.collect::<engine::Result<_>>()?;
    let mut delete = connection.prepare("DELETE FROM blob WHERE id = ?1")?;
    all.into_iter().filter(|id| !used.contains(id)).try_for_each(|id| delete.write([id]))?;
    Ok(())
}

/// Outcomes are named inside packed runs, so what is left of those is read once.
fn drop_unused_outcomes(connection: &Connection) -> Result<()> {
    let mut used = FxHashSet::default();
    let mut statement = connection.prepare("SELECT rows, report FROM record_run")?;
    let mut runs = statement.query(())?;
    while let Some(run) = runs.next()? {
        let report = run.get(1)?;
        for record in rows::records(blob(run, 0)?) {
            used.insert(record.ok_or_else(|| StoreError::damaged_records(report))?.0);
        }
    }
    let mut statement = connection.prepare("SELECT id FROM outcome")?;
    let all: Vec<i64> = statement.query_map((), |row| row.get(0))?.collect::<engine::Result<_>>()?;
    let mut delete = connection.prepare("DELETE FROM outcome WHERE id = ?1")?;
    for id in all.into_iter().filter(|id| !used.contains(&id.unsigned_abs())) {
        delete.write([id])?;
    }
    facts::write_all(connection)?;
    connection.execute("DELETE FROM signers WHERE id NOT IN (SELECT signers FROM outcome)", ())?;
    Ok(())
}

/// Names stand in columns and inside packed outcomes (what signed them has no others).
fn drop_unused_names(connection: &Connection) -> Result<()> {
    let mut used: FxHashSet<i64> = FxHashSet::default();
    for columns in [
        "domain, reporter, org_name, email, extra_contact_info, generator, version, namespace, errors FROM report",
        "domain, reporter FROM day_total",
        "domain, reporter FROM record_run",
        "folder, dmarc_domain FROM sighting",
        "header_from, authenticated, envelope FROM outcome",
        "reporter, org_name, contact FROM tls_report",
        "domain, policy_type, policy_string, mx_host FROM tls_policy",
        "result_type, mx_host, mx_helo, receiving_ip, sending_ip, reason_code, information FROM tls_failure",
    ] {
        let mut statement = connection.prepare(&format!("SELECT DISTINCT {columns}"))?;
        let mut found = statement.query(())?;
        while let Some(row) = found.next()? {
            for at in 0..row.width() {
                used.extend(row.get::<Option<i64>>(at)?);
            }
        }
    }
    let mut statement = connection.prepare("SELECT detail, id FROM outcome")?;
    let mut details = statement.query(())?;
    let mut collect = Collect(&mut used);
    while let Some(row) = details.next()? {
        let id: i64 = row.get(1)?;
        crate::alignment::codec::decode(&mut blob(row, 0)?, &mut collect)
            .ok_or_else(|| StoreError::Damaged(format!("outcome {id}")))?;
    }
    let mut statement = connection.prepare("SELECT id FROM name")?;
    let all: Vec<i64> = statement.query_map((), |row| row.get(0))?.collect::<engine::Result<_>>()?;
    let mut delete = connection.prepare("DELETE FROM name WHERE id = ?1")?;
    for id in all.into_iter().filter(|id| !used.contains(id)) {
        delete.write([id])?;
    }
    connection.execute("DELETE FROM policy WHERE id NOT IN (SELECT policy FROM report)", ())?;
    Ok(())
}

/// Notes the numbers of the texts it is asked for.
struct Collect<'c>(&'c mut FxHashSet<i64>);

impl crate::alignment::codec::TakeText for Collect<'_> {
    fn take(&mut self, bytes: &mut &[u8]) -> Option<String> {
        self.0.insert(i64::try_from(crate::varint::take(bytes)?).ok()?);
        Some(String::new())
    }
}
