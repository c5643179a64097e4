//! Rows in a table of a SQLite file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{ExportError, Sink};
use crate::flat::{Column, Layout, Row};
use crate::report::period::Day;
use crate::store::{PlainColumn, PlainTable, StoreError};
use crate::words::hex;

/// A table that rows are added to.
pub struct Table {
    path: PathBuf,
    layout: Arc<Layout>,
    table: PlainTable,
}

impl Table {
    /// Opens a table of a file, making what is missing.
    ///
    /// # Errors
    /// See [`PlainTable::open`].
    pub fn open(path: &Path, name: &'static str, layout: Arc<Layout>) -> Result<Self, ExportError> {
        let columns: Vec<PlainColumn> = layout.columns().iter().map(Column::plain).collect();
        let table = PlainTable::open(path, name, &columns).map_err(|error| failed(path, &error))?;
        Ok(Table { path: path.to_owned(), layout, table })
    }

    /// Takes the rows back whose `id` begins with this key.
    ///
    /// # Errors
    /// See [`ExportError`].
    pub fn take_back(&mut self, row_key: [u8; 16]) -> Result<(), ExportError> {
        self.table.take_back(&hex(&row_key)).map_err(|error| failed(&self.path, &error))
    }
}

/// The error of a file that is not the database that rows come from.
fn failed(path: &Path, error: &StoreError) -> ExportError {
    let why = match error {
        StoreError::Full => "the disk is full; nothing was added".to_owned(),
        StoreError::ReadOnly => "the file or its folder is read-only".to_owned(),
        StoreError::Damaged(_) | StoreError::Foreign(_) => "it is not a SQLite database, or a damaged one".to_owned(),
        StoreError::Locked => "another program holds it locked".to_owned(),
        StoreError::Open { reason, .. } | StoreError::Other(reason) => reason.clone(),
        other => other.to_string(),
    };
    ExportError::Place { place: path.to_owned(), why }
}

impl Sink for Table {
    fn row(&mut self, _: Day, row: Row) -> Result<(), ExportError> {
        let (layout, row) = (&self.layout, &row);
        let values = layout.columns().iter().map(|column| layout.value(row, column).into());
        self.table.insert(values).map_err(|error| failed(&self.path, &error))
    }

    fn finish(self: Box<Self>) -> Result<(), ExportError> {
        self.table.commit().map_err(|error| failed(&self.path, &error))
    }
}
