//! The aggregate report: its nouns, and the reader that fills them. No files, no storage, no judgement.
//!
//! [`read`] takes the bytes of a document and gives the reports in it; a [`DocumentReader`] does the same with records that
//! stream past, for documents of any size.

pub mod address;
pub mod charset;
mod document;
mod element;
mod feedback;
mod irregularity;
mod markup;
pub mod period;
mod prolog;
mod read;
mod reader;
mod repair;
mod sink;
mod state;
mod text;
mod window;

pub use address::SourceAddress;
pub use document::{Document, DocumentKind, DocumentReader, DocumentSink, Refusal, Reopen};
pub use feedback::{
    AggregateReport, AuthResults, DateRange, DkimAuthResult, Identifiers, PolicyEvaluated, PolicyOverrideReason,
    PolicyPublished, Record, ReportMetadata, Row, SpfAuthResult,
};
pub use irregularity::{Irregularities, Irregularity, IrregularityCode, shorten};
pub use markup::Markup;
pub use read::{ReadError, Report, read};
pub use sink::ReportSink;
pub use text::{Reusable, Reused, Text};
