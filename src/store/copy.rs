//! A whole database into another, on whichever engines they are.
//!
//! Rows go over table by table in the order of their keys, so that a copy that broke off goes on after the last row that came over.
//! Until all are there and are the same by number and digest, the other database has no key for digests and can be used for nothing
//! else. What is copied is what the source was when the run began; where it had changed since an earlier run, that is found at the end.

use super::engine::{AsValue, Connection, Optional, Stored, Value, params};
use super::place::Place;
use super::schema::{self, COPYING};
use super::{DigestKey, Result, StoreError, blobs};

/// Rows that are read and written in one transaction.
const BATCH: usize = 2_000;
/// Rows that are written in one statement.
const TOGETHER: usize = 50;

/// A table that was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedTable {
    /// Its name.
    pub table: String,
    /// Its rows.
    pub rows: u64,
}

/// What a copy came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// All was in the other database before: nothing was copied, and both were compared.
    pub was_whole: bool,
    /// All tables, which are the same in both.
    pub tables: Vec<CopiedTable>,
}

/// A table, with its columns and those that its rows are known by, in their order.
struct Table {
    name: String,
    columns: Vec<String>,
    key: Vec<String>,
}

/// What went wrong with a copy, and with which of the two databases.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.worded())]
pub struct CopyError {
    /// The database: its path, or its URL without a password.
    pub place: String,
    /// What went wrong with it.
    pub error: StoreError,
}

impl CopyError {
    fn worded(&self) -> String {
        if self.error.is_nameless() { format!("{}: {}", self.place, self.error) } else { self.error.to_string() }
    }
}

/// What goes wrong with a database, as an error that says which it is.
fn at<E: Into<StoreError>>(place: &Place) -> impl Fn(E) -> CopyError {
    move |error| CopyError { place: place.to_string(), error: error.into() }
}

/// Copies all that is in one database into another, which is made where it is missing, or went through a part of this already. Tells of each
/// table how many rows have come over.
///
/// # Errors
/// [`StoreError::Copy`] where the other holds something else, or is not the same in the end; else see [`StoreError`].
pub fn copy(from: &Place, to: &Place, progress: &mut dyn FnMut(&str, u64)) -> std::result::Result<Copied, CopyError> {
    let tables = tables().map_err(at(to))?;
    let (source, version) = Connection::open_to_read(from, schema::VERSION).map_err(at(from))?;
    if version < schema::VERSION {
        let reason = format!("{from} is of an earlier version; any question to it brings it up to date");
        return Err(at(from)(StoreError::Copy(reason)));
    }
    let key = DigestKey::bytes(&source).map_err(at(from))?;
    let mut target = open_target(to, &key).map_err(at(to))?;
    let was_whole = begin(&mut target, &key, &tables, to).map_err(at(to))?;
    let mut copied = Vec::new();
    for table in tables.iter().filter(|table| table.name != "meta" && !was_whole) {
        let (mut last, mut moved) = (table.last(&target).map_err(at(to))?, 0);
        loop {
            let rows = table.after(&source, last.as_deref()).map_err(at(from))?;
            let Some(end) = rows.last() else { break };
            last = Some(table.key_of(end));
            table.take(&mut target, &rows).map_err(at(to))?;
            moved += rows.len() as u64;
            progress(&table.name, moved);
        }
    }
    for table in &tables {
        let (rows, digest) = summary(table, &source).map_err(at(from))?;
        if table.name != "meta" && summary(table, &target).map_err(at(to))? != (rows, digest) {
            let why = match was_whole {
                // What came into either since is in that one alone.
                true => format!(
                    "the copy was finished before, and {to} has been written to since, or {from} has; nothing was copied, and both stay as they are"
                ),
                false => format!("{from} has changed since the copy was begun; remove what is in {to} and begin anew"),
            };
            let reason = format!("the table {} is not the same in both: {why}", table.name);
            return Err(at(to)(StoreError::Copy(reason)));
        }
        copied.push(CopiedTable { table: table.name.clone(), rows });
    }
    if !was_whole {
        let facts = facts(&source).map_err(at(from))?;
        finish(facts, &mut target).map_err(at(to))?;
    }
    Ok(Copied { was_whole, tables: copied })
}

/// Opens the database to copy into, or makes it.
fn open_target(to: &Place, key: &[u8]) -> Result<Connection> {
    let (mut target, version) = Connection::open(to, schema::VERSION)?;
    schema::migrate(&mut target, version, &schema::Purpose::Copy(key))?;
    target.take_in_any_order()?;
    Ok(target)
}

