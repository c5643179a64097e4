//! An open database. Its methods are in the files of what they are about.

use super::engine::Connection;

use super::digest::DigestKey;

/// An open database.
#[derive(Debug)]
pub struct Store {
    pub(super) connection: Connection,
    pub(super) key: DigestKey,
    /// The domains whose reports count; empty where all do.
    pub(super) owner_domains: Vec<String>,
    /// Nothing is told of reports on other domains.
    pub(super) hides_foreign: bool,
    /// The reporters whose reports are in no answer, see [`is_meant`](crate::reporter::is_meant).
    pub(super) ignored: Vec<String>,
    /// Records and reports are shown of such reports only as passed.
    pub(super) checked_only: bool,
}

impl Store {
    /// Lets the database grow to this many pages and no further, as a full disk does.
    #[cfg(test)]
    pub(crate) fn limit_pages(&self, pages: u32) -> super::Result<()> {
        Ok(self.connection.limit_pages(pages)?)
    }

    /// Bytes of all tables, where they are on a server.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn size_on_server(&self) -> super::Result<Option<u64>> {
        Ok(self.connection.size_on_server()?)
    }

    /// Whether large tables lie on other servers than the rest: what interrupted commits leave there is not damage.
    #[must_use]
    pub fn is_split(&self) -> bool {
        self.connection.is_split()
    }

    /// The key of this database's digests: nobody who sends reports knows it.
    #[must_use]
    pub fn key(&self) -> DigestKey {
        self.key
    }
}
