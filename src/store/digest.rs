//! Keyed digests.
//!
//! Reports are written by strangers: with a digest that anyone can compute, a report could be made to look like a
//! duplicate of another and be dropped. The key is random, one for each database, and never leaves it.

use std::hash::Hasher;

use super::engine::{Connection, Optional};
use siphasher::sip128::{Hasher128, SipHasher13};

use super::{Result, StoreError};

/// The key of a database's digests.
#[derive(Clone, Copy, Default)]
pub struct DigestKey([u8; 16]);

impl std::fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DigestKey")
    }
}

impl DigestKey {
    pub(super) const SELECT: &str = "SELECT value FROM meta WHERE key = 'digest_key'";

    /// The key as it stands in a database.
    pub(super) fn bytes(connection: &Connection) -> Result<Vec<u8>> {
        connection.query_row(Self::SELECT, (), |row| row.get(0)).optional()?.ok_or(StoreError::Unfinished)
    }

    pub(super) fn load(connection: &Connection) -> Result<Self> {
        let key = Self::bytes(connection)?;
        <[u8; 16]>::try_from(key.as_slice())
            .map(DigestKey)
            .map_err(|_| StoreError::Damaged("the digest key is missing".to_owned()))
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

/// The digest of a report's rows, the same in any order and however the messages of one address and outcome are spread
/// over rows: a sum in which each row stands as often as it has messages.
#[derive(Debug, Clone, Copy, Default)]
pub struct RowsDigest(u128);

impl RowsDigest {
    /// Adds a row: the digest of its outcome, its messages, and its address as it is packed.
    pub fn add(&mut self, key: DigestKey, outcome: u128, messages: Option<u64>, address: &[u8]) {
        let mut digest = key.digest();
        digest.bytes(&outcome.to_le_bytes());
        digest.bytes(address);
        let row = digest.finish();
        let added = match messages {
            Some(messages) if messages > 0 => row.wrapping_mul(u128::from(messages)),
            // It stands for no message, and is there all the same.
            Some(_) => key.of(&row.to_le_bytes()),
            None => key.of(&row.to_be_bytes()),
        };
        self.0 = self.0.wrapping_add(added);
    }

    /// The digest.
    #[must_use]
    pub fn finish(self) -> u128 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[(u128, Option<u64>, &[u8])]) -> u128 {
        let mut digest = RowsDigest::default();
        rows.iter()
            .for_each(|&(outcome, messages, address)| digest.add(DigestKey([7; 16]), outcome, messages, address));
        digest.finish()
    }

    #[test]
    fn equal_rows_add_up_in_any_order() {
        let whole = of(&[(1, Some(5), b"a"), (2, Some(1), b"a"), (1, Some(3), b"b")]);
        assert_eq!(of(&[(1, Some(3), b"b"), (1, Some(4), b"a"), (2, Some(1), b"a"), (1, Some(1), b"a")]), whole);
        for other in [
            of(&[(1, Some(5), b"a"), (2, Some(1), b"a"), (1, Some(4), b"b")]),
            of(&[(1, Some(5), b"b"), (2, Some(1), b"a"), (1, Some(3), b"a")]),
            of(&[(1, Some(5), b"a"), (2, Some(1), b"a"), (1, Some(3), b"b"), (2, Some(0), b"b")]),
            of(&[(1, Some(5), b"a"), (2, Some(1), b"a"), (1, Some(3), b"b"), (2, None, b"b")]),
        ] {
            assert_ne!(other, whole);
        }
    }
}
