//! Where the header of a mail begins, and whether bytes are a mail at all: a file is one if it has header fields, even
//! where its first lines are odd.

use std::borrow::Cow;

/// Fields of which nearly every mail has some.
const USUAL: [&str; 18] = [
    "from",
    "to",
    "cc",
    "subject",
    "date",
    "sender",
    "reply-to",
    "received",
    "return-path",
    "message-id",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "delivered-to",
    "dkim-signature",
    "authentication-results",
    "x-original-to",
    "arc-seal",
];
/// A longer name is not that of a field.
const LONGEST_NAME: usize = 80;
/// Lines before the header that may be something else: a border, a banner of an export.
const ODD_LINES: usize = 3;

/// The name of a header field, if a line is one: printable ASCII, perhaps blanks, a colon.
fn field_name(line: &[u8]) -> Option<&[u8]> {
    let colon = line.iter().take(LONGEST_NAME).position(|&byte| byte == b':')?;
    let name = line[..colon].trim_ascii_end();
    (!name.is_empty() && name.iter().all(u8::is_ascii_graphic)).then_some(name)
}

/// Whether a line is a header field.
#[must_use]
pub fn is_field(line: &[u8]) -> bool {
    field_name(line).is_some()
}

/// The lines of a text, whichever way they end.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = if memchr::memchr(b'\n', text).is_some() { b'\n' } else { b'\r' };
    text.split(move |&byte| byte == end)
}

/// Whether bytes begin like a mail, after a byte order mark, empty lines and a few lines that are not fields. `cut` says
/// that more follows than is given.
#[must_use]
pub fn looks_like_message(head: &[u8], cut: bool) -> bool {
    let mut head = &head[header_start(head)..];
    if cut {
        // The line that the end of what is looked at cuts proves nothing.
        head = &head[..memchr::memrchr2(b'\n', b'\r', head).unwrap_or(head.len())];
    }
    let (mut fields, mut usual, mut extensions, mut odd) = (0, 0, 0, 0);
    let mut ended = false;
    for line in lines(head) {
        let line = line.trim_ascii_end();
        if line.is_empty() {
            ended = true;
            break;
        }
        if matches!(line[0], b' ' | b'\t') {
            continue;
        }
        match field_name(line) {
            Some(name) => {
                fields += 1;
                usual += usize::from(USUAL.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes())));
                extensions += usize::from(name.len() > 2 && name[..2].eq_ignore_ascii_case(b"x-"));
            }
            None => odd += 1,
        }
    }
    if odd > 0 && (fields < 2 || odd * 3 > fields) {
        return false;
    }
    usual > 0 || cut && !ended && fields >= 8 && extensions * 2 > fields
}

/// Where the header begins: after a byte order mark, empty lines, and up to a few lines that are not fields where fields
/// follow.
#[must_use]
pub fn header_start(mail: &[u8]) -> usize {
    let marked = mail.strip_prefix(b"\xef\xbb\xbf").unwrap_or(mail);
    let blank = |from: usize| from + (mail.len() - from - mail[from..].trim_ascii_start().len());
    let mut at = blank(mail.len() - marked.len());
    let begin = at;
    for _ in 0..=ODD_LINES {
        let rest = &mail[at..];
        let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        if rest.is_empty() {
            break;
        }
        // `>From ` holds a time and so a colon, and yet is not a field.
        if is_field(&rest[..length]) && !rest.starts_with(b">From ") {
            return at;
        }
        at = blank(at + length);
    }
    begin
}

/// A mail with line ends that can be told: those of text copied between systems (CR CR LF) and of old ones (CR alone) are
/// written anew.
#[must_use]
pub fn with_plain_lines(mail: &[u8]) -> Cow<'_, [u8]> {
    let head = &mail[..mail.len().min(4096)];
    if memchr::memmem::find(head, b"\r\r\n").is_some() {
        let mut out = Vec::with_capacity(mail.len());
        let mut from = 0;
        for at in memchr::memmem::find_iter(mail, b"\r\r\n") {
            out.extend_from_slice(&mail[from..at]);
            // All of a run, so that what is plain is plain.
            out.truncate(out.iter().rposition(|&byte| byte != b'\r').map_or(0, |at| at + 1));
            from = at + 1;
        }
        out.extend_from_slice(&mail[from..]);
        return Cow::Owned(out);
    }
    if memchr::memchr(b'\n', head).is_none() && memchr::memchr(b'\r', head).is_some() {
        return Cow::Owned(mail.iter().map(|&byte| if byte == b'\r' { b'\n' } else { byte }).collect());
    }
    Cow::Borrowed(mail)
}

/// The mail in a file of Apple Mail (`.emlx`): a first line with its length in bytes, the mail, and a property list.
#[must_use]
pub fn emlx(bytes: &[u8]) -> Option<&[u8]> {
    let end = memchr::memchr(b'\n', &bytes[..bytes.len().min(32)])?;
    let digits = bytes[..end].trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let length: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let mail = &bytes[end + 1..];
    looks_like_message(&mail[..mail.len().min(4096)], mail.len() > 4096).then(|| &mail[..mail.len().min(length)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_mail() {
        for mail in [
            "Return-Path: <>\r\nReceived: x\r\n\ty\r\n",
            "\u{feff}\r\n\r\nSubject: x\r\n\r\nbody",
            "Microsoft Mail Internet Headers Version 2.0\r\nReceived: x\r\nTo: y\r\n\r\n",
            "Saved by an archive\n\nSubject: x\nFrom: y\n\n",
            ">From a@b Thu Jan  1 00:00:00 2026\nFrom: a\nTo: b\n\n",
            "From : a@b.example\r\nTo: c\r\n\r\n",
            "From: a\r\r\nTo: b\r\r\n\r\r\nbody\r\r\n",
            "From: a\rTo: b\r\rbody\r",
            "From: a\nTo: b\nX Bad Name: c\nSubject: d\n\n",
        ] {
            assert!(looks_like_message(mail.as_bytes(), false), "{mail:?}");
        }
        for text in [
            "# A title\n\nSome text\n",
            "just text: with colon\n",
            "Dear all,\nthis is it.\nGreetings,\nme\n\nTo: nobody\n",
            "key: value\nother: value\n",
            "",
        ] {
            assert!(!looks_like_message(text.as_bytes(), false), "{text:?}");
        }
    }

    #[test]
    fn line_ends_are_written_anew_once() {
        for (written, plain) in [
            ("a\r\r\nb\r\r\r\r\n\r\nc", "a\r\nb\r\n\r\nc"),
            ("\r\r\n\r\r\nx\ry", "\r\n\r\nx\ry"),
            ("a\rb\r", "a\nb\n"),
            ("a\r\nb\n", "a\r\nb\n"),
        ] {
            let once = with_plain_lines(written.as_bytes());
            assert_eq!(std::str::from_utf8(&once).unwrap(), plain);
            assert!(matches!(with_plain_lines(&once), Cow::Borrowed(_)));
        }
    }

    #[test]
    fn many_extensions_first() {
        let head = "X-Gateway-Check: passed with a long remark on what was checked\r\n".repeat(80);
        assert!(looks_like_message(head.as_bytes(), true));
        assert!(!looks_like_message(head.as_bytes(), false));
        assert!(!looks_like_message("key: value\n".repeat(80).as_bytes(), true));
    }

    #[test]
    fn mails_of_apple() {
        assert_eq!(emlx(b"12      \nSubject: x\n\n<?xml version"), Some(&b"Subject: x\n\n"[..]));
        assert_eq!(emlx(b"2026\nwas a good year\n"), None);
    }
}
