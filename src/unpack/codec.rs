//! Streams that unpack: gzip as it is found in mail, zlib, and the members of a zip.

use std::io::{self, BufRead, BufReader, Read};

use crc32fast::Hasher;
use flate2::bufread::{DeflateDecoder, ZlibDecoder};

/// One layer of packing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// gzip (RFC 1952), several members one after the other, junk behind the last.
    Gzip,
    /// zlib (RFC 1950).
    Zlib,
    /// A member of a zip.
    Member {
        /// Deflated; stored otherwise.
        deflated: bool,
        /// Its checksum by the directory.
        crc: u32,
    },
}

/// Opens packed bytes through all their layers, outermost first.
#[must_use]
pub fn open<'b>(bytes: &'b [u8], layers: &[Codec]) -> Box<dyn Read + 'b> {
    let Some((outer, inner)) = layers.split_first() else {
        return Box::new(bytes);
    };
    let mut reader = wrap(bytes, *outer);
    for layer in inner {
        reader = wrap(BufReader::new(reader), *layer);
    }
    Box::new(Sticky { inner: reader, failed: None })
}

/// A stream that, once it failed, fails again: damage found while looking ahead must not turn into a clean end.
struct Sticky<R> {
    inner: R,
    failed: Option<(io::ErrorKind, String)>,
}

impl<R: Read> Read for Sticky<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some((kind, reason)) = &self.failed {
            return Err(io::Error::new(*kind, reason.clone()));
        }
        self.inner.read(buffer).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.failed = Some((error.kind(), error.to_string()));
            }
        })
    }
}

fn wrap<'b, R: BufRead + 'b>(reader: R, layer: Codec) -> Box<dyn Read + 'b> {
    match layer {
        Codec::Gzip => Box::new(GzipMembers { member: Member::Before(reader) }),
        Codec::Zlib => Box::new(ZlibDecoder::new(reader)),
        Codec::Member { deflated: true, crc } => Box::new(Checked::new(DeflateDecoder::new(reader), crc)),
        Codec::Member { deflated: false, crc } => Box::new(Checked::new(reader, crc)),
    }
}

/// gzip members as one stream. What follows the last member is not gzip and is nobody's loss: one gateway ends every
/// report with a line break.
struct GzipMembers<R> {
    /// The member that is open, behind its header; the bare stream between members.
    member: Member<R>,
}

enum Member<R> {
    Before(R),
    Within(Checksummed<DeflateDecoder<R>>),
    Done,
}

/// A stream and the checksum and length of what it delivered.
struct Checksummed<R> {
    inner: R,
    crc: Hasher,
    length: u32,
}

impl<R: Read> Read for Checksummed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.crc.update(&buffer[..read]);
        self.length = self.length.wrapping_add(read as u32);
        Ok(read)
    }
}

fn damaged(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(&mut self.member, Member::Done) {
                Member::Done => return Ok(0),
                Member::Before(mut stream) => {
                    header(&mut stream)?;
                    let inner = DeflateDecoder::new(stream);
                    self.member = Member::Within(Checksummed { inner, crc: Hasher::new(), length: 0 });
                }
                Member::Within(mut member) => {
                    let read = member.read(buffer)?;
                    if read > 0 || buffer.is_empty() {
                        self.member = Member::Within(member);
                        return Ok(read);
                    }
                    let mut stream = member.inner.into_inner();
                    let mut trailer = [0; 8];
                    stream.read_exact(&mut trailer)?;
                    let expected = (u64::from(member.length) << 32 | u64::from(member.crc.finalize())).to_le_bytes();
                    if trailer != expected {
                        return Err(damaged("the checksum does not match"));
                    }
                    if stream.fill_buf()?.starts_with(b"\x1f\x8b") {
                        self.member = Member::Before(stream);
                    }
                }
            }
        }
    }
}

/// Passes over the header of a gzip member (RFC 1952 §2.3).
fn header(stream: &mut impl BufRead) -> io::Result<()> {
    const HEADER_CHECKSUM: u8 = 2;
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    let mut fixed = [0; 10];
    stream.read_exact(&mut fixed)?;
    if fixed[..3] != [0x1f, 0x8b, 8] {
        return Err(damaged("no gzip header"));
    }
    let flags = fixed[3];
    let mut two = [0; 2];
    if flags & EXTRA != 0 {
        stream.read_exact(&mut two)?;
        let mut extra = vec![0; usize::from(u16::from_le_bytes(two))];
        stream.read_exact(&mut extra)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            stream.skip_until(0)?;
        }
    }
    if flags & HEADER_CHECKSUM != 0 {
        stream.read_exact(&mut two)?;
    }
    Ok(())
}

/// A stream whose checksum is compared at its end.
struct Checked<R> {
    inner: Checksummed<R>,
    expected: u32,
}

impl<R> Checked<R> {
    fn new(inner: R, expected: u32) -> Self {
        Checked { inner: Checksummed { inner, crc: Hasher::new(), length: 0 }, expected }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if read == 0 && !buffer.is_empty() && self.inner.crc.clone().finalize() != self.expected {
            return Err(damaged("the checksum does not match"));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn text(bytes: &[u8], layers: &[Codec]) -> io::Result<String> {
        let mut text = String::new();
        open(bytes, layers).read_to_string(&mut text).map(|_| text)
    }

    #[test]
    fn members_join_and_junk_is_left() {
        let joined = [gzip(b"one "), gzip(b"two"), b"\r\n".to_vec()].concat();
        assert_eq!(text(&joined, &[Codec::Gzip]).unwrap(), "one two");
    }

    #[test]
    fn layers() {
        assert_eq!(text(&gzip(&gzip(b"deep")), &[Codec::Gzip, Codec::Gzip]).unwrap(), "deep");
    }

    #[test]
    fn damage_is_an_error() {
        let whole = gzip(b"some text that is long enough to be cut");
        assert!(text(&whole[..whole.len() - 3], &[Codec::Gzip]).is_err());
        assert!(text(b"stored", &[Codec::Member { deflated: false, crc: 1 }]).is_err());
    }
}
