//! No bytes make the readers panic: raw ones, damaged fixtures, and structures that are nearly reports and mails. The
//! fuzz targets in `fuzz/` drive the same function.

mod made;

use std::path::PathBuf;
use std::sync::LazyLock;

use dmarcstat::ingest::fuzzing::examine;
use dmarcstat::limits::Limits;
use proptest::prelude::*;

use self::made::{damage, document, mail, packed, part, tree};
use crate::harness::{cases, quirk_folders, quirk_inputs, sample_mails};

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
