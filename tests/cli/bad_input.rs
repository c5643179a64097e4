//! Bad input: each ends in a line that names the input and the reason, in bounded memory, and nothing beside it is lost.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use serde_json::Value;

use crate::harness::{Ran, Sandbox};
use crate::make::{DKIM_AND_SPF, Report, base64, gzip, mail, record, zip};
use crate::measure::run_in_bounds;

/// Ingests `name` between two good reports, which must both be read; the answer and what was said.
#[track_caller]
fn between_good_ones(sandbox: &Sandbox, name: &str) -> (Value, Ran) {
    sandbox.write("a-good.xml", Report::new("good-1").xml());
    sandbox.write("z-good.xml", Report::new("good-2").day(1).xml());
    let began = Instant::now();
    let ran = run_in_bounds(sandbox.command(["ingest", "--format", "json", "a-good.xml", name, "z-good.xml"]));
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}\n{ran}", began.elapsed());
    let answer = ran.json();
    let list = sandbox.run(["reports", "--since", "all", "--format", "json"]).exits(0).json();
    for id in ["good-1", "good-2"] {
        let found = list["reports"].as_array().unwrap().iter().any(|report| report["report_id"] == id);
        assert!(found, "{id} was lost\n{ran}");
    }
    (answer, ran)
}

/// The same for an input that must end in quarantine, for one of these reasons.
#[track_caller]
fn quarantined(sandbox: &Sandbox, name: &str, codes: &[&str]) -> Value {
    let (answer, ran) = between_good_ones(sandbox, name);
    assert_eq!(ran.status, 3, "{ran}");
    let list = answer["quarantined"].as_array().unwrap();
    assert!(!list.is_empty(), "{ran}");
    for one in list {
        let (input, code) = (one["input"].as_str().unwrap(), one["code"].as_str().unwrap());
        assert!(input.starts_with(name) && codes.contains(&code), "{one}\n{ran}");
        let reason = one["reason"].as_str().unwrap();
        assert!(reason.len() > 10 && !reason.contains('\n'), "{one}");
        let told = ran.stderr.lines().any(|line| line.contains(&format!("{input}: ")) && line.contains(reason));
        assert!(told, "no line names {input} and the reason\n{ran}");
    }
    answer
}

#[test]
fn a_missing_file_is_named() {
    let sandbox = Sandbox::new();
    let (answer, ran) = between_good_ones(&sandbox, "gone.xml");
    assert_eq!((answer["failed"][0]["input"].as_str(), answer["reports"]["new"].as_u64()), (Some("gone.xml"), Some(2)));
    assert!(answer["failed"][0]["reason"].as_str().unwrap().len() > 5);
    ran.exits(3).says("gone.xml");
    // A question answers from what there is, and tells.
    let ran = sandbox.run(["sources", "--input", "gone.xml", "a-good.xml"]).exits(3).says("gone.xml");
    assert!(ran.text().contains("192.0.2.0/24"), "{ran}");
    sandbox.run(["sources", "--input", "gone.xml"]).exits(1).says("gone.xml");
}

#[cfg(unix)]
#[test]
fn an_unreadable_file_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    let path = sandbox.write("secret.xml", Report::new("secret").xml());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if File::open(&path).is_ok() {
        return; // Root may read everything.
    }
    let (answer, ran) = between_good_ones(&sandbox, "secret.xml");
    assert_eq!(answer["failed"][0]["input"], "secret.xml");
    ran.exits(3).says("secret.xml");
}

