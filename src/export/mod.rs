//! Exporting rows: to a stream, into files by day, into a table of a SQLite file.
//!
//! Records are read and written one by one; what an export holds in memory does not grow with them. Whatever it writes to is
//! whole or not there: a file takes its name when it is finished, a table takes all rows in one transaction.

mod beside;
mod folder;
mod lines;
#[cfg(feature = "parquet")]
mod parquet;
mod table;

use std::io::Write;
use std::path::PathBuf;

use crate::flat::{Reader, Row, RowPaths};
use crate::report::period::Day;
use crate::store::{ExportedReport, ReportPlace, Store, StoreError};

pub use beside::beside;
pub use folder::{Folder, FolderChoice};
pub use lines::{RowFile, RowForm};
pub use table::Table;

/// Why rows could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// They could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stream that they go to failed.
    #[error(transparent)]
    Stream(std::io::Error),
    /// They could not be written to a place.
    #[error("cannot export into {}: {why}", place.display())]
    Place {
        /// Where.
        place: PathBuf,
        /// Why, in words.
        why: String,
    },
}

/// Where rows go.
pub trait Sink {
    /// Takes a row, which counts on a day. Days come in order.
    ///
    /// # Errors
    /// See [`ExportError`].
    fn row(&mut self, day: Day, row: Row) -> Result<(), ExportError>;

    /// Ends: what was taken is there now.
    ///
    /// # Errors
    /// See [`ExportError`].
    fn finish(self: Box<Self>) -> Result<(), ExportError>;
}

impl<W: Write + Send> Sink for RowFile<W> {
    fn row(&mut self, _: Day, row: Row) -> Result<(), ExportError> {
        self.write(row).map_err(ExportError::Stream)
    }

    fn finish(self: Box<Self>) -> Result<(), ExportError> {
        RowFile::finish(*self).map_err(ExportError::Stream).map(drop)
    }
}

/// Which reports are exported.
#[derive(Debug)]
pub enum Choice {
    /// All of the days from the first to the last.
    Days(Day, Day),
    /// These.
    Reports(Vec<ReportPlace>),
}

/// What was exported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Reports with such records; where all are asked for, those too that have none.
    pub reports: u64,
    /// Records.
    pub records: u64,
    /// Their messages.
    pub messages: u64,
    /// The first and last day with a report.
    pub days: Option<(Day, Day)>,
}

/// Gives all rows of a choice to a sink, and each report to `done` when its rows were given. The sink is not finished.
///
/// # Errors
/// See [`ExportError`].
pub fn export(
    store: &Store,
    reader: &mut Reader,
    mut paths: Option<RowPaths<'_>>,
    choice: &Choice,
    sink: &mut dyn Sink,
    done: &mut dyn FnMut(ExportedReport),
) -> Result<Summary, ExportError> {
    let mut summary = Summary::default();
    let mut chosen = match choice {
        Choice::Days(..) => [].iter(),
        Choice::Reports(places) => places.iter(),
    };
    let mut after = match choice {
        Choice::Days(first, _) => ReportPlace::before(*first),
        Choice::Reports(_) => ReportPlace::before(Day::MIN),
    };
    loop {
        let report = match choice {
            Choice::Days(_, last) => match store.counted_after(after, *last, &mut reader.names)? {
                Some(report) => report,
                None => break,
            },
            Choice::Reports(_) => match chosen.next() {
                Some(&place) => match store.counted_at(place, &mut reader.names)? {
                    Some(report) => report,
                    None => continue,
                },
                None => break,
            },
        };
        after = report.place;
        let day = report.place.day;
        reader.begin(store, report, true)?;
        let before = summary.records;
        while let Some(row) = reader.next(store, paths.as_mut())? {
            summary.records += 1;
            summary.messages = summary.messages.saturating_add(row.messages);
            sink.row(day, row)?;
        }
        if summary.records > before || reader.is_of_all() {
            summary.reports += 1;
            summary.days = Some((summary.days.map_or(day, |(first, _)| first), day));
        }
        done(ExportedReport { place: report.place, row_key: reader.key() });
    }
    Ok(summary)
}
