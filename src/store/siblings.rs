//! Reports of one identity and different content.
//!
//! Real reporters send such: parts of one report under one id, and corrected re-sends. Parts have no record in common
//! and all count; of reports that share records only the largest counts, so that nothing is counted twice. Which
//! ones count depends on the reports alone, not on the order in which they came. Those that are not believed do not
//! count, and take nothing from the others.

use rusqlite::{Connection, params};

use super::incoming::{NewReport, Totals};
use super::totals::Deltas;
use super::trust::Trust;
use super::{DigestKey, Result};
use crate::rows;

/// Beyond this distance two periods of one reporter are not compared: long periods are noted as such anyway.
const NEAR: i64 = 2 * 86_400;

/// The reports of this identity that are stored, their contents, and whether they are believed.
pub(super) fn contents(connection: &Connection, logical: u128) -> Result<Vec<(i64, u128, Trust)>> {
    let mut statement = connection.prepare_cached("SELECT id, content, trust FROM report WHERE logical = ?1")?;
    let mut rows = statement.query([logical.to_be_bytes().as_slice()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let content = row.get_ref(1)?.as_blob().unwrap_or_default();
        let content = u128::from_be_bytes(content.try_into().unwrap_or_default());
        found.push((row.get(0)?, content, Trust::from_number(row.get(2)?)));
    }
    Ok(found)
}

/// Whether another report of this reporter on this domain, under another id, is about part of the same time. Ends are
/// compared half-open, with a second of tolerance for inclusive ones.
pub(super) fn overlap(connection: &Connection, domain: i64, reporter: i64, new: &NewReport) -> Result<bool> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM report WHERE domain = ?1 AND reporter = ?2 AND begin_time > ?3 AND begin_time < ?4
                AND end_time > ?5 AND report_id <> ?6 AND trust <> ?7 LIMIT 1",
        )?
        .exists(params![
            domain,
            reporter,
            new.period.begin - NEAR,
            new.period.end - 1,
            new.period.begin + 1,
            new.report_id,
            Trust::Failed.number()
        ])?)
}

struct Sibling {
    id: i64,
    day: i32,
    domain: i64,
    reporter: i64,
    totals: Totals,
    counted: bool,
    trust: Trust,
    sha256: Vec<u8>,
    /// A digest of each record, sorted.
    records: Vec<u64>,
}

/// Decides which of the reports of one identity count.
pub(super) fn settle(connection: &Connection, key: DigestKey, logical: u128, deltas: &mut Deltas) -> Result<()> {
    let mut siblings = load(connection, key, logical)?;
    // The largest first; the bytes decide between equals, so that the order of arrival never does.
    siblings.sort_by(|a, b| {
        (b.totals.messages, b.totals.records, &b.sha256).cmp(&(a.totals.messages, a.totals.records, &a.sha256))
    });
    let mut taken: Vec<u64> = Vec::new();
    for sibling in &siblings {
        let counts = sibling.trust != Trust::Failed && disjoint(&taken, &sibling.records);
        if counts {
            taken.extend_from_slice(&sibling.records);
            taken.sort_unstable();
        }
        if counts != sibling.counted {
            connection
                .prepare_cached("UPDATE report SET counted = ?2 WHERE id = ?1")?
                .execute(params![sibling.id, counts])?;
            connection
                .prepare_cached("UPDATE record_run SET counted = ?3 WHERE day = ?1 AND report = ?2")?
                .execute(params![sibling.day, sibling.id, counts])?;
            let sign = if counts { 1 } else { -1 };
            deltas.add(sibling.day, sibling.domain, sibling.reporter, &sibling.totals, sibling.trust, sign);
        }
    }
    Ok(())
}

fn load(connection: &Connection, key: DigestKey, logical: u128) -> Result<Vec<Sibling>> {
    let mut statement = connection.prepare_cached(
        "SELECT report.id, day, domain, reporter, records, messages, dmarc_pass, dkim_aligned, spf_aligned, counted, sha256, trust
         FROM report JOIN blob ON blob.id = report.raw WHERE logical = ?1",
    )?;
    let mut found = statement.query([logical.to_be_bytes().as_slice()])?;
    let mut siblings = Vec::new();
    while let Some(row) = found.next()? {
        let number = |at| row.get::<_, i64>(at).map(|value| u64::try_from(value).unwrap_or(0));
        let (id, day) = (row.get(0)?, row.get(1)?);
        siblings.push(Sibling {
            id,
            day,
            domain: row.get(2)?,
            reporter: row.get(3)?,
            totals: Totals {
                records: number(4)?,
                messages: number(5)?,
                dmarc_pass: number(6)?,
                dkim_aligned: number(7)?,
                spf_aligned: number(8)?,
            },
            counted: row.get(9)?,
            trust: Trust::from_number(row.get(11)?),
            sha256: row.get(10)?,
            records: records(connection, key, day, id)?,
        });
    }
    Ok(siblings)
}

fn records(connection: &Connection, key: DigestKey, day: i32, report: i64) -> Result<Vec<u64>> {
    let mut statement =
        connection.prepare_cached("SELECT rows FROM record_run WHERE day = ?1 AND report = ?2 ORDER BY part")?;
    let mut runs = statement.query(params![day, report])?;
    let mut digests = Vec::new();
    while let Some(row) = runs.next()? {
        let mut rest = row.get_ref(0)?.as_blob().unwrap_or_default();
        let mut before = rest;
        while rows::take_head(&mut rest).is_some() && rows::take_address_bytes(&mut rest).is_some() {
            digests.push(key.of(&before[..before.len() - rest.len()]) as u64);
            before = rest;
        }
    }
    digests.sort_unstable();
    Ok(digests)
}

/// Whether two sorted lists have nothing in common.
fn disjoint(left: &[u64], right: &[u64]) -> bool {
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        match a.cmp(b) {
            std::cmp::Ordering::Less => drop(left.next()),
            std::cmp::Ordering::Greater => drop(right.next()),
            std::cmp::Ordering::Equal => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::disjoint;

    #[test]
    fn nothing_in_common() {
        assert!(disjoint(&[1, 3, 5], &[2, 4]));
        assert!(disjoint(&[], &[1]));
        assert!(!disjoint(&[1, 3], &[0, 3]));
    }
}
