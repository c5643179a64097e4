//! From the records of a report to what is stored of them: outcomes shared, rows packed, sums and digests kept on the way.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::event::Event;
use super::head::Head;
use super::outcome_cache::{OutcomeCache, REMEMBERED, mode_bits, write_texts};
use super::reorder_buffer::Sender;
use super::tally::{InputTally, SHORT_TEXT, digest_of_texts};
use crate::alignment::AlignmentMode;
use crate::limits::{Budget, Limits};
use crate::rejection::{Rejection, RejectionCode};
use crate::report::address::{self, AddressNote};
use crate::report::{AggregateReport, Irregularities, IrregularityCode, Markup, Record, ReportSink, SourceAddress};
use crate::rows::{self, LARGEST_COUNT};
use crate::store::{Origin, RowsDigest, Run, SharedOutcome, Totals, bare_id};
use crate::words::hex;

/// What a row takes where it is stored, without text in place of its address.
const ROW_BYTES: usize = 8;
/// A run is handed over when it has this many bytes.
const RUN_BYTES: usize = 256 * 1024;

/// Takes the records of one report.
pub(super) struct ReportBuilder<'c> {
    outcomes: &'c mut OutcomeCache,
    sender: &'c mut Sender,
    tally: &'c mut InputTally,
    origin: &'c Origin,
    pub(super) head: Option<Head>,
    pub(super) irregularities: Irregularities,
    pub(super) run: Run,
    pub(super) totals: Totals,
    /// What is in its rows.
    pub(super) content: RowsDigest,
    /// Sums of the records' digests without a key, for a report that has no id of its own.
    public: Option<[u64; 4]>,
    report: u64,
    run_number: u64,
    null_records: u64,
    /// The digest of the texts of the record taken last.
    last: Option<u128>,
    /// Rows were handed over that wait for the report's end.
    pub(super) handed_over: bool,
    text: Vec<u8>,
    packed: Vec<u8>,
}

impl<'c> ReportBuilder<'c> {
    pub(super) fn new(
        outcomes: &'c mut OutcomeCache,
        sender: &'c mut Sender,
        tally: &'c mut InputTally,
        origin: &'c Origin,
    ) -> Self {
        let (report, run_number) = (outcomes.next_number(), outcomes.next_number());
        ReportBuilder {
            outcomes,
            sender,
            tally,
            origin,
            head: None,
            irregularities: Irregularities::default(),
            run: Run { outcomes: Vec::with_capacity(16), rows: Vec::with_capacity(256), records: 0 },
            totals: Totals::default(),
            content: RowsDigest::default(),
            public: None,
            report,
            run_number,
            null_records: 0,
            last: None,
            handed_over: false,
            text: Vec::with_capacity(512),
            packed: Vec::with_capacity(64),
        }
    }

    /// Takes a row with its outcome, which is remembered by the digest of its texts; false where it is not.
    fn row(&mut self, digest: u128, count: Option<u64>, address: &SourceAddress) -> bool {
        let Some(known) = self.outcomes.known.get_mut(&digest) else {
            return false;
        };
        if known.report != self.report {
            known.report = self.report;
            if let Some(irregularities) = &known.irregularities {
                self.irregularities.merge(irregularities);
            }
        }
        if known.run != self.run_number {
            known.run = self.run_number;
            known.place = self.run.outcomes.len() as u32;
            self.run.outcomes.push(Arc::clone(&known.outcome));
        }
        let (place, outcome) = (known.place, Arc::clone(&known.outcome));
        self.packed.clear();
        rows::put_address(&mut self.packed, address);
        rows::put_row(&mut self.run.rows, u64::from(place), count, &self.packed);
        self.run.records += 1;
        self.totals.add(&outcome, count.unwrap_or(0));
        self.digest(&outcome, count);
        if self.run.rows.len() >= RUN_BYTES || self.run.outcomes.len() >= REMEMBERED / 16 {
            self.hand_over();
        }
        true
    }

    /// The digest of the texts of a record, whose outcome is known then.
    fn outcome(&mut self, record: &Record, mode: AlignmentMode) -> u128 {
        write_texts(record, mode, &mut self.text);
        let digest = self.outcomes.key.of(&self.text);
        self.outcomes.get(digest, record, mode);
        digest
    }

