//! Numbers, bytes and policies as the database holds them.

use super::engine::{self, Row};

use super::error::{Result, StoreError};
use crate::report::PolicyPublished;

/// A number as a column holds it, signed and in 64 bits: larger ones become the largest.
pub(super) fn to_column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that is never negative, in a column of a row.
pub(super) fn number(row: Row<'_>, at: usize) -> engine::Result<u64> {
    row.get::<i64>(at).map(i64::unsigned_abs)
}

/// Bytes in a column of a row.
///
/// # Errors
/// [`StoreError::Damaged`] where something else stands there.
pub(super) fn blob<'r>(row: Row<'r>, at: usize) -> Result<&'r [u8]> {
    row.bytes(at).map_err(|error| StoreError::Damaged(error.to_string()))
}

/// A published policy, whose tags stand in the columns of a row from one on, in their order in the table.
pub(super) fn policy(row: Row<'_>, from: usize, domain: Option<String>) -> engine::Result<PolicyPublished> {
    Ok(PolicyPublished {
        domain,
        p: row.get(from)?,
        sp: row.get(from + 1)?,
        np: row.get(from + 2)?,
        adkim: row.get(from + 3)?,
        aspf: row.get(from + 4)?,
        pct: row.get(from + 5)?,
        fo: row.get(from + 6)?,
        testing: row.get(from + 7)?,
        discovery_method: row.get(from + 8)?,
    })
}
