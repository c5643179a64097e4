//! The window through which a document is read: 64 KiB of valid UTF-8 at a time, whatever its size.
//!
//! It counts what is produced against the limits and repairs bytes that are not UTF-8. Whoever reads works on the slice
//! that is in the window and asks for more when that ends within something; what may be asked for is bounded, so no memory
//! is needed in proportion to the input.

use std::io::{self, Read};

use crate::limits::{Budget, Cost, Limits};
use crate::rejection::{Rejection, RejectionCode};

const SIZE: usize = 64 * 1024;
/// A tag, comment or declaration longer than this is an attack; real ones have a few hundred bytes.
const LONGEST_MARKUP: usize = 1024 * 1024;

/// Why a window ended before the document did.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// A limit was reached.
    Limit(Rejection),
    /// The source could not deliver more: a damaged compressed stream, or a read error.
    Source(String),
}

/// A bounded, validated view of a document. What it hands out is always UTF-8.
pub(super) struct Window<'a> {
    source: Box<dyn Read + 'a>,
    buffer: &'a mut Vec<u8>,
    start: usize,
    /// End of the validated bytes.
    end: usize,
    /// End of the bytes read; at most three more than `end`, the beginning of a character.
    filled: usize,
    produced: u64,
    document_left: u64,
    budget: &'a Budget,
    at_end: bool,
    /// Bytes were not UTF-8 and were read as windows-1252.
    pub(super) mended: bool,
    /// Why reading ended early, if it did.
    pub(super) failure: Option<Failure>,
}

impl<'a> Window<'a> {
    /// A window on `source`, with `buffer` as its memory.
    pub(super) fn new(
        source: Box<dyn Read + 'a>,
        buffer: &'a mut Vec<u8>,
        limits: &Limits,
        budget: &'a Budget,
    ) -> Self {
        buffer.resize(SIZE, 0);
        Window {
            source,
            buffer,
            start: 0,
            end: 0,
            filled: 0,
            produced: 0,
            document_left: limits.document,
            budget,
            at_end: false,
            mended: false,
            failure: None,
        }
    }

    /// Bytes of the document handed out so far.
    #[must_use]
    pub(super) fn position(&self) -> u64 {
        self.produced - (self.filled - self.start) as u64
    }