    /// The digest of a record's bytes without address and count, read under some modes.
    fn markup_digest(&self, mode: AlignmentMode, markup: &Markup<'_>) -> u128 {
        let mut digest = self.outcomes.key.digest();
        digest.bytes(&[mode_bits(mode)]);
        for piece in markup.rest {
            digest.number(piece.len() as u64);
            digest.bytes(piece);
        }
        digest.finish()
    }

    /// Counts a report that was read.
    ///
    /// # Errors
    /// The code of the limit that it is beyond.
    pub(super) fn count_report(
        &mut self,
        head: &Head,
        report: &AggregateReport,
        report_id: &str,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<(), RejectionCode> {
        self.tally.count(self.outcomes.key, head, report, report_id, limits, budget)
    }

    /// Counts the texts of a report's head, and cuts them where there is no room for more.
    ///
    /// # Errors
    /// The code of the limit where they are too many even so.
    pub(super) fn count_head(&mut self, report: &mut AggregateReport, report_id: &str) -> Result<(), RejectionCode> {
        loop {
            let texts = report.texts().chain([Some(report_id)]);
            // Some of them are stored as they are written and as they are compared.
            let bytes = 2 * texts.clone().flatten().map(str::len).sum::<usize>();
            let digest = digest_of_texts(self.outcomes.key, texts);
            if self.tally.texts.take(digest, bytes, report.has_long_texts(SHORT_TEXT))? {
                return Ok(());
            }
            report.cut_texts(SHORT_TEXT);
            self.irregularities.add(IrregularityCode::TextTruncated, "report_metadata");
        }
    }

    fn count(&mut self, text: Option<&str>) -> Option<u64> {
        let count = text.and_then(|text| text.parse::<u64>().ok());
        match count {
            Some(count) if count <= LARGEST_COUNT => Some(count),
            _ => {
                self.irregularities.add(IrregularityCode::BadCount, text.unwrap_or("missing"));
                count.map(|_| LARGEST_COUNT)
            }
        }
    }

    fn address(&mut self, written: &str) -> Result<SourceAddress, Rejection> {
        let (address, note) = address::read(written);
        match note {
            AddressNote::Plain => {}
            AddressNote::Mapped => self.irregularities.add(IrregularityCode::MappedIp, written),
            AddressNote::Bad => self.irregularities.add(IrregularityCode::BadIp, written),
        }
        // It stands in each row, text in place of an address too, so each time counts.
        let bytes = if let SourceAddress::Text(text) = &address { text.len() } else { 0 };
        self.tally.texts.add(ROW_BYTES + bytes).map_err(Rejection::new)?;
        Ok(address)
    }

    /// Adds a record to the digests, which do not depend on the order of records.
    fn digest(&mut self, outcome: &SharedOutcome, count: Option<u64>) {
        self.content.add(self.outcomes.key, outcome.digest, count, &self.packed);
        if let Some(sums) = &mut self.public {
            let mut sha = Sha256::new();
            sha.update(&*outcome.canonical);
            sha.update(count.unwrap_or(u64::MAX).to_le_bytes());
            sha.update(&self.packed);
            for (sum, bytes) in sums.iter_mut().zip(sha.finalize().chunks_exact(8)) {
                *sum = sum.wrapping_add(u64::from_le_bytes(bytes.try_into().unwrap_or_default()));
            }
        }
    }

    fn hand_over(&mut self) {
        let Some(head) = &self.head else { return };
        self.handed_over = true;
        self.sender.push(Event::Rows {
            day: head.period.day(),
            reporter: head.reporter.clone(),
            domain: head.domain.clone(),
            trust: head.trust,
            run: std::mem::take(&mut self.run),
        });
        self.run_number = self.outcomes.next_number();
    }

    /// Takes back what was handed over, to read the report again or not at all.
    pub(super) fn take_back(&mut self) {
        if std::mem::take(&mut self.handed_over) {
            self.sender.push(Event::Discard);
        }
    }

    /// How many records there were, with those that say nothing.
    pub(super) fn records_read(&self) -> u64 {
        self.totals.records + self.null_records
    }

    /// Notes what only the end of the report tells.
    pub(super) fn end(&mut self) {
        if self.null_records > 0 {
            self.irregularities.add_many(IrregularityCode::NullRecord, "", self.null_records);
        } else if self.totals.records == 0 {
            self.irregularities.add(IrregularityCode::NoRecords, "");
        }
    }

    /// The id of the report: as written, without what does not belong to it; made from the content where there is none.
    pub(super) fn report_id(&mut self, report: &AggregateReport) -> String {
        let metadata = &report.report_metadata;
        if let Some(id) = metadata.report_id.as_deref() {
            let id = id.split_whitespace().collect::<Vec<_>>().join(" ");
            if !bare_id(&id).is_empty() {
                return id;
            }
        }
        self.irregularities.add(IrregularityCode::NoReportId, "");
        let mut sha = Sha256::new();
        let range = &metadata.date_range;
        for text in [&metadata.org_name, &report.policy_published.domain, &range.begin, &range.end] {
            let text = text.as_deref().unwrap_or("");
            sha.update((text.len() as u64).to_le_bytes());
            sha.update(text);
        }
        for sum in self.public.unwrap_or_default() {
            sha.update(sum.to_le_bytes());
        }
        format!("sha256:{}", hex(&sha.finalize()))
    }
}

impl ReportSink for ReportBuilder<'_> {
    fn begin(&mut self, report: &AggregateReport) -> Result<(), Rejection> {
        self.head = Some(Head::read(report, self.origin, &mut self.irregularities)?);
        self.public = report.report_metadata.report_id.is_none().then_some([0; 4]);
        Ok(())
    }

