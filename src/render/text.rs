//! Text of strangers in CSV and Markdown, and bytes in digits.

use std::borrow::Cow;

use crate::sanitize::sanitize;

/// A cell of a CSV file that no spreadsheet takes for a formula.
#[must_use]
pub fn csv_cell(text: &str) -> Cow<'_, str> {
    let text = sanitize(text);
    if text.trim_start().starts_with(['=', '+', '-', '@']) { Cow::Owned(format!("'{text}")) } else { text }
}

/// Text within a Markdown table.
#[must_use]
pub fn markdown_cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in sanitize(text).chars() {
        match c {
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '#' | '~' | '!' => out.extend(['\\', c]),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            _ => out.push(c),
        }
    }
    out
}

/// Bytes as hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_text() {
        for (text, cell) in [("=cmd()", "'=cmd()"), (" +1", "' +1"), ("-1", "'-1"), ("@x", "'@x"), ("a=b", "a=b")] {
            assert_eq!(csv_cell(text), cell);
        }
    }

    #[test]
    fn markup_is_text() {
        assert_eq!(markdown_cell("a|b <i>*x*</i>"), "a\\|b &lt;i&gt;\\*x\\*&lt;/i&gt;");
    }
}
