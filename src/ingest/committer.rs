//! Writes events in the order of their inputs, in batches, and keeps the sums.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::event::{Event, OtherKind};
use super::options::IngestOptions;
use super::reorder_buffer::{Chunk, ReorderBuffer};
use super::summary::{FailedInput, IngestSummary, Notice, Observer, QuarantinedInput};
use crate::source::{MailOutcome, Receipt};
use crate::store::{Arrival, Kept, RunPlace, StoreError, Writer, Written};

/// A batch is committed when it holds this many reports or bytes.
const BATCH_REPORTS: u64 = 2500;
const BATCH_BYTES: usize = 16 * 1024 * 1024;
/// A batch is also committed when its source is slow: nobody else can write while it is open.
const BATCH_TIME: Duration = Duration::from_secs(2);
/// How often it is looked whether to stop, while nothing comes.
const LOOK: Duration = Duration::from_millis(200);

/// Writes events and keeps the sums.
pub(super) struct Committer<'c, 's> {
    writer: Writer<'s>,
    pub(super) summary: IngestSummary,
    observer: &'c mut dyn Observer,
    options: &'c IngestOptions,
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
    /// It is to stay where it is.
    untouched: bool,
}

impl MailSoFar {
    fn add(&mut self, outcome: MailOutcome) {
        self.worst = self.worst.max(Some(outcome));
    }
}

impl<'c, 's> Committer<'c, 's> {
    pub(super) fn new(writer: Writer<'s>, options: &'c IngestOptions, observer: &'c mut dyn Observer) -> Self {
        Committer {
            writer,
            summary: IngestSummary::default(),
            observer,
            options,
            mail: MailSoFar::default(),
            batch_reports: 0,
            batch_bytes: 0,
            batch_began: Instant::now(),
            between_inputs: true,
        }
    }
}

impl Committer<'_, '_> {
    /// Writes what comes, until no more does or the run is to stop.
    pub(super) fn write_all(&mut self, chunks: &Receiver<Chunk>, buffer: &ReorderBuffer) -> Result<(), StoreError> {
        let mut head = 0;
        let mut early: BTreeMap<u64, Chunk> = BTreeMap::new();
        while !(self.between_inputs && self.options.stop.load(Ordering::Relaxed)) {
            let chunk = match chunks.recv_timeout(LOOK) {
                Ok(chunk) => chunk,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    if self.between_inputs && self.batch_began.elapsed() >= BATCH_TIME {
                        self.commit()?;
                    }
                    continue;
                }
            };
            if chunk.unit != head {
                early.insert(chunk.unit, chunk);
                continue;
            }
            let mut next = Some(chunk);
            while let Some(chunk) = next {
                self.write(&chunk)?;
                buffer.written(&chunk);
                head += u64::from(chunk.last);
                next = early.remove(&head);
            }
        }
        if self.between_inputs {
            self.commit()?;
        }
        if buffer.is_broken() { Err(StoreError::BrokenOff) } else { Ok(()) }
    }

    fn write(&mut self, chunk: &Chunk) -> Result<(), StoreError> {
        for event in &chunk.events {
            self.event(event)?;
        }
        self.batch_bytes += chunk.weight;
        self.between_inputs = chunk.last;
        let full = self.batch_reports >= BATCH_REPORTS || self.batch_bytes >= BATCH_BYTES;
        if chunk.last && (full || self.batch_began.elapsed() >= BATCH_TIME) {
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
        self.writer.end_of_input();
        let MailSoFar { worst, failed, untouched } = std::mem::take(&mut self.mail);
        if let (Some(Receipt { mailbox, uid }), Some(outcome), false) = (receipt, worst, failed) {
            let is_left = !untouched && self.options.left_to_do.contains(&outcome);
            let left = is_left.then(|| outcome.as_str());
            self.writer.settle(mailbox, uid, left)?;
        }
        Ok(())
    }

    fn event(&mut self, event: &Event) -> Result<(), StoreError> {
        let summary = &mut self.summary;
        match event {
            Event::Rows { day, reporter, domain, trust, run } => {
                self.writer.rows(RunPlace { day: *day, reporter, domain, trust: *trust }, run)?;
            }
            Event::Discard => self.writer.discard()?,
            Event::Report(report) => {
                self.mail.add(MailOutcome::Report);
                self.batch_reports += 1;
                let Written { arrival, irregularities, foreign, ignored } = self.writer.report(report)?;
                match arrival {
                    Arrival::New => summary.new += 1,
                    Arrival::Duplicate | Arrival::Reread => {
                        summary.duplicate += 1;
                        summary.reread += u64::from(arrival == Arrival::Reread);
                        self.observer.notice(&Notice::Duplicate(Arc::clone(&report.origin)));
                    }
                    Arrival::Conflicting => {
                        summary.conflicting += 1;
                        self.observer.notice(&Notice::Conflicting(Arc::clone(&report.origin)));
                    }
                }
                if matches!(arrival, Arrival::New | Arrival::Conflicting) {
                    summary.foreign += u64::from(foreign);
                    summary.ignored += u64::from(ignored);
                    summary.untrusted += u64::from(!report.trust.is_believed());
                    summary.records += report.totals.records;
                    summary.messages = summary.messages.saturating_add(report.totals.messages);
                    summary.irregularities += irregularities;
                }
            }
            Event::TlsReport(new) => {
                self.mail.add(MailOutcome::Report);
                self.batch_reports += 1;
                let (arrival, foreign) = self.writer.tls_report(new)?;
                let tls = &mut summary.tls;
                match arrival {
                    Arrival::New | Arrival::Reread => tls.new += 1,
                    Arrival::Duplicate => {
                        tls.duplicate += 1;
                        self.observer.notice(&Notice::Duplicate(Arc::clone(&new.origin)));
                    }
                    Arrival::Conflicting => {
                        tls.conflicting += 1;
                        self.observer.notice(&Notice::Conflicting(Arc::clone(&new.origin)));
                    }
                }
                if arrival != Arrival::Duplicate {
                    tls.foreign += u64::from(foreign);
                    tls.untrusted += u64::from(!new.trust.is_believed());
                }
            }
            Event::Quarantine(new) => {
                self.mail.add(MailOutcome::Quarantined);
                let kept = self.writer.quarantine(new)?;
                // What is not kept stays on its server.
                self.mail.untouched |= kept == Kept::Not;
                let quarantined = QuarantinedInput {
                    input: new.origin.location.clone(),
                    code: new.rejection.code.as_str(),
                    reason: new.rejection.to_string(),
                    kept,
                };
                self.observer.notice(&Notice::Quarantined(quarantined.clone()));
                summary.quarantined.push(quarantined);
            }
            Event::Other(kind, origin, note) => {
                self.mail.add(MailOutcome::Other);
                match kind {
                    OtherKind::FailureReport => summary.failure_reports += 1,
                    OtherKind::NotAReport => summary.not_a_report += 1,
                }
                self.observer.notice(&Notice::Other(*kind, Arc::clone(origin), note.clone()));
            }
            Event::Failed { location, reason } => {
                self.mail.failed = true;
                let failed = FailedInput { input: location.clone(), reason: reason.clone() };
                self.observer.notice(&Notice::Failed(failed.clone()));
                summary.failed.push(failed);
            }
            Event::End { mail, receipt } => {
                summary.inputs += 1;
                summary.mails += u64::from(*mail);
                self.end(*receipt)?;
            }
        }
        Ok(())
    }
}
