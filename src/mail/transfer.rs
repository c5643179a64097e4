//! Content-Transfer-Encoding (RFC 2045 §6), decoded leniently.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

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
}

impl Transfer {
    /// From the value of the header field.
    #[must_use]
    pub fn from_field(value: &[u8]) -> Self {
        let value = value.trim_ascii();
        if value.eq_ignore_ascii_case(b"base64") {
            Transfer::Base64
        } else if value.eq_ignore_ascii_case(b"quoted-printable") {
            Transfer::QuotedPrintable
        } else {
            Transfer::Identity
        }
    }

    /// The decoded body, and whether that took leniency.
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
        }
    }
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
    fn quoted_printable() {
        assert_eq!(Transfer::QuotedPrintable.decode(b"a=3Cb=\r\n>").0.as_ref(), b"a<b>");
    }
}
