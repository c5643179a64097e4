//! gzip members as one stream (RFC 1952 §2.2). What follows the last member is not gzip and is nobody's loss: one gateway
//! ends every report with a line break.

use std::io::{self, BufRead, Read};

use crc32fast::Hasher;
use flate2::{Decompress, FlushDecompress, Status};

use super::stream_error::{LimitMet, damaged};
use crate::limits::{Budget, Cost};

/// What a member costs beyond its bytes: an empty one of 20 bytes is a header, a checksum and a reset.
const MEMBER: u64 = 4 * 1024;

/// The unpacked stream.
pub(super) struct GzipMembers<'b, R> {
    source: R,
    /// One for all members: making one anew costs more than most members hold.
    inflate: Decompress,
    place: Place,
    crc: Hasher,
    length: u32,
    budget: &'b Budget,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A member's header comes, whose first bytes were taken already, as many as this.
    Header(usize),
    Within,
    Trailer,
    End,
}

impl<'b, R: BufRead> GzipMembers<'b, R> {
    pub(super) fn new(source: R, budget: &'b Budget) -> Self {
        let inflate = Decompress::new(false);
        GzipMembers { source, inflate, place: Place::Header(0), crc: Hasher::new(), length: 0, budget }
    }

    /// Passes over the header of a member (RFC 1952 §2.3).
    fn header(&mut self, taken: usize) -> io::Result<()> {
        const HEADER_CHECKSUM: u8 = 2;
        const EXTRA: u8 = 4;
        const NAME: u8 = 8;
        const COMMENT: u8 = 16;
        let mut fixed = [0x1f, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        self.source.read_exact(&mut fixed[taken..])?;
        if fixed[..3] != [0x1f, 0x8b, 8] {
            return Err(damaged("no gzip header"));
        }
        let flags = fixed[3];
        let mut two = [0; 2];
        if flags & EXTRA != 0 {
            self.source.read_exact(&mut two)?;
            let mut extra = vec![0; usize::from(u16::from_le_bytes(two))];
            self.source.read_exact(&mut extra)?;
        }
        for text in [NAME, COMMENT] {
            if flags & text != 0 {
                self.source.skip_until(0)?;
            }
        }
        if flags & HEADER_CHECKSUM != 0 {
            self.source.read_exact(&mut two)?;
        }
        Ok(())
    }

    /// Compares checksum and length, and looks for another member.
    fn trailer(&mut self) -> io::Result<Place> {
        let mut trailer = [0; 8];
        self.source.read_exact(&mut trailer)?;
        let crc = std::mem::replace(&mut self.crc, Hasher::new()).finalize();
        let expected = (u64::from(self.length) << 32 | u64::from(crc)).to_le_bytes();
        if trailer != expected {
            return Err(damaged("the checksum does not match"));
        }
        self.length = 0;
        // The two bytes that begin a member may lie in two buffers.
        match self.source.fill_buf()? {
            [0x1f, 0x8b, ..] => Ok(Place::Header(0)),
            [0x1f] => {
                self.source.consume(1);
                let more = self.source.fill_buf()?.first() == Some(&0x8b);
                Ok(if more { Place::Header(1) } else { Place::End })
            }
            _ => Ok(Place::End),
        }
    }
}

impl<R: BufRead> Read for GzipMembers<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match self.place {
                Place::End => return Ok(0),
                Place::Trailer => self.place = self.trailer()?,
                Place::Header(taken) => {
                    self.budget.take(Cost::Bytes, MEMBER).map_err(LimitMet)?;
                    self.header(taken)?;
                    self.inflate.reset(false);
                    self.place = Place::Within;
                }
                Place::Within => {
                    let input = self.source.fill_buf()?;
                    let at_end = input.is_empty();
                    let (consumed, produced) = (self.inflate.total_in(), self.inflate.total_out());
                    let flush = if at_end { FlushDecompress::Finish } else { FlushDecompress::None };
                    let status = self
                        .inflate
                        .decompress(input, buffer, flush)
                        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
                    let consumed = (self.inflate.total_in() - consumed) as usize;
                    let produced = (self.inflate.total_out() - produced) as usize;
                    self.source.consume(consumed);
                    self.crc.update(&buffer[..produced]);
                    self.length = self.length.wrapping_add(produced as u32);
                    if status == Status::StreamEnd {
                        self.place = Place::Trailer;
                    } else if produced == 0 && consumed == 0 && at_end {
                        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the compressed stream is cut off"));
                    }
                    if produced > 0 {
                        return Ok(produced);
                    }
                }
            }
        }
    }
}
