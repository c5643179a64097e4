//! Text of strangers, made fit to be shown.

use std::borrow::Cow;

/// The text without anything that a terminal, a log or a reader could mistake for more than text: control characters
/// (C0, C1, line ends too) and those that reorder or hide text are shown as their code points.
#[must_use]
pub fn sanitize(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unfit) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unfit(c) {
            out.push_str(&format!("<{:02x}>", c as u32));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

fn is_unfit(c: char) -> bool {
    c.is_control()
        || matches!(c as u32,
            0x00ad | 0x061c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfe00..=0xfe0f | 0xfeff
            | 0xfff9..=0xfffb | 0xe0000..=0xe0fff)
}

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
    fn nothing_escapes() {
        assert_eq!(sanitize("a\x1b[31mb\u{9b}c\r\n\u{202e}d"), "a<1b>[31mb<9b>c<0d><0a><202e>d");
        assert_eq!(sanitize("Sueño 日本"), "Sueño 日本");
    }

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
