//! Judging a report again when it comes in another mail.

use super::engine::{Connection, params};
use rustc_hash::FxHashSet;

use super::day_totals::Deltas;
use super::interner::Interner;
use super::same_identity::{self, Stored};
use super::trust::{CHECKED, Trust, better, who_reports};
use super::{DigestKey, Result};
use crate::mail::Authenticity;
use crate::reporter;

/// Who reports and whether that is believed, by all mails in which a report was seen.
pub(super) fn by_sightings(connection: &Connection, report: i64) -> Result<(String, Trust)> {
    let mut select = connection.prepare(
        "SELECT reporter.text, policy.text FROM report
         JOIN name reporter ON reporter.id = report.reporter JOIN name policy ON policy.id = report.domain
         WHERE report.id = ?1",
    )?;
    let (name, policy_domain): (String, String) = select.query_row([report], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut select = connection.prepare(
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
    let reporter = Interner::default().id(connection, &name)?;
    let mut stored = Stored::load(connection, report)?;
    if (stored.reporter, stored.trust) == (reporter, trust) {
        return Ok(false);
    }
    stored.count(connection, false, deltas)?;
    connection.prepare("UPDATE report SET trust = ?2, reporter = ?3 WHERE id = ?1")?.execute(params![
        report,
        trust.number(),
        reporter
    ])?;
    if stored.reporter != reporter {
        connection
            .prepare("UPDATE record_run SET reporter = ?4 WHERE domain = ?1 AND day = ?2 AND report = ?3")?
            .write(params![stored.domain, stored.day, report, reporter])?;
    }
    Ok(true)
}

/// Judges all reports anew, for databases of a version that believed any domain any name.
pub(super) fn judge_all(connection: &Connection) -> Result<()> {
    let key = DigestKey::load(connection)?;
    let mut deltas = Deltas::default();
    let mut select = connection.prepare("SELECT id, logical FROM report WHERE trust <> 0 ORDER BY id")?;
    let mut reports = select.query(())?;
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
