//! Reading one `feedback` element, event by event, into a sink.
//!
//! By local name, in any order: the namespace, the prefix and the sequence of elements tell reporters apart, not
//! reports. Elements nobody knows are skipped with all they hold. The sink gets the head (metadata and policy)
//! before the first record; a document that has them in another order says so, and is read again with the head known.

use quick_xml::Reader;
use quick_xml::errors::IllFormedError;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::element::{Element, child};
use super::feedback::{AggregateReport, PolicyPublished, Record};
use super::irregularity::{Irregularities, IrregularityCode, shorten};
use super::markup::Markup;
use super::text::Reusable;
use super::window::{Failure, Window};
use crate::limits::Limits;
use crate::rejection::{Rejection, RejectionCode};

/// A text of at least this length is not read again when a slice cuts it; texts are cut before that.
const LONGEST_CUT_TEXT: usize = 32 * 1024;

/// Where the pieces of a report go.
pub trait ReportSink {
    /// The head is complete; called once, before the first record.
    ///
    /// # Errors
    /// A reason not to read on.
    fn begin(&mut self, report: &AggregateReport) -> Result<(), Rejection>;

    /// One record. The buffers are the reader's and are filled again for the next.
    ///
    /// # Errors
    /// A reason not to read on.
    fn record(&mut self, record: &Record) -> Result<(), Rejection>;

    /// The record given last has these bytes; a sink may remember them.
    fn remember(&mut self, _markup: &Markup<'_>) {}

    /// A record whose bytes were remembered but for its address and count; false where they were not, and the record
    /// is to be read.
    ///
    /// # Errors
    /// A reason not to read on.
    fn repeat(&mut self, _markup: &Markup<'_>) -> Result<bool, Rejection> {
        Ok(false)
    }
}

/// Why a `feedback` was not read to its end.
#[derive(Debug)]
pub enum ReadError {
    /// A record came before the head was complete. Read again, giving the head that [`read_head`] finds.
    HeadComesLate,
    /// Markup that is not well-formed: worth a second look with repairs.
    Malformed(Rejection),
    /// Not readable.
    Rejected(Rejection),
}

impl From<Rejection> for ReadError {
    fn from(rejection: Rejection) -> Self {
        ReadError::Rejected(rejection)
    }
}

/// How a document is to be read.
#[derive(Debug, Default, Clone)]
pub struct Reading<'r> {
    /// The head, where an earlier reading found it behind the records.
    pub head: Option<&'r AggregateReport>,
    /// Accept a bare `&` as text; only with repairs, which report it.
    pub lenient: bool,
}

/// Reads the `feedback` that the window stands at, and leaves the window behind its end tag.
///
/// # Errors
/// See [`ReadError`]; the sink may have got some records by then.
pub fn read_feedback(
    window: &mut Window<'_>,
    limits: &Limits,
    reading: &Reading<'_>,
    irregularities: &mut Irregularities,
    sink: &mut dyn ReportSink,
) -> Result<AggregateReport, ReadError> {
    let mut state = State::new(limits, reading.head.cloned(), irregularities, Some(sink));
    state.run(window, reading.lenient)?;
    state.finish()
}

/// Reads only the head of the `feedback` that the window stands at, wherever in it that stands.
///
/// # Errors
/// See [`ReadError`].
pub fn read_head(window: &mut Window<'_>, limits: &Limits, lenient: bool) -> Result<AggregateReport, ReadError> {
    let mut irregularities = Irregularities::default();
    let mut state = State::new(limits, None, &mut irregularities, None);
    state.run(window, lenient)?;
    Ok(state.report)
}

