//! A mail, of any bytes.

#![no_main]

use dmarcstat::ingest::fuzzing::examine;
use dmarcstat::limits::Limits;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Small limits, so that a bomb is a finding of this program and not of the fuzzer's clock.
    let limits = Limits { document: 4 << 20, total: 8 << 20, ..Limits::default() };
    let _ = examine(bytes, true, &limits);
});
