//! Content-Transfer-Encoding (RFC 2045 §6), decoded leniently.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::sniff::{HEAD, Kind, sniff};

/// Real base64 comes with all kinds of ends; what they cut off is never more than the last few bits.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(false),
);

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// 7bit, 8bit, binary, and what nobody knows.
    Identity,
    /// base64.
    Base64,
    /// Quoted-printable.
    QuotedPrintable,
    /// uuencode, under any of its names.
    Uuencode,
}

impl Transfer {
    /// From the value of the header field. The word counts and not what hangs on it: blanks, quotes, a semicolon, a
    /// comment.
    #[must_use]
    pub fn from_field(value: &[u8]) -> Self {
        let word: Vec<u8> = value
            .split(|byte| matches!(byte, b';' | b'(' | b','))
            .next()
            .unwrap_or_default()
            .iter()
            .filter(|byte| byte.is_ascii_alphanumeric())
            .map(u8::to_ascii_lowercase)
            .collect();
        match word.strip_prefix(b"x").unwrap_or(&word) {
            b"base64" | b"b64" => Transfer::Base64,
            b"quotedprintable" => Transfer::QuotedPrintable,
            b"uuencode" | b"uuencoded" | b"uue" | b"uu" => Transfer::Uuencode,
            _ => Transfer::Identity,
        }
    }

    /// The body decoded as it is labelled, and whether that took leniency.
    #[must_use]
    pub fn decode(self, body: &[u8]) -> (Cow<'_, [u8]>, bool) {
        match self {
            Transfer::Identity => (Cow::Borrowed(body), false),
            Transfer::QuotedPrintable => match mail_parser::decoders::quoted_printable::quoted_printable_decode(body) {
                Some(decoded) => (Cow::Owned(decoded), false),
                None => (Cow::Borrowed(body), false),
            },
            Transfer::Base64 => {
                let (decoded, lenient) = base64(body);
                (Cow::Owned(decoded), lenient)
            }
            Transfer::Uuencode => match super::uuencode::files(body).next() {
                Some(file) => (Cow::Owned(file.decode()), false),
                None => (Cow::Borrowed(body), true),
            },
        }
    }

    /// The body, decoded so that something can be made of it: as it is labelled, and where that gives nothing that is
    /// known, as it lies, as base64, or both one after the other. Whether that took leniency.
    #[must_use]
    pub fn decode_to_sense(self, body: &[u8]) -> (Cow<'_, [u8]>, bool) {
        let (labelled, lenient) = self.decode(body);
        if makes_sense(&labelled) {
            return (labelled, lenient);
        }
        if self != Transfer::Identity && makes_sense(body) {
            return (Cow::Borrowed(body), true);
        }
        if let Some(decoded) = hidden_base64(body) {
            return (Cow::Owned(decoded), true);
        }
        if self != Transfer::Identity
            && let Some(decoded) = hidden_base64(&labelled)
        {
            return (Cow::Owned(decoded), true);
        }
        if self != Transfer::Uuencode
            && let Some(file) = super::uuencode::files(body).next()
            && let decoded = file.decode()
            && makes_sense(&decoded)
        {
            return (Cow::Owned(decoded), true);
        }
        (labelled, lenient)
    }
}

/// Whether bytes begin as something that is opened here.
fn makes_sense(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(HEAD)];
    let text = head.trim_ascii_start();
    match sniff(head) {
        Kind::Gzip | Kind::Zip | Kind::Zstd | Kind::DovecotLz4 | Kind::Json | Kind::Utf16 => true,
        // Two bytes are not much to go by.
        Kind::Zlib => bytes.len() > 16 && bytes.iter().take(64).any(|byte| !byte.is_ascii()),
        Kind::Xml => text.starts_with(b"<") || text.starts_with(b"\xef\xbb\xbf"),
        Kind::Unsupported(_) | Kind::Tnef | Kind::Ole => true,
        _ => false,
    }
}

/// What base64 begins with that holds gzip, zip or a report; in lines of a text that need not begin with it, since
/// gateways put remains of a header or a remark before it.
const BEGINNINGS: [&[u8]; 6] = [b"H4sI", b"UEsDB", b"PD94bW", b"PGZlZWRiYWNr", b"77u/PD94", b"77u/PGZl"];

