//! When a certificate is valid (RFC 5280 §4.1.2.5): the one field of it that is wanted, so that `check` can warn, and a
//! server's own certificate be trusted only while it holds.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Beginning and end of a certificate's validity in seconds since the epoch; nothing where it cannot be read.
pub(crate) fn validity(der: &[u8]) -> Option<(i64, i64)> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (mut fields, _) = element(certificate, SEQUENCE)?;
    if fields.first() == Some(&VERSION) {
        fields = element(fields, VERSION)?.1;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        fields = any_element(fields)?.2;
    }
    let (validity, _) = element(fields, SEQUENCE)?;
    let (tag, begin, rest) = any_element(validity)?;
    let begin = seconds(tag, begin)?;
    let (tag, end, _) = any_element(rest)?;
    Some((begin, seconds(tag, end)?))
}

/// A time as certificates have it.
fn seconds(tag: u8, time: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(time).ok()?.strip_suffix('Z')?;
    let whole = match tag {
        // Two digits of the year: those below 50 are of this century.
        UTC_TIME if text.len() == 12 => format!("{}{text}", if &text[..2] < "50" { "20" } else { "19" }),
        GENERALIZED_TIME if text.len() == 14 => text.to_owned(),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%S", whole).ok()?;
    Some(TimeZone::UTC.to_timestamp(time).ok()?.as_second())
}

/// The content of an element that must have this tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = any_element(bytes)?;
    (found == tag).then_some((content, rest))
}

/// The tag and the content of an element, and what follows it.
fn any_element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |sum, &digit| sum << 8 | usize::from(digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_end_of_a_certificate_is_read() {
        for (year, seconds) in [(2027, 1_806_451_200), (2060, 2_847_916_800_i64)] {
            let key = rcgen::KeyPair::generate().unwrap();
            let mut parameters = rcgen::CertificateParams::new(vec!["dmarcstat".to_owned()]).unwrap();
            parameters.not_after = rcgen::date_time_ymd(year, 3, 31);
            let certificate = parameters.self_signed(&key).unwrap();
            assert_eq!(validity(certificate.der()).map(|(_, end)| end), Some(seconds));
            let der = certificate.der();
            for end in 0..der.len() {
                let _ = validity(&der[..end]);
            }
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(prop_oneof![Just(0x30), Just(0x82), any::<u8>()], 0..80)) {
            let _ = validity(&bytes);
        }
    }
}
