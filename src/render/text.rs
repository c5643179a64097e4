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

/// A number with its thousands apart.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A share in percent: never 100 while something is missing, never 0 while something is there.
#[must_use]
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let share = part as f64 * 100.0 / whole as f64;
    match (part, share) {
        (0, _) => "0%".to_owned(),
        (part, _) if part == whole => "100%".to_owned(),
        (_, share) if share < 1.0 => "<1%".to_owned(),
        (_, share) if share > 99.0 => format!("{:.1}%", (share * 10.0).floor() / 10.0),
        (_, share) => format!("{share:.0}%"),
    }
}

/// Bytes as hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `1 report`, `2 reports`.
#[must_use]
pub fn plural(number: u64, word: &str) -> String {
    format!("{} {word}{}", grouped(number), if number == 1 { "" } else { "s" })
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

    #[test]
    fn numbers_for_people() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(
            (percent(1, 1000).as_str(), percent(999, 1000).as_str(), percent(0, 0).as_str()),
            ("<1%", "99.9%", "–")
        );
        assert_eq!(percent(99_999, 100_000), "99.9%");
    }
}
