//! What is put before the readers: damage, and structures that are nearly reports and mails.

use proptest::prelude::*;

use super::fixture;
use crate::make::{base64, gzip, zip};

/// One way to damage bytes; places are shares of the length.
#[derive(Debug, Clone)]
pub(super) enum Damage {
    Flip(f64, u8),
    Cut(f64, f64),
    Insert(f64, Vec<u8>),
    Duplicate(f64, f64, f64),
    Splice(f64, f64, Vec<u8>),
}

pub(super) fn damage() -> impl Strategy<Value = Damage> {
    let place = || 0.0..1.0_f64;
    let words = prop::sample::select(WORDS.as_slice()).prop_map(|word| word.as_bytes().to_vec());
    let inserted = prop_oneof![words, prop::collection::vec(any::<u8>(), 1..20)];
    prop_oneof![
        (place(), 1..=255_u8).prop_map(|(at, bits)| Damage::Flip(at, bits)),
        (place(), 0.0..0.2).prop_map(|(at, length)| Damage::Cut(at, length)),
        (place(), inserted).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (place(), 0.0..0.2, place()).prop_map(|(from, length, to)| Damage::Duplicate(from, length, to)),
        (place(), place(), fixture()).prop_map(|(at, from, other)| Damage::Splice(at, from, other)),
    ]
}

impl Damage {
    pub(super) fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |share: f64, length: usize| ((share * length as f64) as usize).min(length);
        let length = bytes.len();
        match self {
            Damage::Flip(at, bits) if length > 0 => bytes[place(*at, length - 1)] ^= bits,
            Damage::Flip(..) => {}
            Damage::Cut(at, part) => {
                let start = place(*at, length);
                bytes.drain(start..place(at + part, length).max(start));
            }
            Damage::Insert(at, inserted) => {
                let at = place(*at, length);
                bytes.splice(at..at, inserted.iter().copied());
            }
            Damage::Duplicate(from, part, to) => {
                let start = place(*from, length);
                let copied = bytes[start..place(from + part, length).max(start)].to_vec();
                let to = place(*to, length);
                bytes.splice(to..to, copied);
            }
            Damage::Splice(at, from, other) => {
                bytes.truncate(place(*at, length));
                bytes.extend_from_slice(&other[place(*from, other.len())..]);
            }
        }
    }
}

const WORDS: [&str; 30] = [
    "<feedback>",
    "</feedback>",
    "<record>",
    "</record>",
    "<row>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<?xml ?>",
    "<!DOCTYPE x [",
    "&#x1b;",
    "&amp;",
    "&",
    "<",
    ">",
    "\0",
    "\u{feff}",
    "\r\n",
    "\r\n\r\n",
    "--b\r\n",
    "--b--",
    "Content-Type: message/rfc822\n\n",
    "Content-Transfer-Encoding: base64\n\n",
    "PK\x03\x04",
    "PK\x05\x06",
    "\x1f\u{8b}",
    "begin 644 x\n",
    "From x Thu Oct  1 00:00:00 2026\n",
    "<record",
];

const ELEMENTS: [&str; 42] = [
    "feedback",
    "report_metadata",
    "org_name",
    "email",
    "extra_contact_info",
    "report_id",
    "date_range",
    "begin",
    "end",
    "error",
    "generator",
    "policy_published",
    "domain",
    "discovery_method",
    "adkim",
    "aspf",
    "p",
    "sp",
    "np",
    "pct",
    "fo",
    "testing",
    "record",
    "row",
    "source_ip",
    "count",
    "policy_evaluated",
    "disposition",
    "dkim",
    "spf",
    "reason",
    "type",
    "comment",
    "identifiers",
    "header_from",
    "envelope_from",
    "envelope_to",
    "auth_results",
    "selector",
    "result",
    "scope",
    "human_result",
];

/// Text as it may stand in an element.
pub(super) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(&["pass", "fail", "none", "example.com", "192.0.2.1", "r", "2001:db8::1", "mfrom"][..])
            .prop_map(str::to_owned),
        2 => any::<i64>().prop_map(|number| number.to_string()),
        2 => (1_700_000_000_i64..1_900_000_000).prop_map(|time| time.to_string()),
        1 => "[ -~]{0,40}",
        1 => "\\PC{0,20}",
        1 => any::<String>(),
        1 => prop::sample::select(WORDS.as_slice()).prop_map(str::to_owned),
        1 => (1..3000_usize).prop_map(|length| "x".repeat(length)),
    ]
}

/// A tree of the elements of a report in any order, now and then not closed.
pub(super) fn tree() -> impl Strategy<Value = String> {
    let element = |inner: BoxedStrategy<String>| {
        let name = prop::sample::select(ELEMENTS.as_slice());
        let prefix = prop_oneof![8 => Just(""), 1 => Just("d:")];
        (name, prefix, inner, 0..40_u8).prop_map(|(name, prefix, inner, slip)| match slip {
            0 => format!("<{prefix}{name}>{inner}"),
            1 => format!("<{prefix}{name}/>{inner}"),
            2 => format!("<{prefix}{name} xmlns:d=\"u\" a='{inner}'>"),
            3 => format!("{inner}</{name}>"),
            _ => format!("<{prefix}{name}>{inner}</{prefix}{name}>"),
        })
    };
    text().prop_recursive(7, 120, 8, move |inner| {
        element(prop::collection::vec(inner, 0..8).prop_map(|parts| parts.concat()).boxed()).boxed()
    })
}

