//! What can go wrong with a statement.

use crate::store::StoreError;

/// What went wrong with a statement.
#[derive(Debug, thiserror::Error)]
pub(in crate::store) enum Error {
    /// A row was asked for, and there is none.
    #[error("Query returned no rows")]
    NoRow,
    /// Something else stands in a column than is asked for.
    #[error("{0}")]
    Column(String),
    /// A server says so.
    #[cfg(feature = "postgres")]
    #[error(transparent)]
    Server(Box<StoreError>),
    /// SQLite says so.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

/// The result of a statement.
pub(in crate::store) type Result<T> = std::result::Result<T, Error>;

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error {
            Error::NoRow | Error::Column(_) => StoreError::Other(error.to_string()),
            #[cfg(feature = "postgres")]
            Error::Server(error) => *error,
            Error::Sqlite(error) => error.into(),
        }
    }
}

/// A result that may be missing.
pub(in crate::store) trait Optional<T> {
    /// Nothing where there was no row.
    fn optional(self) -> Result<Option<T>>;
}

impl<T> Optional<T> for Result<T> {
    fn optional(self) -> Result<Option<T>> {
        match self {
            Ok(found) => Ok(Some(found)),
            Err(Error::NoRow) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
