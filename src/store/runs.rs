//! Scanning records: the runs of a window of days, and the outcomes that they name.

use rusqlite::Row;

use super::names::NameReader;
use super::{Result, Store, StoreError};
use crate::alignment::{AuthResult, Disposition, DkimState, ForwardingReasons, Outcome, SpfState, codec};
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
    /// The records, see [`rows`](crate::rows).
    pub rows: &'r [u8],
}

/// What is asked of an outcome for every record that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OutcomeFacts {
    /// Header From, see [`Store::names`].
    pub header_from: Option<i64>,
    /// The domain that SPF authenticated, whether it aligns or not.
    pub envelope: Option<i64>,
    /// The organizational domain that SPF authenticated, where it is not header From's own.
    pub authenticated: Option<i64>,
    /// Who signed, see [`Store::signers`].
    pub signers: i64,
    /// The DKIM state.
    pub dkim: DkimState,
    /// The SPF state.
    pub spf: SpfState,
    /// Whether DMARC passes.
    pub dmarc: Option<bool>,
    /// What was done.
    pub disposition: Option<Disposition>,
    /// With a broken signature: which result it had.
    pub broken_by: Option<AuthResult>,
    /// The evaluation and the listed results disagree.
    pub contradiction: bool,
    /// The reverse-path is null.
    pub null_reverse_path: bool,
    /// Reasons that speak of forwarding, where DMARC failed.
    pub forwarding: ForwardingReasons,
}

impl OutcomeFacts {
    /// Reads the columns of an outcome from `first` on, and unpacks what the writer packed.
    fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Self>> {
        let state: i64 = row.get(first + 4)?;
        let bits = |shift: u32, width: u32| ((state >> shift) & ((1 << width) - 1)) as u8;
        let (Some(dkim), Some(spf)) = (DkimState::from_code(bits(0, 4)), SpfState::from_code(bits(4, 4))) else {
            return Ok(None);
        };
        Ok(Some(OutcomeFacts {
            header_from: row.get(first)?,
            envelope: row.get(first + 1)?,
            authenticated: row.get(first + 2)?,
            signers: row.get(first + 3)?,
            dkim,
            spf,
            dmarc: match bits(8, 4) {
                1 => Some(false),
                2 => Some(true),
                _ => None,
            },
            disposition: bits(12, 4).checked_sub(1).and_then(Disposition::from_code),
            broken_by: bits(16, 4).checked_sub(1).and_then(AuthResult::from_code),
            contradiction: bits(20, 1) == 1,
            null_reverse_path: bits(22, 1) == 1,
            forwarding: ForwardingReasons {
                forwarded: bits(23, 1) == 1,
                mailing_list: bits(24, 1) == 1,
                trusted_forwarder: bits(25, 1) == 1,
                arc_pass: bits(26, 1) == 1,
            },
        }))
    }
}

impl Store {
    /// Shows every run of the reports that count on the days from `first` to `last`, in the order of days and reports.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn scan_runs(&self, first: Day, last: Day, visit: &mut dyn FnMut(ScannedRun<'_>)) -> Result<()> {
        let mut statement = self.connection.prepare_cached(
            "SELECT day, report, reporter, domain, rows FROM record_run WHERE day BETWEEN ?1 AND ?2 AND counted
             ORDER BY day, report, part",
        )?;
        let mut runs = statement.query([first, last])?;
        while let Some(row) = runs.next()? {
            visit(ScannedRun {
                day: row.get(0)?,
                report: row.get(1)?,
                reporter: row.get(2)?,
                domain: row.get(3)?,
                rows: row.get_ref(4)?.as_blob().map_err(|error| StoreError::Damaged(error.to_string()))?,
            });
        }
        Ok(())
    }

    /// The facts of one outcome.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn outcome_facts(&self, id: u64) -> Result<OutcomeFacts> {
        let id = i64::try_from(id).unwrap_or(-1);
        self.connection
            .prepare_cached("SELECT header_from, envelope, authenticated, signers, state FROM outcome WHERE id = ?1")?
            .query_row([id], |row| OutcomeFacts::read(row, 0))?
            .ok_or_else(|| StoreError::Damaged(format!("outcome {id}")))
    }

    /// Shows the facts of all outcomes: for large windows cheaper than one by one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn all_outcome_facts(&self, visit: &mut dyn FnMut(u64, OutcomeFacts)) -> Result<()> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT id, header_from, envelope, authenticated, signers, state FROM outcome")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            let facts = OutcomeFacts::read(row, 1)?.ok_or_else(|| StoreError::Damaged(format!("outcome {id}")))?;
            visit(id.unsigned_abs(), facts);
        }
        Ok(())
    }

    /// A list of signatures: `d=`, `s=` and the result of each that names a domain.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn signers(&self, id: i64, names: &mut NameReader<'_>) -> Result<Vec<(String, Option<String>, AuthResult)>> {
        let detail: Vec<u8> = self
            .connection
            .prepare_cached("SELECT detail FROM signers WHERE id = ?1")?
            .query_row([id], |row| row.get(0))?;
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

    /// How many outcomes there are; their numbers are not larger by much.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn largest_outcome(&self) -> Result<u64> {
        let id: i64 = self.connection.query_row("SELECT COALESCE(MAX(id), 0) FROM outcome", [], |row| row.get(0))?;
        Ok(id.unsigned_abs())
    }

    fn outcome_with(&self, id: u64, names: &mut NameReader<'_>) -> Result<Outcome> {
        let detail: Vec<u8> = self
            .connection
            .prepare_cached("SELECT detail FROM outcome WHERE id = ?1")?
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
        let mut select = self.connection.prepare_cached(
            "SELECT end_time, lower(p) FROM report JOIN policy ON policy.id = report.policy WHERE report.id = ?1",
        )?;
        let mut last: Option<(i64, Option<String>)> = None;
        for report in reports {
            let found = select.query_row([report], |row| Ok((row.get(0)?, row.get(1)?)))?;
            // The words of the policy, from none to reject, are in the order of the alphabet.
            last = last.max(Some(found));
        }
        Ok(last.and_then(|(_, policy)| policy))
    }

    /// What a policy says, in lower case: `p`, and `sp` for header From domains below its own.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn policy(&self, policy: i64) -> Result<(Option<String>, Option<String>)> {
        Ok(self
            .connection
            .prepare_cached("SELECT lower(p), lower(sp) FROM policy WHERE id = ?1")?
            .query_row([policy], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    /// The number of the policy that a report says was published, see [`policy`](Self::policy).
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn policy_of(&self, report: i64) -> Result<i64> {
        Ok(self
            .connection
            .prepare_cached("SELECT policy FROM report WHERE id = ?1")?
            .query_row([report], |row| row.get(0))?)
    }

    /// Reads names by their numbers.
    #[must_use]
    pub fn names(&self) -> NameReader<'_> {
        NameReader::new(&self.connection)
    }
}
