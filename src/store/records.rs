//! Records for export: report by report, in the order of days, each with all that the report says.
//!
//! A reader asks for one thing at a time and holds no statement open in between, so that several can go through one
//! database at once, and what one needs does not grow with the records.

use super::engine::{Optional, params};

use super::interner::NameCache;
use super::reports::{ReportHead, ReportSummary};
use super::trust::{BELIEVED, CHECKED};
use super::values::{number, policy};
use super::{Result, Store};
use crate::alignment::Outcome;
use crate::domain;
use crate::report::PolicyPublished;
use crate::report::period::Day;
use crate::reporter;

/// Where a report stands in the order of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReportPlace {
    /// The day it counts on.
    pub day: Day,
    /// Its number.
    pub report: i64,
}

impl ReportPlace {
    /// Before all reports of a day.
    #[must_use]
    pub fn before(day: Day) -> Self {
        ReportPlace { day, report: i64::MIN }
    }
}

/// What stands with the runs of a report that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountedReport {
    /// Where it stands.
    pub place: ReportPlace,
    /// Who reports, see [`Store::names`].
    pub reporter: i64,
    /// The policy domain, see [`Store::names`].
    pub domain: i64,
    /// Its mail passed DMARC for the domain that the reporter goes by.
    pub checked: bool,
}

/// A policy that reports found published on a domain.
#[derive(Debug, Clone)]
pub struct PublishedPolicy {
    /// The domain.
    pub domain: String,
    /// The policy, as written.
    pub policy: PolicyPublished,
    /// The first day of a report that found it.
    pub first: Day,
    /// The last.
    pub last: Day,
    /// How many reports did.
    pub reports: u64,
    /// Of how many reporters.
    pub reporters: u64,
}

