//! Text in lines of some width.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Cuts a text into pieces of at most `width` columns, behind a dot or slash where one is near.
pub(super) fn pieces(text: &str, width: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while rest.width() > width && width > 0 {
        let mut end = 0;
        let mut taken = 0;
        let mut seam = 0;
        for (at, c) in rest.char_indices() {
            taken += c.width().unwrap_or(0);
            if taken > width {
                break;
            }
            end = at + c.len_utf8();
            if matches!(c, '.' | '/' | '-' | ' ' | ':') {
                seam = end;
            }
        }
        let cut = match (seam, end) {
            (_, 0) => rest.chars().next().map_or(rest.len(), char::len_utf8),
            (seam, end) if seam * 2 > end => seam,
            (_, end) => end,
        };
        pieces.push(rest[..cut].trim_end().to_owned());
        rest = &rest[cut..];
    }
    pieces.push(rest.to_owned());
    pieces
}

/// Breaks a text into lines of at most `width` columns, between words, and within those that are longer than a line.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace().flat_map(|word| pieces(word, width)) {
        let last = lines.len() - 1;
        if lines[last].is_empty() {
            lines[last].push_str(&word);
        } else if lines[last].width() + 1 + word.width() <= width {
            lines[last].push(' ');
            lines[last].push_str(&word);
        } else {
            lines.push(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_to_the_whole() {
        assert_eq!(pieces("abcdef", 4), ["abcd", "ef"]);
        assert_eq!(pieces("日本語", 3), ["日", "本", "語"]);
        assert_eq!(pieces("", 4), [""]);
    }
}
