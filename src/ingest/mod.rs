//! The line itself: inputs are loaded, examined on all cores, and written by one.
//!
//! A loader takes inputs from a source and makes units of a few of them. Examiners turn units into steps, streaming. The
//! caller's thread writes the steps in the order of the inputs and commits them in batches. All channels are short and
//! all waiting is measured in bytes, so memory does not depend on how much there is to do.

mod charset;
mod collect;
mod document;
mod examiner;
mod gate;
mod head;
mod outcomes;
pub mod probe;
mod raw;
mod step;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use examiner::Examiner;
use gate::{Gate, Loading, Outbox, Packet};
pub use step::OtherKind;
use step::Step;

use crate::limits::Limits;
use crate::mail::Authenticity;
use crate::source::{Content, Input, InputSink, MailOutcome, Receipt};
use crate::store::{Arrival, DigestKey, Origin, RunPlace, Store, StoreError, Writer, Written};

/// A unit ends when it holds this many bytes or inputs.
const UNIT_BYTES: usize = 256 * 1024;
const UNIT_INPUTS: usize = 32;
/// A batch is committed when it holds this many reports or bytes.
const BATCH_REPORTS: u64 = 2500;
const BATCH_BYTES: usize = 16 * 1024 * 1024;
/// A batch is also committed when its source is slow: nobody else can write while it is open.
const BATCH_TIME: Duration = Duration::from_secs(2);

/// How to ingest.
#[derive(Debug, Clone)]
pub struct IngestOptions {
    /// The limits.
    pub limits: Limits,
    /// Keep the bytes of reports that were read (those of others are always kept).
    pub keep_raw: bool,
    /// Now, in seconds since the epoch.
    pub now: i64,
    /// How many examine; 0 for as many as there are cores.
    pub examiners: usize,
    /// The outcomes of mails on servers after which something is left to do with them there.
    pub left_to_do: Vec<MailOutcome>,
}

/// What became of something, told as it happens.
#[derive(Debug, Clone)]
pub enum Notice {
    /// Something that is no aggregate report.
    Other(OtherKind, Arc<Origin>, Option<String>),
    /// A report was there before.
    Duplicate(Arc<Origin>),
    /// A report contradicts another of its identity.
    Conflicting(Arc<Origin>),
    /// Something was quarantined.
    Quarantined(QuarantinedInput),
    /// An input could not be opened.
    Failed(FailedInput),
}

/// Something that was quarantined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinedInput {
    /// Which input.
    pub input: String,
    /// The code of the reason.
    pub code: &'static str,
    /// The reason.
    pub reason: String,
    /// It was quarantined before.
    pub known: bool,
}

/// An input that could not be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedInput {
    /// Which.
    pub input: String,
    /// Why.
    pub reason: String,
}

/// What came of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IngestSummary {
    /// Files, and mails of mailboxes.
    pub inputs: u64,
    /// Those that were mail.
    pub mails: u64,
    /// Reports that are new.
    pub new: u64,
    /// Reports that were there before.
    pub duplicate: u64,
    /// Reports beside others of their identity with other content.
    pub conflicting: u64,
    /// Those of the new reports that are kept apart because their mail failed DMARC.
    pub untrusted: u64,
    /// Records of the new and conflicting reports.
    pub records: u64,
    /// Their messages.
    pub messages: u64,
    /// SMTP TLS reports.
    pub tls_reports: u64,
    /// Failure reports.
    pub failure_reports: u64,
    /// Mails and files that are no reports.
    pub not_a_report: u64,
    /// Repairs and oddities accepted in the new and conflicting reports.
    pub irregularities: u64,
    /// What was quarantined.
    pub quarantined: Vec<QuarantinedInput>,
    /// What could not be opened.
    pub failed: Vec<FailedInput>,
}

impl IngestSummary {
    /// Adds what came of another run.
    pub fn add(&mut self, other: IngestSummary) {
        self.inputs += other.inputs;
        self.mails += other.mails;
        self.new += other.new;
        self.duplicate += other.duplicate;
        self.conflicting += other.conflicting;
        self.records += other.records;
        self.messages += other.messages;
        self.untrusted += other.untrusted;
        self.tls_reports += other.tls_reports;
        self.failure_reports += other.failure_reports;
        self.not_a_report += other.not_a_report;
        self.irregularities += other.irregularities;
        self.quarantined.extend(other.quarantined);
        self.failed.extend(other.failed);
    }
}

/// Hears what happens while a run goes on.
pub trait Observer {
    /// Something worth a line in a log.
    fn notice(&mut self, _notice: &Notice) {}
    /// Some inputs were written.
    fn progress(&mut self, _summary: &IngestSummary) {}
}

