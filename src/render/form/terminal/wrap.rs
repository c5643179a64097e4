//! Text in lines of some width.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// After these a text may be cut.
fn is_seam(c: char) -> bool {
    matches!(c, '.' | '/' | '-' | ' ' | ':')
}

/// The first part of a text that is not to be cut.
fn first_part(text: &str) -> &str {
    &text[..text.find(is_seam).map_or(text.len(), |at| at + 1)]
}

/// How wide the widest part of a text is that is not to be cut.
pub(super) fn widest_part(text: &str) -> usize {
    text.split_inclusive(is_seam).map(|part| part.trim_end().width()).max().unwrap_or(0)
}

/// Cuts a text into pieces of at most `width` columns: after a dot, slash or the like, where one is near or what follows has room in the
/// next line.
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
            if is_seam(c) {
                seam = end;
            }
        }
        let cut = match (seam, end) {
            (_, 0) => rest.chars().next().map_or(rest.len(), char::len_utf8),
            (seam, end) if seam * 2 > end => seam,
            (seam, _) if seam > 0 && first_part(&rest[seam..]).trim_end().width() <= width => seam,
            (_, end) => end,
        };
        pieces.push(rest[..cut].trim_end().to_owned());
        rest = rest[cut..].trim_start();
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

    #[test]
    fn what_has_room_in_a_line_is_not_cut() {
        assert_eq!(pieces("not-reported", 10), ["not-", "reported"]);
        assert_eq!(pieces("YOURS LOST", 5), ["YOURS", "LOST"]);
        assert_eq!(pieces("a.corporation", 5), ["a.cor", "porat", "ion"]);
        assert_eq!(widest_part("starttls-not-supported"), 9);
    }
}
