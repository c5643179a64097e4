//! A file of any bytes: as it is, and packed once more.

#![no_main]

use std::io::Write;

use dmarcstat::ingest::fuzzing::examine;
use dmarcstat::limits::Limits;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { document: 4 << 20, total: 8 << 20, ..Limits::default() };
    let _ = examine(bytes, false, &limits);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    if encoder.write_all(bytes).is_ok()
        && let Ok(packed) = encoder.finish()
    {
        let _ = examine(&packed, false, &limits);
    }
});
