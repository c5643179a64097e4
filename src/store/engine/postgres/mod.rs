//! PostgreSQL: a database on a server that several programs on several machines write to.
//!
//! Whoever writes holds a lock of the server's (`pg_advisory_xact_lock`) for the time of its transaction, as whoever writes a file of
//! SQLite holds the lock of that. Whoever reads sees one state of the data for as long as it is open. A statement whose answer is waited
//! for is one round trip; what is written waits for the next of these, and goes with it (see [`Later`]).
//!
//! Tables may be split over several servers (`docs/scale.md`). They are committed there before they are here, so where a
//! server goes down in between, there may be records of reports that are not: nobody reads these, and who writes next removes them.

mod ahead;
mod codec;
mod dialect;
mod failure;
mod later;
mod open;
mod repeated;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row, SimpleQueryMessage, SimpleQueryRow, Statement};

use self::ahead::Ahead;
use self::codec::{parameters, typed};
use self::failure::error;
use self::later::{Asked, Later};
pub(super) use self::open::{open, open_to_read};
use self::repeated::Repeated;
use super::error::{Error, Result};
use super::value::Value;
use crate::store::{Result as StoreResult, StoreError};

/// Statements that are kept prepared.
const PREPARED: usize = 200;
/// How much longer than the server itself an answer is waited for, before the server is taken to be hung.
const GRACE: Duration = Duration::from_secs(10);
/// How often a text is asked until it is worth the round trip that prepares it.
const OFTEN: u32 = 8;
/// Makes the number of a new row: the next after the largest, as SQLite does it. Whoever writes holds the lock.
const NEXT_ID: &str = "
    CREATE OR REPLACE FUNCTION dmarcstat_next_id(table_name TEXT) RETURNS BIGINT LANGUAGE plpgsql AS $$
    DECLARE number BIGINT;
    BEGIN EXECUTE format('SELECT COALESCE(MAX(id), 0) + 1 FROM %I', table_name) INTO number; RETURN number; END $$;
    CREATE TABLE IF NOT EXISTS dmarcstat_database (version BIGINT NOT NULL, writes BIGINT NOT NULL);";
/// Removes the records of reports that are not there.
const TIDY: &str = "DELETE FROM record_run WHERE report > ?1";

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
    /// What was answered.
    repeated: RefCell<Repeated>,
    /// All is asked within one transaction that only reads.
    only_reads: Cell<bool>,
    /// The tables are there.
    is_ready: Cell<bool>,
    /// The number of the transaction that was written last, as far as this session saw.
    seen: Cell<i64>,
    /// How often others were seen to have written.
    others: Cell<i64>,
    /// What is written and not yet sent.
    later: RefCell<Later>,
    /// The next number of a new row, by table; known while nobody else writes.
    numbers: RefCell<HashMap<String, i64>>,
    /// Answers are kept that the next statement that writes may change.
    are_asked: Cell<bool>,
    /// The records lie on other servers than the reports.
    is_split: Cell<bool>,
    /// There are no records of reports that are not there.
    is_tidy: Cell<bool>,
    /// The number of the newest report that this view of the data has.
    newest: Cell<i64>,
}

