//! The answer of a question in SQL.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};

use super::document::Document;
use super::form::Answer;
use super::table::{Column, Row, Rows, Table};
use crate::store::{SqlAnswer, SqlValue};
use crate::words::hex;

impl Answer for SqlAnswer {
    const HAS_ROWS: bool = true;

    /// Rows are arrays, as two columns may have one name.
    fn data(&self) -> impl Serialize {
        let value = |value: &SqlValue| match value {
            SqlValue::Null => Value::Null,
            SqlValue::Integer(number) => json!(number),
            SqlValue::Real(number) => json!(number),
            SqlValue::Text(text) => json!(text),
            SqlValue::Bytes(bytes) => json!(hex(bytes)),
        };
        let rows: Vec<Vec<Value>> = self.rows.iter().map(|row| row.iter().map(value).collect()).collect();
        json!({ "schema": "dmarcstat/sql/1", "columns": self.columns, "rows": rows, "cut": self.is_cut })
    }

    fn document(&self) -> Document {
        let mut document = Document::default();
        document.table_or_head(table(self));
        document
    }

    fn rows(&self) -> Rows<'_> {
        let headings: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        Rows::new(&headings, self.rows.iter().map(|row| row.iter().map(|value| text(value).into_owned()).collect()))
    }
}

fn text(value: &SqlValue) -> Cow<'_, str> {
    match value {
        SqlValue::Null => Cow::Borrowed(""),
        SqlValue::Integer(number) => Cow::Owned(number.to_string()),
        SqlValue::Real(number) => Cow::Owned(number.to_string()),
        SqlValue::Text(text) => Cow::Borrowed(text),
        SqlValue::Bytes(bytes) => Cow::Owned(hex(bytes)),
    }
}

fn table(answer: &SqlAnswer) -> Table {
    let is_number = |at: usize| {
        let mut values = answer.rows.iter().map(|row| &row[at]).filter(|value| **value != SqlValue::Null).peekable();
        values.peek().is_some() && values.all(|value| matches!(value, SqlValue::Integer(_) | SqlValue::Real(_)))
    };
    let mut table = Table::new(answer.columns.iter().enumerate().map(|(at, name)| {
        // What a question calls its columns is known when it is asked. The program ends with the answer.
        let heading = name.clone().leak();
        if is_number(at) { Column::number(heading) } else { Column::text(heading) }
    }));
    for row in &answer.rows {
        table.push(Row::new(row.iter().map(|value| text(value).into_owned())));
    }
    table
}
