//! Which reports are believed: what their mails were found to be.
//!
//! A report that was seen in mails that failed DMARC, and in none that passed, counts for nothing. Seen in one that
//! passed it counts, however often somebody sends it otherwise.

use rusqlite::{Connection, params};

use super::incoming::Totals;
use super::totals::Deltas;
use super::{DigestKey, Result, Store, siblings};
use crate::domain::is_within;
use crate::mail::Authenticity;
use crate::report::period::Day;

/// What is known of the mails that a report came in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    /// None of them was checked.
    #[default]
    Unchecked,
    /// All that were checked failed DMARC: the report counts for nothing.
    Failed,
    /// One of them passed.
    Passed,
}

impl Trust {
    const ALL: [Trust; 3] = [Trust::Unchecked, Trust::Failed, Trust::Passed];

    /// In one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Trust::Unchecked => "unchecked",
            Trust::Failed => "failed",
            Trust::Passed => "passed",
        }
    }

    /// As the database holds it.
    pub(super) fn number(self) -> i64 {
        self as i64
    }

    pub(super) fn from_number(number: i64) -> Self {
        usize::try_from(number).ok().and_then(|at| Self::ALL.get(at)).copied().unwrap_or_default()
    }
}

impl From<&Authenticity> for Trust {
    fn from(authenticity: &Authenticity) -> Self {
        match authenticity {
            Authenticity::Unchecked => Trust::Unchecked,
            Authenticity::Failed(_) => Trust::Failed,
            Authenticity::Passed(_) => Trust::Passed,
        }
    }
}

/// Notes that a report which is stored was seen again, in a mail of which this is known. Part of the batch's transaction.
pub(super) fn seen_again(
    connection: &Connection,
    key: DigestKey,
    report: i64,
    seen: Trust,
    deltas: &mut Deltas,
) -> Result<()> {
    let mut select = connection.prepare_cached(
        "SELECT logical, day, domain, reporter, records, messages, dmarc_pass, dkim_aligned, spf_aligned, counted, trust
         FROM report WHERE id = ?1",
    )?;
    let (logical, day, domain, reporter, totals, counted, before) = select.query_row([report], |row| {
        let number = |at| row.get::<_, i64>(at).map(i64::unsigned_abs);
        let totals = Totals {
            records: number(4)?,
            messages: number(5)?,
            dmarc_pass: number(6)?,
            dkim_aligned: number(7)?,
            spf_aligned: number(8)?,
        };
        let logical: Vec<u8> = row.get(0)?;
        let counted: bool = row.get(9)?;
        let before = Trust::from_number(row.get(10)?);
        Ok((logical, row.get::<_, Day>(1)?, row.get::<_, i64>(2)?, row.get::<_, i64>(3)?, totals, counted, before))
    })?;
    if seen <= before {
        return Ok(());
    }
    // Taken out as what it was, and put in again, with the others of its identity, as what it is.
    if counted {
        deltas.add(day, domain, reporter, &totals, before, -1);
    }
    connection
        .prepare_cached("UPDATE report SET trust = ?2, counted = 0 WHERE id = ?1")?
        .execute(params![report, seen.number()])?;
    connection
        .prepare_cached("UPDATE record_run SET counted = 0 WHERE day = ?1 AND report = ?2")?
        .execute(params![day, report])?;
    let logical = u128::from_be_bytes(logical.as_slice().try_into().unwrap_or_default());
    siblings::settle(connection, key, logical, deltas)
}

impl Store {
    /// How many of the reports that count in these days nobody checked; on policy domains at or below `domains`, or on all.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn unchecked_reports(&self, first: Day, last: Day, domains: &[String]) -> Result<u64> {
        let mut select = self.connection.prepare_cached(
            "SELECT text, SUM(reports - checked) FROM day_total JOIN name ON name.id = domain
             WHERE day BETWEEN ?1 AND ?2 GROUP BY text",
        )?;
        let mut rows = select.query([first, last])?;
        let mut unchecked = 0;
        while let Some(row) = rows.next()? {
            let domain: String = row.get(0)?;
            if domains.is_empty() || domains.iter().any(|asked| is_within(&domain, asked)) {
                unchecked += row.get::<_, i64>(1)?.unsigned_abs();
            }
        }
        Ok(unchecked)
    }

    /// How many reports are kept apart because their mail failed DMARC.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn untrusted_reports(&self) -> Result<u64> {
        let sql = "SELECT COUNT(*) FROM report WHERE trust = ?1";
        Ok(self.connection.query_row(sql, [Trust::Failed.number()], |row| row.get::<_, i64>(0))?.unsigned_abs())
    }
}
