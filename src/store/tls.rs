//! Storing SMTP TLS reports.
//!
//! A report is known by its content: read twice, it changes nothing. Reports of one identity (reporter, report id, period and
//! domains) that say different things are all kept, and [`tls_identity`](super::tls_identity) says which of them count.

use std::sync::Arc;

use super::engine::{self, Connection, Optional, params};
use rustc_hash::FxHashMap;

use super::interner::{Interner, NameReader};
use super::new_report::{Arrival, Origin, Raw, bare_id};
use super::trust::{Trust, better};
use super::values::{number, to_column};
use super::writer::Writer;
use super::{DigestKey, Result, blobs};
use crate::domain;
use crate::report::period::Period;
use crate::tls::{Failure, PolicyReport, TlsReport};

/// A TLS report that was read, with a domain at each of its policies.
#[derive(Debug)]
pub struct NewTlsReport {
    /// What it says.
    pub report: TlsReport,
    /// What the reporter calls itself, in lower case: what identifies it, whether it came in a mail or as a file.
    pub label: String,
    /// Who reports, see [`who_reports`](super::who_reports).
    pub reporter: String,
    /// Whether that is believed.
    pub trust: Trust,
    /// When.
    pub period: Period,
    /// Its bytes.
    pub raw: Arc<Raw>,
    /// Where it came from.
    pub origin: Arc<Origin>,
}

impl NewTlsReport {
    fn domains(&self) -> impl Iterator<Item = &str> {
        self.report.policies.iter().filter_map(|policy| policy.policy_domain.as_deref())
    }

    /// What makes it the same report, whatever it says.
    fn identity(&self, key: DigestKey) -> u128 {
        let mut domains: Vec<&str> = self.domains().collect();
        domains.sort_unstable();
        domains.dedup();
        let mut digest = key.digest();
        digest.text(Some(&self.label));
        digest.text(self.report.report_id.as_deref().map(bare_id));
        digest.number(self.period.begin.cast_unsigned());
        digest.number(self.period.end.cast_unsigned());
        domains.iter().for_each(|domain| digest.text(Some(domain)));
        digest.finish()
    }

    /// What it says, in whatever order.
    fn content(&self, key: DigestKey) -> u128 {
        self.report.policies.iter().fold(0, |sum: u128, policy| sum.wrapping_add(content(key, policy)))
    }
}

fn content(key: DigestKey, policy: &PolicyReport) -> u128 {
    let mut digest = key.digest();
    digest.text(policy.policy_domain.as_deref());
    digest.text(policy.policy_type.as_deref());
    for list in [&policy.policy_string, &policy.mx_host] {
        digest.number(list.len() as u64);
        list.iter().for_each(|text| digest.text(Some(text)));
    }
    digest.number(policy.successful);
    digest.number(policy.failed);
    let failures = policy.failures.iter().fold(0, |sum: u128, failure| sum.wrapping_add(content_of(key, failure)));
    digest.bytes(&failures.to_le_bytes());
    digest.finish()
}

fn texts(failure: &Failure) -> [Option<&str>; 7] {
    let Failure { result_type, mx_host, mx_helo, receiving_ip, sending_ip, reason_code, information, .. } = failure;
    [result_type, mx_host, mx_helo, receiving_ip, sending_ip, reason_code, information].map(Option::as_deref)
}

fn content_of(key: DigestKey, failure: &Failure) -> u128 {
    let mut digest = key.digest();
    texts(failure).into_iter().for_each(|text| digest.text(text));
    digest.number(failure.sessions);
    digest.finish()
}

