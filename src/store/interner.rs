//! Texts that are stored once and referred to by numbers.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::engine::{self, Connection};
use rustc_hash::FxHashMap;

use super::Result;
use crate::alignment::codec::{PutText, TakeText};
use crate::varint;

/// More texts than that are looked up in the database again.
const KEPT: usize = 100_000;
/// Nor are more bytes of texts kept.
const KEPT_BYTES: usize = 8 * 1024 * 1024;

/// The texts this process has used, with their numbers.
#[derive(Debug, Default)]
pub(super) struct Interner {
    /// By names of strangers, who may know how any fixed function hashes.
    known: HashMap<String, i64>,
    bytes: usize,
}

impl Interner {
    pub(super) fn forget(&mut self) {
        self.known.clear();
        self.bytes = 0;
    }

    /// The number of a text, which is stored if it is new.
    pub(super) fn id(&mut self, connection: &Connection, text: &str) -> engine::Result<i64> {
        if let Some(&id) = self.known.get(text) {
            return Ok(id);
        }
        let found = connection.prepare("SELECT id FROM name WHERE text = ?1")?.query_row([text], |row| row.get(0));
        let id = match found {
            Ok(id) => id,
            Err(engine::Error::NoRow) => connection.prepare("INSERT INTO name (text) VALUES (?1)")?.insert([text])?,
            Err(error) => return Err(error),
        };
        if self.known.len() >= KEPT || self.bytes >= KEPT_BYTES {
            self.forget();
        }
        self.bytes += text.len();
        self.known.insert(text.to_owned(), id);
        Ok(id)
    }

    /// The same for a text that may be absent.
    pub(super) fn id_of(&mut self, connection: &Connection, text: Option<&str>) -> engine::Result<Option<i64>> {
        text.map(|text| self.id(connection, text)).transpose()
    }
}

/// Writes texts as their numbers.
pub(super) struct Numbering<'n> {
    pub(super) names: &'n mut Interner,
    pub(super) connection: &'n Connection,
}

impl PutText for Numbering<'_> {
    type Error = engine::Error;

    fn put(&mut self, out: &mut Vec<u8>, text: &str) -> engine::Result<()> {
        let id = self.names.id(self.connection, text)?;
        varint::put(out, id.unsigned_abs());
        Ok(())
    }
}

/// Names by their numbers, each read once, kept from one use of the database to the next.
#[derive(Debug, Default)]
pub struct NameCache {
    known: FxHashMap<i64, String>,
    bytes: usize,
}

impl NameCache {
    /// The text of a name.
    fn text(&mut self, connection: &Connection, id: i64) -> Result<&str> {
        if (self.known.len() >= KEPT || self.bytes >= KEPT_BYTES) && !self.known.contains_key(&id) {
            self.known.clear();
            self.bytes = 0;
        }
        match self.known.entry(id) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(vacant) => {
                let text: String =
                    connection.prepare("SELECT text FROM name WHERE id = ?1")?.query_row([id], |row| row.get(0))?;
                self.bytes += text.len();
                Ok(vacant.insert(text))
            }
        }
    }

    /// Reads with what is known.
    pub(super) fn with<T>(
        &mut self,
        connection: &Connection,
        read: impl FnOnce(&mut NameReader<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut names = NameReader { connection, cache: std::mem::take(self) };
        let found = read(&mut names);
        *self = names.cache;
        found
    }
}

/// Reads names of an open database by their numbers.
#[derive(Debug)]
pub struct NameReader<'n> {
    connection: &'n Connection,
    cache: NameCache,
}

impl<'n> NameReader<'n> {
    pub(super) fn new(connection: &'n Connection) -> Self {
        NameReader { connection, cache: NameCache::default() }
    }

    /// The text of a name.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn text(&mut self, id: i64) -> Result<&str> {
        self.cache.text(self.connection, id)
    }
}

impl TakeText for NameReader<'_> {
    fn take(&mut self, bytes: &mut &[u8]) -> Option<String> {
        let id = i64::try_from(varint::take(bytes)?).ok()?;
        self.text(id).ok().map(str::to_owned)
    }
}
