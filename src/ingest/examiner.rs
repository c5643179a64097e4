//! From an input to its events: what it is, what is in it, what became of each.

use std::fs::File;
use std::io::{BufReader, Read};
use std::rc::Rc;
use std::sync::Arc;

use super::document::{Contents, Desk, Paper, Reopen};
use super::event::{Event, OtherKind};
use super::outcome_cache::OutcomeCache;
use super::raw::{At, Lazy, raw, raw_of_file, raw_plain};
use super::reorder_buffer::Sender;
use crate::limits::Limits;
use crate::mail::{self, Authenticity, Envelope, Leaf};
use crate::rejection::{Rejection, RejectionCode};
use crate::report::window::Budget;
use crate::report::{Irregularities, IrregularityCode, shorten};
use crate::source::{Content, Input};
use crate::store::{DigestKey, NewQuarantine, Origin, Raw};
use crate::unpack::{Document, HEAD, Item, Kind, Seen, Unpacker, sniff};

/// Examines inputs, one after the other.
pub(super) struct Examiner<'e> {
    limits: &'e Limits,
    outcomes: OutcomeCache,
    /// Whether the bytes of reports are kept.
    keep_raw: bool,
    buffer: Vec<u8>,
    pub(super) sender: Sender,
    /// What was found in the current input: reports, good and bad, and reports of other kinds.
    found: usize,
    nested: u32,
    /// Whether the mail that is the current input comes from whom it says.
    authenticity: Authenticity,
    /// What the current input may still unpack.
    budget: Rc<Budget>,
}

impl<'e> Examiner<'e> {
    pub(super) fn new(limits: &'e Limits, key: DigestKey, keep_raw: bool, sender: Sender) -> Self {
        let outcomes = OutcomeCache::new(key);
        let budget = Rc::new(Budget::new(limits));
        let authenticity = Authenticity::default();
        Examiner { limits, outcomes, keep_raw, buffer: Vec::new(), sender, found: 0, nested: 0, authenticity, budget }
    }

    /// Examines one input to its end.
    pub(super) fn examine(&mut self, input: &Input) {
        self.found = 0;
        self.nested = 0;
        self.budget = Rc::new(Budget::new(self.limits));
        self.authenticity = match &input.content {
            Content::Bytes(bytes) => input.belief.judge(bytes),
            _ => input.belief.judge(&[]),
        };
        let mut origin = self.origin(input.location.clone(), &input.envelope, input.file_name.clone());
        let mut is_mail = input.is_mail;
        match &input.content {
            Content::Unreadable(reason) => {
                self.sender.push(Event::Failed { location: input.location.clone(), reason: reason.clone() });
                self.sender.push(Event::End { mail: false, receipt: input.receipt });
                return;
            }
            Content::Oversized { head, size, mail } => {
                is_mail |= *mail;
                if !is_mail && !matches!(sniff(head), Kind::Gzip | Kind::Zlib | Kind::Zip) {
                    let note = format!("{size} bytes of something else");
                    self.other(OtherKind::NotAReport, origin, Some(note));
                    self.sender.push(Event::End { mail: false, receipt: input.receipt });
                    return;
                }
                let code = if is_mail { RejectionCode::LimitMessage } else { RejectionCode::LimitCompressed };
                let detail = format!("{size} bytes; the first {} are kept", head.len());
                origin.file_name = None;
                self.reject(&Arc::new(origin), Rejection::new(code).detail(detail), "", &|| raw_plain(head.clone()));
            }
            Content::Document(file) => self.large_document(file, origin),
            Content::Bytes(bytes) => {
                is_mail = is_mail || sniff(&bytes[..bytes.len().min(HEAD)]) == Kind::Message;
                if is_mail {
                    self.mail(bytes, &input.location);
                } else {
                    self.open(bytes, origin, false);
                }
            }
        }
        if self.found == 0 {
            let origin = Origin { location: input.location.clone(), ..Origin::default() };
            self.other(OtherKind::NotAReport, origin, None);
        }
        self.sender.push(Event::End { mail: is_mail, receipt: input.receipt });
    }

    /// What is left to do for an input on which the program failed.
    pub(super) fn failed_on(&mut self, input: &Input) {
        self.sender.push(Event::Discard);
        let origin = Origin { location: input.location.clone(), ..Origin::default() };
        let bytes = match &input.content {
            Content::Bytes(bytes) => Arc::clone(bytes),
            _ => Arc::default(),
        };
        self.reject(&Arc::new(origin), Rejection::new(RejectionCode::Internal), "", &|| Arc::new(raw(&bytes, true)));
        self.sender.push(Event::End { mail: input.is_mail, receipt: input.receipt });
    }

