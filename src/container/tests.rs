use super::*;
use crate::limits::Limits;
use crate::rejection::RejectionCode;

#[derive(Default)]
struct Met {
    /// Path, file name and unpacked text of each document.
    documents: Vec<(String, Option<String>, String)>,
    refused: Vec<(String, RejectionCode)>,
    tls_reports: Vec<String>,
    failure_reports: Vec<Vec<u8>>,
}

impl Visitor for Met {
    fn document(&mut self, part: &Part<'_>, _: Document<'_>, mut opened: Box<dyn Read + '_>) -> Contents {
        let mut text = String::new();
        let _ = opened.read_to_string(&mut text);
        if !text.contains("<feedback") {
            return Contents::Other;
        }
        let path = if part.inner.is_empty() { part.path.to_owned() } else { format!("{}/{}", part.path, part.inner) };
        self.documents.push((path, part.file_name.map(str::to_owned), text));
        Contents::Report
    }

    fn tls_report(&mut self, _: &Part<'_>, json: &[u8], _: &Budget) -> Contents {
        self.tls_reports.push(String::from_utf8_lossy(json).into_owned());
        Contents::Report
    }

    fn failure_report(&mut self, _: &Part<'_>, report: &[u8]) {
        self.failure_reports.push(report.to_vec());
    }

    fn refused(&mut self, part: &Part<'_>, rejection: Rejection) {
        self.refused.push((part.path.to_owned(), rejection.code));
    }
}

fn met_within(bytes: &[u8], is_mail: bool, file_name: Option<&str>, limits: &Limits) -> Met {
    let mut met = Met::default();
    let bytes = Arc::new(bytes.to_vec());
    let entry = Entry { bytes: &bytes, file_name, is_mail, envelope: &Envelope::default() };
    walk(entry, limits, &Budget::new(limits), &mut met);
    met
}

fn met(mail: &str) -> Met {
    met_within(mail.as_bytes(), true, None, &Limits::default())
}

fn codes(met: &Met) -> Vec<RejectionCode> {
    met.refused.iter().map(|refused| refused.1).collect()
}

fn texts(met: &Met) -> Vec<&str> {
    met.documents.iter().map(|document| document.2.as_str()).collect()
}

const SUBJECT: &str = "Subject: Report Domain: a.example Submitter: b.example Report-ID: <1>\r\n";
const NAME: &str = "b.example!a.example!1790553600!1790640000.xml.gz";
const XML: &str = "<feedback>1</feedback>";

fn base64(text: &str) -> String {
    use ::base64::Engine;
    ::base64::engine::general_purpose::STANDARD.encode(text)
}

#[test]
fn nested_parts_names_and_mails() {
    let met = met(concat!(
        "Content-Type: multipart/mixed; boundary=out\r\n\r\npreamble\r\n--out\r\n",
        "Content-Type: multipart/alternative;\r\n boundary=\"outer\"\r\n\r\n--outer\r\n\r\nplain\r\n--outer--\r\n",
        "--out\r\nContent-Type: application/gzip; name*0=\"a.xm\"; name*1=\"l.gz\"\r\n",
        "Content-Transfer-Encoding: BASE64\r\n\r\nPGZlZWRiYWNrLz4=\r\n",
        "--out\r\nContent-Type: message/rfc822\r\n\r\nContentType: text/xml; name=in.xml\r\n\r\n<feedback/>\r\n--out--\r\nepilogue",
    ));
    let document = |path: &str, name: &str| (path.to_owned(), Some(name.to_owned()), "<feedback/>".to_owned());
    assert_eq!(met.documents, [document("/part.2", "a.xml.gz"), document("/part.4", "in.xml")]);
    assert_eq!(met.refused, []);
}

#[test]
fn depth_and_number_of_parts_are_bounded() {
    let mut deep = String::from("Content-Type: multipart/mixed; boundary=b0\n\n");
    for level in 0..40 {
        deep += &format!("--b{level}\nContent-Type: multipart/mixed; boundary=b{}\n\n", level + 1);
    }
    assert_eq!(codes(&met(&deep)), [RejectionCode::LimitMimeDepth]);
    let many = format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n\n<feedback/>\n".repeat(1000));
    let met = met(&many);
    assert_eq!((met.documents.len(), codes(&met)), (256, vec![RejectionCode::LimitMimeParts]));
}

