//! `Authentication-Results` of any bytes: the field alone, and in a header where only one server is believed.

#![no_main]

use dmarcstat::mail::{AuthenticationResults, Authenticity, NAMELESS};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for read in [AuthenticationResults::parse(bytes), AuthenticationResults::parse_arc(bytes)] {
        assert!(read.results.len() <= 65 && read.results.iter().all(|result| result.properties.len() <= 64));
    }
    let _ = (Authenticity::of(bytes, "mx.example.com"), Authenticity::of(bytes, NAMELESS));
    // What stands below the server's own fields never makes a mail pass. A field ends with its line, so the bytes are folded
    // into one.
    let folded: Vec<u8> = bytes.iter().map(|&byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }).collect();
    let field = |value: &[u8]| [&b"Authentication-Results: "[..], value, b"\n"].concat();
    let own = field(b"mx.example.com; spf=pass");
    let forged = field(b"mx.example.com; dmarc=pass header.from=example.com");
    let below = [&own[..], b"Received: x\n", &field(&folded), &forged, b"\n"].concat();
    assert!(!matches!(Authenticity::of(&below, "mx.example.com"), Authenticity::Passed(_)), "{below:?}");
    let failed = [&field(b"mx.example.com; dmarc=fail header.from=example.com")[..], &field(&folded), b"\n"].concat();
    assert!(!matches!(Authenticity::of(&failed, "mx.example.com"), Authenticity::Passed(_)), "{failed:?}");
});
