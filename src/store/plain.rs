//! Plain tables in SQLite files that are not ours: what other programs read.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, OpenFlags, ToSql, params_from_iter};

use super::engine::{APPLICATION_ID, create_private};
use super::error::BUSY;
use super::{Result, StoreError};

/// A column of a plain table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlainColumn {
    /// Its name, of letters and underscores.
    pub name: &'static str,
    /// Whole numbers and truth values; else text.
    pub is_number: bool,
}

/// A value of a plain table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainValue<'v> {
    /// Nothing.
    Null,
    /// A whole number, or a truth value as 0 or 1.
    Number(i64),
    /// Text.
    Text(&'v str),
}

impl ToSql for PlainValue<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match *self {
            PlainValue::Null => ToSqlOutput::from(rusqlite::types::Null),
            PlainValue::Number(number) => ToSqlOutput::from(number),
            PlainValue::Text(text) => ToSqlOutput::from(text),
        })
    }
}

/// A table that rows are added to, in one transaction: all of them are in it in the end, or none. A row takes the place of one
/// with the same `id`.
#[derive(Debug)]
pub struct PlainTable {
    connection: Connection,
    insert: String,
    take_back: String,
}

impl PlainTable {
    /// Opens a table with a column `id` in a file, making both where they are missing, and columns that an earlier version did
    /// not have.
    ///
    /// # Errors
    /// [`StoreError::Other`] with the reason where the file is a database of this program, or the table somebody else's;
    /// [`StoreError::Foreign`] where the file is not a database; else see [`StoreError`].
    pub fn open(path: &Path, table: &'static str, columns: &[PlainColumn]) -> Result<Self> {
        let shown = path.display().to_string();
        create_private(path).map_err(|error| StoreError::Open { path: shown.clone(), reason: error.to_string() })?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        if connection.pragma_query_value::<i32, _>(None, "application_id", |row| row.get(0))? == APPLICATION_ID {
            return Err(StoreError::Other("it is a database of reports; rows go into a file of their own".to_owned()));
        }
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let known = columns_of(&connection, table)?;
        let declared = |column: &PlainColumn| {
            let kind = if column.is_number { "INTEGER" } else { "TEXT" };
            let key = if column.name == "id" { " PRIMARY KEY NOT NULL" } else { "" };
            format!("\"{}\" {kind}{key}", column.name)
        };
        if known.is_empty() {
            let list: Vec<String> = columns.iter().map(declared).collect();
            connection.execute_batch(&format!("CREATE TABLE \"{table}\" ({}) WITHOUT ROWID", list.join(", ")))?;
        } else {
            if known.iter().any(|name| !columns.iter().any(|column| column.name == name)) || !known.contains("id") {
                return Err(StoreError::Other(format!(
                    "its table {table} has other columns than these rows; choose another file"
                )));
            }
            for column in columns.iter().filter(|column| !known.contains(column.name)) {
                connection.execute_batch(&format!("ALTER TABLE \"{table}\" ADD COLUMN {}", declared(column)))?;
            }
        }
        let names: Vec<String> = columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        let marks: Vec<String> = (1..=columns.len()).map(|number| format!("?{number}")).collect();
        Ok(PlainTable {
            connection,
            insert: format!("INSERT OR REPLACE INTO \"{table}\" ({}) VALUES ({})", names.join(", "), marks.join(", ")),
            take_back: format!("DELETE FROM \"{table}\" WHERE id >= ?1 || '-' AND id < ?1 || '.'"),
        })
    }

    /// Adds a row, its values in the order of the columns.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn insert<'v>(&mut self, values: impl Iterator<Item = PlainValue<'v>>) -> Result<()> {
        self.connection.prepare_cached(&self.insert)?.execute(params_from_iter(values))?;
        Ok(())
    }

    /// Takes back all rows whose `id` is this and a number after `-`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn take_back(&mut self, row_key: &str) -> Result<()> {
        self.connection.prepare_cached(&self.take_back)?.execute([row_key])?;
        Ok(())
    }

    /// Keeps what was added. Without it nothing is.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn commit(self) -> Result<()> {
        Ok(self.connection.execute_batch("COMMIT")?)
    }
}

fn columns_of(connection: &Connection, table: &str) -> Result<BTreeSet<String>> {
    let mut select = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let names = select.query_map([table], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}
