//! The aggregate report: its nouns, and the reader that fills them. No files, no storage, no judgement.

pub mod address;
mod element;
mod feedback;
mod irregularity;
mod markup;
pub mod period;
pub mod prolog;
mod reader;
pub mod repair;
mod state;
mod text;
pub mod window;

pub use address::SourceAddress;
pub use feedback::{
    AggregateReport, AuthResults, DateRange, DkimAuthResult, Identifiers, PolicyEvaluated, PolicyOverrideReason,
    PolicyPublished, Record, ReportMetadata, Row, SpfAuthResult,
};
pub use irregularity::{Irregularities, Irregularity, IrregularityCode, shorten};
pub use markup::Markup;
pub use reader::{ReadError, Reading, ReportSink, read_feedback, read_head};
pub use text::{Reusable, Reused, Text};
