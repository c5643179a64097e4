//! One document: finding the reports in it, reading each, and again with repairs where that can help.

use std::cell::RefCell;
use std::io::{self, Read};
use std::rc::Rc;

use super::charset::{self, Utf16};
use super::feedback::AggregateReport;
use super::irregularity::{Irregularities, IrregularityCode};
use super::prolog::{Found, seek_feedback};
use super::reader::{Reading, read_feedback, read_head};
use super::repair::{Repairing, Tally};
use super::sink::{FeedbackError, ReportSink};
use super::utf8_reader::{Failure, Window};
use crate::limits::{Budget, Limits};
use crate::rejection::{Rejection, RejectionCode};

/// A document that can be opened again and again.
pub trait Reopen {
    /// The document from its beginning.
    ///
    /// # Errors
    /// When it cannot be read.
    fn reopen(&self) -> io::Result<Box<dyn Read + '_>>;
}

impl Reopen for &[u8] {
    fn reopen(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(*self))
    }
}

/// A document to be read.
pub struct Document<'p> {
    /// The document.
    pub source: &'p dyn Reopen,
    /// It was opened already, to look at it.
    pub opened: Option<Box<dyn Read + 'p>>,
    /// It begins with the byte order mark of UTF-16.
    pub utf16: bool,
    /// What its unpacking took, to be noted on its reports.
    pub odd: &'p Irregularities,
    /// What reading it is counted against.
    pub budget: &'p Budget,
}

/// What a document was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentKind {
    /// All its reports were read.
    Reports,
    /// It holds XML that is not a report.
    OtherXml,
}

/// Why a document was not read to its end. The reports before that place were.
#[derive(Debug)]
pub struct Refusal<H> {
    /// The reason.
    pub rejection: Rejection,
    /// What was known of the report by then.
    pub head: Option<H>,
    /// Nothing in the document says that it is a report.
    pub unclear: bool,
}

/// Where the reports of a document go, one after the other.
pub trait DocumentSink {
    /// Takes the records of one report.
    type Builder<'b>: ReportSink
    where
        Self: 'b;
    /// A report that was read whole.
    type Report;
    /// What is known of a report that was not.
    type Head;

    /// A report begins; this was odd about the document up to here.
    fn begin(&mut self, odd: Irregularities) -> Self::Builder<'_>;

    /// How many records the builder got, with those that say nothing.
    fn records(builder: &Self::Builder<'_>) -> u64;

    /// The report was read whole. `odd` is what was noted while it was read.
    ///
    /// # Errors
    /// A reason not to take it, and to read no further.
    fn end(
        builder: Self::Builder<'_>,
        report: AggregateReport,
        odd: Irregularities,
    ) -> Result<Self::Report, (Rejection, Option<Self::Head>)>;

    /// The report cannot be read, at least not in this way: what was taken of it is void.
    fn abandon(builder: Self::Builder<'_>) -> Option<Self::Head>;

    /// Something odd was met after a report, and belongs to it.
    fn note(report: &mut Self::Report, odd: &Irregularities);

    /// A report, with all that is noted on it.
    fn take(&mut self, report: Self::Report);
}

/// Reads documents, one after the other.
pub struct DocumentReader<'d> {
    /// The limits in force.
    pub limits: &'d Limits,
    /// Memory for the window, used again and again.
    pub buffer: &'d mut Vec<u8>,
}

/// How to read a document.
#[derive(Clone)]
enum Strategy {
    /// From beginning to end.
    Straight,
    /// With a second look ahead for the head of each report, which comes after its records.
    HeadsAhead,
    /// With repairs of free texts.
    Repaired(Rc<RefCell<Tally>>),
}

/// Why a pass stopped, and in which other way to try.
struct ReadFailure<H> {
    refusal: Refusal<H>,
    try_again: Option<Strategy>,
}

impl DocumentReader<'_> {
    /// Reads all reports of a document.
    ///
    /// # Errors
    /// The first reason for which a report could not be read; those before it were handed on.
    pub fn read<S: DocumentSink>(
        &mut self,
        mut document: Document<'_>,
        sink: &mut S,
    ) -> Result<DocumentKind, Refusal<S::Head>> {
        let opened = document.opened.take();
        let mut done = 0;
        let mut first = match self.pass(&document, opened, &Strategy::Straight, sink, &mut done) {
            Ok(kind) => return Ok(kind),
            Err(failure) => failure,
        };
        if let Some(strategy @ Strategy::HeadsAhead) = &first.try_again {
            match self.pass(&document, None, &strategy.clone(), sink, &mut done) {
                Ok(kind) => return Ok(kind),
                Err(failure) => first = failure,
            }
        }
        // Whose records are whose cannot be counted in a repaired document of several reports.
        if let Some(strategy @ Strategy::Repaired(_)) = &first.try_again
            && done == 0
            && let Ok(kind) = self.pass(&document, None, &strategy.clone(), sink, &mut done)
        {
            return Ok(kind);
        }
        Err(first.refusal)
    }

