//! The answer of a question in SQL.

use std::borrow::Cow;
use std::io::{Result, Write};

use serde_json::{Value, json};

use super::grid::{Column, Grid, Row, csv};
use super::text::hex;
use super::{Form, Style, json};
use crate::sanitize::sanitize;
use crate::store::{SqlAnswer, SqlValue};

/// Writes the answer.
///
/// # Errors
/// Those of writing.
pub fn sql(answer: &SqlAnswer, form: Form, style: &Style, out: &mut dyn Write) -> Result<()> {
    match form {
        Form::Json => json(&data(answer), out),
        Form::Csv => {
            let headings: Vec<&str> = answer.columns.iter().map(String::as_str).collect();
            let rows = answer.rows.iter().map(|row| row.iter().map(|value| text(value).into_owned()).collect());
            csv(&headings, rows, out)
        }
        Form::Table | Form::Markdown => {
            let grid = grid(answer);
            if form == Form::Table { grid.table(out, style) } else { grid.markdown(out) }
        }
    }
}

/// Rows are arrays, as two columns may have one name.
fn data(answer: &SqlAnswer) -> Value {
    let value = |value: &SqlValue| match value {
        SqlValue::Null => Value::Null,
        SqlValue::Integer(number) => json!(number),
        SqlValue::Real(number) => json!(number),
        SqlValue::Text(text) => json!(text),
        SqlValue::Bytes(bytes) => json!(hex(bytes)),
    };
    let rows: Vec<Vec<Value>> = answer.rows.iter().map(|row| row.iter().map(value).collect()).collect();
    json!({ "schema": "dmarcstat/sql/1", "columns": answer.columns, "rows": rows, "cut": answer.is_cut })
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

fn grid(answer: &SqlAnswer) -> Grid {
    let is_number = |at: usize| {
        let mut values = answer.rows.iter().map(|row| &row[at]).filter(|value| **value != SqlValue::Null).peekable();
        values.peek().is_some() && values.all(|value| matches!(value, SqlValue::Integer(_) | SqlValue::Real(_)))
    };
    let mut grid = Grid::new(answer.columns.iter().enumerate().map(|(at, name)| {
        // What a question calls its columns is known when it is asked. The program ends with the answer.
        let heading = sanitize(name).into_owned().leak();
        if is_number(at) { Column::number(heading) } else { Column::text(heading) }
    }));
    for row in &answer.rows {
        grid.push(Row::new(row.iter().map(|value| text(value).into_owned())));
    }
    grid
}
