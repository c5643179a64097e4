//! What a mail server calls its folders and its mails: names in modified UTF-7, sets of UIDs.

#![no_main]

use dmarcstat::source::imap::fuzzing::read_folder_name;
use dmarcstat::uid_set::UidSet;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = read_folder_name(bytes);
    let Ok(set) = String::from_utf8_lossy(bytes).parse::<UidSet>() else { return };
    // Four thousand million mails in one range are few bytes, and must stay so.
    assert_eq!(set.to_string().parse::<UidSet>().ok(), Some(set.clone()));
    let mut rest = set.gaps(1, u32::MAX);
    rest.subtract(&set);
    rest.extend(&set);
    assert!(rest.range_count() <= set.range_count() + 1 + bytes.len());
});
