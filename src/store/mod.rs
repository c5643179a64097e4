//! The database. No SQL stands anywhere else, and no type of its library leaves this folder; what it asks of the engine below it
//! goes through `engine`.
//!
//! *Whole or not at all*: a report, its records, its summary and its bytes are written in one transaction. *Several
//! processes*: write-ahead logging, transactions that take the write lock when they begin, and a wait for it that
//! ends. *Years*: migrations from every earlier version, and a refusal to touch what a newer program wrote.

mod announced;
mod apart;
mod arrival;
mod blobs;
mod checked;
mod copy;
mod database;
mod day_totals;
mod deep;
mod dictionary;
mod digest;
mod editions;
mod engine;
mod error;
mod exports;
mod facts;
mod foreign;
mod host_names;
mod input;
mod interner;
mod judging;
mod mailbox;
mod memory;
mod new_report;
mod open;
mod place;
mod plain;
mod prune;
mod quarantine;
mod records;
mod report_index;
mod reports;
mod room;
mod runs;
mod same_identity;
mod schema;
mod sightings;
mod sql;
mod tls;
mod tls_identity;
mod tls_query;
mod trust;
mod values;
mod writer;

pub use announced::Announced;
pub use apart::{Apart, IgnoredEntry};
pub use checked::CheckedReports;
pub use copy::{Copied, CopiedTable, CopyError, copy};
pub use database::Store;
pub use day_totals::{DayReported, DayTotal};
pub use digest::{Digest, DigestKey, RowsDigest};
pub use error::{Result, StoreError};
pub use exports::{Exported, ExportedReport};
pub use facts::OutcomeFacts;
pub use foreign::ForeignDomain;
pub use host_names::KnownHost;
pub use interner::{NameCache, NameReader};
pub use mailbox::{AccountRun, Copying, Mailbox, MailboxPosition, PendingMail};
pub use memory::{MemorySource, Remembered, RememberedCell, RememberedSum};
pub use new_report::{
    Arrival, NewQuarantine, NewReport, Origin, Raw, RawBytes, Run, SharedOutcome, Totals, Written, bare_id,
};
pub use place::{Place, Server};
pub use plain::{PlainColumn, PlainTable, PlainValue};
pub use prune::Pruned;
pub use quarantine::{Held, Kept, QuarantineEntry, Quarantined};
pub use records::{CountedReport, PublishedPolicy, ReportPlace};
pub use report_index::ReportLine;
pub use reports::{ReportDetail, ReportFilter, ReportHead, ReportRow, ReportSummary, Sighting};
pub use runs::{PolicyWords, ScannedRun};
pub use sql::{Bounds, Limits, RowSource, Rows, SqlAnswer, SqlError, SqlValue, ask};
pub use tls::NewTlsReport;
pub use tls_query::{TlsFailures, TlsReportRow, TlsSessions};
pub use trust::{Trust, who_reports};
pub use writer::{RunPlace, Writer};

/// The version of SQLite.
#[must_use]
pub fn sqlite_version() -> &'static str {
    engine::sqlite_version()
}

#[cfg(test)]
mod tests;
