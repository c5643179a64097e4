//! Reading and asking cost in proportion: four times as much of anything costs about four times as much, whatever it is that
//! a stranger repeats. Processor time of this thread is measured, the least of several times. Beside other work, doubling a
//! size can cost half as much again by noise alone, so sizes are quadrupled, where a square is sixteen times as much, and
//! what still seems to grow too fast is measured again: noise passes, a square does not.

mod questions;

use std::time::Duration;

use dmarcstat::ingest::fuzzing::examine;
use dmarcstat::limits::Limits;

use crate::make::{base64, gzip, zip};

/// Four times the size may cost this much more: 2.6 times at each doubling.
const MOST: f64 = 2.6 * 2.6;
/// Less is too little to be measured.
const FLOOR: Duration = Duration::from_millis(20);
/// So often it is measured before it is a fault.
const TRIES: u32 = 5;

fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}

/// All of it is to be read: what is tested is the way that the cost grows, and not that it is cut off.
fn unlimited() -> Limits {
    Limits {
        mime_parts: usize::MAX,
        members: usize::MAX,
        zip_members: usize::MAX,
        zip_reports: usize::MAX,
        messages: usize::MAX,
        reports: usize::MAX,
        same_id: usize::MAX,
        policies: usize::MAX,
        texts: u64::MAX,
        ..Limits::default()
    }
}

/// What it costs to read these bytes: the least of a few times.
fn cost(bytes: &[u8]) -> Duration {
    let limits = unlimited();
    let once = || {
        let began = processor_time();
        let _ = examine(bytes, false, &limits);
        processor_time() - began
    };
    (0..3).map(|_| once()).min().unwrap_or_default()
}

/// Doubles the number that makes an input until reading it takes long enough to be measured, and then takes four times that.
#[track_caller]
fn grows_in_proportion(what: &str, make: impl Fn(usize) -> Vec<u8>) {
    quadrupled(what, make, cost);
}

#[track_caller]
fn quadrupled(what: &str, make: impl Fn(usize) -> Vec<u8>, cost: impl Fn(&[u8]) -> Duration) {
    let (mut number, mut length) = (500, 0);
    loop {
        let bytes = make(number);
        let before = cost(&bytes);
        // Where a large input costs so little, no part grows faster than the size.
        if before < FLOOR && (bytes.len() > 8 << 20 || bytes.len() == length) {
            return;
        }
        length = bytes.len();
        if before >= FLOOR {
            let larger = make(4 * number);
            let (mut before, mut after) = (before, cost(&larger));
            for _ in 0..TRIES {
                let times = after.as_secs_f64() / before.as_secs_f64().max(0.001);
                if times < MOST {
                    return;
                }
                (before, after) = (before.min(cost(&bytes)), after.min(cost(&larger)));
            }
            panic!("{what}: {number} cost {before:?}, four times as many {after:?}, and never less");
        }
        number *= 2;
    }
}

fn mail(body: &str) -> Vec<u8> {
    format!(
        "From: a@b.example\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n{body}\r\n--B--\r\n"
    )
    .into_bytes()
}

fn report(records: &str) -> String {
    format!(
        "<feedback><report_metadata><org_name>o</org_name><report_id>1</report_id><date_range><begin>1790812800</begin>\
         <end>1790899199</end></date_range></report_metadata><policy_published><domain>a.example</domain><p>none</p>\
         </policy_published>{records}</feedback>"
    )
}

fn record(inner: &str) -> String {
    format!(
        "<record><row><source_ip>192.0.2.1</source_ip><count>1</count><policy_evaluated>{inner}</policy_evaluated></row>\
         <identifiers><header_from>a.example</header_from></identifiers></record>"
    )
}

#[test]
fn of_mails() {
    grows_in_proportion("a boundary within a line", |n| mail(&format!("\r\nx{}", "--B".repeat(n))));
    grows_in_proportion("lines that begin as a boundary", |n| mail(&format!("\r\n{}", "--Bx\r\n".repeat(n))));
    grows_in_proportion("parts", |n| mail(&"\r\nx\r\n--B\r\n".repeat(n)));
    grows_in_proportion("header fields", |n| mail(&format!("{}\r\nx", "Content-Type: text/plain\r\n".repeat(n))));
    grows_in_proportion("folded lines", |n| mail(&format!("Subject: x\r\n{}\r\nx", " fold\r\n".repeat(n))));
    grows_in_proportion("beginnings of uuencode", |n| mail(&format!("\r\n{}", "begin 644 x\r\n".repeat(n))));
    grows_in_proportion("beginnings of base64", |n| {
        mail(&format!("Content-Type: a/b; name=x\r\n\r\n{}", "H4sI!\r\nUEsDB!\r\n".repeat(n)))
    });
    grows_in_proportion("borders of a mailbox", |n| {
        format!("From \nSubject: x\n\n{}", "From a\nFrom - \nTo: x\n\n".repeat(n)).into_bytes()
    });
}

