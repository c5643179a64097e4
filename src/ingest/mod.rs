//! The pipeline: inputs are loaded, examined on all cores, and committed by one thread.
//!
//! A loader takes inputs from a source and makes units of a few of them. Examiners turn units into events, streaming. The
//! caller's thread writes the events in the order of the inputs and commits them in batches. All queues are short and
//! all waiting is measured in bytes, so memory does not depend on how much there is to do. Whichever thread fails closes
//! the queues on both its sides, so that no other waits for it.

mod committer;
mod event;
mod examiner;
mod head;
mod outcome_cache;
pub mod probe;
mod raw;
mod reorder_buffer;
mod report_builder;
mod reports;
mod tls;
mod work_queue;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use committer::Committer;
pub use event::OtherKind;
use examiner::Examiner;
use reorder_buffer::{ReorderBuffer, Sender};
use work_queue::{Unit, WorkQueue};

use crate::limits::Limits;
use crate::source::{Content, Input, InputSink, MailOutcome};
use crate::store::{DigestKey, Origin, Store, StoreError};

/// A unit ends when it holds this many bytes or inputs.
const UNIT_BYTES: usize = 256 * 1024;
const UNIT_INPUTS: usize = 32;
/// Units that wait, for each examiner: enough that none runs dry while the loader waits for a core.
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
    /// Set to end the run early, with what is whole committed. The run sets it too when the database fails, for a source
    /// that waits for a server.
    pub stop: Arc<AtomicBool>,
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
    /// It is kept; else the quarantine is full.
    pub kept: bool,
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
    /// Those of them that this version of the program reads otherwise than the one that stored them: the reading of now
    /// has taken the place of the earlier one.
    pub reread: u64,
    /// Reports beside others of their identity with other content.
    pub conflicting: u64,
    /// Those of the new and conflicting reports that are kept apart because they are on domains that are not the owner's.
    pub foreign: u64,
    /// Those of the new and conflicting reports that are in no answer because their reporters are ignored.
    pub ignored: u64,
    /// Those of the new reports that are kept apart because their mail failed DMARC or came under another's name.
    pub untrusted: u64,
    /// Records of the new and conflicting reports.
    pub records: u64,
    /// Their messages.
    pub messages: u64,
    /// SMTP TLS reports.
    pub tls: TlsReports,
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

/// What became of SMTP TLS reports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TlsReports {
    /// Those that are new.
    pub new: u64,
    /// Those that were there before.
    pub duplicate: u64,
    /// Those beside others of their identity with other content.
    pub conflicting: u64,
    /// Those of the new and conflicting ones that are on none of the owner's domains.
    pub foreign: u64,
    /// Those of the new and conflicting ones whose mail failed DMARC or came under another's name.
    pub untrusted: u64,
}

impl TlsReports {
    /// All of them.
    #[must_use]
    pub fn all(self) -> u64 {
        self.new + self.duplicate + self.conflicting
    }

    fn add(&mut self, other: TlsReports) {
        self.new += other.new;
        self.duplicate += other.duplicate;
        self.conflicting += other.conflicting;
        self.foreign += other.foreign;
        self.untrusted += other.untrusted;
    }
}