    /// Reads the reports of a document, but for the first `done`, which an earlier pass read.
    fn pass<'p, S: DocumentSink>(
        &mut self,
        document: &Document<'p>,
        opened: Option<Box<dyn Read + 'p>>,
        strategy: &Strategy,
        sink: &mut S,
        done: &mut usize,
    ) -> Result<DocumentKind, ReadFailure<S::Head>> {
        let (stream, unknown_charset) = document.stream(opened, strategy)?;
        let mut buffer = std::mem::take(self.buffer);
        let mut window = Window::new(stream, &mut buffer, self.limits, document.budget);
        let result = match strategy {
            Strategy::HeadsAhead => document.stream(None, strategy).and_then(|(stream, _)| {
                let mut scratch = Vec::new();
                let mut ahead = Window::new(stream, &mut scratch, self.limits, document.budget);
                self.reports(document, &mut window, Some(&mut ahead), strategy, unknown_charset, sink, done)
            }),
            _ => self.reports(document, &mut window, None, strategy, unknown_charset, sink, done),
        };
        drop(window);
        *self.buffer = buffer;
        result
    }

    #[allow(clippy::too_many_arguments)]
    fn reports<S: DocumentSink>(
        &mut self,
        document: &Document<'_>,
        window: &mut Window<'_>,
        mut ahead: Option<&mut Window<'_>>,
        strategy: &Strategy,
        unknown_charset: Option<String>,
        sink: &mut S,
        done: &mut usize,
    ) -> Result<DocumentKind, ReadFailure<S::Head>> {
        let mut number = 0;
        // A report is handed on when what follows it was looked at, for that is noted on it.
        let mut ready: Option<S::Report> = None;
        loop {
            let mut odd = Irregularities::default();
            let found = seek_feedback(window, number == 0, &mut odd);
            if let Some(mut report) = ready.take() {
                S::note(&mut report, &behind(window, &odd, &found));
                *done += 1;
                sink.take(report);
            }
            match found {
                Ok(Ok(Found::Feedback)) => {}
                Ok(_) | Err(_) if number > 0 => return Ok(DocumentKind::Reports),
                Ok(Ok(other)) => return nothing(other),
                Ok(Err(rejection)) => return Err(rejection.into()),
                Err(_) => return Err(unclear(failed(window))),
            }
            let head = match &mut ahead {
                None => None,
                Some(ahead) => Some(head_ahead(ahead, self.limits, number == 0)?),
            };
            number += 1;
            if number <= *done {
                read_head(window, self.limits, false)?;
                continue;
            }
            odd.merge(document.odd);
            if let Some(label) = &unknown_charset {
                odd.add(IrregularityCode::Charset, label);
            }
            ready = Some(self.one(window, head.as_ref(), strategy, odd, sink)?);
        }
    }

    /// Reads the report that the window stands at.
    fn one<S: DocumentSink>(
        &mut self,
        window: &mut Window<'_>,
        head: Option<&AggregateReport>,
        strategy: &Strategy,
        odd: Irregularities,
        sink: &mut S,
    ) -> Result<S::Report, ReadFailure<S::Head>> {
        let mut builder = sink.begin(odd);
        let mut odd = Irregularities::default();
        let reading = Reading { head, lenient: matches!(strategy, Strategy::Repaired(_)) };
        let read = read_feedback(window, self.limits, &reading, &mut odd, &mut builder)
            .map_err(ReadFailure::from)
            .and_then(|report| {
                let Strategy::Repaired(tally) = strategy else {
                    return Ok(report);
                };
                // The count of start tags in the raw bytes shows whether a repair swallowed a record.
                let (found, read) = (tally.borrow().records, S::records(&builder));
                if found != read {
                    let detail = format!("{read} of {found} records could be read even with repairs");
                    return Err(Rejection::new(RejectionCode::XmlMalformed).detail(detail).into());
                }
                odd.add(IrregularityCode::XmlRepaired, "");
                Ok(report)
            });
        match read {
            Ok(report) => S::end(builder, report, odd).map_err(|(rejection, head)| ReadFailure {
                refusal: Refusal { rejection, head, unclear: false },
                try_again: None,
            }),
            Err(mut failure) => {
                failure.refusal.head = S::abandon(builder);
                Err(failure)
            }
        }
    }
}

