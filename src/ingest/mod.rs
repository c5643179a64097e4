//! The line itself: inputs are loaded, examined on all cores, and written by one.
//!
//! A loader takes inputs from a source and makes units of a few of them. Examiners turn units into steps, streaming. The
//! caller's thread writes the steps in the order of the inputs and commits them in batches. All channels are short and
//! all waiting is measured in bytes, so memory does not depend on how much there is to do.

mod charset;
mod clerk;
mod collect;
mod document;
mod examiner;
mod gate;
mod head;
mod outcomes;
pub mod probe;
mod raw;
mod step;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use clerk::Clerk;
use examiner::Examiner;
use gate::{Gate, Loading, Outbox};
pub use step::OtherKind;

use crate::limits::Limits;
use crate::source::{Content, Input, InputSink, MailOutcome};
use crate::store::{DigestKey, Origin, Store, StoreError};

/// A unit ends when it holds this many bytes or inputs.
const UNIT_BYTES: usize = 256 * 1024;
const UNIT_INPUTS: usize = 32;
/// Units that wait, for each examiner: so many that none runs dry while the loader waits for a core.
const UNITS_WAITING: usize = 8;

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
    let writer = store.writer(options.keep_raw, options.now);
    let mut clerk = Clerk::new(writer, &options.left_to_do, observer);
    let gate = Arc::new(Gate::default());
    let loading = Loading::default();
    let examiners = match options.examiners {
        0 => std::thread::available_parallelism().map_or(2, usize::from).clamp(1, 64),
        number => number,
    };
    let (units_in, units_out) = sync_channel::<Unit>(examiners * UNITS_WAITING);
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