impl IngestSummary {
    /// Adds what came of another run.
    pub fn add(&mut self, other: IngestSummary) {
        self.inputs += other.inputs;
        self.mails += other.mails;
        self.new += other.new;
        self.duplicate += other.duplicate;
        self.reread += other.reread;
        self.conflicting += other.conflicting;
        self.records += other.records;
        self.messages = self.messages.saturating_add(other.messages);
        self.foreign += other.foreign;
        self.ignored += other.ignored;
        self.untrusted += other.untrusted;
        self.tls.add(other.tls);
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

/// Runs the pipeline: `source` pushes its inputs into the sink it is given, and all that is in them is written to `store`.
///
/// # Errors
/// When the database fails, or the program itself. What was committed before stays.
pub fn ingest(
    store: &mut Store,
    options: &IngestOptions,
    source: impl FnOnce(&mut dyn InputSink) + Send,
    observer: &mut dyn Observer,
) -> Result<IngestSummary, StoreError> {
    let key = store.key();
    let writer = store.writer(options.keep_raw, options.now).with_quarantine(&options.limits);
    let mut committer = Committer::new(writer, options, observer);
    let examiners = match options.examiners {
        0 => std::thread::available_parallelism().map_or(2, usize::from).clamp(1, 64),
        number => number,
    };
    let buffer = Arc::new(ReorderBuffer::default());
    let queue = WorkQueue::new(examiners * UNITS_WAITING);
    let (chunks_in, chunks_out) = reorder_buffer::chunks();
    let result = std::thread::scope(|scope| {
        // Also when this thread panics: the others end, and the panic goes on.
        let _closing = Closing { queue: &queue, buffer: &buffer };
        let loader = scope.spawn(|| load(source, &queue));
        let mut workers = Vec::with_capacity(examiners);
        for _ in 0..examiners {
            let sender = Sender::new(Arc::clone(&buffer), chunks_in.clone());
            let (queue, buffer) = (&queue, &buffer);
            workers.push(scope.spawn(move || work(queue, buffer, &options.limits, key, options.keep_raw, sender)));
        }
        drop(chunks_in);
        let result = committer.write_all(&chunks_out, &buffer);
        if result.is_err() {
            options.stop.store(true, Ordering::Relaxed);
        }
        buffer.close();
        queue.close();
        for worker in workers {
            // What it broke off at has been said, and is an error by way of the buffer.
            let _ = worker.join();
        }
        let loaded = loader.join();
        result.map(|()| loaded.is_ok())
    });
    if !result? {
        let reason = "an error of this program; what it had read before is stored, run again for the rest".to_owned();
        committer.summary.failed.push(FailedInput { input: "(source)".to_owned(), reason });
    }
    let summary = std::mem::take(&mut committer.summary);
    drop(committer);
    store.sum_up_memory(&|| options.stop.load(Ordering::Relaxed))?;
    Ok(summary)
}

/// Closes both queues when the committing thread leaves, however it leaves.
struct Closing<'q> {
    queue: &'q WorkQueue,
    buffer: &'q ReorderBuffer,
}

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.buffer.close();
        self.queue.close();
    }
}

/// Says that the loader is done, also when its source panics.
struct Ending<'q>(&'q WorkQueue);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn load(source: impl FnOnce(&mut dyn InputSink), queue: &WorkQueue) {
    let _ending = Ending(queue);
    let mut unit = Unit::default();
    let mut wanted = true;
    let push = |unit: &mut Unit| {
        let next = Unit { number: unit.number + 1, ..Unit::default() };
        queue.push(std::mem::replace(unit, next))
    };
    let mut sink = |input: Input| {
        let bytes = match &input.content {
            Content::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        // A large input gets a unit of its own, so that what is small need not wait with it.
        if !unit.inputs.is_empty() && unit.bytes + bytes > UNIT_BYTES {
            wanted &= push(&mut unit);
        }
        wanted &= queue.reserve(bytes);
        unit.bytes += bytes;
        unit.inputs.push(input);
        if unit.bytes >= UNIT_BYTES || unit.inputs.len() >= UNIT_INPUTS {
            wanted &= push(&mut unit);
        }
        wanted
    };
    let result = catch_unwind(AssertUnwindSafe(|| source(&mut sink)));
    if !unit.inputs.is_empty() {
        push(&mut unit);
    }
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

/// Frees the others when an examiner panics outside of an input.
struct Worker<'q> {
    queue: &'q WorkQueue,
    buffer: &'q ReorderBuffer,
}

impl Drop for Worker<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.buffer.break_off();
            self.queue.close();
        }
    }
}

fn work(queue: &WorkQueue, buffer: &ReorderBuffer, limits: &Limits, key: DigestKey, keep_raw: bool, sender: Sender) {
    let _worker = Worker { queue, buffer };
    let mut examiner = Examiner::new(limits, key, keep_raw, sender);
    while let Some(unit) = queue.pop() {
        examiner.sender.begin(unit.number);
        for input in unit.inputs {
            // No panic is known that input can reach; should there be one, it costs that input and nothing else.
            if catch_unwind(AssertUnwindSafe(|| examiner.examine(&input))).is_err() {
                examiner.failed_on(&input);
            }
        }
        queue.release(unit.bytes);
        examiner.sender.end();
        if examiner.sender.closed {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
