//! Streams that unpack: gzip as it is found in mail, zlib, and the members of a zip.

use std::io::{self, BufRead, BufReader, Read};

use flate2::Crc;
use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};

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
    reader
}

fn wrap<'b, R: BufRead + 'b>(reader: R, layer: Codec) -> Box<dyn Read + 'b> {
    match layer {
        Codec::Gzip => Box::new(GzipMembers {
            member: Some(GzDecoder::new(reader)),
        }),
        Codec::Zlib => Box::new(ZlibDecoder::new(reader)),
        Codec::Member {
            deflated: true,
            crc,
        } => Box::new(Checked::new(DeflateDecoder::new(reader), crc)),
        Codec::Member {
            deflated: false,
            crc,
        } => Box::new(Checked::new(reader, crc)),
    }
}

/// gzip members as one stream. What follows the last member is not gzip and is nobody's loss: one gateway ends every
/// report with a line break.
struct GzipMembers<R> {
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let read = member.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let Some(mut rest) = self.member.take().map(GzDecoder::into_inner) else {
                break;
            };
            if rest.fill_buf()?.starts_with(b"\x1f\x8b") {
                self.member = Some(GzDecoder::new(rest));
            }
        }
        Ok(0)
    }
}

/// A stream whose checksum is compared at its end.
struct Checked<R> {
    inner: R,
    crc: Crc,
    expected: u32,
}

impl<R> Checked<R> {
    fn new(inner: R, expected: u32) -> Self {
        Checked {
            inner,
            crc: Crc::new(),
            expected,
        }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.crc.update(&buffer[..read]);
        if read == 0 && !buffer.is_empty() && self.crc.sum() != self.expected {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the checksum does not match",
            ));
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
        assert_eq!(
            text(&gzip(&gzip(b"deep")), &[Codec::Gzip, Codec::Gzip]).unwrap(),
            "deep"
        );
    }

    #[test]
    fn damage_is_an_error() {
        let whole = gzip(b"some text that is long enough to be cut");
        assert!(text(&whole[..whole.len() - 3], &[Codec::Gzip]).is_err());
        assert!(
            text(
                b"stored",
                &[Codec::Member {
                    deflated: false,
                    crc: 1
                }]
            )
            .is_err()
        );
    }
}
