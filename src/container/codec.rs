//! Streams that unpack: gzip as it is found in mail, zlib, zstd, the lz4 of Dovecot, and the members of a zip.
//!
//! Every layer counts what it produces against the input's budget, so that a bomb within a bomb is met in the layer where
//! it grows and not only where its bytes come out.

use std::io::{self, BufRead, BufReader, Read};

use crc32fast::Hasher;
use flate2::bufread::{DeflateDecoder, ZlibDecoder};

use super::gzip::GzipMembers;
use super::lz4::DovecotLz4;
use super::stream_error::{LimitMet, damaged, limit_met};
use crate::limits::{Budget, Cost};
use crate::rejection::RejectionCode;

/// One layer of packing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// gzip (RFC 1952), several members one after the other, junk after the last.
    Gzip,
    /// zlib (RFC 1950).
    Zlib,
    /// Zstandard (RFC 8878), one frame: as Dovecot compresses mails.
    Zstd,
    /// The lz4 stream of Dovecot, which is none of lz4's own formats.
    DovecotLz4,
    /// A member of a zip.
    Member {
        /// Deflated; stored otherwise.
        deflated: bool,
        /// Its checksum by the directory.
        crc: u32,
    },
}

/// A zstd frame may ask for this much memory and no more; the default levels of its writers ask for 8 MiB at most.
const ZSTD_WINDOW: u64 = 8 * 1024 * 1024;

/// Opens packed bytes through all their layers, outermost first.
pub fn open<'b>(bytes: impl BufRead + 'b, layers: &[Codec], budget: &'b Budget) -> Box<dyn Read + 'b> {
    let Some((outer, inner)) = layers.split_first() else {
        return Box::new(bytes);
    };
    let mut reader = wrap(bytes, *outer, budget);
    for layer in inner {
        reader = wrap(BufReader::new(Counted { inner: reader, budget }), *layer, budget);
    }
    Box::new(Sticky { inner: reader, failed: None })
}

/// A layer whose bytes are another layer's input; those of the innermost are counted by who reads them.
struct Counted<'b, R> {
    inner: R,
    budget: &'b Budget,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.budget.take(Cost::Bytes, read as u64).map_err(LimitMet)?;
        Ok(read)
    }
}

/// A stream that, once it failed, fails again: damage found while looking ahead must not turn into a clean end.
struct Sticky<R> {
    inner: R,
    failed: Option<(Option<RejectionCode>, io::ErrorKind, String)>,
}

impl<R: Read> Read for Sticky<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some((limit, kind, reason)) = &self.failed {
            return Err(match limit {
                Some(code) => LimitMet(*code).into(),
                None => io::Error::new(*kind, reason.clone()),
            });
        }
        self.inner.read(buffer).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.failed = Some((limit_met(error), error.kind(), error.to_string()));
            }
        })
    }
}

fn wrap<'b, R: BufRead + 'b>(reader: R, layer: Codec, budget: &'b Budget) -> Box<dyn Read + 'b> {
    match layer {
        Codec::Gzip => Box::new(GzipMembers::new(reader, budget)),
        Codec::Zlib => Box::new(ZlibDecoder::new(reader)),
        Codec::Zstd => match ruzstd::decoding::StreamingDecoder::new_with_max_window_size(reader, ZSTD_WINDOW) {
            Ok(decoder) => Box::new(decoder),
            Err(error) => Box::new(Failing(Some(error.to_string()))),
        },
        Codec::DovecotLz4 => Box::new(DovecotLz4::new(reader)),
        Codec::Member { deflated: true, crc } => Box::new(Checked::new(DeflateDecoder::new(reader), crc)),
        Codec::Member { deflated: false, crc } => Box::new(Checked::new(reader, crc)),
    }
}

/// A stream that could not be opened; the first look at it says why.
struct Failing(Option<String>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::new(io::ErrorKind::InvalidData, self.0.take().unwrap_or_default()))
    }
}

/// A stream whose checksum is compared at its end.
struct Checked<R> {
    inner: R,
    crc: Hasher,
    expected: u32,
}

impl<R> Checked<R> {
    fn new(inner: R, expected: u32) -> Self {
        Checked { inner, crc: Hasher::new(), expected }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.crc.update(&buffer[..read]);
        if read == 0 && !buffer.is_empty() && self.crc.clone().finalize() != self.expected {
            return Err(damaged("the checksum does not match"));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn text(bytes: &[u8], layers: &[Codec]) -> io::Result<String> {
        let mut text = String::new();
        let budget = Budget::new(&Limits::default());
        open(bytes, layers, &budget).read_to_string(&mut text).map(|_| text)
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
    fn members_join_wherever_the_buffer_between_two_layers_ends() {
        for size in (8192 - 30)..(8192 + 6) {
            let stored = |bytes: &[u8]| {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            };
            let first = "x".repeat(size - 23);
            let members = [stored(first.as_bytes()), stored(b"end")].concat();
            let read = text(&stored(&members), &[Codec::Gzip, Codec::Gzip]).unwrap();
            assert!(read.ends_with("xend"), "{size}");
        }
    }

    #[test]
    fn every_layer_counts_what_it_produces() {
        let members = gzip(b"").repeat(60_000);
        let budget = Budget::new(&Limits { total: 1 << 20, ..Limits::default() });
        let mut read = Vec::new();
        let packed = gzip(&members);
        let error = open(packed.as_slice(), &[Codec::Gzip, Codec::Gzip], &budget).read_to_end(&mut read).unwrap_err();
        assert_eq!(limit_met(&error), Some(RejectionCode::LimitTotal));
    }

    #[test]
    fn zstd_and_the_lz4_of_dovecot() {
        // `printf hello | zstd --no-check`
        let zstd = b"\x28\xb5\x2f\xfd\x00\x58\x29\x00\x00hello";
        assert_eq!(text(zstd, &[Codec::Zstd]).unwrap(), "hello");
        let mut stream = b"Dovecot-LZ4\x0d\x2a\x9b\xc5\x00\x01\x00\x00".to_vec();
        for piece in [&b"hel"[..], b"lo"] {
            let packed = lz4_flex::block::compress(piece);
            stream.extend_from_slice(&(packed.len() as u32).to_be_bytes());
            stream.extend_from_slice(&packed);
        }
        assert_eq!(text(&stream, &[Codec::DovecotLz4]).unwrap(), "hello");
        assert!(text(&stream[..stream.len() - 1], &[Codec::DovecotLz4]).is_err());
    }

    #[test]
    fn damage_is_an_error() {
        let whole = gzip(b"some text that is long enough to be cut");
        assert!(text(&whole[..whole.len() - 3], &[Codec::Gzip]).is_err());
        assert!(text(b"stored", &[Codec::Member { deflated: false, crc: 1 }]).is_err());
    }
}