/// A statement as the server reads it.
struct Prepared {
    text: String,
    /// Prepared on the server, once it was asked before.
    statement: Option<Statement>,
    /// How often it was asked.
    asked: u32,
    /// What it looks up that can be read ahead.
    ahead: Option<Ahead>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Session {
    /// Waits for an answer: one round trip.
    fn wait<T>(&self, work: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>) -> StoreResult<T> {
        let patience = self.patience + GRACE;
        match self.runtime.block_on(async { tokio::time::timeout(patience, work).await }) {
            Ok(answer) => answer.map_err(|failed| error(&failed, self.patience)),
            Err(_) => Err(StoreError::Slow(patience.as_secs())),
        }
    }

    fn client(&self) -> StoreResult<&Client> {
        self.client.as_ref().ok_or_else(|| StoreError::Gone("closed".to_owned()))
    }

    /// Waits for an answer, and for all that was written before: one round trip.
    fn wait_for_all<T>(
        &self,
        work: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
    ) -> StoreResult<T> {
        let later = self.later.take();
        if later.is_empty() {
            return self.wait(work);
        }
        let client = self.client()?;
        self.wait(later.send(client, work))
    }

    /// The rows of a question.
    pub(super) fn query(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Arc<Row>>> {
        let client = self.client()?;
        let mut prepared = self.prepared.borrow_mut();
        let known = known(&mut prepared, sql);
        if let (Some(ahead), true) = (&mut known.ahead, self.only_reads.get()) {
            if let Some(rows) = ahead.rows(values) {
                return Ok(rows);
            }
            if let Some(reading) = ahead.next(values) {
                let text = dialect::statement(&reading.text);
                let numbers: Vec<Value<'_>> = reading.values.iter().copied().map(Value::Integer).collect();
                let rows = self.wait(client.query_typed(&text, &typed(&numbers)))?;
                ahead.keep(&reading, rows);
                if let Some(rows) = ahead.rows(values) {
                    return Ok(rows);
                }
            }
        }
        let mut repeated = self.repeated.borrow_mut();
        let before = if self.only_reads.get() { repeated.rows(sql, values) } else { repeated.take(sql, values) };
        if let Some(rows) = before {
            return Ok(rows);
        }
        known.asked += 1;
        let rows: Vec<Row> = if known.asked >= OFTEN {
            let statement = self.prepare(known)?;
            self.wait_for_all(client.query(&statement, &parameters(values)))?
        } else {
            self.wait_for_all(client.query_typed(&known.text, &typed(values)))?
        };
        let rows: Vec<Arc<Row>> = rows.into_iter().map(Arc::new).collect();
        if self.only_reads.get() {
            repeated.keep(sql, values, &rows);
        }
        Ok(rows)
    }

    /// Asks several questions at once, as far as the answers are not known: one round trip. The answers are there when each is asked
    /// by itself, unless something is written before.
    pub(super) fn ask_together(&self, questions: &[(&str, &[Value<'_>])]) -> Result<()> {
        let client = self.client()?;
        let mut prepared = self.prepared.borrow_mut();
        let mut repeated = self.repeated.borrow_mut();
        let is_new = |(sql, values): &&(&str, &[Value<'_>])| !repeated.has(sql, values);
        let questions: Vec<_> = questions.iter().filter(is_new).copied().collect();
        if questions.is_empty() {
            return Ok(());
        }
        let texts: Vec<String> = questions.iter().map(|(sql, _)| known(&mut prepared, sql).text.clone()).collect();
        let typed: Vec<Vec<(&(dyn ToSql + Sync), Type)>> = questions.iter().map(|(_, values)| typed(values)).collect();
        let asked = texts.iter().zip(&typed);
        let asked: Vec<Asked<'_, Vec<Row>>> =
            asked.map(|(text, typed)| Box::pin(client.query_typed(text, typed)) as _).collect();
        let answers = self.wait_for_all(later::all(asked))?;
        for ((sql, values), rows) in questions.iter().zip(answers) {
            repeated.expect(sql, values, rows.into_iter().map(Arc::new).collect());
        }
        self.are_asked.set(true);
        Ok(())
    }

    /// Nothing that was asked before holds any longer.
    fn forget_asked(&self) {
        if !self.only_reads.get() && self.are_asked.replace(false) {
            self.repeated.borrow_mut().forget();
        }
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
        self.forget_asked();
        let mut prepared = self.prepared.borrow_mut();
        let statement = self.prepare(known(&mut prepared, sql))?;
        let changed = self.wait_for_all(self.client()?.execute(&statement, &parameters(values)))?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    /// Executes a statement whose answer nobody needs, with the next whose answer somebody does.
    pub(super) fn write(&self, sql: &str, values: &[Value<'_>]) -> Result<()> {
        self.forget_asked();
        let statement = self.prepare(known(&mut self.prepared.borrow_mut(), sql))?;
        let is_much = self.later.borrow_mut().add(statement, values);
        if is_much { Ok(self.wait_for_all(std::future::ready(Ok(())))?) } else { Ok(()) }
    }

    /// Executes an INSERT of one row; gives its `id`, which is the next after the largest.
    pub(super) fn insert(&self, sql: &str, values: &[Value<'_>]) -> Result<i64> {
        let (table, sql) = dialect::numbered(sql, values.len() + 1)
            .ok_or_else(|| Error::Column(format!("not an INSERT of one row: {sql}")))?;
        let known = self.numbers.borrow().get(table).copied();
        let number = match known {
            Some(number) => number,
            None => {
                let rows = self.query(&format!("SELECT COALESCE(MAX(id), 0) + 1 FROM {table}"), &[])?;
                rows.first().ok_or(Error::NoRow)?.get(0)
            }
        };
        let mut values = values.to_vec();
        values.push(Value::Integer(number));
        self.write(&sql, &values)?;
        self.numbers.borrow_mut().insert(table.to_owned(), number + 1);
        Ok(number)
    }

    /// Executes statements that have neither parameters nor rows.
    pub(super) fn execute_batch(&self, sql: &str) -> Result<()> {
        self.forget_asked();
        if sql.starts_with("ROLLBACK") {
            self.numbers.borrow_mut().clear();
            self.is_tidy.set(false);
            if sql == "ROLLBACK" {
                self.later.take();
            }
        }
        Ok(self.wait_for_all(self.client()?.batch_execute(sql))?)
    }

    /// Executes statements that make or change tables.
    pub(super) fn define(&self, sql: &str) -> Result<()> {
        if !self.is_ready.get() {
            self.execute_batch(NEXT_ID)?;
        }
        self.execute_batch(&dialect::definition(sql))
    }

    /// The rows of statements without parameters, as texts.
    fn simple(&self, sql: &str) -> Result<Vec<SimpleQueryRow>> {
        let answer = self.wait_for_all(self.client()?.simple_query(sql))?;
        let rows = answer.into_iter().filter_map(|one| match one {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        Ok(rows.collect())
    }

    /// Begins to write, under the lock.
    pub(super) fn begin(&self) -> Result<()> {
        let lock = "BEGIN; SELECT pg_advisory_xact_lock(1684894580, hashtext(current_schema()));";
        let count = "UPDATE dmarcstat_database SET writes = writes + 1 RETURNING writes";
        let sql = if self.is_ready.get() { format!("{lock} {count}") } else { lock.to_owned() };
        let rows = match self.simple(&sql) {
            Ok(rows) => rows,
            Err(failed) => {
                let _ = self.execute_batch("ROLLBACK");
                return Err(failed);
            }
        };
        if self.is_ready.get() {
            let writes = rows.last().and_then(|row| row.get(0)?.parse().ok()).unwrap_or(0);
            // Nobody else has written where this is the next after the last that was seen; one that was given up counts as
            // somebody else's.
            if writes != self.seen.get() + 1 {
                self.others.set(self.others.get() + 1);
                self.numbers.borrow_mut().clear();
                self.is_tidy.set(false);
            }
            self.seen.set(writes);
            if self.is_split.get() && !self.is_tidy.get() {
                let rows = self.query("SELECT COALESCE(MAX(id), 0) FROM report", &[])?;
                let newest: i64 = rows.first().map_or(0, |row| row.get(0));
                self.execute(TIDY, &[Value::Integer(newest)])?;
            }
            self.is_tidy.set(true);
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

    /// Whether large tables lie on other servers than the rest.
    pub(super) fn is_split(&self) -> bool {
        self.is_split.get()
    }

    /// The number of the newest report whose records may be read.
    pub(super) fn newest(&self) -> i64 {
        self.newest.get()
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
        asked: if sql.trim_start().starts_with("SELECT") { 0 } else { OFTEN },
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
