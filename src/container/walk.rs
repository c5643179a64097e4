//! The walk: mails, their parts, and what they announce.

use std::borrow::Cow;
use std::sync::Arc;

use super::announce::{name_announces, subject_announces};
use super::mbox::{Mail, Mails};
use super::multipart::{Parts, written_boundary};
use super::open::Packed;
use super::sniff::{HEAD, Kind, sniff};
use super::{Other, Part, Transfer, Visitor, uuencode};
use crate::limits::{Budget, Cost, Limits};
use crate::mail::message::{emlx, header_start, is_field, looks_like_message, with_plain_lines};
use crate::mail::{ContentFields, Envelope, KnownFields};
use crate::rejection::{Rejection, RejectionCode};

/// What is walked.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'e> {
    /// All its bytes.
    pub bytes: &'e Arc<Vec<u8>>,
    /// The name of the file, or that of the attachment it once was.
    pub file_name: Option<&'e str>,
    /// It is one mail of a mailbox, whatever it looks like.
    pub is_mail: bool,
    /// What is known of the mail it was taken from.
    pub envelope: &'e Envelope,
}

/// What came of a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walked {
    /// It was mail.
    pub is_mail: bool,
    /// Something was told to the visitor.
    pub found: bool,
    /// What it is, where nothing was found and a word on it helps.
    pub note: Option<&'static str>,
}

/// Walks an input to its end, or to that of its budget.
pub fn walk(entry: Entry<'_>, limits: &Limits, budget: &Budget, visitor: &mut dyn Visitor) -> Walked {
    let mut walk = Walk { limits, budget, visitor, entry, found: 0, parts: 0, stopped: false, note: None };
    let is_mail = walk.input();
    if !walk.stopped
        && let Some(code) = budget.exceeded()
    {
        walk.stop(code);
    }
    Walked { is_mail, found: walk.found > 0, note: walk.note }
}

pub(super) struct Walk<'w> {
    pub(super) limits: &'w Limits,
    pub(super) budget: &'w Budget,
    pub(super) visitor: &'w mut dyn Visitor,
    entry: Entry<'w>,
    /// What was told to the visitor.
    pub(super) found: usize,
    parts: usize,
    /// A limit of the whole input was met; nothing more is looked at.
    pub(super) stopped: bool,
    note: Option<&'static str>,
}

/// How far in.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    pub(super) path: String,
    pub(super) mails: u32,
    pub(super) archives: u32,
    pub(super) multiparts: u32,
}

/// An attachment or a file, as it came out of its transfer encoding.
#[derive(Clone, Copy)]
pub(super) struct Source<'s> {
    pub(super) bytes: &'s Arc<Vec<u8>>,
    pub(super) file_name: Option<&'s str>,
    pub(super) lenient: bool,
}

/// A mail, or the file at the outermost: what its parts are told by.
#[derive(Default)]
pub(super) struct Scope {
    envelope: Envelope,
    /// What could not be read and does not look like a report: told only if the mail says that it holds one.
    pub(super) doubtful: Vec<Doubtful>,
    /// A file that somebody handed over, and no mail of a stranger.
    pub(super) is_file: bool,
    /// The mail within it is another's, which a failure report is about, or ours, which a bounce returns.
    not_ours: bool,
    failure_report: bool,
    bounce: bool,
    tls_report: bool,
    encrypted: bool,
    announced: bool,
}

impl Scope {
    /// It comes from a mail server, which quotes mail in text when it could not deliver it.
    fn is_from_a_server(&self) -> bool {
        let from = self.envelope.from.as_deref().unwrap_or("").to_ascii_lowercase();
        self.bounce || from.starts_with("mailer-daemon") || from.starts_with("postmaster")
    }
}

/// Something that cannot be read, and where it was.
pub(super) struct Doubtful {
    path: String,
    inner: String,
    file_name: Option<String>,
    bytes: Arc<Vec<u8>>,
    rejection: Rejection,
}