impl<H> From<Rejection> for ReadFailure<H> {
    fn from(rejection: Rejection) -> Self {
        ReadFailure { refusal: Refusal { rejection, head: None, unclear: false }, try_again: None }
    }
}

impl<H> From<FeedbackError> for ReadFailure<H> {
    fn from(error: FeedbackError) -> Self {
        let (rejection, try_again) = match error {
            FeedbackError::Rejected(rejection) => (rejection, None),
            FeedbackError::Malformed(rejection) => (rejection, Some(Strategy::Repaired(Rc::default()))),
            FeedbackError::HeadComesLate => (Rejection::new(RejectionCode::XmlMalformed), Some(Strategy::HeadsAhead)),
        };
        ReadFailure { try_again, ..rejection.into() }
    }
}

fn unclear<H>(rejection: Rejection) -> ReadFailure<H> {
    ReadFailure { refusal: Refusal { rejection, head: None, unclear: true }, try_again: None }
}

/// A document in UTF-8; and the declared character set where nobody knows it.
type Opened<'p> = (Box<dyn Read + 'p>, Option<String>);

impl<'p> Document<'p> {
    /// The document in UTF-8, repaired where that is the strategy.
    fn stream<H>(&self, opened: Option<Box<dyn Read + 'p>>, strategy: &Strategy) -> Result<Opened<'p>, ReadFailure<H>> {
        let stream = match opened {
            Some(stream) => stream,
            None => self
                .source
                .reopen()
                .map_err(|error| Rejection::new(RejectionCode::Truncated).detail(error.to_string()))?,
        };
        let stream: Box<dyn Read + 'p> = if self.utf16 { Box::new(Utf16::new(stream)) } else { stream };
        let (stream, unknown) = charset::declared(stream);
        Ok(match strategy {
            Strategy::Repaired(tally) => (Box::new(Repairing::new(stream, Rc::clone(tally))), unknown),
            _ => (stream, unknown),
        })
    }
}

/// What was met after a report, and what its bytes took to be read.
fn behind(
    window: &Window<'_>,
    behind: &Irregularities,
    found: &io::Result<Result<Found, Rejection>>,
) -> Irregularities {
    let mut odd = Irregularities::default();
    if window.mended {
        odd.add(IrregularityCode::Charset, "");
    }
    if behind.has(IrregularityCode::SeveralDocuments) || behind.has(IrregularityCode::Trailing) {
        odd.merge(behind);
    }
    if let (Err(_), Some(Failure::Source(reason))) = (found, &window.failure) {
        odd.add(IrregularityCode::GzipCrc, reason);
    }
    odd
}

fn nothing<H>(found: Found) -> Result<DocumentKind, ReadFailure<H>> {
    Err(unclear(match found {
        Found::OtherXml(_) => return Ok(DocumentKind::OtherXml),
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
fn head_ahead<H>(ahead: &mut Window<'_>, limits: &Limits, first: bool) -> Result<AggregateReport, ReadFailure<H>> {
    match seek_feedback(ahead, first, &mut Irregularities::default()) {
        Ok(Ok(Found::Feedback)) => Ok(read_head(ahead, limits, false)?),
        _ => Err(failed(ahead).into()),
    }
}
