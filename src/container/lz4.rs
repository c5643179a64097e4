//! The lz4 stream that Dovecot writes with `zlib_save = lz4`: a magic, the largest size of a chunk, and chunks, each a
//! length (big endian) and one lz4 block. lz4's own tools do not read it.

use std::io::{self, BufRead, Read};

use super::stream_error::damaged;

/// What the stream begins with.
pub(super) const MAGIC: &[u8] = b"Dovecot-LZ4\x0d\x2a\x9b\xc5";
/// Dovecot writes chunks of 64 KiB; what claims much more is not from it.
const LARGEST_CHUNK: u32 = 1024 * 1024;

/// The unpacked stream.
pub(super) struct DovecotLz4<R> {
    source: R,
    /// The largest size of a chunk, once the header was read.
    largest: Option<u32>,
    packed: Vec<u8>,
    chunk: Vec<u8>,
    given: usize,
}

impl<R: BufRead> DovecotLz4<R> {
    pub(super) fn new(source: R) -> Self {
        DovecotLz4 { source, largest: None, packed: Vec::new(), chunk: Vec::new(), given: 0 }
    }

    fn header(&mut self) -> io::Result<u32> {
        let mut magic = [0; MAGIC.len()];
        self.source.read_exact(&mut magic)?;
        let largest = self.number()?;
        if magic != MAGIC || largest == 0 || largest > LARGEST_CHUNK {
            return Err(damaged("no header of Dovecot's lz4"));
        }
        Ok(largest)
    }

    fn number(&mut self) -> io::Result<u32> {
        let mut bytes = [0; 4];
        self.source.read_exact(&mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }

    /// Unpacks the next chunk; false at the end.
    fn next(&mut self) -> io::Result<bool> {
        let largest = match self.largest {
            Some(largest) => largest,
            None => {
                let largest = self.header()?;
                self.largest = Some(largest);
                largest
            }
        };
        if self.source.fill_buf()?.is_empty() {
            return Ok(false);
        }
        let length = self.number()?;
        // What does not get smaller takes a little more (lz4 states n + n/255 + 16).
        if length > largest + largest / 255 + 16 {
            return Err(damaged("a chunk of Dovecot's lz4 is too long"));
        }
        self.packed.resize(length as usize, 0);
        self.source.read_exact(&mut self.packed)?;
        self.chunk.resize(largest as usize, 0);
        let size = lz4_flex::block::decompress_into(&self.packed, &mut self.chunk)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
        self.chunk.truncate(size);
        self.given = 0;
        Ok(true)
    }
}

impl<R: BufRead> Read for DovecotLz4<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.chunk.len() {
            if !self.next()? {
                return Ok(0);
            }
        }
        let length = buffer.len().min(self.chunk.len() - self.given);
        buffer[..length].copy_from_slice(&self.chunk[self.given..self.given + length]);
        self.given += length;
        Ok(length)
    }
}