    fn origin(&self, location: String, envelope: &Envelope, file_name: Option<String>) -> Origin {
        Origin {
            location,
            message_id: envelope.message_id.clone(),
            from: envelope.from.clone(),
            subject: envelope.subject.clone(),
            date: envelope.date,
            file_name,
            authenticity: self.authenticity.clone(),
        }
    }

    fn other(&mut self, kind: OtherKind, origin: Origin, note: Option<String>) {
        self.found += 1;
        self.sender.push(Event::Other(kind, Arc::new(origin), note));
    }

    fn reject(&mut self, origin: &Arc<Origin>, rejection: Rejection, inner: &str, raw: &dyn Fn() -> Arc<Raw>) {
        self.found += 1;
        self.sender.push(Event::Quarantine(Box::new(NewQuarantine {
            rejection,
            raw: raw(),
            inner: inner.to_owned(),
            origin: Arc::clone(origin),
            reporter: None,
            domain: None,
            period: None,
        })));
    }

    fn mail(&mut self, message: &[u8], location: &str) {
        let limits = self.limits;
        let mut visit = MailVisit { examiner: self, location, failure_report: false, tls_report: false };
        mail::walk(message, limits, &mut visit);
        let (failure, tls) = (visit.failure_report, visit.tls_report);
        if tls && !failure && self.found == 0 {
            let origin = Origin { location: location.to_owned(), ..Origin::default() };
            self.other(OtherKind::TlsReport, origin, None);
        }
    }

    /// Opens the bytes of a file or an attachment.
    fn open(&mut self, bytes: &Arc<Vec<u8>>, origin: Origin, lenient_base64: bool) {
        let origin = Arc::new(origin);
        let budget = Rc::clone(&self.budget);
        let mut odd = Irregularities::default();
        if lenient_base64 {
            odd.add(IrregularityCode::Base64, "");
        }
        let raw = Lazy::new(bytes, self.keep_raw);
        let limits = self.limits;
        let mut visit = |item: Item<'_, '_>| self.item(item, &origin, &raw, &odd, &budget);
        Unpacker { limits, budget: &budget, visit: &mut visit }.unpack(bytes);
    }

    fn item(
        &mut self,
        item: Item<'_, '_>,
        origin: &Arc<Origin>,
        raw: &Lazy<'_>,
        odd: &Irregularities,
        budget: &Budget,
    ) -> Seen {
        match item {
            Item::Xml(document, stream) => {
                let inner = inner_path(&document.members);
                let origin = if inner.is_empty() {
                    Arc::clone(origin)
                } else {
                    Arc::new(Origin { location: format!("{}/{inner}", origin.location), ..(**origin).clone() })
                };
                let paper = Paper {
                    source: &document,
                    opened: Some(stream),
                    utf16: document.utf16,
                    origin: &origin,
                    raw: &|always| if always { raw.kept() } else { raw.get() },
                    inner: &inner,
                    odd,
                    budget,
                };
                self.read(paper)
            }
            Item::TlsReport => {
                self.other(OtherKind::TlsReport, (**origin).clone(), None);
                Seen::Else
            }
            Item::Message(bytes) => {
                if self.nested < self.limits.message_depth {
                    self.nested += 1;
                    self.mail(bytes, &origin.location);
                    self.nested -= 1;
                } else {
                    self.reject(origin, Rejection::new(RejectionCode::LimitMessageDepth), "", &|| raw.kept());
                }
                Seen::Else
            }
            Item::Other(note) => {
                if let Some(note) = note {
                    self.other(OtherKind::NotAReport, (**origin).clone(), Some(note.to_owned()));
                }
                Seen::Else
            }
            Item::Rejected(members, rejection) => {
                let inner = inner_path(&members);
                self.reject(origin, rejection, &inner, &|| raw.kept());
                Seen::Report
            }
        }
    }

    fn read(&mut self, paper: Paper<'_>) -> Seen {
        let mut desk = Desk {
            limits: self.limits,
            outcomes: &mut self.outcomes,
            sender: &mut self.sender,
            buffer: &mut self.buffer,
        };
        match desk.read(paper) {
            Contents::Report => {
                self.found += 1;
                Seen::Report
            }
            Contents::OtherXml => Seen::Else,
        }
    }

