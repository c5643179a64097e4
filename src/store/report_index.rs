//! The reports of some days: who sent them, when, on which domain, and the policy published then.

use super::engine::{Optional, params};

use super::runs::{POLICY, REPORT};
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
    /// The policy that it found, see [`Store::published_as`].
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

    /// The policy domain of a report (see [`Store::names`]) and the policy that it found there (see [`Store::published_as`]);
    /// nothing where there is no such report.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn policy_found(&self, report: i64) -> Result<Option<(i64, i64)>> {
        let mut select = self.connection.prepare(REPORT)?;
        Ok(select.query_row([report], |row| Ok((row.get(2)?, row.get(3)?))).optional()?)
    }

    /// A policy that reports found, by its number, without the domain; nothing where there is none of that number.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn published_as(&self, number: i64) -> Result<Option<PolicyPublished>> {
        let mut select = self.connection.prepare(POLICY)?;
        Ok(select.query_row([number], |row| policy(row, 0, None)).optional()?)
    }
}
