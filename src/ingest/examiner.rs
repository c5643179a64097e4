//! From an input to its events: what it is, what is in it, what became of each.

use std::cell::OnceCell;
use std::fs::File;
use std::io::{BufReader, Read};
use std::sync::Arc;

use super::event::{Event, OtherKind};
use super::outcome_cache::OutcomeCache;
use super::raw::{At, RawCache, raw_of_file, raw_plain};
use super::reorder_buffer::Sender;
use super::reports::Reports;
use super::tally::InputTally;
use crate::container::{self, Contents, Entry, HEAD, Kind, Part, sniff};
use crate::limits::{Budget, Limits};
use crate::mail::{Authenticity, Envelope};
use crate::rejection::{Rejection, RejectionCode};
use crate::report::{
    Document, DocumentKind, DocumentReader, Irregularities, IrregularityCode, Refusal, Reopen, shorten,
};
use crate::source::{Content, Input};
use crate::store::{DigestKey, NewQuarantine, Origin, Raw};
use crate::tls::{self, ReadFailure};

/// Examines inputs, one after the other.
pub(super) struct Examiner<'e> {
    limits: &'e Limits,
    outcomes: OutcomeCache,
    /// Whether the bytes of reports are kept.
    keep_raw: bool,
    buffer: Vec<u8>,
    pub(super) sender: Sender,
}

impl<'e> Examiner<'e> {
    pub(super) fn new(limits: &'e Limits, key: DigestKey, keep_raw: bool, sender: Sender) -> Self {
        Examiner { limits, outcomes: OutcomeCache::new(key), keep_raw, buffer: Vec::new(), sender }
    }

    /// Examines one input to its end.
    pub(super) fn examine(&mut self, input: &Input) {
        self.examine_within(input, &Budget::new(self.limits));
    }

    /// Examines one input to its end, counting what it costs.
    pub(super) fn examine_within(&mut self, input: &Input, budget: &Budget) {
        let authenticity = match &input.content {
            Content::Bytes(bytes) => input.belief.judge(bytes),
            _ => input.belief.judge(&[]),
        };
        let raws = RawCache::new(self.keep_raw);
        let tally = InputTally::new(self.limits, input.content.size());
        let mut visit = Visit { examiner: self, input, authenticity, raws, tally };
        let (is_mail, found, note) = match &input.content {
            Content::Unreadable(reason) => {
                visit.examiner.sender.push(Event::Failed { location: input.location.clone(), reason: reason.clone() });
                visit.examiner.sender.push(Event::End { mail: false, receipt: input.receipt });
                return;
            }
            Content::Oversized { head, size, mail } => {
                let is_mail = input.is_mail || *mail;
                let packed = matches!(
                    sniff(&head[..head.len().min(HEAD)]),
                    Kind::Gzip | Kind::Zlib | Kind::Zip | Kind::Zstd | Kind::DovecotLz4
                );
                if is_mail || packed {
                    visit.oversized(head, *size, is_mail);
                    (is_mail, true, None)
                } else {
                    (false, false, Some(format!("{size} bytes of something else")))
                }
            }
            Content::Document(file) => match visit.large_document(file, budget) {
                Contents::Unclear(rejection) => {
                    let origin = visit.origin("", &input.envelope, input.file_name.as_deref());
                    visit.refuse(&origin, rejection, "", raw_of_file(file, true));
                    (false, true, None)
                }
                contents => (false, contents == Contents::Report, None),
            },
            Content::Bytes(bytes) => {
                let file_name = input.file_name.as_deref();
                let entry = Entry { bytes, file_name, is_mail: input.is_mail, envelope: &input.envelope };
                let walked = container::walk(entry, visit.examiner.limits, budget, &mut visit);
                (walked.is_mail, walked.found, walked.note.map(str::to_owned))
            }
        };
        if !found {
            let origin = Origin { location: input.location.clone(), ..Origin::default() };
            self.sender.push(Event::Other(OtherKind::NotAReport, Arc::new(origin), note));
        }
        self.sender.push(Event::End { mail: is_mail, receipt: input.receipt });
    }

    /// What is done for an input on which the program failed.
    pub(super) fn failed_on(&mut self, input: &Input) {
        self.sender.push(Event::Discard);
        let bytes = match &input.content {
            Content::Bytes(bytes) => Arc::clone(bytes),
            _ => Arc::default(),
        };
        let raws = RawCache::new(true);
        let tally = InputTally::new(self.limits, 0);
        let mut visit = Visit { examiner: self, input, authenticity: Authenticity::default(), raws, tally };
        let origin = Arc::new(Origin { location: input.location.clone(), ..Origin::default() });
        let raw = visit.raws.get(&bytes, true);
        visit.refuse(&origin, Rejection::new(RejectionCode::Internal), "", raw);
        self.sender.push(Event::End { mail: input.is_mail, receipt: input.receipt });
    }
}

/// One input, as what is in it is met.
struct Visit<'v, 'e> {
    examiner: &'v mut Examiner<'e>,
    input: &'v Input,
    /// Whether the mail that is the input comes from whom it says.
    authenticity: Authenticity,
    raws: RawCache,
    tally: InputTally,
}

impl Visit<'_, '_> {
    /// Where something was, and what is known of the mail that holds it.
    fn origin(&self, path: &str, envelope: &Envelope, file_name: Option<&str>) -> Arc<Origin> {
        Arc::new(Origin {
            location: format!("{}{path}", self.input.location),
            message_id: envelope.message_id.clone(),
            from: envelope.from.clone(),
            subject: envelope.subject.clone(),
            date: envelope.date,
            file_name: file_name.map(str::to_owned),
            authenticity: self.authenticity.clone(),
        })
    }