/// A whole document: parts in the right places, with trees of anything among them.
pub(super) fn document() -> impl Strategy<Value = String> {
    let records = prop::collection::vec((text(), text(), text(), text(), tree()), 0..5);
    (text(), text(), text(), text(), tree(), records, 0..12_u8).prop_map(
        |(domain, id, begin, end, odd, records, slip)| {
            let mut xml = format!(
                "<feedback><report_metadata><org_name>o</org_name><report_id>{id}</report_id><date_range>\
                 <begin>{begin}</begin><end>{end}</end></date_range></report_metadata><policy_published>\
                 <domain>{domain}</domain><p>none</p></policy_published>{odd}"
            );
            for (address, count, from, result, odd) in records {
                xml += &format!(
                    "<record><row><source_ip>{address}</source_ip><count>{count}</count><policy_evaluated><dkim>pass\
                     </dkim></policy_evaluated></row><identifiers><header_from>{from}</header_from></identifiers>\
                     <auth_results><dkim><domain>{from}</domain><result>{result}</result></dkim>{odd}</auth_results>\
                     </record>"
                );
            }
            match slip {
                0 => xml,
                1 => xml + "</feedback></feedback>",
                2 => xml.clone() + "</feedback>" + &xml + "</feedback>",
                _ => xml + "</feedback>",
            }
        },
    )
}

/// Packed up to a few times, in one way or another.
pub(super) fn packed(inner: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    (inner, prop::collection::vec(0..7_u8, 0..5), any::<prop::sample::Index>()).prop_map(|(mut bytes, ways, at)| {
        for way in ways {
            bytes = match way {
                0 | 1 => gzip(&bytes),
                2 => zip(&[("report.xml", &bytes)]),
                3 => zip(&[("__MACOSX/._x", &b"x".to_vec()), ("a/b.xml", &bytes), ("c.gz", &bytes)]),
                4 => {
                    let cut = at.index(bytes.len() + 1);
                    gzip(&bytes[..cut]).into_iter().chain(gzip(&bytes[cut..])).collect()
                }
                5 => {
                    let mut whole = gzip(&bytes);
                    whole.truncate(whole.len() - at.index(whole.len()).min(12));
                    whole
                }
                _ => {
                    use std::io::Write;
                    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
                    encoder.write_all(&bytes).expect("memory");
                    encoder.finish().expect("memory")
                }
            };
        }
        bytes
    })
}

const TYPES: [&str; 15] = [
    "text/plain",
    "text/xml; charset=utf-16",
    "application/gzip; name=a.xml.gz",
    "application/zip",
    "multipart/mixed",
    "application/octet-stream",
    "message/rfc822",
    "multipart/report; report-type=\"feedback-report\"",
    "message/feedback-report",
    "message/delivery-status",
    "application/tlsrpt+gzip",
    "application/ms-tnef",
    "application/pkcs7-mime",
    "multipart/signed; boundary=\"b0\"",
    "text/html; charset=\"\u{e4}\"",
];

/// A part: some headers, then content that may hold parts again.
pub(super) fn part() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        2 => packed(document().prop_map(String::into_bytes)),
        1 => any::<Vec<u8>>(),
        1 => text().prop_map(String::into_bytes),
        1 => fixture(),
    ];
    let kind = || prop::sample::select(TYPES.as_slice());
    let leaf = (kind(), leaf, 0..6_u8, text()).prop_map(|(kind, content, encoding, name)| {
        let (word, content) = match encoding {
            0 => ("8bit", content),
            1 => ("quoted-printable", content),
            2 => ("x-uuencode", content),
            _ => ("base64", base64(&content).into_bytes()),
        };
        let head = format!(
            "Content-Type: {kind}\r\nContent-Transfer-Encoding: {word}\r\nContent-Disposition: attachment; \
             filename*0=\"{name}\"; filename*1*=utf-8''%ff%\r\n\r\n"
        );
        [head.as_bytes(), &content].concat()
    });
    leaf.prop_recursive(5, 20, 4, move |inner| {
        (prop::collection::vec(inner, 0..4), 0..3_u8, 0..8_u8).prop_map(|(parts, boundary, slip)| {
            if slip == 0 {
                return [&b"Content-Type: message/rfc822\n\n"[..], &parts.concat()].concat();
            }
            let mut whole =
                format!("Content-Type: multipart/mixed; boundary=\"b{boundary}\"\n\npreamble\n").into_bytes();
            for part in parts {
                whole.extend_from_slice(format!("--b{boundary}\n").as_bytes());
                whole.extend_from_slice(&part);
                whole.extend_from_slice(if slip == 1 { b"" } else { b"\n" });
            }
            if slip != 2 {
                whole.extend_from_slice(format!("--b{boundary}--\n").as_bytes());
            }
            whole
        })
    })
}

pub(super) fn mail() -> impl Strategy<Value = Vec<u8>> {
    (text(), text(), part()).prop_map(|(subject, date, part)| {
        let head =
            format!("From: =?utf-8?b?{subject}?= <a@b.example>\nSubject: {subject}\nDate: {date}\nMessage-ID: <\n");
        [head.as_bytes(), &part].concat()
    })
}
