//! From the bytes of a file or an attachment to the documents in it, through whatever they are packed in.

mod codec;
mod sniff;
mod zipped;

use std::cell::Cell;
use std::io::Read;

pub use codec::{Codec, open};
pub use sniff::{HEAD, Kind, is_tls_report, sniff};

use crate::limits::Limits;
use crate::rejection::{Rejection, RejectionCode};
use crate::report::window::Budget;
use zipped::Member;

/// How much of a JSON document is looked at to tell what it is.
const JSON_HEAD: u64 = 64 * 1024;

/// A document: packed bytes and the way in. It can be opened any number of times.
#[derive(Debug, Clone)]
pub struct Document<'b> {
    /// The packed bytes.
    pub bytes: &'b [u8],
    /// The layers around it, outermost first.
    pub layers: Vec<Codec>,
    /// Which member of a zip it is, from 1, once for each zip around it.
    pub members: Vec<usize>,
    /// The character set needs a look at the byte order mark.
    pub utf16: bool,
}

impl<'b> Document<'b> {
    /// The unpacked bytes as a stream.
    #[must_use]
    pub fn open(&self) -> Box<dyn Read + 'b> {
        open(self.bytes, &self.layers)
    }
}

/// What is found in packed bytes.
pub enum Item<'b, 'r> {
    /// XML: a report, perhaps. `stream` is the document from its beginning, opened once already to look at it.
    Xml(Document<'b>, Box<dyn Read + 'r>),
    /// An SMTP TLS report.
    TlsReport,
    /// A mail.
    Message(&'r [u8]),
    /// Nothing that concerns DMARC, with a word on what it is where that helps.
    Other(Option<&'static str>),
    /// Something that should be a report and cannot be read.
    Rejected(Vec<usize>, Rejection),
}

/// What a visitor says about an item it got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It was a report, readable or not.
    Report,
    /// It was something else.
    Else,
}

/// Opens packed bytes and shows each document in them to the visitor.
pub struct Unpacker<'u> {
    /// The limits in force.
    pub limits: &'u Limits,
    /// What may still be produced.
    pub budget: &'u Budget,
    /// Where the items go.
    pub visit: &'u mut dyn FnMut(Item<'_, '_>) -> Seen,
}