    fn record(&mut self, record: &Record) -> Result<(), Rejection> {
        let Some(mode) = self.head.as_ref().map(|head| head.mode) else {
            return Ok(());
        };
        self.last = None;
        let row = &record.row;
        if row.source_ip.filled().is_none() && row.count.get() == Some("0") {
            self.null_records += 1;
            return Ok(());
        }
        let count = self.count(row.count.get());
        let address = self.address(row.source_ip.get().unwrap_or(""))?;
        let digest = self.outcome(record, mode);
        if self
            .tally
            .texts
            .take(digest, self.outcomes.size(digest), record.has_long_texts(SHORT_TEXT))
            .map_err(Rejection::new)?
        {
            self.row(digest, count, &address);
            self.last = Some(digest);
            return Ok(());
        }
        let mut short = record.clone();
        short.cut_texts(SHORT_TEXT);
        self.irregularities.add(IrregularityCode::TextTruncated, "record");
        let digest = self.outcome(&short, mode);
        self.tally.texts.take(digest, self.outcomes.size(digest), false).map_err(Rejection::new)?;
        self.row(digest, count, &address);
        // What was cut is not remembered by its markup: in another input there may be room for it.
        Ok(())
    }

    fn remember(&mut self, markup: &Markup<'_>) {
        let Some(mode) = self.head.as_ref().map(|head| head.mode) else { return };
        if let Some(texts) = self.last.take()
            && self.outcomes.by_markup.len() < REMEMBERED
        {
            let digest = self.markup_digest(mode, markup);
            self.outcomes.by_markup.insert(digest, texts);
        }
    }

    fn repeat(&mut self, markup: &Markup<'_>) -> Result<bool, Rejection> {
        let Some(mode) = self.head.as_ref().map(|head| head.mode) else {
            return Ok(false);
        };
        let digest = self.markup_digest(mode, markup);
        let Some(&texts) = self.outcomes.by_markup.get(&digest) else {
            return Ok(false);
        };
        // Where there is no room for its texts, the record is read, to cut them.
        let Some(known) = self.outcomes.known.get(&texts) else { return Ok(false) };
        let size = known.outcome.canonical.len();
        if !self.tally.texts.take(texts, size, true).map_err(Rejection::new)? {
            return Ok(false);
        }
        let count = self.count(Some(markup.count));
        let address = self.address(markup.source_ip)?;
        Ok(self.row(texts, count, &address))
    }
}
