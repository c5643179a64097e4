//! Secrets taken out of what others say: a server that refuses a login may repeat what it was sent, and what it says is
//! printed and stored.

use std::borrow::Cow;

use zeroize::Zeroizing;

/// What stands in place of a secret.
const HIDDEN: &str = "(hidden)";

/// Secrets that were sent to a server.
#[derive(Default)]
pub struct Secrets(Vec<Zeroizing<String>>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

impl Secrets {
    /// Adds one. Nothing is none.
    pub fn add(&mut self, secret: &str) {
        if !secret.is_empty() && !self.0.iter().any(|known| known.as_str() == secret) {
            self.0.push(Zeroizing::new(secret.to_owned()));
        }
    }

    /// A text without them: as they are, quoted with backslashes, percent-encoded, with the character references of HTML or the
    /// escapes of JSON, and within base64.
    #[must_use]
    pub fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut places = self.places(text);
        if !self.0.is_empty() {
            let runs = base64_runs(text).filter(|(_, _, digits)| self.is_within_base64(digits));
            places.extend(runs.map(|(begin, end, _)| (begin, end)));
        }
        if places.is_empty() {
            return Cow::Borrowed(text);
        }
        places.sort_unstable();
        let (mut shown, mut at) = (String::new(), 0);
        for (begin, end) in places {
            if begin >= at {
                shown.push_str(&text[at..begin]);
                shown.push_str(HIDDEN);
            }
            at = at.max(end);
        }
        shown.push_str(&text[at..]);
        Cow::Owned(shown)
    }

    /// Where secrets stand, written out or escaped.
    fn places(&self, text: &str) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        for secret in &self.0 {
            let mut at = 0;
            while at < text.len() {
                match end_of(secret, text, at) {
                    Some(end) => {
                        found.push((at, end));
                        at = end;
                    }
                    None => at += text[at..].chars().next().map_or(1, char::len_utf8),
                }
            }
        }
        found
    }

    /// Whether digits of base64 hold a secret. Where the coded text begins is not known, so each of four beginnings is tried.
    fn is_within_base64(&self, digits: &[u32]) -> bool {
        (0..4).any(|begin| {
            let decoded: Vec<u8> = digits
                .get(begin..)
                .unwrap_or(&[])
                .chunks(4)
                .flat_map(|four| {
                    let bits = four.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - four.len()));
                    bits.to_be_bytes().into_iter().skip(1).take(four.len() * 6 / 8)
                })
                .collect();
            !self.places(&String::from_utf8_lossy(&decoded)).is_empty()
        })
    }
}

/// Where a secret ends that begins at a place of a text, however its characters are written.
fn end_of(secret: &str, text: &str, begin: usize) -> Option<usize> {
    // A backslash may stand for itself or escape the next, so there may be more than one way to read on.
    let (mut ends, mut next) = (vec![begin], Vec::new());
    for wanted in secret.chars() {
        for &at in &ends {
            writings(wanted, &text[at..], &mut |length| next.push(at + length));
        }
        next.sort_unstable();
        next.dedup();
        std::mem::swap(&mut ends, &mut next);
        next.clear();
        if ends.is_empty() {
            return None;
        }
    }
    ends.into_iter().max()
}

/// The ways in which a text begins with a character: the length of each.
fn writings(wanted: char, text: &str, found: &mut dyn FnMut(usize)) {
    let mut utf8 = [0; 4];
    let utf8 = wanted.encode_utf8(&mut utf8);
    if text.starts_with(&*utf8) {
        found(utf8.len());
    }
    if wanted == ' ' && text.starts_with('+') {
        found(1);
    }
    match text.as_bytes().first() {
        Some(b'\\') => {
            if text[1..].starts_with(&*utf8) {
                found(1 + utf8.len());
            }
            let mut units = [0; 2];
            let escaped = wanted.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}"));
            if let Some(length) = begins_with(text, escaped) {
                found(length);
            }
        }
        Some(b'%') => {
            if let Some(length) = begins_with(text, utf8.bytes().map(|byte| format!("%{byte:02x}"))) {
                found(length);
            }
        }
        Some(b'&') => {
            let Some(end) = text.bytes().take(12).position(|byte| byte == b';') else { return };
            let reference = &text[1..end];
            let number = match reference.strip_prefix('#').map(|number| (number, number.strip_prefix(['x', 'X']))) {
                Some((_, Some(hex))) => u32::from_str_radix(hex, 16).ok(),
                Some((decimal, None)) => decimal.parse().ok(),
                None => [("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("apos", '\'')]
                    .into_iter()
                    .find(|(name, _)| *name == reference)
                    .map(|(_, character)| u32::from(character)),
            };
            if number == Some(u32::from(wanted)) {
                found(end + 1);
            }
        }
        _ => {}
    }
}

/// The length of some escapes that a text begins with, in capitals or not.
fn begins_with(text: &str, escapes: impl Iterator<Item = String>) -> Option<usize> {
    let escapes: String = escapes.collect();
    let begin = text.as_bytes().get(..escapes.len())?;
    begin.eq_ignore_ascii_case(escapes.as_bytes()).then_some(escapes.len())
}

/// Stretches of a text that may be base64, percent-encoded or not, each with its digits.
fn base64_runs(text: &str) -> impl Iterator<Item = (usize, usize, Vec<u32>)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let (begin, mut digits) = (at, Vec::new());
            while let Some((length, digit)) = base64_unit(&bytes[at..]) {
                digits.push(digit);
                at += length;
            }
            if digits.len() >= 2 {
                return Some((begin, at, digits));
            }
            at = at.max(begin + 1);
        }
        None
    })
}

