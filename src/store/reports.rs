//! Reports as they are listed and shown.

use std::io::Read;

use super::engine::{self, Optional, Row, Value, params};

use super::apart::{Answered, Apart};
use super::same_identity::overlaps;
use super::trust::Trust;
use super::values::{blob, number, policy};
use super::{Result, Store, StoreError, bare_id};
use crate::alignment::Outcome;
use crate::domain;
use crate::report::period::Day;
use crate::report::{Irregularity, IrregularityCode, PolicyPublished};
use crate::rows;

/// Which reports to list.
#[derive(Debug, Clone, Default)]
pub struct ReportFilter {
    /// First day.
    pub first: Option<Day>,
    /// Last day.
    pub last: Option<Day>,
    /// Policy domains, each with its subdomains; empty for all.
    pub domains: Vec<String>,
    /// Only reports with irregularities.
    pub irregular: bool,
    /// Those that are kept apart for this reason and no others; else those that are not kept apart.
    pub apart: Option<Apart>,
}

/// A report in a list.
#[derive(Debug, Clone)]
pub struct ReportSummary {
    /// Its number in this database.
    pub id: i64,
    /// `org_name` as written.
    pub org_name: Option<String>,
    /// Who reports, in lower case.
    pub reporter: String,
    /// `email` as written.
    pub email: Option<String>,
    /// The id the reporter gave it.
    pub report_id: String,
    /// The policy domain.
    pub domain: String,
    /// Beginning of the period, in seconds since the epoch.
    pub begin: i64,
    /// End of the period.
    pub end: i64,
    /// The day it counts on.
    pub day: Day,
    /// The policy it found.
    pub policy: PolicyPublished,
    /// Of the form of RFC 9990, as far as can be told.
    pub rfc9990: bool,
    /// Records.
    pub records: u64,
    /// Messages.
    pub messages: u64,
    /// Messages that passed DMARC.
    pub dmarc_pass: u64,
    /// Which of several reports of its identity it is, from 0.
    pub sibling: u64,
    /// Whether it counts.
    pub counted: bool,
    /// The report of its identity that has all of it, where it does not count for that reason.
    pub replaced_by: Option<i64>,
    /// Messages in rows that another report of its identity which counts has too; absent for a report that is the only one
    /// of its identity.
    pub shared: Option<u64>,
    /// What is known of the mails it came in.
    pub trust: Trust,
    /// The owner took it away.
    pub dropped: bool,
    /// Its reporter is ignored.
    pub ignored: bool,
    /// It is on a domain that is not the owner's.
    pub foreign: bool,
    /// What was odd.
    pub irregularities: Vec<Irregularity>,
}

impl ReportSummary {
    /// Why it is kept apart, if it is.
    #[must_use]
    pub fn apart(&self) -> Option<Apart> {
        let reasons = [
            (self.dropped, Apart::Dropped),
            (self.ignored, Apart::Ignored),
            (self.foreign, Apart::Foreign),
            (!self.trust.is_believed(), Apart::Untrusted),
        ];
        reasons.into_iter().find(|(holds, _)| *holds).map(|(_, reason)| reason)
    }
}

/// Where a report was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The input.
    pub location: String,
    /// `Message-ID` of the mail.
    pub message_id: Option<String>,
    /// Whether the mail comes from whom it says.
    pub trust: Trust,
    /// The domain for which it does, or does not.
    pub dmarc_domain: Option<String>,
}

/// A record as shown.
#[derive(Debug, Clone)]
pub struct ReportRow {
    /// The address as text, empty where there was none.
    pub address: String,
    /// Whether it is an address.
    pub is_address: bool,
    /// Messages; absent where the count was unreadable.
    pub count: Option<u64>,
    /// The rest.
    pub outcome: Outcome,
}

/// A report in full, without its records.
#[derive(Debug, Clone)]
pub struct ReportDetail {
    /// What it says of itself.
    pub head: ReportHead,
    /// Where it was seen.
    pub sightings: Vec<Sighting>,
    /// SHA-256 of its bytes.
    pub sha256: Vec<u8>,
    /// How many there were.
    pub size: u64,
    /// Whether they were kept.
    pub raw_kept: bool,
}

const COLUMNS: &str = "report.id, org.text, reporter.text, email.text, report_id, domain.text, begin_time, end_time, report.day,
    p, sp, np, adkim, aspf, pct, fo, testing, discovery_method, rfc9990, records, messages, dmarc_pass, sibling, report.counted,
    report.trust, replaced_by, shared, dropped, report.domain, report.reporter
    FROM report
    JOIN name reporter ON reporter.id = report.reporter
    JOIN name domain ON domain.id = report.domain
    JOIN policy ON policy.id = report.policy
    LEFT JOIN name org ON org.id = report.org_name
    LEFT JOIN name email ON email.id = report.email";