/// base64 that its label hides, if that makes sense once decoded.
fn hidden_base64(body: &[u8]) -> Option<Vec<u8>> {
    let start = BEGINNINGS
        .iter()
        .filter_map(|beginning| {
            memchr::memmem::find_iter(body, beginning)
                .find(|&at| at == 0 || body[at - 1] == b'\n' || body[at - 1].is_ascii_whitespace())
        })
        .min()?;
    let text = &body[start..];
    // Up to the first line that is none.
    let mut end = 0;
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        if !line.trim_ascii().iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte)) {
            break;
        }
        end += line.len();
    }
    let (decoded, _) = base64(&text[..end]);
    makes_sense(&decoded).then_some(decoded)
}

/// How much base64 is decoded at once; a multiple of four.
const CHUNK: usize = 16 * 1024;

fn base64(body: &[u8]) -> (Vec<u8>, bool) {
    match strict_base64(body) {
        Some(decoded) => (decoded, false),
        None => (lenient_base64(body), true),
    }
}

/// Decodes what is as it should be, without a copy of the whole.
fn strict_base64(body: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(body.len() / 4 * 3 + 3);
    let mut chunk = Vec::with_capacity(body.len().min(2 * CHUNK));
    for line in body.split(|&byte| byte == b'\n') {
        let line = line.trim_ascii();
        if line.len() > CHUNK {
            return None;
        }
        chunk.extend_from_slice(line);
        if chunk.len() >= CHUNK {
            ENGINE.decode_vec(&chunk[..CHUNK], &mut decoded).ok()?;
            // Padding ends the data; here it would end a piece of it.
            if chunk[CHUNK - 1] == b'=' {
                return None;
            }
            chunk.drain(..CHUNK);
        }
    }
    ENGINE.decode_vec(&chunk, &mut decoded).ok()?;
    Some(decoded)
}

fn lenient_base64(body: &[u8]) -> Vec<u8> {
    let mut packed = body.to_vec();
    // Skips what is not in the alphabet, ends at the padding, drops the bits that make no byte.
    packed.retain(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
    let end = memchr::memchr(b'=', &packed).unwrap_or(packed.len());
    packed.truncate(end);
    if packed.len() % 4 == 1 {
        packed.pop();
    }
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    LENIENT.decode(&packed).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_with_all_kinds_of_ends() {
        for (written, lenient) in [
            ("aGVs\r\nbG8=\r\n", false),
            ("aGVsbG8", true),
            ("aGVsbG8==", true),
            ("aGVs!bG8=", true),
            ("aGVsbG8=\n\nfooter text", true),
            ("aGVsbG9", true),
        ] {
            assert_eq!(base64(written.as_bytes()), (b"hello".to_vec(), lenient), "{written}");
        }
    }

    #[test]
    fn words_with_something_on_them() {
        for word in
            ["base64", " BASE64 ", "base64;", "\"base64\"", "base64 (MIME)", "Base-64", "x-base64", "base64\r\n"]
        {
            assert_eq!(Transfer::from_field(word.as_bytes()), Transfer::Base64, "{word}");
        }
        assert_eq!(Transfer::from_field(b"quoted-printable;"), Transfer::QuotedPrintable);
        assert_eq!(Transfer::from_field(b"x-uuencode"), Transfer::Uuencode);
        assert_eq!(Transfer::from_field(b"8bit"), Transfer::Identity);
    }

    #[test]
    fn labels_that_lie() {
        let xml = "<?xml version='1.0'?><feedback/>";
        let packed = base64::engine::general_purpose::STANDARD.encode(xml);
        let twice = base64::engine::general_purpose::STANDARD.encode(&packed);
        let remains = format!("Content-Disposition: attachment\r\n\r\n{packed}\r\n");
        for (transfer, body) in [
            (Transfer::Base64, xml),
            (Transfer::Uuencode, xml),
            (Transfer::Identity, &packed),
            (Transfer::QuotedPrintable, &packed),
            (Transfer::Base64, &twice),
            (Transfer::Identity, &remains),
            (Transfer::Base64, &remains),
        ] {
            let (decoded, lenient) = transfer.decode_to_sense(body.as_bytes());
            assert_eq!((String::from_utf8_lossy(&decoded).as_ref(), lenient), (xml, true), "{transfer:?} {body}");
        }
        assert_eq!(Transfer::Base64.decode_to_sense(b"aGVsbG8=").0.as_ref(), b"hello");
    }

    #[test]
    fn quoted_printable() {
        assert_eq!(Transfer::QuotedPrintable.decode(b"a=3Cb=\r\n>").0.as_ref(), b"a<b>");
    }
}
