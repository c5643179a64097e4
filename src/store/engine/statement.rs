//! Statements that were prepared.

use super::error::{Error, Result};
#[cfg(feature = "postgres")]
use super::postgres::Session;
use super::row::{Row, Rows};
use super::value::Params;

/// A statement, prepared once for its text.
pub(in crate::store) enum Statement<'c> {
    Sqlite(rusqlite::CachedStatement<'c>),
    #[cfg(feature = "postgres")]
    Postgres {
        session: &'c Session,
        sql: String,
    },
}

impl Statement<'_> {
    /// Its rows.
    pub(in crate::store) fn query(&mut self, parameters: impl Params) -> Result<Rows<'_>> {
        match self {
            Statement::Sqlite(statement) => {
                Ok(Rows::Sqlite(parameters.with(|values| statement.query(rusqlite::params_from_iter(values)))?))
            }
            #[cfg(feature = "postgres")]
            Statement::Postgres { session, sql } => {
                Ok(Rows::Postgres { rows: parameters.with(|values| session.query(sql, values))?, next: 0 })
            }
        }
    }

    /// What is made of each of its rows.
    pub(in crate::store) fn query_map<T, F: FnMut(Row<'_>) -> Result<T>>(
        &mut self,
        parameters: impl Params,
        read: F,
    ) -> Result<Mapped<'_, F>> {
        Ok(Mapped { rows: self.query(parameters)?, read })
    }

    /// What is made of its first row.
    ///
    /// # Errors
    /// [`Error::NoRow`] where there is none.
    pub(in crate::store) fn query_row<T>(
        &mut self,
        parameters: impl Params,
        read: impl FnOnce(Row<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut rows = self.query(parameters)?;
        rows.next()?.ok_or(Error::NoRow).and_then(read)
    }

    /// Whether it has a row.
    pub(in crate::store) fn exists(&mut self, parameters: impl Params) -> Result<bool> {
        Ok(self.query(parameters)?.next()?.is_some())
    }

    /// Executes it; gives how many rows it changed.
    pub(in crate::store) fn execute(&mut self, parameters: impl Params) -> Result<usize> {
        match self {
            Statement::Sqlite(statement) => {
                Ok(parameters.with(|values| statement.execute(rusqlite::params_from_iter(values)))?)
            }
            #[cfg(feature = "postgres")]
            Statement::Postgres { session, sql } => parameters.with(|values| session.execute(sql, values)),
        }
    }

    /// Executes it before anything else is asked or committed; what is wrong with it may be said then.
    pub(in crate::store) fn write(&mut self, parameters: impl Params) -> Result<()> {
        match self {
            Statement::Sqlite(_) => self.execute(parameters).map(drop),
            #[cfg(feature = "postgres")]
            Statement::Postgres { session, sql } => parameters.with(|values| session.write(sql, values)),
        }
    }

    /// Executes it, an INSERT of one row in the form `INSERT INTO table (…) VALUES (…)`; gives the `id` of that.
    pub(in crate::store) fn insert(&mut self, parameters: impl Params) -> Result<i64> {
        match self {
            Statement::Sqlite(statement) => {
                Ok(parameters.with(|values| statement.insert(rusqlite::params_from_iter(values)))?)
            }
            #[cfg(feature = "postgres")]
            Statement::Postgres { session, sql } => parameters.with(|values| session.insert(sql, values)),
        }
    }
}

/// What is made of rows.
pub(in crate::store) struct Mapped<'s, F> {
    rows: Rows<'s>,
    read: F,
}

impl<T, F: FnMut(Row<'_>) -> Result<T>> Iterator for Mapped<'_, F> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.rows.next() {
            Ok(row) => row.map(&mut self.read),
            Err(error) => Some(Err(error)),
        }
    }
}