struct State<'s> {
    limits: &'s Limits,
    irregularities: &'s mut Irregularities,
    sink: Option<&'s mut dyn ReportSink>,
    report: AggregateReport,
    /// The head was given; what the document says of it again is skipped.
    head_known: bool,
    metadata_seen: bool,
    policies: usize,
    /// The `policy_published` that is open.
    policy: PolicyPublished,
    /// The prefix of the root element, empty where it has none.
    prefix: Vec<u8>,
    begun: bool,
    record: Record,
    records: u64,
    /// The elements that are open, from `feedback` on.
    open: Vec<Element>,
    /// How many more are open within an element that is skipped.
    skipping: usize,
    /// The names of all that are open, one after the other, and where each begins.
    names: Vec<u8>,
    name_starts: Vec<usize>,
    text: String,
    /// A blank that comes next belongs to a text.
    within_text: bool,
}

impl<'s> State<'s> {
    fn new(
        limits: &'s Limits,
        head: Option<AggregateReport>,
        irregularities: &'s mut Irregularities,
        sink: Option<&'s mut dyn ReportSink>,
    ) -> Self {
        State {
            limits,
            irregularities,
            sink,
            head_known: head.is_some(),
            report: head.unwrap_or_default(),
            metadata_seen: false,
            policies: 0,
            policy: PolicyPublished::default(),
            prefix: Vec::new(),
            begun: false,
            record: Record::default(),
            records: 0,
            open: Vec::with_capacity(8),
            skipping: 0,
            names: Vec::with_capacity(128),
            name_starts: Vec::with_capacity(8),
            text: String::new(),
            within_text: false,
        }
    }