#[test]
fn small_bad_files_are_quarantined() {
    let sandbox = Sandbox::new();
    let xml = Report::new("whole").xml();
    let packed = gzip(&xml);
    sandbox.write("empty.xml", "");
    quarantined(&sandbox, "empty.xml", &["empty"]);
    sandbox.write("cut.gz", &packed[..packed.len() * 2 / 3]);
    quarantined(&sandbox, "cut.gz", &["truncated"]);
    sandbox.write("cut.xml", &xml[..xml.len() / 2]);
    quarantined(&sandbox, "cut.xml", &["truncated"]);

    let mut sealed = zip(&[("report.xml", &xml)]);
    let central = sealed.windows(4).position(|bytes| bytes == b"PK\x01\x02").expect("a directory");
    sealed[6] |= 1;
    sealed[central + 8] |= 1;
    sandbox.write("sealed.zip", &sealed);
    quarantined(&sandbox, "sealed.zip", &["encrypted"]);

    let mut torn = zip(&[("report.xml", &xml)]);
    torn.truncate(torn.len() / 2);
    sandbox.write("torn.zip", &torn);
    quarantined(&sandbox, "torn.zip", &["truncated", "zip_corrupt"]);
}

/// Writes `head` and a number of bytes after it, in gzip.
fn write_gzip(path: &Path, head: &str, byte: u8, number: usize) {
    let mut encoder = GzEncoder::new(BufWriter::new(File::create(path).expect("a file")), Compression::fast());
    encoder.write_all(head.as_bytes()).expect("written");
    let chunk = vec![byte; 1 << 20];
    for at in (0..number).step_by(chunk.len()) {
        encoder.write_all(&chunk[..chunk.len().min(number - at)]).expect("written");
    }
    encoder.finish().expect("written").flush().expect("written");
}

#[test]
fn a_gzip_bomb_stays_small() {
    let sandbox = Sandbox::new();
    let codes = ["limit_document", "limit_total", "limit_xml_token", "xml_malformed", "truncated"];
    write_gzip(&sandbox.path("zeros.gz"), "<feedback>", 0, 600_000_000);
    quarantined(&sandbox, "zeros.gz", &codes);
    write_gzip(&sandbox.path("comment.gz"), "<feedback><!--", b'x', 600_000_000);
    quarantined(&sandbox, "comment.gz", &codes);
    write_gzip(&sandbox.path("text.gz"), "<feedback><report_metadata><org_name>", b'x', 600_000_000);
    quarantined(&sandbox, "text.gz", &codes);
    let bytes = std::fs::read(sandbox.path("zeros.gz")).unwrap();
    let sandbox = Sandbox::new();
    sandbox.write("bomb.eml", mail("bomb", "application/gzip", "bomb.xml.gz", &bytes));
    quarantined(&sandbox, "bomb.eml", &codes);
}

#[test]
fn a_zip_of_overlapping_members_stays_small() {
    // One stream of 100 MB, to which sixty entries of the directory point.
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    let (head, chunk) = (b"<feedback>", vec![b' '; 1 << 20]);
    let mut crc = flate2::Crc::new();
    for piece in std::iter::once(head.as_slice()).chain(std::iter::repeat_n(chunk.as_slice(), 100)) {
        crc.update(piece);
        encoder.write_all(piece).unwrap();
    }
    let stream = encoder.finish().unwrap();
    let mut fields = Vec::new();
    for number in [crc.sum(), stream.len() as u32, crc.amount()] {
        fields.extend_from_slice(&number.to_le_bytes());
    }
    let start = [&b"\x14\0\0\0\x08\0\0\0\0\0"[..], &fields, b"\x05\0\0\0"].concat();
    let mut bomb = [&b"PK\x03\x04"[..], &start, b"x.xml", &stream].concat();
    let directory = bomb.len() as u32;
    for _ in 0..60 {
        let entry = [&b"PK\x01\x02\x14\0"[..], &start, &[0; 14], b"x.xml"].concat();
        bomb.extend_from_slice(&entry);
    }
    let size = bomb.len() as u32 - directory;
    bomb.extend_from_slice(b"PK\x05\x06\0\0\0\0\x3c\0\x3c\0");
    bomb.extend_from_slice(&[size.to_le_bytes(), directory.to_le_bytes()].concat());
    bomb.extend_from_slice(&[0, 0]);
    let sandbox = Sandbox::new();
    sandbox.write("overlap.zip", &bomb);
    let codes = ["limit_total", "limit_document", "limit_zip_reports", "zip_corrupt", "truncated", "xml_malformed"];
    quarantined(&sandbox, "overlap.zip", &codes);
}

