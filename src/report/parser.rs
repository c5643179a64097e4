//! What is known while a `feedback` is read: which elements are open, what was read of them, and where it goes.

use quick_xml::events::{BytesRef, BytesStart};

use super::element::{Element, child};
use super::feedback::{AggregateReport, PolicyPublished, Record, Row};
use super::irregularity::{Irregularities, IrregularityCode, shorten};
use super::pool::Reusable;
use super::sink::{FeedbackError, ReportSink};
use crate::limits::Limits;
use crate::rejection::{Rejection, RejectionCode};

/// What the end of an element closed.
pub(super) enum Closed {
    /// Nothing that matters to who reads the events.
    Nothing,
    /// A record.
    Record,
    /// The report.
    Feedback,
}

/// Rows of one record: they are held until the record's end.
const MOST_ROWS: usize = 65_536;

/// The state of reading one `feedback`.
pub(super) struct State<'s> {
    pub(super) limits: &'s Limits,
    pub(super) irregularities: &'s mut Irregularities,
    pub(super) sink: Option<&'s mut dyn ReportSink>,
    pub(super) report: AggregateReport,
    /// The head was given; what the document says of it again is skipped.
    pub(super) head_known: bool,
    metadata_seen: bool,
    policies: usize,
    /// The `policy_published` that is open.
    policy: PolicyPublished,
    /// The prefix of the root element, empty where it has none.
    pub(super) prefix: String,
    pub(super) begun: bool,
    record: Record,
    records: u64,
    /// The record that is open has had a row.
    row_seen: bool,
    /// The rows of that record but for the last.
    other_rows: Vec<Row>,
    /// The elements that are open, from `feedback` on.
    pub(super) open: Vec<Element>,
    /// How many more are open within an element that is skipped.
    pub(super) skipping: usize,
    /// That element was not told: it is an extension.
    skipping_untold: bool,
    /// The names of all that are open, one after the other, and where each begins.
    names: String,
    name_starts: Vec<usize>,
    text: String,
    /// A blank that comes next belongs to a text.
    pub(super) within_text: bool,
}