/// Sees that the other database is empty, or holds this copy; true where that is whole already, as it is where the connection to a
/// server was lost after the last commit.
fn begin(target: &mut Connection, key: &[u8], tables: &[Table], to: &Place) -> Result<bool> {
    let transaction = target.transaction()?;
    let kept = |name: &str| -> Result<Option<Vec<u8>>> {
        Ok(transaction.query_row("SELECT value FROM meta WHERE key = ?1", [name], |row| row.get(0)).optional()?)
    };
    match kept(COPYING)? {
        Some(begun) if begun == key => return Ok(false),
        Some(_) => {
            return Err(StoreError::Copy(format!(
                "{to} holds part of a copy of another database, because an earlier `dmarcstat copy` was stopped: run that again, remove what is in {to}, or name another with --to"
            )));
        }
        None => {}
    }
    let mut used = false;
    for table in tables.iter().filter(|table| table.name != "meta") {
        used |= transaction.prepare(&format!("SELECT 1 FROM {} LIMIT 1", table.name))?.exists(())?;
    }
    if used && kept("digest_key")?.is_some_and(|other| other == key) {
        return Ok(true);
    }
    if used {
        return Err(StoreError::Copy(format!("{to} is not empty: a copy goes into a database of its own")));
    }
    transaction.execute("DELETE FROM meta", ())?;
    transaction.execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", params![COPYING, key])?;
    transaction.commit()?;
    Ok(false)
}

/// What stands in `meta`.
fn facts(source: &Connection) -> Result<Vec<(String, Stored)>> {
    let mut select = source.prepare("SELECT key, value FROM meta ORDER BY key")?;
    let all = select.query_map((), |row| Ok((row.get::<String>(0)?, row.stored(1)?)))?;
    Ok(all.collect::<super::engine::Result<_>>()?)
}

/// Makes the copy a database of its own: what stands in `meta` comes last, the key for digests with it.
fn finish(facts: Vec<(String, Stored)>, target: &mut Connection) -> Result<()> {
    let transaction = target.transaction()?;
    transaction.execute("DELETE FROM meta", ())?;
    for (key, value) in facts {
        // A server has all that stands here as bytes.
        let value = match (key.as_str(), value) {
            ("digest_key", value) => value,
            ("name_servers_silent", Stored::Bytes(bytes)) => {
                String::from_utf8(bytes).ok().and_then(|text| text.parse().ok()).map_or(Stored::Null, Stored::Integer)
            }
            (_, Stored::Bytes(bytes)) => Stored::Text(String::from_utf8_lossy(&bytes).into_owned()),
            (_, value) => value,
        };
        transaction.execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", params![key, value])?;
    }
    Ok(transaction.commit()?)
}

