//! Look-ups, answered for many at once.
//!
//! Questions look up names, outcomes and what signed them as they come to them, and go from one report to the next: some thousand
//! look-ups, which cost nothing in a file, and over a network a round trip each. So whoever looks something up is given what lies
//! beside it too, more with every miss. That is sound while nothing changes: within one transaction that only reads.

mod number;
mod reading;
mod sequence;

use std::sync::Arc;

use tokio_postgres::Row;

use self::number::ByNumber;
use self::reading::Reading;
use self::sequence::{Key, Sequence};
use crate::store::engine::value::Value;

/// A look-up whose rows are read many at once.
pub(super) enum Ahead {
    /// By a number.
    Number(ByNumber),
    /// Along the order of some columns.
    Sequence(Sequence),
}

impl Ahead {
    /// What a statement looks up, if it is a look-up.
    pub(super) fn of(sql: &str) -> Option<Self> {
        ByNumber::of(sql).map(Ahead::Number).or_else(|| Sequence::of(sql).map(Ahead::Sequence))
    }

    /// The rows of a look-up, where they are known.
    pub(super) fn rows(&self, values: &[Value<'_>]) -> Option<Vec<Arc<Row>>> {
        match (self, values) {
            (Ahead::Number(ahead), [Value::Integer(number)]) => ahead.rows(*number),
            (Ahead::Sequence(ahead), values) => ahead.rows(&numbers(values)?),
            _ => None,
        }
    }

    /// What to read for a look-up that is not known; nothing where it is not one that can be read so.
    pub(super) fn next(&mut self, values: &[Value<'_>]) -> Option<Reading> {
        match (self, values) {
            (Ahead::Number(ahead), [Value::Integer(number)]) => Some(ahead.next(*number)),
            (Ahead::Sequence(ahead), values) => ahead.next(&numbers(values)?),
            _ => None,
        }
    }

    /// Keeps what was read last.
    pub(super) fn keep(&mut self, reading: &Reading, rows: Vec<Row>) {
        match self {
            Ahead::Number(ahead) => ahead.keep(reading, rows),
            Ahead::Sequence(ahead) => ahead.keep(reading, rows),
        }
    }
}

fn numbers(values: &[Value<'_>]) -> Option<Key> {
    values.iter().map(|value| if let Value::Integer(number) = value { Some(*number) } else { None }).collect()
}
