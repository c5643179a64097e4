//! Room on the disk: whether there is enough for what is written, and giving back what is free.

use std::path::Path;

use rusqlite::Connection;

use crate::store::{Result, StoreError};

/// Pages that are given back in one transaction, so that the log stays small.
const SLICE: i64 = 4_096;

/// Pages that a batch has changed and not written yet are at most as many as the cache holds.
const CACHED_PAGES: u64 = 1_250;

/// What is left free besides.
const RESERVE: u64 = 256 * 1024;

/// Whether the disk has room for what was written since the last commit, and for what is copied from the log into the
/// database. With less, the log could neither grow nor be emptied, and nothing could be forgotten any more.
///
/// # Errors
/// [`StoreError::Full`] where it has not.
pub(in crate::store::engine) fn check(connection: &Connection) -> Result<()> {
    let Some(path) = connection.path().filter(|path| !path.is_empty()) else { return Ok(()) };
    let (Some(free), Ok(file)) = (free_room(Path::new(path)), std::fs::metadata(path)) else { return Ok(()) };
    let pragma = |name| connection.pragma_query_value::<i64, _>(None, name, |row| row.get(0));
    let (pages, size) = (pragma("page_count")?, pragma("page_size")?);
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

/// Gives free pages of the database back to the disk.
pub(in crate::store::engine) fn give_back(connection: &Connection) -> rusqlite::Result<()> {
    let free = || connection.pragma_query_value(None, "freelist_count", |row| row.get(0));
    let mut left: i64 = free()?;
    while left > 0 {
        // Each step gives one page back: the statement must be stepped to its end.
        let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({SLICE})"))?;
        let mut steps = vacuum.query([])?;
        while steps.next()?.is_some() {}
        drop(steps);
        let now = free()?;
        if now >= left {
            break;
        }
        left = now;
    }
    // In the log's answer stands whether somebody else reads; then the log is emptied when that has ended.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}