#[test]
fn archives_in_archives_end() {
    let sandbox = Sandbox::new();
    let (mut gzips, mut zips) = (Report::new("deep").xml().into_bytes(), Report::new("deeper").xml().into_bytes());
    for depth in 0..40 {
        gzips = gzip(&gzips);
        zips = zip(&[(if depth == 0 { "report.xml" } else { "inner.zip" }, &zips)]);
    }
    sandbox.write("deep.gz", &gzips);
    quarantined(&sandbox, "deep.gz", &["limit_archive_depth"]);
    sandbox.write("deep.zip", &zips);
    quarantined(&sandbox, "deep.zip", &["limit_archive_depth"]);
    // Wide instead of deep: a zip of zips of zips.
    let mut wide = zip(&(0..60).map(|number| (format!("{number}.txt"), "x")).collect::<Vec<_>>());
    for _ in 0..2 {
        wide = zip(&(0..60).map(|number| (format!("{number}.zip"), wide.clone())).collect::<Vec<_>>());
    }
    sandbox.write("wide.zip", &wide);
    let (answer, ran) = between_good_ones(&sandbox, "wide.zip");
    assert!([0, 3].contains(&ran.status) && answer["inputs"] == 3, "{ran}");
}

#[test]
fn entities_do_not_multiply() {
    let mut bomb = "<?xml version=\"1.0\"?>\n<!DOCTYPE feedback [\n<!ENTITY a \"aaaaaaaaaa\">\n".to_owned();
    for (name, inner) in ('b'..='k').zip('a'..) {
        bomb += &format!("<!ENTITY {name} \"{}\">\n", format!("&{inner};").repeat(10));
    }
    bomb += "]>\n<feedback><report_metadata><org_name>&k;</org_name></report_metadata></feedback>\n";
    let sandbox = Sandbox::new();
    sandbox.write("laughs.xml", &bomb);
    quarantined(&sandbox, "laughs.xml", &["doctype"]);
    // References without a declaration are text that means nothing.
    let sandbox = Sandbox::new();
    sandbox.write("references.xml", Report::new("refs").org(&"&k;&#x10FFFF;&#0;".repeat(100_000)).xml());
    let (_, ran) = between_good_ones(&sandbox, "references.xml");
    assert!([0, 3].contains(&ran.status), "{ran}");
}

#[test]
fn a_million_empty_parts_hide_no_report() {
    let sandbox = Sandbox::new();
    let head = "From: a@mailhaven.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n";
    let report = base64(&gzip(Report::new("first-part").xml()));
    let part = format!("--b\nContent-Type: application/gzip\nContent-Transfer-Encoding: base64\n\n{report}\n");
    sandbox.write("parts.eml", [head, &part, &"--b\n\n".repeat(1_000_000), "--b--\n"].concat());
    let answer = quarantined(&sandbox, "parts.eml", &["limit_mime_parts"]);
    assert_eq!(answer["reports"]["new"], 3, "the report in the first part is read: {answer}");
    // The same as multiparts, each of one empty part.
    let nested: String =
        (0..5_000).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n")).collect();
    sandbox.write("nested.eml", ["From: a@mailhaven.example\nMIME-Version: 1.0\n", &nested].concat());
    let (_, ran) = between_good_ones(&sandbox, "nested.eml");
    assert!([0, 3].contains(&ran.status), "{ran}");
}

