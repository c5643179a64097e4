//! Opening a database, and making it where there is none.

use super::database::Store;
use super::digest::DigestKey;
use super::engine::{Connection, params};
use super::error::Result;
use super::place::Place;
use super::{apart, host_names, schema};

impl Store {
    /// Opens a database for reading and writing, making it (readable by its owner alone) where there is none.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn open(place: impl Into<Place>) -> Result<Self> {
        let (mut connection, version) = Connection::open(&place.into(), schema::VERSION)?;
        schema::migrate(&mut connection, version, &schema::Purpose::Use)?;
        Self::over(connection)
    }

    /// Opens an existing database to answer from: one view of the data for the whole answer, whatever is written meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Missing`](super::StoreError::Missing) where there is none, else see [`StoreError`](super::StoreError).
    pub fn open_existing(place: impl Into<Place>) -> Result<Self> {
        let place = place.into();
        let (connection, version) = Connection::open_to_read(&place, schema::VERSION)?;
        if version < schema::VERSION {
            // Answers need the tables of this version, and migrating needs to write.
            drop(connection);
            return Self::open(place);
        }
        Self::over(connection)
    }

    /// A database in memory, for answers straight from files.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn in_memory() -> Result<Self> {
        let mut connection = Connection::in_memory()?;
        schema::migrate(&mut connection, 0, &schema::Purpose::Use)?;
        Self::over(connection)
    }

    /// A database that is open and has the tables of today.
    pub(super) fn over(connection: Connection) -> Result<Self> {
        connection.ask_together(&[
            (DigestKey::SELECT, &[]),
            (apart::SELECT_IGNORED, &[]),
            (apart::SELECT_META, params![apart::SETTLED_WITHOUT]),
            (apart::SELECT_META, params![host_names::SILENCE]),
        ])?;
        let key = DigestKey::load(&connection)?;
        let ignored = apart::ignored(&connection)?;
        Ok(Store { connection, key, owner_domains: Vec::new(), hides_foreign: false, ignored, checked_only: false })
    }
}
