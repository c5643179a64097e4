//! Records as flat rows: every field of a record and of its report by its name.
//!
//! A [`Layout`] says which columns there are and what stands in each, a [`Reader`] goes through the records of a report. A row is in
//! parts that many rows share (its report, its outcome, its path), so a record costs little more than its address.

mod columns;
mod layout;
mod parsedmarc;
mod paths;
mod reader;
mod row_key;
mod tables;
mod value;

pub use layout::{Column, Layout, Row};
pub use paths::RowPaths;
pub use reader::{Reader, RowHosts};
pub use tables::{AlignmentTable, Behind, PathTable, PolicyTable, ReportTable};
pub use value::{Kind, Value};
