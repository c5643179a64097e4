//! One document: finding the reports in it, reading each, and again with repairs where that can help.

use std::cell::RefCell;
use std::io::Read;
use std::rc::Rc;
use std::sync::Arc;

use super::charset;
use super::event::Event;
use super::head::Head;
use super::outcome_cache::OutcomeCache;
use super::reorder_buffer::Sender;
use super::report_builder::ReportBuilder;
use crate::limits::Limits;
use crate::rejection::{Rejection, RejectionCode};
use crate::report::prolog::{Found, seek_feedback};
use crate::report::repair::{Repairing, Tally};
use crate::report::window::{Budget, Failure, Window};
use crate::report::{AggregateReport, Irregularities, IrregularityCode, ReadError, Reading, read_feedback, read_head};
use crate::store::{NewQuarantine, NewReport, Origin, Raw};

/// A document that can be opened again and again.
pub(super) trait Reopen {
    /// The document from its beginning.
    fn reopen(&self) -> std::io::Result<Box<dyn Read + '_>>;
}

/// What is needed to read documents.
pub(super) struct Desk<'d> {
    pub(super) limits: &'d Limits,
    pub(super) outcomes: &'d mut OutcomeCache,
    pub(super) sender: &'d mut Sender,
    pub(super) buffer: &'d mut Vec<u8>,
}

/// What is known of a document before it is read.
pub(super) struct Paper<'p> {
    /// The document.
    pub(super) source: &'p dyn Reopen,
    /// It was opened already, to look at it.
    pub(super) opened: Option<Box<dyn Read + 'p>>,
    /// UTF-16 with a byte order mark.
    pub(super) utf16: bool,
    /// Where it came from.
    pub(super) origin: &'p Arc<Origin>,
    /// The bytes it came in; asked for only when they are wanted, and whether to keep them whatever is configured.
    pub(super) raw: &'p dyn Fn(bool) -> Arc<Raw>,
    /// Which of several documents in those bytes it is.
    pub(super) inner: &'p str,
    /// What its unpacking took, to be noted on its reports.
    pub(super) odd: &'p Irregularities,
    /// What may still be unpacked.
    pub(super) budget: &'p Budget,
}

/// What a document was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Contents {
    /// It held reports, or something that was quarantined.
    Report,
    /// Its first element was another.
    OtherXml,
}

/// Why reading stopped: the reason, what was known of the report by then, and in which other way to try.
struct Stop {
    rejection: Rejection,
    head: Option<Box<Head>>,
    try_again: Option<Way>,
}

/// How to read a document.
#[derive(Clone)]
enum Way {
    /// From beginning to end.
    Straight,
    /// With a second look ahead for the head of each report, which stands behind its records.
    HeadsAhead,
    /// With repairs of free texts.
    Repaired(Rc<RefCell<Tally>>),
}

