//! SQLite: one file, in write-ahead logging, or memory.

mod open;
mod room;

use std::io::Read;

use rusqlite::{Connection, ErrorCode, Result, ffi};

pub(in crate::store) use self::open::create_private;
pub(super) use self::open::{in_memory, open, open_to_read, open_without_log};
pub(super) use self::room::{check as check_room, give_back as give_room_back};
use crate::store::{Result as StoreResult, StoreError};

/// Says that a file is ours (`PRAGMA application_id`): "dmst".
pub(in crate::store) const APPLICATION_ID: i32 = 0x646d_7374;

/// The version of the library.
pub(in crate::store) fn version() -> &'static str {
    rusqlite::version()
}

/// The version of a database's tables.
pub(super) fn version_of(connection: &Connection) -> Result<i32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Notes it, and that the database is ours.
pub(super) fn set_version(connection: &Connection, version: i32) -> Result<()> {
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", version)
}

/// What SQLite itself finds wrong.
pub(super) fn faults(connection: &Connection, most: usize) -> Result<Vec<String>> {
    let mut check = connection.prepare(&format!("PRAGMA quick_check({most})"))?;
    let mut rows = check.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let said: String = row.get(0)?;
        if said != "ok" {
            found.push(said.replace(['\n', '\r'], " "));
        }
    }
    Ok(found)
}

/// Copies a stream into a blob of its length, piece by piece.
pub(super) fn fill_blob(connection: &Connection, id: i64, source: &mut dyn Read) -> StoreResult<()> {
    let mut blob = connection.blob_open("main", "blob", "bytes", id, false)?;
    let mut buffer = vec![0; 64 * 1024];
    let mut offset = 0;
    loop {
        let read =
            source.read(&mut buffer).map_err(|error| StoreError::Other(format!("a temporary file failed: {error}")))?;
        if read == 0 {
            break;
        }
        blob.write_at(&buffer[..read], offset)?;
        offset += read;
    }
    Ok(blob.close()?)
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Locked,
            Some(ErrorCode::DiskFull) => StoreError::Full,
            // The index of the log is a file that is made in its full size.
            Some(ErrorCode::SystemIoFailure)
                if error.sqlite_extended_error_code() == Some(ffi::SQLITE_IOERR_SHMSIZE) =>
            {
                StoreError::Full
            }
            Some(ErrorCode::ReadOnly) => StoreError::ReadOnly,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged(error.to_string()),
            _ => StoreError::Other(error.to_string()),
        }
    }
}