    fn refuse(&mut self, origin: &Arc<Origin>, rejection: Rejection, inner: &str, raw: Arc<Raw>) {
        self.examiner.sender.push(Event::Quarantine(Box::new(NewQuarantine {
            rejection,
            raw,
            inner: inner.to_owned(),
            origin: Arc::clone(origin),
            reporter: None,
            domain: None,
            period: None,
        })));
    }

    fn oversized(&mut self, head: &[u8], size: u64, is_mail: bool) {
        let code = if is_mail { RejectionCode::LimitMessage } else { RejectionCode::LimitCompressed };
        let detail = format!("{size} bytes; the first {} are kept", head.len());
        let origin = self.origin("", &self.input.envelope, None);
        self.refuse(&origin, Rejection::new(code).detail(detail), "", raw_plain(head.to_vec()));
    }

    /// Reads a document; what is refused of it is kept with what is known of it.
    fn read(
        &mut self,
        document: Document<'_>,
        origin: &Arc<Origin>,
        inner: &str,
        raw: &dyn Fn(&RawCache, bool) -> Arc<Raw>,
    ) -> Contents {
        let Visit { examiner, raws, tally, .. } = self;
        let Examiner { limits, outcomes, buffer, sender, .. } = &mut **examiner;
        let budget = document.budget;
        let raw = |always| raw(raws, always);
        let mut reports = Reports { limits, outcomes, sender, tally, budget, origin, raw: &raw };
        match (DocumentReader { limits, buffer }).read(document, &mut reports) {
            Ok(DocumentKind::Reports) => Contents::Report,
            Ok(DocumentKind::OtherXml) => Contents::Other,
            Err(Refusal { rejection, unclear: true, .. }) => Contents::Unclear(rejection),
            Err(Refusal { rejection, head, .. }) => {
                sender.push(Event::Quarantine(Box::new(NewQuarantine {
                    rejection,
                    raw: raw(true),
                    inner: inner.to_owned(),
                    origin: Arc::clone(origin),
                    reporter: head.as_ref().map(|head| head.reporter.clone()),
                    domain: head.as_ref().map(|head| head.domain.clone()),
                    period: head.map(|head| head.period),
                })));
                Contents::Report
            }
        }
    }

    /// A bare XML document that is read from the disk as often as it takes.
    fn large_document(&mut self, file: &File, budget: &Budget) -> Contents {
        let origin = self.origin("", &self.input.envelope, self.input.file_name.as_deref());
        let keep = self.examiner.keep_raw;
        let odd = &Irregularities::default();
        let document = Document { source: &OnDisk(file), opened: None, utf16: false, odd, budget };
        // Once, however many reports stand in it.
        let made: [OnceCell<Arc<Raw>>; 2] = Default::default();
        self.read(document, &origin, "", &|_, always| {
            let keep = keep || always;
            Arc::clone(made[usize::from(keep)].get_or_init(|| raw_of_file(file, keep)))
        })
    }
}

impl container::Visitor for Visit<'_, '_> {
    fn document(&mut self, part: &Part<'_>, document: container::Document<'_>, opened: Box<dyn Read + '_>) -> Contents {
        let origin = self.origin(&path_of(part), part.envelope, part.file_name);
        let mut odd = Irregularities::default();
        if part.lenient {
            odd.add(IrregularityCode::Base64, "");
        }
        let (utf16, budget) = (document.utf16, document.budget);
        let read = Document { source: &document, opened: Some(opened), utf16, odd: &odd, budget };
        self.read(read, &origin, part.inner, &|raws, always| raws.get(part.bytes, always))
    }

    fn tls_report(&mut self, part: &Part<'_>, json: &[u8], budget: &Budget) -> Contents {
        let origin = self.origin(&path_of(part), part.envelope, part.file_name);
        let reports = match tls::read(json, self.examiner.limits, budget) {
            Ok(reports) => reports,
            Err(ReadFailure::Other) => return Contents::Other,
            Err(ReadFailure::Rejected(rejection)) => {
                self.refuse(&origin, rejection, part.inner, self.raws.get(part.bytes, true));
                return Contents::Report;
            }
        };
        for report in reports {
            match super::tls::assemble(report, &origin, self.raws.get(part.bytes, false)) {
                Ok(new) => self.examiner.sender.push(Event::TlsReport(Box::new(new))),
                Err(rejection) => self.refuse(&origin, rejection, part.inner, self.raws.get(part.bytes, true)),
            }
        }
        Contents::Report
    }

    fn failure_report(&mut self, part: &Part<'_>, report: &[u8]) {
        let origin = self.origin(part.path, part.envelope, part.file_name);
        let note = Some(failure_report(report));
        self.examiner.sender.push(Event::Other(OtherKind::FailureReport, origin, note));
    }

    fn refused(&mut self, part: &Part<'_>, rejection: Rejection) {
        let origin = self.origin(part.path, part.envelope, part.file_name);
        let raw = self.raws.get(part.bytes, true);
        self.refuse(&origin, rejection, part.inner, raw);
    }
}

/// Where a part is in the input, with the members of archives.
fn path_of(part: &Part<'_>) -> String {
    if part.inner.is_empty() { part.path.to_owned() } else { format!("{}/{}", part.path, part.inner) }
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

impl Reopen for container::Document<'_> {
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