#[test]
fn of_mails_behind_a_mail() {
    for (what, mail) in [
        ("mails behind a mail", "Return-Path: <a@b>\r\nSubject: x\r\n\r\ntext\r\n"),
        (
            "mails behind a mail, of which each is refused",
            "Delivered-To: a@b\r\nTLS-Report-Domain: a.example\r\n\r\ntext\r\n",
        ),
        ("with line ends to be written anew", "Received: x\r\r\r\nSubject: x\r\r\n\r\r\r\r\ntext\r\r\n"),
        (
            "mails behind a multipart",
            "Subject: x\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n\r\nx\r\n--B--\r\n",
        ),
        (
            "mails behind base64 that is no multipart",
            "Received: x\r\nContent-Type: multipart/mixed; boundary=B\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD\r\n",
        ),
    ] {
        grows_in_proportion(what, |n| mail.repeat(n).into_bytes());
    }
}

#[test]
fn of_archives() {
    grows_in_proportion("empty members of gzip in gzip", |n| gzip(gzip(b"").repeat(n.min(100_000))));
    grows_in_proportion("members of a zip", |n| {
        let names: Vec<String> = (0..n.min(20_000)).map(|number| format!("{number}.xml")).collect();
        let members: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"<a/>"[..])).collect();
        zip(&members)
    });
    grows_in_proportion("zips in parts", |n| {
        let packed = base64(&zip(&[("a.txt", b"just text"), ("b.txt", b"more text")]));
        let part =
            format!("Content-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n{packed}\r\n--B\r\n");
        mail(&part.repeat(n))
    });
}

#[test]
fn of_documents() {
    grows_in_proportion("records", |n| report(&record("").repeat(n)).into_bytes());
    grows_in_proportion("rows of a record", |n| {
        let row = "<row><source_ip>192.0.2.1</source_ip><count>1</count></row>";
        report(&format!("<record>{}</record>", row.repeat(n))).into_bytes()
    });
    grows_in_proportion("different comments", |n| {
        let records: String = (0..n).map(|at| record(&format!("<reason><comment>{at}</comment></reason>"))).collect();
        report(&records).into_bytes()
    });
    grows_in_proportion("values that are repeated", |n| {
        report(&"<version>1</version><version>2</version>".repeat(n)).into_bytes()
    });
    grows_in_proportion("reports of one identity", |n| {
        (0..n)
            .map(|at| report(&record("").replace("192.0.2.1", &format!("10.0.{}.{}", at >> 8 & 255, at & 255))))
            .collect::<String>()
            .into_bytes()
    });
    grows_in_proportion("elements nobody knows", |n| report(&"<x><y>z</y></x>".repeat(n)).into_bytes());
    grows_in_proportion("brackets in a text", |n| {
        report(&format!("<record><row>{}</row></record>", "<comment>a<b</comment>".repeat(n))).into_bytes()
    });
    grows_in_proportion("different comments beyond the limit of texts", |n| {
        let comment = "c".repeat(1000);
        let records: String =
            (0..n).map(|at| record(&format!("<reason><comment>{at}{comment}</comment></reason>"))).collect();
        report(&records).into_bytes()
    });
    grows_in_proportion("different subdomains", |n| {
        report(&(0..n).map(|at| record("").replace("a.example", &format!("s{at}.a.example"))).collect::<String>())
            .into_bytes()
    });
    grows_in_proportion("signatures of a record", |n| {
        let signatures: String =
            (0..n).map(|at| format!("<dkim><domain>d{at}.example</domain><result>pass</result></dkim>")).collect();
        report(&record("").replace("</record>", &format!("<auth_results>{signatures}</auth_results></record>")))
            .into_bytes()
    });
    grows_in_proportion("errors and contacts of the head", |n| {
        report("")
            .replace(
                "<org_name>",
                &format!("{}<org_name>", "<error>e</error><extra_contact_info>c</extra_contact_info>".repeat(n)),
            )
            .into_bytes()
    });
    grows_in_proportion("attributes of a tag", |n| {
        let attributes: String = (0..n).map(|at| format!(" a{at}='b'")).collect();
        report("").replace("<feedback>", &format!("<feedback{attributes}>")).into_bytes()
    });
    grows_in_proportion("references", |n| {
        report(&record(&format!("<reason><comment>{}</comment></reason>", "&amp;".repeat(n)))).into_bytes()
    });
}
