//! What lies on the disk: the configuration, files of tokens, certificates and keys.

#![no_main]

use dmarcstat::config::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = dmarcstat::oauth::fuzzing::read(bytes);
    if let Err(reason) = Config::parse(&String::from_utf8_lossy(bytes)) {
        assert!(!reason.contains('\n'), "a mistake is one line: {reason}");
    }
});
