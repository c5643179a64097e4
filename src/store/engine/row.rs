//! Rows of an answer.

use rusqlite::types::ValueRef;

use super::error::{Error, Result};
#[cfg(feature = "postgres")]
use super::value::Found;
use super::value::{Column, Stored};

/// A row, as long as it is at hand.
#[derive(Clone, Copy)]
pub(in crate::store) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    #[cfg(feature = "postgres")]
    Postgres(&'r tokio_postgres::Row),
}

impl<'r> Row<'r> {
    /// What stands in a column, by its place from 0.
    pub(in crate::store) fn get<T: Column>(self, at: usize) -> Result<T> {
        match self {
            Row::Sqlite(row) => Ok(row.get(at)?),
            #[cfg(feature = "postgres")]
            Row::Postgres(row) => T::of(found(row, at)?)
                .ok_or_else(|| Error::Column(format!("something else than was expected stands in column {at}"))),
        }
    }

    /// The bytes in a column, where they lie; nothing where the value is not bytes.
    pub(in crate::store) fn bytes(self, at: usize) -> Result<&'r [u8]> {
        match self {
            Row::Sqlite(row) => row.get_ref(at)?.as_blob().map_err(|error| Error::Column(error.to_string())),
            #[cfg(feature = "postgres")]
            Row::Postgres(row) => match found(row, at)? {
                Found::Bytes(bytes) => Ok(bytes),
                _ => Err(Error::Column("Invalid type".to_owned())),
            },
        }
    }

    /// What stands in a column, whichever type it has.
    pub(in crate::store) fn stored(self, at: usize) -> Result<Stored> {
        match self {
            Row::Sqlite(row) => match row.get_ref(at)? {
                ValueRef::Null => Ok(Stored::Null),
                ValueRef::Integer(number) => Ok(Stored::Integer(number)),
                ValueRef::Text(text) => match std::str::from_utf8(text) {
                    Ok(text) => Ok(Stored::Text(text.to_owned())),
                    Err(error) => Err(Error::Column(error.to_string())),
                },
                ValueRef::Blob(bytes) => Ok(Stored::Bytes(bytes.to_owned())),
                ValueRef::Real(_) => Err(Error::Column(format!("no whole number stands in column {at}"))),
            },
            #[cfg(feature = "postgres")]
            Row::Postgres(row) => Ok(match found(row, at)? {
                Found::Null => Stored::Null,
                Found::Integer(number) => Stored::Integer(number),
                Found::Text(text) => Stored::Text(text.into_owned()),
                Found::Bytes(bytes) => Stored::Bytes(bytes.to_owned()),
            }),
        }
    }

    /// How many columns there are.
    pub(in crate::store) fn width(self) -> usize {
        match self {
            Row::Sqlite(row) => row.as_ref().column_count(),
            #[cfg(feature = "postgres")]
            Row::Postgres(row) => row.len(),
        }
    }
}

#[cfg(feature = "postgres")]
fn found(row: &tokio_postgres::Row, at: usize) -> Result<Found<'_>> {
    row.try_get(at).map_err(|error| Error::Column(error.to_string()))
}

/// Rows, one after the other.
pub(in crate::store) enum Rows<'s> {
    Sqlite(rusqlite::Rows<'s>),
    #[cfg(feature = "postgres")]
    Postgres {
        rows: Vec<std::sync::Arc<tokio_postgres::Row>>,
        next: usize,
    },
}

impl Rows<'_> {
    /// The next row.
    pub(in crate::store) fn next(&mut self) -> Result<Option<Row<'_>>> {
        match self {
            Rows::Sqlite(rows) => Ok(rows.next()?.map(Row::Sqlite)),
            #[cfg(feature = "postgres")]
            Rows::Postgres { rows, next } => {
                *next += 1;
                Ok(rows.get(*next - 1).map(|row| Row::Postgres(row)))
            }
        }
    }
}
