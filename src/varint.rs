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
    // Nearly all are short, and how short is nothing a processor can guess: so without branches on it.
    if let Some(&four) = bytes.first_chunk::<4>() {
        let word = u32::from_le_bytes(four);
        let ends = !word & 0x8080_8080;
        if ends != 0 {
            let length = ends.trailing_zeros() / 8 + 1;
            let word = word & (u32::MAX >> (32 - 8 * length));
            *bytes = &bytes[length as usize..];
            let value = word & 0x7f | word >> 1 & 0x3f80 | word >> 2 & 0x1f_c000 | word >> 3 & 0xfe0_0000;
            return Some(u64::from(value));
        }
    }
    take_long(bytes)
}

#[cold]
fn take_long(bytes: &mut &[u8]) -> Option<u64> {
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
        fn short_ones_are_taken_alike(value in 0..1_u64 << 30, tail in proptest::collection::vec(0_u8.., 0..5)) {
            let mut bytes = Vec::new();
            put(&mut bytes, value);
            bytes.extend(&tail);
            let (mut rest, mut slowly) = (bytes.as_slice(), bytes.as_slice());
            proptest::prop_assert_eq!((take(&mut rest), rest), (take_long(&mut slowly), slowly));
            proptest::prop_assert_eq!(rest, tail.as_slice());
        }

        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            let mut rest = bytes.as_slice();
            while take(&mut rest).is_some() {}
        }
    }
}
