//! The summary by day, domain and reporter, and which periods of the memory it outdates.

use std::collections::BTreeSet;

use super::engine::{Connection, params};
use rustc_hash::FxHashMap;

use super::interner::NameReader;
use super::memory::Span;
use super::new_report::Totals;
use super::runs::REPORT;
use super::trust::Trust;
use super::values::{number, to_column};
use super::{Result, Store};
use crate::report::period::{DAY, Day, LONG, Period};

/// Sums stop here: the largest whole number that all who read JSON understand.
const LARGEST_SUM: u64 = 1 << 53;

/// Who reported on which days.
const DAYS_REPORTED: &str =
    "SELECT day, domain, reporter, messages, reports, checked FROM day_total WHERE day BETWEEN ?1 AND ?2
     ORDER BY day, domain, reporter";
/// Reports that may be no evidence of now. All others end a day after the one that they count on at the latest.
const LONG_PERIODS: &str = "SELECT day, domain, reporter, begin_time, end_time, messages FROM report
     WHERE end_time - begin_time > 172800 AND day BETWEEN ?1 AND ?2 AND counted <> 0";

/// By day, domain and reporter how many reports, and their messages.
type StaleReports = FxHashMap<(Day, i64, i64), (u64, u64)>;

/// What changes in the summary with a batch.
#[derive(Debug, Default)]
pub(super) struct Deltas {
    by_key: FxHashMap<(Day, i64, i64), [i64; 7]>,
    /// Periods of the memory whose records have changed.
    changed: BTreeSet<Span>,
}

impl Deltas {
    /// Adds a report, or with `sign` −1 takes it away.
    pub(super) fn add(&mut self, day: Day, domain: i64, reporter: i64, totals: &Totals, trust: Trust, sign: i64) {
        self.change(day);
        let sums = self.by_key.entry((day, domain, reporter)).or_default();
        let checked = u64::from(trust == Trust::Passed);
        let added =
            [1, checked, totals.records, totals.messages, totals.dmarc_pass, totals.dkim_aligned, totals.spf_aligned];
        for (sum, value) in sums.iter_mut().zip(added) {
            *sum = sum.saturating_add(sign * to_column(value));
        }
    }

    /// Notes that records of a day say something else than before, or are others.
    pub(super) fn change(&mut self, day: Day) {
        self.changed.insert(Span::of(day));
    }

