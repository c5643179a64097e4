//! The reports of a document on their way into the store.

use std::sync::Arc;

use super::event::Event;
use super::head::Head;
use super::outcome_cache::OutcomeCache;
use super::reorder_buffer::Sender;
use super::report_builder::ReportBuilder;
use super::tally::InputTally;
use crate::limits::{Budget, Cost, Limits};
use crate::rejection::{Rejection, RejectionCode};
use crate::report::{AggregateReport, DocumentSink, Irregularities, Markup, Record, ReportSink};
use crate::store::{NewReport, Origin, Raw};

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
