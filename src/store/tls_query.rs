//! Reading stored SMTP TLS reports.

use super::engine::{self, params};

use super::trust::Trust;
use super::values::number;
use super::{Result, Store};
use crate::domain;
use crate::report::period::Day;

/// What a report says of one policy. Names go by their numbers, see [`Store::names`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSessions {
    /// The report.
    pub report: i64,
    /// The UTC day it counts on.
    pub day: Day,
    /// Who reports.
    pub reporter: i64,
    /// Whether one of its mails passed DMARC.
    pub checked: bool,
    /// The policy domain.
    pub domain: i64,
    /// `policy-type`.
    pub policy_type: Option<i64>,
    /// `policy-string`, a line each.
    pub policy_string: Option<i64>,
    /// `mx-host`, a line each.
    pub mx_host: Option<i64>,
    /// Sessions that went well.
    pub successful: u64,
    /// Sessions that failed.
    pub failed: u64,
    /// What is told of the failures.
    pub failures: Vec<TlsFailures>,
}

/// Sessions that failed for one reason. Names go by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlsFailures {
    /// `result-type`.
    pub result_type: Option<i64>,
    /// `receiving-mx-hostname`.
    pub mx_host: Option<i64>,
    /// `receiving-ip`.
    pub receiving_ip: Option<i64>,
    /// `failure-reason-code`.
    pub reason_code: Option<i64>,
    /// `additional-information`.
    pub information: Option<i64>,
    /// How many.
    pub sessions: u64,
}

/// A TLS report in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsReportRow {
    /// Its number in this database.
    pub id: i64,
    /// The UTC day it counts on.
    pub day: Day,
    /// Beginning of its period, in seconds since the epoch.
    pub begin: i64,
    /// End of its period.
    pub end: i64,
    /// Who reports, in lower case.
    pub reporter: String,
    /// `organization-name` as written.
    pub org_name: Option<String>,
    /// `contact-info` as written.
    pub contact: Option<String>,
    /// The id that the reporter gave it, empty where it gave none.
    pub report_id: String,
    /// The domains that it is about, in alphabetical order.
    pub domains: Vec<String>,
    /// Sessions that went well.
    pub successful: u64,
    /// Sessions that failed.
    pub failed: u64,
    /// What is known of the mails it came in.
    pub trust: Trust,
    /// Whether it counts.
    pub counted: bool,
    /// None of its domains is the owner's.
    pub foreign: bool,
    /// Where it was seen first.
    pub location: String,
}

/// Those of one policy, of all that a report tells in the order of its policies.
fn of_policy(told: &[(i64, TlsFailures)], policy: i64) -> Vec<TlsFailures> {
    let from = told.partition_point(|(one, _)| *one < policy);
    told[from..].iter().take_while(|(one, _)| *one == policy).map(|(_, failures)| *failures).collect()
}

