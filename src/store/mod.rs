//! The database: one SQLite file. No SQL stands anywhere else, and no type of its library leaves this folder.
//!
//! *Whole or not at all*: a report, its records, its summary and its bytes are written in one transaction. *Several
//! processes*: write-ahead logging, transactions that take the write lock when they begin, and a wait for it that
//! ends. *Years*: a ladder of migrations, and a refusal to touch what a newer program wrote.

mod announced;
mod apart;
mod arrival;
mod blobs;
mod deep;
mod dictionary;
mod digest;
mod editions;
mod exports;
mod facts;
mod foreign;
mod hosts;
mod incoming;
mod mailbox;
mod memory;
mod names;
mod plain;
mod prune;
mod quarantine;
mod records;
mod reporting;
mod reports;
mod room;
mod runs;
mod same_identity;
mod schema;
mod sightings;
mod sql;
mod tls;
mod tls_query;
mod totals;
mod trust;
mod writer;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

pub use announced::Announced;
pub use apart::{Apart, IgnoredEntry};
pub use digest::{Digest, DigestKey, RowsDigest};
pub use exports::{Exported, ExportedReport};
pub use facts::OutcomeFacts;
pub use foreign::ForeignDomain;
pub use hosts::KnownHost;
pub use incoming::{
    Arrival, NewQuarantine, NewReport, Origin, Raw, RawBytes, Run, SharedOutcome, Totals, Written, bare_id,
};
pub use mailbox::{AccountRun, Copying, Mailbox, MailboxPosition, PendingMail};
pub use memory::{MemorySource, Remembered, RememberedCell, RememberedSum};
pub use names::{NameCache, NameReader};
pub use plain::{PlainColumn, PlainTable, PlainValue};
pub use prune::Pruned;
pub use quarantine::{Held, Kept, QuarantineEntry, Quarantined};
pub use records::{CountedReport, PublishedPolicy, ReportHead, ReportPlace};
pub use reporting::ReportLine;
pub use reports::{ReportDetail, ReportFilter, ReportRow, ReportSummary, Sighting};
pub use runs::{PolicyWords, ScannedRun};
pub use sql::{Bounds, Limits, RowSource, Rows, SqlAnswer, SqlError, SqlValue, ask};
pub use tls::NewTlsReport;
pub use tls_query::{TlsFailures, TlsReportRow, TlsSessions};
pub use totals::{DayReported, DayTotal};
pub use trust::{CheckedReports, Trust, who_reports};
pub use writer::{RunPlace, Writer};

/// How long to wait for another process that writes.
const BUSY: Duration = Duration::from_secs(30);

/// What can go wrong with the database, worded for the operator.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no database yet.
    #[error("there is no database at {0} yet; `dmarcstat ingest FILE…` makes one, or answer from files with --input")]
    Missing(String),
    /// It cannot be opened or made.
    #[error("cannot open the database {path}: {reason}")]
    Open {
        /// Which.
        path: String,
        /// Why.
        reason: String,
    },
    /// It is not ours.
    #[error("{0} is not a dmarcstat database; name another with --db")]
    Foreign(String),
    /// A newer program wrote it.
    #[error("the database {path} is of version {found}, this program knows up to {known}; use a newer dmarcstat")]
    Newer {
        /// Which.
        path: String,
        /// Its version.
        found: i32,
        /// Ours.
        known: i32,
    },
    /// Another process holds it.
    #[error("the database is locked by another process, and stayed so for {} seconds; try again when it has ended", BUSY.as_secs())]
    Locked,
    /// No room.
    #[error("the disk is full: nothing that was reported as stored is lost; make room and run again")]
    Full,
    /// Not writable.
    #[error("the database is read-only; check the rights of the file and its folder, or name another with --db")]
    ReadOnly,
    /// Damaged.
    #[error("the database is damaged ({0}); restore it from a backup, or ingest the mail into a new one")]
    Damaged(String),
    /// The program itself failed while it wrote.
    #[error(
        "the run broke off at an error of this program; what was stored before stays, and the next run goes on from there"
    )]
    BrokenOff,
    /// Anything else.
    #[error("the database failed: {0}")]
    Other(String),
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

impl StoreError {
    /// The packed records of a report end within one, or are none.
    #[must_use]
    pub fn damaged_records(report: i64) -> Self {
        StoreError::Damaged(format!("the records of report {report} cannot be read"))
    }

    /// Whether the message leaves open which database it is about.
    #[must_use]
    pub fn is_nameless(&self) -> bool {
        !matches!(
            self,
            StoreError::Missing(_)
                | StoreError::Open { .. }
                | StoreError::Foreign(_)
                | StoreError::Newer { .. }
                | StoreError::BrokenOff
        )
    }
}

/// The result of everything here.
pub type Result<T> = std::result::Result<T, StoreError>;

/// An open database.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    key: DigestKey,
    /// The domains whose reports count; empty where all do.
    owner_domains: Vec<String>,
    /// The reporters whose reports are in no answer, see [`is_meant`](crate::reporter::is_meant).
    ignored: Vec<String>,
    /// Records and reports are shown of such reports only as passed.
    checked_only: bool,
}

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
    fn over(connection: Connection) -> Result<Self> {
        let key = DigestKey::load(&connection)?;
        let ignored = apart::ignored(&connection)?;
        Ok(Store { connection, key, owner_domains: Vec::new(), ignored, checked_only: false })
    }

    /// Lets the database grow to this many pages and no further, as a full disk does.
    #[cfg(test)]
    pub(crate) fn limit_pages(&self, pages: u32) -> Result<()> {
        Ok(self.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?)
    }

    /// The key of this database's digests: nobody who sends reports knows it.
    #[must_use]
    pub fn key(&self) -> DigestKey {
        self.key
    }
}

/// The version of SQLite.
#[must_use]
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

/// The version of a database that is ours; 0 for an empty one.
fn identify(connection: &Connection, shown: &str) -> Result<i32> {
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
fn application_of(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}

fn opening(shown: &str, error: &rusqlite::Error) -> StoreError {
    StoreError::Open { path: shown.to_owned(), reason: error.to_string() }
}

/// A number as the database holds it.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
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
fn create_private(path: &Path) -> std::io::Result<()> {
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

#[cfg(test)]
mod tests;
