//! Text of strangers, made fit to be shown and to be written into configurations.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes() {
        assert_eq!(sanitize("a\x1b[31mb\u{9b}c\r\n\u{202e}d"), "a<1b>[31mb<9b>c<0d><0a><202e>d");
        assert_eq!(sanitize("Sueño 日本"), "Sueño 日本");
    }
}
