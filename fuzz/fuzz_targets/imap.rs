//! What an IMAP server sends: read and understood without a panic, the same however it comes in pieces.

#![no_main]

use dmarcstat::source::imap::fuzzing::read_answers;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    assert_eq!(read_answers(bytes, 7), read_answers(bytes, usize::MAX));
});
