//! Rows that are all there before the first is shown: there are few of them.

use std::sync::Arc;

use crate::flat::Value;
use crate::store::{PlainValue, Result, Rows};

/// Rows, and which of them is shown.
pub(super) struct List {
    rows: Vec<Arc<[Value]>>,
    next: usize,
}

impl List {
    pub(super) fn new(rows: Vec<Arc<[Value]>>) -> Self {
        List { rows, next: 0 }
    }
}

impl Rows for List {
    fn next(&mut self) -> Result<bool> {
        self.next += 1;
        Ok(self.next <= self.rows.len())
    }

    fn value(&self, column: usize) -> PlainValue<'_> {
        let row = self.next.checked_sub(1).and_then(|at| self.rows.get(at));
        row.and_then(|row| row.get(column)).map_or(PlainValue::Null, PlainValue::from)
    }
}
