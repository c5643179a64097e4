//! Where the pieces of a report go, and why they may end early.

use super::feedback::{AggregateReport, Record};
use super::record_template::Markup;
use crate::rejection::Rejection;

/// Where the pieces of a report go.
pub trait ReportSink {
    /// The head is complete; called once, before the first record.
    ///
    /// # Errors
    /// A reason not to read on.
    fn begin(&mut self, report: &AggregateReport) -> Result<(), Rejection>;

    /// One record. The buffers are the reader's and are filled again for the next.
    ///
    /// # Errors
    /// A reason not to read on.
    fn record(&mut self, record: &Record) -> Result<(), Rejection>;

    /// The record given last has these bytes; a sink may remember them.
    fn remember(&mut self, _markup: &Markup<'_>) {}

    /// A record whose bytes were remembered but for its address and count; false where they were not, and the record
    /// is to be read.
    ///
    /// # Errors
    /// A reason not to read on.
    fn repeat(&mut self, _markup: &Markup<'_>) -> Result<bool, Rejection> {
        Ok(false)
    }
}

/// Why a `feedback` was not read to its end.
#[derive(Debug)]
pub(super) enum FeedbackError {
    /// A record came before the head was complete. Read again, giving the head that [`read_head`](super::reader::read_head) finds.
    HeadComesLate,
    /// Markup that is not well-formed: worth a second look with repairs.
    Malformed(Rejection),
    /// Not readable.
    Rejected(Rejection),
}

impl From<Rejection> for FeedbackError {
    fn from(rejection: Rejection) -> Self {
        FeedbackError::Rejected(rejection)
    }
}
