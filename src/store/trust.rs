//! Which reports are believed, and whose they are: what their mails were found to be.
//!
//! A report that was seen in mails that failed DMARC only, or in such as passed for somebody who uses another's name, counts
//! for nothing. The best of its mails decides, however often somebody sends it otherwise; and who reports is the domain that
//! this mail passed for (see [`reporter`](crate::reporter)).

use std::cmp::Reverse;

use rusqlite::{Connection, params};
use rustc_hash::FxHashSet;

use super::names::Names;
use super::same_identity::{self, Stored};
use super::totals::Deltas;
use super::{DigestKey, Result, Store};
use crate::domain;
use crate::mail::Authenticity;
use crate::report::period::Day;
use crate::reporter::{self, Naming};

/// What is known of the mails that a report came in, the worst first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    /// All that were checked failed DMARC: the report counts for nothing.
    Failed,
    /// One of them passed, for somebody who uses the name of a great reporter: the report counts for nothing.
    Misnamed,
    /// One of them was not checked, or it passed for a domain that does not say who reports.
    #[default]
    Unchecked,
    /// One of them passed, for the domain that the reporter goes by.
    Passed,
}

impl Trust {
    /// In the order of their numbers in the database.
    const ALL: [Trust; 4] = [Trust::Unchecked, Trust::Failed, Trust::Passed, Trust::Misnamed];

    /// In one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Trust::Failed => "failed",
            Trust::Misnamed => "misnamed",
            Trust::Unchecked => "unchecked",
            Trust::Passed => "passed",
        }
    }

    /// Whether the report counts.
    #[must_use]
    pub fn is_believed(self) -> bool {
        self >= Trust::Unchecked
    }

    /// As the database holds it.
    pub(super) fn number(self) -> i64 {
        Self::ALL.iter().position(|one| *one == self).map_or(0, |at| at as i64)
    }

    pub(super) fn from_number(number: i64) -> Self {
        usize::try_from(number).ok().and_then(|at| Self::ALL.get(at)).copied().unwrap_or_default()
    }

    /// What stands with the records of a report that counts: whether they are known to be the reporter's.
    pub(super) fn counted(self) -> i64 {
        if self == Trust::Passed { CHECKED } else { 1 }
    }
}

/// What stands with the records of a report that counts and passed.
pub(super) const CHECKED: i64 = 2;

/// For conditions in SQL: reports that are believed, and were not taken away.
pub(super) const BELIEVED: &str = "trust IN (0, 2) AND NOT dropped";

impl From<&Authenticity> for Trust {
    fn from(authenticity: &Authenticity) -> Self {
        match authenticity {
            Authenticity::Unchecked => Trust::Unchecked,
            Authenticity::Failed(_) => Trust::Failed,
            Authenticity::Passed(_) => Trust::Passed,
        }
    }
}

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

/// Who reports, and whether that is believed: by the name that a report gives its reporter, what its mail was found to be, and
/// the domain that it is about.
#[must_use]
pub fn who_reports(label: &str, authenticity: &Authenticity, policy_domain: &str) -> (String, Trust) {
    if let Authenticity::Passed(Some(domain)) = authenticity {
        let (name, naming) = reporter::name(label, domain, policy_domain);
        let trust = match naming {
            Naming::Vouched => Trust::Passed,
            Naming::Unvouched => Trust::Unchecked,
            Naming::Misused => Trust::Misnamed,
        };
        return (name, trust);
    }
    let trust = match authenticity {
        Authenticity::Failed(_) => Trust::Failed,
        // Who passed, and says not for which domain, is nobody.
        _ => Trust::Unchecked,
    };
    (reporter::plain(label).into_owned(), trust)
}

/// The better of two: what is believed more; of equals the name without a remark, then the first.
pub(super) fn better(left: (String, Trust), right: (String, Trust)) -> (String, Trust) {
    let rank = |(name, trust): &(String, Trust)| (*trust, Reverse(name.clone()));
    if rank(&right) > rank(&left) { right } else { left }
}

