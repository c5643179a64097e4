//! From the records of a report to what is stored of them: outcomes shared, rows packed, sums and digests kept on the way.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use sha2::{Digest as _, Sha256};

use crate::alignment::codec::{self, InPlace};
use crate::alignment::{AlignmentMode, Outcome};
use crate::rejection::{Rejection, RejectionCode};
use crate::report::address::{self, AddressNote};
use crate::report::period::{self, Period};
use crate::report::{
    AggregateReport, Irregularities, IrregularityCode, Markup, PolicyPublished, Record, ReportSink, SourceAddress, Text,
};
use crate::rows;
use crate::store::{Digest, DigestKey, Origin, Run, SharedOutcome, Totals, bare_id};
use crate::{domain, report::shorten};

use super::gate::Outbox;
use super::step::Step;

/// A run is handed over when it has this many bytes.
const RUN_BYTES: usize = 256 * 1024;
/// Outcomes remembered between reports, and the bytes they may take.
const REMEMBERED: usize = 60_000;
const REMEMBERED_BYTES: usize = 8 * 1024 * 1024;
/// No report has seen more messages of one kind; larger counts are mistakes or jokes.
const LARGEST_COUNT: u64 = 1_000_000_000;

/// What an examiner remembers of the outcomes it has met: by a digest of the text as it stood in the record.
pub(super) struct Outcomes {
    key: DigestKey,
    known: FxHashMap<u128, Known>,
    /// By a digest of the record's bytes without address and count: the digest of its texts.
    by_markup: FxHashMap<u128, u128>,
    bytes: usize,
    /// Counts reports and runs, so that what was used in the current one can be told.
    counter: u64,
}

struct Known {
    outcome: Arc<SharedOutcome>,
    irregularities: Option<Box<Irregularities>>,
    /// The run in which it was used last, and its place there.
    run: u64,
    place: u32,
    /// The report whose irregularities it was added to last.
    report: u64,
}

impl Outcomes {
    pub(super) fn new(key: DigestKey) -> Self {
        Outcomes { key, known: FxHashMap::default(), by_markup: FxHashMap::default(), bytes: 0, counter: 0 }
    }

    fn next_number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// The outcome of a record whose texts have this digest; read and judged if it was not met before.
    fn get(&mut self, texts_digest: u128, record: &Record, mode: AlignmentMode) -> &mut Known {
        if self.known.len() >= REMEMBERED || self.bytes >= REMEMBERED_BYTES {
            self.known.clear();
            self.by_markup.clear();
            self.bytes = 0;
        }
        let (key, bytes) = (self.key, &mut self.bytes);
        self.known.entry(texts_digest).or_insert_with(|| {
            let mut odd = Irregularities::default();
            let outcome = Outcome::of(record, mode, &mut odd);
            let mut canonical = Vec::with_capacity(256);
            let Ok(()) = codec::encode(&outcome, &mut canonical, &mut InPlace);
            *bytes += canonical.len() + 160;
            let shared = SharedOutcome {
                digest: key.of(&canonical),
                canonical: canonical.into_boxed_slice(),
                verdict: outcome.verdict,
            };
            Known {
                outcome: Arc::new(shared),
                irregularities: (!odd.as_slice().is_empty()).then(|| Box::new(odd)),
                run: 0,
                place: 0,
                report: 0,
            }
        })
    }
}

/// A report as far as its head tells.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) reporter: String,
    pub(super) identity: String,
    pub(super) domain: String,
    pub(super) period: Period,
    mode: AlignmentMode,
}

/// Takes the records of one report.
pub(super) struct Collector<'c> {
    outcomes: &'c mut Outcomes,
    outbox: &'c mut Outbox,
    origin: &'c Origin,
    pub(super) head: Option<Head>,
    pub(super) irregularities: Irregularities,
    pub(super) run: Run,
    pub(super) totals: Totals,
    /// Sum of the records' digests, the same in any order.
    digests: u128,
    /// The same without a key, for a report that has no id of its own.
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

