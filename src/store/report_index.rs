//! The reports of some days: who sent them, when, on which domain, and the policy published then.

use super::engine::{self, params};
use rustc_hash::FxHashMap;

use super::runs::REPORT;
use super::trust::Trust;
use super::values::policy;
use super::{Result, Store};
use crate::report::PolicyPublished;
use crate::report::period::{Day, Period};

/// A report that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportLine {
    /// Its number in this database.
    pub id: i64,
    /// The day it counts on.
    pub day: Day,
    /// When.
    pub period: Period,
    /// The policy domain, see [`Store::names`].
    pub domain: i64,
    /// Who reports, see [`Store::names`].
    pub reporter: i64,
    /// The policy that it found, see [`Store::policies`].
    pub policy: i64,
    /// Its messages.
    pub messages: u64,
    /// What is known of the mails it came in.
    pub trust: Trust,
}

impl Store {
    /// Shows the owner's reports that count on the days from `first` to `last`, in the order of their numbers.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn report_lines(&self, first: Day, last: Day, visit: &mut dyn FnMut(ReportLine)) -> Result<()> {
        let mut statement = self.connection.prepare(
            "SELECT id, day, begin_time, domain, reporter, policy, messages, trust, end_time FROM report
             WHERE counted <> 0 AND day BETWEEN ?1 AND ?2 ORDER BY id",
        )?;
        let mut rows = statement.query(params![first, last])?;
        let mut answered = self.answered();
        while let Some(row) = rows.next()? {
            let (domain, reporter) = (row.get(3)?, row.get(4)?);
            let trust = Trust::from_number(row.get(7)?);
            if !answered.has(domain, reporter)? || self.checked_only && trust != Trust::Passed {
                continue;
            }
            visit(ReportLine {
                id: row.get(0)?,
                day: row.get(1)?,
                period: Period { begin: row.get(2)?, end: row.get(8)? },
                domain,
                reporter,
                policy: row.get(5)?,
                messages: u64::try_from(row.get::<i64>(6)?).unwrap_or(0),
                trust,
            });
        }
        Ok(())
    }

    /// Shows of the reports with records on the days from `first` to `last` the number, the policy domain (see [`Store::names`])
    /// and the policy found there (see [`Store::policies`]), in the order of their numbers.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn policies_found(&self, first: Day, last: Day, visit: &mut dyn FnMut(i64, i64, i64)) -> Result<()> {
        let mut select =
            self.connection.prepare("SELECT report FROM record_run WHERE day BETWEEN ?1 AND ?2 AND part = 0")?;
        let found = select.query_map(params![first, last], |row| row.get(0))?;
        let mut reports: Vec<i64> = found.collect::<engine::Result<_>>()?;
        reports.sort_unstable();
        let mut one = self.connection.prepare(REPORT)?;
        for report in reports {
            let mut rows = one.query([report])?;
            if let Some(row) = rows.next()? {
                visit(report, row.get(2)?, row.get(3)?);
            }
        }
        Ok(())
    }

    /// All policies that reports found, by their numbers, without the domain.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn policies(&self) -> Result<FxHashMap<i64, PolicyPublished>> {
        let mut statement = self
            .connection
            .prepare("SELECT id, p, sp, np, adkim, aspf, pct, fo, testing, discovery_method FROM policy")?;
        let found = statement.query_map((), |row| Ok((row.get(0)?, policy(row, 1, None)?)))?;
        Ok(found.collect::<engine::Result<_>>()?)
    }
}