/// Reads until the buffer is full or the stream ends, and cuts the buffer to what was read; also before an error.
fn fill(stream: &mut impl Read, buffer: &mut Vec<u8>) -> std::io::Result<()> {
    let mut filled = 0;
    let result = loop {
        match stream.read(&mut buffer[filled..]) {
            Ok(0) => break Ok(()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
        if filled == buffer.len() {
            break Ok(());
        }
    };
    buffer.truncate(filled);
    result
}

/// What is around the bytes that are looked at.
#[derive(Debug, Clone, Default)]
struct Around {
    layers: Vec<Codec>,
    members: Vec<usize>,
    archives: u32,
    /// Something was unpacked to get here, so that text is no longer innocent.
    packed: bool,
    /// One among others in a zip, where files of all kinds may lie.
    one_of_many: bool,
}

impl Unpacker<'_> {
    /// Opens the bytes of a file or an attachment.
    pub fn unpack(&mut self, bytes: &[u8]) {
        self.look(bytes, &Around::default());
    }

    fn show(&mut self, item: Item<'_, '_>) -> Seen {
        (self.visit)(item)
    }

    fn reject(&mut self, around: &Around, rejection: Rejection) -> Seen {
        self.show(Item::Rejected(around.members.clone(), rejection))
    }

    fn look(&mut self, bytes: &[u8], around: &Around) -> Seen {
        let mut stream = open(bytes, &around.layers);
        let mut head = vec![0; HEAD];
        let read = fill(&mut stream, &mut head);
        let kind = sniff(&head);
        if let Err(error) = read
            && kind != Kind::Xml
        {
            return self.reject(around, Rejection::new(RejectionCode::Truncated).detail(error.to_string()));
        }
        match kind {
            Kind::Xml | Kind::XmlUtf16 => {
                let document = Document {
                    bytes,
                    layers: around.layers.clone(),
                    members: around.members.clone(),
                    utf16: kind == Kind::XmlUtf16,
                };
                self.show(Item::Xml(document, Box::new(std::io::Cursor::new(head).chain(stream))))
            }
            Kind::Gzip | Kind::Zlib | Kind::Zip => self.unwrap(bytes, around, kind, &head, stream),
            Kind::Json => {
                let _ = stream.take(JSON_HEAD).read_to_end(&mut head);
                self.show(if is_tls_report(&head) { Item::TlsReport } else { Item::Other(None) })
            }
            Kind::BareUtf16 => {
                let rejection = Rejection::new(RejectionCode::Charset).detail("UTF-16 without a byte order mark");
                self.reject(around, rejection)
            }
            Kind::Unsupported(name) => {
                self.reject(around, Rejection::new(RejectionCode::UnsupportedContainer).detail(name))
            }
            Kind::Tnef => self.reject(around, Rejection::new(RejectionCode::Tnef)),
            Kind::Ole => self.show(Item::Other(Some("an Outlook file; save it as .eml to have it read"))),
            Kind::Message if around.packed => {
                let most = self.limits.message;
                let _ = stream.take(most.saturating_sub(head.len() as u64)).read_to_end(&mut head);
                self.show(Item::Message(&head))
            }
            Kind::Message if around.layers.is_empty() => self.show(Item::Message(bytes)),
            Kind::Empty if !around.one_of_many => self.reject(around, Rejection::new(RejectionCode::Empty)),
            // One reporter packs this word where a report should be.
            _ if around.packed && head.trim_ascii() == b"unused" => {
                let rejection =
                    Rejection::new(RejectionCode::NotXml).detail("a placeholder stands in place of a report");
                self.reject(around, rejection)
            }
            // Files of all kinds come in zips; a bare gzip to this address is a report or a mistake.
            _ if around.packed && around.members.is_empty() => {
                let excerpt = String::from_utf8_lossy(&head[..head.len().min(24)]).trim().to_owned();
                self.reject(around, Rejection::new(RejectionCode::NotXml).detail(format!("it begins {excerpt:?}")))
            }
            _ => self.show(Item::Other(None)),
        }
    }

    /// Goes one archive deeper.
    fn unwrap(&mut self, bytes: &[u8], around: &Around, kind: Kind, head: &[u8], stream: Box<dyn Read + '_>) -> Seen {
        if around.archives >= self.limits.archive_depth {
            return self.reject(around, Rejection::new(RejectionCode::LimitArchiveDepth));
        }
        if around.layers.is_empty() && bytes.len() as u64 > self.limits.compressed {
            return self.reject(around, Rejection::new(RejectionCode::LimitCompressed));
        }
        let mut inner = Around { archives: around.archives + 1, packed: true, ..around.clone() };
        match kind {
            Kind::Gzip => inner.layers.push(Codec::Gzip),
            Kind::Zlib => inner.layers.push(Codec::Zlib),
            _ if around.layers.is_empty() => return self.zip(bytes, &inner),
            _ => {
                // A zip is read from its end, so this one is unpacked whole first.
                let mut whole = head.to_vec();
                let most = self.limits.compressed;
                if let Err(error) = stream.take(most.saturating_sub(whole.len() as u64) + 1).read_to_end(&mut whole) {
                    return self.reject(around, Rejection::new(RejectionCode::Truncated).detail(error.to_string()));
                }
                if whole.len() as u64 > most {
                    return self.reject(around, Rejection::new(RejectionCode::LimitCompressed));
                }
                if !self.budget.take(whole.len() as u64) {
                    return self.reject(around, Rejection::new(RejectionCode::LimitTotal));
                }
                inner.layers.clear();
                return self.zip(&whole, &inner);
            }
        }
        drop(stream);
        self.look(bytes, &inner)
    }

    fn zip(&mut self, bytes: &[u8], around: &Around) -> Seen {
        let (members, more) = match zipped::members(bytes, self.limits.zip_members) {
            Ok(found) => found,
            Err(rejection) => return self.reject(around, rejection),
        };
        if members.is_empty() && !more {
            return self.show(Item::Other(None));
        }
        let one_of_many = members.len() > 1;
        let reports = Cell::new(0);
        let mut seen = Seen::Else;
        for (index, member) in members.into_iter().enumerate() {
            let mut inner = around.clone();
            inner.members.push(index + 1);
            inner.one_of_many |= one_of_many;
            if reports.get() == self.limits.zip_reports {
                // What is left may be reports; the zip is kept, so that none is lost.
                self.reject(around, Rejection::new(RejectionCode::LimitZipReports));
                return Seen::Report;
            }
            let found = match member {
                Member::Rejected(rejection) => self.reject(&inner, rejection),
                Member::Packed { bytes, codec } => {
                    inner.layers = vec![codec];
                    self.look(bytes, &inner)
                }
            };
            if found == Seen::Report {
                reports.set(reports.get() + 1);
                seen = Seen::Report;
            }
        }
        if more {
            return self.reject(around, Rejection::new(RejectionCode::LimitZipMembers));
        }
        seen
    }
}