/// The length and the value of what is a digit of base64 at the beginning of some bytes.
fn base64_unit(bytes: &[u8]) -> Option<(usize, u32)> {
    match bytes {
        [b'%', high, low, ..] => {
            let hex = |digit: u8| char::from(digit).to_digit(16);
            let byte = u8::try_from(hex(*high)? << 4 | hex(*low)?).ok()?;
            Some((3, base64_digit(byte)?))
        }
        [byte, ..] => Some((1, base64_digit(*byte)?)),
        [] => None,
    }
}

/// The value of a digit, of either alphabet (RFC 4648 §4, §5).
fn base64_digit(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    fn secrets(all: &[&str]) -> Secrets {
        let mut secrets = Secrets::default();
        all.iter().for_each(|secret| secrets.add(secret));
        secrets
    }

    #[test]
    fn however_it_is_written() {
        let password = "p w\"o\\r/d&ä+1";
        let hidden = secrets(&[password]);
        for said in [
            password.to_owned(),
            "\"p w\\\"o\\\\r/d&ä+1\"".to_owned(),
            "p%20w%22o%5Cr%2Fd%26%C3%A4%2B1".to_owned(),
            "p+w%22o%5cr%2fd%26%c3%a4%2b1&scope=x".to_owned(),
            "p w&quot;o\\r/d&amp;&#228;+1".to_owned(),
            "p&#32;w&#x22;o\\r&#47;d&amp;ä+1".to_owned(),
            "{\"e\":\"p w\\\"o\\\\r\\/d&\\u00e4+1\"}".to_owned(),
        ] {
            let shown = hidden.hide(&format!("bad login {said}, sorry")).into_owned();
            assert!(shown.starts_with("bad login ") && shown.contains(HIDDEN), "{shown}");
            assert!(!shown.contains("ä") && !shown.contains("w\"o") && shown.ends_with(", sorry"), "{shown}");
        }
    }

    #[test]
    fn within_base64_wherever_it_begins() {
        let password = "correct horse";
        let hidden = secrets(&[password]);
        for before in ["\0u\0", "\0us\0", "\0user\0", "user=a\u{1}auth=Bearer "] {
            let text = format!("{before}{password}\u{1}\u{1}");
            for coded in
                [STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text), STANDARD.encode(text.replace(' ', "%20"))]
            {
                for said in [format!("you said {coded}"), format!("it/is{coded}!"), coded.replace('+', "%2B")] {
                    let shown = hidden.hide(&said);
                    assert!(shown.contains(HIDDEN) && !shown.contains(&coded[8..16]), "{shown}");
                }
            }
        }
    }

    #[test]
    fn other_words_stay() {
        let hidden = secrets(&["correct horse", "", "tok"]);
        for said in ["authentication failed", "AUTHENTICATIONFAILED Invalid credentials (Failure) aGVsbG8gd29ybGQ=", ""]
        {
            assert_eq!(hidden.hide(said), said);
        }
        assert_eq!(hidden.hide("a tok, and a tok"), "a (hidden), and a (hidden)");
        assert_eq!(Secrets::default().hide("correct horse"), "correct horse");
        assert_eq!(format!("{hidden:?}"), "Secrets(2)");
    }

    #[test]
    fn backslashes_cost_no_more_than_others() {
        let hidden = secrets(&["\\".repeat(2_000).as_str()]);
        let text = "\\".repeat(8_000);
        assert_eq!(hidden.hide(&text).matches('\\').count(), 0);
    }

    proptest! {
        #[test]
        fn never_shown(secret in "[ -~äé€😀]{4,24}", before in "[ -~]{0,12}", after in "[ -~]{0,12}") {
            let hidden = secrets(&[&secret]);
            let quoted = secret.replace('\\', "\\\\").replace('"', "\\\"");
            let percent: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let json = serde_json::to_string(&secret).unwrap();
            for said in [&secret, &quoted, &percent, &json[1..json.len() - 1], &STANDARD.encode(&secret)] {
                let shown = hidden.hide(&format!("{before} {said} {after}")).into_owned();
                prop_assert!(shown.contains(HIDDEN), "{}", shown);
            }
        }
    }
}
