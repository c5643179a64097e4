//! Names of folders as they travel: in modified UTF-7 (RFC 3501 §5.1.3).

use base64::Engine as _;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &IMAP_MUTF7,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// The name as it is sent.
pub(super) fn encode(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut shifted: Vec<u8> = Vec::new();
    let flush = |shifted: &mut Vec<u8>, out: &mut String| {
        if !shifted.is_empty() {
            out.push('&');
            out.push_str(&BASE64.encode(&*shifted));
            out.push('-');
            shifted.clear();
        }
    };
    for c in name.chars() {
        match c {
            ' '..='~' => {
                flush(&mut shifted, &mut out);
                out.push(c);
                if c == '&' {
                    out.push('-');
                }
            }
            _ => {
                let mut units = [0; 2];
                shifted.extend(c.encode_utf16(&mut units).iter().flat_map(|unit| unit.to_be_bytes()));
            }
        }
    }
    flush(&mut shifted, &mut out);
    out
}

/// The name as people read it; as it came where it is not encoded as it should be.
pub(super) fn decode(sent: &[u8]) -> String {
    let text = String::from_utf8_lossy(sent);
    decoded(&text).unwrap_or_else(|| text.into_owned())
}

fn decoded(sent: &str) -> Option<String> {
    let mut out = String::with_capacity(sent.len());
    let mut rest = sent;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (inner, behind) = after.split_once('-')?;
        rest = behind;
        if inner.is_empty() {
            out.push('&');
            continue;
        }
        let bytes = BASE64.decode(inner).ok()?;
        let units = bytes.chunks_exact(2);
        if !units.remainder().is_empty() {
            return None;
        }
        let units = units.map(|unit| u16::from_be_bytes([unit[0], unit[1]]));
        out.push_str(&char::decode_utf16(units).collect::<Result<String, _>>().ok()?);
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_as_the_standard_has_them() {
        for (name, sent) in [
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("Entwürfe", "Entw&APw-rfe"),
            ("R&D", "R&-D"),
            ("😀", "&2D3eAA-"),
            ("a\tb", "a&AAk-b"),
        ] {
            assert_eq!(encode(name), sent);
            assert_eq!(decode(sent.as_bytes()), name);
        }
    }

    #[test]
    fn what_is_not_encoded_well_stays() {
        for sent in ["a&b", "&!!!!-", "&AA-", "&2D0-x", "Entwürfe"] {
            assert_eq!(decode(sent.as_bytes()), sent);
        }
        assert_eq!(decode(b"a\xff"), "a\u{fffd}");
    }

    proptest! {
        #[test]
        fn there_and_back(name in "\\PC{0,20}", bytes in proptest::collection::vec(any::<u8>(), 0..30)) {
            let sent = encode(&name);
            prop_assert!(sent.bytes().all(|byte| (b' '..0x7f).contains(&byte)));
            prop_assert_eq!(decode(sent.as_bytes()), name);
            let _ = decode(&bytes);
        }
    }
}
