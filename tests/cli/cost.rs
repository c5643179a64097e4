//! Reading costs in proportion: twice as much of anything costs about twice as much, whatever it is that a stranger
//! repeats. Processor time of this thread is measured; beside other work its noise is larger than what is looked for, so
//! these run by hand and alone: `cargo test --test cli cost:: -- --ignored --test-threads 1`.

use std::time::Duration;

use dmarcstat::ingest::probe::examine;
use dmarcstat::limits::Limits;

use crate::make::{base64, gzip, zip};

/// Twice the size may cost this much more.
const MOST: f64 = 2.6;

fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}

/// What it costs to read these bytes: the least of a few times.
fn cost(bytes: &[u8]) -> Duration {
    // All of it is to be read: what is tested is the way that the cost grows, and not that it is cut off.
    let limits = Limits {
        mime_parts: usize::MAX,
        members: usize::MAX,
        zip_members: usize::MAX,
        zip_reports: usize::MAX,
        messages: usize::MAX,
        reports: usize::MAX,
        same_id: usize::MAX,
        policies: usize::MAX,
        ..Limits::default()
    };
    let once = || {
        let began = processor_time();
        let _ = examine(bytes, false, &limits);
        processor_time() - began
    };
    (0..3).map(|_| once()).min().unwrap_or_default()
}

/// Doubles the number that makes an input until reading it takes long enough to be measured, and once more.
#[track_caller]
fn grows_in_proportion(what: &str, make: impl Fn(usize) -> Vec<u8>) {
    let mut number = 500;
    loop {
        let bytes = make(number);
        let before = cost(&bytes);
        if before >= Duration::from_millis(15) || bytes.len() > 16 << 20 {
            let after = cost(&make(2 * number));
            let times = after.as_secs_f64() / before.as_secs_f64().max(0.001);
            assert!(times < MOST, "{what}: {number} cost {before:?}, twice as many {after:?}: {times:.2} times");
            return;
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
#[ignore = "measures processor time: run alone and by hand"]
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
    grows_in_proportion("mails behind a mail", |n| {
        "Return-Path: <a@b>\r\nSubject: x\r\n\r\ntext\r\n".repeat(n).into_bytes()
    });
}

#[test]
#[ignore = "measures processor time: run alone and by hand"]
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
#[ignore = "measures processor time: run alone and by hand"]
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
    grows_in_proportion("references", |n| {
        report(&record(&format!("<reason><comment>{}</comment></reason>", "&amp;".repeat(n)))).into_bytes()
    });
}
