//! Answers that are small, kept for who asks the same again: several parts of one question do. That is sound while nothing changes:
//! within one transaction that only reads, and in others until the next statement that writes.

use std::sync::Arc;

use tokio_postgres::Row;

use crate::store::engine::value::{Stored, Value};

/// Answers of a statement that are kept.
const KEPT: usize = 8;
/// An answer of more bytes is not kept.
const LARGE: usize = 64 * 1024;

/// What one statement was answered.
#[derive(Default)]
pub(super) struct Repeated {
    known: Vec<(Vec<Stored>, Vec<Arc<Row>>)>,
}

impl Repeated {
    /// The answer with these parameters, where it is known.
    pub(super) fn rows(&self, values: &[Value<'_>]) -> Option<Vec<Arc<Row>>> {
        if self.known.is_empty() {
            return None;
        }
        let values: Vec<Stored> = values.iter().map(|value| Stored::from(*value)).collect();
        self.known.iter().find(|(known, _)| *known == values).map(|(_, rows)| rows.clone())
    }

    /// The same, which is then not kept any longer.
    pub(super) fn take(&mut self, values: &[Value<'_>]) -> Option<Vec<Arc<Row>>> {
        let rows = self.rows(values)?;
        self.known.clear();
        Some(rows)
    }

    /// Forgets all.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    /// Keeps an answer, in the place of the oldest.
    pub(super) fn keep(&mut self, values: &[Value<'_>], rows: &[Arc<Row>]) {
        if rows.iter().map(|row| row.raw_size_bytes()).sum::<usize>() > LARGE {
            return;
        }
        if self.known.len() >= KEPT {
            self.known.remove(0);
        }
        self.known.push((values.iter().map(|value| Stored::from(*value)).collect(), rows.to_vec()));
    }
}