/// An observer that does not listen.
pub struct Silent;

impl Observer for Silent {}

/// Runs the line: `source` pushes its inputs into the sink it is given, and all that is in them is written to `store`.
///
/// # Errors
/// When the database fails. What was committed before stays.
pub fn ingest(
    store: &mut Store,
    options: &IngestOptions,
    source: impl FnOnce(&mut dyn InputSink) + Send,
    observer: &mut dyn Observer,
) -> Result<IngestSummary, StoreError> {
    let key = store.key();
    let mut clerk = Clerk {
        writer: store.writer(options.keep_raw, options.now),
        summary: IngestSummary::default(),
        observer,
        left_to_do: &options.left_to_do,
        mail: MailSoFar::default(),
        batch_reports: 0,
        batch_bytes: 0,
        batch_began: Instant::now(),
        between_inputs: true,
    };
    let gate = Arc::new(Gate::default());
    let loading = Loading::default();
    let examiners = match options.examiners {
        0 => std::thread::available_parallelism().map_or(2, usize::from).clamp(1, 64),
        number => number,
    };
    let (units_in, units_out) = sync_channel::<Unit>(examiners * 2);
    let units_out = Mutex::new(units_out);
    let (packets_in, packets_out) = gate::packets();
    let result = std::thread::scope(|scope| {
        let (gate, loading, units) = (&gate, &loading, &units_out);
        scope.spawn(move || load(source, units_in, loading, gate));
        for _ in 0..examiners {
            let outbox = Outbox::new(Arc::clone(gate), packets_in.clone());
            scope.spawn(move || work(units, loading, &options.limits, key, options.keep_raw, outbox));
        }
        drop(packets_in);
        let result = clerk.write_all(&packets_out, gate);
        // After an error nobody may wait for a writer that is gone.
        gate.close();
        drop(packets_out);
        while units.lock().unwrap_or_else(PoisonError::into_inner).try_recv().is_ok() {}
        result
    });
    result?;
    Ok(clerk.summary)
}

/// A few inputs in a row.
struct Unit {
    number: u64,
    bytes: usize,
    inputs: Vec<Input>,
}

