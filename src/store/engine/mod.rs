//! The seam between the store and the engine that keeps its tables: what the store asks of a database, whichever it is.
//!
//! SQL is written once, in words that all engines understand, with parameters `?1`, `?2` …: numbers for truth values (`counted <> 0`),
//! columns that an upsert changes by their table's name, `CASE` in place of functions that only one of them has. What belongs to
//! one engine alone (how it is opened, locked, checked and given room) stands in the folder or file of that engine.

mod error;
#[cfg(feature = "postgres")]
mod postgres;
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
pub(super) use self::value::{AsValue, Params, Stored, Value, as_value, params};
use super::Result as StoreResult;
use super::place::Place;

/// An open database.
#[derive(Debug)]
pub(super) enum Connection {
    /// A file, or memory.
    Sqlite(rusqlite::Connection),
    /// On a server.
    #[cfg(feature = "postgres")]
    Postgres(Box<postgres::Session>),
}

impl Connection {
    /// Opens a database for reading and writing, making it where there is none (a file readable by its owner alone). Gives the version
    /// of its tables too, 0 where there are none; one beyond `known` is refused.
    pub(super) fn open(place: &Place, known: i32) -> StoreResult<(Self, i32)> {
        match place {
            Place::File(path) => {
                sqlite::open(path, known).map(|(connection, version)| (Connection::Sqlite(connection), version))
            }
            #[cfg(feature = "postgres")]
            Place::Server(server) => postgres::open(server, known)
                .map(|(session, version)| (Connection::Postgres(Box::new(session)), version)),
            #[cfg(not(feature = "postgres"))]
            Place::Server(server) => Err(without_postgres(server)),
        }
    }

