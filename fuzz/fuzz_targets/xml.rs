//! A document that begins as a report does.

#![no_main]

use dmarcstat::ingest::fuzzing::examine;
use dmarcstat::limits::Limits;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { document: 4 << 20, total: 8 << 20, ..Limits::default() };
    let mut document = b"<feedback>".to_vec();
    document.extend_from_slice(bytes);
    let _ = examine(&document, false, &limits);
});
