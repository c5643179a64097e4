//! Opening a database, and making it where there is none.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::database::Store;
use super::digest::DigestKey;
use super::error::{BUSY, Result, StoreError};
use super::{apart, schema};

impl Store {
    /// Opens a database for reading and writing, making it (readable by its owner alone) where there is none.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display().to_string();
        create_private(path).map_err(|error| StoreError::Open { path: shown.clone(), reason: error.to_string() })?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| opening(&shown, &error))?;
        Self::prepare(connection, &shown)
    }

    /// Opens an existing database to answer from.
    ///
    /// # Errors
    /// [`StoreError::Missing`] where there is none, else see [`StoreError`].
    pub fn open_existing(path: &Path) -> Result<Self> {
        let shown = path.display().to_string();
        match path.try_exists() {
            Ok(true) => {}
            Ok(false) => return Err(StoreError::Missing(shown)),
            Err(error) => {
                let reason = format!("{error}; ask as the user whose database it is, or name another with --db");
                return Err(StoreError::Open { path: shown, reason });
            }
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| opening(&shown, &error))?;
        let connection = match schema::version(&connection) {
            Ok(_) => connection,
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
                return Err(StoreError::Foreign(shown));
            }
            // On a read-only folder the log's companions cannot be made; without a log nothing is missed.
            Err(_) if std::fs::metadata(companion(path, "-wal")).map_or(0, |log| log.len()) == 0 => {
                let uri = format!("file:{}?immutable=1", escape_uri(&shown));
                let flags = flags | OpenFlags::SQLITE_OPEN_URI;
                Connection::open_with_flags(uri, flags).map_err(|error| opening(&shown, &error))?
            }
            Err(error) => return Err(error.into()),
        };
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "cache_size", -16_000)?;
        connection.pragma_update(None, "mmap_size", 256_i64 << 20)?;
        // A damaged page is told when it is read, and gives no other answer.
        connection.pragma_update(None, "cell_size_check", true)?;
        let version = identify(&connection, &shown)?;
        if version < schema::VERSION {
            // Answers need the tables of today; climbing needs to write.
            drop(connection);
            return Self::open(path);
        }
        // One view of the data for the whole answer, whatever is written meanwhile.
        connection.execute_batch("BEGIN")?;
        Self::over(connection)
    }

    /// A database in memory, for answers straight from files.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn in_memory() -> Result<Self> {
        Self::prepare(Connection::open_in_memory()?, ":memory:")
    }

    fn prepare(mut connection: Connection, shown: &str) -> Result<Self> {
        connection.busy_timeout(BUSY)?;
        let version = identify(&connection, shown)?;
        if version == 0 {
            connection.pragma_update(None, "page_size", 8192)?;
            connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        }
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cache_size", -10_000)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        schema::migrate(&mut connection, version)?;
        Self::over(connection)
    }

    /// A database that is open and has the tables of today.
    pub(super) fn over(connection: Connection) -> Result<Self> {
        let key = DigestKey::load(&connection)?;
        let ignored = apart::ignored(&connection)?;
        Ok(Store { connection, key, owner_domains: Vec::new(), hides_foreign: false, ignored, checked_only: false })
    }
}

/// The version of a database that is ours; 0 for an empty one.
pub(super) fn identify(connection: &Connection, shown: &str) -> Result<i32> {
    // One view for all three, or a database that another process is just making looks foreign.
    let connection = connection.unchecked_transaction()?;
    let version = schema::version(&connection).map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::Foreign(shown.to_owned()),
        _ => error.into(),
    })?;
    let application = application_of(&connection)?;
    let tables: i64 = connection.query_row("SELECT COUNT(*) FROM sqlite_master", [], |row| row.get(0))?;
    if application != schema::APPLICATION_ID && tables > 0 {
        return Err(StoreError::Foreign(shown.to_owned()));
    }
    if version > schema::VERSION {
        return Err(StoreError::Newer { path: shown.to_owned(), found: version, known: schema::VERSION });
    }
    Ok(version)
}

/// Whose a database is, as it says itself.
pub(super) fn application_of(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}

pub(super) fn opening(shown: &str, error: &rusqlite::Error) -> StoreError {
    StoreError::Open { path: shown.to_owned(), reason: error.to_string() }
}

/// A file beside the database.
pub(super) fn companion(path: &Path, suffix: &str) -> PathBuf {
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
pub(super) fn create_private(path: &Path) -> std::io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_private_folders(parent)?;
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
