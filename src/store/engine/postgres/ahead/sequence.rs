//! Rows that are looked up one after the other, in the order of a key of several columns: the next after a place
//! (`SELECT … WHERE (a, b) > (?1, ?2) … ORDER BY a, b LIMIT 1`, whose first columns are those of the key), or those at places that
//! follow each other (`SELECT … FROM table WHERE a = ?1 AND b = ?2 AND c = ?3`).

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use tokio_postgres::Row;

use super::reading::Reading;

/// A place in the order.
pub(super) type Key = Vec<i64>;

/// Rows that are read at once, at first.
const LEAST: usize = 8;
/// Rows that are read at once, at most.
const MOST: usize = 512;
/// Of rows with records no more are read at once.
const MOST_RECORDS: usize = 256;

/// A look-up along an order.
pub(in crate::store::engine::postgres) struct Sequence {
    /// The same for the rows at or after a place, the number of them left out.
    text: String,
    /// How many columns the key has.
    key: usize,
    /// It is the next row after a place that is asked for, and the columns of the key stand before all others; else it is the row at the
    /// place, and they stand after.
    is_next: bool,
    width: usize,
    most: usize,
    /// From this place on all rows are known, up to the last of them or, where there are no others, to the end.
    from: Option<Key>,
    is_to_the_end: bool,
    /// Values besides the key, with which they were read.
    others: Vec<i64>,
    known: BTreeMap<Key, Arc<Row>>,
}

impl Sequence {
    /// What a statement looks up, if it is a look-up.
    pub(super) fn of(sql: &str) -> Option<Self> {
        Self::next_of(sql).or_else(|| Self::at_of(sql))
    }

    fn next_of(sql: &str) -> Option<Self> {
        let text = sql.strip_suffix(" LIMIT 1")?;
        let (_, rest) = text.split_once("WHERE (")?;
        let (columns, rest) = rest.split_once(") > (")?;
        let (marks, _) = rest.split_once(')')?;
        let key = columns.split(", ").count();
        let counted: Vec<String> = (1..=key).map(|number| format!("?{number}")).collect();
        let begins = text.strip_prefix("SELECT ")?.starts_with(columns);
        let ordered = text.ends_with(&format!("ORDER BY {columns}"));
        (begins && ordered && marks == counted.join(", ")).then(|| Self::new(text.to_owned(), key, true, MOST))
    }

    fn at_of(sql: &str) -> Option<Self> {
        let (head, condition) = sql.split_once(" WHERE ")?;
        let (columns, table) = head.strip_prefix("SELECT ")?.split_once(" FROM ")?;
        let terms: Vec<&str> = condition.split(" AND ").collect();
        let mut key = Vec::new();
        for (number, term) in terms.iter().enumerate() {
            key.push(term.strip_suffix(&format!(" = ?{}", number + 1))?);
        }
        let key = (table == "record_run" && key == ["day", "report", "part"]).then(|| key.join(", "))?;
        let text = format!("SELECT {columns}, {key} FROM {table} WHERE ({key}) >= (?1, ?2, ?3) ORDER BY {key}");
        Some(Self::new(text, 3, false, MOST_RECORDS))
    }

    fn new(text: String, key: usize, is_next: bool, most: usize) -> Self {
        Sequence {
            text,
            key,
            is_next,
            width: LEAST,
            most,
            from: None,
            is_to_the_end: false,
            others: Vec::new(),
            known: BTreeMap::new(),
        }
    }

    /// The rows of a look-up, where they are known.
    pub(super) fn rows(&self, values: &Key) -> Option<Vec<Arc<Row>>> {
        let (place, others) = values.split_at_checked(self.key)?;
        let from = self.from.as_deref()?;
        if others != self.others || place < from {
            return None;
        }
        let found = if self.is_next {
            let behind = (Bound::Excluded(place), Bound::Unbounded);
            self.known.range::<[i64], _>(behind).next().map(|(_, row)| row)
        } else {
            self.known.get(place)
        };
        match found {
            Some(row) => Some(vec![Arc::clone(row)]),
            None => {
                let is_within = !self.is_next && self.known.keys().next_back().is_some_and(|last| place < &last[..]);
                (self.is_to_the_end || is_within).then(Vec::new)
            }
        }
    }

    /// What to read next, from a place on.
    pub(super) fn next(&mut self, values: &Key) -> Option<Reading> {
        if values.len() < self.key {
            return None;
        }
        let width = self.width;
        self.width = (width * 4).min(self.most);
        Some(Reading { text: format!("{} LIMIT {width}", self.text), values: values.clone() })
    }

    /// Keeps what was read.
    pub(super) fn keep(&mut self, reading: &Reading, rows: Vec<Row>) {
        let Some((place, others)) = reading.values.split_at_checked(self.key) else { return };
        let width: usize = reading.text.rsplit(' ').next().and_then(|width| width.parse().ok()).unwrap_or(0);
        self.from = Some(place.to_vec());
        self.others = others.to_vec();
        self.is_to_the_end = rows.len() < width;
        self.known.clear();
        for row in rows {
            let first = if self.is_next { 0 } else { row.len() - self.key };
            let key = (first..first + self.key).map(|at| row.get(at)).collect();
            self.known.insert(key, Arc::new(row));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_ups_are_told_from_other_questions() {
        let text = |sql: &str| Sequence::of(sql).map(|ahead| ahead.text);
        assert_eq!(
            text("SELECT day, report FROM record_run WHERE (day, report) > (?1, ?2) AND day <= ?3 ORDER BY day, report LIMIT 1")
                .as_deref(),
            Some("SELECT day, report FROM record_run WHERE (day, report) > (?1, ?2) AND day <= ?3 ORDER BY day, report")
        );
        assert_eq!(
            text("SELECT rows FROM record_run WHERE day = ?1 AND report = ?2 AND part = ?3").as_deref(),
            Some(
                "SELECT rows, day, report, part FROM record_run WHERE (day, report, part) >= (?1, ?2, ?3) \
                 ORDER BY day, report, part"
            )
        );
        for sql in [
            "SELECT report, day FROM record_run WHERE (day, report) > (?1, ?2) ORDER BY day, report LIMIT 1",
            "SELECT day, report FROM record_run WHERE (day, report) > (?1, ?2) ORDER BY day, report",
            "SELECT day, report FROM record_run WHERE (day, report) > (?1, ?2) ORDER BY report, day LIMIT 1",
            "SELECT rows FROM record_run WHERE day = ?1 AND report = ?2",
        ] {
            assert_eq!(text(sql), None, "{sql}");
        }
    }

    #[test]
    fn what_was_read_answers_within_its_borders_only() {
        let mut ahead =
            Sequence::of("SELECT rows FROM record_run WHERE day = ?1 AND report = ?2 AND part = ?3").unwrap();
        assert!(ahead.rows(&vec![1, 2, 3]).is_none());
        let reading = ahead.next(&vec![1, 2, 3]).unwrap();
        assert!(reading.text.ends_with(" LIMIT 8"));
        ahead.keep(&reading, Vec::new());
        assert!(ahead.rows(&vec![1, 2, 3]).is_some_and(|rows| rows.is_empty()));
        assert!(ahead.rows(&vec![9, 0, 0]).is_some());
        assert!(ahead.rows(&vec![1, 2, 2]).is_none());
        assert!(ahead.next(&vec![1, 2, 3]).unwrap().text.ends_with(" LIMIT 32"));
    }
}