#[test]
fn mails_in_mails_count_together_with_the_archives_between_them() {
    let mut mail = format!("Subject: x\r\nContent-Type: text/xml\r\n\r\n{XML}\r\n");
    for depth in 0..5 {
        let met = met(&mail);
        let expected = if depth <= 3 { (1, vec![]) } else { (0, vec![RejectionCode::LimitMessageDepth]) };
        assert_eq!((met.documents.len(), codes(&met)), expected, "{depth}");
        let packed = crate::container::tests::gzip(mail.as_bytes());
        use ::base64::Engine;
        let packed = ::base64::engine::general_purpose::STANDARD.encode(packed);
        mail = if depth % 2 == 0 {
            format!(
                "Subject: x\r\nContent-Type: application/gzip\r\nContent-Transfer-Encoding: base64\r\n\r\n{packed}\r\n"
            )
        } else {
            format!("Subject: x\r\nContent-Type: message/rfc822\r\n\r\n{mail}")
        };
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn what_lies_in_plain_sight_is_read() {
    let packed = base64(XML);
    let part =
        format!("--B\r\nContent-Type: text/xml\r\nContent-Transfer-Encoding: base64\r\n\r\n{packed}\r\n--B--\r\n");
    for mail in [
        format!("Content-Type: multipart/mixed; boundary=B\r\n\r\n{part}"),
        format!("Content-Type: multipart/mixed\r\n\r\n{part}"),
        format!("Content-Type: multipart/mixed; boundary=other\r\n\r\n{part}"),
        format!("Content-Type: multipart/mixed;\r\nboundary=B\r\n\r\n{part}"),
        format!("Subject: no type at all\r\n\r\n{part}"),
        format!(
            "Content-Type: multipart/mixed; boundary=B\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
            base64(&part)
        ),
        format!("Content-Type: text/xml\r\nContent-Transfer-Encoding: base64;\r\n\r\n{packed}"),
        format!("Content-Type: text/xml\r\nContent-Transfer-Encoding: base64\r\n\r\n{XML}"),
        format!("Content-Type: application/xml\r\n\r\n{packed}"),
        "Subject: x\r\n\r\nThe report:\r\n\r\nbegin 644 r.xml\r\n6/&9E961B86-K/C$\\+V9E961B86-K/@``\r\n`\r\nend\r\n"
            .to_owned(),
        format!(
            "Content-Type: multipart/digest; boundary=D\r\n\r\n--D\r\n\r\nSubject: x\r\nContent-Type: text/xml\r\n\r\n{XML}\r\n--D--\r\n"
        ),
        format!(
            "Content-Type: multipart/digest; boundary=D\r\n\r\n--D\r\nSubject: x\r\nContent-Type: text/xml\r\n\r\n{XML}\r\n--D--\r\n"
        ),
        format!("\r\nSubject: behind an empty line\r\nContent-Type: text/xml\r\n\r\n{XML}"),
        format!("A banner\r\nSubject: x\r\nContent-Type: text/xml\r\n\r\n{XML}"),
        format!("Subject: x\r\r\nContent-Type: text/xml\r\r\n\r\r\n{XML}\r\r\n"),
        format!("Subject: x\rContent-Type: text/xml\r\r{XML}\r"),
    ] {
        assert_eq!(texts(&met(&mail)).iter().map(|text| text.trim()).collect::<Vec<_>>(), [XML], "{mail}");
    }
}

#[test]
fn mails_one_after_the_other_are_all_read() {
    let one = format!(
        "Return-Path: <a@b>\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Type: text/xml\r\n\r\n{XML}\r\n--B--\r\n"
    );
    let single = format!(
        "Return-Path: <a@b>\r\nSubject: y\r\nContent-Type: text/xml\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n",
        base64(XML)
    );
    let prose = "Return-Path: <a@b>\r\nSubject: z\r\n\r\nJust text.\r\n";
    let stream = [&one, &single, prose, &one].map(str::to_owned).concat();
    let met = met_within(stream.as_bytes(), false, None, &Limits::default());
    assert_eq!(met.documents.len(), 3);
}

#[test]
fn ordinary_mail_raises_no_alarm() {
    for part in [
        "Content-Type: image/svg+xml; name=a.svg\r\n\r\n<!DOCTYPE svg><svg/>",
        "Content-Type: application/octet-stream; name=ATT00001.txt\r\n\r\n",
        "Content-Type: application/gzip; name=log.gz\r\nContent-Transfer-Encoding: base64\r\n\r\nH4sIAAAAAAAAAxxx",
        "Content-Type: application/zip; name=photos.zip\r\n\r\nPK\x03\x04 damaged",
        "Content-Type: application/x-7z-compressed; name=a.7z\r\n\r\n7z\u{bc}",
        "Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\neJ8+IgAAAAA=",
        "Content-Type: application/pkcs7-mime; name=smime.p7m\r\n\r\nxxx",
        "Content-Type: multipart/encrypted; boundary=e\r\n\r\n--e\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--e--",
    ] {
        let mail = |subject: &str| {
            format!("{subject}Content-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n{part}\r\n--B--\r\n")
        };
        assert_eq!(codes(&met(&mail("Subject: Hello\r\n"))), [], "{part}");
        // The same in a mail that says that it is a report.
        assert_eq!(met(&mail(SUBJECT)).refused.len(), 1, "{part}");
    }
}

#[test]
fn what_is_announced_and_gives_none_is_refused() {
    for (mail, code) in [
        (format!("{SUBJECT}\r\nNothing here.\r\n"), RejectionCode::NoReportFound),
        (format!("{SUBJECT}Content-Type: image/png; name=\"{NAME}\"\r\n\r\nruined"), RejectionCode::NoReportFound),
        (
            format!("Subject: Hi\r\nContent-Type: text/html; name=\"{NAME}\"\r\n\r\n<html>gone</html>"),
            RejectionCode::NoReportFound,
        ),
        (format!("{SUBJECT}\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nxxx"), RejectionCode::EncryptedMail),
        (format!("Subject: Hi\r\nContent-Type: application/gzip; name=\"{NAME}\"\r\n\r\n"), RejectionCode::Empty),
        (
            format!("Subject: Hi\r\nContent-Type: message/rfc822\r\n\r\n{SUBJECT}\r\nNothing."),
            RejectionCode::NoReportFound,
        ),
    ] {
        assert_eq!(codes(&met(&mail)), [code], "{mail}");
    }
    for mail in [
        format!("{}\r\nThanks.", SUBJECT.replace("Report Domain", "Re: Report Domain")),
        format!("Auto-Submitted: auto-replied\r\n{SUBJECT}\r\nAway."),
        format!(
            "Content-Type: multipart/report; report-type=delivery-status; boundary=B\r\n\r\n--B\r\nContent-Type: message/delivery-status\r\n\r\nx\r\n--B\r\nContent-Type: message/rfc822\r\n\r\n{SUBJECT}Content-Type: text/xml; name=\"{NAME}\"\r\n\r\n{XML}\r\n--B--\r\n"
        ),
        format!("X-Failed-Recipients: a@b\r\n{SUBJECT}\r\nIt was: {XML}"),
        format!(
            "From: MAILER-DAEMON@b.example\r\nSubject: failure notice\r\n\r\nSorry.\r\n--- Below is a copy.\r\n\r\n{SUBJECT}Content-Transfer-Encoding: base64\r\n\r\n{}",
            base64(XML)
        ),
    ] {
        let met = met(&mail);
        assert_eq!((codes(&met), met.documents.len()), (vec![], 0), "{mail}");
    }
}

/// The parts of a bounce make a mail no bounce, unless it is a delivery-status report as a whole.
#[test]
fn a_delivery_status_among_other_parts() {
    let parts = format!(
        "boundary=B\r\n\r\n--B\r\nContent-Type: message/delivery-status\r\n\r\nx\r\n--B\r\nContent-Type: text/xml; name=\"{NAME}\"\r\n\r\n{XML}\r\n--B--\r\n"
    );
    for (kind, refused) in [
        ("multipart/report; report-type=delivery-status", vec![]),
        ("multipart/report", vec![]),
        ("multipart/mixed", vec![RejectionCode::NoReportFound]),
        ("multipart/report; report-type=tlsrpt", vec![RejectionCode::NoReportFound]),
    ] {
        let announced = met(&format!("{SUBJECT}Content-Type: {kind}; {parts}"));
        assert_eq!((codes(&announced), announced.documents.len()), (refused, 0), "{kind}");
        if !kind.ends_with("tlsrpt") {
            assert_eq!(codes(&met(&format!("Subject: Sorry\r\nContent-Type: {kind}; {parts}"))), [], "{kind}");
        }
    }
}

#[test]
fn a_file_by_its_name() {
    let met = |bytes: &[u8], name| codes(&met_within(bytes, false, Some(name), &Limits::default()));
    assert_eq!(met(b"gone", NAME), [RejectionCode::NoReportFound]);
    assert_eq!(met(b"gone", "notes.txt"), []);
    assert_eq!(met(b"", "Trash"), []);
    assert_eq!(met(b"", "report.xml"), [RejectionCode::Empty]);
    assert_eq!(met(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.msg"), [RejectionCode::OutlookMsg]);
    assert_eq!(met(b"CRYPTED\x03\x07xx", "1790647800.M1P1.mx:2,S"), [RejectionCode::EncryptedMail]);
}

#[test]
fn mail_in_other_characters_and_wrappings() {
    let mail = format!("Subject: x\r\nContent-Type: text/xml\r\n\r\n{XML}");
    let wide = |text: &str| -> Vec<u8> {
        [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
    };
    let mbox = format!("From \r\n{mail}\r\nFrom \r\n{mail}\r\n");
    for (bytes, reports) in [
        (wide(&mail), 1),
        (wide(&mbox), 2),
        (gzip(mail.as_bytes()), 1),
        (gzip(mbox.as_bytes()), 2),
        (format!("{}\n{mail}<?xml version=\"1.0\"?><plist/>", mail.len()).into_bytes(), 1),
    ] {
        let met = met_within(&bytes, false, None, &Limits::default());
        assert_eq!((texts(&met).len(), codes(&met)), (reports, vec![]));
    }
}
