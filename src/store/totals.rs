//! The summary by day, domain and reporter.

use rusqlite::{Connection, params};
use rustc_hash::FxHashMap;

use super::incoming::Totals;
use super::names::NameReader;
use super::trust::Trust;
use super::{Result, Store};
use crate::report::period::Day;

/// What changes in the summary with a batch.
#[derive(Debug, Default)]
pub(super) struct Deltas {
    by_key: FxHashMap<(Day, i64, i64), [i64; 7]>,
}

impl Deltas {
    /// Adds a report, or with `sign` −1 takes it away.
    pub(super) fn add(&mut self, day: Day, domain: i64, reporter: i64, totals: &Totals, trust: Trust, sign: i64) {
        let sums = self.by_key.entry((day, domain, reporter)).or_default();
        let checked = u64::from(trust == Trust::Passed);
        let added =
            [1, checked, totals.records, totals.messages, totals.dmarc_pass, totals.dkim_aligned, totals.spf_aligned];
        for (sum, value) in sums.iter_mut().zip(added) {
            *sum += sign * i64::try_from(value).unwrap_or(i64::MAX);
        }
    }

    /// Writes the changes; part of the batch's transaction.
    pub(super) fn flush(&mut self, connection: &Connection) -> Result<()> {
        let mut upsert = connection.prepare_cached(
            "INSERT INTO day_total (day, domain, reporter, reports, checked, records, messages, dmarc_pass, dkim_aligned, spf_aligned)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (day, domain, reporter) DO UPDATE SET
                reports = reports + excluded.reports, checked = checked + excluded.checked, records = records + excluded.records,
                messages = messages + excluded.messages, dmarc_pass = dmarc_pass + excluded.dmarc_pass,
                dkim_aligned = dkim_aligned + excluded.dkim_aligned, spf_aligned = spf_aligned + excluded.spf_aligned",
        )?;
        for ((day, domain, reporter), sums) in self.by_key.drain() {
            let [reports, checked, records, messages, pass, dkim, spf] = sums;
            upsert.execute(params![day, domain, reporter, reports, checked, records, messages, pass, dkim, spf])?;
        }
        connection.prepare_cached("DELETE FROM day_total WHERE reports = 0")?.execute([])?;
        Ok(())
    }
}

/// One line of the summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayTotal {
    /// The UTC day.
    pub day: Day,
    /// The policy domain.
    pub domain: String,
    /// The reporter.
    pub reporter: String,
    /// Reports that count.
    pub reports: u64,
    /// Those of them whose mail passed DMARC.
    pub checked: u64,
    /// Sums over their records.
    pub totals: Totals,
}

impl Store {
    /// The summary of the owner's reports of the days from `first` to `last`, by day, domain and reporter.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn day_totals(&self, first: Day, last: Day) -> Result<Vec<DayTotal>> {
        let mut names = NameReader::new(&self.connection);
        let mut statement = self.connection.prepare_cached(
            "SELECT day, domain, reporter, reports, checked, records, messages, dmarc_pass, dkim_aligned, spf_aligned
             FROM day_total WHERE day BETWEEN ?1 AND ?2 ORDER BY day, domain, reporter",
        )?;
        let mut rows = statement.query([first, last])?;
        let (mut totals, mut owned) = (Vec::new(), self.owned());
        while let Some(row) = rows.next()? {
            let number = |at| row.get::<_, i64>(at).map(|value| u64::try_from(value).unwrap_or(0));
            let domain = row.get(1)?;
            if !owned.has(domain)? {
                continue;
            }
            totals.push(DayTotal {
                day: row.get(0)?,
                domain: names.text(domain)?.to_owned(),
                reporter: names.text(row.get(2)?)?.to_owned(),
                reports: number(3)?,
                checked: number(4)?,
                totals: Totals {
                    records: number(5)?,
                    messages: number(6)?,
                    dmarc_pass: number(7)?,
                    dkim_aligned: number(8)?,
                    spf_aligned: number(9)?,
                },
            });
        }
        Ok(totals)
    }

    /// Shows by day who reported on which domain of the owner's (see [`Store::names`]), and the messages of it, from `first` to `last`.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn days_reported(&self, first: Day, last: Day, visit: &mut dyn FnMut(Day, i64, i64, u64)) -> Result<()> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT day, domain, reporter, messages FROM day_total WHERE day BETWEEN ?1 AND ?2")?;
        let mut rows = statement.query([first, last])?;
        let mut owned = self.owned();
        while let Some(row) = rows.next()? {
            let domain = row.get(1)?;
            if owned.has(domain)? {
                visit(row.get(0)?, domain, row.get(2)?, u64::try_from(row.get::<_, i64>(3)?).unwrap_or(0));
            }
        }
        Ok(())
    }

    /// The end of the owner's newest report that counts, in seconds since the epoch.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn newest_report(&self) -> Result<Option<i64>> {
        let mut select = self.connection.prepare_cached(
            "SELECT record_run.day, record_run.domain, end_time FROM record_run JOIN report ON report.id = record_run.report
             WHERE record_run.counted AND part = 0 ORDER BY record_run.day DESC",
        )?;
        let mut rows = select.query([])?;
        let mut owned = self.owned();
        let mut newest: Option<(Day, i64)> = None;
        while let Some(row) = rows.next()? {
            let (day, end): (Day, i64) = (row.get(0)?, row.get(2)?);
            // A report of the last days is the newest; long periods that count earlier may end later, so look a week back.
            if newest.is_some_and(|(last, _)| day < last - 7) {
                break;
            }
            if owned.has(row.get(1)?)? {
                newest = Some(newest.map_or((day, end), |(last, newest)| (last, newest.max(end))));
            }
        }
        Ok(newest.map(|(_, end)| end))
    }
}
