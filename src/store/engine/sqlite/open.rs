//! Opening a file, and making it where there is none.

use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{APPLICATION_ID, version_of};
use crate::folders;
use crate::store::error::BUSY;
use crate::store::{Result, StoreError};

/// Statements that are kept for their next use.
const PREPARED: usize = 64;

/// Opens a file for reading and writing, making it (readable by its owner alone) where there is none; with the version of its
/// tables, 0 where there are none.
pub(in crate::store::engine) fn open(path: &Path, known: i32) -> Result<(Connection, i32)> {
    let shown = path.display().to_string();
    create_private(path).map_err(|error| unopened(path, &error))?;
    let connection = open_file(path)?;
    let version = identify(&connection, &shown, known)?;
    prepare(&connection, version)?;
    Ok((connection, version))
}

/// Opens an existing file to answer from, with one view of the data whatever is written meanwhile.
///
/// # Errors
/// [`StoreError::Missing`] where there is none, else see [`StoreError`].
pub(in crate::store::engine) fn open_to_read(path: &Path, known: i32) -> Result<(Connection, i32)> {
    let shown = path.display().to_string();
    match path.try_exists() {
        Ok(true) => {}
        Ok(false) => return Err(StoreError::Missing(shown)),
        Err(error) => return Err(unopened(path, &folders::explained(error, path))),
    }
    if path.is_dir() {
        return Err(unopened(path, &std::io::ErrorKind::IsADirectory.into()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| opening(path, &error))?;
    let connection = match version_of(&connection) {
        Ok(_) => connection,
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            return Err(StoreError::Foreign(shown));
        }
        // On a read-only folder the log's companions cannot be made; without a log nothing is missed.
        Err(_) if std::fs::metadata(companion(path, "-wal")).map_or(0, |log| log.len()) == 0 => {
            let uri = format!("file:{}?immutable=1", escape_uri(&shown));
            let flags = flags | OpenFlags::SQLITE_OPEN_URI;
            Connection::open_with_flags(uri, flags).map_err(|error| opening(path, &error))?
        }
        Err(error) => return Err(error.into()),
    };
    connection.busy_timeout(BUSY)?;
    // What is mapped counts as memory of the process, so this is enough for most owners and no more.
    connection.pragma_update(None, "cache_size", -8_000)?;
    connection.pragma_update(None, "mmap_size", 16_i64 << 20)?;
    // A damaged page is told when it is read, and gives no other answer.
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    let version = identify(&connection, &shown, known)?;
    if version == known {
        connection.execute_batch("BEGIN")?;
    }
    Ok((connection, version))
}

/// Opens a file of this version that is not there to grow: nothing else may have it open.
///
/// # Errors
/// [`StoreError::Full`] where it cannot be opened so.
pub(in crate::store::engine) fn open_without_log(path: &Path, known: i32) -> Result<Connection> {
    let shown = path.display().to_string();
    let connection = open_file(path)?;
    // With the file locked, the index of the log needs no file of its own either.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    let mode: String = connection.query_row("PRAGMA journal_mode = MEMORY", [], |row| row.get(0))?;
    let version = identify(&connection, &shown, known)?;
    if mode != "memory" || version != known {
        return Err(StoreError::Full);
    }
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // The file is changed at the end only, in one go.
    connection.pragma_update(None, "cache_spill", false)?;
    Ok(connection)
}

/// A database in memory, without tables.
pub(in crate::store::engine) fn in_memory() -> Result<Connection> {
    let connection = Connection::open_in_memory()?;
    prepare(&connection, 0)?;
    Ok(connection)
}

fn open_file(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| opening(path, &error))?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

/// Makes a connection ready to write.
fn prepare(connection: &Connection, version: i32) -> rusqlite::Result<()> {
    if version == 0 {
        connection.pragma_update(None, "page_size", 8192)?;
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -10_000)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Plans that depend on the values of parameters: where a table has a partial index, that parses a statement anew for each value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    Ok(())
}

/// The version of a database that is ours; 0 for an empty one.
fn identify(connection: &Connection, shown: &str, known: i32) -> Result<i32> {
    let look = || {
        // One view for all three, or a database that another process is just making looks foreign.
        let connection = connection.unchecked_transaction()?;
        let version = version_of(&connection)?;
        let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let tables: i64 = connection.query_row("SELECT COUNT(*) FROM sqlite_master", [], |row| row.get(0))?;
        Ok((version, application, tables))
    };
    let (version, application, tables) = look().map_err(|error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::Foreign(shown.to_owned()),
        _ => error.into(),
    })?;
    if application != APPLICATION_ID && tables > 0 {
        return Err(StoreError::Foreign(shown.to_owned()));
    }
    if version > known {
        return Err(StoreError::Newer { path: shown.to_owned(), found: version, known });
    }
    Ok(version)
}

/// The error of a file that SQLite cannot open: what the system says of it, where it says anything.
fn opening(path: &Path, error: &rusqlite::Error) -> StoreError {
    match std::fs::File::open(path) {
        Err(why) => unopened(path, &why),
        Ok(_) if path.is_dir() => unopened(path, &std::io::ErrorKind::IsADirectory.into()),
        Ok(_) => StoreError::Open { path: path.display().to_string(), reason: error.to_string() },
    }
}

/// The error of a file that cannot be opened or made, with what to do.
fn unopened(path: &Path, error: &std::io::Error) -> StoreError {
    let reason = match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            "permission denied; run this as the user whose database it is, or name another with --db".to_owned()
        }
        std::io::ErrorKind::IsADirectory => {
            format!("it is a folder; name a file in it, such as {}", path.join("reports.db").display())
        }
        _ => error.to_string(),
    };
    StoreError::Open { path: path.display().to_string(), reason }
}

/// A file beside the database.
fn companion(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

fn escape_uri(path: &str) -> String {
    path.replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}

/// Makes a folder and those above it that are missing, for their owner alone.
fn create_private_folders(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes an empty file that only its owner may read, and the folders above it. SQLite gives its companions the same
/// rights.
pub(in crate::store) fn create_private(path: &Path) -> std::io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_private_folders(parent).map_err(|error| folders::explained(error, parent))?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // On Windows a new file has the rights of its folder, which in a user's profile are the user's own.
    match options.open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}
