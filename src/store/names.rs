//! Texts that are stored once and go by numbers.

use rusqlite::Connection;
use rustc_hash::FxHashMap;

use super::Result;
use crate::alignment::codec::{PutText, TakeText};
use crate::varint;

/// More texts than that are looked up in the database again.
const KEPT: usize = 100_000;

/// The texts this process has used, with their numbers.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: FxHashMap<String, i64>,
}

impl Names {
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    /// The number of a text, which is stored if it is new.
    pub(super) fn id(&mut self, connection: &Connection, text: &str) -> rusqlite::Result<i64> {
        if let Some(&id) = self.known.get(text) {
            return Ok(id);
        }
        let found =
            connection.prepare_cached("SELECT id FROM name WHERE text = ?1")?.query_row([text], |row| row.get(0));
        let id = match found {
            Ok(id) => id,
            Err(rusqlite::Error::QueryReturnedNoRows) => {
                connection.prepare_cached("INSERT INTO name (text) VALUES (?1)")?.insert([text])?
            }
            Err(error) => return Err(error),
        };
        if self.known.len() >= KEPT {
            self.known.clear();
        }
        self.known.insert(text.to_owned(), id);
        Ok(id)
    }

    /// The same for a text that may be absent.
    pub(super) fn id_of(&mut self, connection: &Connection, text: Option<&str>) -> rusqlite::Result<Option<i64>> {
        text.map(|text| self.id(connection, text)).transpose()
    }
}

/// Writes texts as their numbers.
pub(super) struct Numbering<'n> {
    pub(super) names: &'n mut Names,
    pub(super) connection: &'n Connection,
}

impl PutText for Numbering<'_> {
    type Error = rusqlite::Error;

    fn put(&mut self, out: &mut Vec<u8>, text: &str) -> rusqlite::Result<()> {
        let id = self.names.id(self.connection, text)?;
        varint::put(out, id.unsigned_abs());
        Ok(())
    }
}

/// Reads texts by their numbers.
pub(super) struct Reading<'n> {
    connection: &'n Connection,
    known: FxHashMap<i64, String>,
}

impl<'n> Reading<'n> {
    pub(super) fn new(connection: &'n Connection) -> Self {
        Reading { connection, known: FxHashMap::default() }
    }

    pub(super) fn text(&mut self, id: i64) -> Result<String> {
        if let Some(text) = self.known.get(&id) {
            return Ok(text.clone());
        }
        let text: String =
            self.connection.prepare_cached("SELECT text FROM name WHERE id = ?1")?.query_row([id], |row| row.get(0))?;
        if self.known.len() >= KEPT {
            self.known.clear();
        }
        self.known.insert(id, text.clone());
        Ok(text)
    }
}

impl TakeText for Reading<'_> {
    fn take(&mut self, bytes: &mut &[u8]) -> Option<String> {
        let id = i64::try_from(varint::take(bytes)?).ok()?;
        self.text(id).ok()
    }
}
