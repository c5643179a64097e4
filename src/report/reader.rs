//! Reading one `feedback` element, event by event, into a sink.
//!
//! By local name, in any order: the namespace, the prefix and the sequence of elements tell reporters apart, not
//! reports. Elements nobody knows are skipped with all they hold. The sink gets the head (metadata and policy)
//! before the first record; a document that has them in another order says so, and is read again with the head known.

use quick_xml::Reader;
use quick_xml::errors::IllFormedError;
use quick_xml::events::Event;

use super::element::Element;
use super::feedback::AggregateReport;
use super::irregularity::{Irregularities, IrregularityCode, shorten};
use super::parser::{Closed, State};
use super::record_template::Markup;
use super::sink::{FeedbackError, ReportSink};
use super::utf8_reader::{Failure, Window};
use crate::limits::Limits;
use crate::rejection::{Rejection, RejectionCode};

/// A text of at least this length is not read again when a slice cuts it; texts are cut before that.
const LONGEST_CUT_TEXT: usize = 32 * 1024;

/// How a document is to be read.
#[derive(Debug, Default, Clone)]
pub(super) struct Reading<'r> {
    /// The head, where an earlier reading found it after the records.
    pub(super) head: Option<&'r AggregateReport>,
    /// Accept a bare `&` as text; only with repairs, which report it.
    pub(super) lenient: bool,
}

/// Reads the `feedback` at which the window is, and leaves the window after its end tag.
///
/// # Errors
/// See [`FeedbackError`]; the sink may have got some records by then.
pub(super) fn read_feedback(
    window: &mut Window<'_>,
    limits: &Limits,
    reading: &Reading<'_>,
    irregularities: &mut Irregularities,
    sink: &mut dyn ReportSink,
) -> Result<AggregateReport, FeedbackError> {
    let mut state = State::new(limits, reading.head.cloned(), irregularities, Some(sink));
    state.run(window, reading.lenient)?;
    state.finish()
}

/// Reads only the head of the `feedback` that the window stands at, wherever in it that stands.
///
/// # Errors
/// See [`FeedbackError`].
pub(super) fn read_head(
    window: &mut Window<'_>,
    limits: &Limits,
    lenient: bool,
) -> Result<AggregateReport, FeedbackError> {
    let mut irregularities = Irregularities::default();
    let mut state = State::new(limits, None, &mut irregularities, None);
    state.run(window, lenient)?;
    Ok(state.report)
}