impl<'c> Collector<'c> {
    pub(super) fn new(outcomes: &'c mut Outcomes, outbox: &'c mut Outbox, origin: &'c Origin) -> Self {
        let (report, run_number) = (outcomes.next_number(), outcomes.next_number());
        Collector {
            outcomes,
            outbox,
            origin,
            head: None,
            irregularities: Irregularities::default(),
            run: Run::default(),
            totals: Totals::default(),
            digests: 0,
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

    fn address(&mut self, written: &str) -> SourceAddress {
        let (address, note) = address::read(written);
        match note {
            AddressNote::Plain => {}
            AddressNote::Mapped => self.irregularities.add(IrregularityCode::MappedIp, written),
            AddressNote::Bad => self.irregularities.add(IrregularityCode::BadIp, written),
        }
        address
    }

    /// Adds a record to the digests, whose sums do not depend on the order of records.
    fn digest(&mut self, outcome: &SharedOutcome, count: Option<u64>) {
        let mut digest = self.outcomes.key.digest();
        digest.bytes(&outcome.digest.to_le_bytes());
        digest.number(count.unwrap_or(u64::MAX));
        digest.bytes(&self.packed);
        self.digests = self.digests.wrapping_add(digest.finish());
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
        self.outbox.push(Step::Rows {
            day: head.period.day(),
            reporter: head.reporter.clone(),
            domain: head.domain.clone(),
            run: std::mem::take(&mut self.run),
        });
        self.run_number = self.outcomes.next_number();
    }

    /// Takes back what was handed over, to read the report again or not at all.
    pub(super) fn take_back(&mut self) {
        if std::mem::take(&mut self.handed_over) {
            self.outbox.push(Step::Discard);
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

    /// The id of the report: as written, without what is no part of it; made from the content where there is none.
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
        let hex: String = sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{hex}")
    }

    /// The digest of the whole content: who, when, what policy, and all records in any order.
    pub(super) fn content(&self, report: &AggregateReport, head: &Head, report_id: &str) -> u128 {
        let mut digest = self.outcomes.key.digest();
        digest.text(Some(&head.identity));
        digest.text(Some(bare_id(report_id)));
        digest.text(Some(&head.domain));
        let range = &report.report_metadata.date_range;
        let policy = &report.policy_published;
        for text in [
            &range.begin,
            &range.end,
            &policy.p,
            &policy.sp,
            &policy.np,
            &policy.adkim,
            &policy.aspf,
            &policy.pct,
            &policy.fo,
            &policy.testing,
            &policy.discovery_method,
        ] {
            digest.text(text.as_deref());
        }
        digest.number(self.totals.records);
        feed(&mut digest, self.digests);
        digest.finish()
    }
}

fn feed(digest: &mut Digest, number: u128) {
    digest.bytes(&number.to_le_bytes());
}

impl ReportSink for Collector<'_> {
    fn begin(&mut self, report: &AggregateReport) -> Result<(), Rejection> {
        let names = names(report, self.origin, &mut self.irregularities)?;
        let (reporter, identity, domain) = names;
        let period = period(report, self.origin, &mut self.irregularities)?;
        let policy = &report.policy_published;
        if policy.pct.as_deref().is_some_and(|pct| pct.parse::<i64>().is_err()) {
            self.irregularities.add(IrregularityCode::BadPct, policy.pct.as_deref().unwrap_or(""));
        }
        check_policy(policy, &mut self.irregularities);
        self.public = report.report_metadata.report_id.is_none().then_some([0; 4]);
        let mode = AlignmentMode::from_tags(policy.adkim.as_deref(), policy.aspf.as_deref());
        self.head = Some(Head { reporter, identity, domain, period, mode });
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
        let address = self.address(row.source_ip.get().unwrap_or(""));
        write_texts(record, mode, &mut self.text);
        let digest = self.outcomes.key.of(&self.text);
        self.outcomes.get(digest, record, mode);
        self.row(digest, count, &address);
        self.last = Some(digest);
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
        if !self.outcomes.known.contains_key(&texts) {
            return Ok(false);
        }
        let count = self.count(Some(markup.count));
        let address = self.address(markup.source_ip);
        Ok(self.row(texts, count, &address))
    }
}

/// Notes the words of a policy that are not in their vocabularies.
fn check_policy(policy: &PolicyPublished, irregularities: &mut Irregularities) {
    const POLICIES: &[&str] = &["none", "quarantine", "reject"];
    for (tag, value, words) in [
        ("p", &policy.p, POLICIES),
        ("sp", &policy.sp, POLICIES),
        ("np", &policy.np, POLICIES),
        ("adkim", &policy.adkim, &["r", "s"]),
        ("aspf", &policy.aspf, &["r", "s"]),
        ("testing", &policy.testing, &["n", "y"]),
        ("discovery_method", &policy.discovery_method, &["psl", "treewalk"]),
    ] {
        if let Some(value) = value
            && !words.iter().any(|word| value.eq_ignore_ascii_case(word))
        {
            irregularities.add(IrregularityCode::BadEnum, &format!("{tag}: {value}"));
        }
    }
}

/// Reporter, identity and policy domain, from the report or from what came with it.
fn names(
    report: &AggregateReport,
    origin: &Origin,
    irregularities: &mut Irregularities,
) -> Result<(String, String, String), Rejection> {
    let metadata = &report.report_metadata;
    let file = origin.file_name.as_deref().and_then(FileName::read);
    let email_domain = || {
        let email = metadata.email.as_deref()?.trim_matches(['<', '>']);
        domain::normalize(email.rsplit_once('@')?.1).map(|name| name.into_owned())
    };
    let identity = match metadata.org_name.as_deref() {
        Some(name) => name.to_lowercase(),
        None => {
            irregularities.add(IrregularityCode::NoOrgName, "");
            email_domain().unwrap_or_default()
        }
    };
    let reporter = if identity.is_empty() {
        file.as_ref()
            .map(|file| file.receiver.to_owned())
            .filter(|receiver| !receiver.is_empty())
            .or_else(|| submitter(origin.subject.as_deref()?))
            .or_else(|| Some(origin.from.as_deref()?.rsplit_once('@')?.1.to_lowercase()))
            .unwrap_or_default()
    } else {
        identity.clone()
    };
    let domain = match report.policy_published.domain.as_deref().and_then(domain::normalize) {
        Some(name) => name.into_owned(),
        None => {
            let name = file.as_ref().and_then(|file| domain::normalize(file.domain));
            let name = name.ok_or_else(|| Rejection::new(RejectionCode::NoDomain))?;
            irregularities.add(IrregularityCode::DomainFromFilename, &name);
            name.into_owned()
        }
    };
    Ok((reporter, identity, domain))
}

/// The period, from the report, the file's name or the mail's date.
fn period(report: &AggregateReport, origin: &Origin, irregularities: &mut Irregularities) -> Result<Period, Rejection> {
    if let Some(period) = period::read(&report.report_metadata.date_range, irregularities) {
        return Ok(period);
    }
    if let Some(FileName { begin, end, .. }) = origin.file_name.as_deref().and_then(FileName::read) {
        return Ok(period::checked(begin, end, irregularities));
    }
    // A report is sent soon after its period.
    origin
        .date
        .filter(|date| (0..4_102_444_800).contains(date))
        .map(|date| Period { begin: (date - period::DAY).max(0), end: date })
        .ok_or_else(|| Rejection::new(RejectionCode::NoDateRange))
}

/// The file name that RFC 7489 §7.2.1.1 asks for: `receiver!domain!begin!end[!id].ext`.
struct FileName<'n> {
    receiver: &'n str,
    domain: &'n str,
    begin: i64,
    end: i64,
}

impl<'n> FileName<'n> {
    fn read(name: &'n str) -> Option<Self> {
        let base = name.rsplit(['/', '\\']).next()?;
        let mut parts = base.split('!');
        let (receiver, domain) = (parts.next()?, parts.next()?);
        let begin = parts.next()?.parse().ok()?;
        let end = parts.next()?;
        let end = end.split('.').next()?.parse().ok()?;
        let plausible = |time: &i64| (0..4_102_444_800).contains(time);
        (plausible(&begin) && plausible(&end)).then_some(FileName { receiver, domain, begin, end })
    }
}

/// The submitter that the Subject names (RFC 7489 §7.2.1.1).
fn submitter(subject: &str) -> Option<String> {
    let at = subject.to_ascii_lowercase().find("submitter:")? + "submitter:".len();
    let word = subject.get(at..)?.split_whitespace().next()?;
    Some(shorten(&word.trim_end_matches(';').to_lowercase(), 255).to_owned()).filter(|word| !word.is_empty())
}

fn mode_bits(mode: AlignmentMode) -> u8 {
    u8::from(mode.dkim_strict) | u8::from(mode.spf_strict) << 1
}

/// All texts of a record that make its outcome, with borders.
fn write_texts(record: &Record, mode: AlignmentMode, out: &mut Vec<u8>) {
    let evaluated = &record.row.policy_evaluated;
    let results = &record.auth_results;
    out.clear();
    out.push(mode_bits(mode));
    for length in [results.dkim.len(), results.spf.len(), evaluated.reasons.len()] {
        out.extend_from_slice(&(length as u32).to_le_bytes());
    }
    let mut put = |text: &Text| match text.get() {
        None => out.push(0),
        Some(text) => {
            out.push(1);
            out.extend_from_slice(&(text.len() as u32).to_le_bytes());
            out.extend_from_slice(text.as_bytes());
        }
    };
    put(&evaluated.disposition);
    put(&evaluated.dkim);
    put(&evaluated.spf);
    put(&record.identifiers.header_from);
    put(&record.identifiers.envelope_from);
    put(&record.identifiers.envelope_to);
    for one in results.dkim.iter() {
        put(&one.domain);
        put(&one.selector);
        put(&one.result);
        put(&one.human_result);
    }
    for one in results.spf.iter() {
        put(&one.domain);
        put(&one.scope);
        put(&one.result);
        put(&one.human_result);
    }
    for one in evaluated.reasons.iter() {
        put(&one.kind);
        put(&one.comment);
    }
}