impl Desk<'_> {
    /// Reads all reports of a document.
    pub(super) fn read(&mut self, mut paper: Paper<'_>) -> Contents {
        let opened = paper.opened.take();
        let mut done = 0;
        let mut first = match self.pass(&paper, opened, &Way::Straight, &mut done) {
            Ok(contents) => return contents,
            Err(stop) => stop,
        };
        if let Some(way @ Way::HeadsAhead) = &first.try_again {
            match self.pass(&paper, None, &way.clone(), &mut done) {
                Ok(contents) => return contents,
                Err(stop) => first = stop,
            }
        }
        // Whose records are whose cannot be counted in a repaired document of several reports.
        if let Some(way @ Way::Repaired(_)) = &first.try_again
            && done == 0
            && let Ok(contents) = self.pass(&paper, None, &way.clone(), &mut done)
        {
            return contents;
        }
        self.quarantine(&paper, first);
        Contents::Report
    }

    /// Reads the reports of a document, but for the first `done`, which an earlier pass read.
    fn pass<'p>(
        &mut self,
        paper: &Paper<'p>,
        opened: Option<Box<dyn Read + 'p>>,
        way: &Way,
        done: &mut usize,
    ) -> Result<Contents, Stop> {
        let (stream, unknown_charset) = paper.stream(opened, way)?;
        let mut buffer = std::mem::take(self.buffer);
        let mut window = Window::new(stream, &mut buffer, self.limits, paper.budget);
        let result = match way {
            Way::HeadsAhead => paper.stream(None, way).and_then(|(stream, _)| {
                let mut scratch = Vec::new();
                let mut ahead = Window::new(stream, &mut scratch, self.limits, paper.budget);
                self.reports(paper, &mut window, Some(&mut ahead), way, unknown_charset, done)
            }),
            _ => self.reports(paper, &mut window, None, way, unknown_charset, done),
        };
        drop(window);
        *self.buffer = buffer;
        result
    }

    fn reports(
        &mut self,
        paper: &Paper<'_>,
        window: &mut Window<'_>,
        mut ahead: Option<&mut Window<'_>>,
        way: &Way,
        unknown_charset: Option<String>,
        done: &mut usize,
    ) -> Result<Contents, Stop> {
        let mut number = 0;
        // A report is handed on when what follows it was looked at, for that is noted on it.
        let mut ready: Option<Box<NewReport>> = None;
        loop {
            let mut odd = Irregularities::default();
            let found = seek_feedback(window, number == 0, &mut odd);
            if let Some(mut report) = ready.take() {
                finish(&mut report, window, &odd, &found);
                *done += 1;
                self.sender.push(Event::Report(report));
            }
            match found {
                Ok(Ok(Found::Feedback)) => {}
                Ok(_) | Err(_) if number > 0 => return Ok(Contents::Report),
                Ok(Ok(other)) => return nothing(other),
                Ok(Err(rejection)) => return Err(Stop::plain(rejection)),
                Err(_) => return Err(Stop::plain(failed(window))),
            }
            let head = match &mut ahead {
                None => None,
                Some(ahead) => Some(head_ahead(ahead, self.limits, number == 0)?),
            };
            number += 1;
            if number <= *done {
                read_head(window, self.limits, false).map_err(Stop::from)?;
                continue;
            }
            odd.merge(paper.odd);
            if let Some(label) = &unknown_charset {
                odd.add(IrregularityCode::Charset, label);
            }
            ready = Some(self.one(paper, window, head.as_ref(), way, odd)?);
        }
    }

    /// Reads the report that the window stands at.
    fn one(
        &mut self,
        paper: &Paper<'_>,
        window: &mut Window<'_>,
        head: Option<&AggregateReport>,
        way: &Way,
        odd: Irregularities,
    ) -> Result<Box<NewReport>, Stop> {
        let mut builder = ReportBuilder::new(self.outcomes, self.sender, paper.origin);
        builder.irregularities = odd;
        let reading = Reading { head, lenient: matches!(way, Way::Repaired(_)) };
        let mut irregularities = Irregularities::default();
        let read = read_feedback(window, self.limits, &reading, &mut irregularities, &mut builder)
            .map_err(Stop::from)
            .and_then(|report| {
                let Way::Repaired(tally) = way else {
                    return Ok(report);
                };
                // The count of start tags in the raw bytes shows whether a repair swallowed a record.
                let (found, read) = (tally.borrow().records, builder.records_read());
                if found != read {
                    let detail = format!("{read} of {found} records could be read even with repairs");
                    return Err(Stop::plain(Rejection::new(RejectionCode::XmlMalformed).detail(detail)));
                }
                irregularities.add(IrregularityCode::XmlRepaired, "");
                Ok(report)
            });
        match (read, builder.head.clone()) {
            (Ok(report), Some(head)) => {
                builder.irregularities.merge(&irregularities);
                builder.end();
                Ok(Box::new(assemble(builder, report, head, paper)))
            }
            (Ok(_), None) => Err(Stop::plain(Rejection::new(RejectionCode::XmlMalformed))),
            (Err(stop), head) => {
                builder.take_back();
                Err(Stop { head: head.map(Box::new), ..stop })
            }
        }
    }

    fn quarantine(&mut self, paper: &Paper<'_>, stop: Stop) {
        let head = stop.head;
        self.sender.push(Event::Quarantine(Box::new(NewQuarantine {
            rejection: stop.rejection,
            raw: (paper.raw)(true),
            inner: paper.inner.to_owned(),
            origin: Arc::clone(paper.origin),
            reporter: head.as_ref().map(|head| head.reporter.clone()),
            domain: head.as_ref().map(|head| head.domain.clone()),
            period: head.map(|head| head.period),
        })));
    }
}

