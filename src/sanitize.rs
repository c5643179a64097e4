//! Text of strangers, made fit to be shown and to be written into configurations.

use std::borrow::Cow;

/// The text without anything that a terminal, a log or a reader could mistake for more than text: control characters
/// (C0, C1, line ends too) and those that reorder or hide text are shown as their code points.
#[must_use]
pub fn sanitize(text: &str) -> Cow<'_, str> {
    // Nearly all text is this, and it takes no look at characters to see.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) || !text.chars().any(is_unfit) {
        return Cow::Borrowed(text);
    }
    replaced(text, is_unfit, |c| format!("<{:02x}>", c as u32)).into()
}

/// JSON, or a part of a text in it, without raw control characters: JSON escapes those below U+0020 itself; DEL and those from
/// U+0080 on may stand in its texts as they are, and some terminals obey them.
#[must_use]
pub fn harmless_json(json: &str) -> Cow<'_, str> {
    if !json.chars().any(is_raw_control) {
        return Cow::Borrowed(json);
    }
    replaced(json, is_raw_control, |c| format!("\\u{:04x}", c as u32)).into()
}

/// The text with something else in place of some of its characters.
fn replaced(text: &str, is_wrong: impl Fn(char) -> bool, by: impl Fn(char) -> String) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_wrong(c) {
            out.push_str(&by(c));
        } else {
            out.push(c);
        }
    }
    out
}

fn is_raw_control(c: char) -> bool {
    matches!(c, '\u{7f}'..='\u{9f}')
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
