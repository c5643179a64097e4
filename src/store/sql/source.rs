//! Tables that are made while they are read.

use crate::report::period::Day;
use crate::store::{PlainColumn, PlainValue, Result};

/// Which rows of a table are asked for, as far as that can save reading them. A source may give more; none that is asked for may be
/// left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounds {
    /// No day before this one.
    pub first: Option<Day>,
    /// No day after this one.
    pub last: Option<Day>,
    /// No other `domain`.
    pub domain: Option<String>,
    /// Whether the first column is asked for, where that is dear.
    pub with_id: bool,
}

/// A table that is made while it is read.
pub trait RowSource: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Its columns, some 60 at most. Bounds are on those that are called `day` and `domain`.
    fn columns(&self) -> Vec<PlainColumn>;

    /// Goes through rows.
    ///
    /// # Errors
    /// See [`StoreError`](crate::store::StoreError).
    fn rows(&self, bounds: &Bounds) -> Result<Box<dyn Rows>>;
}

/// Rows, one after the other.
pub trait Rows {
    /// Goes to the next row; false after the last.
    ///
    /// # Errors
    /// See [`StoreError`](crate::store::StoreError).
    fn next(&mut self) -> Result<bool>;

    /// What stands in a column of the row.
    fn value(&self, column: usize) -> PlainValue<'_>;
}
