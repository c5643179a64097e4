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

/// The bytes that were asked for, whether gzip was put around them, and what came of it.
type Made = (Arc<Vec<u8>>, bool, Arc<Raw>);

/// Bytes that documents came in, hashed and packed once however many documents lie in them.
pub(super) struct RawCache {
    keep: bool,
    last: RefCell<Option<Made>>,
}

impl RawCache {
    /// `keep`: the bytes of reports are kept too.
    pub(super) fn new(keep: bool) -> Self {
        RawCache { keep, last: RefCell::new(None) }
    }

    /// The bytes; kept if they are to be kept `always`, as those that are refused are, or if all are.
    pub(super) fn get(&self, bytes: &Arc<Vec<u8>>, always: bool) -> Arc<Raw> {
        let keep = always || self.keep;
        if let Some((known, kept, raw)) = &*self.last.borrow()
            && Arc::ptr_eq(known, bytes)
            && *kept == keep
        {
            return Arc::clone(raw);
        }
        let made = Arc::new(raw(bytes, keep));
        *self.last.borrow_mut() = Some((Arc::clone(bytes), keep, Arc::clone(&made)));
        made
    }
}

/// The bytes of an input, kept or only hashed.
pub(super) fn raw(bytes: &Arc<Vec<u8>>, keep: bool) -> Raw {
    let packed = || {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).and_then(|()| encoder.finish()).ok()
    };
    let is_text = matches!(
        sniff(&bytes[..bytes.len().min(HEAD)]),
        Kind::Xml | Kind::Utf16 | Kind::BareUtf16 | Kind::Json | Kind::Message | Kind::Emlx | Kind::Mbox
    );
    let kept = match () {
        () if !keep => RawBytes::Dropped,
        // What came packed would not get smaller.
        () if is_text && bytes.len() > 1024 => {
            packed().map_or_else(|| RawBytes::Plain(Arc::clone(bytes)), RawBytes::Packed)
        }
        () => RawBytes::Plain(Arc::clone(bytes)),
    };
    Raw { sha256: Sha256::digest(bytes.as_slice()).into(), size: bytes.len() as u64, bytes: kept }
}

/// Bytes that are kept.
pub(super) fn raw_plain(bytes: Vec<u8>) -> Arc<Raw> {
    Arc::new(raw(&Arc::new(bytes), true))
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
