//! The forms of an answer. Each is a file that writes any [`Document`], rows or data in its way, and makes the texts of strangers
//! harmless for where it goes; [`Form::write`] is the only place that chooses among them.
//!
//! To add a form, add its file and its line in [`Form`] and in [`Form::write`].

mod csv;
mod html;
mod json;
mod markdown;
mod style;
mod terminal;

use std::io::{Error, ErrorKind, Result, Write};

use clap::ValueEnum;
use serde::Serialize;

pub use csv::escape as csv_cell;
pub use style::Style;

use super::document::Document;
use super::table::Rows;

/// An answer: what it says to programs, to people and to spreadsheets.
pub trait Answer {
    /// It is a list of something, and so has rows.
    const HAS_ROWS: bool = false;

    /// What it says to programs.
    fn data(&self) -> impl Serialize;

    /// What it says to people.
    fn document(&self) -> Document;

    /// Its rows, where it is a list of something.
    fn rows(&self) -> Rows<'_> {
        Rows::none()
    }
}

/// Writes a document as a page of its own.
///
/// # Errors
/// Those of writing.
pub fn write_page(document: &Document, out: &mut dyn Write) -> Result<()> {
    html::write(document, out)
}

/// Whether a file that begins so is a page that this program wrote.
#[must_use]
pub fn is_page(beginning: &[u8]) -> bool {
    html::is_page(beginning)
}

/// How wide text in a mail is.
const MAIL_WIDTH: u16 = 76;

/// The forms of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For reading in a terminal
    Table,
    /// One JSON object
    Json,
    /// For a spreadsheet
    Csv,
    /// For a ticket or a wiki
    Markdown,
    /// For a browser: a page without script
    Html,
    /// Of `export`: a JSON object a line
    Jsonl,
    /// Of `export`: Apache Parquet
    Parquet,
}

impl Form {
    /// Writes an answer in this form.
    ///
    /// # Errors
    /// Those of writing; [`ErrorKind::Unsupported`] for an answer without rows as CSV.
    pub fn write<A: Answer>(self, answer: &A, style: &Style, out: &mut dyn Write) -> Result<()> {
        match self {
            Form::Table => terminal::write(&answer.document(), style, out),
            Form::Json => json::write(&answer.data(), out),
            Form::Csv if A::HAS_ROWS => csv::write(answer.rows(), out),
            Form::Csv | Form::Jsonl | Form::Parquet => Err(Error::new(ErrorKind::Unsupported, self.refusal())),
            Form::Markdown => markdown::write(&answer.document(), out),
            Form::Html => html::write(&answer.document(), out),
        }
    }

    /// An answer in this form as text, for a mail or a message: as wide as mail is, and without colour.
    ///
    /// # Errors
    /// As in [`Form::write`].
    pub fn text<A: Answer>(self, answer: &A) -> Result<String> {
        let mut bytes = Vec::new();
        self.write(answer, &Style { width: MAIL_WIDTH, color: false, unicode: true }, &mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Whether answers of this kind have this form. Asked before something is done of which the answer tells.
    #[must_use]
    pub fn has<A: Answer>(self) -> bool {
        match self {
            Form::Csv => A::HAS_ROWS,
            // Not of answers, but of the records that they are made from.
            Form::Jsonl | Form::Parquet => false,
            _ => true,
        }
    }

    /// What is said where an answer does not have this form.
    #[must_use]
    pub fn refusal(self) -> &'static str {
        match self {
            Form::Csv => "this answer has no rows to write as CSV: use --format json",
            _ => "only `export` writes rows as jsonl or parquet: use --format json or csv",
        }
    }

    /// Whether a person reads it as it comes, in a terminal.
    #[must_use]
    pub fn is_for_terminals(self) -> bool {
        self == Form::Table
    }

    /// Whether a program reads it, which is answered always, whatever there is to say.
    #[must_use]
    pub fn is_for_programs(self) -> bool {
        self == Form::Json
    }
}
