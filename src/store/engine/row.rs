//! Rows of an answer.

use super::value::Column;
use super::{Error, Result};

/// A row, as long as it is at hand.
#[derive(Clone, Copy)]
pub(in crate::store) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
}

impl<'r> Row<'r> {
    /// What stands in a column, by its place from 0.
    pub(in crate::store) fn get<T: Column>(self, at: usize) -> Result<T> {
        match self {
            Row::Sqlite(row) => Ok(row.get(at)?),
        }
    }

    /// The bytes in a column, where they lie; nothing for what is no bytes.
    pub(in crate::store) fn bytes(self, at: usize) -> Result<&'r [u8]> {
        match self {
            Row::Sqlite(row) => row.get_ref(at)?.as_blob().map_err(|error| Error::Column(error.to_string())),
        }
    }

    /// How many columns there are.
    pub(in crate::store) fn width(self) -> usize {
        match self {
            Row::Sqlite(row) => row.as_ref().column_count(),
        }
    }
}

/// Rows, one after the other.
pub(in crate::store) enum Rows<'s> {
    Sqlite(rusqlite::Rows<'s>),
}

impl Rows<'_> {
    /// The next row.
    pub(in crate::store) fn next(&mut self) -> Result<Option<Row<'_>>> {
        match self {
            Rows::Sqlite(rows) => Ok(rows.next()?.map(Row::Sqlite)),
        }
    }
}
