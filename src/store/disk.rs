//! Whether the disk has room for what is written.

use std::path::Path;

use rusqlite::Connection;

use super::error::{Result, StoreError};

/// Pages that a batch has changed and not written yet are at most as many as the cache holds.
const CACHED_PAGES: u64 = 1_250;

/// What is left free besides.
const RESERVE: u64 = 256 * 1024;

/// Whether the disk has room for what was written since the last commit, and for what is copied from the log into the
/// database. With less, the log could neither grow nor be emptied, and nothing could be forgotten any more.
///
/// # Errors
/// [`StoreError::Full`] where it has not.
pub(super) fn check(connection: &Connection) -> Result<()> {
    let Some(path) = connection.path().filter(|path| !path.is_empty()) else { return Ok(()) };
    let (Some(free), Ok(file)) = (free_room(Path::new(path)), std::fs::metadata(path)) else { return Ok(()) };
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
    let size: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let (pages, size) = (pages.unsigned_abs(), size.unsigned_abs());
    let growth = (pages * size).saturating_sub(file.len());
    let needed = growth + pages.min(CACHED_PAGES) * size + RESERVE;
    if free < needed { Err(StoreError::Full) } else { Ok(()) }
}

/// Bytes that are free on the disk where a file lies, as far as that is known.
#[cfg(unix)]
fn free_room(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free_room(_: &Path) -> Option<u64> {
    None
}
