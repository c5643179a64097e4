//! What a damaged database holds in place of packed records and outcomes.

#![no_main]

use dmarcstat::alignment::codec::{self, InPlace};
use dmarcstat::rows;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut sum = 0_u64;
    for row in rows::iterate(bytes) {
        // In the plain way: counts are bounded, so that no sum over what fits on a disk leaves its bits.
        sum += row.count.unwrap_or(0);
    }
    let mut rest = bytes;
    while rows::take_head(&mut rest).is_some() && rows::take_address_bytes(&mut rest).is_some() {}
    assert!(rest.len() <= bytes.len() && sum <= bytes.len() as u64 * rows::LARGEST_COUNT);
    let mut outcome = bytes;
    let _ = codec::decode(&mut outcome, &mut InPlace);
});