    /// Writes the changes; part of the batch's transaction.
    pub(super) fn flush(&mut self, connection: &Connection) -> Result<()> {
        let mut upsert = connection.prepare(
            "INSERT INTO day_total (day, domain, reporter, reports, checked, records, messages, dmarc_pass, dkim_aligned, spf_aligned)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (day, domain, reporter) DO UPDATE SET
                reports = day_total.reports + excluded.reports, checked = day_total.checked + excluded.checked,
                records = day_total.records + excluded.records,
                messages = CASE WHEN CAST(day_total.messages AS NUMERIC) + excluded.messages < 9007199254740992
                    THEN day_total.messages + excluded.messages ELSE 9007199254740992 END,
                dmarc_pass = CASE WHEN CAST(day_total.dmarc_pass AS NUMERIC) + excluded.dmarc_pass < 9007199254740992
                    THEN day_total.dmarc_pass + excluded.dmarc_pass ELSE 9007199254740992 END,
                dkim_aligned = CASE WHEN CAST(day_total.dkim_aligned AS NUMERIC) + excluded.dkim_aligned < 9007199254740992
                    THEN day_total.dkim_aligned + excluded.dkim_aligned ELSE 9007199254740992 END,
                spf_aligned = CASE WHEN CAST(day_total.spf_aligned AS NUMERIC) + excluded.spf_aligned < 9007199254740992
                    THEN day_total.spf_aligned + excluded.spf_aligned ELSE 9007199254740992 END",
        )?;
        debug_assert_eq!(LARGEST_SUM, 9_007_199_254_740_992);
        for ((day, domain, reporter), sums) in self.by_key.drain() {
            let [reports, checked, records, messages, pass, dkim, spf] = sums;
            upsert.write(params![day, domain, reporter, reports, checked, records, messages, pass, dkim, spf])?;
        }
        connection.prepare("DELETE FROM day_total WHERE reports = 0")?.write(())?;
        std::mem::take(&mut self.changed).into_iter().try_for_each(|period| period.forget(connection))?;
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
        let mut statement = self.connection.prepare(
            "SELECT day, domain, reporter, reports, checked, records, messages, dmarc_pass, dkim_aligned, spf_aligned
             FROM day_total WHERE day BETWEEN ?1 AND ?2 ORDER BY day, domain, reporter",
        )?;
        let mut rows = statement.query([first, last])?;
        let (mut totals, mut answered) = (Vec::new(), self.answered());
        while let Some(row) = rows.next()? {
            let number = |at| row.get::<i64>(at).map(|value| u64::try_from(value).unwrap_or(0).min(LARGEST_SUM));
            let (domain, reporter) = (row.get(1)?, row.get(2)?);
            if !answered.has(domain, reporter)? {
                continue;
            }
            totals.push(DayTotal {
                day: row.get(0)?,
                domain: names.text(domain)?.to_owned(),
                reporter: names.text(reporter)?.to_owned(),
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

    /// Shows by day who reported on which domain of the owner's, from `first` to `last`. Reports that are no evidence of `now`
    /// (see [`Period::is_evidence_of_now`]) are left out.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn days_reported(&self, first: Day, last: Day, now: i64, visit: &mut dyn FnMut(DayReported)) -> Result<()> {
        self.connection.ask_together(&[(LONG_PERIODS, params![first, last]), (DAYS_REPORTED, params![first, last])])?;
        let stale = self.stale_reports(first, last, now)?;
        let mut statement = self.connection.prepare(DAYS_REPORTED)?;
        let mut rows = statement.query([first, last])?;
        let mut answered = self.answered();
        while let Some(row) = rows.next()? {
            let mut found = DayReported {
                day: row.get(0)?,
                domain: row.get(1)?,
                reporter: row.get(2)?,
                messages: number(row, 3)?,
                checked: number(row, 5)? > 0,
            };
            let (reports, messages) =
                stale.get(&(found.day, found.domain, found.reporter)).copied().unwrap_or_default();
            if number(row, 4)? > reports && answered.has(found.domain, found.reporter)? {
                found.messages = found.messages.saturating_sub(messages);
                visit(found);
            }
        }
        Ok(())
    }

    /// By day, domain and reporter how many reports are no evidence of a moment, and their messages.
    fn stale_reports(&self, first: Day, last: Day, now: i64) -> Result<StaleReports> {
        let mut select = self.connection.prepare(LONG_PERIODS)?;
        debug_assert_eq!(LONG, 172_800);
        let mut rows = select.query([first, last])?;
        let mut found = StaleReports::default();
        while let Some(row) = rows.next()? {
            if !(Period { begin: row.get(3)?, end: row.get(4)? }).is_evidence_of_now(now) {
                let sum = found.entry((row.get(0)?, row.get(1)?, row.get(2)?)).or_default();
                sum.0 += 1;
                sum.1 = sum.1.saturating_add(row.get::<i64>(5)?.unsigned_abs());
            }
        }
        Ok(found)
    }

    /// The end of the owner's newest report that counts, in seconds since the epoch, as of `now`: of reports that are evidence
    /// of it (see [`Period::is_evidence_of_now`]).
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn newest_report(&self, now: i64) -> Result<Option<i64>> {
        // A report of the last days is the newest; long periods that count earlier may end later, so look back as far as half of
        // the longest.
        const BACK: Day = 16;
        let mut latest = self.connection.prepare(
            "SELECT MAX(day) FROM record_run WHERE day <= ?1 AND part = 0 AND counted <> 0 AND report <= ?2",
        )?;
        let mut select = self.connection.prepare(
            "SELECT day, domain, reporter, report FROM record_run
             WHERE day BETWEEN ?1 AND ?2 AND part = 0 AND counted <> 0 AND report <= ?3 ORDER BY day DESC",
        )?;
        let mut periods = self.connection.prepare(REPORT)?;
        let readable = self.connection.newest_readable();
        let (mut answered, mut newest) = (self.answered(), None::<(Day, i64)>);
        let is_behind = |newest: Option<(Day, i64)>, day: Day| newest.is_some_and(|(last, _)| day < last - BACK);
        // The newest is mostly of the last days.
        let mut last = Day::try_from(now.div_euclid(DAY)).unwrap_or(Day::MAX);
        loop {
            let first = last.saturating_sub(2 * BACK);
            let mut rows = select.query(params![first, last, readable])?;
            while let Some(row) = rows.next()? {
                let day = row.get(0)?;
                if is_behind(newest, day) {
                    break;
                }
                let mut found = periods.query([row.get::<i64>(3)?])?;
                let Some(period) = found.next()? else { continue };
                let period = Period { begin: period.get(0)?, end: period.get(1)? };
                if period.is_evidence_of_now(now) && answered.has(row.get(1)?, row.get(2)?)? {
                    newest = Some(newest.map_or((day, period.end), |(last, newest)| (last, newest.max(period.end))));
                }
            }
            if is_behind(newest, first.saturating_sub(1)) {
                break;
            }
            let before: Option<Day> = latest.query_row(params![i64::from(first) - 1, readable], |row| row.get(0))?;
            let Some(before) = before.filter(|&day| !is_behind(newest, day)) else { break };
            last = before;
        }
        Ok(newest.map(|(_, end)| end))
    }
}

/// What a reporter said of a day on a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayReported {
    /// The UTC day.
    pub day: Day,
    /// The policy domain, see [`Store::names`].
    pub domain: i64,
    /// The reporter, see [`Store::names`].
    pub reporter: i64,
    /// Messages.
    pub messages: u64,
    /// A report passed.
    pub checked: bool,
}