fn summary(row: Row<'_>, answered: &mut Answered<'_>) -> Result<ReportSummary> {
    let domain: String = row.get(5)?;
    Ok(ReportSummary {
        id: row.get(0)?,
        org_name: row.get(1)?,
        reporter: row.get(2)?,
        email: row.get(3)?,
        report_id: row.get(4)?,
        begin: row.get(6)?,
        end: row.get(7)?,
        day: row.get(8)?,
        policy: policy(row, 9, Some(domain.clone()))?,
        dropped: row.get(27)?,
        ignored: answered.is_ignored(row.get(29)?)?,
        foreign: !answered.is_owners(row.get(28)?)?,
        domain,
        rfc9990: row.get(18)?,
        records: number(row, 19)?,
        messages: number(row, 20)?,
        dmarc_pass: number(row, 21)?,
        sibling: number(row, 22)?,
        counted: row.get(23)?,
        trust: Trust::from_number(row.get(24)?),
        replaced_by: row.get(25)?,
        shared: row.get::<Option<i64>>(26)?.map(i64::unsigned_abs),
        irregularities: Vec::new(),
    })
}

impl Store {
    /// How many reports there are, those too that do not count or are not the owner's.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn count_reports(&self) -> Result<u64> {
        let count = self.connection.query_row("SELECT COUNT(*) FROM report", (), |row| row.get::<i64>(0))?;
        Ok(count.unsigned_abs())
    }

    /// Shows the reports of a filter, newest day first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn list_reports(&self, filter: &ReportFilter, visit: &mut dyn FnMut(ReportSummary)) -> Result<()> {
        let mut select = self.connection.prepare(
            "SELECT report FROM record_run WHERE day BETWEEN ?1 AND ?2 AND part = 0 AND report <= ?3
             ORDER BY day DESC, report DESC",
        )?;
        let mut one = self.connection.prepare(&format!("SELECT {COLUMNS} WHERE report.id = ?1"))?;
        let (first, last) = (filter.first.unwrap_or(Day::MIN), filter.last.unwrap_or(Day::MAX));
        let mut found = select.query(params![first, last, self.connection.newest_readable()])?;
        let mut answered = self.answered();
        while let Some(row) = found.next()? {
            let mut rows = one.query([row.get::<i64>(0)?])?;
            let Some(row) = rows.next()? else { continue };
            let mut report = summary(row, &mut answered)?;
            drop(rows);
            if self.hides(&report)
                || !domain::is_among(&report.domain, &filter.domains)
                || filter.apart != report.apart()
            {
                continue;
            }
            report.irregularities = self.irregularities(&report)?;
            if !filter.irregular || !report.irregularities.is_empty() {
                visit(report);
            }
        }
        Ok(())
    }

    /// Whether nothing is to be told of a report.
    fn hides(&self, report: &ReportSummary) -> bool {
        self.hides_foreign && report.foreign
    }

    /// A report as in the list, without irregularities.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn report_summary(&self, report: i64) -> Result<ReportSummary> {
        let mut select = self.connection.prepare(&format!("SELECT {COLUMNS} WHERE report.id = ?1"))?;
        let mut rows = select.query([report])?;
        match rows.next()? {
            Some(row) => summary(row, &mut self.answered()),
            None => Err(engine::Error::NoRow.into()),
        }
    }

    /// The reports that an id means: the number in this database, else the id that the reporter gave.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn find_reports(&self, id: &str) -> Result<Vec<ReportSummary>> {
        let number: Option<i64> = id.parse().ok();
        let (mut answered, mut found) = (self.answered(), Vec::new());
        for (condition, value) in [
            ("report.id = ?1", number.map(Value::Integer)),
            ("report_id IN (?1, '<' || ?1 || '>')", Some(Value::Text(bare_id(id)))),
        ] {
            let Some(value) = value else { continue };
            let mut statement =
                self.connection.prepare(&format!("SELECT {COLUMNS} WHERE {condition} ORDER BY report.id"))?;
            let mut rows = statement.query([value])?;
            while let Some(row) = rows.next()? {
                let mut report = summary(row, &mut answered)?;
                if self.hides(&report) {
                    continue;
                }
                report.irregularities = self.irregularities(&report)?;
                found.push(report);
            }
            if !found.is_empty() {
                break;
            }
        }
        Ok(found)
    }

    /// What was odd about a report: what was noted when it was read, and what it is beside the others that are there now.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn irregularities(&self, report: &ReportSummary) -> Result<Vec<Irregularity>> {
        let mut statement = self
            .connection
            .prepare("SELECT code, detail, count FROM irregularity WHERE report = ?1 ORDER BY number")?;
        let mut rows = statement.query([report.id])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let code: String = row.get(0)?;
            if let Some(code) = IrregularityCode::parse(&code) {
                found.push(Irregularity { code, detail: row.get(1)?, count: number(row, 2)? });
            }
        }
        let beside = |code| Irregularity { code, detail: String::new(), count: 1 };
        if overlaps(&self.connection, report.id)? {
            found.push(beside(IrregularityCode::Overlap));
        }
        if report.shared.is_some() {
            found.push(beside(IrregularityCode::SameIdDifferentContent));
        }
        Ok(found)
    }

    /// All that is known of one report but its records.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn report_detail(&self, summary: ReportSummary) -> Result<ReportDetail> {
        let id = summary.id;
        let mut sightings = Vec::new();
        let mut statement = self.connection.prepare(
            "SELECT name.text || item, message_id, dmarc, domain.text FROM sighting JOIN name ON name.id = folder
             LEFT JOIN name domain ON domain.id = dmarc_domain WHERE report = ?1 ORDER BY 1",
        )?;
        let mut rows = statement.query([id])?;
        while let Some(row) = rows.next()? {
            sightings.push(Sighting {
                location: row.get(0)?,
                message_id: row.get(1)?,
                trust: Trust::from_number(row.get(2)?),
                dmarc_domain: row.get(3)?,
            });
        }
        let head = self.report_head(summary)?;
        let raw: i64 =
            self.connection.prepare("SELECT raw FROM report WHERE id = ?1")?.query_row([id], |row| row.get(0))?;
        let mut select = self.connection.prepare("SELECT sha256, size, bytes IS NOT NULL FROM blob WHERE id = ?1")?;
        Ok(select.query_row([raw], |row| {
            Ok(ReportDetail { head, sightings, sha256: row.get(0)?, size: number(row, 1)?, raw_kept: row.get(2)? })
        })?)
    }

    /// Shows the records of one report, in the report's order.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn report_rows(&self, day: Day, report: i64, visit: &mut dyn FnMut(ReportRow)) -> Result<()> {
        let mut statement =
            self.connection.prepare("SELECT rows FROM record_run WHERE day = ?1 AND report = ?2 ORDER BY part")?;
        let mut runs = statement.query(params![day, report])?;
        while let Some(run) = runs.next()? {
            let bytes = blob(run, 0)?;
            let packed: Option<Vec<_>> = rows::iterate(bytes).collect();
            let packed = packed.ok_or_else(|| StoreError::damaged_records(report))?;
            let mut next = packed.iter();
            self.outcomes(packed.iter().map(|row| row.outcome), &mut |_, outcome| {
                let Some(row) = next.next() else { return };
                let (address, is_address) = match row.address {
                    rows::PackedAddress::Ip(ip) => (ip.to_string(), true),
                    rows::PackedAddress::Text(text) => (text.to_owned(), false),
                };
                visit(ReportRow { address, is_address, count: row.count, outcome });
            })?;
        }
        Ok(())
    }

    /// The bytes of a report as they came, if they were kept.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn raw_report(&self, report: i64) -> Result<Option<Vec<u8>>> {
        let blob: Option<i64> =
            self.connection.query_row("SELECT raw FROM report WHERE id = ?1", [report], |row| row.get(0)).optional()?;
        blob.map_or(Ok(None), |blob| self.blob_bytes(blob))
    }

    /// The bytes behind a number, unpacked if they were packed for keeping.
    pub(super) fn blob_bytes(&self, id: i64) -> Result<Option<Vec<u8>>> {
        let found: Option<(bool, Option<Vec<u8>>)> = self
            .connection
            .prepare("SELECT packed, bytes FROM blob WHERE id = ?1")?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        match found {
            Some((true, Some(packed))) => {
                let mut bytes = Vec::new();
                flate2::read::GzDecoder::new(packed.as_slice())
                    .read_to_end(&mut bytes)
                    .map_err(|error| StoreError::Damaged(format!("stored bytes {id}: {error}")))?;
                Ok(Some(bytes))
            }
            Some((false, bytes)) => Ok(bytes),
            _ => Ok(None),
        }
    }
}

/// What a report says besides its records.
#[derive(Debug, Clone)]
pub struct ReportHead {
    /// As in the list of reports.
    pub summary: ReportSummary,
    /// `extra_contact_info`.
    pub extra_contact_info: Option<String>,
    /// `generator`.
    pub generator: Option<String>,
    /// `version`.
    pub version: Option<String>,
    /// The namespace of the root element.
    pub namespace: Option<String>,
    /// `error`, each on a line.
    pub errors: Option<String>,
}
