//! PostgreSQL: a database on a server that several programs on several machines write to.
//!
//! Whoever writes holds a lock of the server's (`pg_advisory_xact_lock`) for the time of its transaction, as whoever writes a file of
//! SQLite holds the lock of that. Whoever reads sees one state of the data for as long as it is open. Each statement is one round
//! trip: a text that is asked once is sent with its parameters, one that is asked again is prepared.

mod ahead;
mod codec;
mod dialect;
mod failure;
mod open;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row, SimpleQueryMessage, Statement};

use self::ahead::Ahead;
use self::codec::type_of;
use self::failure::error;
pub(super) use self::open::{open, open_to_read};
use super::error::{Error, Result};
use super::value::Value;
use crate::store::{Result as StoreResult, StoreError};

/// Statements that are kept prepared.
const PREPARED: usize = 200;
/// How much longer than the server itself an answer is waited for, before the server is taken to be hung.
const GRACE: Duration = Duration::from_secs(10);
/// Makes the number of a new row: the next after the largest, as SQLite does it. Whoever writes holds the lock.
const NEXT_ID: &str = "
    CREATE OR REPLACE FUNCTION dmarcstat_next_id(table_name TEXT) RETURNS BIGINT LANGUAGE plpgsql AS $$
    DECLARE number BIGINT;
    BEGIN EXECUTE format('SELECT COALESCE(MAX(id), 0) + 1 FROM %I', table_name) INTO number; RETURN number; END $$;
    CREATE TABLE IF NOT EXISTS dmarcstat_database (version BIGINT NOT NULL, writes BIGINT NOT NULL);";

/// A connection to a server.
pub(in crate::store) struct Session {
    runtime: Runtime,
    /// Nothing once it is closed.
    client: Option<Client>,
    /// Sends and receives.
    driver: Option<JoinHandle<()>>,
    /// How long one statement may take.
    patience: Duration,
    prepared: RefCell<HashMap<String, Prepared>>,
    trips: Cell<u64>,
    /// All is asked within one transaction that only reads.
    only_reads: Cell<bool>,
    /// The tables are there.
    is_ready: Cell<bool>,
    /// The number of the transaction that was written last, as far as this session saw.
    seen: Cell<i64>,
    /// How often others were seen to have written.
    others: Cell<i64>,
}

/// A statement as the server reads it.
struct Prepared {
    text: String,
    /// Prepared on the server, once it was asked before.
    statement: Option<Statement>,
    is_asked: bool,
    /// What it looks up by number.
    ahead: Option<Ahead>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("trips", &self.trips).finish_non_exhaustive()
    }
}

impl Session {
    /// Waits for an answer: one round trip.
    fn wait<T>(&self, work: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>) -> StoreResult<T> {
        self.trips.set(self.trips.get() + 1);
        let patience = self.patience + GRACE;
        match self.runtime.block_on(async { tokio::time::timeout(patience, work).await }) {
            Ok(answer) => answer.map_err(|failed| error(&failed, self.patience)),
            Err(_) => Err(StoreError::Slow(patience.as_secs())),
        }
    }

    fn client(&self) -> StoreResult<&Client> {
        self.client.as_ref().ok_or_else(|| StoreError::Gone("closed".to_owned()))
    }

