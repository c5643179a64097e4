//! How many reports passed, and how many nobody checked.

use super::values::number;
use super::{Result, Store};
use crate::domain;
use crate::report::period::Day;

/// Of the reports on a policy domain those that passed and those that nobody checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedReports {
    /// The policy domain.
    pub domain: String,
    /// Reports that passed.
    pub checked: u64,
    /// Reports that nobody checked.
    pub unchecked: u64,
}

impl Store {
    /// Of the owner's reports that count in these days, by policy domain how many passed, and how many nobody checked; on
    /// policy domains at or below `domains`, or on all.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn checked_reports(&self, first: Day, last: Day, domains: &[String]) -> Result<Vec<CheckedReports>> {
        let mut select = self.connection.prepare(
            "SELECT domain, text, SUM(checked), SUM(reports - checked), reporter FROM day_total JOIN name ON name.id = domain
             WHERE day BETWEEN ?1 AND ?2 GROUP BY domain, text, reporter ORDER BY text",
        )?;
        let mut rows = select.query([first, last])?;
        let (mut answered, mut found) = (self.answered(), Vec::<CheckedReports>::new());
        while let Some(row) = rows.next()? {
            let domain: String = row.get(1)?;
            if !answered.has(row.get(0)?, row.get(4)?)? || !domain::is_among(&domain, domains) {
                continue;
            }
            let (checked, unchecked) = (number(row, 2)?, number(row, 3)?);
            match found.last_mut().filter(|last| last.domain == domain) {
                Some(last) => {
                    last.checked = last.checked.saturating_add(checked);
                    last.unchecked = last.unchecked.saturating_add(unchecked);
                }
                None => found.push(CheckedReports { domain, checked, unchecked }),
            }
        }
        Ok(found)
    }

    /// How many of these nobody checked.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn unchecked_reports(&self, first: Day, last: Day, domains: &[String]) -> Result<u64> {
        Ok(self.checked_reports(first, last, domains)?.iter().map(|one| one.unchecked).sum())
    }

    /// Says whether to leave out of what is asked of records and reports from now on those of which nobody checked who sent
    /// them.
    pub fn leave_out_unchecked(&mut self, leave_out: bool) {
        self.checked_only = leave_out;
    }

    /// How many of the owner's reports are kept apart because their mail failed DMARC, or passed for somebody who uses another's
    /// name.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn untrusted_reports(&self) -> Result<u64> {
        self.count_reports_of(
            "SELECT domain, reporter, COUNT(*) FROM report WHERE trust NOT IN (0, 2) AND dropped = 0 GROUP BY domain, reporter",
            |answered, domain, reporter| answered.has(domain, reporter),
        )
    }
}