fn load(source: impl FnOnce(&mut dyn InputSink), units: SyncSender<Unit>, loading: &Loading, gate: &Gate) {
    let mut unit = Unit { number: 0, bytes: 0, inputs: Vec::new() };
    let mut alive = true;
    let send = |unit: &mut Unit| {
        let next = Unit { number: unit.number + 1, bytes: 0, inputs: Vec::new() };
        units.send(std::mem::replace(unit, next)).is_ok()
    };
    source(&mut |input: Input| {
        let bytes = match &input.content {
            Content::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        // A large input gets a unit of its own, so that what is small need not wait with it.
        if !unit.inputs.is_empty() && unit.bytes + bytes > UNIT_BYTES {
            alive &= send(&mut unit);
        }
        alive &= loading.take(bytes, gate);
        unit.bytes += bytes;
        unit.inputs.push(input);
        if unit.bytes >= UNIT_BYTES || unit.inputs.len() >= UNIT_INPUTS {
            alive &= send(&mut unit);
        }
        alive
    });
    if !unit.inputs.is_empty() {
        send(&mut unit);
    }
}

fn work(
    units: &Mutex<Receiver<Unit>>,
    loading: &Loading,
    limits: &Limits,
    key: DigestKey,
    keep_raw: bool,
    outbox: Outbox,
) {
    let mut examiner = Examiner::new(limits, key, keep_raw, outbox);
    loop {
        let unit = units.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(unit) = unit else { return };
        examiner.outbox.begin(unit.number);
        for input in unit.inputs {
            // No panic is known that input can reach; should there be one, it costs that input and nothing else.
            if catch_unwind(AssertUnwindSafe(|| examiner.examine(&input))).is_err() {
                examiner.failed_on(&input);
            }
        }
        loading.give_back(unit.bytes);
        examiner.outbox.end();
        if examiner.outbox.closed {
            return;
        }
    }
}

/// Writes steps and keeps the sums.
struct Clerk<'c, 's> {
    writer: Writer<'s>,
    summary: IngestSummary,
    observer: &'c mut dyn Observer,
    left_to_do: &'c [MailOutcome],
    /// What came of the current input so far.
    mail: MailSoFar,
    batch_reports: u64,
    batch_bytes: usize,
    batch_began: Instant,
    /// All that is written belongs to inputs that are written whole.
    between_inputs: bool,
}

/// What came of an input so far.
#[derive(Default)]
struct MailSoFar {
    worst: Option<MailOutcome>,
    /// It could not be read, and may be another time.
    failed: bool,
}

impl MailSoFar {
    fn add(&mut self, outcome: MailOutcome) {
        self.worst = self.worst.max(Some(outcome));
    }
}

impl Clerk<'_, '_> {
    fn write_all(&mut self, packets: &Receiver<Packet>, gate: &Gate) -> Result<(), StoreError> {
        let mut head = 0;
        let mut early: BTreeMap<u64, Packet> = BTreeMap::new();
        loop {
            let packet = match packets.recv_timeout(BATCH_TIME) {
                Ok(packet) => packet,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    if self.between_inputs {
                        self.commit()?;
                    }
                    continue;
                }
            };
            if packet.unit != head {
                early.insert(packet.unit, packet);
                continue;
            }
            let mut next = Some(packet);
            while let Some(packet) = next {
                self.write(&packet)?;
                gate.written(&packet);
                head += u64::from(packet.last);
                next = early.remove(&head);
            }
        }
        self.writer.commit()
    }

    fn write(&mut self, packet: &Packet) -> Result<(), StoreError> {
        for step in &packet.steps {
            self.step(step)?;
        }
        self.batch_bytes += packet.weight;
        self.between_inputs = packet.last;
        let full = self.batch_reports >= BATCH_REPORTS || self.batch_bytes >= BATCH_BYTES;
        if packet.last && (full || self.batch_began.elapsed() >= BATCH_TIME) {
            self.commit()?;
            self.writer.yield_lock();
        }
        self.observer.progress(&self.summary);
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        (self.batch_reports, self.batch_bytes, self.batch_began) = (0, 0, Instant::now());
        self.writer.commit()
    }

    /// The end of an input. A mail that was read whole is settled, in the transaction that holds what was in it.
    fn end(&mut self, receipt: Option<Receipt>) -> Result<(), StoreError> {
        let MailSoFar { worst, failed } = std::mem::take(&mut self.mail);
        if let (Some(Receipt { mailbox, uid }), Some(outcome), false) = (receipt, worst, failed) {
            let left = self.left_to_do.contains(&outcome).then(|| outcome.as_str());
            self.writer.settle(mailbox, uid, left)?;
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), StoreError> {
        let summary = &mut self.summary;
        match step {
            Step::Rows { day, reporter, domain, run } => {
                self.writer.rows(RunPlace { day: *day, reporter, domain }, run)?;
            }
            Step::Discard => self.writer.discard()?,
            Step::Report(report) => {
                self.mail.add(MailOutcome::Report);
                self.batch_reports += 1;
                let Written { arrival, irregularities } = self.writer.report(report)?;
                match arrival {
                    Arrival::New => summary.new += 1,
                    Arrival::Duplicate => {
                        summary.duplicate += 1;
                        self.observer.notice(&Notice::Duplicate(Arc::clone(&report.origin)));
                    }
                    Arrival::Conflicting => {
                        summary.conflicting += 1;
                        self.observer.notice(&Notice::Conflicting(Arc::clone(&report.origin)));
                    }
                }
                if arrival != Arrival::Duplicate {
                    summary.untrusted += u64::from(matches!(report.origin.authenticity, Authenticity::Failed(_)));
                    summary.records += report.totals.records;
                    summary.messages += report.totals.messages;
                    summary.irregularities += irregularities;
                }
            }
            Step::Quarantine(new) => {
                self.mail.add(MailOutcome::Quarantined);
                let known = self.writer.quarantine(new)?;
                let quarantined = QuarantinedInput {
                    input: new.origin.location.clone(),
                    code: new.rejection.code.as_str(),
                    reason: new.rejection.to_string(),
                    known,
                };
                self.observer.notice(&Notice::Quarantined(quarantined.clone()));
                summary.quarantined.push(quarantined);
            }
            Step::Other(kind, origin, note) => {
                self.mail.add(MailOutcome::Other);
                match kind {
                    OtherKind::TlsReport => summary.tls_reports += 1,
                    OtherKind::FailureReport => summary.failure_reports += 1,
                    OtherKind::NotAReport => summary.not_a_report += 1,
                }
                self.observer.notice(&Notice::Other(*kind, Arc::clone(origin), note.clone()));
            }
            Step::Failed { location, reason } => {
                self.mail.failed = true;
                let failed = FailedInput { input: location.clone(), reason: reason.clone() };
                self.observer.notice(&Notice::Failed(failed.clone()));
                summary.failed.push(failed);
            }
            Step::End { mail, receipt } => {
                summary.inputs += 1;
                summary.mails += u64::from(*mail);
                self.end(*receipt)?;
            }
        }
        Ok(())
    }
}
