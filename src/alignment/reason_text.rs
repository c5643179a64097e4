//! What reporters write for people beside a result (`human_result`), read into a few codes.
//!
//! The result alone tells little: `fail` is a changed body and a wrong key, `permerror` a missing key and a damaged one,
//! and one evaluator calls a missing key `temperror`. The texts come from the evaluators' sources and are free; a text that
//! fits no phrase here has no code, and answers show it as it is written.

use super::vocabulary::ReasonCode;

/// Phrases and what they mean, in words parted by single blanks; the first that a text holds decides. Special phrases
/// stand before general ones: "key: DNS error: query timed out" is a timeout before it is anything about a key.
const PHRASES: &[(&str, ReasonCode)] = &[
    ("too many dns", ReasonCode::TooManyLookups),
    ("too many lookup", ReasonCode::TooManyLookups),
    ("too many mechanism", ReasonCode::TooManyLookups),
    ("lookup limit", ReasonCode::TooManyLookups),
    ("lookups exceeded", ReasonCode::TooManyLookups),
    ("dns interactive terms limit", ReasonCode::TooManyLookups),
    ("void lookup", ReasonCode::TooManyLookups),
    ("unsupported alg", ReasonCode::UnsupportedAlgorithm),
    ("unsupported sig", ReasonCode::UnsupportedAlgorithm),
    ("unsupported key", ReasonCode::UnsupportedAlgorithm),
    ("unknown alg", ReasonCode::UnsupportedAlgorithm),
    ("unknown key type", ReasonCode::UnsupportedAlgorithm),
    ("unrecognized signature alg", ReasonCode::UnsupportedAlgorithm),
    ("algorithm not supported", ReasonCode::UnsupportedAlgorithm),
    ("weak key", ReasonCode::KeyTooShort),
    ("key too short", ReasonCode::KeyTooShort),
    ("key is too short", ReasonCode::KeyTooShort),
    ("key too small", ReasonCode::KeyTooShort),
    ("key is too small", ReasonCode::KeyTooShort),
    ("key size too small", ReasonCode::KeyTooShort),
    ("expired", ReasonCode::Expired),
    ("revoked", ReasonCode::KeyRevoked),
    ("timed out", ReasonCode::DnsTimeout),
    ("timeout", ReasonCode::DnsTimeout),
    ("servfail", ReasonCode::DnsTimeout),
    ("dns error", ReasonCode::DnsTimeout),
    ("dns failure", ReasonCode::DnsTimeout),
    ("dns tempfail", ReasonCode::DnsTimeout),
    ("key retrieval failed", ReasonCode::DnsTimeout),
    ("query failed", ReasonCode::DnsTimeout),
    ("body hash", ReasonCode::BodyHash),
    ("body has been altered", ReasonCode::BodyHash),
    ("body has changed", ReasonCode::BodyHash),
    ("body was modified", ReasonCode::BodyHash),
    ("key syntax", ReasonCode::KeySyntax),
    ("key record corrupt", ReasonCode::KeySyntax),
    ("invalid public key", ReasonCode::KeySyntax),
    ("invalid key", ReasonCode::KeySyntax),
    ("malformed key", ReasonCode::KeySyntax),
    ("malformed public key", ReasonCode::KeySyntax),
    ("bad key", ReasonCode::KeySyntax),
    ("bad public key", ReasonCode::KeySyntax),
    ("unknown key version", ReasonCode::KeySyntax),
    ("no key", ReasonCode::NoKey),
    ("no public key", ReasonCode::NoKey),
    ("no dkim key", ReasonCode::NoKey),
    ("no valid key", ReasonCode::NoKey),
    ("key not found", ReasonCode::NoKey),
    // "public key: not available"
    ("key not available", ReasonCode::NoKey),
    ("key unavailable", ReasonCode::NoKey),
    ("key missing", ReasonCode::NoKey),
    ("missing key", ReasonCode::NoKey),
    ("key does not exist", ReasonCode::NoKey),
    ("record not found", ReasonCode::NoKey),
    ("nxdomain", ReasonCode::NoKey),
    ("bad rsa signature", ReasonCode::SignatureMismatch),
    ("bad signature", ReasonCode::SignatureMismatch),
    ("signature did not verify", ReasonCode::SignatureMismatch),
    ("signature does not match", ReasonCode::SignatureMismatch),
    ("signature mismatch", ReasonCode::SignatureMismatch),
    ("signature verification failed", ReasonCode::SignatureMismatch),
    ("signature failed to verify", ReasonCode::SignatureMismatch),
    ("rsa verify failed", ReasonCode::SignatureMismatch),
    ("eddsa verify failed", ReasonCode::SignatureMismatch),
    ("message has been altered", ReasonCode::SignatureMismatch),
];

/// The words of a text in lower case, with single blanks between them.
fn plain_words(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join(" ")
}

/// No text says what it means so late; longer ones are strangers' prose.
const READ: usize = 300;

impl ReasonCode {
    /// What a text says, where one of the known phrases is in it.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut end = text.len().min(READ);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let plain = plain_words(&text[..end]);
        // Phrases begin with a word, and may end within one ("lookups").
        let says = |phrase: &str| {
            plain.match_indices(phrase).any(|(at, _)| plain[..at].is_empty() || plain[..at].ends_with(' '))
        };
        PHRASES.iter().find(|(phrase, _)| says(phrase)).map(|&(_, code)| code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_usual_evaluators() {
        for (text, code) in [
            ("body has been altered", ReasonCode::BodyHash),
            ("fail (body hash did not verify)", ReasonCode::BodyHash),
            ("bad RSA signature", ReasonCode::SignatureMismatch),
            ("headers rsa verify failed", ReasonCode::SignatureMismatch),
            ("signature did not verify", ReasonCode::SignatureMismatch),
            ("public key: not available", ReasonCode::NoKey),
            ("no key for signature", ReasonCode::NoKey),
            ("public key: revoked", ReasonCode::KeyRevoked),
            ("public key: DNS error: query timed out", ReasonCode::DnsTimeout),
            ("key syntax error", ReasonCode::KeySyntax),
            ("signature expired", ReasonCode::Expired),
            ("policy (weak key)", ReasonCode::KeyTooShort),
            ("public key too small", ReasonCode::KeyTooShort),
            ("invalid (unsupported algorithm ed25519-sha256)", ReasonCode::UnsupportedAlgorithm),
            ("SPF Permanent Error: Too many DNS lookups", ReasonCode::TooManyLookups),
            ("Maximum DNS-interactive terms limit (10) exceeded", ReasonCode::TooManyLookups),
        ] {
            assert_eq!(ReasonCode::read(text), Some(code), "{text}");
        }
    }

    #[test]
    fn other_texts_have_no_code() {
        for text in ["", "pass", "2048-bit key", "good signature", "monokey bodyhash", "\u{1f511}", "no"] {
            assert_eq!(ReasonCode::read(text), None, "{text}");
        }
        let late = format!("{} no key", "é".repeat(400));
        assert_eq!(ReasonCode::read(&late), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(text: String) {
            let _ = ReasonCode::read(&text);
        }

        #[test]
        fn case_and_marks_do_not_matter(marks in "[ :(_-]{1,3}", at in 0..PHRASES.len()) {
            let (phrase, code) = PHRASES[at];
            let text = format!("({})", phrase.to_uppercase().replace(' ', &marks));
            proptest::prop_assert_eq!(ReasonCode::read(&text), Some(code));
        }
    }
}