/// What the stored rows of a report make its content, which is kept beside them. A text that is not there makes it another.
pub(super) fn stored_content(
    connection: &Connection,
    key: DigestKey,
    names: &mut NameReader<'_>,
    report: i64,
) -> Result<u128> {
    let mut text = |id: Option<i64>| id.and_then(|id| names.text(id).ok().map(str::to_owned));
    let lines = |text: Option<String>| text.map_or(Vec::new(), |text| text.split('\n').map(str::to_owned).collect());
    let mut select = connection.prepare(
        "SELECT number, domain, policy_type, policy_string, mx_host, successful, failed FROM tls_policy WHERE report = ?1",
    )?;
    // By policy. Both are looked up by the report alone, so that a server is asked for many reports at once.
    let mut told: FxHashMap<i64, Vec<Failure>> = FxHashMap::default();
    let mut failures = connection.prepare(
        "SELECT policy, result_type, mx_host, mx_helo, receiving_ip, sending_ip, reason_code, information, sessions FROM tls_failure
         WHERE report = ?1",
    )?;
    let mut rows = failures.query([report])?;
    while let Some(row) = rows.next()? {
        told.entry(row.get(0)?).or_default().push(Failure {
            result_type: text(row.get(1)?),
            mx_host: text(row.get(2)?),
            mx_helo: text(row.get(3)?),
            receiving_ip: text(row.get(4)?),
            sending_ip: text(row.get(5)?),
            reason_code: text(row.get(6)?),
            information: text(row.get(7)?),
            sessions: number(row, 8)?,
        });
    }
    let (mut rows, mut sum) = (select.query([report])?, 0_u128);
    while let Some(row) = rows.next()? {
        let failures = told.remove(&row.get::<i64>(0)?).unwrap_or_default();
        let policy = PolicyReport {
            policy_domain: text(row.get(1)?),
            policy_type: text(row.get(2)?),
            policy_string: lines(text(row.get(3)?)),
            mx_host: lines(text(row.get(4)?)),
            successful: number(row, 5)?,
            failed: number(row, 6)?,
            failures,
        };
        sum = sum.wrapping_add(content(key, &policy));
    }
    Ok(sum)
}

impl Writer<'_> {
    /// Takes a TLS report; says what became of it, and whether all it is about is not the owner's.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn tls_report(&mut self, new: &NewTlsReport) -> Result<(Arrival, bool)> {
        self.begin()?;
        let foreign = !new.domains().any(|domain| domain::is_owners(domain, self.owner_domains));
        let (identity, content) = (new.identity(self.key), new.content(self.key));
        let known: Option<i64> = self
            .connection
            .prepare("SELECT id FROM tls_report WHERE identity = ?1 AND content = ?2")?
            .query_row(params![identity.to_be_bytes(), content.to_be_bytes()], |row| row.get(0))
            .optional()?;
        if let Some(id) = known {
            self.input.tls_met.insert(id);
            self.tls_known(id, identity, new)?;
            return Ok((Arrival::Duplicate, foreign));
        }
        let (raw, raw_known) = blobs::store(self.connection, &new.raw, self.keep_raw)?;
        let reread = raw_known && self.tls_earlier_readings(raw)?;
        let others: bool = self
            .connection
            .prepare("SELECT 1 FROM tls_report WHERE identity = ?1 AND counted <> 0")?
            .exists([identity.to_be_bytes()])?;
        let id = self.insert_tls(new, identity, content, raw)?;
        self.input.tls_met.insert(id);
        if others || !new.trust.is_believed() {
            self.unsettled_tls.insert(identity);
        }
        let arrival = match (reread, others && new.trust.is_believed()) {
            (true, _) => Arrival::Reread,
            (false, true) => Arrival::Conflicting,
            (false, false) => Arrival::New,
        };
        Ok((arrival, foreign))
    }

    /// One that is stored has come again, perhaps in a better mail.
    fn tls_known(&mut self, id: i64, identity: u128, new: &NewTlsReport) -> Result<()> {
        let mut select = self.connection.prepare(
            "SELECT name.text, trust FROM tls_report JOIN name ON name.id = reporter WHERE tls_report.id = ?1",
        )?;
        let stored = select.query_row([id], |row| Ok((row.get(0)?, Trust::from_number(row.get(1)?))))?;
        let best = better(stored.clone(), (new.reporter.clone(), new.trust));
        if best != stored {
            let reporter = self.dictionary.names.id(self.connection, &best.0)?;
            self.connection
                .prepare("UPDATE tls_report SET reporter = ?2, trust = ?3 WHERE id = ?1")?
                .execute(params![id, reporter, best.1.number()])?;
            self.unsettled_tls.insert(identity);
        }
        Ok(())
    }

    /// Takes out what an earlier version of the program read otherwise from the same bytes.
    fn tls_earlier_readings(&mut self, raw: i64) -> Result<bool> {
        let mut select = self.connection.prepare("SELECT id, identity FROM tls_report WHERE raw = ?1")?;
        let all: Vec<(i64, u128)> = select
            .query_map([raw], |row| Ok((row.get(0)?, row.get(1).map(u128::from_be_bytes)?)))?
            .collect::<engine::Result<_>>()?;
        let mut any = false;
        for (id, identity) in all.into_iter().filter(|(id, _)| !self.input.tls_met.contains(id)) {
            remove(self.connection, id)?;
            self.unsettled_tls.insert(identity);
            any = true;
        }
        Ok(any)
    }

    fn insert_tls(&mut self, new: &NewTlsReport, identity: u128, content: u128, raw: i64) -> Result<i64> {
        let (connection, names) = (self.connection, &mut self.dictionary.names);
        let id = connection
            .prepare(
                "INSERT INTO tls_report (identity, content, day, begin_time, end_time, reporter, org_name, contact,
                    report_id, trust, counted, raw, location)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            )?
            .insert(params![
                identity.to_be_bytes(),
                content.to_be_bytes(),
                new.period.day(),
                new.period.begin,
                new.period.end,
                names.id(connection, &new.reporter)?,
                names.id_of(connection, new.report.organization_name.as_deref())?,
                names.id_of(connection, new.report.contact_info.as_deref())?,
                new.report.report_id.as_deref().unwrap_or(""),
                new.trust.number(),
                new.trust.is_believed(),
                raw,
                new.origin.location,
            ])?;
        for (number, policy) in new.report.policies.iter().enumerate() {
            insert_policy(connection, names, id, number as i64, policy)?;
        }
        Ok(id)
    }
}