/// All tables, as the schema has them.
fn tables() -> Result<Vec<Table>> {
    let mut schema = Connection::in_memory()?;
    schema::migrate(&mut schema, 0, &schema::Purpose::Use)?;
    let mut select = schema.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")?;
    let names: Vec<String> = select.query_map((), |row| row.get(0))?.collect::<super::engine::Result<_>>()?;
    let mut tables = Vec::new();
    for name in names {
        let mut select = schema.prepare("SELECT name, pk FROM pragma_table_info(?1) ORDER BY cid")?;
        let columns: Vec<(String, i64)> =
            select.query_map([&name], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<super::engine::Result<_>>()?;
        let mut key: Vec<(i64, String)> =
            columns.iter().filter(|(_, place)| *place > 0).map(|(column, place)| (*place, column.clone())).collect();
        key.sort();
        tables.push(Table {
            name,
            columns: columns.into_iter().map(|(column, _)| column).collect(),
            key: key.into_iter().map(|(_, column)| column).collect(),
        });
    }
    Ok(tables)
}

impl Table {
    /// The next rows after one, all but its key left out; none where it was the last.
    fn after(&self, connection: &Connection, last: Option<&[Stored]>) -> Result<Vec<Vec<Stored>>> {
        let key = self.key.join(", ");
        let mut values: Vec<Value<'_>> = last.unwrap_or_default().iter().map(AsValue::as_value).collect();
        let which = if self.name == "blob" {
            let last = if let Some(&[Value::Integer(last)]) = values.get(..1) { last } else { i64::MIN };
            let Some(end) = blobs::batch_after(connection, last)? else { return Ok(Vec::new()) };
            values = vec![Value::Integer(last), Value::Integer(end)];
            "WHERE id > ?1 AND id <= ?2 ORDER BY id".to_owned()
        } else {
            let marks: Vec<String> = (1..=self.key.len()).map(|number| format!("?{number}")).collect();
            let behind = last.map_or_else(String::new, |_| format!("WHERE ({key}) > ({})", marks.join(", ")));
            format!("{behind} ORDER BY {key} LIMIT {BATCH}")
        };
        let mut select =
            connection.prepare(&format!("SELECT {} FROM {} {which}", self.columns.join(", "), self.name))?;
        let rows =
            select.query_map(values.as_slice(), |row| (0..self.columns.len()).map(|at| row.stored(at)).collect())?;
        Ok(rows.collect::<super::engine::Result<_>>()?)
    }

    /// The key of a row.
    fn key_of(&self, row: &[Stored]) -> Vec<Stored> {
        let at = |name: &String| self.columns.iter().position(|column| column == name);
        self.key.iter().filter_map(|name| at(name).and_then(|at| row.get(at)).cloned()).collect()
    }

    /// The key of the last row that is there.
    fn last(&self, connection: &Connection) -> Result<Option<Vec<Stored>>> {
        let descending: Vec<String> = self.key.iter().map(|column| format!("{column} DESC")).collect();
        let sql =
            format!("SELECT {} FROM {} ORDER BY {} LIMIT 1", self.key.join(", "), self.name, descending.join(", "));
        let read = |row: super::engine::Row<'_>| (0..self.key.len()).map(|at| row.stored(at)).collect();
        Ok(connection.query_row(&sql, (), read).optional()?)
    }

    /// Takes rows in, in one transaction.
    fn take(&self, target: &mut Connection, rows: &[Vec<Stored>]) -> Result<()> {
        let transaction = target.transaction()?;
        self.insert(&transaction, rows)?;
        transaction.check_room()?;
        Ok(transaction.commit()?)
    }

    fn insert(&self, connection: &Connection, rows: &[Vec<Stored>]) -> Result<()> {
        let width = self.columns.len();
        for rows in rows.chunks(TOGETHER) {
            let one = |row: usize| {
                let marks: Vec<String> = (1..=width).map(|column| format!("?{}", row * width + column)).collect();
                format!("({})", marks.join(", "))
            };
            let all: Vec<String> = (0..rows.len()).map(one).collect();
            let sql = format!("INSERT INTO {} ({}) VALUES {}", self.name, self.columns.join(", "), all.join(", "));
            let values: Vec<Value<'_>> = rows.iter().flatten().map(AsValue::as_value).collect();
            connection.prepare(&sql)?.execute(values.as_slice())?;
        }
        Ok(())
    }
}

/// How many rows a table has, and a digest of all of them.
fn summary(table: &Table, connection: &Connection) -> Result<(u64, u128)> {
    let (mut last, mut count, mut digest) = (None, 0, DigestKey::default().digest());
    loop {
        let rows = table.after(connection, last.as_deref())?;
        let Some(end) = rows.last() else { return Ok((count, digest.finish())) };
        last = Some(table.key_of(end));
        count += rows.len() as u64;
        for value in rows.iter().flatten() {
            match value {
                Stored::Null => digest.number(0),
                Stored::Integer(number) => {
                    digest.number(1);
                    digest.number(number.cast_unsigned());
                }
                Stored::Text(text) => {
                    digest.number(2);
                    digest.text(Some(text));
                }
                Stored::Bytes(bytes) => {
                    digest.number(3);
                    digest.number(bytes.len() as u64);
                    digest.bytes(bytes);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn an_error_says_of_which_database_it_is() {
        let place = Place::from("/srv/to.db");
        assert!(at(&place)(StoreError::Full).to_string().starts_with("/srv/to.db: the disk is full"));
        assert!(
            at(&place)(StoreError::Missing("/srv/to.db".to_owned())).to_string().starts_with("there is no database")
        );
    }

    #[test]
    fn a_copy_that_was_hardly_begun_can_be_used_for_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| Place::from(&folder.path().join(name));
        let (from, to) = (place("from.db"), place("to.db"));
        Store::open(from.clone()).unwrap().remember_announced(None, &[], 0).unwrap();
        let key = DigestKey::bytes(&Connection::open_to_read(&from, schema::VERSION).unwrap().0).unwrap();
        // As it is when the run ends after any of the steps that make the tables.
        let (mut target, version) = Connection::open(&to, schema::VERSION).unwrap();
        schema::migrate(&mut target, version, &schema::Purpose::Copy(&key)).unwrap();
        drop(target);
        for opened in [Store::open(to.clone()), Store::open_existing(to.clone())] {
            let error = opened.expect_err("no key for digests").to_string();
            assert!(error.contains("part of a copy"), "{error}");
        }
        // Another database is not copied into it, the same one is.
        let other = place("other.db");
        drop(Store::open(other.clone()).unwrap());
        let error = copy(&other, &to, &mut |_, _| ()).unwrap_err().to_string();
        assert!(error.contains("part of a copy of another database") && error.contains("was stopped"), "{error}");
        assert!(!copy(&from, &to, &mut |_, _| ()).unwrap().was_whole);
        Store::open_existing(to).unwrap();
    }
}