impl<'s> State<'s> {
    pub(super) fn new(
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
            prefix: String::new(),
            begun: false,
            record: Record::default(),
            records: 0,
            row_seen: false,
            other_rows: Vec::new(),
            open: Vec::with_capacity(8),
            skipping: 0,
            skipping_untold: false,
            names: String::with_capacity(128),
            name_starts: Vec::with_capacity(8),
            text: String::new(),
            within_text: false,
        }
    }

    pub(super) fn count_record(&mut self) -> Result<(), FeedbackError> {
        self.records += 1;
        if self.records > self.limits.records {
            return Err(Rejection::new(RejectionCode::LimitRecords).into());
        }
        Ok(())
    }

    /// Whether an end tag closes the innermost element.
    pub(super) fn closes(&self, name: &str) -> bool {
        let start = self.name_starts.last().copied().unwrap_or(0);
        &self.names[start..] == name
    }

    /// Whether text of the innermost element is wanted.
    fn collects(&self) -> bool {
        // A `reason` holds elements, and at some reporters a bare word in their place.
        self.skipping == 0
            && self.open.last().is_some_and(|&element| element.holds_text() || element == Element::Reason)
    }

    pub(super) fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), FeedbackError> {
        if self.open.len() + self.skipping >= self.limits.xml_depth {
            return Err(Rejection::new(RejectionCode::LimitXmlDepth).into());
        }
        self.within_text = false;
        self.name_starts.push(self.names.len());
        self.names.push_str(tag.name().as_ref());
        if self.skipping > 0 {
            self.skipping += 1;
            // No row is left out without a word.
            if self.skipping_untold && self.is_own(tag) && tag.local_name().as_ref() == "row" {
                self.irregularities.add(IrregularityCode::UnknownElement, "row in an extension");
            }
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
                    (self.skipping, self.skipping_untold) = (1, false);
                }
                self.text.clear();
            }
            None => {
                // Extensions live in namespaces of their own and are nobody's mistake.
                let untold = !self.is_own(tag) || parent == Element::Extension || Element::is_historic(name);
                if !untold {
                    let path = format!("{}/{name}", parent.name());
                    self.irregularities.add(IrregularityCode::UnknownElement, &path);
                }
                (self.skipping, self.skipping_untold) = (1, untold);
            }
        }
        Ok(())
    }

    /// Whether an element has no prefix, or that of the root.
    fn is_own(&self, tag: &BytesStart<'_>) -> bool {
        prefix(tag).is_none_or(|prefix| prefix == self.prefix)
    }

    /// Makes room for what a container holds; false when the record has as many of them as it may.
    fn open_container(&mut self, element: Element, name: &str) -> Result<bool, FeedbackError> {
        let most = self.limits.signatures;
        let results = &mut self.record.auth_results;
        let reasons = &mut self.record.row.policy_evaluated.reasons;
        match element {
            Element::Record => self.open_record()?,
            Element::Records => self.irregularities.add(IrregularityCode::WrappedRecords, ""),
            Element::Row if self.row_seen => {
                self.irregularities.add(IrregularityCode::RepeatedElement, "row");
                // They are kept until what they have in common is known.
                if self.other_rows.len() >= MOST_ROWS {
                    return Err(Rejection::new(RejectionCode::LimitRecords).into());
                }
                self.other_rows.push(std::mem::take(&mut self.record.row));
            }
            Element::Row => self.row_seen = true,
            Element::Identifiers if name.eq_ignore_ascii_case("identities") => {
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

    fn open_record(&mut self) -> Result<(), FeedbackError> {
        self.count_record()?;
        self.begin_records()?;
        self.record.clear();
        (self.row_seen, self.other_rows) = (false, Vec::new());
        Ok(())
    }

    /// Gives the head to the sink, before the first record.
    pub(super) fn begin_records(&mut self) -> Result<(), FeedbackError> {
        if self.begun || self.sink.is_none() {
            return Ok(());
        }
        if !(self.head_known || self.metadata_seen && self.policies > 0) {
            return Err(FeedbackError::HeadComesLate);
        }
        self.begin()
    }

    fn begin(&mut self) -> Result<(), FeedbackError> {
        self.begun = true;
        if let Some(sink) = &mut self.sink {
            sink.begin(&self.report)?;
        }
        Ok(())
    }

    /// Takes text of the innermost element, where it is wanted.
    pub(super) fn append_text(&mut self, text: &str) {
        if self.collects() {
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

    pub(super) fn reference(&mut self, reference: &BytesRef<'_>) {
        if !self.collects() {
            return;
        }
        let character = match &**reference {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => reference.resolve_char_ref().ok().flatten(),
        };
        match character {
            Some(character) => self.append(character.encode_utf8(&mut [0; 4])),
            None => {
                let literal = format!("&{};", &**reference);
                self.irregularities.add(IrregularityCode::UndeclaredEntity, &literal);
                self.append(&literal);
            }
        }
    }

    /// Closes the innermost element.
    pub(super) fn end(&mut self) -> Result<Closed, FeedbackError> {
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
                self.give_other_rows()?;
                return Ok(Closed::Record);
            }
            Element::Feedback => return Ok(Closed::Feedback),
            _ => {}
        }
        Ok(Closed::Nothing)
    }

    /// Gives the rows of a record that has several to the sink, each as a record of its own.
    fn give_other_rows(&mut self) -> Result<(), FeedbackError> {
        for row in std::mem::take(&mut self.other_rows) {
            self.count_record()?;
            self.record.row = row;
            if let Some(sink) = &mut self.sink {
                sink.record(&self.record)?;
            }
        }
        Ok(())
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
            if !self.head_known && !element.assign_head(&mut self.report, &mut self.policy, self.metadata_seen, text) {
                self.irregularities.add(IrregularityCode::RepeatedElement, element.name());
            }
        } else if !element.assign_record(&mut self.record, text) {
            self.irregularities.add(IrregularityCode::RepeatedElement, element.name());
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

    pub(super) fn finish(mut self) -> Result<AggregateReport, FeedbackError> {
        if !self.begun {
            self.begin()?;
        }
        Ok(self.report)
    }
}

/// The prefix of a tag's name.
fn prefix<'t>(tag: &'t BytesStart<'_>) -> Option<&'t str> {
    let length = tag.name().prefix()?.as_ref().len();
    tag.get(..length)
}

/// The namespace that the root element declares for itself.
fn namespace(tag: &BytesStart<'_>) -> Option<String> {
    let wanted = match prefix(tag) {
        Some(prefix) => format!("xmlns:{prefix}"),
        None => "xmlns".to_owned(),
    };
    tag.attributes()
        .with_checks(false)
        .filter_map(Result::ok)
        .find(|attribute| attribute.key.as_ref() == wanted)
        .map(|attribute| shorten(attribute.value.trim(), 1024).to_owned())
}
