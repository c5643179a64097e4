//! Through whatever packed bytes are packed in, to the documents in them.

use std::io::{Cursor, Read};
use std::sync::Arc;

use super::announce::{holds_announcement, name_announces, name_suggests};
use super::scope::{Packed, Place, Scope, Source, Walk, part_of};
use super::sniff::{HEAD, Kind, sniff};
use super::zipped::{self, Member};
use super::{Codec, Contents, Document, Part, open};
use crate::limits::Cost;
use crate::rejection::{Rejection, RejectionCode};
use crate::report::charset::Utf16;
use crate::tls;

/// How much of a JSON document is looked at to tell what it is.
const JSON_HEAD: u64 = 64 * 1024;

impl<'b> Packed<'b> {
    /// The name that a report goes by: that of the attachment or file, unless only the member has the form of a report's.
    fn file_name(&self, source: &Source<'b>) -> Option<&'b str> {
        let named = source.file_name.is_some_and(name_announces);
        self.name.filter(|name| !named && name_announces(name)).or(source.file_name)
    }
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

impl Walk<'_> {
    /// Looks at what bytes are and goes on from there. Says whether a report was in them, good or refused.
    pub(super) fn look(&mut self, scope: &mut Scope, place: &Place, source: &Source<'_>, packed: Packed<'_>) -> bool {
        if self.stopped {
            return false;
        }
        let bytes = packed.bytes.unwrap_or(source.bytes);
        let budget = self.budget;
        let mut stream = open(bytes, &packed.layers, budget);
        let mut head = vec![0; HEAD];
        let read = fill(&mut stream, &mut head);
        if let Some(code) = budget.exceeded() {
            self.stop(code);
            return false;
        }
        let kind = sniff(&head);
        if let Err(error) = read
            && kind != Kind::Xml
        {
            let rejection = Rejection::new(RejectionCode::Truncated).detail(error.to_string());
            return self.cannot(scope, place, source, &packed, rejection);
        }
        let is_packed = !packed.layers.is_empty() || packed.bytes.is_some();
        match kind {
            Kind::Xml => {
                let stream = Box::new(Cursor::new(head).chain(stream));
                self.document(scope, place, source, &packed, stream, false)
            }
            Kind::Utf16 => self.utf16(scope, place, source, &packed, head, stream),
            Kind::Gzip | Kind::Zlib | Kind::Zip | Kind::Zstd | Kind::DovecotLz4 => {
                self.unpack(scope, place, source, packed.clone(), kind, head, stream)
            }
            Kind::Json => self.json(scope, place, source, &packed, head, stream),
            Kind::Message | Kind::Emlx | Kind::Mbox => {
                let whole = if is_packed {
                    match self.whole(&mut head, stream, self.limits.message, RejectionCode::LimitMessage) {
                        Ok(()) => Arc::new(head),
                        Err(rejection) => return self.cannot(scope, place, source, &packed, rejection),
                    }
                } else {
                    Arc::clone(source.bytes)
                };
                self.mail_within(scope, &inside(place, &packed), &whole, kind);
                false
            }
            Kind::BareUtf16 => {
                let rejection = Rejection::new(RejectionCode::Charset).detail("UTF-16 without a byte order mark");
                self.cannot(scope, place, source, &packed, rejection)
            }
            Kind::Unsupported(name) => {
                let rejection = Rejection::new(RejectionCode::UnsupportedContainer).detail(name);
                self.cannot(scope, place, source, &packed, rejection)
            }
            Kind::MailCrypt => {
                let what = "by Dovecot's mail_crypt; fetch it over IMAP, or have `doveadm` export it";
                let rejection = Rejection::new(RejectionCode::EncryptedMail).detail(what);
                self.cannot(scope, place, source, &packed, rejection)
            }
            Kind::Tnef | Kind::Ole => {
                let code = if kind == Kind::Tnef { RejectionCode::Tnef } else { RejectionCode::OutlookMsg };
                if !is_packed && holds_announcement(source.bytes) {
                    self.refuse(&part_of(place, scope, source), Rejection::new(code));
                    return true;
                }
                self.cannot(scope, place, source, &packed, Rejection::new(code))
            }
            Kind::Empty => {
                // An empty file says nothing unless it is named as a report, or something was to be in it.
                let name = packed.name.or(source.file_name);
                let wanted = match name {
                    Some(name) if name_announces(name) => true,
                    _ if is_packed => !packed.one_of_many,
                    name => scope.is_file && name.is_none_or(is_report_file),
                };
                wanted && self.cannot(scope, place, source, &packed, Rejection::new(RejectionCode::Empty))
            }
            // One reporter packs this word where a report should be.
            _ if is_packed && head.trim_ascii() == b"unused" => {
                let rejection =
                    Rejection::new(RejectionCode::NotXml).detail("a placeholder stands in place of a report");
                self.cannot(scope, place, source, &packed, rejection)
            }
            // Files of all kinds come in zips; a bare gzip to this address is a report or a mistake.
            _ if is_packed && packed.inner.is_empty() => {
                let excerpt = String::from_utf8_lossy(&head[..head.len().min(24)]).trim().to_owned();
                let rejection = Rejection::new(RejectionCode::NotXml).detail(format!("it begins {excerpt:?}"));
                self.cannot(scope, place, source, &packed, rejection)
            }
            _ => false,
        }
    }

    /// Something that cannot be read: refused if its name is that of a report, else kept in mind.
    fn cannot(
        &mut self,
        scope: &mut Scope,
        place: &Place,
        source: &Source<'_>,
        packed: &Packed<'_>,
        rejection: Rejection,
    ) -> bool {
        if let Some(code) = self.budget.exceeded() {
            self.stop(code);
        } else if packed.name.or(source.file_name).is_some_and(name_suggests) {
            let part = Part { inner: &packed.inner, ..part_of(place, scope, source) };
            self.refuse(&part, rejection);
        } else {
            self.doubt(scope, place, source, &packed.inner, rejection);
        }
        true
    }

    fn document(
        &mut self,
        scope: &mut Scope,
        place: &Place,
        source: &Source<'_>,
        packed: &Packed<'_>,
        opened: Box<dyn Read + '_>,
        utf16: bool,
    ) -> bool {
        let bytes = packed.bytes.unwrap_or(source.bytes);
        let document = Document { bytes, layers: &packed.layers, utf16, budget: self.budget };
        let part = Part { inner: &packed.inner, file_name: packed.file_name(source), ..part_of(place, scope, source) };
        let contents = self.visitor.document(&part, document, opened);
        self.looked_at(scope, place, source, packed, contents)
    }

    /// JSON: a TLS report, or nothing that concerns us.
    fn json(
        &mut self,
        scope: &mut Scope,
        place: &Place,
        source: &Source<'_>,
        packed: &Packed<'_>,
        mut head: Vec<u8>,
        mut stream: Box<dyn Read + '_>,
    ) -> bool {
        // Damage is met again when the rest is read.
        let _ = (&mut stream).take(JSON_HEAD).read_to_end(&mut head);
        if !tls::looks_like(&head) {
            return false;
        }
        let part = Part { inner: &packed.inner, file_name: packed.file_name(source), ..part_of(place, scope, source) };
        let most = self.limits.document.min(tls::LARGEST);
        if let Err(rejection) = self.whole(&mut head, stream, most, RejectionCode::LimitDocument) {
            if let Some(code) = self.budget.exceeded() {
                self.stop(code);
                return true;
            }
            self.refuse(&part, rejection);
            return true;
        }
        let contents = self.visitor.tls_report(&part, &head, self.budget);
        self.looked_at(scope, place, source, packed, contents)
    }

    /// Notes what a document was found to be; whether it was a report.
    fn looked_at(
        &mut self,
        scope: &mut Scope,
        place: &Place,
        source: &Source<'_>,
        packed: &Packed<'_>,
        contents: Contents,
    ) -> bool {
        match contents {
            Contents::Report => {
                self.found += 1;
                // The document that met the limit was refused; the rest of the input is kept for it.
                if let Some(code) = self.budget.exceeded() {
                    self.stopped_within(source, code);
                }
                true
            }
            Contents::Other => false,
            Contents::Unclear(rejection) => self.cannot(scope, place, source, packed, rejection),
        }
    }

    fn utf16(
        &mut self,
        scope: &mut Scope,
        place: &Place,
        source: &Source<'_>,
        packed: &Packed<'_>,
        mut head: Vec<u8>,
        stream: Box<dyn Read + '_>,
    ) -> bool {
        let mut text = Vec::new();
        // An odd last byte is not a character; what is after it comes with the whole.
        let _ = Utf16::new(Box::new(Cursor::new(&head[..head.len() & !1]))).read_to_end(&mut text);
        text.truncate(HEAD);
        let kind = sniff(&text);
        match kind {
            Kind::Message | Kind::Emlx | Kind::Mbox => {
                let most = self.limits.message.saturating_mul(2);
                if let Err(rejection) = self.whole(&mut head, stream, most, RejectionCode::LimitMessage) {
                    return self.cannot(scope, place, source, packed, rejection);
                }
                let mut text = Vec::new();
                let _ = Utf16::new(Box::new(Cursor::new(&head))).read_to_end(&mut text);
                self.mail_within(scope, &inside(place, packed), &Arc::new(text), kind);
                false
            }
            Kind::Xml => {
                let stream = Box::new(Cursor::new(head).chain(stream));
                self.document(scope, place, source, packed, stream, true)
            }
            Kind::Json => {
                let stream = Box::new(Utf16::new(Box::new(Cursor::new(head).chain(stream))));
                self.json(scope, place, source, packed, Vec::new(), stream)
            }
            _ => false,
        }
    }

    /// A mail or a mailbox where a file could be. A mail that is the file itself lies in nothing.
    fn mail_within(&mut self, scope: &Scope, place: &Place, bytes: &Arc<Vec<u8>>, kind: Kind) {
        if kind == Kind::Mbox {
            self.mailbox(scope, bytes, place);
        } else {
            self.nested(scope, bytes, place);
        }
    }

    /// Reads a stream to its end; `beyond` is the code for one that is longer than `most`.
    fn whole(&self, head: &mut Vec<u8>, stream: impl Read, most: u64, beyond: RejectionCode) -> Result<(), Rejection> {
        let before = head.len() as u64;
        if let Err(error) = stream.take(most.saturating_sub(before) + 1).read_to_end(head) {
            return Err(Rejection::new(RejectionCode::Truncated).detail(error.to_string()));
        }
        if head.len() as u64 > most {
            return Err(Rejection::new(beyond));
        }
        self.budget.take(Cost::Bytes, head.len() as u64).map_err(Rejection::new)
    }

    /// Goes one archive deeper.
    #[allow(clippy::too_many_arguments)]
    fn unpack(
        &mut self,
        scope: &mut Scope,
        place: &Place,
        source: &Source<'_>,
        mut packed: Packed<'_>,
        kind: Kind,
        mut head: Vec<u8>,
        stream: Box<dyn Read + '_>,
    ) -> bool {
        if place.archives + packed.archives >= self.limits.archive_depth {
            return self.cannot(scope, place, source, &packed, Rejection::new(RejectionCode::LimitArchiveDepth));
        }
        let outermost = packed.layers.is_empty() && packed.bytes.is_none();
        if outermost && source.bytes.len() as u64 > self.limits.compressed {
            return self.cannot(scope, place, source, &packed, Rejection::new(RejectionCode::LimitCompressed));
        }
        packed.archives += 1;
        match kind {
            Kind::Gzip => packed.layers.push(Codec::Gzip),
            Kind::Zlib => packed.layers.push(Codec::Zlib),
            Kind::Zstd => packed.layers.push(Codec::Zstd),
            Kind::DovecotLz4 => packed.layers.push(Codec::DovecotLz4),
            _ if packed.layers.is_empty() => {
                let bytes = packed.bytes.unwrap_or(source.bytes);
                return self.zip(scope, place, source, bytes, &packed);
            }
            _ => {
                // A zip is read from its end, so this one is unpacked whole first.
                let (most, beyond) = (self.limits.compressed, RejectionCode::LimitCompressed);
                if let Err(rejection) = self.whole(&mut head, stream, most, beyond) {
                    return self.cannot(scope, place, source, &packed, rejection);
                }
                return self.zip(scope, place, source, &head, &packed);
            }
        }
        drop(stream);
        self.look(scope, place, source, packed)
    }

    fn zip(
        &mut self,
        scope: &mut Scope,
        place: &Place,
        source: &Source<'_>,
        bytes: &[u8],
        packed: &Packed<'_>,
    ) -> bool {
        let directory = match zipped::directory(bytes, self.limits.zip_members) {
            Ok(found) => found,
            Err(rejection) => return self.cannot(scope, place, source, packed, rejection),
        };
        let one_of_many = packed.one_of_many || directory.members.len() > 1;
        let mut reports = 0;
        for (index, Member { name, packed: member }) in directory.members.iter().enumerate() {
            if !self.count(Cost::Members) {
                return true;
            }
            if reports == self.limits.zip_reports {
                // What is left may be reports; the zip is kept, so that none is lost.
                let part = Part { inner: &packed.inner, ..part_of(place, scope, source) };
                self.refuse(&part, Rejection::new(RejectionCode::LimitZipReports));
                return true;
            }
            let inner =
                format!("{}{}member.{}", packed.inner, if packed.inner.is_empty() { "" } else { "/" }, index + 1);
            let within = |bytes, layers| Packed {
                bytes: Some(bytes),
                layers,
                inner: inner.clone(),
                name: Some(name.as_str()),
                archives: packed.archives,
                one_of_many,
            };
            let (found, doubtful) = (self.found, scope.doubtful.len());
            let report = match member {
                Ok((bytes, codec)) => self.look(scope, place, source, within(bytes, vec![*codec])),
                Err(rejection) => self.cannot(scope, place, source, &within(bytes, Vec::new()), rejection.clone()),
            };
            if name_announces(name) {
                self.settle_named(scope, place, source, &inner, found, doubtful);
            }
            reports += usize::from(report);
        }
        if directory.more && (reports > 0 || directory.more_reports) {
            let part = Part { inner: &packed.inner, ..part_of(place, scope, source) };
            self.refuse(&part, Rejection::new(RejectionCode::LimitZipMembers));
            return true;
        }
        reports > 0
    }
}

/// The place of what is within archives.
fn inside(place: &Place, packed: &Packed<'_>) -> Place {
    let path = if packed.inner.is_empty() { place.path.clone() } else { format!("{}/{}", place.path, packed.inner) };
    Place { path, archives: place.archives + packed.archives, ..place.clone() }
}

/// Whether the name of a file on disk is one that reports are kept under.
fn is_report_file(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".xml", ".gz", ".zip"].iter().any(|ending| name.ends_with(ending))
}
