//! Small whole numbers in few bytes: seven bits a byte, the high bit for "more follows" (LEB128).

/// Appends a number.
pub fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes a number from the front; `None` where the bytes end within it or it would not fit.
#[inline]
pub fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn what_is_put_is_taken(value: u64, tail: u8) {
            let mut bytes = Vec::new();
            put(&mut bytes, value);
            bytes.push(tail);
            let mut rest = bytes.as_slice();
            proptest::prop_assert_eq!(take(&mut rest), Some(value));
            proptest::prop_assert_eq!(rest, &[tail]);
        }

        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            let mut rest = bytes.as_slice();
            while take(&mut rest).is_some() {}
        }
    }
}
