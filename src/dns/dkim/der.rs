//! How long an RSA key is: just enough of DER for the two forms in which it stands in a key record.
//!
//! Keys are written by strangers. Lengths are checked against what is there, nothing is copied, nesting is fixed.

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;

/// What some bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RsaKey {
    /// A SubjectPublicKeyInfo (RFC 5280 §4.1), as receivers want it, with the bits of the modulus.
    Info(usize),
    /// A bare RSAPublicKey (RFC 8017 §A.1.1), which RFC 6376 allows and receivers were seen to refuse.
    Bare(usize),
    /// A private key, PKCS#8 (RFC 5208) or RSAPrivateKey (RFC 8017 §A.1.2): whoever reads it can sign.
    Private,
}

/// What an RSA key is; `None` where the bytes are none.
#[must_use]
pub fn rsa_key(der: &[u8]) -> Option<RsaKey> {
    let (body, rest) = element(der, SEQUENCE)?;
    if !rest.is_empty() {
        return None;
    }
    if is_private(body) {
        return Some(RsaKey::Private);
    }
    if body.first() == Some(&INTEGER) {
        return modulus(body).map(RsaKey::Bare);
    }
    let (_algorithm, rest) = element(body, SEQUENCE)?;
    let (bits, rest) = element(rest, BIT_STRING)?;
    // The first byte says how many bits at the end are not used: none.
    let (&0, key) = bits.split_first()? else { return None };
    let (key, behind) = element(key, SEQUENCE)?;
    if rest.is_empty() && behind.is_empty() { modulus(key).map(RsaKey::Info) } else { None }
}

/// Both forms of a private key begin with a version, 0 or 1; what follows is an algorithm or the modulus.
fn is_private(body: &[u8]) -> bool {
    let Some(([0 | 1], rest)) = element(body, INTEGER) else { return false };
    element(rest, SEQUENCE).is_some() || element(rest, INTEGER).is_some_and(|(modulus, _)| modulus.len() >= 32)
}

fn modulus(key: &[u8]) -> Option<usize> {
    let (modulus, rest) = element(key, INTEGER)?;
    let (exponent, rest) = element(rest, INTEGER)?;
    if !rest.is_empty() || exponent.is_empty() || modulus.first()? & 0x80 != 0 {
        return None;
    }
    let first = modulus.iter().position(|&byte| byte != 0)?;
    let bytes = &modulus[first..];
    Some(bytes.len() * 8 - bytes[0].leading_zeros() as usize)
}

/// The content of an element of some type at the front, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if found != tag {
        return None;
    }
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0_usize, |length, &byte| length << 8 | usize::from(byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        let mut out = vec![tag];
        match length {
            0..=0x7f => out.push(length as u8),
            0x80..=0xff => out.extend([0x81, length as u8]),
            _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
        }
        out.extend_from_slice(content);
        out
    }

    fn bare(modulus: &[u8]) -> Vec<u8> {
        let content = [wrap(INTEGER, modulus), wrap(INTEGER, &[1, 0, 1])].concat();
        wrap(SEQUENCE, &content)
    }

    fn info(modulus: &[u8]) -> Vec<u8> {
        let algorithm = wrap(SEQUENCE, &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00]);
        let bits = wrap(BIT_STRING, &[&[0][..], &bare(modulus)].concat());
        wrap(SEQUENCE, &[algorithm, bits].concat())
    }

    #[test]
    fn a_private_key_is_seen() {
        let numbers = [wrap(INTEGER, &[0]), wrap(INTEGER, &[7; 128]), wrap(INTEGER, &[1, 0, 1])].concat();
        let key = wrap(SEQUENCE, &numbers);
        assert_eq!(rsa_key(&key), Some(RsaKey::Private));
        let algorithm = wrap(SEQUENCE, &[0x06, 0x03, 0x2b, 0x65, 0x70]);
        let pkcs8 = wrap(SEQUENCE, &[wrap(INTEGER, &[0]), algorithm, wrap(0x04, &key)].concat());
        assert_eq!(rsa_key(&pkcs8), Some(RsaKey::Private));
    }

    proptest! {
        #[test]
        fn the_length_of_the_modulus(bytes in 16..600_usize, top in 1..=255_u8) {
            let modulus = [&[0, top][..], &vec![7; bytes]].concat();
            let bits = bytes * 8 + 8 - top.leading_zeros() as usize;
            prop_assert_eq!(rsa_key(&bare(&modulus)), Some(RsaKey::Bare(bits)));
            let whole = info(&modulus);
            prop_assert_eq!(rsa_key(&whole), Some(RsaKey::Info(bits)));
            // Nothing is read from a part of it.
            for cut in [1, whole.len() / 2, whole.len() - 1] {
                prop_assert_eq!(rsa_key(&whole[..cut]), None);
            }
            prop_assert_eq!(rsa_key(&[&whole[..], &[0]].concat()), None);
        }

        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(RsaKey::Info(bits) | RsaKey::Bare(bits)) = rsa_key(&bytes) {
                prop_assert!(bits <= bytes.len() * 8);
            }
        }
    }
}