fn insert_policy(
    connection: &Connection,
    names: &mut Interner,
    report: i64,
    number: i64,
    policy: &PolicyReport,
) -> Result<()> {
    let list = |list: &[String]| Some(list.join("\n")).filter(|text| !text.is_empty());
    connection
        .prepare(
            "INSERT INTO tls_policy (report, number, domain, policy_type, policy_string, mx_host, successful, failed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .write(params![
            report,
            number,
            names.id(connection, policy.policy_domain.as_deref().unwrap_or(""))?,
            names.id_of(connection, policy.policy_type.as_deref())?,
            names.id_of(connection, list(&policy.policy_string).as_deref())?,
            names.id_of(connection, list(&policy.mx_host).as_deref())?,
            to_column(policy.successful),
            to_column(policy.failed),
        ])?;
    let mut insert = connection.prepare(
        "INSERT INTO tls_failure (report, policy, number, result_type, mx_host, mx_helo, receiving_ip, sending_ip,
            reason_code, information, sessions) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    for (place, failure) in policy.failures.iter().enumerate() {
        let mut ids = [None; 7];
        for (id, text) in ids.iter_mut().zip(texts(failure)) {
            *id = names.id_of(connection, text)?;
        }
        let [result_type, mx_host, mx_helo, receiving_ip, sending_ip, reason_code, information] = ids;
        insert.write(params![
            report,
            number,
            place as i64,
            result_type,
            mx_host,
            mx_helo,
            receiving_ip,
            sending_ip,
            reason_code,
            information,
            to_column(failure.sessions)
        ])?;
    }
    Ok(())
}

/// Takes a report out.
fn remove(connection: &Connection, report: i64) -> Result<()> {
    for sql in [
        "DELETE FROM tls_failure WHERE report = ?1",
        "DELETE FROM tls_policy WHERE report = ?1",
        "DELETE FROM tls_report WHERE id = ?1",
    ] {
        connection.prepare(sql)?.execute([report])?;
    }
    Ok(())
}
