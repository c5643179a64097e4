//! Records as flat rows: every field of a record and of its report by its name.
//!
//! A [`Layout`] says which columns there are and what stands in each, a [`Reader`] goes through the records of a report. A row is in
//! parts that many rows share (its report, its outcome, its path), so a record costs little more than its address.

mod columns;
mod parsedmarc;
mod paths;
mod reader;
mod row_key;
mod tables;

use std::sync::Arc;

use crate::alignment::Outcome;
use crate::diagnosis::SendingPath;
use crate::sanitize::harmless_json;
use crate::store::ReportHead;

pub use paths::RowPaths;
pub use reader::{Reader, Row, RowHosts};
pub use tables::{AlignmentTable, Behind, PathTable, PolicyTable, ReportTable};

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// Whole numbers.
    Number,
    /// True or false.
    Truth,
    /// A list, as JSON.
    Json,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// The report does not say.
    Null,
    /// A whole number.
    Number(i64),
    /// True or false.
    Truth(bool),
    /// Text.
    Text(Arc<str>),
    /// A list, as JSON.
    Json(Arc<str>),
}

impl Value {
    fn text(text: Option<impl AsRef<str>>) -> Value {
        text.map_or(Value::Null, |text| Value::Text(text.as_ref().into()))
    }

    fn number(number: Option<u64>) -> Value {
        number.map_or(Value::Null, |number| Value::Number(i64::try_from(number).unwrap_or(i64::MAX)))
    }

    /// The text of a text or a list.
    #[must_use]
    pub fn as_text(&self) -> Option<&Arc<str>> {
        match self {
            Value::Text(text) | Value::Json(text) => Some(text),
            _ => None,
        }
    }

    /// The number of a number or a truth value.
    #[must_use]
    pub fn as_number(&self) -> Option<i64> {
        match self {
            Value::Number(number) => Some(*number),
            Value::Truth(truth) => Some(i64::from(*truth)),
            _ => None,
        }
    }
}

/// What is a row's own.
#[derive(Debug)]
pub(crate) struct Record {
    id: Arc<str>,
    /// The address, or the text in its place.
    address: Arc<str>,
    is_address: bool,
    /// The host name that was confirmed for the address.
    host: Option<Arc<str>>,
    messages: Option<u64>,
}

/// A column, and what stands in it.
struct Field<T> {
    name: &'static str,
    kind: Kind,
    content: Content<T>,
}

enum Content<T> {
    Value(fn(&T) -> Value),
    /// An array; an empty one is as good as none.
    List(fn(&T) -> serde_json::Value),
}

fn values<T>(fields: &[Field<T>], of: &T) -> Arc<[Value]> {
    let value = |field: &Field<T>| match field.content {
        Content::Value(value) => value(of),
        Content::List(list) => match list(of) {
            serde_json::Value::Array(list) if list.is_empty() => Value::Null,
            list => Value::Json(harmless_json(&list.to_string()).into()),
        },
    };
    fields.iter().map(value).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Record,
    Report,
    Outcome,
    Path,
}

/// A column of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    part: Part,
    at: usize,
}

/// The columns of rows.
pub struct Layout {
    columns: Vec<Column>,
    record: &'static [Field<Record>],
    report: &'static [Field<ReportHead>],
    outcome: &'static [Field<Outcome>],
    path: &'static [Field<SendingPath>],
    /// What is in the columns of a path where a row has none.
    no_path: Arc<[Value]>,
    /// How false and true are written in text.
    truth: [&'static str; 2],
}

impl Layout {
    /// The columns under this program's own names, those of the row's path too where that is asked for.
    #[must_use]
    pub fn own(with_path: bool) -> Self {
        let mut layout = Layout {
            columns: Vec::new(),
            record: columns::RECORD,
            report: columns::REPORT,
            outcome: columns::OUTCOME,
            path: if with_path { columns::PATH } else { &[] },
            no_path: Arc::new([]),
            truth: ["false", "true"],
        };
        layout.arrange(columns::FIRST);
        layout
    }

    /// The columns of a CSV file of parsedmarc, and `id` behind them.
    #[must_use]
    pub fn parsedmarc(with_path: bool) -> Self {
        let mut layout = Layout {
            columns: Vec::new(),
            record: parsedmarc::RECORD,
            report: parsedmarc::REPORT,
            outcome: parsedmarc::OUTCOME,
            path: if with_path { parsedmarc::PATH } else { parsedmarc::NO_PATH },
            no_path: Arc::new([]),
            truth: ["False", "True"],
        };
        layout.arrange(parsedmarc::ORDER);
        layout
    }

    /// Puts the columns that are named first, in this order, and the others behind them.
    fn arrange(&mut self, first: &[&str]) {
        fn of<T>(part: Part, fields: &'static [Field<T>]) -> impl Iterator<Item = Column> {
            fields.iter().enumerate().map(move |(at, field)| Column { name: field.name, kind: field.kind, part, at })
        }
        let mut all: Vec<Column> = of(Part::Record, self.record)
            .chain(of(Part::Report, self.report))
            .chain(of(Part::Outcome, self.outcome))
            .chain(of(Part::Path, self.path))
            .collect();
        all.sort_by_key(|column| first.iter().position(|name| *name == column.name).unwrap_or(first.len()));
        self.columns = all;
        self.no_path = self.path.iter().map(|_| Value::Null).collect();
    }

    /// The columns, in order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// True or false in text.
    #[must_use]
    pub fn truth_word(&self, truth: bool) -> &'static str {
        self.truth[usize::from(truth)]
    }

    /// What stands in a column of a row.
    #[must_use]
    pub fn value<'r>(&self, row: &'r Row, column: &Column) -> &'r Value {
        let part = match column.part {
            Part::Record => &row.record,
            Part::Report => &row.report,
            Part::Outcome => &row.outcome,
            Part::Path => &row.path,
        };
        &part[column.at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_column_is_there_twice() {
        for layout in [Layout::own(true), Layout::own(false), Layout::parsedmarc(true), Layout::parsedmarc(false)] {
            let names: BTreeSet<&str> = layout.columns().iter().map(|column| column.name).collect();
            assert_eq!(names.len(), layout.columns().len());
            assert!(names.contains("id"));
        }
    }

    #[test]
    fn the_order_of_parsedmarc_names_every_column() {
        for with_path in [true, false] {
            let layout = Layout::parsedmarc(with_path);
            let names: Vec<&str> = layout.columns().iter().map(|column| column.name).collect();
            assert_eq!(names, parsedmarc::ORDER);
        }
    }
}
