//! Scanning records: the runs of a window of days, and the outcomes that they name.

use super::engine::{Connection, Row, params};

use super::interner::NameReader;
use super::trust::CHECKED;
use super::values::blob;
use super::{Result, Store, StoreError};
use crate::alignment::{AuthResult, Outcome, codec};
use crate::report::period::Day;
use crate::varint;

/// A run of records of one report.
#[derive(Debug, Clone, Copy)]
pub struct ScannedRun<'r> {
    /// The day it counts on.
    pub day: Day,
    /// The report.
    pub report: i64,
    /// Who reports, see [`Store::names`].
    pub reporter: i64,
    /// The policy domain, see [`Store::names`].
    pub domain: i64,
    /// Its mail passed DMARC for the domain that the reporter goes by.
    pub checked: bool,
    /// The records, see [`rows`](crate::rows).
    pub rows: &'r [u8],
}

impl<'r> ScannedRun<'r> {
    /// Selects the runs of reports that count on the days from one to another, up to a [number](Connection::newest_readable), in
    /// the order of days and reports.
    pub(super) const SELECT: &'static str = "SELECT day, report, reporter, domain, counted, rows FROM record_run
         WHERE day BETWEEN ?1 AND ?2 AND counted <> 0 AND report <= ?3 ORDER BY day, report, part";

    /// A run as it was selected.
    pub(super) fn of(row: Row<'r>) -> Result<Self> {
        Ok(ScannedRun {
            day: row.get(0)?,
            report: row.get(1)?,
            reporter: row.get(2)?,
            domain: row.get(3)?,
            checked: row.get::<i64>(4)? == CHECKED,
            rows: blob(row, 5)?,
        })
    }
}

/// What a scan asks before it reads records, see [`Store::largest_outcome`]: the largest number of an outcome, the first day with
/// records, and the periods whose records are summed up in the memory.
pub(super) const LARGEST_OUTCOME: &str = "SELECT COALESCE(MAX(id), 0) FROM outcome";
pub(super) const OLDEST_DAY: &str = "SELECT MIN(day) FROM record_run";
pub(super) const SUMMED_UP: &str = "SELECT period FROM memory WHERE part = 0";

/// What questions look up of a report for its records: begin, end, domain and policy. One statement for all of them, so that what
/// was read ahead for one is there for the others.
pub(super) const REPORT: &str = "SELECT begin_time, end_time, domain, policy FROM report WHERE id = ?1";

/// What questions look up of a policy: its tags, in their order in the table. One statement for all of them, for the same reason.
pub(super) const POLICY: &str =
    "SELECT p, sp, np, adkim, aspf, pct, fo, testing, discovery_method FROM policy WHERE id = ?1";

/// What a published policy asks for, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyWords {
    /// `p`.
    pub p: Option<String>,
    /// `sp`, for header From domains below that of the policy.
    pub sp: Option<String>,
}

impl PolicyWords {
    pub(super) fn load(connection: &Connection, policy: i64) -> Result<Self> {
        let word = |text: Option<String>| text.map(|text| text.to_ascii_lowercase());
        let mut select = connection.prepare(POLICY)?;
        Ok(select.query_row([policy], |row| Ok(PolicyWords { p: word(row.get(0)?), sp: word(row.get(1)?) }))?)
    }

    /// What it asks for header From domains below its own.
    #[must_use]
    pub fn below(&self) -> Option<&str> {
        self.sp.as_deref().filter(|sp| !sp.is_empty()).or(self.p.as_deref())
    }
}

fn policy_of(connection: &Connection, report: i64) -> Result<i64> {
    Ok(connection.prepare(REPORT)?.query_row([report], |row| row.get(3))?)
}

