//! Numbers and bytes as the database holds them.

use rusqlite::Row;

use super::error::{Result, StoreError};

/// A number as the database holds it.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that is never negative, in a column of a row.
pub(super) fn number(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(at).map(i64::unsigned_abs)
}

/// Bytes in a column of a row.
///
/// # Errors
/// [`StoreError::Damaged`] where something else stands there.
pub(super) fn blob<'r>(row: &'r Row<'_>, at: usize) -> Result<&'r [u8]> {
    row.get_ref(at)?.as_blob().map_err(|error| StoreError::Damaged(error.to_string()))
}