impl Stop {
    fn plain(rejection: Rejection) -> Self {
        Stop { rejection, head: None, try_again: None }
    }
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        let (rejection, try_again) = match error {
            ReadError::Rejected(rejection) => (rejection, None),
            ReadError::Malformed(rejection) => (rejection, Some(Way::Repaired(Rc::default()))),
            ReadError::HeadComesLate => (Rejection::new(RejectionCode::XmlMalformed), Some(Way::HeadsAhead)),
        };
        Stop { rejection, head: None, try_again }
    }
}

impl<'p> Paper<'p> {
    /// The document in UTF-8, repaired where that is the way; and the declared character set where nobody knows it.
    fn stream(
        &self,
        opened: Option<Box<dyn Read + 'p>>,
        way: &Way,
    ) -> Result<(Box<dyn Read + 'p>, Option<String>), Stop> {
        let stream = match opened {
            Some(stream) => stream,
            None => self
                .source
                .reopen()
                .map_err(|error| Stop::plain(Rejection::new(RejectionCode::Truncated).detail(error.to_string())))?,
        };
        let stream: Box<dyn Read + 'p> = if self.utf16 { Box::new(charset::Utf16::new(stream)) } else { stream };
        let (stream, unknown) = charset::declared(stream);
        Ok(match way {
            Way::Repaired(tally) => (Box::new(Repairing::new(stream, Rc::clone(tally))), unknown),
            _ => (stream, unknown),
        })
    }
}

fn assemble(mut builder: ReportBuilder<'_>, report: AggregateReport, head: Head, paper: &Paper<'_>) -> NewReport {
    let report_id = builder.report_id(&report);
    let content = builder.content(&report, &head, &report_id);
    let namespace = report.namespace.as_deref().unwrap_or("");
    let policy = &report.policy_published;
    let rfc9990 = namespace.ends_with(":dmarc-2.0")
        || policy.discovery_method.is_some()
        || policy.testing.is_some()
        || report.report_metadata.generator.is_some();
    NewReport {
        reporter: head.reporter,
        identity: head.identity,
        domain: head.domain,
        day: head.period.day(),
        period: head.period,
        report_id,
        rfc9990,
        content,
        totals: builder.totals,
        run: std::mem::take(&mut builder.run),
        irregularities: std::mem::take(&mut builder.irregularities),
        raw: (paper.raw)(false),
        origin: Arc::clone(paper.origin),
        report,
    }
}

/// Notes on a report what was met behind it, and what its bytes took to be read.
fn finish(
    report: &mut NewReport,
    window: &Window<'_>,
    behind: &Irregularities,
    found: &std::io::Result<Result<Found, Rejection>>,
) {
    let odd = &mut report.irregularities;
    if window.mended {
        odd.add(IrregularityCode::Charset, "");
    }
    if behind.has(IrregularityCode::SeveralDocuments) || behind.has(IrregularityCode::Trailing) {
        odd.merge(behind);
    }
    if let (Err(_), Some(Failure::Source(reason))) = (found, &window.failure) {
        odd.add(IrregularityCode::GzipCrc, reason);
    }
}

fn nothing(found: Found) -> Result<Contents, Stop> {
    Err(Stop::plain(match found {
        Found::OtherXml(_) => return Ok(Contents::OtherXml),
        Found::Text(text) => Rejection::new(RejectionCode::NotXml).detail(format!("it begins {text:?}")),
        _ => Rejection::new(RejectionCode::Empty),
    }))
}

/// The reason for which a window ended early.
fn failed(window: &Window<'_>) -> Rejection {
    match &window.failure {
        Some(Failure::Limit(rejection)) => rejection.clone(),
        Some(Failure::Source(reason)) => Rejection::new(RejectionCode::Truncated).detail(reason.clone()),
        None => Rejection::new(RejectionCode::Truncated),
    }
}

/// Moves the window ahead to the end of the next report, and returns that report's head.
fn head_ahead(ahead: &mut Window<'_>, limits: &Limits, first: bool) -> Result<AggregateReport, Stop> {
    match seek_feedback(ahead, first, &mut Irregularities::default()) {
        Ok(Ok(Found::Feedback)) => read_head(ahead, limits, false).map_err(Stop::from),
        _ => Err(Stop::plain(failed(ahead))),
    }
}