impl Walk<'_> {
    /// Says whether the input was mail.
    fn input(&mut self) -> bool {
        let Entry { bytes, file_name, is_mail, envelope } = self.entry;
        let place = Place::default();
        let kind = sniff(&bytes[..bytes.len().min(HEAD)]);
        if is_mail || kind == Kind::Message {
            if bytes.is_empty() {
                self.note = Some("an empty mail");
            }
            self.mails(bytes, &place);
            self.settle_name(file_name, bytes);
            return true;
        }
        let mut scope = Scope { envelope: envelope.clone(), is_file: true, ..Scope::default() };
        self.attachment(&mut scope, &place, Source { bytes, file_name, lenient: false });
        self.tell_doubtful(&mut scope);
        kind == Kind::Emlx
    }

    /// A mail in a file whose name is a report's, of which nothing was found.
    fn settle_name(&mut self, file_name: Option<&str>, bytes: &Arc<Vec<u8>>) {
        if self.found == 0 && file_name.is_some_and(name_announces) {
            let part = Part { path: "", inner: "", envelope: self.entry.envelope, file_name, bytes, lenient: false };
            self.refuse(&part, Rejection::new(RejectionCode::NoReportFound));
        }
    }

    pub(super) fn refuse(&mut self, part: &Part<'_>, rejection: Rejection) {
        self.found += 1;
        self.visitor.refused(part, rejection);
    }

    pub(super) fn other(&mut self, part: &Part<'_>, other: Other) {
        self.found += 1;
        self.visitor.other(part, other);
    }

    /// Ends the walk for a limit of the whole input, which is kept whole.
    pub(super) fn stop(&mut self, code: RejectionCode) {
        if !self.stopped {
            self.stopped = true;
            let Entry { bytes, file_name, envelope, .. } = self.entry;
            let part = Part { path: "", inner: "", envelope, file_name, bytes, lenient: false };
            self.refuse(&part, Rejection::new(code));
        }
    }

    /// Ends the walk for a limit that a document met, which was refused itself. The input is kept beside it, unless it is
    /// that document.
    pub(super) fn stopped_within(&mut self, source: &Source<'_>, code: RejectionCode) {
        if Arc::ptr_eq(source.bytes, self.entry.bytes) {
            self.stopped = true;
        }
        self.stop(code);
    }

    /// Counts something against the budget; false when that ends the walk.
    pub(super) fn count(&mut self, cost: Cost) -> bool {
        if self.stopped {
            return false;
        }
        match self.budget.take(cost, 1) {
            Ok(()) => true,
            Err(code) => {
                self.stop(code);
                false
            }
        }
    }

    fn tell_doubtful(&mut self, scope: &mut Scope) {
        for doubtful in std::mem::take(&mut scope.doubtful) {
            let Doubtful { path, inner, file_name, bytes, rejection } = doubtful;
            let file_name = file_name.as_deref();
            let envelope = &scope.envelope;
            let part = Part { path: &path, inner: &inner, envelope, file_name, bytes: &bytes, lenient: false };
            self.refuse(&part, rejection);
        }
    }

    /// A mail within something else.
    pub(super) fn nested(&mut self, scope: &Scope, bytes: &Arc<Vec<u8>>, place: &Place) {
        if scope.not_ours {
            return;
        }
        if place.mails >= self.limits.message_depth {
            return self.stop(RejectionCode::LimitMessageDepth);
        }
        let place = Place { mails: place.mails + 1, multiparts: place.multiparts + 1, ..place.clone() };
        self.mails(bytes, &place);
    }

    /// The mails of a mailbox that lies within something else.
    pub(super) fn mailbox(&mut self, scope: &Scope, bytes: &[u8], place: &Place) {
        let mut mails = Mails::new(bytes, self.limits.message);
        let mut number = 0;
        // Reading memory never fails.
        while let Ok(Some(mail)) = mails.next_mail() {
            number += 1;
            let place = Place { path: format!("{}#{number}", place.path), ..place.clone() };
            match mail {
                Mail::Whole(bytes) => self.nested(scope, &Arc::new(bytes), &place),
                Mail::Oversized(head, _) => {
                    let envelope = &scope.envelope;
                    let bytes = Arc::new(head);
                    let part =
                        Part { path: &place.path, inner: "", envelope, file_name: None, bytes: &bytes, lenient: false };
                    self.refuse(&part, Rejection::new(RejectionCode::LimitMessage));
                }
            }
            if self.stopped {
                return;
            }
        }
    }

    /// A mail, and others that stand behind its end, as when files are written one after the other into one stream.
    fn mails(&mut self, bytes: &Arc<Vec<u8>>, place: &Place) {
        let mut next = self.mail(bytes, place);
        while let Some(following) = next {
            if self.stopped {
                return;
            }
            next = self.mail(&Arc::new(following), place);
        }
    }

    /// One mail; what stands behind its end, if that is a mail again.
    fn mail(&mut self, bytes: &Arc<Vec<u8>>, place: &Place) -> Option<Vec<u8>> {
        if !self.count(Cost::Messages) {
            return None;
        }
        let text = match emlx(bytes) {
            Some(mail) => Cow::Borrowed(mail),
            None => with_plain_lines(bytes),
        };
        let (fields, body) = KnownFields::read(&text[header_start(&text)..]);
        let content = fields.content();
        let report_type = content.report_type.as_deref().unwrap_or("");
        let bounce =
            report_type == "delivery-status" || report_type == "disposition-notification" || fields.failed_recipients;
        let envelope = fields.envelope();
        let announced = !fields.auto_replied && envelope.subject.as_deref().is_some_and(subject_announces);
        let mut scope = Scope {
            bounce,
            not_ours: bounce,
            tls_report: envelope.tls_report || report_type == "tlsrpt",
            announced,
            envelope,
            ..Scope::default()
        };
        let before = self.found;
        let following = self.entity(&mut scope, content, body, place, false);
        if !self.stopped {
            self.settle(scope, bytes, place, before);
        }
        following
    }

    /// Tells what a mail that was walked comes to as a whole.
    fn settle(&mut self, mut scope: Scope, bytes: &Arc<Vec<u8>>, place: &Place, before: usize) {
        if self.found > before || scope.bounce {
            return;
        }
        if scope.announced && !scope.doubtful.is_empty() {
            return self.tell_doubtful(&mut scope);
        }
        let part =
            Part { path: &place.path, inner: "", envelope: &scope.envelope, file_name: None, bytes, lenient: false };
        if scope.tls_report && !scope.failure_report {
            self.other(&part, Other::TlsReport);
        } else if scope.announced {
            let code = if scope.encrypted { RejectionCode::EncryptedMail } else { RejectionCode::NoReportFound };
            self.refuse(&part, Rejection::new(code));
        } else if scope.encrypted {
            self.note = Some("an encrypted mail that does not say that it is a report");
        }
    }

    /// An entity of a mail: a multipart or a part that holds no others. What follows a mail behind its last part is
    /// given back if it is a mail again.
    fn entity(
        &mut self,
        scope: &mut Scope,
        content: ContentFields,
        body: &[u8],
        place: &Place,
        in_digest: bool,
    ) -> Option<Vec<u8>> {
        if self.stopped {
            return None;
        }
        let kind = content.kind.clone().unwrap_or_else(|| "text/plain".to_owned());
        let transfer = content.encoding.as_deref().map_or(Transfer::Identity, Transfer::from_field);
        scope.encrypted |= kind == "multipart/encrypted";
        if let Some((body, boundary)) = parted(&kind, &content, transfer, body) {
            if place.multiparts >= self.limits.mime_depth {
                self.stop(RejectionCode::LimitMimeDepth);
                return None;
            }
            return self.multipart(scope, &kind, &body, &boundary, place);
        }
        let (body, following) = if place.multiparts == place.mails && !in_digest && !scope.is_from_a_server() {
            split_following(transfer, &kind, body)
        } else {
            (body, None)
        };
        self.leaf(scope, &kind, content, transfer, body, place);
        following
    }

    fn multipart(
        &mut self,
        scope: &mut Scope,
        kind: &str,
        body: &[u8],
        boundary: &str,
        place: &Place,
    ) -> Option<Vec<u8>> {
        let deeper = Place { multiparts: place.multiparts + 1, ..place.clone() };
        let mut parts = Parts::new(body, boundary)?;
        for part in parts.by_ref() {
            let (fields, body) = KnownFields::read(part);
            let mut content = fields.content();
            // RFC 2046 §5.1.5: in a digest, the type that goes without saying is a mail's.
            if kind == "multipart/digest" && content.kind.is_none() {
                content.kind = Some("message/rfc822".to_owned());
                // Some write the mail where the header of the part should be.
                let body = if fields.are_of_a_mail() { part } else { body };
                self.entity(scope, content, body, &deeper, true);
            } else {
                self.entity(scope, content, body, &deeper, false);
            }
            if self.stopped {
                return None;
            }
        }
        let epilogue = parts.epilogue().trim_ascii_start();
        let outermost = place.multiparts == place.mails;
        (outermost && begins_mail(epilogue)).then(|| epilogue.to_vec())
    }

    fn leaf(
        &mut self,
        scope: &mut Scope,
        kind: &str,
        content: ContentFields,
        transfer: Transfer,
        body: &[u8],
        place: &Place,
    ) {
        if !self.count(Cost::Parts) {
            return;
        }
        self.parts += 1;
        let place = Place { path: format!("{}/part.{}", self.entry_path(place), self.parts), ..place.clone() };
        let file_name = content.file_name.as_deref();
        match kind {
            "message/delivery-status" | "message/global-delivery-status" | "message/disposition-notification" => {
                (scope.bounce, scope.not_ours) = (true, true);
            }
            "message/feedback-report" => {
                (scope.failure_report, scope.not_ours) = (true, true);
                let bytes = Arc::new(transfer.decode(body).0.into_owned());
                let report = bytes.to_vec();
                let source = Source { bytes: &bytes, file_name: None, lenient: false };
                let part = part_of(&place, scope, &source);
                return self.other(&part, Other::FailureReport(report));
            }
            _ => {}
        }
        if scope.bounce {
            return;
        }
        scope.tls_report |= kind.starts_with("application/tlsrpt");
        scope.encrypted |= kind == "application/pgp-encrypted";
        let lower = file_name.map(str::to_ascii_lowercase);
        let is_mail = matches!(kind, "message/rfc822" | "message/global" | "message/news")
            || lower.as_deref().is_some_and(|name| name.ends_with(".eml") || name.ends_with(".emlx"));
        if is_mail {
            let decoded = Arc::new(as_mail(transfer, body));
            return self.nested(scope, &decoded, &place);
        }
        let (decoded, lenient) = transfer.decode_to_sense(body);
        // Text without a name is what people and programs write around reports; a report in it begins as one.
        let is_text = kind.starts_with("text/") && !kind.ends_with("xml");
        if is_text && self.inline(scope, &decoded, &place) {
            return;
        }
        if is_text && file_name.is_none() && !begins_as_report(&decoded) {
            return;
        }
        let bytes = Arc::new(decoded.into_owned());
        let source = Source { bytes: &bytes, file_name, lenient };
        if matches!(kind, "application/pkcs7-mime" | "application/x-pkcs7-mime") {
            let code = smime(&content, &bytes);
            scope.encrypted |= code == RejectionCode::EncryptedMail;
            return self.doubt(scope, &place, &source, "", Rejection::new(code));
        }
        if kind == "application/ms-tnef" && sniff(&bytes[..bytes.len().min(HEAD)]) != Kind::Tnef {
            return self.doubt(scope, &place, &source, "", Rejection::new(RejectionCode::Tnef));
        }
        self.attachment(scope, &place, source);
    }

    /// Parts are numbered through a mail and those that lie directly in it; one in an archive or a mailbox has its path.
    fn entry_path(&self, place: &Place) -> String {
        place.path.rsplit_once("/part.").map_or_else(
            || place.path.clone(),
            |(before, number)| {
                if number.bytes().all(|byte| byte.is_ascii_digit()) { before.to_owned() } else { place.path.clone() }
            },
        )
    }

    /// What stands in a text itself: files in uuencode, an encrypted message. True when that was all.
    fn inline(&mut self, scope: &mut Scope, text: &[u8], place: &Place) -> bool {
        if memchr::memmem::find(&text[..text.len().min(HEAD)], b"-----BEGIN PGP MESSAGE-----").is_some() {
            scope.encrypted = true;
            return true;
        }
        let mut any = false;
        for file in uuencode::files(text) {
            if !self.count(Cost::Parts) {
                return true;
            }
            any = true;
            self.parts += 1;
            let place = Place { path: format!("{}/part.{}", self.entry_path(place), self.parts), ..place.clone() };
            let bytes = Arc::new(file.decode());
            self.attachment(scope, &place, Source { bytes: &bytes, file_name: Some(&file.name), lenient: false });
        }
        any
    }

    /// Opens an attachment or a file, and sees to it that one whose name says that it is a report does not end as
    /// nothing.
    pub(super) fn attachment(&mut self, scope: &mut Scope, place: &Place, source: Source<'_>) {
        let (found, doubtful) = (self.found, scope.doubtful.len());
        self.look(scope, place, &source, Packed::default());
        if source.file_name.is_some_and(name_announces) {
            self.settle_named(scope, place, &source, "", found, doubtful);
        }
    }

    /// Refuses what has the name of a report and was none.
    pub(super) fn settle_named(
        &mut self,
        scope: &mut Scope,
        place: &Place,
        source: &Source<'_>,
        inner: &str,
        found: usize,
        doubtful: usize,
    ) {
        if self.stopped || self.found > found || scope.bounce {
            return;
        }
        let held = scope.doubtful.split_off(doubtful);
        if held.is_empty() {
            let part = Part { inner, ..part_of(place, scope, source) };
            return self.refuse(&part, Rejection::new(RejectionCode::NoReportFound));
        }
        let rest = std::mem::replace(&mut scope.doubtful, held);
        self.tell_doubtful(scope);
        scope.doubtful = rest;
    }

    /// Notes what cannot be read and does not look like a report.
    pub(super) fn doubt(
        &mut self,
        scope: &mut Scope,
        place: &Place,
        source: &Source<'_>,
        inner: &str,
        rejection: Rejection,
    ) {
        scope.doubtful.push(Doubtful {
            path: place.path.clone(),
            inner: inner.to_owned(),
            file_name: source.file_name.map(str::to_owned),
            bytes: Arc::clone(source.bytes),
            rejection,
        });
    }
}

