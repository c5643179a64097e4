//! The header of a message: signatures, results, chains.

#![no_main]

use dmarcstat::inspect::inspect;
use dmarcstat::mail::{AuthenticationResults, Authenticity, NAMELESS};
use dmarcstat::tag_list::TagList;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = (AuthenticationResults::parse(bytes), AuthenticationResults::parse_arc(bytes), TagList::parse(bytes));
    let _ = (Authenticity::of(bytes, "mx.example.com"), Authenticity::of(bytes, NAMELESS));
    for trusted in [Vec::new(), vec!["mx.example.com".to_owned()]] {
        let _ = inspect(bytes, true, &trusted, 0, &|_| None);
    }
});