    /// What is in the window.
    #[must_use]
    pub(super) fn slice(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Whether nothing comes after what is in the window.
    #[must_use]
    pub(super) fn at_end(&self) -> bool {
        self.at_end
    }

    /// Moves on by some bytes of what is in the window.
    pub(super) fn consume(&mut self, amount: usize) {
        self.start = (self.start + amount).min(self.end);
    }

    /// Reads more after what is in the window, which must not be a tag or comment of absurd length by now.
    ///
    /// # Errors
    /// When the source fails or a limit is reached; [`Window::failure`] says which.
    pub(super) fn more(&mut self) -> io::Result<()> {
        if self.end - self.start > LONGEST_MARKUP {
            let rejection = Rejection::new(RejectionCode::LimitXmlToken).at(self.position());
            return Err(self.fail(Failure::Limit(rejection)));
        }
        self.refill()
    }

    /// At least `wanted` bytes without consuming them; fewer only where the document ends.
    ///
    /// # Errors
    /// When the source fails or a limit is reached; [`Window::failure`] says which.
    pub(super) fn peek(&mut self, wanted: usize) -> io::Result<&[u8]> {
        while self.end - self.start < wanted && !self.at_end {
            self.refill()?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    /// Reads more after what is there.
    fn refill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.filled, 0);
        self.end -= self.start;
        self.filled -= self.start;
        self.start = 0;
        if self.filled == self.buffer.len() {
            // Only mending and long look-ahead get here; both are bounded.
            self.buffer.resize(self.filled + SIZE, 0);
        }
        let read = loop {
            match self.source.read(&mut self.buffer[self.filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let read = match read {
            Ok(read) => read,
            // A limit that another layer met stands in the budget.
            Err(error) => {
                let why = match self.budget.exceeded() {
                    Some(code) => Failure::Limit(Rejection::new(code)),
                    None => Failure::Source(error.to_string()),
                };
                return Err(self.fail(why));
            }
        };
        if read == 0 {
            self.at_end = true;
            if self.filled > self.end {
                self.mend(true);
            }
            return Ok(());
        }
        if read as u64 > self.document_left {
            return Err(self.fail(Failure::Limit(Rejection::new(RejectionCode::LimitDocument))));
        }
        if let Err(code) = self.budget.take(Cost::Bytes, read as u64) {
            return Err(self.fail(Failure::Limit(Rejection::new(code))));
        }
        self.document_left -= read as u64;
        self.produced += read as u64;
        self.filled += read;
        match std::str::from_utf8(&self.buffer[self.end..self.filled]) {
            Ok(_) => self.end = self.filled,
            Err(error) if error.error_len().is_none() => self.end += error.valid_up_to(),
            Err(_) => self.mend(false),
        }
        Ok(())
    }

    fn fail(&mut self, failure: Failure) -> io::Error {
        self.at_end = true;
        self.failure = Some(failure);
        io::Error::other("stopped")
    }

    /// Reads what is not UTF-8 as windows-1252, in which every byte is a character.
    fn mend(&mut self, last: bool) {
        let mut fixed = Vec::with_capacity(self.filled - self.end + 64);
        let mut rest = &self.buffer[self.end..self.filled];
        let mut tail = 0;
        while !rest.is_empty() {
            match std::str::from_utf8(rest) {
                Ok(_) => {
                    fixed.extend_from_slice(rest);
                    rest = &[];
                }
                Err(error) => {
                    let (valid, bad) = rest.split_at(error.valid_up_to());
                    fixed.extend_from_slice(valid);
                    let length = match error.error_len() {
                        Some(length) => length,
                        None if last => bad.len(),
                        None => {
                            tail = bad.len();
                            break;
                        }
                    };
                    let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(&bad[..length]);
                    fixed.extend_from_slice(text.as_bytes());
                    rest = &bad[length..];
                    self.mended = true;
                }
            }
        }
        let kept: Vec<u8> = self.buffer[self.filled - tail..self.filled].to_vec();
        let total = self.end + fixed.len() + tail;
        if total > self.buffer.len() {
            self.buffer.resize(total, 0);
        }
        self.buffer[self.end..self.end + fixed.len()].copy_from_slice(&fixed);
        self.end += fixed.len();
        self.buffer[self.end..self.end + tail].copy_from_slice(&kept);
        self.filled = self.end + tail;
        // A mended byte takes up to three; the position stays meaningful as bytes handed out.
        self.produced = self.produced.max(self.filled as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], chunk: usize) -> (String, bool) {
        struct Drip<'a>(&'a [u8], usize);
        impl Read for Drip<'_> {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                let length = self.0.len().min(self.1).min(out.len());
                out[..length].copy_from_slice(&self.0[..length]);
                self.0 = &self.0[length..];
                Ok(length)
            }
        }
        let limits = Limits::default();
        let budget = Budget::new(&limits);
        let mut buffer = Vec::new();
        let mut window = Window::new(Box::new(Drip(bytes, chunk)), &mut buffer, &limits, &budget);
        let mut text = Vec::new();
        while !window.peek(1).unwrap().is_empty() {
            let length = window.slice().len();
            text.extend_from_slice(window.slice());
            window.consume(length);
        }
        let text = String::from_utf8(text).unwrap();
        let mended = window.mended;
        (text, mended)
    }

    #[test]
    fn utf8_survives_any_cut() {
        for chunk in 1..6 {
            assert_eq!(read("Sueño 😀 é".as_bytes(), chunk), ("Sueño 😀 é".to_owned(), false));
        }
    }

    #[test]
    fn other_bytes_are_windows_1252() {
        for chunk in 1..6 {
            assert_eq!(read(b"Sue\xf1o \x91x\x92 ok \xe2\x82", chunk), ("Sueño ‘x’ ok â‚".to_owned(), true));
        }
    }

    #[test]
    fn a_document_over_the_limit_ends_with_it() {
        let limits = Limits { document: 100, ..Limits::default() };
        let budget = Budget::new(&limits);
        let mut buffer = Vec::new();
        let mut window = Window::new(Box::new(io::repeat(b'x')), &mut buffer, &limits, &budget);
        assert!(window.peek(1).is_err());
        assert!(matches!(window.failure, Some(Failure::Limit(ref why)) if why.code == RejectionCode::LimitDocument));
    }
}
