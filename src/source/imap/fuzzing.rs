//! Reading a server's bytes without a server: for fuzzing.

use std::time::Instant;

use super::error::{Error, Result};
use super::response::parse;
use super::wire::{Cap, Reader, Source};

/// Bytes that come in pieces.
struct Bytes<'b> {
    left: &'b [u8],
    piece: usize,
}

impl Source for Bytes<'_> {
    fn read(&mut self, into: &mut [u8], _until: Instant) -> Result<usize> {
        let (now, later) = self.left.split_at(self.left.len().min(self.piece).min(into.len()));
        if now.is_empty() {
            return Err(Error::Lost("the end".to_owned()));
        }
        into[..now.len()].copy_from_slice(now);
        self.left = later;
        Ok(now.len())
    }
}

/// Reads everything that a server may send, in pieces of some size, and says how many answers it was.
#[must_use]
pub fn read_answers(bytes: &[u8], piece: usize) -> usize {
    let mut source = Bytes { left: bytes, piece: piece.max(1) };
    let mut reader = Reader::default();
    let mut number = 0;
    while let Ok(answer) = reader.answer(&mut source, Cap::SMALL, Instant::now()) {
        let _ = parse(answer);
        number += 1;
    }
    number
}

/// Reads the name of a folder as it is sent. What was read is read the same when it is sent anew.
#[must_use]
pub fn read_folder_name(sent: &[u8]) -> String {
    let name = super::utf7::decode(sent);
    assert_eq!(super::utf7::decode(super::utf7::encode(&name).as_bytes()), name, "a name changed on its way");
    name
}
