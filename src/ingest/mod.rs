//! The pipeline: inputs are loaded, examined on all cores, and committed by one thread.
//!
//! A loader takes inputs from a source and makes units of a few of them. Examiners turn units into events, streaming. The
//! caller's thread writes the events in the order of the inputs and commits them in batches. All queues are short and
//! all waiting is measured in bytes, so memory does not depend on how much there is to do. Whichever thread fails closes
//! the queues on both its sides, so that no other waits for it.

mod committer;
mod event;
mod examiner;
pub mod fuzzing;
mod head;
mod options;
mod outcome_cache;
mod raw;
mod reorder_buffer;
mod report_builder;
mod reports;
mod summary;
mod tally;
mod tls;
mod work_queue;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use committer::Committer;
pub use event::OtherKind;
use examiner::Examiner;
pub use options::IngestOptions;
use reorder_buffer::{ReorderBuffer, Sender};
pub use summary::{FailedInput, IngestSummary, Notice, Observer, QuarantinedInput, Silent, TlsReports};
use work_queue::{Unit, WorkQueue};

use crate::limits::Limits;
use crate::source::{Content, Input, InputSink};
use crate::store::{DigestKey, Store, StoreError};

/// A unit ends when it holds this many bytes or inputs.
const UNIT_BYTES: usize = 256 * 1024;
const UNIT_INPUTS: usize = 32;
/// Units that wait, for each examiner: enough that none runs dry while the loader waits for a core.
const UNITS_WAITING: usize = 8;

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
