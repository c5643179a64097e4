//! Rows for a spreadsheet, in which no text is a formula.

use std::borrow::Cow;
use std::io::{Error, Result, Write};

use csv::{ErrorKind, Writer};

use crate::render::table::Rows;
use crate::sanitize::sanitize;

/// Writes the rows below their headings.
pub(super) fn write(rows: Rows<'_>, out: &mut dyn Write) -> Result<()> {
    let mut writer = Writer::from_writer(out);
    writer.write_record(&rows.headings).map_err(into_io)?;
    for row in rows.rows {
        writer.write_record(row.iter().map(|cell| escape(cell).into_owned())).map_err(into_io)?;
    }
    writer.flush()
}

/// A cell that no spreadsheet takes for a formula.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    let text = sanitize(text);
    if text.trim_start().starts_with(['=', '+', '-', '@']) { Cow::Owned(format!("'{text}")) } else { text }
}

fn into_io(error: csv::Error) -> Error {
    match error.into_kind() {
        ErrorKind::Io(error) => error,
        other => Error::other(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_text() {
        for (text, cell) in [("=cmd()", "'=cmd()"), (" +1", "' +1"), ("-1", "'-1"), ("@x", "'@x"), ("a=b", "a=b")] {
            assert_eq!(escape(text), cell);
        }
    }
}
