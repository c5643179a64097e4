//! Answers that are small, kept for who asks the same again: several parts of one question do. That is sound while nothing changes:
//! within one transaction that only reads, and in others until the next statement that writes.

use std::sync::Arc;

use tokio_postgres::Row;

use crate::store::engine::value::{Stored, Value};

/// Answers of a statement that are kept.
const KEPT: usize = 8;
/// An answer of more bytes is not kept.
const LARGE: usize = 256 * 1024;

/// What one statement was answered.
#[derive(Default)]
pub(super) struct Repeated {
    known: Vec<Answer>,
}

struct Answer {
    values: Vec<Stored>,
    rows: Vec<Arc<Row>>,
    /// It is kept until it is asked for, and no longer.
    once: bool,
}

impl Repeated {
    fn at(&self, values: &[Value<'_>]) -> Option<usize> {
        if self.known.is_empty() {
            return None;
        }
        let values: Vec<Stored> = values.iter().map(|value| Stored::from(*value)).collect();
        self.known.iter().position(|answer| answer.values == values)
    }

    /// Whether the answer with these parameters is known.
    pub(super) fn has(&self, values: &[Value<'_>]) -> bool {
        self.at(values).is_some()
    }

    /// The answer with these parameters, where it is known.
    pub(super) fn rows(&mut self, values: &[Value<'_>]) -> Option<Vec<Arc<Row>>> {
        let at = self.at(values)?;
        if self.known[at].once { Some(self.known.remove(at).rows) } else { Some(self.known[at].rows.clone()) }
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

    /// Keeps an answer that is small, in the place of the oldest.
    pub(super) fn keep(&mut self, values: &[Value<'_>], rows: &[Arc<Row>]) {
        if !is_large(rows) {
            self.add(values, rows.to_vec(), false);
        }
    }

    /// Keeps an answer that is about to be asked for.
    pub(super) fn expect(&mut self, values: &[Value<'_>], rows: Vec<Arc<Row>>) {
        let once = is_large(&rows);
        self.add(values, rows, once);
    }

    fn add(&mut self, values: &[Value<'_>], rows: Vec<Arc<Row>>, once: bool) {
        if self.known.len() >= KEPT {
            self.known.remove(0);
        }
        self.known.push(Answer { values: values.iter().map(|value| Stored::from(*value)).collect(), rows, once });
    }
}

fn is_large(rows: &[Arc<Row>]) -> bool {
    rows.iter().map(|row| row.raw_size_bytes()).sum::<usize>() > LARGE
}
