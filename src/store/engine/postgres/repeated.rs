//! Answers that are kept for who asks the same again, or for some of it: several parts of one question do, and questions about several
//! windows read days of others. That is sound while nothing changes: within one transaction that only reads, and in others until the
//! next statement that writes.

use std::collections::HashMap;
use std::sync::Arc;

use tokio_postgres::Row;

use crate::store::engine::value::{Stored, Value};

/// Bytes of answers that are kept, at most.
const MOST: usize = 32 * 1024 * 1024;
/// An answer of more bytes is not kept.
const LARGE: usize = MOST / 2;
/// Answers of one statement that are kept, at most.
const KEPT: usize = 64;
/// Bytes that a row takes besides what the server sent.
const ROW: usize = 256;

/// What statements were answered.
#[derive(Default)]
pub(super) struct Repeated {
    known: HashMap<String, Vec<Answer>>,
    bytes: usize,
    /// How often an answer was kept or given.
    uses: u64,
}

struct Answer {
    values: Vec<Stored>,
    rows: Vec<Arc<Row>>,
    bytes: usize,
    /// It is kept until it is asked for, and no longer.
    once: bool,
    used: u64,
}

impl Repeated {
    /// Where among the answers of a statement the one with these parameters is, or one that it is part of.
    fn at(&self, sql: &str, values: &[Stored]) -> Option<usize> {
        let answers = self.known.get(sql)?;
        answers.iter().position(|answer| answer.values == values).or_else(|| {
            let (first, last) = range(values).filter(|_| is_of_range(sql))?;
            answers.iter().position(|answer| {
                let is_within = range(&answer.values).is_some_and(|known| known.0 <= first && last <= known.1);
                is_within && !answer.once && answer.values.get(2..) == values.get(2..)
            })
        })
    }

    /// Whether the answer with these parameters is known.
    pub(super) fn has(&self, sql: &str, values: &[Value<'_>]) -> bool {
        self.at(sql, &stored(values)).is_some()
    }

    /// The answer with these parameters, where it is known.
    pub(super) fn rows(&mut self, sql: &str, values: &[Value<'_>]) -> Option<Vec<Arc<Row>>> {
        if !self.known.contains_key(sql) {
            return None;
        }
        let values = stored(values);
        let at = self.at(sql, &values)?;
        let answers = self.known.get_mut(sql)?;
        if answers[at].once {
            let answer = answers.remove(at);
            self.bytes -= answer.bytes;
            return Some(answer.rows);
        }
        self.uses += 1;
        let answer = &mut answers[at];
        answer.used = self.uses;
        match range(&values) {
            Some((first, last)) if answer.values != values => {
                let is_wanted = |row: &&Arc<Row>| row.try_get(0).is_ok_and(|at: i64| first <= at && at <= last);
                Some(answer.rows.iter().filter(is_wanted).cloned().collect())
            }
            _ => Some(answer.rows.clone()),
        }
    }

    /// The answer with these parameters. None of the statement's is then kept any longer.
    pub(super) fn take(&mut self, sql: &str, values: &[Value<'_>]) -> Option<Vec<Arc<Row>>> {
        let answers = self.known.get_mut(sql)?;
        let values = stored(values);
        let at = answers.iter().position(|answer| answer.values == values)?;
        let rows = answers.swap_remove(at).rows;
        answers.clear();
        self.bytes = self.known.values().flatten().map(|answer| answer.bytes).sum();
        Some(rows)
    }

    /// Forgets all.
    pub(super) fn forget(&mut self) {
        *self = Repeated::default();
    }

    /// Keeps an answer, unless it is large.
    pub(super) fn keep(&mut self, sql: &str, values: &[Value<'_>], rows: &[Arc<Row>]) {
        let bytes = size(rows);
        if bytes <= LARGE {
            self.add(sql, values, rows.to_vec(), bytes, false);
        }
    }

    /// Keeps an answer that is about to be asked for.
    pub(super) fn expect(&mut self, sql: &str, values: &[Value<'_>], rows: Vec<Arc<Row>>) {
        let bytes = size(&rows);
        self.add(sql, values, rows, bytes, bytes > LARGE);
    }

    /// Keeps an answer, in the place of those that were not used for longest.
    fn add(&mut self, sql: &str, values: &[Value<'_>], rows: Vec<Arc<Row>>, bytes: usize, once: bool) {
        self.uses += 1;
        let answer = Answer { values: stored(values), rows, bytes, once, used: self.uses };
        let answers = self.known.entry(sql.to_owned()).or_default();
        if answers.len() >= KEPT
            && let Some(oldest) = (0..answers.len()).min_by_key(|&at| answers[at].used)
        {
            self.bytes -= answers.remove(oldest).bytes;
        }
        answers.push(answer);
        self.bytes += bytes;
        while self.bytes > MOST {
            let all = self.known.values().flatten().filter(|answer| !answer.once);
            let Some(oldest) = all.map(|answer| answer.used).min().filter(|oldest| *oldest < self.uses) else { return };
            for answers in self.known.values_mut() {
                if let Some(at) = answers.iter().position(|answer| answer.used == oldest) {
                    self.bytes -= answers.remove(at).bytes;
                }
            }
        }
    }
}

fn stored(values: &[Value<'_>]) -> Vec<Stored> {
    values.iter().map(|value| Stored::from(*value)).collect()
}

fn size(rows: &[Arc<Row>]) -> usize {
    rows.iter().map(|row| row.raw_size_bytes() + ROW).sum()
}

/// From where to where the first two parameters reach.
fn range(values: &[Stored]) -> Option<(i64, i64)> {
    if let [Stored::Integer(first), Stored::Integer(last), ..] = values { Some((*first, *last)) } else { None }
}

/// Whether a statement gives rows by a number that stands first in them and reaches from its first parameter to its second
/// (`SELECT day, … WHERE day BETWEEN ?1 AND ?2 …`), so that part of its answer is the answer to a narrower one.
fn is_of_range(sql: &str) -> bool {
    let Some((column, _)) = sql.strip_prefix("SELECT ").and_then(|rest| rest.split_once(", ")) else { return false };
    let is_word = column.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let bounds = format!(" {column} BETWEEN ?1 AND ?2");
    is_word && sql.matches(&bounds).count() == 1 && !sql.contains(" LIMIT ") && !sql.contains(" OR ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_about_a_range_are_told_from_others() {
        for sql in [
            "SELECT day, report, rows FROM record_run WHERE day BETWEEN ?1 AND ?2 AND report <= ?3 ORDER BY day, report",
            "SELECT period, part FROM memory WHERE period BETWEEN ?1 AND ?2",
            "SELECT day, domain FROM report WHERE counted <> 0 AND day BETWEEN ?1 AND ?2",
        ] {
            assert!(is_of_range(sql), "{sql}");
        }
        for sql in [
            "SELECT domain, SUM(messages) FROM day_total WHERE day BETWEEN ?1 AND ?2 GROUP BY domain",
            "SELECT MAX(day), 1 FROM record_run WHERE day BETWEEN ?1 AND ?2",
            "SELECT day, report FROM record_run WHERE day BETWEEN ?1 AND ?2 LIMIT 5",
            "SELECT day, report FROM record_run WHERE day BETWEEN ?2 AND ?3",
            "SELECT day, report FROM record_run WHERE day BETWEEN ?1 AND ?2 OR report = 1",
        ] {
            assert!(!is_of_range(sql), "{sql}");
        }
    }
}
