//! Mailboxes that are too large to be held, in files that are packed: `.mbox.gz`, and the zip of Google Takeout.

use std::io::{self, BufReader, Read, Seek};

use super::codec::{Codec, open};
use super::sniff::{HEAD, Kind, sniff};
use super::zipped::is_for_the_archiver;
use crate::limits::Budget;

/// What a packed stream holds, if that is a mail or a mailbox: its bytes from the beginning, and which of the two.
///
/// # Errors
/// When the stream cannot be read so far.
pub fn holds_mailbox<'r>(
    source: impl Read + 'r,
    kind: Kind,
    budget: &'r Budget,
) -> io::Result<Option<(Kind, Box<dyn Read + 'r>)>> {
    let codec = match kind {
        Kind::Gzip => Codec::Gzip,
        Kind::Zstd => Codec::Zstd,
        Kind::DovecotLz4 => Codec::DovecotLz4,
        _ => return Ok(None),
    };
    let stream = open(BufReader::with_capacity(64 * 1024, source), &[codec], budget);
    let (head, stream) = looked_at(stream)?;
    let kind = sniff(&head);
    Ok(matches!(kind, Kind::Message | Kind::Mbox | Kind::Emlx)
        .then(|| -> (Kind, Box<dyn Read + 'r>) { (kind, Box::new(io::Cursor::new(head).chain(stream))) }))
}

fn looked_at<R: Read>(mut stream: R) -> io::Result<(Vec<u8>, R)> {
    let mut head = Vec::with_capacity(HEAD);
    (&mut stream).take(HEAD as u64).read_to_end(&mut head)?;
    Ok((head, stream))
}

/// A member of a zip that holds a mailbox.
pub struct ArchiveMember<'m> {
    /// Its number, from 1.
    pub number: usize,
    /// Its name there; never to be used as a path.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its bytes, unpacked.
    pub stream: Box<dyn Read + 'm>,
}

/// How many entries of a zip are looked at for mailboxes.
const ENTRIES: usize = 10_000;

/// Shows all members of a zip, if a mailbox is among them; does nothing otherwise, and says which. The zip is read from
/// where it lies, so it may be of any size. Ends when the visitor says false.
///
/// # Errors
/// When the zip cannot be read.
pub fn archive_members(source: impl Read + Seek, visit: &mut dyn FnMut(ArchiveMember<'_>) -> bool) -> io::Result<bool> {
    let mut archive = zip::ZipArchive::new(source).map_err(io::Error::other)?;
    let mut kinds = Vec::new();
    // Entries of an honest zip share no bytes, and so do not count the same bytes twice.
    let mut taken: Vec<(u64, u64)> = Vec::new();
    for index in 0..archive.len().min(ENTRIES) {
        let Ok(entry) = archive.by_index(index) else { continue };
        let range = (entry.header_start(), entry.header_start() + entry.compressed_size().max(1));
        if entry.is_dir() || is_for_the_archiver(entry.name_raw()) {
            continue;
        }
        taken.push(range);
        let Ok((head, _)) = looked_at(entry) else { continue };
        kinds.push((index, sniff(&head)));
    }
    taken.sort_unstable();
    let overlap = taken.windows(2).any(|two| two[1].0 < two[0].1);
    if overlap || !kinds.iter().any(|(_, kind)| *kind == Kind::Mbox) {
        return Ok(false);
    }
    for (place, (index, kind)) in kinds.into_iter().enumerate() {
        let entry = archive.by_index(index).map_err(io::Error::other)?;
        let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
        if !visit(ArchiveMember { number: place + 1, name, kind, stream: Box::new(entry) }) {
            break;
        }
    }
    Ok(true)
}
