//! Which columns rows have, in which order.

use std::sync::Arc;

use super::value::{Field, Kind, Record, Value, plain};
use super::{columns, parsedmarc};
use crate::alignment::Outcome;
use crate::diagnosis::SendingPath;
use crate::store::{PlainColumn, ReportHead};

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

impl Column {
    /// The column in a table of a database.
    #[must_use]
    pub fn plain(&self) -> PlainColumn {
        plain(self.name, self.kind)
    }
}

/// The columns of rows.
pub struct Layout {
    columns: Vec<Column>,
    pub(super) record: &'static [Field<Record>],
    pub(super) report: &'static [Field<ReportHead>],
    pub(super) outcome: &'static [Field<Outcome>],
    pub(super) path: &'static [Field<SendingPath>],
    /// What is in the columns of a path where a row has none.
    pub(super) no_path: Arc<[Value]>,
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

    /// The columns of a CSV file of parsedmarc, and `id` after them.
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

    /// Puts the columns that are named first, in this order, and the others after them.
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

/// A row, in the parts of its [`Layout`].
#[derive(Debug, Clone, Default)]
pub struct Row {
    pub(super) record: Arc<[Value]>,
    pub(super) report: Arc<[Value]>,
    pub(super) outcome: Arc<[Value]>,
    pub(super) path: Arc<[Value]>,
    /// Its messages; none where the report's count was unreadable.
    pub messages: u64,
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
