//! The header of a message: signatures, chains, lists of tags.

#![no_main]

use dmarcstat::inspect::inspect;
use dmarcstat::tag_list::TagList;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = TagList::parse(bytes);
    for trusted in [Vec::new(), vec!["mx.example.com".to_owned()]] {
        let _ = inspect(bytes, true, &trusted, 0, &|_| None);
    }
});
