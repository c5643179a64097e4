//! The seam between the store and the engine that keeps its tables: what the store asks of a database, whichever it is.
//!
//! SQL is written once, in words that all engines understand, with parameters `?1`, `?2` …: numbers for truth values (`counted <> 0`),
//! columns that an upsert changes by their table's name, `CASE` in place of functions that only one of them has. What belongs to
//! one engine alone (how it is opened, locked, checked and given room) stands in the folder or file of that engine.

mod error;
mod row;
mod sqlite;
mod statement;
mod value;

use std::io::Read;
use std::ops::Deref;
use std::path::Path;

pub(super) use self::error::{Error, Optional, Result};
pub(super) use self::row::Row;
pub(super) use self::sqlite::{APPLICATION_ID, create_private, version as sqlite_version};
pub(super) use self::statement::Statement;
pub(super) use self::value::{Params, Value, as_value, params};
use super::Result as StoreResult;

/// An open database.
#[derive(Debug)]
pub(super) enum Connection {
    /// A file, or memory.
    Sqlite(rusqlite::Connection),
}

impl Connection {
    /// Opens a file for reading and writing, making it (readable by its owner alone) where there is none. Gives the version of
    /// its tables too, 0 where there are none; one beyond `known` is refused.
    pub(super) fn open(path: &Path, known: i32) -> StoreResult<(Self, i32)> {
        sqlite::open(path, known).map(|(connection, version)| (Connection::Sqlite(connection), version))
    }

    /// Opens an existing file to read from, with one view of the data for as long as it is open where it has the `known`
    /// version; with the version of its tables.
    pub(super) fn open_to_read(path: &Path, known: i32) -> StoreResult<(Self, i32)> {
        sqlite::open_to_read(path, known).map(|(connection, version)| (Connection::Sqlite(connection), version))
    }

    /// Opens an existing file that is not there to grow: nothing else may have it open.
    pub(super) fn open_without_log(path: &Path, version: i32) -> StoreResult<Self> {
        sqlite::open_without_log(path, version).map(Connection::Sqlite)
    }

    /// A database in memory.
    pub(super) fn in_memory() -> StoreResult<Self> {
        sqlite::in_memory().map(Connection::Sqlite)
    }

    /// Prepares a statement, or takes one that was prepared for the same text before.
    pub(super) fn prepare(&self, sql: &str) -> Result<Statement<'_>> {
        match self {
            Connection::Sqlite(connection) => Ok(Statement::Sqlite(connection.prepare_cached(sql)?)),
        }
    }

    /// Executes a statement; gives how many rows it changed.
    pub(super) fn execute(&self, sql: &str, parameters: impl Params) -> Result<usize> {
        self.prepare(sql)?.execute(parameters)
    }

    /// Reads the first row.
    ///
    /// # Errors
    /// [`Error::NoRow`] where there is none.
    pub(super) fn query_row<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        read: impl FnOnce(Row<'_>) -> Result<T>,
    ) -> Result<T> {
        self.prepare(sql)?.query_row(parameters, read)
    }

    /// Executes statements that have neither parameters nor rows.
    pub(super) fn execute_batch(&self, sql: &str) -> Result<()> {
        match self {
            Connection::Sqlite(connection) => Ok(connection.execute_batch(sql)?),
        }
    }

    /// Executes statements that make or change tables.
    pub(super) fn define(&self, sql: &str) -> Result<()> {
        self.execute_batch(sql)
    }

    /// Begins to write; nobody else writes until [`commit`](Self::commit) or [`rollback`](Self::rollback).
    pub(super) fn begin(&self) -> Result<()> {
        match self {
            Connection::Sqlite(connection) => Ok(connection.execute_batch("BEGIN IMMEDIATE")?),
        }
    }

    /// Ends what [`begin`](Self::begin) began: all of it is on the disk when this returns.
    pub(super) fn commit(&self) -> Result<()> {
        self.execute_batch("COMMIT")
    }

    /// Gives up what [`begin`](Self::begin) began. Where the engine did so by itself, there is nothing to do.
    pub(super) fn rollback(&self) {
        let _ = self.execute_batch("ROLLBACK");
    }

    /// The same as [`begin`](Self::begin), given up unless it is committed.
    pub(super) fn transaction(&mut self) -> Result<Transaction<'_>> {
        self.begin()?;
        Ok(Transaction { connection: self, is_open: true })
    }

    /// A number that changes when somebody else has written.
    pub(super) fn writes_of_others(&self) -> Result<i64> {
        match self {
            Connection::Sqlite(connection) => {
                Ok(connection.pragma_query_value(None, "data_version", |row| row.get(0))?)
            }
        }
    }

    /// The version of the tables, 0 where there are none.
    pub(super) fn version(&self) -> Result<i32> {
        match self {
            Connection::Sqlite(connection) => Ok(sqlite::version_of(connection)?),
        }
    }

    /// Notes the version of the tables, and whose they are.
    pub(super) fn set_version(&self, version: i32) -> Result<()> {
        match self {
            Connection::Sqlite(connection) => Ok(sqlite::set_version(connection, version)?),
        }
    }

    /// Whether it ends with the process.
    pub(super) fn is_in_memory(&self) -> bool {
        match self {
            Connection::Sqlite(connection) => connection.path().is_none_or(str::is_empty),
        }
    }

    /// Whether there is room for what was written since the last commit, as far as that can be known beforehand.
    ///
    /// # Errors
    /// [`StoreError::Full`](super::StoreError::Full) where there is none.
    pub(super) fn check_room(&self) -> StoreResult<()> {
        match self {
            Connection::Sqlite(connection) => sqlite::check_room(connection),
        }
    }

    /// Gives what is free in the database back to the disk.
    pub(super) fn give_room_back(&self) -> Result<()> {
        match self {
            Connection::Sqlite(connection) => Ok(sqlite::give_room_back(connection)?),
        }
    }

    /// What the engine finds wrong with its own pages, the first `most` faults; a line each.
    pub(super) fn faults(&self, most: usize) -> Result<Vec<String>> {
        match self {
            Connection::Sqlite(connection) => Ok(sqlite::faults(connection, most)?),
        }
    }

    /// Copies a stream into `bytes` of a row of `blob`, which has zeros of its length there, piece by piece.
    pub(super) fn fill_blob(&self, id: i64, source: &mut dyn Read) -> StoreResult<()> {
        match self {
            Connection::Sqlite(connection) => sqlite::fill_blob(connection, id, source),
        }
    }

    /// Lets the database grow to this many pages and no further, as a full disk does.
    #[cfg(test)]
    pub(super) fn limit_pages(&self, pages: u32) -> Result<()> {
        let Connection::Sqlite(connection) = self;
        Ok(connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?)
    }
}

/// A transaction, given up unless it is committed.
pub(super) struct Transaction<'c> {
    connection: &'c Connection,
    is_open: bool,
}

impl Transaction<'_> {
    /// Ends it: all of it is on the disk when this returns.
    pub(super) fn commit(mut self) -> Result<()> {
        self.connection.commit()?;
        self.is_open = false;
        Ok(())
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.is_open {
            self.connection.rollback();
        }
    }
}