impl Store {
    /// The next report that counts after a place, up to the day `last`; of domains that are the owner's, where it is known
    /// which those are.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn counted_after(&self, after: ReportPlace, last: Day, names: &mut NameCache) -> Result<Option<CountedReport>> {
        let mut select = self.connection.prepare(
            "SELECT day, report, reporter, domain, counted FROM record_run
             WHERE (day, report) > (?1, ?2) AND day <= ?3 AND part = 0 AND counted <> 0 AND report <= ?4
             ORDER BY day, report LIMIT 1",
        )?;
        let mut place = after;
        loop {
            let found = select
                .query_row(params![place.day, place.report, last, self.connection.newest_readable()], |row| {
                    Ok(CountedReport {
                        place: ReportPlace { day: row.get(0)?, report: row.get(1)? },
                        reporter: row.get(2)?,
                        domain: row.get(3)?,
                        checked: row.get::<i64>(4)? == CHECKED,
                    })
                })
                .optional()?;
            let Some(found) = found else { return Ok(None) };
            if self.is_shown(&found, names)? {
                return Ok(Some(found));
            }
            place = found.place;
        }
    }

    /// The same for one report, if it counts.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn counted_at(&self, place: ReportPlace, names: &mut NameCache) -> Result<Option<CountedReport>> {
        let before = ReportPlace { report: place.report - 1, ..place };
        Ok(self.counted_after(before, place.day, names)?.filter(|found| found.place == place))
    }

    /// Whether any report counts on the days from `first` to `last`.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn has_counted(&self, first: Day, last: Day) -> Result<bool> {
        Ok(self.counted_after(ReportPlace::before(first), last, &mut NameCache::default())?.is_some())
    }

    /// The next report after a place, up to the day `last`, whether it counts or not.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn report_after(&self, after: ReportPlace, last: Day) -> Result<Option<ReportPlace>> {
        Ok(self
            .connection
            .prepare(
                "SELECT day, report FROM record_run WHERE (day, report) > (?1, ?2) AND day <= ?3 AND part = 0 AND report <= ?4
                 ORDER BY day, report LIMIT 1",
            )?
            .query_row(params![after.day, after.report, last, self.connection.newest_readable()], |row| {
                Ok(ReportPlace { day: row.get(0)?, report: row.get(1)? })
            })
            .optional()?)
    }

    fn is_shown(&self, report: &CountedReport, names: &mut NameCache) -> Result<bool> {
        if self.checked_only && !report.checked {
            return Ok(false);
        }
        if self.owner_domains.is_empty() && self.ignored.is_empty() {
            return Ok(true);
        }
        names.with(&self.connection, |names| {
            let owned = domain::is_owners(names.text(report.domain)?, &self.owner_domains);
            let reporter = if self.ignored.is_empty() { "" } else { names.text(report.reporter)? };
            Ok(owned && !reporter::is_among(reporter, &self.ignored))
        })
    }

    /// A run of the records of a report, see [`rows`](crate::rows), by its number from 0.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn run_of(&self, place: ReportPlace, part: i64) -> Result<Option<Vec<u8>>> {
        Ok(self
            .connection
            .prepare("SELECT rows FROM record_run WHERE day = ?1 AND report = ?2 AND part = ?3")?
            .query_row(params![place.day, place.report, part], |row| row.get(0))
            .optional()?)
    }

    /// What a report says besides its records.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn report_head(&self, summary: ReportSummary) -> Result<ReportHead> {
        let report = summary.id;
        Ok(self
            .connection
            .prepare(
                "SELECT contact.text, generator.text, version.text, namespace.text, errors.text FROM report
                 LEFT JOIN name contact ON contact.id = report.extra_contact_info
                 LEFT JOIN name generator ON generator.id = report.generator
                 LEFT JOIN name version ON version.id = report.version
                 LEFT JOIN name namespace ON namespace.id = report.namespace
                 LEFT JOIN name errors ON errors.id = report.errors
                 WHERE report.id = ?1",
            )?
            .query_row([report], |row| {
                Ok(ReportHead {
                    summary,
                    extra_contact_info: row.get(0)?,
                    generator: row.get(1)?,
                    version: row.get(2)?,
                    namespace: row.get(3)?,
                    errors: row.get(4)?,
                })
            })?)
    }

    /// The policies that reports which count found published on the days from `first` to `last`, by domain and first day.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn published_policies(&self, first: Day, last: Day) -> Result<Vec<PublishedPolicy>> {
        // No name has the number −1; a list may not be empty.
        let mut ignored = self.ignored_reporters()?;
        ignored.push(-1);
        let ignored = ignored.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        let mut select = self.connection.prepare(&format!(
            "SELECT name.text, p, sp, np, adkim, aspf, pct, fo, testing, discovery_method, MIN(day), MAX(day), COUNT(*),
                COUNT(DISTINCT reporter)
             FROM report JOIN policy ON policy.id = report.policy JOIN name ON name.id = report.domain
             WHERE day BETWEEN ?1 AND ?2 AND counted <> 0 AND {BELIEVED} AND reporter NOT IN ({ignored})
             GROUP BY name.id, policy.id ORDER BY name.text, MIN(day), policy.id"
        ))?;
        let mut rows = select.query([first, last])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let domain: String = row.get(0)?;
            if !domain::is_owners(&domain, &self.owner_domains) {
                continue;
            }
            found.push(PublishedPolicy {
                domain: domain.clone(),
                policy: policy(row, 1, Some(domain))?,
                first: row.get(10)?,
                last: row.get(11)?,
                reports: number(row, 12)?,
                reporters: number(row, 13)?,
            });
        }
        Ok(found)
    }

    /// An outcome in full, with the names that the caller keeps.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn outcome(&self, id: u64, names: &mut NameCache) -> Result<Outcome> {
        names.with(&self.connection, |names| self.outcome_with(id, names))
    }
}

impl NameCache {
    /// Whether a name is this text.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn is(&mut self, store: &Store, name: i64, text: &str) -> Result<bool> {
        self.with(&store.connection, |names| Ok(names.text(name)? == text))
    }
}
