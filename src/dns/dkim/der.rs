//! How long an RSA key is: just enough of DER for the two forms in which it stands in a key record.
//!
//! Keys are written by strangers. Lengths are checked against what is there, nothing is copied, nesting is fixed.

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;

/// The bits of the modulus of an RSA key, given as SubjectPublicKeyInfo (RFC 5280 §4.1) or as bare RSAPublicKey (RFC 8017
/// §A.1.1). `None` where it is neither.
#[must_use]
pub fn rsa_bits(der: &[u8]) -> Option<usize> {
    let (body, rest) = element(der, SEQUENCE)?;
    if !rest.is_empty() {
        return None;
    }
    if body.first() == Some(&INTEGER) {
        return modulus(body);
    }
    let (_algorithm, rest) = element(body, SEQUENCE)?;
    let (bits, rest) = element(rest, BIT_STRING)?;
    // The first byte says how many bits at the end are not used: none.
    let (&0, key) = bits.split_first()? else { return None };
    let (key, behind) = element(key, SEQUENCE)?;
    if rest.is_empty() && behind.is_empty() { modulus(key) } else { None }
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

    proptest! {
        #[test]
        fn the_length_of_the_modulus(bytes in 16..600_usize, top in 1..=255_u8) {
            let modulus = [&[0, top][..], &vec![7; bytes]].concat();
            let bits = bytes * 8 + 8 - top.leading_zeros() as usize;
            prop_assert_eq!(rsa_bits(&bare(&modulus)), Some(bits));
            let whole = info(&modulus);
            prop_assert_eq!(rsa_bits(&whole), Some(bits));
            // Nothing is read from a part of it.
            for cut in [1, whole.len() / 2, whole.len() - 1] {
                prop_assert_eq!(rsa_bits(&whole[..cut]), None);
            }
            prop_assert_eq!(rsa_bits(&[&whole[..], &[0]].concat()), None);
        }

        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(bits) = rsa_bits(&bytes) {
                prop_assert!(bits <= bytes.len() * 8);
            }
        }
    }
}
