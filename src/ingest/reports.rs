//! The reports of a document on their way into the store.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::event::Event;
use super::head::Head;
use super::outcome_cache::OutcomeCache;
use super::reorder_buffer::Sender;
use super::report_builder::ReportBuilder;
use crate::limits::{Budget, Cost, Limits};
use crate::rejection::{Rejection, RejectionCode};
use crate::report::{AggregateReport, DocumentSink, Irregularities, Markup, Record, ReportSink};
use crate::store::{DigestKey, NewReport, Origin, Raw, bare_id};

/// What an input holds of what costs more than its bytes: the limits of it hold for the whole input.
pub(super) struct InputTally {
    /// How many reports of each identity, by a digest with the database's key.
    same_id: HashMap<u128, usize>,
    policies: HashSet<u128>,
    pub(super) texts: StoredTexts,
}

/// The texts that an input adds to the database, those of a record together. What is counted depends on nothing but the
/// input, so that the same bytes are read alike whenever they come.
pub(super) struct StoredTexts {
    /// By digests with the database's key.
    met: FxHashSet<u128>,
    bytes: u64,
    /// Beyond this, free texts are cut.
    soft: u64,
    /// Beyond this, nothing is taken.
    hard: u64,
}

/// A free text that is cut where there is no room for more has this many bytes.
pub(super) const SHORT_TEXT: usize = 256;

impl StoredTexts {
    /// Counts texts that are stored once. False where free texts must be cut first, and nothing was counted.
    ///
    /// # Errors
    /// The code of the limit where they are too many even so.
    pub(super) fn take(&mut self, texts: u128, bytes: usize, can_be_cut: bool) -> Result<bool, RejectionCode> {
        if self.met.contains(&texts) {
            return Ok(true);
        }
        if can_be_cut && self.bytes.saturating_add(bytes as u64) > self.soft {
            return Ok(false);
        }
        self.add(bytes)?;
        self.met.insert(texts);
        Ok(true)
    }

    /// Counts texts that are stored as often as they come.
    ///
    /// # Errors
    /// The code of the limit where they are too many.
    pub(super) fn add(&mut self, bytes: usize) -> Result<(), RejectionCode> {
        let sum = self.bytes.saturating_add(bytes as u64);
        if sum > self.hard {
            return Err(RejectionCode::LimitTexts);
        }
        self.bytes = sum;
        Ok(())
    }
}

/// Takes the reports of one document.
pub(super) struct Reports<'r> {
    pub(super) limits: &'r Limits,
    pub(super) outcomes: &'r mut OutcomeCache,
    pub(super) sender: &'r mut Sender,
    pub(super) tally: &'r mut InputTally,
    pub(super) budget: &'r Budget,
    /// Where the document came from.
    pub(super) origin: &'r Arc<Origin>,
    /// The bytes it came in; asked for only when they are wanted, and whether to keep them whatever is configured.
    pub(super) raw: &'r dyn Fn(bool) -> Arc<Raw>,
}

/// What is needed at the end of a report.
pub(super) struct Builder<'b> {
    inner: ReportBuilder<'b>,
    limits: &'b Limits,
    budget: &'b Budget,
    origin: &'b Arc<Origin>,
    raw: &'b dyn Fn(bool) -> Arc<Raw>,
}

impl ReportSink for Builder<'_> {
    fn begin(&mut self, report: &AggregateReport) -> Result<(), Rejection> {
        self.budget.take(Cost::Reports, 1).map_err(Rejection::new)?;
        self.inner.begin(report)
    }

    fn record(&mut self, record: &Record) -> Result<(), Rejection> {
        self.inner.record(record)
    }

    fn remember(&mut self, markup: &Markup<'_>) {
        self.inner.remember(markup);
    }

    fn repeat(&mut self, markup: &Markup<'_>) -> Result<bool, Rejection> {
        self.inner.repeat(markup)
    }
}