    fn run(&mut self, window: &mut Window<'_>, lenient: bool) -> Result<(), ReadError> {
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
                    return Err(ReadError::Malformed(rejection));
                }
                Stop::Malformed(detail) => {
                    let rejection = Rejection::new(RejectionCode::XmlMalformed).detail(detail);
                    return Err(ReadError::Malformed(rejection.at(window.position())));
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

    /// Whether a record may begin here whose bytes are known, which takes a report without a prefix.
    fn between_records(&self) -> bool {
        self.skipping == 0
            && self.open.as_slice() == [Element::Feedback]
            && self.prefix.is_empty()
            && self.sink.is_some()
    }

    /// Takes a record by its bytes, where they are known but for address and count.
    fn repeats(&mut self, markup: Option<&Markup<'_>>) -> Result<bool, ReadError> {
        let (Some(markup), true, Some(sink)) = (markup, self.begun, &mut self.sink) else { return Ok(false) };
        if !sink.repeat(markup)? {
            return Ok(false);
        }
        self.count_record()?;
        Ok(true)
    }

    fn count_record(&mut self) -> Result<(), ReadError> {
        self.records += 1;
        if self.records > self.limits.records {
            return Err(Rejection::new(RejectionCode::LimitRecords).into());
        }
        Ok(())
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
                    let detail =
                        format!("</{}> does not close what is open", String::from_utf8_lossy(tag.name().as_ref()));
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
                    self.append_bytes(&text);
                    self.within_text = true;
                    Ok(Closed::Nothing)
                }
                Ok(Event::CData(text)) => {
                    self.append_bytes(&text);
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

    /// Whether an end tag closes the innermost element.
    fn closes(&self, name: &[u8]) -> bool {
        let start = self.name_starts.last().copied().unwrap_or(0);
        &self.names[start..] == name
    }

    /// Whether text of the innermost element is wanted.
    fn collects(&self) -> bool {
        // A `reason` holds elements, and at some reporters a bare word in their place.
        self.skipping == 0
            && self.open.last().is_some_and(|&element| element.holds_text() || element == Element::Reason)
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), ReadError> {
        if self.open.len() + self.skipping >= self.limits.xml_depth {
            return Err(Rejection::new(RejectionCode::LimitXmlDepth).into());
        }
        self.within_text = false;
        self.name_starts.push(self.names.len());
        self.names.extend_from_slice(tag.name().as_ref());
        if self.skipping > 0 {
            self.skipping += 1;
            return Ok(());
        }
        let Some(&parent) = self.open.last() else {
            if !self.head_known {
                self.report.namespace = namespace(tag);
            }
            prefix(tag).unwrap_or_default().clone_into(&mut self.prefix);
            self.open.push(Element::Feedback);
            return Ok(());
        };
        let name = tag.local_name();
        let name = name.as_ref();
        match child(parent, name) {
            Some(element) => {
                if element.holds_text() || self.open_container(element, name)? {
                    self.open.push(element);
                } else {
                    self.irregularities.add(IrregularityCode::TooManySignatures, "");
                    self.skipping = 1;
                }
                self.text.clear();
            }
            None => {
                // Extensions live in namespaces of their own and are nobody's mistake.
                let foreign = prefix(tag).is_some_and(|prefix| prefix != self.prefix);
                if !foreign && parent != Element::Extension && !Element::is_historic(name) {
                    let path = format!("{}/{}", parent.name(), String::from_utf8_lossy(name));
                    self.irregularities.add(IrregularityCode::UnknownElement, &path);
                }
                self.skipping = 1;
            }
        }
        Ok(())
    }

    /// Makes room for what a container holds; false when the record has as many of them as it may.
    fn open_container(&mut self, element: Element, name: &[u8]) -> Result<bool, ReadError> {
        let most = self.limits.signatures;
        let results = &mut self.record.auth_results;
        let reasons = &mut self.record.row.policy_evaluated.reasons;
        match element {
            Element::Record => self.open_record()?,
            Element::Identifiers if name.eq_ignore_ascii_case(b"identities") => {
                self.irregularities.add(IrregularityCode::AliasIdentities, "");
            }
            Element::Reason if reasons.len() < most => drop(reasons.push()),
            Element::Dkim if results.dkim.len() < most => drop(results.dkim.push()),
            Element::Spf if results.spf.len() < most => drop(results.spf.push()),
            Element::Reason | Element::Dkim | Element::Spf => return Ok(false),
            Element::PolicyPublished => {
                self.policies += 1;
                self.policy = PolicyPublished::default();
            }
            _ => {}
        }
        Ok(true)
    }

    fn open_record(&mut self) -> Result<(), ReadError> {
        self.count_record()?;
        if !self.begun && self.sink.is_some() {
            if !(self.head_known || self.metadata_seen && self.policies > 0) {
                return Err(ReadError::HeadComesLate);
            }
            self.begin()?;
        }
        self.record.clear();
        Ok(())
    }

    fn begin(&mut self) -> Result<(), ReadError> {
        self.begun = true;
        if let Some(sink) = &mut self.sink {
            sink.begin(&self.report)?;
        }
        Ok(())
    }

    /// The window hands out nothing but UTF-8, and events never cut a character.
    fn append_bytes(&mut self, text: &[u8]) {
        if self.collects()
            && let Ok(text) = std::str::from_utf8(text)
        {
            self.append(text);
        }
    }

    fn append(&mut self, text: &str) {
        let room = self.limits.text.saturating_sub(self.text.len());
        if text.len() <= room {
            self.text.push_str(text);
        } else {
            self.text.push_str(shorten(text, room));
            self.irregularities.add(IrregularityCode::TextTruncated, "");
        }
    }

    fn reference(&mut self, reference: &BytesRef<'_>) {
        if !self.collects() {
            return;
        }
        let character = match &**reference {
            b"lt" => Some('<'),
            b"gt" => Some('>'),
            b"amp" => Some('&'),
            b"quot" => Some('"'),
            b"apos" => Some('\''),
            _ => reference.resolve_char_ref().ok().flatten(),
        };
        match character {
            Some(character) => self.append(character.encode_utf8(&mut [0; 4])),
            None => {
                let literal = format!("&{};", String::from_utf8_lossy(reference));
                self.irregularities.add(IrregularityCode::UndeclaredEntity, &literal);
                self.append(&literal);
            }
        }
    }

    /// Closes the innermost element.
    fn end(&mut self) -> Result<Closed, ReadError> {
        self.within_text = false;
        self.names.truncate(self.name_starts.pop().unwrap_or(0));
        if self.skipping > 0 {
            self.skipping -= 1;
            return Ok(Closed::Nothing);
        }
        let Some(element) = self.open.pop() else {
            return Ok(Closed::Feedback);
        };
        if element.holds_text() {
            self.assign(element);
            self.text.clear();
            return Ok(Closed::Nothing);
        }
        match element {
            Element::ReportMetadata => self.metadata_seen = true,
            Element::PolicyPublished => self.close_policy(),
            Element::Reason => self.close_reason(),
            Element::Record => {
                if let Some(sink) = &mut self.sink {
                    sink.record(&self.record)?;
                }
                return Ok(Closed::Record);
            }
            Element::Feedback => return Ok(Closed::Feedback),
            _ => {}
        }
        Ok(Closed::Nothing)
    }

    fn close_policy(&mut self) {
        let policy = std::mem::take(&mut self.policy);
        if self.head_known {
            return;
        }
        if self.policies == 1 {
            self.report.policy_published = policy;
        } else if policy != self.report.policy_published {
            self.irregularities.add(IrregularityCode::MultiPolicy, policy.domain.as_deref().unwrap_or(""));
        }
    }

    fn assign(&mut self, element: Element) {
        let limits = self.limits;
        let mut text = self.text.trim();
        let longest = if element.is_free_text() { limits.text } else { limits.name };
        if text.len() > longest {
            text = shorten(text, longest);
            self.irregularities.add(IrregularityCode::TextTruncated, element.name());
        }
        if element.is_head() {
            if !self.head_known {
                element.assign_head(&mut self.report, &mut self.policy, self.metadata_seen, text);
            }
        } else {
            element.assign_record(&mut self.record, text);
        }
    }

    fn close_reason(&mut self) {
        let word = shorten(self.text.trim(), self.limits.name);
        if let Some(reason) = self.record.row.policy_evaluated.reasons.last_mut()
            && reason.kind.filled().is_none()
            && !word.is_empty()
        {
            reason.kind.set(word);
            self.irregularities.add(IrregularityCode::BareReason, word);
        }
    }

    fn finish(mut self) -> Result<AggregateReport, ReadError> {
        if !self.begun {
            self.begin()?;
        }
        Ok(self.report)
    }
}

/// The prefix of a tag's name.
fn prefix<'t>(tag: &'t BytesStart<'_>) -> Option<&'t [u8]> {
    let length = tag.name().prefix()?.as_ref().len();
    tag.get(..length)
}

/// The namespace that the root element declares for itself.
fn namespace(tag: &BytesStart<'_>) -> Option<String> {
    let wanted = match prefix(tag) {
        Some(prefix) => [b"xmlns:", prefix].concat(),
        None => b"xmlns".to_vec(),
    };
    tag.attributes()
        .with_checks(false)
        .filter_map(Result::ok)
        .find(|attribute| attribute.key.as_ref() == wanted)
        .map(|attribute| shorten(String::from_utf8_lossy(&attribute.value).trim(), 1024).to_owned())
}

/// What the end of an element closed.
enum Closed {
    /// Nothing that matters to who reads the events.
    Nothing,
    /// A record.
    Record,
    /// The report.
    Feedback,
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
    Error(ReadError),
}

/// Whether what begins with `&` may be a reference that only the end of the slice cuts.
fn is_cut_reference(rest: &[u8]) -> bool {
    rest.len() < 64 && !rest[1..].iter().any(|&byte| matches!(byte, b'&' | b'<' | b';'))
}

/// Why the window has no more.
fn failed(window: &Window<'_>) -> ReadError {
    ReadError::Rejected(match &window.failure {
        Some(Failure::Limit(rejection)) => rejection.clone(),
        Some(Failure::Source(reason)) => {
            Rejection::new(RejectionCode::Truncated).detail(reason.clone()).at(window.position())
        }
        None => Rejection::new(RejectionCode::Truncated).at(window.position()),
    })
}
