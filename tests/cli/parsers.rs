//! No bytes make the readers panic: raw ones, damaged fixtures, and structures that are nearly reports and mails. The
//! fuzz targets in `fuzz/` drive the same function.

use std::path::PathBuf;
use std::sync::LazyLock;

use dmarcstat::ingest::probe::examine;
use dmarcstat::limits::Limits;
use proptest::prelude::*;

use crate::harness::{cases, quirk_folders, quirk_inputs, sample_mails};
use crate::make::{base64, gzip, zip};

/// Small enough that a bomb costs no time.
static LIMITS: LazyLock<Limits> = LazyLock::new(|| Limits { document: 4 << 20, total: 8 << 20, ..Limits::default() });

/// Limits that nearly everything runs into.
static TIGHT: LazyLock<Limits> = LazyLock::new(|| Limits {
    message: 4000,
    compressed: 800,
    document: 3000,
    total: 4000,
    archive_depth: 1,
    zip_members: 2,
    zip_reports: 1,
    mime_parts: 3,
    mime_depth: 2,
    message_depth: 1,
    time: 60,
    members: 3,
    messages: 2,
    reports: 1,
    same_id: 1,
    policies: 1,
    xml_depth: 6,
    records: 2,
    tls_failures: 2,
    signatures: 1,
    text: 10,
    name: 5,
    texts: 100,
    ..Limits::default()
});

/// As a file and as a mail, within generous limits and tight ones.
fn probe(bytes: &[u8]) {
    for limits in [&LIMITS, &TIGHT] {
        for is_mail in [false, true] {
            let _ = examine(bytes, is_mail, limits);
        }
    }
}

static FIXTURES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let quirks = quirk_folders().into_iter().flat_map(|folder| quirk_inputs(&folder));
    let files: Vec<PathBuf> = quirks.chain(sample_mails().into_iter().step_by(25)).collect();
    let read = |path: &PathBuf| std::fs::read(path).expect("a fixture");
    // What is large is slow and says no more.
    files.iter().map(read).filter(|bytes| bytes.len() < 40_000).collect()
});

fn fixture() -> impl Strategy<Value = Vec<u8>> {
    (0..FIXTURES.len()).prop_map(|at| FIXTURES[at].clone())
}

/// One way to damage bytes; places are shares of the length.
#[derive(Debug, Clone)]
enum Damage {
    Flip(f64, u8),
    Cut(f64, f64),
    Insert(f64, Vec<u8>),
    Duplicate(f64, f64, f64),
    Splice(f64, f64, Vec<u8>),
}

fn damage() -> impl Strategy<Value = Damage> {
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
    fn apply(&self, bytes: &mut Vec<u8>) {
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
fn text() -> impl Strategy<Value = String> {
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
fn tree() -> impl Strategy<Value = String> {
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
fn document() -> impl Strategy<Value = String> {
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
fn packed(inner: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
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
fn part() -> impl Strategy<Value = Vec<u8>> {
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

fn mail() -> impl Strategy<Value = Vec<u8>> {
    (text(), text(), part()).prop_map(|(subject, date, part)| {
        let head =
            format!("From: =?utf-8?b?{subject}?= <a@b.example>\nSubject: {subject}\nDate: {date}\nMessage-ID: <\n");
        [head.as_bytes(), &part].concat()
    })
}

proptest! {
    #![proptest_config(cases(14_000))]

    #[test]
    fn raw_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600), head in 0..8_usize) {
        let heads: [&[u8]; 8] = [b"", b"\x1f\x8b\x08\0", b"PK\x03\x04", b"<feedback>", b"<?xml", b"From: ", b"x\x9c", b"From x\n"];
        probe(&[heads[head], &bytes].concat());
    }

    #[test]
    fn damaged_fixtures(mut bytes in fixture(), damages in prop::collection::vec(damage(), 1..6)) {
        damages.iter().for_each(|damage| damage.apply(&mut bytes));
        probe(&bytes);
    }

    #[test]
    fn trees_of_elements(tree in tree()) {
        probe(format!("<feedback>{tree}</feedback>").as_bytes());
        probe(tree.as_bytes());
    }

    #[test]
    fn documents(document in document()) {
        probe(document.as_bytes());
        let wide: Vec<u8> = document.encode_utf16().flat_map(u16::to_le_bytes).collect();
        probe(&[&b"\xff\xfe"[..], &wide].concat());
    }

    #[test]
    fn archives(mut bytes in packed(document().prop_map(String::into_bytes)), damages in prop::collection::vec(damage(), 0..2)) {
        damages.iter().for_each(|damage| damage.apply(&mut bytes));
        probe(&bytes);
    }

    #[test]
    fn mails(mail in mail()) {
        probe(&mail);
    }

    /// A mail that says that it is a report, whatever became of it, never ends as none, unless it is a bounce or another answer of
    /// a machine to a mail that was sent from here: by the fields of its header, or, where these do not say which kind of report
    /// it is, by a part of a delivery status in it.
    #[test]
    fn mails_that_announce_a_report(
        mut part in part(),
        by_fields in any::<bool>(),
        damages in prop::collection::vec(damage(), 0..3),
    ) {
        let says = match by_fields {
            true => "TLS-Report-Domain: a.example",
            false => "Subject: Report Domain: a.example Submitter: b.example",
        };
        damages.iter().for_each(|damage| damage.apply(&mut part));
        prop_assume!(!is_answer(&part));
        let mail = [format!("From: a@b.example\n{says}\nX: y\n").as_bytes(), &part].concat();
        for limits in [&LIMITS, &TIGHT] {
            let found = examine(&mail, true, limits);
            prop_assert_eq!(found.not_a_report, 0, "{:?} {}", found, String::from_utf8_lossy(&mail));
        }
    }
}

/// Whether what follows the first fields of a mail makes a bounce or another answer of it, or may do.
fn is_answer(part: &[u8]) -> bool {
    let text = String::from_utf8_lossy(part).to_ascii_lowercase().replace('\r', "");
    let head = text.split("\n\n").next().unwrap_or("");
    ["delivery-status", "disposition-notification", "x-failed-recipients", "auto-submitted"]
        .iter()
        .any(|word| head.contains(word))
        || head.contains("multipart/report") && !head.contains("report-type") && text.contains("delivery-status")
}

#[test]
fn every_fixture_cut_anywhere() {
    for bytes in FIXTURES.iter().filter(|bytes| bytes.len() < 3000) {
        for end in (0..bytes.len()).step_by(37) {
            let _ = examine(&bytes[..end], false, &LIMITS);
        }
    }
}