impl DocumentSink for Reports<'_> {
    type Builder<'b>
        = Builder<'b>
    where
        Self: 'b;
    type Report = Box<NewReport>;
    type Head = Box<Head>;

    fn begin(&mut self, odd: Irregularities) -> Builder<'_> {
        let Reports { limits, outcomes, sender, tally, budget, origin, raw } = self;
        let mut inner = ReportBuilder::new(outcomes, sender, tally, origin);
        inner.irregularities = odd;
        Builder { inner, limits, budget, origin, raw: *raw }
    }

    fn records(builder: &Builder<'_>) -> u64 {
        builder.inner.records_read()
    }

    fn end(
        builder: Builder<'_>,
        mut report: AggregateReport,
        odd: Irregularities,
    ) -> Result<Box<NewReport>, (Rejection, Option<Box<Head>>)> {
        let Builder { mut inner, limits, budget, origin, raw } = builder;
        let Some(head) = inner.head.clone() else {
            return Err((Rejection::new(RejectionCode::XmlMalformed), None));
        };
        inner.irregularities.merge(&odd);
        inner.end();
        let report_id = inner.report_id(&report);
        let counted = inner.count_head(&mut report, &report_id);
        if let Err(code) = counted.and_then(|()| inner.count_report(&head, &report, &report_id, limits, budget)) {
            inner.take_back();
            return Err((Rejection::new(code), Some(Box::new(head))));
        }
        Ok(Box::new(assemble(inner, report, report_id, head, origin, raw)))
    }

    fn abandon(builder: Builder<'_>) -> Option<Box<Head>> {
        let mut inner = builder.inner;
        inner.take_back();
        inner.head.clone().map(Box::new)
    }

    fn note(report: &mut Box<NewReport>, odd: &Irregularities) {
        report.irregularities.merge(odd);
    }

    fn take(&mut self, report: Box<NewReport>) {
        self.sender.push(Event::Report(report));
    }
}

impl InputTally {
    /// The tally of an input of so many bytes.
    pub(super) fn new(limits: &Limits, size: u64) -> Self {
        let soft = limits.texts.saturating_add(size.saturating_mul(8));
        InputTally {
            same_id: HashMap::new(),
            policies: HashSet::new(),
            texts: StoredTexts { met: FxHashSet::default(), bytes: 0, soft, hard: soft.saturating_mul(3) },
        }
    }

    /// Counts a report that was read.
    ///
    /// # Errors
    /// The code of the limit that it is beyond.
    pub(super) fn count(
        &mut self,
        key: DigestKey,
        head: &Head,
        report: &AggregateReport,
        report_id: &str,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<(), RejectionCode> {
        let mut identity = digest_of_texts(key, [&head.identity, bare_id(report_id), &head.domain].map(Some));
        identity ^= u128::from(head.period.begin.cast_unsigned()) << 64 | u128::from(head.period.end.cast_unsigned());
        let known = self.same_id.entry(identity).or_default();
        *known += 1;
        if *known > limits.same_id {
            return Err(RejectionCode::LimitSameId);
        }
        let policy = &report.policy_published;
        let texts = std::iter::once(policy.domain.as_deref()).chain(policy.written());
        if self.policies.insert(digest_of_texts(key, texts)) {
            budget.take(Cost::Policies, 1)?;
        }
        Ok(())
    }
}

/// A digest of some texts, with the database's key.
pub(super) fn digest_of_texts<'t>(key: DigestKey, texts: impl IntoIterator<Item = Option<&'t str>>) -> u128 {
    let mut digest = key.digest();
    for text in texts {
        digest.text(text);
    }
    digest.finish()
}

fn assemble(
    mut builder: ReportBuilder<'_>,
    report: AggregateReport,
    report_id: String,
    head: Head,
    origin: &Arc<Origin>,
    raw: &dyn Fn(bool) -> Arc<Raw>,
) -> NewReport {
    let namespace = report.namespace.as_deref().unwrap_or("");
    let policy = &report.policy_published;
    let rfc9990 = namespace.ends_with(":dmarc-2.0")
        || policy.discovery_method.is_some()
        || policy.testing.is_some()
        || report.report_metadata.generator.is_some();
    NewReport {
        reporter: head.reporter,
        trust: head.trust,
        identity: head.identity,
        domain: head.domain,
        day: head.period.day(),
        period: head.period,
        report_id,
        rfc9990,
        content: builder.content.finish(),
        totals: builder.totals,
        run: std::mem::take(&mut builder.run),
        irregularities: std::mem::take(&mut builder.irregularities),
        raw: raw(false),
        origin: Arc::clone(origin),
        report,
    }
}
