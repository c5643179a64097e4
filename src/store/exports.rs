//! Exports that continue: which reports each of them has exported.
//!
//! What was exported is recorded report by report and not as a point in time: reports on days long past arrive late, and an
//! exported report may stop counting when a later edition of it arrives.

use super::engine::{self, Optional, params};

use super::records::ReportPlace;
use super::{Result, Store};
use crate::report::period::Day;

/// An export that continues, as far as it has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exported {
    id: Option<i64>,
    /// What it is of, in the words of who exports: one that is of something else is another export.
    pub what: Option<String>,
    /// How often it was continued.
    pub runs: u64,
}

/// A report that was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportedReport {
    /// The report.
    pub place: ReportPlace,
    /// What the ids of its rows begin with, as bytes.
    pub row_key: [u8; 16],
}

impl Store {
    /// How far the export of a name has come; nothing of it, where there is none of the name.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn exported(&self, name: &str) -> Result<Exported> {
        let found = self
            .connection
            .query_row("SELECT id, what, runs FROM export WHERE name = ?1", [name], |row| {
                Ok(Exported { id: Some(row.get(0)?), what: Some(row.get(1)?), runs: row.get::<i64>(2)?.unsigned_abs() })
            })
            .optional()?;
        Ok(found.unwrap_or_default())
    }

    /// The reports that count on the days from `first` to `last` and were not exported, in the order of days.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn unexported(&self, export: &Exported, first: Day, last: Day) -> Result<Vec<ReportPlace>> {
        let mut select = self.connection.prepare(
            "SELECT day, id FROM report WHERE day BETWEEN ?2 AND ?3 AND counted <> 0 AND NOT EXISTS (
                SELECT 1 FROM exported WHERE export = ?1 AND exported.report = report.id AND exported.content = report.content)
             ORDER BY day, id",
        )?;
        let places = select.query_map(params![export.id, first, last], |row| {
            Ok(ReportPlace { day: row.get(0)?, report: row.get(1)? })
        })?;
        Ok(places.collect::<engine::Result<_>>()?)
    }

    /// The reports that were exported and no longer count, as when a later edition took their place.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn withdrawn(&self, export: &Exported) -> Result<Vec<ExportedReport>> {
        let mut answered = self.answered();
        let mut select = self.connection.prepare(
            "SELECT exported.day, exported.report, row_key, report.domain, report.reporter FROM exported
             LEFT JOIN report ON report.id = exported.report AND report.content = exported.content AND report.counted <> 0
             WHERE export = ?1 ORDER BY exported.day, exported.report",
        )?;
        let mut rows = select.query([export.id])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let counts = match row.get::<Option<i64>>(3)? {
                Some(domain) => answered.has(domain, row.get(4)?)?,
                None => false,
            };
            if !counts {
                let place = ReportPlace { day: row.get(0)?, report: row.get(1)? };
                found.push(ExportedReport { place, row_key: row.get(2)? });
            }
        }
        Ok(found)
    }

    /// Notes that the export of a name, which is of `what`, was continued: what it exported, and what it took back. Nothing is
    /// noted, and the answer is false, where another run of it was noted since `before` was read.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn note_exported(
        &mut self,
        (name, what): (&str, &str),
        before: &Exported,
        added: &[ExportedReport],
        withdrawn: &[ExportedReport],
        now: i64,
    ) -> Result<bool> {
        let transaction = self.connection.transaction()?;
        let runs = i64::try_from(before.runs).unwrap_or(i64::MAX);
        let updated = match before.id {
            Some(id) => transaction.execute(
                "UPDATE export SET runs = runs + 1, ended = ?3 WHERE id = ?1 AND runs = ?2",
                params![id, runs, now],
            )?,
            None => transaction.execute(
                "INSERT INTO export (name, what, runs, ended) VALUES (?1, ?2, 1, ?3) ON CONFLICT DO NOTHING",
                params![name, what, now],
            )?,
        };
        if updated != 1 {
            return Ok(false);
        }
        let id = match before.id {
            Some(id) => id,
            None => transaction.query_row("SELECT id FROM export WHERE name = ?1", [name], |row| row.get(0))?,
        };
        let mut delete = transaction.prepare("DELETE FROM exported WHERE export = ?1 AND report = ?2")?;
        for one in withdrawn {
            delete.execute(params![id, one.place.report])?;
        }
        let mut insert = transaction.prepare(
            "INSERT INTO exported (export, day, report, content, row_key)
             SELECT ?1, day, id, content, ?4 FROM report WHERE id = ?3 AND day = ?2
             ON CONFLICT (export, report) DO UPDATE SET day = excluded.day, content = excluded.content,
                row_key = excluded.row_key",
        )?;
        for one in added {
            insert.execute(params![id, one.place.day, one.place.report, one.row_key])?;
        }
        drop((delete, insert));
        transaction.commit()?;
        Ok(true)
    }
}
