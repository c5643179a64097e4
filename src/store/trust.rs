//! Which reports are believed: what their mails were found to be.
//!
//! A report that was seen in mails that failed DMARC, and in none that passed, counts for nothing. Seen in one that
//! passed it counts, however often somebody sends it otherwise.

use rusqlite::{Connection, params};

use super::same_identity::Stored;
use super::totals::Deltas;
use super::{Result, Store};
use crate::domain;
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

/// For which domain the mails that brought a report passed DMARC.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Voucher {
    /// It is the reporter's own.
    pub(super) own: bool,
    domain: Option<String>,
}

/// Who vouches for a report: the reporter's own domain, where one of its mails passed for that, else the first by name.
/// Only a reporter that goes by the name of a domain is known by it; any other name can be anybody's.
pub(super) fn voucher(connection: &Connection, report: i64) -> Result<Voucher> {
    let mut select = connection.prepare_cached(
        "SELECT domain.text, reporter.text FROM sighting
         JOIN report ON report.id = sighting.report
         JOIN name reporter ON reporter.id = report.reporter
         JOIN name domain ON domain.id = dmarc_domain
         WHERE sighting.report = ?1 AND dmarc = ?2",
    )?;
    let mut rows = select.query(params![report, Trust::Passed.number()])?;
    let mut best: Option<Voucher> = None;
    while let Some(row) = rows.next()? {
        let (domain, reporter): (String, String) = (row.get(0)?, row.get(1)?);
        let own =
            domain::normalize(&reporter).is_some_and(|name| name.contains('.') && domain::aligned(&domain, &name));
        let voucher = Voucher { own, domain: Some(domain) };
        let better = best.as_ref().is_none_or(|best| (!own, &voucher.domain) < (!best.own, &best.domain));
        if better {
            best = Some(voucher);
        }
    }
    Ok(best.unwrap_or_default())
}

/// Notes that a report which is stored was seen again, in a mail of which this is known: true where that is news. It
/// then counts for nothing until the reports of its identity are settled. Part of the batch's transaction.
pub(super) fn seen_again(connection: &Connection, report: i64, seen: Trust, deltas: &mut Deltas) -> Result<bool> {
    let mut stored = Stored::load(connection, report)?;
    if seen <= stored.trust {
        return Ok(false);
    }
    stored.count(connection, false, deltas)?;
    connection.prepare_cached("UPDATE report SET trust = ?2 WHERE id = ?1")?.execute(params![report, seen.number()])?;
    Ok(true)
}

impl Store {
    /// How many of the owner's reports that count in these days nobody checked; on policy domains at or below `domains`, or on all.
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
            if domain::is_among(&domain, domains) && domain::is_owners(&domain, &self.owner_domains) {
                unchecked += row.get::<_, i64>(1)?.unsigned_abs();
            }
        }
        Ok(unchecked)
    }

    /// How many of the owner's reports are kept apart because their mail failed DMARC.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn untrusted_reports(&self) -> Result<u64> {
        let mut select =
            self.connection.prepare_cached("SELECT domain, COUNT(*) FROM report WHERE trust = ?1 GROUP BY domain")?;
        let mut rows = select.query([Trust::Failed.number()])?;
        let (mut owned, mut untrusted) = (self.owned(), 0);
        while let Some(row) = rows.next()? {
            if owned.has(row.get(0)?)? {
                untrusted += row.get::<_, i64>(1)?.unsigned_abs();
            }
        }
        Ok(untrusted)
    }
}
