//! What can go wrong with the database.

use std::time::Duration;

use crate::words;

/// How long to wait for another process that writes.
pub(super) const BUSY: Duration = Duration::from_secs(30);

/// What can go wrong with the database, worded for the operator.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no database yet.
    #[error("there is no database at {0} yet; `dmarcstat fetch` or `dmarcstat ingest FILE…` makes one")]
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
    /// The user of a server may not do this.
    #[error("the user of the database has no right to do this ({0}); grant it, or name another user in the URL")]
    NoRight(String),
    /// The connection to a server has ended.
    #[error("the database server is gone ({0}); what was reported as stored stays, run again when it is back")]
    Gone(String),
    /// A server gave no answer.
    #[error(
        "the database server gave no answer within {}; see whether it is overloaded, or allow more ([database] timeout)",
        words::plural(*.0, "second")
    )]
    Slow(u64),
    /// Damaged.
    #[error("the database is damaged ({0}); restore it from a backup, or ingest the mail into a new one")]
    Damaged(String),
    /// The program itself failed while it wrote.
    #[error(
        "the run broke off at an error of this program; what was stored before stays, and the next run goes on from there"
    )]
    BrokenOff,
    /// It is what a copy was to fill that broke off.
    #[error(
        "it holds only part of a copy, because an earlier `dmarcstat copy` was stopped; run that again, and it will hold all of it"
    )]
    Unfinished,
    /// A database cannot be copied into another as they are.
    #[error("{0}")]
    Copy(String),
    /// Anything else.
    #[error("the database failed: {0}")]
    Other(String),
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
                | StoreError::Copy(_)
        )
    }
}

/// The result of everything here.
pub type Result<T> = std::result::Result<T, StoreError>;
