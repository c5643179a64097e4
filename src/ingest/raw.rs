//! The bytes of inputs, as they are kept: hashed, and made smaller where that helps.

use std::cell::RefCell;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::container::{HEAD, Kind, sniff};
use crate::store::{Raw, RawBytes};

/// Reads a file from its beginning, whatever else reads it.
pub(super) struct At<'f> {
    file: &'f File,
    offset: u64,
}

impl<'f> At<'f> {
    pub(super) fn beginning(file: &'f File) -> Self {
        At { file, offset: 0 }
    }
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.file.seek(SeekFrom::Start(self.offset))?;
        let read = self.file.read(buffer)?;
        self.offset += read as u64;
        Ok(read)
    }
}

/// Bytes that documents came in, hashed and packed once however many documents lie in them.
pub(super) struct RawCache {
    keep: bool,
    last: RefCell<Option<Made>>,
}

/// What was made of some bytes.
struct Made {
    bytes: Arc<Vec<u8>>,
    sha256: [u8; 32],
    dropped: Option<Arc<Raw>>,
    kept: Option<Arc<Raw>>,
}

impl RawCache {
    /// `keep`: the bytes of reports are kept too.
    pub(super) fn new(keep: bool) -> Self {
        RawCache { keep, last: RefCell::new(None) }
    }

    /// The bytes; kept if they are to be kept `always`, as those that are refused are, or if all are.
    pub(super) fn get(&self, bytes: &Arc<Vec<u8>>, always: bool) -> Arc<Raw> {
        let mut last = self.last.borrow_mut();
        let known = last.take().filter(|made| Arc::ptr_eq(&made.bytes, bytes));
        let made = last.insert(known.unwrap_or_else(|| Made {
            bytes: Arc::clone(bytes),
            sha256: Sha256::digest(bytes.as_slice()).into(),
            dropped: None,
            kept: None,
        }));
        let keep = always || self.keep;
        let raw = if keep { &mut made.kept } else { &mut made.dropped };
        Arc::clone(raw.get_or_insert_with(|| {
            let kept = if keep { packed(bytes) } else { RawBytes::Dropped };
            Arc::new(Raw { sha256: made.sha256, size: bytes.len() as u64, bytes: kept })
        }))
    }
}

/// Bytes as they are kept: packed where that makes them smaller.
fn packed(bytes: &Arc<Vec<u8>>) -> RawBytes {
    let is_text = matches!(
        sniff(&bytes[..bytes.len().min(HEAD)]),
        Kind::Xml | Kind::Utf16 | Kind::BareUtf16 | Kind::Json | Kind::Message | Kind::Emlx | Kind::Mbox
    );
    // What came packed would not get smaller.
    if !is_text || bytes.len() <= 1024 {
        return RawBytes::Plain(Arc::clone(bytes));
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let packed = encoder.write_all(bytes).and_then(|()| encoder.finish());
    packed.map_or_else(|_| RawBytes::Plain(Arc::clone(bytes)), RawBytes::Packed)
}

/// Bytes that are kept.
pub(super) fn raw_plain(bytes: Vec<u8>) -> Arc<Raw> {
    RawCache::new(true).get(&Arc::new(bytes), true)
}

/// A file's bytes, packed into another file.
pub(super) fn raw_of_file(file: &File, keep: bool) -> Arc<Raw> {
    let mut sha = Sha256::new();
    let mut size = 0;
    let mut reader = At::beginning(file);
    let mut packed =
        keep.then(tempfile::tempfile).and_then(Result::ok).map(|out| GzEncoder::new(out, Compression::fast()));
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read) = reader.read(&mut buffer) {
        if read == 0 {
            break;
        }
        sha.update(&buffer[..read]);
        size += read as u64;
        if packed.as_mut().is_some_and(|out| out.write_all(&buffer[..read]).is_err()) {
            packed = None;
        }
    }
    let bytes = packed.and_then(|out| out.finish().ok()).map_or(RawBytes::Dropped, RawBytes::PackedFile);
    Arc::new(Raw { sha256: sha.finalize().into(), size, bytes })
}
