//! The directory of a zip, entry by entry.
//!
//! The central directory is what counts, as for every unpacker; sizes in local headers are not asked (streaming
//! writers leave them empty). Entries are walked one at a time, so that a directory of a million needs no memory, and
//! entries of equal names are all seen.

use std::io::Cursor;

use zip::CompressionMethod;
use zip::read::Config;
use zip::unstable::read::ZipIterable;

use super::codec::Codec;
use crate::rejection::{Rejection, RejectionCode};

/// A member of a zip.
#[derive(Debug)]
pub(super) enum Member<'b> {
    /// Something to open.
    Packed {
        /// The bytes as packed.
        bytes: &'b [u8],
        /// How they are packed.
        codec: Codec,
    },
    /// Something that cannot be opened.
    Rejected(Rejection),
}

/// The members of a zip that can be reports, in the directory's order: no folders, none of the files that one
/// system's archiver adds for itself. `most` entries are looked at; the second value says that there are more.
///
/// # Errors
/// When the directory cannot be read.
pub(super) fn members(bytes: &[u8], most: usize) -> Result<(Vec<Member<'_>>, bool), Rejection> {
    let mut archive = ZipIterable::try_new(Cursor::new(bytes), Config::default())
        .map_err(|error| corrupt(bytes, &error.to_string()))?;
    let total = archive.len();
    let mut members = Vec::new();
    let files = archive.files().map_err(|error| corrupt(bytes, &error.to_string()))?;
    for entry in files.take(most) {
        let entry = entry.map_err(|error| corrupt(bytes, &error.to_string()))?;
        if is_furniture(entry.name_raw()) || entry.is_dir() {
            continue;
        }
        members.push(if entry.encrypted() {
            Member::Rejected(Rejection::new(RejectionCode::Encrypted))
        } else {
            match entry.compression() {
                CompressionMethod::Stored | CompressionMethod::Deflated => {
                    match slice(bytes, entry.header_start(), entry.compressed_size()) {
                        Some(packed) => Member::Packed {
                            bytes: packed,
                            codec: Codec::Member {
                                deflated: entry.compression() == CompressionMethod::Deflated,
                                crc: entry.crc32(),
                            },
                        },
                        None => Member::Rejected(
                            Rejection::new(RejectionCode::ZipCorrupt).detail("an entry points nowhere"),
                        ),
                    }
                }
                other => Member::Rejected(
                    Rejection::new(RejectionCode::UnsupportedContainer).detail(format!("zip method {other:?}")),
                ),
            }
        });
    }
    Ok((members, total > most))
}

/// A zip without its end was cut off; anything else is damage.
fn corrupt(bytes: &[u8], reason: &str) -> Rejection {
    let code = if memchr::memmem::rfind(bytes, b"PK\x05\x06").is_none() {
        RejectionCode::Truncated
    } else {
        RejectionCode::ZipCorrupt
    };
    Rejection::new(code).detail(reason)
}

fn is_furniture(name: &[u8]) -> bool {
    let base = memchr::memrchr(b'/', name).map_or(name, |slash| &name[slash + 1..]);
    name.starts_with(b"__MACOSX/") || base.starts_with(b"._") || base == b".DS_Store" || name.ends_with(b"/")
}

/// The packed bytes of an entry, found behind its local header.
fn slice(bytes: &[u8], header: u64, size: u64) -> Option<&[u8]> {
    let local = bytes.get(usize::try_from(header).ok()?..)?;
    if !local.starts_with(b"PK\x03\x04") {
        return None;
    }
    let length = |at: usize| Some(usize::from(u16::from_le_bytes([*local.get(at)?, *local.get(at + 1)?])));
    let start = 30 + length(26)? + length(28)?;
    local.get(start..start.checked_add(usize::try_from(size).ok()?)?)
}
