//! The aggregate report: its types, and the reader that fills them. No files, no storage, no judgement.
//!
//! [`read()`] takes the bytes of a document and gives the reports in it; a [`DocumentReader`] does the same with records that
//! stream past, for documents of any size.

pub mod address;
pub mod charset;
mod document;
mod element;
mod feedback;
mod irregularity;
mod parser;
pub mod period;
mod pool;
mod prolog;
mod read;
mod reader;
mod record_template;
mod repair;
mod sink;
mod utf8_reader;

pub use address::SourceAddress;
pub use document::{Document, DocumentKind, DocumentReader, DocumentSink, Refusal, Reopen};
pub use feedback::{
    AggregateReport, AuthResults, DateRange, DkimAuthResult, Identifiers, PolicyEvaluated, PolicyOverrideReason,
    PolicyPublished, Record, ReportMetadata, Row, SpfAuthResult,
};
pub use irregularity::{Irregularities, Irregularity, IrregularityCode, shorten};
pub use pool::{Reusable, Reused, Text};
pub use read::{ReadError, Report, read};
pub use record_template::Markup;
pub use sink::ReportSink;
