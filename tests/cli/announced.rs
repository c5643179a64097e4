//! Mail and files of every kind that say that they are a report: read, or kept and told, and never taken for something else.

use serde_json::Value;

use crate::harness::{Sandbox, append_to_mbox};
use crate::make::{Report, base64, gzip, zip};

const XML_NAME: &str = "mailhaven.example!example.com!1790812800!1790899199.xml.gz";
const TLS_NAME: &str = "mailhaven.example!example.com!1790812800!1790899199!1.json.gz";
const TLS: &str = r#"{"organization-name":"Mailhaven","date-range":{"start-datetime":"2026-10-01T00:00:00Z",
    "end-datetime":"2026-10-01T23:59:59Z"},"report-id":"1","policies":[{"policy":{"policy-type":"sts",
    "policy-domain":"example.com"},"summary":{"total-successful-session-count":1}}]}"#;

/// What may be in such a mail, good and ruined.
fn contents() -> Vec<(&'static str, Vec<u8>)> {
    let xml = Report::new("announced").xml();
    let packed = gzip(&xml);
    let doctype = xml.replace("<feedback>", "<!DOCTYPE feedback [<!ENTITY a \"b\">]><feedback>");
    vec![
        ("xml", xml.clone().into_bytes()),
        ("gzip", packed.clone()),
        ("zip", zip(&[("report.xml", &xml)])),
        ("wide", [0xff, 0xfe].into_iter().chain(xml.encode_utf16().flat_map(u16::to_le_bytes)).collect()),
        ("tls", TLS.as_bytes().to_vec()),
        ("tls in gzip", gzip(TLS)),
        ("cut gzip", packed[..packed.len() / 2].to_vec()),
        ("cut xml", xml.as_bytes()[..xml.len() / 2].to_vec()),
        ("cut tls", TLS.as_bytes()[..TLS.len() / 2].to_vec()),
        ("doctype", doctype.into_bytes()),
        ("nothing", Vec::new()),
        ("zeros", vec![0; 500]),
        ("a word", b"unused".to_vec()),
        ("a page", b"<!DOCTYPE html><html><body>removed by your administrator</body></html>".to_vec()),
        ("an object", b"{}".to_vec()),
        ("a picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()),
        ("7z", b"7z\xbc\xaf\x27\x1c\0\x04".to_vec()),
        ("msg", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and so on".to_vec()),
        ("winmail", b"\x78\x9f\x3e\x22\0\0 and so on".to_vec()),
        ("zip with a password", [&b"PK\x03\x04\x14\0\x01\0\x08\0"[..], &[7; 60]].concat()),
        ("zip of other things", zip(&[("read.me", "hello")])),
        ("pgp", b"-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n".to_vec()),
    ]
}

/// The fields of a mail that announces a report in one way or another, and the name of its attachment.
fn heads() -> Vec<(&'static str, &'static str, &'static str)> {
    vec![
        ("subject", "Subject: Report Domain: example.com Submitter: mailhaven.example Report-ID: <1>", "report.bin"),
        (
            "folded subject",
            "Subject: =?utf-8?q?Report_Domain:_example.com?=\n =?utf-8?q?_Submitter:_mailhaven.example?=",
            "report.bin",
        ),
        ("forwarded", "Subject: Fwd: WG: Report domain: example.com Submitter: mailhaven.example", "x"),
        ("name", "Subject: the report you asked for", XML_NAME),
        ("name of a TLS report", "Subject: Hello", TLS_NAME),
        ("TLS fields", "Subject: Hello\nTLS-Report-Domain: example.com\nTLS-Report-Submitter: mailhaven.example", "r"),
    ]
}

/// The bodies that a mail may have with some bytes in it.
fn bodies(name: &str, bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let text = base64(bytes);
    let part =
        |kind: &str| format!("Content-Type: {kind}; name=\"{name}\"\nContent-Transfer-Encoding: base64\n\n{text}\n");
    let gzip_part = part("application/gzip");
    let many = format!("--B\nContent-Type: text/plain\n\nHello.\n--B\n{gzip_part}--B--\n");
    let multipart = format!("Content-Type: multipart/mixed; boundary=B\n\n{many}");
    let plain = |text: String| text.into_bytes();
    let raw = |head: &str| [head.as_bytes(), bytes].concat();
    vec![
        ("alone", plain(gzip_part.clone())),
        ("as octets", plain(part("application/octet-stream"))),
        ("as a picture", plain(part("image/png"))),
        ("as text", plain(part("text/plain"))),
        ("tlsrpt", plain(part("application/tlsrpt+gzip"))),
        ("multipart", plain(multipart.clone())),
        ("no boundary", plain(format!("Content-Type: multipart/mixed\n\n{many}"))),
        ("another boundary", plain(format!("Content-Type: multipart/mixed; boundary=A\n\n{many}"))),
        ("boundary on a line of its own", plain(format!("Content-Type: multipart/mixed;\nboundary=B\n\n{many}"))),
        ("alternative", plain(multipart.replace("multipart/mixed", "multipart/alternative"))),
        (
            "multipart in base64",
            plain(format!(
                "Content-Type: multipart/mixed; boundary=B\nContent-Transfer-Encoding: base64\n\n{}",
                base64(many.as_bytes())
            )),
        ),
        ("cut off", plain(multipart[..multipart.len() * 2 / 3].to_owned())),
        (
            "labelled base64 and is none",
            raw(&format!("Content-Type: text/xml; name=\"{name}\"\nContent-Transfer-Encoding: base64\n\n")),
        ),
        ("without a label", plain(format!("Content-Type: application/gzip; name=\"{name}\"\n\n{text}"))),
        (
            "odd encoding",
            raw(&format!("Content-Type: application/gzip; name=\"{name}\"\nContent-Transfer-Encoding: binary; x\n\n")),
        ),
        (
            "mail in a mail",
            plain(format!(
                "Content-Type: multipart/mixed; boundary=O\n\n--O\nContent-Type: message/rfc822\n\nSubject: x\n{multipart}\n--O--\n"
            )),
        ),
        (
            "digest",
            plain(format!("Content-Type: multipart/digest; boundary=D\n\n--D\n\nSubject: x\n{multipart}\n--D--\n")),
        ),
        (
            "smime",
            plain(format!(
                "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=\"smime.p7m\"\n\
                 Content-Transfer-Encoding: base64\n\n{text}"
            )),
        ),
        (
            "pgp",
            plain(format!(
                "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=B\n\n{many}"
            )),
        ),
        ("nothing", plain("\n".to_owned())),
    ]
}

#[test]
fn none_ends_as_not_a_report() {
    let sandbox = Sandbox::new();
    let (mut mbox, mut mails) = (Vec::new(), Vec::new());
    for (head, fields, name) in heads() {
        for (content, bytes) in contents() {
            for (body, rest) in bodies(name, &bytes) {
                // Without a Subject or fields that announce it only the attachment's name does, where it is left.
                let is_named = rest.windows(name.len()).any(|part| part == name.as_bytes());
                if head.starts_with("name") && !is_named {
                    continue;
                }
                let id = format!("{}@mailhaven.example", mails.len());
                let date = "Fri, 02 Oct 2026 03:04:05 +0000";
                let mail = [
                    format!("From: dmarc@mailhaven.example\nDate: {date}\nMessage-ID: <{id}>\n{fields}\n").as_bytes(),
                    &rest,
                ]
                .concat();
                append_to_mbox(&mut mbox, &mail);
                mails.push(format!("{head}, {content}, {body}"));
            }
        }
    }
    sandbox.write("all.mbox", &mbox);
    let ran = sandbox.run(["ingest", "-v", "--json", "all.mbox"]).exits(3);
    let answer = ran.json();
    let number = |value: &Value| value.as_u64().unwrap();
    let wrong: Vec<&str> = ran
        .stderr
        .lines()
        .filter(|line| line.contains(": not a report"))
        .map(|line| {
            let number = line.split('#').nth(1).and_then(|rest| rest.split(':').next()).unwrap();
            mails[number.parse::<usize>().unwrap() - 1].as_str()
        })
        .collect();
    assert_eq!(number(&answer["mails"]), mails.len() as u64);
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), mails.len());
    assert_eq!(number(&answer["other"]["not_a_report"]), 0);
    assert!(number(&answer["reports"]["duplicate"]) > 100 && number(&answer["tls_reports"]["duplicate"]) > 50);
    // Told once; it can be tried again, and is no worse then.
    let again = sandbox.run(["ingest", "--json", "all.mbox"]).exits(0).json();
    assert_eq!((number(&again["reports"]["new"]), number(&again["other"]["not_a_report"])), (0, 0));
}
