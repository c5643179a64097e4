//! The directory of a zip, entry by entry.
//!
//! The central directory is what counts, as for every unpacker; sizes in local headers are not asked (streaming
//! writers leave them empty). Entries are walked one at a time, so that a directory of a million needs no memory, and
//! entries of equal names are all seen.

use std::collections::BTreeMap;
use std::io::Cursor;

use zip::CompressionMethod;
use zip::read::Config;
use zip::unstable::read::ZipIterable;

use super::announce::name_announces;
use super::codec::Codec;
use crate::rejection::{Rejection, RejectionCode};

/// A member of a zip.
#[derive(Debug)]
pub(super) struct Member<'b> {
    /// Its name, as far as it is text; never to be used as a path.
    pub(super) name: String,
    /// The bytes as packed and how they are packed, or why it cannot be opened.
    pub(super) packed: Result<(&'b [u8], Codec), Rejection>,
}

/// What the directory of a zip lists.
#[derive(Debug)]
pub(super) struct Directory<'b> {
    /// The members that can be reports, in order: no folders, none of the files that one system's archiver adds for itself.
    pub(super) members: Vec<Member<'b>>,
    /// There are more entries than were looked at.
    pub(super) more: bool,
    /// Among those that were not looked at are such as have the name of a report or a mailbox.
    pub(super) more_reports: bool,
}

/// How many entries are looked at by their names alone.
const NAMES: usize = 10_000;

/// Reads the directory of a zip. `most` entries are looked at.
///
/// # Errors
/// When the directory cannot be read.
pub(super) fn directory(bytes: &[u8], most: usize) -> Result<Directory<'_>, Rejection> {
    let mut archive = ZipIterable::try_new(Cursor::new(bytes), Config::default()).map_err(|_| corrupt(bytes))?;
    let total = archive.len();
    let mut found = Directory { members: Vec::new(), more: total > most, more_reports: false };
    // No two entries of an honest zip share bytes; those of a bomb do.
    let mut taken: BTreeMap<u64, u64> = BTreeMap::new();
    let mut is_office = false;
    let files = archive.files().map_err(|_| corrupt(bytes))?;
    for (index, entry) in files.take(NAMES.max(most)).enumerate() {
        let entry = entry.map_err(|_| corrupt(bytes))?;
        let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
        is_office |= name == "[Content_Types].xml" || name == "META-INF/manifest.xml" || name == "META-INF/MANIFEST.MF";
        if index >= most {
            found.more_reports |= is_wanted(&name, is_office);
            if found.more_reports {
                break;
            }
            continue;
        }
        if is_for_the_archiver(entry.name_raw()) || entry.is_dir() {
            continue;
        }
        let deflated = entry.compression() == CompressionMethod::Deflated;
        let range = (entry.header_start(), entry.header_start().saturating_add(entry.compressed_size().max(1)));
        // Those taken share none among themselves, so only the one before can reach into this.
        let overlaps = taken.range(..range.1).next_back().is_some_and(|(_, &end)| range.0 < end);
        if !overlaps {
            taken.insert(range.0, range.1);
        }
        let packed = if entry.encrypted() {
            Err(Rejection::new(RejectionCode::Encrypted))
        } else if !deflated && entry.compression() != CompressionMethod::Stored {
            let method = format!("zip method {:?}", entry.compression());
            Err(Rejection::new(RejectionCode::UnsupportedContainer).detail(method))
        } else if overlaps {
            Err(Rejection::new(RejectionCode::ZipCorrupt).detail("entries share their bytes"))
        } else {
            slice(bytes, entry.header_start(), entry.compressed_size())
                .map(|packed| (packed, Codec::Member { deflated, crc: entry.crc32() }))
                .ok_or_else(|| Rejection::new(RejectionCode::ZipCorrupt).detail("an entry points nowhere"))
        };
        found.members.push(Member { name, packed });
    }
    Ok(found)
}

/// Whether an entry that is not opened has the name of something that is read here. The parts of office documents are
/// XML too.
fn is_wanted(name: &str, is_office: bool) -> bool {
    let lower = name.to_ascii_lowercase();
    name_announces(name)
        || [".xml.gz", ".xml.zip", ".mbox", ".eml"].iter().any(|ending| lower.ends_with(ending))
        || !is_office && lower.ends_with(".xml")
}

/// A zip without its end was cut off; anything else is damage.
fn corrupt(bytes: &[u8]) -> Rejection {
    if memchr::memmem::rfind(bytes, b"PK\x05\x06").is_none() {
        Rejection::new(RejectionCode::Truncated).detail("the end of the zip, with its directory, is missing")
    } else {
        Rejection::new(RejectionCode::ZipCorrupt).detail("its directory cannot be read")
    }
}

/// Whether a file is one that archivers and file managers add for themselves.
pub(super) fn is_for_the_archiver(name: &[u8]) -> bool {
    let base = memchr::memrchr(b'/', name).map_or(name, |slash| &name[slash + 1..]);
    name.starts_with(b"__MACOSX/") || base.starts_with(b"._") || base == b".DS_Store" || name.ends_with(b"/")
}

/// The packed bytes of an entry, which follow its local header.
fn slice(bytes: &[u8], header: u64, size: u64) -> Option<&[u8]> {
    let local = bytes.get(usize::try_from(header).ok()?..)?;
    if !local.starts_with(b"PK\x03\x04") {
        return None;
    }
    let length = |at: usize| Some(usize::from(u16::from_le_bytes([*local.get(at)?, *local.get(at + 1)?])));
    let start = 30 + length(26)? + length(28)?;
    local.get(start..start.checked_add(usize::try_from(size).ok()?)?)
}
