//! A mailbox file of any bytes: split the same however it is read, nothing more in its mails than was in it; and all that is
//! in them examined.

#![no_main]

use std::io::BufReader;

use dmarcstat::container::mbox::{Mail, Mails};
use dmarcstat::ingest::fuzzing::examine;
use dmarcstat::limits::Limits;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let split = |capacity: usize, most: u64| {
        let mut mails = Mails::new(BufReader::with_capacity(capacity, bytes), most);
        let mut found = Vec::new();
        while let Ok(Some(mail)) = mails.next_mail() {
            found.push(mail);
        }
        found
    };
    let whole = split(64 * 1024, u64::MAX);
    assert_eq!(whole, split(3, u64::MAX));
    let length: usize = whole.iter().map(|mail| if let Mail::Whole(bytes) = mail { bytes.len() } else { 0 }).sum();
    assert!(length <= bytes.len());
    // A limit cuts mails, and moves no border.
    assert_eq!(split(64 * 1024, 50).len(), whole.len());
    let limits = Limits { document: 4 << 20, total: 8 << 20, ..Limits::default() };
    let _ = examine(&[&b"From x@example.com Thu Oct  1 00:00:00 2026\n"[..], bytes].concat(), false, &limits);
});
