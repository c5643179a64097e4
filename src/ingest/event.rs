//! What examining inputs comes to, in order, on its way to the committer.

use std::sync::Arc;

use crate::report::period::Day;
use crate::source::Receipt;
use crate::store::{NewQuarantine, NewReport, NewTlsReport, Origin, RawBytes, Run, Trust};

/// Mail and files that are not reports to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherKind {
    /// A failure report (RFC 6591, RFC 9991).
    FailureReport,
    /// Anything else.
    NotAReport,
}

/// Something that examining an input came to.
#[derive(Debug)]
pub(super) enum Event {
    /// Some records of a report whose end is to come.
    Rows {
        /// The day the report counts on.
        day: Day,
        /// Who reports.
        reporter: String,
        /// The policy domain.
        domain: String,
        /// Whether the report is believed.
        trust: Trust,
        /// The records.
        run: Run,
    },
    /// A report, whole or the rest of it.
    Report(Box<NewReport>),
    /// An SMTP TLS report (RFC 8460).
    TlsReport(Box<NewTlsReport>),
    /// The rows sent last belong to nothing.
    Discard,
    /// Something that cannot be read.
    Quarantine(Box<NewQuarantine>),
    /// Something else, with a line on what it is.
    Other(OtherKind, Arc<Origin>, Option<String>),
    /// An input that could not be opened.
    Failed {
        /// Which.
        location: String,
        /// Why.
        reason: String,
    },
    /// The end of an input.
    End {
        /// It was mail.
        mail: bool,
        /// Which mail on a server it was.
        receipt: Option<Receipt>,
    },
}

impl Event {
    /// About how many bytes of memory the event holds.
    pub(super) fn weight(&self) -> usize {
        let run = |run: &Run| run.rows.len() + run.outcomes.len() * 24;
        let raw = |bytes: &RawBytes| match bytes {
            RawBytes::Plain(bytes) => bytes.len(),
            RawBytes::Packed(bytes) => bytes.len(),
            RawBytes::PackedFile(_) | RawBytes::Dropped => 0,
        };
        256 + match self {
            Event::Rows { run: rows, .. } => run(rows),
            Event::Report(report) => run(&report.run) + raw(&report.raw.bytes) + 1024,
            Event::TlsReport(tls) => {
                let failures: usize = tls.report.policies.iter().map(|policy| 1 + policy.failures.len()).sum();
                raw(&tls.raw.bytes) + 512 * failures + 1024
            }
            Event::Quarantine(quarantine) => raw(&quarantine.raw.bytes) + 1024,
            _ => 0,
        }
    }
}
