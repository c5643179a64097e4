//! Files of rows: JSON lines, CSV, Parquet.

use std::io::{Result, Write};
use std::sync::Arc;

#[cfg(feature = "parquet")]
use super::parquet::ParquetRows;
use crate::flat::{Column, Layout, Row, Value};
use crate::render::form::csv_cell;
use crate::sanitize::harmless_json;

/// A file of rows that is being written.
pub struct RowFile<W: Write + Send> {
    layout: Arc<Layout>,
    columns: Arc<[Column]>,
    body: Body<W>,
}

enum Body<W: Write + Send> {
    Jsonl(JsonLines<W>),
    Csv(Box<csv::Writer<W>>),
    #[cfg(feature = "parquet")]
    Parquet(Box<ParquetRows<W>>),
}

impl<W: Write + Send> RowFile<W> {
    /// Begins a file with some of the columns of a layout.
    ///
    /// # Errors
    /// Those of writing.
    pub fn new(form: RowForm, layout: Arc<Layout>, columns: Arc<[Column]>, out: W) -> Result<Self> {
        let body = match form {
            RowForm::Jsonl => Body::Jsonl(JsonLines::new(&columns, out)),
            RowForm::Csv => {
                let mut writer = csv::Writer::from_writer(out);
                writer.write_record(columns.iter().map(|column| column.name)).map_err(into_io)?;
                Body::Csv(Box::new(writer))
            }
            #[cfg(feature = "parquet")]
            RowForm::Parquet => Body::Parquet(Box::new(ParquetRows::new(Arc::clone(&layout), &columns, out)?)),
        };
        Ok(RowFile { layout, columns, body })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write(&mut self, row: Row) -> Result<()> {
        match &mut self.body {
            Body::Jsonl(lines) => lines.write(self.columns.iter().map(|column| self.layout.value(&row, column))),
            Body::Csv(writer) => {
                for column in self.columns.iter() {
                    let value = self.layout.value(&row, column);
                    match value {
                        Value::Null => writer.write_field(""),
                        Value::Number(number) => writer.write_field(number.to_string()),
                        Value::Truth(truth) => writer.write_field(self.layout.truth_word(*truth)),
                        Value::Text(text) | Value::Json(text) => writer.write_field(csv_cell(text).as_bytes()),
                    }
                    .map_err(into_io)?;
                }
                writer.write_record(None::<&[u8]>).map_err(into_io)
            }
            #[cfg(feature = "parquet")]
            Body::Parquet(rows) => rows.write(row),
        }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// Those of writing.
    pub fn finish(self) -> Result<W> {
        let mut out = match self.body {
            Body::Jsonl(lines) => lines.out,
            Body::Csv(writer) => writer.into_inner().map_err(|error| error.into_error())?,
            #[cfg(feature = "parquet")]
            Body::Parquet(rows) => rows.finish()?,
        };
        out.flush()?;
        Ok(out)
    }
}

/// JSON, an object a line.
struct JsonLines<W> {
    out: W,
    /// What stands before each value: its name, with a comma or a bracket.
    names: Vec<String>,
    line: Vec<u8>,
}

impl<W: Write> JsonLines<W> {
    fn new(columns: &[Column], out: W) -> Self {
        let before = |at: usize| if at == 0 { '{' } else { ',' };
        let names = columns.iter().enumerate().map(|(at, column)| format!("{}\"{}\":", before(at), column.name));
        JsonLines { out, names: names.collect(), line: Vec::new() }
    }

    fn write<'v>(&mut self, values: impl Iterator<Item = &'v Value>) -> Result<()> {
        let line = &mut self.line;
        line.clear();
        for (name, value) in self.names.iter().zip(values) {
            line.extend_from_slice(name.as_bytes());
            match value {
                Value::Null => line.extend_from_slice(b"null"),
                Value::Number(number) => write!(line, "{number}")?,
                Value::Truth(truth) => write!(line, "{truth}")?,
                // Nearly all: nothing in it is escaped.
                Value::Text(text)
                    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !b"\"\\".contains(&byte)) =>
                {
                    line.push(b'"');
                    line.extend_from_slice(text.as_bytes());
                    line.push(b'"');
                }
                Value::Text(text) => line.extend_from_slice(harmless_json(&serde_json::to_string(&**text)?).as_bytes()),
                Value::Json(json) => line.extend_from_slice(json.as_bytes()),
            }
        }
        line.extend_from_slice(b"}\n");
        self.out.write_all(line)
    }
}

fn into_io(error: csv::Error) -> std::io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => std::io::Error::other(format!("{other:?}")),
    }
}

/// The form of a file of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowForm {
    /// A JSON object a line.
    Jsonl,
    /// A line of names, then a line a row.
    Csv,
    /// Apache Parquet.
    #[cfg(feature = "parquet")]
    Parquet,
}

impl RowForm {
    /// What the names of such files end with.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            RowForm::Jsonl => "jsonl",
            RowForm::Csv => "csv",
            #[cfg(feature = "parquet")]
            RowForm::Parquet => "parquet",
        }
    }
}
