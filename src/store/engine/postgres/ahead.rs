//! Look-ups by number, answered for many numbers at once.
//!
//! Questions look up names, outcomes and what signed them as they come to them: some thousand look-ups, which cost nothing in a file,
//! and over a network a round trip each. So whoever looks up a number in a table is given those around it too, more with
//! every miss. That is sound while nothing changes: within one transaction that only reads.

use std::collections::HashMap;
use std::sync::Arc;

use tokio_postgres::Row;

/// The tables whose rows go by numbers without great gaps, and are small.
const TABLES: [&str; 6] = ["name", "outcome", "outcome_block", "policy", "report", "signers"];
/// Numbers that are read at once, at first.
const LEAST: i64 = 256;
/// Numbers that are read at once, at most.
const MOST: i64 = 65_536;
/// Rows that are kept of a look-up, at most.
const KEPT: usize = 200_000;

/// A look-up: `SELECT … FROM table WHERE key = ?1`.
pub(super) struct Ahead {
    /// The same for the numbers from one to another, with the number behind all other columns.
    pub(super) text: String,
    width: i64,
    known: HashMap<i64, Arc<Row>>,
    /// What was read, from one number to another.
    read: Vec<(i64, i64)>,
}

impl Ahead {
    /// What a statement looks up, if it is a look-up.
    pub(super) fn of(sql: &str) -> Option<Self> {
        let (columns, rest) = sql.strip_prefix("SELECT ")?.split_once(" FROM ")?;
        let (table, condition) = rest.split_once(" WHERE ")?;
        let key = condition.strip_suffix(" = ?1")?;
        let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !TABLES.contains(&table) || !is_word(key) || columns.contains('?') {
            return None;
        }
        let text = format!("SELECT {columns}, {key} FROM {table} WHERE {key} BETWEEN $1 AND $2");
        Some(Ahead { text, width: LEAST, known: HashMap::new(), read: Vec::new() })
    }

    /// The row of a number, where that is known; nothing in it where there is known to be none.
    pub(super) fn row(&self, key: i64) -> Option<Option<Arc<Row>>> {
        match self.known.get(&key) {
            Some(row) => Some(Some(Arc::clone(row))),
            None => self.read.iter().any(|&(first, last)| first <= key && key <= last).then_some(None),
        }
    }

    /// The numbers to read next, with one among them.
    pub(super) fn next(&mut self, key: i64) -> (i64, i64) {
        let width = self.width;
        self.width = (width * 4).min(MOST);
        let first = key.div_euclid(width).saturating_mul(width);
        (first, first.saturating_add(width - 1))
    }

    /// Keeps what was read.
    pub(super) fn keep(&mut self, range: (i64, i64), rows: Vec<Row>) {
        if self.known.len() > KEPT {
            self.known.clear();
            self.read.clear();
        }
        self.read.push(range);
        self.known.extend(rows.into_iter().map(|row| (row.get(row.len() - 1), Arc::new(row))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_ups_are_told_from_other_questions() {
        let text = |sql: &str| Ahead::of(sql).map(|ahead| ahead.text);
        assert_eq!(
            text("SELECT lower(p), lower(sp) FROM policy WHERE id = ?1").as_deref(),
            Some("SELECT lower(p), lower(sp), id FROM policy WHERE id BETWEEN $1 AND $2")
        );
        for sql in [
            "SELECT packed, bytes FROM blob WHERE id = ?1",
            "SELECT id FROM report WHERE logical = ?1 ORDER BY id",
            "SELECT a FROM report JOIN name ON x = y WHERE id = ?1",
            "SELECT id FROM report WHERE id = ?1 AND day = ?2",
        ] {
            assert_eq!(text(sql), None, "{sql}");
        }
    }

    #[test]
    fn more_is_read_with_every_miss() {
        let mut ahead = Ahead::of("SELECT text FROM name WHERE id = ?1").unwrap();
        assert_eq!([ahead.next(5), ahead.next(300), ahead.next(300)], [(0, 255), (0, 1023), (0, 4095)]);
        ahead.keep((0, 1023), Vec::new());
        assert!(matches!(ahead.row(7), Some(None)));
        assert!(ahead.row(2000).is_none());
    }
}
