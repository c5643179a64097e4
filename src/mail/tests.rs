use super::*;

#[derive(Default)]
struct Seen {
    leaves: Vec<(usize, String, Option<String>, String)>,
    rejected: Vec<RejectionCode>,
}

impl Visitor for Seen {
    fn leaf(&mut self, _: &Envelope, leaf: Leaf<'_>) {
        let body = String::from_utf8_lossy(&leaf.decoded().0).into_owned();
        self.leaves.push((leaf.number, leaf.content_type.clone(), leaf.file_name.clone(), body));
    }

    fn rejected(&mut self, _: usize, rejection: Rejection, _: &[u8]) {
        self.rejected.push(rejection.code);
    }
}

fn seen(message: &str) -> Seen {
    let mut seen = Seen::default();
    walk(message.as_bytes(), &Limits::default(), &mut seen);
    seen
}

#[test]
fn nested_parts_names_and_mails() {
    let seen = seen(concat!(
        "Content-Type: multipart/mixed; boundary=out\r\n\r\npreamble\r\n--out\r\n",
        "Content-Type: multipart/alternative;\r\n boundary=\"outer\"\r\n\r\n--outer\r\n\r\nplain\r\n--outer--\r\n",
        "--out\r\nContent-Type: application/gzip; name*0=\"a.xm\"; name*1=\"l.gz\"\r\n",
        "Content-Transfer-Encoding: BASE64\r\n\r\naGVsbG8=\r\n",
        "--out\r\nContent-Type: message/rfc822\r\n\r\nContentType: text/xml; name=in.xml\r\n\r\n<feedback/>\r\n--out--\r\nepilogue",
    ));
    let leaf = |at: usize| (seen.leaves[at].1.as_str(), seen.leaves[at].2.as_deref(), seen.leaves[at].3.as_str());
    assert_eq!(leaf(0), ("text/plain", None, "plain"));
    assert_eq!(leaf(1), ("application/gzip", Some("a.xml.gz"), "hello"));
    assert_eq!(leaf(2), ("text/xml", Some("in.xml"), "<feedback/>"));
    assert_eq!(seen.leaves.len(), 3);
}

#[test]
fn a_mail_that_is_one_part() {
    let seen = seen("Subject: x\nContent-Type: application/zip\nContent-Transfer-Encoding: base64\n\naGVsbG8=\n");
    assert_eq!(seen.leaves[0].3, "hello");
}

#[test]
fn depth_and_number_of_parts_are_bounded() {
    let mut deep = String::from("Content-Type: multipart/mixed; boundary=b0\n\n");
    for level in 0..40 {
        deep += &format!("--b{level}\nContent-Type: multipart/mixed; boundary=b{}\n\n", level + 1);
    }
    assert_eq!(seen(&deep).rejected, [RejectionCode::LimitMimeDepth]);
    let many = format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n\n\n".repeat(100_000));
    let seen = seen(&many);
    assert_eq!((seen.leaves.len(), seen.rejected.as_slice()), (256, [RejectionCode::LimitMimeParts].as_slice()));
}

#[test]
fn a_lost_last_boundary_loses_no_part() {
    let seen = seen("Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo");
    assert_eq!(seen.leaves.iter().map(|leaf| leaf.3.as_str()).collect::<Vec<_>>(), ["one", "two"]);
}

#[test]
fn the_envelope_is_decoded_and_bounded() {
    let (fields, _) = Fields::read(
        b"Subject: =?utf-8?b?UmVwb3J0IERvbWFpbjo=?=\r\n example.com\r\nFrom: \"A\" <noreply@mx.example>\r\nMessage-ID: <1@mx.example>\r\nDate: Thu, 1 Oct 2026 00:00:00 +0000\r\n\r\n",
    );
    let envelope = fields.envelope();
    assert_eq!(envelope.subject.as_deref(), Some("Report Domain: example.com"));
    assert_eq!(envelope.from.as_deref(), Some("noreply@mx.example"));
    assert_eq!(envelope.message_id.as_deref(), Some("1@mx.example"));
    assert_eq!(envelope.date, Some(1_790_812_800));
}

#[test]
fn what_looks_like_mail() {
    assert!(looks_like_message(b"Return-Path: <>\r\nReceived: x\r\n\ty\r\n"));
    assert!(!looks_like_message(b"# A title\n\nSubject: no\n"));
    assert!(!looks_like_message(b"just text: with colon\n"));
    assert!(!looks_like_message(b""));
}
