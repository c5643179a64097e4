//! The floor: the least that any reader of these mails has to do, on one thread, with the same libraries.
//!
//! Read, find the attachment, decode base64, inflate, and have quick-xml say what stands where, its checks on. Nothing is kept,
//! nothing is interpreted, and the mail around the attachment is skipped by knowing what the generator writes, so that
//! a real reader can only come near. How near is what the benchmark measures.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Decompress, FlushDecompress, Status};
use memchr::{memchr, memmem};
use quick_xml::Reader;
use quick_xml::events::Event;

/// What was seen. The counts keep the work from being optimised away, and are checked against the program's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) mails: u64,
    pub(crate) xml_bytes: u64,
    pub(crate) events: u64,
    pub(crate) records: u64,
}

/// How much of an mbox is read at once: enough that the calls do not count, little enough to stay in the cache.
const WINDOW: usize = 1 << 18;

/// How much of a document is inflated before it is scanned: what is scanned should still be in the cache.
const DOCUMENT: usize = 1 << 19;

/// The buffers of the line, used again for every mail.
pub(crate) struct Floor {
    compact: Vec<u8>,
    packed: Vec<u8>,
    document: Vec<u8>,
    stream: Decompress,
    counts: Counts,
}

/// Runs the floor over an mbox, a Maildir, a mail or a gzip file.
pub(crate) fn run(input: &Path) -> io::Result<Counts> {
    let mut floor = Floor {
        compact: Vec::new(),
        packed: Vec::new(),
        document: vec![0; DOCUMENT],
        stream: Decompress::new(false),
        counts: Counts::default(),
    };
    if input.is_dir() {
        floor.maildir(&input.join("new"))?;
    } else {
        floor.file(input)?;
    }
    Ok(floor.counts)
}

impl Floor {
    fn maildir(&mut self, folder: &Path) -> io::Result<()> {
        let mut mail = Vec::new();
        for entry in fs::read_dir(folder)? {
            mail.clear();
            File::open(entry?.path())?.read_to_end(&mut mail)?;
            self.mail(&mail)?;
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> io::Result<()> {
        let mut file = File::open(path)?;
        let mut start = [0; 5];
        file.read_exact(&mut start)?;
        if start.starts_with(&[0x1f, 0x8b]) {
            let mut packed = start.to_vec();
            file.read_to_end(&mut packed)?;
            self.counts.mails += 1;
            return self.unpack(&packed);
        }
        if &start != b"From " {
            let mut mail = start.to_vec();
            file.read_to_end(&mut mail)?;
            return self.mail(&mail);
        }
        self.mbox(file)
    }

    /// Cuts the mbox at its From lines, through a window that holds one mail and what was read beyond it.
    fn mbox(&mut self, mut file: File) -> io::Result<()> {
        let separator = memmem::Finder::new(b"\n\nFrom ");
        let mut window = vec![0; WINDOW];
        let (mut filled, mut searched) = (0, 0);
        loop {
            if window.len() - filled < WINDOW / 2 {
                window.resize(window.len() * 2, 0);
            }
            let read = file.read(&mut window[filled..])?;
            filled += read;
            let mut begin = 0;
            while let Some(found) = separator.find(&window[searched.max(begin)..filled]) {
                let end = searched.max(begin) + found;
                self.mail(&window[begin..end + 1])?;
                begin = end + 2;
            }
            if read == 0 {
                return self.mail(&window[begin..filled]);
            }
            window.copy_within(begin..filled, 0);
            filled -= begin;
            searched = filled.saturating_sub(6);
        }
    }

    /// The generator writes `base64` at the end of one line only, that of the attachment's encoding.
    fn mail(&mut self, mail: &[u8]) -> io::Result<()> {
        self.counts.mails += 1;
        let Some(encoding) = memmem::find(mail, b": base64\n") else {
            let begin = memmem::find(mail, b"<?xml").ok_or_else(|| unexpected("a mail without a report"))?;
            let end = memmem::rfind(mail, b"</feedback>").ok_or_else(|| unexpected("a report without an end"))?;
            return scan(&mail[begin..end + b"</feedback>".len()], true, &mut self.counts);
        };
        let headers = memmem::find(&mail[encoding..], b"\n\n").ok_or_else(|| unexpected("headers without an end"))?;
        let body = &mail[encoding + headers + 2..];
        let body = &body[..memchr(b'-', body).unwrap_or(body.len())];
        let mut compact = std::mem::take(&mut self.compact);
        compact.clear();
        for line in body.split(|byte| *byte == b'\n') {
            compact.extend_from_slice(line);
        }
        let mut packed = std::mem::take(&mut self.packed);
        let room = compact.len() / 4 * 3 + 3;
        if packed.len() < room {
            packed.resize(room, 0);
        }
        let length = STANDARD.decode_slice(&compact, &mut packed).map_err(io::Error::other)?;
        self.unpack(&packed[..length])?;
        (self.compact, self.packed) = (compact, packed);
        Ok(())
    }

    /// Inflates a gzip member or a zip archive's only member, and scans it.
    ///
    /// Both are a header and a bare deflate stream. The checksums are left out: they cost a reader little with a fast
    /// routine, and a floor that counts them with a slow one would not be the floor.
    fn unpack(&mut self, packed: &[u8]) -> io::Result<()> {
        let short = |at: usize| usize::from(packed[at]) | usize::from(packed[at + 1]) << 8;
        let begin = if packed.starts_with(&[0x1f, 0x8b]) { 10 } else { 30 + short(26) + short(28) };
        let packed = &packed[begin..];
        self.stream.reset(false);
        let mut filled = 0;
        let mut first = true;
        loop {
            let read = self.stream.total_in() as usize;
            let before = self.stream.total_out();
            let status =
                self.stream.decompress(&packed[read..], &mut self.document[filled..], FlushDecompress::None)?;
            let written = (self.stream.total_out() - before) as usize;
            filled += written;
            if status == Status::StreamEnd {
                return scan(&self.document[..filled], first, &mut self.counts);
            }
            if written == 0 {
                return Err(unexpected("a compressed report that ends early, or a record larger than the window"));
            }
            if filled == self.document.len() {
                let cut = memmem::rfind(&self.document, b"</record>").map_or(0, |at| at + b"</record>".len());
                scan(&self.document[..cut], first, &mut self.counts)?;
                self.document.copy_within(cut.., 0);
                filled -= cut;
                first = false;
            }
        }
    }
}

/// Has quick-xml read a document, or the next part of one that was cut between two records, and counts what it says.
///
/// Its checks are as they come, except that only the first part holds the root's start tag. The blanks between the elements
/// are skipped by the library itself, which is the cheapest way to be rid of them.
fn scan(part: &[u8], first: bool, counts: &mut Counts) -> io::Result<()> {
    let mut reader = Reader::from_reader(part);
    reader.config_mut().trim_text_start = true;
    reader.config_mut().allow_unmatched_ends = !first;
    let (mut events, mut records) = (0, 0);
    loop {
        match reader.read_event().map_err(io::Error::other)? {
            Event::Eof => break,
            Event::Start(start) => records += u64::from(is_record(start.name().into_inner())),
            _ => {}
        }
        events += 1;
    }
    counts.xml_bytes += part.len() as u64;
    counts.events += events;
    counts.records += records;
    Ok(())
}

/// quick-xml has changed between names in bytes and in text; the floor should build with either, to compare the two.
fn is_record(name: &(impl AsRef<[u8]> + ?Sized)) -> bool {
    name.as_ref() == b"record"
}

fn unexpected(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not a mail of the generator: {what}"))
}