#[test]
fn a_hundred_thousand_signatures_are_cut_and_told() {
    let sandbox = Sandbox::new();
    let signature = "<dkim><domain>d.example</domain><selector>s</selector><result>fail</result></dkim>";
    let mut results = String::new();
    for number in 0..100_000 {
        results += &signature.replace("d.example", &format!("d{number}.example"));
    }
    let report = Report::new("signed-a-lot").domain("signed.example");
    let report = report.records(vec![record("192.0.2.9", 3, "signed.example", &results)]);
    sandbox.write("signatures.xml", report.xml());
    let (answer, ran) = between_good_ones(&sandbox, "signatures.xml");
    assert_eq!((ran.status, answer["reports"]["new"].as_u64()), (0, Some(3)), "{ran}");
    let one = sandbox.run(["reports", "signed-a-lot", "--format", "json"]).exits(0).json();
    let report = &one["report"];
    assert!(!report["irregularities"].as_array().unwrap().is_empty(), "what is left out is told");
    assert!(report["rows"][0]["dkim"].as_array().unwrap().len() <= 256);
    assert_eq!((report["rows"].as_array().unwrap().len(), report["messages"].as_u64()), (1, Some(3)));
}

#[test]
fn a_header_line_of_a_gibibyte_is_not_held() {
    let good = mail("after", "text/xml", "after.xml", Report::new("after").day(2).xml().as_bytes());
    // Zeros that are never written take no room on the disk.
    for (name, before) in [("line.eml", ""), ("line.mbox", "From a Thu Oct  1 00:00:00 2026\n")] {
        let sandbox = Sandbox::new();
        let mut file = File::create(sandbox.path(name)).unwrap();
        write!(file, "{before}From: a@mailhaven.example\nSubject: ").unwrap();
        file.seek(SeekFrom::Current(1 << 30)).unwrap();
        file.write_all(b"\nMIME-Version: 1.0\n\nbody\n\n").unwrap();
        if !before.is_empty() {
            file.write_all(before.as_bytes()).unwrap();
            file.write_all(&good).unwrap();
        }
        drop(file);
        let answer = quarantined(&sandbox, name, &["limit_message"]);
        if !before.is_empty() {
            assert_eq!(answer["reports"]["new"], 3, "the mail behind it is read: {answer}");
        }
        std::fs::remove_file(sandbox.path(name)).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_links_to_itself_is_read_once() {
    let sandbox = Sandbox::new();
    sandbox.write("folder/sub/report.xml", Report::new("linked").xml());
    std::os::unix::fs::symlink(sandbox.path("folder"), sandbox.path("folder/sub/again")).unwrap();
    std::os::unix::fs::symlink("loop", sandbox.path("folder/loop")).unwrap();
    let ran = sandbox.run(["ingest", "--format", "json", "folder"]);
    let answer = ran.json();
    assert_eq!(answer["reports"], serde_json::json!({ "new": 1, "duplicate": 0, "conflicting": 0 }), "{ran}");
    // The link that leads nowhere cannot be opened; the one that leads back is nothing new.
    assert_eq!(answer["failed"].as_array().unwrap().len(), 1, "{ran}");
    ran.exits(3).says("loop");
}

#[test]
fn a_long_run_of_records_stays_small() {
    let sandbox = Sandbox::new();
    let mut encoder = GzEncoder::new(File::create(sandbox.path("long.gz")).unwrap(), Compression::fast());
    let xml = Report::new("long").records(Vec::new()).xml();
    let (head, tail) = xml.split_at(xml.find("</feedback>").unwrap());
    encoder.write_all(head.as_bytes()).unwrap();
    for number in 0..200_000_u32 {
        let [_, b, c, d] = number.to_be_bytes();
        let row = record(&format!("10.{b}.{c}.{d}"), 1, "example.com", DKIM_AND_SPF);
        encoder.write_all(row.as_bytes()).unwrap();
    }
    encoder.write_all(tail.as_bytes()).unwrap();
    encoder.finish().unwrap();
    let (answer, ran) = between_good_ones(&sandbox, "long.gz");
    assert_eq!((ran.status, answer["records"].as_u64()), (0, Some(200_002)), "{ran}");
}
