//! Files of rows: JSON lines, CSV, Parquet.

use std::io::{Result, Write};
use std::sync::Arc;

use super::RowForm;
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
    Jsonl(W, Vec<u8>),
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
            RowForm::Jsonl => Body::Jsonl(out, Vec::new()),
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
            Body::Jsonl(out, line) => {
                line.clear();
                for column in self.columns.iter() {
                    line.push(if line.is_empty() { b'{' } else { b',' });
                    write!(line, "\"{}\":", column.name)?;
                    match self.layout.value(&row, column) {
                        Value::Null => line.extend_from_slice(b"null"),
                        Value::Number(number) => write!(line, "{number}")?,
                        Value::Truth(truth) => write!(line, "{truth}")?,
                        Value::Text(text) => {
                            line.extend_from_slice(harmless_json(serde_json::to_string(&**text)?).as_bytes())
                        }
                        Value::Json(json) => line.extend_from_slice(json.as_bytes()),
                    }
                }
                line.extend_from_slice(b"}\n");
                out.write_all(line)
            }
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
            Body::Jsonl(out, _) => out,
            Body::Csv(writer) => writer.into_inner().map_err(|error| error.into_error())?,
            #[cfg(feature = "parquet")]
            Body::Parquet(rows) => rows.finish()?,
        };
        out.flush()?;
        Ok(out)
    }
}

fn into_io(error: csv::Error) -> std::io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => std::io::Error::other(format!("{other:?}")),
    }
}