/// A source as what the visitor is told.
pub(super) fn part_of<'p>(place: &'p Place, scope: &'p Scope, source: &Source<'p>) -> Part<'p> {
    Part {
        path: &place.path,
        inner: "",
        envelope: &scope.envelope,
        file_name: source.file_name,
        bytes: source.bytes,
        lenient: source.lenient,
    }
}

/// The body of an entity that has parts, and the boundary between them: as it is named, in the body as it is encoded, or
/// as its lines tell it.
fn parted<'b>(
    kind: &str,
    content: &ContentFields,
    transfer: Transfer,
    body: &'b [u8],
) -> Option<(Cow<'b, [u8]>, String)> {
    if kind.starts_with("multipart/") {
        let named = |body: &[u8]| {
            let boundary = content.boundary.as_deref()?;
            Parts::new(body, boundary).is_some().then(|| boundary.to_owned())
        };
        if let Some(boundary) = named(body) {
            return Some((Cow::Borrowed(body), boundary));
        }
        let (decoded, _) = transfer.decode(body);
        if transfer != Transfer::Identity
            && let Some(boundary) = named(&decoded).or_else(|| written_boundary(&decoded))
        {
            return Some((decoded, boundary));
        }
        return written_boundary(body).map(|boundary| (Cow::Borrowed(body), boundary));
    }
    // A body that begins with a boundary has parts, whatever became of its header.
    let begins = body.trim_ascii_start().starts_with(b"--") && kind == "text/plain" && content.file_name.is_none();
    begins.then(|| written_boundary(body)).flatten().map(|boundary| (Cow::Borrowed(body), boundary))
}

