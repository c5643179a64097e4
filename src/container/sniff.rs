//! What bytes are, by their beginning. Names and types that a mail gives are never asked.

use super::lz4;
use super::mbox::begins_mailbox;
use crate::mail::message::{emlx, looks_like_message};

/// How many bytes of a file or an unpacked stream are looked at.
pub const HEAD: usize = 4096;

/// What bytes begin like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing, or nothing but white space and zeros.
    Empty,
    /// XML in UTF-8 or a character set that contains ASCII.
    Xml,
    /// Text in UTF-16 with a byte order mark.
    Utf16,
    /// UTF-16 without a byte order mark.
    BareUtf16,
    /// gzip.
    Gzip,
    /// zlib.
    Zlib,
    /// zip.
    Zip,
    /// Zstandard.
    Zstd,
    /// The lz4 stream of Dovecot.
    DovecotLz4,
    /// A mail that Dovecot encrypted (mail_crypt).
    MailCrypt,
    /// JSON.
    Json,
    /// A mailbox file of many mails.
    Mbox,
    /// A mail.
    Message,
    /// A mail in a file of Apple Mail.
    Emlx,
    /// A container that is not opened, by its name.
    Unsupported(&'static str),
    /// Microsoft TNEF (`winmail.dat`).
    Tnef,
    /// An OLE file, such as Outlook's `.msg`.
    Ole,
    /// Anything else.
    Other,
}

/// What bytes with this beginning are.
#[must_use]
pub fn sniff(head: &[u8]) -> Kind {
    const MAGIC: [(&[u8], Kind); 16] = [
        (b"\x1f\x8b", Kind::Gzip),
        (b"PK\x03\x04", Kind::Zip),
        (b"PK\x05\x06", Kind::Zip),
        (b"PK\x07\x08", Kind::Zip),
        (b"\xff\xfe", Kind::Utf16),
        (b"\xfe\xff", Kind::Utf16),
        (lz4::MAGIC, Kind::DovecotLz4),
        (b"CRYPTED\x03\x07", Kind::MailCrypt),
        (b"\x04\x22\x4d\x18", Kind::Unsupported("lz4")),
        (b"7z\xbc\xaf\x27\x1c", Kind::Unsupported("7z")),
        (b"Rar!\x1a\x07", Kind::Unsupported("rar")),
        (b"BZh", Kind::Unsupported("bzip2")),
        (b"\xfd7zXZ\x00", Kind::Unsupported("xz")),
        (b"\x28\xb5\x2f\xfd", Kind::Zstd),
        (b"\x78\x9f\x3e\x22", Kind::Tnef),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind::Ole),
    ];
    if let Some((_, kind)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return *kind;
    }
    if head.starts_with(b"<\0") || head.starts_with(b"\0<") {
        return Kind::BareUtf16;
    }
    if head.get(257..262) == Some(b"ustar") {
        return Kind::Unsupported("tar");
    }
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = without_blanks(head);
    let Some(&first) = text.first() else { return Kind::Empty };
    match first {
        b'<' if text.get(1).is_some_and(|&next| next.is_ascii_alphabetic() || b"?!_".contains(&next)) => Kind::Xml,
        b'{' | b'[' if begins_json(text) => Kind::Json,
        _ if is_zlib(head) => Kind::Zlib,
        _ if begins_mailbox(head) => Kind::Mbox,
        _ if emlx(head).is_some() => Kind::Emlx,
        _ if looks_like_message(head, head.len() >= HEAD - 3) => Kind::Message,
        // Junk before the report is seen at some reporters; a report's root element cannot be junk.
        _ if has_root(text) => Kind::Xml,
        _ => Kind::Other,
    }
}

/// What stands after white space, zeros and byte order marks, however many there are.
fn without_blanks(mut text: &[u8]) -> &[u8] {
    loop {
        let start = text.iter().position(|&byte| !byte.is_ascii_whitespace() && byte != 0).unwrap_or(text.len());
        text = &text[start..];
        match text.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) => text = rest,
            None => return text,
        }
    }
}

/// Whether text after an opening bracket goes on as JSON does: a banner in brackets is none.
fn begins_json(text: &[u8]) -> bool {
    match text[1..].trim_ascii_start().first() {
        Some(b'"' | b'}' | b'{') | None => true,
        Some(next) => text[0] == b'[' && (next.is_ascii_digit() || b"[]-tfn".contains(next)),
    }
}

fn is_zlib(head: &[u8]) -> bool {
    // RFC 1950 §2.2: deflate with a 32 KiB window, and a check over both bytes.
    matches!(head, [0x78, flags, _, ..] if (0x7800 | u32::from(*flags)) % 31 == 0 && flags & 0x20 == 0)
}

fn has_root(text: &[u8]) -> bool {
    memchr::memmem::find_iter(text, b"feedback").any(|at| {
        let before = &text[..at];
        before.ends_with(b"<")
            || before.ends_with(b":") && memchr::memrchr(b'<', &before[before.len().saturating_sub(40)..]).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_their_beginning() {
        for (bytes, kind) in [
            (&b""[..], Kind::Empty),
            (b" \r\n\0", Kind::Empty),
            (b"\xef\xbb\xbf", Kind::Empty),
            (b"\n\xef\xbb\xbf", Kind::Empty),
            (b"\xef\xbb\xbf\xef\xbb\xbf\n\xef\xbb\xbf\0", Kind::Empty),
            (b"\n\xef\xbb\xbf \xef\xbb\xbf<feedback>", Kind::Xml),
            (b"\xef\xbb\xbf\n<feedback>", Kind::Xml),
            (b"<?xml version='1.0'?>", Kind::Xml),
            (b"\"<?xml?><feedback>", Kind::Xml),
            (b"junk <ns0:feedback>", Kind::Xml),
            (b"< 5 mails", Kind::Other),
            (b"{\"policies\":[]}", Kind::Json),
            (b"[ {\"policies\":[]}]", Kind::Json),
            (b"[EXTERNAL]\n\nFrom: a@b\nTo: c\n\n", Kind::Message),
            (b"\x78\x9c\x4b", Kind::Zlib),
            (b"x marks", Kind::Other),
            (b"From a@b Thu Jan 1 00:00:00 2026\n", Kind::Mbox),
            (b"\xef\xbb\xbfFrom \r\nSubject: x\r\n", Kind::Mbox),
            (b"From here on", Kind::Other),
            (b"10\nSubject: x\n\n<?xml", Kind::Emlx),
            (b"CRYPTED\x03\x07\0", Kind::MailCrypt),
            (b"From: a@b\nTo: c\n\n", Kind::Message),
            (b"unused", Kind::Other),
        ] {
            assert_eq!(sniff(bytes), kind, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