    /// The rows of a question.
    pub(super) fn query(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Arc<Row>>> {
        let client = self.client()?;
        let mut prepared = self.prepared.borrow_mut();
        let known = known(&mut prepared, sql);
        if let (Some(ahead), [Value::Integer(key)], true) = (&mut known.ahead, values, self.only_reads.get()) {
            if let Some(row) = ahead.row(*key) {
                return Ok(row.into_iter().collect());
            }
            let range = ahead.next(*key);
            let rows = self.wait(client.query_typed(&ahead.text, &[(&range.0, Type::INT8), (&range.1, Type::INT8)]))?;
            ahead.keep(range, rows);
            return Ok(ahead.row(*key).flatten().into_iter().collect());
        }
        let rows = if std::mem::replace(&mut known.is_asked, true) {
            let statement = self.prepare(known)?;
            let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
            self.wait(client.query(&statement, &values))?
        } else {
            let typed: Vec<(&(dyn ToSql + Sync), Type)> =
                values.iter().map(|value| (value as &(dyn ToSql + Sync), type_of(*value))).collect();
            self.wait(client.query_typed(&known.text, &typed))?
        };
        Ok(rows.into_iter().map(Arc::new).collect())
    }

    /// A statement that is prepared on the server.
    fn prepare(&self, known: &mut Prepared) -> Result<Statement> {
        if let Some(statement) = &known.statement {
            return Ok(statement.clone());
        }
        let statement = self.wait(self.client()?.prepare(&known.text))?;
        Ok(known.statement.insert(statement).clone())
    }

    /// Executes a statement; gives how many rows it changed.
    pub(super) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize> {
        let mut prepared = self.prepared.borrow_mut();
        let statement = self.prepare(known(&mut prepared, sql))?;
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let changed = self.wait(self.client()?.execute(&statement, &values))?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    /// Executes an INSERT of one row; gives its `id`.
    pub(super) fn insert(&self, sql: &str, values: &[Value<'_>]) -> Result<i64> {
        let rows = self.query(&format!("{sql} RETURNING id"), values)?;
        Ok(rows.first().ok_or(Error::NoRow)?.get(0))
    }

    /// Executes statements that have neither parameters nor rows.
    pub(super) fn execute_batch(&self, sql: &str) -> Result<()> {
        Ok(self.wait(self.client()?.batch_execute(sql))?)
    }

    /// Executes statements that make or change tables.
    pub(super) fn define(&self, sql: &str) -> Result<()> {
        if !self.is_ready.get() {
            self.execute_batch(NEXT_ID)?;
        }
        self.execute_batch(&dialect::definition(sql))
    }

    /// Begins to write, under the lock.
    pub(super) fn begin(&self) -> Result<()> {
        let lock = "BEGIN; SELECT pg_advisory_xact_lock(1684894580, hashtext(current_schema()));";
        let count = "UPDATE dmarcstat_database SET writes = writes + 1 RETURNING writes";
        let sql = if self.is_ready.get() { format!("{lock} {count}") } else { lock.to_owned() };
        let answer = match self.wait(self.client()?.simple_query(&sql)) {
            Ok(answer) => answer,
            Err(failed) => {
                let _ = self.execute_batch("ROLLBACK");
                return Err(failed.into());
            }
        };
        let rows = answer.iter().filter_map(|one| match one {
            SimpleQueryMessage::Row(row) => row.get(0)?.parse::<i64>().ok(),
            _ => None,
        });
        if self.is_ready.get() {
            let writes = rows.last().unwrap_or(0);
            // Nobody else has written where this is the next after the last that was seen; one that was given up counts as
            // somebody else's.
            if writes != self.seen.get() + 1 {
                self.others.set(self.others.get() + 1);
            }
            self.seen.set(writes);
        }
        Ok(())
    }

    /// A number that changes when somebody else has written.
    pub(super) fn writes_of_others(&self) -> i64 {
        self.others.get()
    }

    /// The version of the tables, 0 where there are none.
    pub(super) fn version(&self) -> Result<i32> {
        // Read from the catalogue itself: what the server remembers of names may be of before the lock was waited for.
        let there = self.query(
            "SELECT EXISTS (SELECT 1 FROM pg_class WHERE relname = 'dmarcstat_database'
                AND relnamespace = CAST(current_schema() AS regnamespace))",
            &[],
        )?;
        if !there.first().is_some_and(|row| row.get(0)) {
            return Ok(0);
        }
        let found = self.query("SELECT version FROM dmarcstat_database", &[])?;
        let version = found.first().map_or(0, |row| row.get::<_, i64>(0));
        Ok(i32::try_from(version).unwrap_or(i32::MAX))
    }

    /// Notes the version of the tables.
    pub(super) fn set_version(&self, version: i32) -> Result<()> {
        let version = [Value::Integer(version.into())];
        if self.execute("UPDATE dmarcstat_database SET version = ?1", &version)? == 0 {
            self.execute("INSERT INTO dmarcstat_database (version, writes) VALUES (?1, 0)", &version)?;
        }
        self.is_ready.set(true);
        Ok(())
    }

    /// Bytes of all tables, with their indexes.
    pub(super) fn size(&self) -> Result<u64> {
        let sql = "SELECT CAST(SUM(pg_total_relation_size(oid)) AS BIGINT) FROM pg_class
                   WHERE relnamespace = CAST(current_schema() AS regnamespace) AND relkind = 'r'";
        let found = self.query(sql, &[])?;
        Ok(found.first().and_then(|row| row.get::<_, Option<i64>>(0)).unwrap_or(0).unsigned_abs())
    }

    /// Copies a stream into `bytes` of a row of `blob`.
    pub(super) fn fill_blob(&self, id: i64, source: &mut dyn Read) -> StoreResult<()> {
        let mut bytes = Vec::new();
        source
            .read_to_end(&mut bytes)
            .map_err(|error| StoreError::Other(format!("a temporary file failed: {error}")))?;
        self.execute("UPDATE blob SET bytes = ?2 WHERE id = ?1", &[Value::Integer(id), Value::Bytes(&bytes)])?;
        Ok(())
    }

    /// How many round trips there were since the connection was made.
    pub(super) fn trips(&self) -> u64 {
        self.trips.get()
    }
}

/// A statement as it was asked before, if it was.
fn known<'p>(prepared: &'p mut HashMap<String, Prepared>, sql: &str) -> &'p mut Prepared {
    if prepared.len() > PREPARED {
        prepared.clear();
    }
    prepared.entry(sql.to_owned()).or_insert_with(|| Prepared {
        text: dialect::statement(sql),
        statement: None,
        // What writes is prepared at once: the server knows best of which type its columns are.
        is_asked: !sql.trim_start().starts_with("SELECT"),
        ahead: Ahead::of(sql),
    })
}

impl Drop for Session {
    /// Takes leave, so that the server does not note an error; one that does not answer is not waited for.
    fn drop(&mut self) {
        drop(self.client.take());
        if let Some(driver) = self.driver.take() {
            let _ = self.runtime.block_on(async { tokio::time::timeout(Duration::from_millis(500), driver).await });
        }
    }
}
