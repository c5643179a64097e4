//! Keyed digests.
//!
//! Reports are written by strangers: with a digest that anyone can compute, a report could be made to look like a
//! duplicate of another and be dropped. The key is random, one for each database, and never leaves it.

use std::hash::Hasher;

use rusqlite::Connection;
use siphasher::sip128::{Hasher128, SipHasher13};

use super::Result;

/// The key of a database's digests.
#[derive(Clone, Copy, Default)]
pub struct DigestKey([u8; 16]);

impl std::fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DigestKey")
    }
}

impl DigestKey {
    pub(super) fn load(connection: &Connection) -> Result<Self> {
        let key: Vec<u8> =
            connection.query_row("SELECT value FROM meta WHERE key = 'digest_key'", [], |row| row.get(0))?;
        <[u8; 16]>::try_from(key.as_slice())
            .map(DigestKey)
            .map_err(|_| super::StoreError::Damaged("the digest key is missing".to_owned()))
    }

    /// A digest to feed.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest(SipHasher13::new_with_key(&self.0))
    }

    /// The digest of some bytes.
    #[must_use]
    pub fn of(&self, bytes: &[u8]) -> u128 {
        let mut digest = self.digest();
        digest.bytes(bytes);
        digest.finish()
    }
}

/// A digest that is being fed.
pub struct Digest(SipHasher13);

impl Digest {
    /// Feeds bytes, without a border to what comes next.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    /// Feeds a text or its absence, with a border.
    pub fn text(&mut self, text: Option<&str>) {
        match text {
            None => self.number(u64::MAX),
            Some(text) => {
                self.number(text.len() as u64);
                self.bytes(text.as_bytes());
            }
        }
    }

    /// Feeds a number.
    pub fn number(&mut self, number: u64) {
        self.0.write(&number.to_le_bytes());
    }

    /// The digest.
    #[must_use]
    pub fn finish(&self) -> u128 {
        self.0.finish128().as_u128()
    }
}