impl Store {
    /// Shows what the reports that count on the days from `first` to `last` say of the owner's domains, in the order of their
    /// days; with what is told of failures where that is wanted.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn tls_sessions(
        &self,
        first: Day,
        last: Day,
        with_failures: bool,
        visit: &mut dyn FnMut(TlsSessions),
    ) -> Result<()> {
        let mut select = self.connection.prepare(
            "SELECT day, id, reporter, trust, domain, policy_type, policy_string, mx_host, successful, failed, number
             FROM tls_report JOIN tls_policy ON report = id
             WHERE counted <> 0 AND day BETWEEN ?1 AND ?2 ORDER BY day, id, number",
        )?;
        let mut rows = select.query(params![first, last])?;
        let mut owned = self.answered();
        // Those of the last report, whose policies adjoin.
        let mut told: (Option<i64>, Vec<(i64, TlsFailures)>) = (None, Vec::new());
        while let Some(row) = rows.next()? {
            let (report, domain) = (row.get(1)?, row.get(4)?);
            if !owned.has(domain, row.get(2)?)? {
                continue;
            }
            if with_failures && told.0 != Some(report) {
                told = (Some(report), self.tls_failures(report)?);
            }
            let failed = number(row, 9)?;
            visit(TlsSessions {
                report,
                day: row.get(0)?,
                reporter: row.get(2)?,
                checked: Trust::from_number(row.get(3)?) == Trust::Passed,
                domain,
                policy_type: row.get(5)?,
                policy_string: row.get(6)?,
                mx_host: row.get(7)?,
                successful: number(row, 8)?,
                failed,
                failures: of_policy(&told.1, row.get(10)?),
            });
        }
        Ok(())
    }

    /// What a report tells of failures, each with the number of the policy, in their order. It is looked up by the report alone, so
    /// that a server is asked for many reports at once.
    fn tls_failures(&self, report: i64) -> Result<Vec<(i64, TlsFailures)>> {
        let mut select = self.connection.prepare(
            "SELECT policy, result_type, mx_host, receiving_ip, reason_code, information, sessions FROM tls_failure
             WHERE report = ?1 ORDER BY policy, number",
        )?;
        let found = select.query_map([report], |row| {
            let failures = TlsFailures {
                result_type: row.get(1)?,
                mx_host: row.get(2)?,
                receiving_ip: row.get(3)?,
                reason_code: row.get(4)?,
                information: row.get(5)?,
                sessions: number(row, 6)?,
            };
            Ok((row.get(0)?, failures))
        })?;
        Ok(found.collect::<engine::Result<_>>()?)
    }

    /// The TLS reports of the days from `first` to `last` on these domains and those below them, or on all: newest day first,
    /// whether they count or not.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn tls_reports(&self, first: Day, last: Day, domains: &[String]) -> Result<Vec<TlsReportRow>> {
        let mut select = self.connection.prepare(
            "SELECT tls_report.id, day, begin_time, end_time, reporter.text, org.text, contact.text, report_id, trust, counted,
                location, SUM(successful), SUM(failed), domain.text
             FROM tls_report
             JOIN name reporter ON reporter.id = reporter
             JOIN tls_policy ON report = tls_report.id
             JOIN name domain ON domain.id = domain
             LEFT JOIN name org ON org.id = org_name
             LEFT JOIN name contact ON contact.id = contact
             WHERE day BETWEEN ?1 AND ?2 GROUP BY tls_report.id, reporter.text, org.text, contact.text, domain.text
             ORDER BY day DESC, tls_report.id DESC, domain.text",
        )?;
        let mut rows = select.query(params![first, last])?;
        let mut found: Vec<TlsReportRow> = Vec::new();
        while let Some(row) = rows.next()? {
            let (id, about): (i64, String) = (row.get(0)?, row.get(13)?);
            let foreign = !domain::is_owners(&about, &self.owner_domains);
            if foreign && self.hides_foreign {
                continue;
            }
            if let Some(report) = found.last_mut().filter(|last| last.id == id) {
                report.successful = report.successful.saturating_add(number(row, 11)?);
                report.failed = report.failed.saturating_add(number(row, 12)?);
                report.foreign &= foreign;
                report.domains.push(about);
                continue;
            }
            found.push(TlsReportRow {
                id,
                day: row.get(1)?,
                begin: row.get(2)?,
                end: row.get(3)?,
                reporter: row.get(4)?,
                org_name: row.get(5)?,
                contact: row.get(6)?,
                report_id: row.get(7)?,
                trust: Trust::from_number(row.get(8)?),
                counted: row.get(9)?,
                location: row.get(10)?,
                successful: number(row, 11)?,
                failed: number(row, 12)?,
                foreign,
                domains: vec![about],
            });
        }
        found.retain(|report| report.domains.iter().any(|name| domain::is_among(name, domains)));
        Ok(found)
    }

    /// How many TLS reports there are, and of how many no domain is the owner's.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn count_tls_reports(&self) -> Result<(u64, u64)> {
        let all = self.connection.query_row("SELECT COUNT(*) FROM tls_report", (), |row| number(row, 0))?;
        if !self.has_owner() {
            return Ok((all, 0));
        }
        let mut select = self.connection.prepare("SELECT report, domain FROM tls_policy ORDER BY report")?;
        let mut rows = select.query(())?;
        let (mut owned, mut own, mut last) = (self.answered(), 0, None);
        while let Some(row) = rows.next()? {
            let report: i64 = row.get(0)?;
            if last != Some(report) && owned.is_owners(row.get(1)?)? {
                own += 1;
                last = Some(report);
            }
        }
        Ok((all, all.saturating_sub(own)))
    }

    /// The end of the newest TLS report that counts and is on a domain of the owner's, in seconds since the epoch, as of `now`.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn newest_tls_report(&self, now: i64) -> Result<Option<i64>> {
        let mut select = self.connection.prepare(
            "SELECT MAX(end_time), domain FROM tls_report JOIN tls_policy ON report = id
             WHERE counted <> 0 AND end_time <= ?1 GROUP BY domain",
        )?;
        let mut rows = select.query([now])?;
        let (mut owned, mut newest) = (self.answered(), None);
        while let Some(row) = rows.next()? {
            if owned.is_owners(row.get(1)?)? {
                newest = newest.max(row.get::<Option<i64>>(0)?);
            }
        }
        Ok(newest)
    }
}