/// Who reports and whether that is believed, by all mails in which a report was seen.
pub(super) fn by_sightings(connection: &Connection, report: i64) -> Result<(String, Trust)> {
    let mut select = connection.prepare_cached(
        "SELECT reporter.text, policy.text FROM report
         JOIN name reporter ON reporter.id = report.reporter JOIN name policy ON policy.id = report.domain
         WHERE report.id = ?1",
    )?;
    let (name, policy_domain): (String, String) = select.query_row([report], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut select = connection.prepare_cached(
        "SELECT DISTINCT dmarc, text FROM sighting LEFT JOIN name ON name.id = dmarc_domain WHERE report = ?1",
    )?;
    let mut rows = select.query([report])?;
    let mut best: Option<(String, Trust)> = None;
    while let Some(row) = rows.next()? {
        let domain: Option<String> = row.get(1)?;
        let authenticity = match Trust::from_number(row.get(0)?) {
            Trust::Passed => Authenticity::Passed(domain),
            Trust::Failed => Authenticity::Failed(domain),
            Trust::Misnamed | Trust::Unchecked => Authenticity::Unchecked,
        };
        let found = who_reports(reporter::label(&name), &authenticity, &policy_domain);
        best = Some(match best {
            Some(best) => better(best, found),
            None => found,
        });
    }
    Ok(best.unwrap_or((name, Trust::Unchecked)))
}

/// Lets a report be whose it is by all its mails, and be believed as far as they say: true where that is news. It then counts
/// for nothing until the reports of its identity are settled. Part of the batch's transaction.
pub(super) fn judge(connection: &Connection, report: i64, deltas: &mut Deltas) -> Result<bool> {
    let (name, trust) = by_sightings(connection, report)?;
    let reporter = Names::default().id(connection, &name)?;
    let mut stored = Stored::load(connection, report)?;
    if (stored.reporter, stored.trust) == (reporter, trust) {
        return Ok(false);
    }
    stored.count(connection, false, deltas)?;
    connection.prepare_cached("UPDATE report SET trust = ?2, reporter = ?3 WHERE id = ?1")?.execute(params![
        report,
        trust.number(),
        reporter
    ])?;
    if stored.reporter != reporter {
        connection
            .prepare_cached("UPDATE record_run SET reporter = ?3 WHERE day = ?1 AND report = ?2")?
            .execute(params![stored.day, report, reporter])?;
    }
    Ok(true)
}

/// Judges all reports anew, for databases of a version that believed any domain any name.
pub(super) fn judge_all(connection: &Connection) -> Result<()> {
    let key = DigestKey::load(connection)?;
    let mut deltas = Deltas::default();
    let mut select = connection.prepare("SELECT id, logical FROM report WHERE trust <> 0 ORDER BY id")?;
    let mut reports = select.query([])?;
    let mut unsettled: FxHashSet<u128> = FxHashSet::default();
    while let Some(row) = reports.next()? {
        let report: i64 = row.get(0)?;
        if judge(connection, report, &mut deltas)? {
            unsettled.insert(row.get(1).map(u128::from_be_bytes)?);
        }
    }
    for identity in unsettled {
        same_identity::settle(connection, key, &[], identity, &mut deltas)?;
    }
    deltas.flush(connection)?;
    connection.execute(
        "UPDATE record_run SET counted = ?1 WHERE counted = 1 AND report IN (SELECT id FROM report WHERE trust = ?2)",
        params![CHECKED, Trust::Passed.number()],
    )?;
    Ok(())
}

impl Store {
    /// Of the owner's reports that count in these days, by policy domain how many passed, and how many nobody checked; on
    /// policy domains at or below `domains`, or on all.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn checked_reports(&self, first: Day, last: Day, domains: &[String]) -> Result<Vec<CheckedReports>> {
        let mut select = self.connection.prepare_cached(
            "SELECT domain, text, SUM(checked), SUM(reports - checked), reporter FROM day_total JOIN name ON name.id = domain
             WHERE day BETWEEN ?1 AND ?2 GROUP BY domain, reporter ORDER BY text",
        )?;
        let mut rows = select.query([first, last])?;
        let (mut answered, mut found) = (self.answered(), Vec::<CheckedReports>::new());
        while let Some(row) = rows.next()? {
            let domain: String = row.get(1)?;
            if !answered.has(row.get(0)?, row.get(4)?)? || !domain::is_among(&domain, domains) {
                continue;
            }
            let number = |at| row.get::<_, i64>(at).map(i64::unsigned_abs);
            let (checked, unchecked) = (number(2)?, number(3)?);
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
            "SELECT domain, reporter, COUNT(*) FROM report WHERE trust NOT IN (0, 2) AND NOT dropped GROUP BY domain, reporter",
            |answered, domain, reporter| answered.has(domain, reporter),
        )
    }
}
