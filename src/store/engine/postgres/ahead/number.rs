//! Rows that are looked up by a number: `SELECT … FROM table … WHERE number = ?1`.

use std::collections::HashMap;
use std::sync::Arc;

use tokio_postgres::Row;

use super::reading::Reading;

/// The tables whose rows go by numbers without great gaps, and are small.
const TABLES: [&str; 11] = [
    "blob",
    "irregularity",
    "name",
    "outcome",
    "outcome_block",
    "policy",
    "report",
    "sighting",
    "signers",
    "tls_failure",
    "tls_policy",
];
/// Numbers that are read at once, at first.
const LEAST: i64 = 4_096;
/// Numbers that are read at once, at most.
const MOST: i64 = 65_536;
/// Of rows that are joined from several tables no more are read at once.
const MOST_JOINED: i64 = 2_048;
/// Rows that are kept of a look-up, at most.
const KEPT: usize = 200_000;

/// A look-up by a number.
pub(in crate::store::engine::postgres) struct ByNumber {
    /// The same for the numbers from one to another, with the number after all other columns.
    text: String,
    width: i64,
    most: i64,
    known: HashMap<i64, Vec<Arc<Row>>>,
    /// What was read, from one number to another.
    read: Vec<(i64, i64)>,
}

impl ByNumber {
    /// What a statement looks up, if it is a look-up.
    pub(super) fn of(sql: &str) -> Option<Self> {
        let (head, condition) = sql.strip_prefix("SELECT ")?.rsplit_once(" WHERE ")?;
        let (condition, order) = condition.split_once(" ORDER BY ").unwrap_or((condition, ""));
        let key = condition.strip_suffix(" = ?1")?;
        let (columns, tables) = head.rsplit_once(" FROM ")?;
        let table = tables.split_whitespace().next()?;
        let is_word =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.');
        let is_other = sql.contains("?2") || columns.contains('?') || columns.starts_with("DISTINCT");
        // Bytes of reports are read one by one.
        let is_large = table == "blob" && columns.contains("bytes") || order.contains("LIMIT");
        if !TABLES.contains(&table) || !is_word(key) || is_other || is_large {
            return None;
        }
        let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {order}") };
        let text = format!("SELECT {columns}, {key} FROM {tables} WHERE {key} BETWEEN $1 AND $2{order}");
        let most = if tables == table { MOST } else { MOST_JOINED };
        Some(ByNumber { text, width: LEAST.min(most), most, known: HashMap::new(), read: Vec::new() })
    }

    /// The rows of a number, where it is known which they are.
    pub(super) fn rows(&self, key: i64) -> Option<Vec<Arc<Row>>> {
        match self.known.get(&key) {
            Some(rows) => Some(rows.clone()),
            None => self.read.iter().any(|&(first, last)| first <= key && key <= last).then(Vec::new),
        }
    }

    /// What to read next, with a number among it.
    pub(super) fn next(&mut self, key: i64) -> Reading {
        let width = self.width;
        self.width = (width * 16).min(self.most);
        let first = key.div_euclid(width).saturating_mul(width);
        Reading { text: self.text.clone(), values: vec![first, first.saturating_add(width - 1)] }
    }

    /// Keeps what was read.
    pub(super) fn keep(&mut self, reading: &Reading, rows: Vec<Row>) {
        if self.known.len() > KEPT {
            self.known.clear();
            self.read.clear();
        }
        let [first, last] = reading.values[..] else { return };
        // A range may lie around one that was read before.
        self.known.retain(|number, _| !(first..=last).contains(number));
        self.read.retain(|(begin, end)| *begin < first || *end > last);
        self.read.push((first, last));
        for row in rows {
            self.known.entry(row.get(row.len() - 1)).or_default().push(Arc::new(row));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_ups_are_told_from_other_questions() {
        let text = |sql: &str| ByNumber::of(sql).map(|ahead| ahead.text);
        assert_eq!(
            text("SELECT lower(p), lower(sp) FROM policy WHERE id = ?1").as_deref(),
            Some("SELECT lower(p), lower(sp), id FROM policy WHERE id BETWEEN $1 AND $2")
        );
        assert_eq!(
            text("SELECT code FROM irregularity WHERE report = ?1 ORDER BY number").as_deref(),
            Some("SELECT code, report FROM irregularity WHERE report BETWEEN $1 AND $2 ORDER BY number")
        );
        assert_eq!(
            text("SELECT a, b FROM report\n    JOIN name x ON x.id = a WHERE report.id = ?1").as_deref(),
            Some("SELECT a, b, report.id FROM report\n    JOIN name x ON x.id = a WHERE report.id BETWEEN $1 AND $2")
        );
        for sql in [
            "SELECT packed, bytes FROM blob WHERE id = ?1",
            "SELECT id FROM report WHERE logical = ?1 ORDER BY id LIMIT 1",
            "SELECT id FROM record_run WHERE report = ?1",
            "SELECT id FROM report WHERE id = ?1 AND day = ?2",
            "SELECT DISTINCT dmarc FROM sighting WHERE report = ?1",
        ] {
            assert_eq!(text(sql), None, "{sql}");
        }
    }

    #[test]
    fn more_is_read_with_every_miss() {
        let mut ahead = ByNumber::of("SELECT text FROM name WHERE id = ?1").unwrap();
        assert_eq!([5, 300, 300].map(|key| ahead.next(key).values), [[0, 4095], [0, 65535], [0, 65535]]);
        ahead.keep(&Reading { text: String::new(), values: vec![0, 4095] }, Vec::new());
        assert!(matches!(ahead.rows(7), Some(rows) if rows.is_empty()));
        assert!(ahead.rows(5000).is_none());
    }
}
