//! Which SMTP TLS reports of one identity count: they are parts or editions by the same rule as aggregate reports (see
//! [`editions`]), and what is believed of the mails they came in decides as it does there.

use super::engine::{self, Connection, params};

use super::editions::{self, MergedRows};
use super::same_identity::comparable;
use super::trust::Trust;
use super::{DigestKey, Result};

/// More reports of one identity than this are not compared, and all that are believed count.
const COMPARED: usize = 100;

/// A report of an identity, as far as it is asked whether it counts.
struct Stored {
    id: i64,
    trust: Trust,
    reporter: i64,
    /// The beginning of the digest of its bytes: it decides between reports that count the same sessions, and unlike that of what it
    /// says it is the same in every database.
    bytes: u128,
}

/// Decides which of the reports of one identity count, once for each batch. That depends on the reports alone, not on the order they came in.
pub(super) fn settle(connection: &Connection, key: DigestKey, identity: u128) -> Result<()> {
    let mut select =
        connection.prepare("SELECT id, trust, reporter, raw FROM tls_report WHERE identity = ?1 ORDER BY id")?;
    let mut bytes = connection.prepare("SELECT sha256 FROM blob WHERE id = ?1")?;
    let stored: Vec<Stored> = select
        .query_map([identity.to_be_bytes()], |row| {
            Ok(Stored {
                id: row.get(0)?,
                trust: Trust::from_number(row.get(1)?),
                reporter: row.get(2)?,
                bytes: bytes
                    .query_row([row.get::<i64>(3)?], |row| row.get::<[u8; 32]>(0))
                    .map(|sha| sha[..16].iter().fold(0, |all, &one| all << 8 | u128::from(one)))?,
            })
        })?
        .collect::<engine::Result<_>>()?;
    let reporters: Vec<(Trust, i64)> = stored.iter().map(|one| (one.trust, one.reporter)).collect();
    let believed = (0..stored.len()).filter(|&at| stored[at].trust.is_believed()).collect();
    let mut counts = vec![false; stored.len()];
    for group in comparable(connection, &reporters, believed)? {
        if group.len() > COMPARED {
            group.iter().for_each(|&at| counts[at] = true);
            continue;
        }
        let rows: Vec<MergedRows> =
            group.iter().map(|&at| rows(connection, key, &stored[at])).collect::<Result<_>>()?;
        for (&at, by) in group.iter().zip(editions::replaced(&rows)) {
            counts[at] = by.is_none();
        }
    }
    let mut update = connection.prepare("UPDATE tls_report SET counted = ?2 WHERE id = ?1 AND counted <> ?2")?;
    for (one, counts) in stored.iter().zip(counts) {
        update.execute(params![one.id, counts])?;
    }
    Ok(())
}

/// The sessions of a report: those that went well and those that failed, by policy, host and kind.
fn rows(connection: &Connection, key: DigestKey, report: &Stored) -> Result<MergedRows> {
    let mut found = Vec::new();
    for sql in [
        "SELECT successful, domain, policy_type, -1, 0, 0 FROM tls_policy WHERE report = ?1",
        "SELECT sessions, domain, policy_type, result_type, tls_failure.mx_host, receiving_ip FROM tls_failure
         JOIN tls_policy ON tls_policy.report = tls_failure.report AND tls_policy.number = tls_failure.policy
         WHERE tls_failure.report = ?1",
    ] {
        let mut select = connection.prepare(sql)?;
        let mut all = select.query([report.id])?;
        while let Some(row) = all.next()? {
            let mut named = Vec::with_capacity(45);
            for at in 1..6 {
                named.extend(row.get::<Option<i64>>(at)?.map_or([0xff; 9], |id| {
                    let mut bytes = [0; 9];
                    bytes[1..].copy_from_slice(&id.to_le_bytes());
                    bytes
                }));
            }
            found.push((key.of(&named) as u64, row.get::<i64>(0)?.unsigned_abs()));
        }
    }
    Ok(MergedRows::new(found, report.bytes))
}