impl State<'_> {
    fn run(&mut self, window: &mut Window<'_>, lenient: bool) -> Result<(), FeedbackError> {
        loop {
            let (consumed, stop) = self.slice(window.slice(), window.at_end(), lenient);
            window.consume(consumed);
            match stop {
                Stop::Done => return Ok(()),
                Stop::Record => {}
                Stop::More => {
                    if window.more().is_err() {
                        return Err(failed(window));
                    }
                }
                Stop::End => {
                    let rejection = Rejection::new(RejectionCode::Truncated).at(window.position());
                    return Err(FeedbackError::Malformed(rejection));
                }
                Stop::Malformed(detail) => {
                    let rejection = Rejection::new(RejectionCode::XmlMalformed).detail(detail);
                    return Err(FeedbackError::Malformed(rejection.at(window.position())));
                }
                Stop::Error(error) => return Err(error),
            }
        }
    }

    /// Reads a slice of the document, and says how far it came and why no further.
    fn slice(&mut self, slice: &[u8], last: bool, lenient: bool) -> (usize, Stop) {
        let mut at = 0;
        loop {
            let mut markup = None;
            while self.between_records() {
                markup = Markup::of(&slice[at..]);
                match self.repeats(markup.as_ref()) {
                    Ok(true) => at += markup.map_or(0, |markup| markup.end),
                    Ok(false) => break,
                    Err(error) => return (at, Stop::Error(error)),
                }
            }
            let noted = self.irregularities.total();
            let (consumed, stop) = self.events(&slice[at..], last, lenient);
            at += consumed;
            if !matches!(stop, Stop::Record) {
                return (at, stop);
            }
            // What was odd about the record must be noted each time, so such records are read each time.
            if let (Some(markup), Some(sink)) = (markup, &mut self.sink)
                && markup.end == consumed
                && self.irregularities.total() == noted
            {
                sink.remember(&markup);
            }
        }
    }

    /// Whether what is left is the root's end tag without its bracket.
    fn is_cut_end(&self, rest: &[u8]) -> bool {
        let name = rest.trim_ascii().strip_prefix(b"</").unwrap_or_default();
        self.open.as_slice() == [Element::Feedback]
            && self.skipping == 0
            && std::str::from_utf8(name).is_ok_and(|name| self.closes(name))
    }

    /// Whether a record may begin here whose bytes are known, which takes a report without a prefix.
    fn between_records(&self) -> bool {
        self.skipping == 0
            && matches!(self.open.as_slice(), [Element::Feedback, around @ ..] if around.iter().all(|&one| one == Element::Records))
            && self.prefix.is_empty()
            && self.sink.is_some()
    }

    /// Takes a record by its bytes, where they are known but for address and count.
    fn repeats(&mut self, markup: Option<&Markup<'_>>) -> Result<bool, FeedbackError> {
        let Some(markup) = markup else { return Ok(false) };
        self.begin_records()?;
        let Some(sink) = &mut self.sink else { return Ok(false) };
        if !sink.repeat(markup)? {
            return Ok(false);
        }
        self.count_record()?;
        Ok(true)
    }

    /// Reads the events of a slice up to the end of a record. Names of elements are compared here and not by the event
    /// reader, because what is open was opened in earlier slices.
    fn events(&mut self, slice: &[u8], last: bool, lenient: bool) -> (usize, Stop) {
        let mut reader = Reader::from_reader(slice);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = lenient;
        // Blanks between elements make no events that way. Behind a reference and the like they belong to the text.
        config.trim_text_start = !self.within_text;
        loop {
            let before = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            let done = match reader.read_event() {
                Ok(Event::Start(tag)) => self.start(&tag).map(|()| Closed::Nothing),
                Ok(Event::End(tag)) if !self.closes(tag.name().as_ref()) => {
                    let detail = format!("</{}> does not close what is open", tag.name().as_ref());
                    return (before, Stop::Malformed(shorten(&detail, 160).to_owned()));
                }
                Ok(Event::End(_)) => self.end(),
                Ok(Event::Empty(tag)) => self.start(&tag).and_then(|()| self.end()),
                // A text that the slice cuts is read again with its rest, unless it is longer than any that is kept.
                Ok(Event::Text(text)) => {
                    let whole = last || (reader.buffer_position() as usize) < slice.len();
                    if !whole && slice.len() - before < LONGEST_CUT_TEXT {
                        return (before, Stop::More);
                    }
                    self.append_text(&text);
                    self.within_text = true;
                    Ok(Closed::Nothing)
                }
                Ok(Event::CData(text)) => {
                    self.append_text(&text);
                    self.within_text = true;
                    Ok(Closed::Nothing)
                }
                Ok(Event::GeneralRef(reference)) => {
                    self.reference(&reference);
                    self.within_text = true;
                    Ok(Closed::Nothing)
                }
                Ok(Event::Comment(_) | Event::PI(_) | Event::Decl(_)) => {
                    self.within_text = true;
                    Ok(Closed::Nothing)
                }
                Ok(Event::DocType(_)) => Err(Rejection::new(RejectionCode::Doctype).into()),
                Ok(Event::Eof) => return (slice.len(), if last { Stop::End } else { Stop::More }),
                // Nothing but the last bracket is missing, so no record can be.
                Err(quick_xml::Error::Syntax(_)) if last && self.is_cut_end(&slice[before..]) => {
                    self.irregularities.add(IrregularityCode::CutEndTag, "");
                    return (slice.len(), Stop::Done);
                }
                Err(quick_xml::Error::Syntax(_)) => return (before, if last { Stop::End } else { Stop::More }),
                Err(quick_xml::Error::IllFormed(IllFormedError::UnclosedReference))
                    if !last && is_cut_reference(&slice[before..]) =>
                {
                    return (before, Stop::More);
                }
                Err(error) => return (before, Stop::Malformed(shorten(&error.to_string(), 160).to_owned())),
            };
            let stop = match done {
                Ok(Closed::Nothing) => {
                    reader.config_mut().trim_text_start = !self.within_text;
                    continue;
                }
                Ok(Closed::Record) => Stop::Record,
                Ok(Closed::Feedback) => Stop::Done,
                Err(error) => return (before, Stop::Error(error)),
            };
            return (usize::try_from(reader.buffer_position()).unwrap_or(before), stop);
        }
    }
}

/// Why no more events of a slice were read.
enum Stop {
    /// The report has ended.
    Done,
    /// A record has ended.
    Record,
    /// The slice ends; there is more of the document.
    More,
    /// The document ends.
    End,
    /// The markup is not well-formed.
    Malformed(String),
    /// The report cannot be read.
    Error(FeedbackError),
}

/// Whether what begins with `&` may be a reference that only the end of the slice cuts.
fn is_cut_reference(rest: &[u8]) -> bool {
    rest.len() < 64 && !rest.iter().skip(1).any(|&byte| matches!(byte, b'&' | b'<' | b';'))
}

/// Why the window has no more.
fn failed(window: &Window<'_>) -> FeedbackError {
    FeedbackError::Rejected(match &window.failure {
        Some(Failure::Limit(rejection)) => rejection.clone(),
        Some(Failure::Source(reason)) => {
            Rejection::new(RejectionCode::Truncated).detail(reason.clone()).at(window.position())
        }
        None => Rejection::new(RejectionCode::Truncated).at(window.position()),
    })
}