/// The mail in a part that is one, decoded where its label says so and that gives a mail.
fn as_mail(transfer: Transfer, body: &[u8]) -> Vec<u8> {
    let (decoded, _) = transfer.decode(body);
    if begins_mail(&decoded) || !begins_mail(body) {
        return match hidden_mail(&decoded) {
            Some(mail) => mail,
            None => decoded.into_owned(),
        };
    }
    body.to_vec()
}

/// A mail in base64 without a label.
fn hidden_mail(body: &[u8]) -> Option<Vec<u8>> {
    if begins_mail(body) {
        return None;
    }
    let (decoded, _) = Transfer::Base64.decode(body);
    begins_mail(&decoded).then(|| decoded.into_owned())
}

fn begins_mail(text: &[u8]) -> bool {
    looks_like_message(&text[..text.len().min(HEAD)], text.len() > HEAD)
}

/// Cuts a mail that stands behind the end of another off its only part: behind base64, or, where a server put its own
/// fields first, behind text.
fn split_following<'b>(transfer: Transfer, kind: &str, body: &'b [u8]) -> (&'b [u8], Option<Vec<u8>>) {
    const FIRST: [&[u8]; 3] = [b"\nReturn-Path: ", b"\nReceived: ", b"\nDelivered-To: "];
    let at = if transfer == Transfer::Base64 {
        let mut at = 0;
        body.split_inclusive(|&byte| byte == b'\n').find_map(|line| {
            let start = at;
            at += line.len();
            (start > 0 && is_field(line)).then_some(start)
        })
    } else if kind.starts_with("text/") {
        FIRST.iter().filter_map(|field| memchr::memmem::find(body, field)).min().map(|at| at + 1)
    } else {
        None
    };
    match at {
        Some(at) if begins_mail(&body[at..]) => (&body[..at], Some(body[at..].to_vec())),
        _ => (body, None),
    }
}

fn begins_as_report(body: &[u8]) -> bool {
    match sniff(&body[..body.len().min(HEAD)]) {
        Kind::Gzip | Kind::Zip | Kind::Zstd => true,
        Kind::Xml => {
            let text = body.trim_ascii_start();
            let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
            text.starts_with(b"<?xml") || text.starts_with(b"<feedback")
        }
        _ => false,
    }
}

/// What S/MIME is sealed for: reading, or as it says itself in its type or its bytes (RFC 5652 §3), only for whom it is
/// encrypted.
fn smime(content: &ContentFields, bytes: &[u8]) -> RejectionCode {
    /// The object identifier of enveloped data, and that of authenticated enveloped data.
    const ENVELOPED: [&[u8]; 2] =
        [b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03", b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17"];
    let head = &bytes[..bytes.len().min(64)];
    let says = content.smime_type.as_deref().is_some_and(|kind| kind.contains("enveloped"));
    if says || ENVELOPED.iter().any(|oid| memchr::memmem::find(head, oid).is_some()) {
        RejectionCode::EncryptedMail
    } else {
        RejectionCode::SmimeOpaque
    }
}