impl Store {
    /// Shows every run of the owner's reports that count on the days from `first` to `last`, in the order of days and reports.
    ///
    /// # Errors
    /// See [`StoreError`]; the visitor's ends the scan.
    pub fn scan_runs(&self, first: Day, last: Day, visit: &mut dyn FnMut(ScannedRun<'_>) -> Result<()>) -> Result<()> {
        let mut statement = self.connection.prepare(ScannedRun::SELECT)?;
        let mut runs = statement.query(params![first, last, self.connection.newest_readable()])?;
        let mut answered = self.answered();
        while let Some(row) = runs.next()? {
            let run = ScannedRun::of(row)?;
            if answered.has(run.domain, run.reporter)? && (run.checked || !self.checked_only) {
                visit(run)?;
            }
        }
        Ok(())
    }

    /// The largest number of an outcome.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn largest_outcome(&self) -> Result<u64> {
        // Who asks for this is about to scan records, and those that are remembered before them.
        self.connection.ask_together(&[(LARGEST_OUTCOME, &[]), (OLDEST_DAY, &[]), (SUMMED_UP, &[])])?;
        let id: i64 = self.connection.query_row(LARGEST_OUTCOME, (), |row| row.get(0))?;
        Ok(id.unsigned_abs())
    }

    /// A list of signatures: `d=`, `s=` and the result of each that names a domain.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn signers(&self, id: i64, names: &mut NameReader<'_>) -> Result<Vec<(String, Option<String>, AuthResult)>> {
        let detail: Vec<u8> =
            self.connection.prepare("SELECT detail FROM signers WHERE id = ?1")?.query_row([id], |row| row.get(0))?;
        let damaged = || StoreError::Damaged(format!("signers {id}"));
        let mut rest = detail.as_slice();
        let mut found = Vec::new();
        while !rest.is_empty() {
            let mut number = || varint::take(&mut rest).and_then(|id| i64::try_from(id).ok()).ok_or_else(damaged);
            let (domain, selector) = (number()?, number()?);
            let (&code, after) = rest.split_first().ok_or_else(damaged)?;
            rest = after;
            let selector = if selector == 0 { None } else { Some(names.text(selector)?.to_owned()) };
            found.push((names.text(domain)?.to_owned(), selector, AuthResult::from_code(code).ok_or_else(damaged)?));
        }
        Ok(found)
    }

    pub(super) fn outcome_with(&self, id: u64, names: &mut NameReader<'_>) -> Result<Outcome> {
        let detail: Vec<u8> = self
            .connection
            .prepare("SELECT detail FROM outcome WHERE id = ?1")?
            .query_row([i64::try_from(id).unwrap_or(-1)], |row| row.get(0))?;
        codec::decode(&mut detail.as_slice(), names).ok_or_else(|| StoreError::Damaged(format!("outcome {id}")))
    }

    /// Several outcomes in full, in the order asked for.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn outcomes(&self, ids: impl Iterator<Item = u64>, visit: &mut dyn FnMut(u64, Outcome)) -> Result<()> {
        let mut names = NameReader::new(&self.connection);
        for id in ids {
            let outcome = self.outcome_with(id, &mut names)?;
            visit(id, outcome);
        }
        Ok(())
    }

    /// The policy (`p`) of that of some reports which ends last; of two that end together and differ the stricter, so that
    /// the answer does not depend on the order in which they came.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn published_policy(&self, reports: &[i64]) -> Result<Option<String>> {
        let mut select = self.connection.prepare(REPORT)?;
        let mut last: Option<(i64, Option<String>)> = None;
        for report in reports {
            let (end, policy): (i64, i64) = select.query_row([report], |row| Ok((row.get(1)?, row.get(3)?)))?;
            let found = (end, PolicyWords::load(&self.connection, policy)?.p);
            // The words of the policy, from none to reject, are in the order of the alphabet.
            last = last.max(Some(found));
        }
        Ok(last.and_then(|(_, policy)| policy))
    }

    /// What a policy asks for.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn policy(&self, policy: i64) -> Result<PolicyWords> {
        PolicyWords::load(&self.connection, policy)
    }

    /// The number of the policy that a report says was published, see [`policy`](Self::policy).
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn policy_of(&self, report: i64) -> Result<i64> {
        policy_of(&self.connection, report)
    }

    /// Reads names by their numbers.
    #[must_use]
    pub fn names(&self) -> NameReader<'_> {
        NameReader::new(&self.connection)
    }
}