    /// A bare XML document that is read from the disk as often as it takes.
    fn large_document(&mut self, file: &File, origin: Origin) {
        let origin = Arc::new(origin);
        let budget = Rc::clone(&self.budget);
        let keep = self.keep_raw;
        let paper = Paper {
            source: &OnDisk(file),
            opened: None,
            utf16: false,
            origin: &origin,
            raw: &|always| raw_of_file(file, keep || always),
            inner: "",
            odd: &Irregularities::default(),
            budget: &budget,
        };
        self.read(paper);
    }
}

/// Which member of an archive, as it stands in a location.
fn inner_path(members: &[usize]) -> String {
    members.iter().map(|member| format!("member.{member}")).collect::<Vec<_>>().join("/")
}

struct MailVisit<'v, 'e> {
    examiner: &'v mut Examiner<'e>,
    location: &'v str,
    /// The mail is a failure report.
    failure_report: bool,
    tls_report: bool,
}

impl MailVisit<'_, '_> {
    fn origin(&self, envelope: &Envelope, part: usize, file_name: Option<String>) -> Origin {
        self.examiner.origin(format!("{}/part.{part}", self.location), envelope, file_name)
    }
}

impl mail::Visitor for MailVisit<'_, '_> {
    fn leaf(&mut self, envelope: &Envelope, leaf: Leaf<'_>) {
        // The mail that a failure report is about is somebody's mail and none of ours.
        if self.failure_report && leaf.nested {
            return;
        }
        self.tls_report |= envelope.tls_report || leaf.content_type.starts_with("application/tlsrpt");
        let kind = leaf.content_type.as_str();
        if kind == "message/feedback-report" {
            self.failure_report = true;
            let note = failure_report(&leaf.decoded().0);
            let origin = self.origin(envelope, leaf.number, None);
            return self.examiner.other(OtherKind::FailureReport, origin, Some(note));
        }
        let refused = match kind {
            "application/pkcs7-mime" | "application/x-pkcs7-mime" => Some(RejectionCode::SmimeOpaque),
            "application/ms-tnef" => Some(RejectionCode::Tnef),
            _ => None,
        };
        let (body, lenient) = leaf.decoded();
        let origin = self.origin(envelope, leaf.number, leaf.file_name.clone());
        if let Some(code) = refused {
            let body = body.into_owned();
            let origin = Arc::new(origin);
            return self.examiner.reject(&origin, Rejection::new(code), "", &|| raw_plain(body.clone()));
        }
        // Text without a name is what people and programs write around reports; a report in it begins as one.
        let is_prose = kind.starts_with("text/") && leaf.file_name.is_none() && !kind.ends_with("xml");
        if is_prose && !begins_as_report(&body) {
            return;
        }
        self.examiner.open(&Arc::new(body.into_owned()), origin, lenient);
    }

    fn rejected(&mut self, part: usize, rejection: Rejection, bytes: &[u8]) {
        if self.failure_report {
            return;
        }
        let origin = Arc::new(self.origin(&Envelope::default(), part, None));
        self.examiner.reject(&origin, rejection, "", &|| raw_plain(bytes.to_vec()));
    }
}

fn begins_as_report(body: &[u8]) -> bool {
    match sniff(&body[..body.len().min(HEAD)]) {
        Kind::Gzip | Kind::Zip => true,
        Kind::Xml => {
            let text = body.trim_ascii_start();
            let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
            text.starts_with(b"<?xml") || text.starts_with(b"<feedback")
        }
        _ => false,
    }
}

/// A failure report in one line; what it says of the mail itself is not kept.
fn failure_report(report: &[u8]) -> String {
    let text = String::from_utf8_lossy(&report[..report.len().min(16 * 1024)]);
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.split_once(':').filter(|(key, _)| key.trim().eq_ignore_ascii_case(name)))
            .map_or("unknown", |(_, value)| shorten(value.trim(), 80))
    };
    format!("failure report on {} from {}, {}", field("Reported-Domain"), field("Source-IP"), field("Auth-Failure"))
}

impl Reopen for Document<'_> {
    fn reopen(&self) -> std::io::Result<Box<dyn Read + '_>> {
        Ok(self.open())
    }
}

struct OnDisk<'f>(&'f File);

impl Reopen for OnDisk<'_> {
    fn reopen(&self) -> std::io::Result<Box<dyn Read + '_>> {
        // All handles of a file share one position, and only one of them is read at a time.
        Ok(Box::new(BufReader::new(At::beginning(self.0))))
    }
}