    /// Opens an existing database to read from, with one view of the data for as long as it is open where it has the `known`
    /// version; with the version of its tables.
    pub(super) fn open_to_read(place: &Place, known: i32) -> StoreResult<(Self, i32)> {
        match place {
            Place::File(path) => {
                sqlite::open_to_read(path, known).map(|(connection, version)| (Connection::Sqlite(connection), version))
            }
            #[cfg(feature = "postgres")]
            Place::Server(server) => postgres::open_to_read(server, known)
                .map(|(session, version)| (Connection::Postgres(Box::new(session)), version)),
            #[cfg(not(feature = "postgres"))]
            Place::Server(server) => Err(without_postgres(server)),
        }
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
            #[cfg(feature = "postgres")]
            Connection::Postgres(session) => Ok(Statement::Postgres { session, sql: sql.to_owned() }),
        }
    }

    /// Asks several questions at once, where that is cheaper: the answers are then there when each is asked by itself, unless
    /// something is written before.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a file has nothing to gain"))]
    pub(super) fn ask_together(&self, questions: &[(&str, &[Value<'_>])]) -> Result<()> {
        match self {
            Connection::Sqlite(_) => Ok(()),
            #[cfg(feature = "postgres")]
            Connection::Postgres(session) => session.ask_together(questions),
        }
    }

    /// Whether large tables lie on other servers than the rest (`docs/scale.md`).
    pub(super) fn is_split(&self) -> bool {
        match self {
            Connection::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            Connection::Postgres(session) => session.is_split(),
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
            #[cfg(feature = "postgres")]
            Connection::Postgres(session) => session.execute_batch(sql),
        }
    }

    /// Executes statements that make or change tables.
    pub(super) fn define(&self, sql: &str) -> Result<()> {
        match self {
            Connection::Sqlite(connection) => Ok(connection.execute_batch(sql)?),
            #[cfg(feature = "postgres")]
            Connection::Postgres(session) => session.define(sql),
        }
    }

    /// Begins to write; nobody else writes until [`commit`](Self::commit) or [`rollback`](Self::rollback).
    pub(super) fn begin(&self) -> Result<()> {
        match self {
            Connection::Sqlite(connection) => Ok(connection.execute_batch("BEGIN IMMEDIATE")?),
            #[cfg(feature = "postgres")]
            Connection::Postgres(session) => session.begin(),
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
            #[cfg(feature = "postgres")]
            Connection::Postgres(session) => Ok(session.writes_of_others()),
        }
    }

    /// The version of the tables, 0 where there are none.
    pub(super) fn version(&self) -> Result<i32> {
        match self {
            Connection::Sqlite(connection) => Ok(sqlite::version_of(connection)?),
            #[cfg(feature = "postgres")]
            Connection::Postgres(session) => session.version(),
        }
    }

    /// Notes the version of the tables, and whose they are.
    pub(super) fn set_version(&self, version: i32) -> Result<()> {
        match self {
            Connection::Sqlite(connection) => Ok(sqlite::set_version(connection, version)?),
            #[cfg(feature = "postgres")]
            Connection::Postgres(session) => session.set_version(version),
        }
    }

    /// Whether it ends with the process.
    pub(super) fn is_in_memory(&self) -> bool {
        match self {
            Connection::Sqlite(connection) => connection.path().is_none_or(str::is_empty),
            #[cfg(feature = "postgres")]
            Connection::Postgres(_) => false,
        }
    }

    /// Whether there is room for what was written since the last commit, as far as that can be known beforehand.
    ///
    /// # Errors
    /// [`StoreError::Full`](super::StoreError::Full) where there is none.
    pub(super) fn check_room(&self) -> StoreResult<()> {
        match self {
            Connection::Sqlite(connection) => sqlite::check_room(connection),
            #[cfg(feature = "postgres")]
            Connection::Postgres(_) => Ok(()),
        }
    }

    /// Gives what is free in the database back to the disk.
    pub(super) fn give_room_back(&self) -> Result<()> {
        match self {
            Connection::Sqlite(connection) => Ok(sqlite::give_room_back(connection)?),
            #[cfg(feature = "postgres")]
            Connection::Postgres(_) => Ok(()),
        }
    }

    /// What the engine finds wrong with its own pages, the first `most` faults; a line each.
    pub(super) fn faults(&self, most: usize) -> Result<Vec<String>> {
        match self {
            Connection::Sqlite(connection) => Ok(sqlite::faults(connection, most)?),
            #[cfg(feature = "postgres")]
            Connection::Postgres(_) => Ok(Vec::new()),
        }
    }

    /// Lets rows come in any order, those that others refer to after them too.
    pub(super) fn take_in_any_order(&self) -> Result<()> {
        match self {
            Connection::Sqlite(connection) => Ok(connection.pragma_update(None, "foreign_keys", false)?),
            #[cfg(feature = "postgres")]
            Connection::Postgres(_) => Ok(()),
        }
    }

    /// Copies a stream into `bytes` of a row of `blob`, which has zeros of its length there, piece by piece.
    pub(super) fn fill_blob(&self, id: i64, source: &mut dyn Read) -> StoreResult<()> {
        match self {
            Connection::Sqlite(connection) => sqlite::fill_blob(connection, id, source),
            #[cfg(feature = "postgres")]
            Connection::Postgres(session) => session.fill_blob(id, source),
        }
    }

    /// Bytes of all that is on a server; nothing for a file, which has its length.
    pub(super) fn size_on_server(&self) -> Result<Option<u64>> {
        match self {
            Connection::Sqlite(_) => Ok(None),
            #[cfg(feature = "postgres")]
            Connection::Postgres(session) => session.size().map(Some),
        }
    }

    /// The number of the newest report whose records may be read: where these lie on other servers, they may be there before the
    /// report is.
    pub(super) fn newest_readable(&self) -> i64 {
        match self {
            Connection::Sqlite(_) => i64::MAX,
            #[cfg(feature = "postgres")]
            Connection::Postgres(session) => session.newest(),
        }
    }

    /// Lets the database grow to this many pages and no further, as a full disk does.
    #[cfg(test)]
    pub(super) fn limit_pages(&self, pages: u32) -> Result<()> {
        let Connection::Sqlite(connection) = self else { return Ok(()) };
        Ok(connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?)
    }
}

#[cfg(not(feature = "postgres"))]
fn without_postgres(server: &super::place::Server) -> super::StoreError {
    let reason = "this program was built without PostgreSQL (feature `postgres`)".to_owned();
    super::StoreError::Open { path: server.url.clone(), reason }
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
