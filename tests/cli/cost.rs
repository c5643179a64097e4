//! Reading and asking cost in proportion: four times as much of anything costs about four times as much, whatever it is that
//! a stranger repeats. Processor time of this thread is measured, the least of several times. Beside other work, doubling a
//! size can cost half as much again by noise alone, so sizes are quadrupled, where a square is sixteen times as much, and
//! what still seems to grow too fast is measured again: noise passes, a square does not.

use std::sync::Arc;
use std::time::Duration;

use dmarcstat::diagnosis::{Rules, Thresholds, Wanted, diagnose};
use dmarcstat::ingest::fuzzing::examine;
use dmarcstat::ingest::{IngestOptions, Silent, ingest};
use dmarcstat::limits::Limits;
use dmarcstat::mail::Envelope;
use dmarcstat::providers::Catalogue;
use dmarcstat::query::{Decision, Hosts, Identities, Knowledge, Ledger, LedgerEntry, Scan, Window, survey};
use dmarcstat::source::{Belief, Content, Input, InputSink};
use dmarcstat::store::Store;

use crate::make::{DAY, OCTOBER, Report, base64, gzip, zip};

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

/// A database with this document.
fn stored(document: &[u8]) -> Store {
    let mut store = Store::in_memory().unwrap();
    let options = IngestOptions {
        limits: unlimited(),
        keep_raw: false,
        now: OCTOBER + 100 * DAY,
        examiners: 1,
        left_to_do: Vec::new(),
        stop: Arc::default(),
    };
    let source = |sink: &mut dyn InputSink| {
        sink.push(Input {
            location: "report.xml".to_owned(),
            file_name: None,
            is_mail: false,
            envelope: Envelope::default(),
            receipt: None,
            belief: Belief::Nobody,
            content: Content::Bytes(Arc::new(document.to_vec())),
        });
    };
    assert!(ingest(&mut store, &options, source, &mut Silent).unwrap().new > 0);
    store
}

/// What it costs to say what entries of the ledger for each path of this document would be about.
fn cost_of_matching(document: &[u8]) -> Duration {
    let store = stored(document);
    let (catalogue, ledger, hosts) = (Catalogue::builtin(), Ledger::default(), Hosts::default());
    let knowledge = Knowledge { catalogue: &catalogue, ledger: &ledger, hosts: &hosts, memory_days: 90 };
    let first = i32::try_from(OCTOBER / DAY).unwrap();
    let once = || {
        let mut scan = Scan::new(&store, Window { first, last: first + 30 }, &[], knowledge).unwrap();
        let survey = scan.survey().unwrap();
        let began = processor_time();
        let matching = scan.matching().unwrap();
        for (at, path) in survey.paths.iter().enumerate() {
            let envelope_domain: Vec<String> = path.envelopes.iter().map(|(_, name)| name.clone()).collect();
            assert!(!envelope_domain.is_empty(), "{path:?}");
            let entry = LedgerEntry {
                decision: Decision::Approved,
                name: "service".to_owned(),
                line: 0,
                domains: vec![path.domain.clone()],
                shared: false,
                identities: Identities { envelope_domain, ..Identities::default() },
                owner: None,
                note: None,
                expires: None,
            };
            let reach = matching.reach(at, &entry);
            assert!(!reach.mail.is_empty() && !reach.others, "{path:?}: {reach:?}");
        }
        processor_time() - began
    };
    (0..3).map(|_| once()).min().unwrap_or_default()
}

/// What it costs to say of all paths in this document, half of them asked for and half remembered, what they are and why.
fn cost_of_asking(document: &[u8]) -> Duration {
    let store = stored(document);
    let (catalogue, ledger, hosts) = (Catalogue::builtin(), Ledger::default(), Hosts::default());
    let knowledge = Knowledge { catalogue: &catalogue, ledger: &ledger, hosts: &hosts, memory_days: 90 };
    let rules = Rules { catalogue: &catalogue, ledger: &ledger, thresholds: &Thresholds::default() };
    let first = i32::try_from(OCTOBER / DAY).unwrap() + 1;
    let now = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
    };
    let once = || {
        let began = now();
        let survey = survey(&store, Window { first, last: first + 30 }, &[], knowledge).unwrap();
        assert!(!diagnose(&survey, &rules, 0, Wanted::All).paths.is_empty());
        now() - began
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

/// One report of each reporter on each of two days, with a record for each number.
fn reports(
    number: usize,
    reporters: usize,
    domain: impl Fn(usize) -> String,
    record: impl Fn(usize) -> String,
) -> Vec<u8> {
    let mut xml = String::new();
    for day in 0..2 {
        for reporter in 0..reporters {
            let records = (0..number).filter(|at| at % reporters == reporter).map(&record).collect();
            let report = Report::new(&format!("{day}-{reporter}")).day(day).org(&format!("r{reporter}.example"));
            xml += &report.domain(&domain(reporter)).records(records).xml();
        }
    }
    xml.into_bytes()
}

/// The processor time of a question is that of all threads, so it is measured in a process in which no other test runs.
#[test]
fn of_questions() {
    const ALONE: &str = "DMARCSTAT_TEST_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        let ran = command.args(["--exact", "cost::of_questions", "--nocapture"]).env(ALONE, "1").output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        return;
    }
    use crate::make::record;
    let example = |_| "example.com".to_owned();
    let dkim = |domain: &str, selector: &str, result: &str| {
        format!("<dkim><domain>{domain}</domain><selector>{selector}</selector><result>{result}</result></dkim>")
    };
    let spf = |domain: &str| format!("<spf><domain>{domain}</domain><result>pass</result></spf>");
    let v4 = |at: usize| format!("40.107.{}.{}", at >> 8 & 255, at & 255);
    let other = |at: usize| format!("198.{}.{}.{}", 18 + (at >> 16 & 1), at >> 8 & 255, at & 255);
    let network = |at: usize| format!("10.{}.{}.7", at >> 8 & 255, at & 255);
    let asked = |what: &str, make: &dyn Fn(usize) -> Vec<u8>| quadrupled(what, make, cost_of_asking);
    asked("reporters, each with an account of its own", &|n| {
        let account = |at| dkim(&format!("t{at}.onmicrosoft.com"), "selector1", "pass") + &spf("example.com");
        reports(n, n, example, |at| record(&v4(at), 1, "example.com", &account(at)))
    });
    asked("header From domains", &|n| {
        reports(n, 3, example, |at| record("192.0.2.1", 1, &format!("s{at}.example.com"), &spf("example.com")))
    });
    asked("names below several domains", &|n| {
        let domain = |at: usize| format!("d{}.example", at / 300);
        reports(
            n,
            n.div_ceil(300),
            |at| format!("d{at}.example"),
            |at| record("192.0.2.1", 1, &format!("s{at}.{}", domain(at)), &spf(&domain(at))),
        )
    });
    asked("policy domains", &|n| {
        let domain = |at| format!("d{at}.example");
        reports(n, n, domain, |at| {
            record("192.0.2.1", 1, &domain(at), &(dkim(&domain(at), "s", "pass") + &spf(&domain(at))))
        })
    });
    asked("addresses of the new form", &|n| {
        let address = |at: usize| format!("2001:db8:{:x}::{:x}", at >> 8, at & 255);
        reports(n, 3, example, |at| record(&address(at), 1, "example.com", &spf("example.com")))
    });
    asked("networks that hand on signed mail", &|n| {
        let signed = dkim("example.com", "s1", "pass");
        let forwarded = |at: usize| signed.clone() + &spf(&format!("f{at}.example"));
        reports(n, 7, example, |at| record(&network(at), 1, "example.com", &forwarded(at)))
    });
    asked("reporters that see networks of their own", &|n| {
        let signed = dkim("example.com", "s1", "pass");
        reports(n, n, example, |at| record(&network(at), 1, "example.com", &signed))
    });
    asked("keys", &|n| {
        let signed =
            |at: usize| dkim("example.com", &format!("s{at}"), if at.is_multiple_of(2) { "pass" } else { "fail" });
        reports(n, 3, example, |at| record("192.0.2.1", 1, "example.com", &(signed(at) + &spf("example.com"))))
    });
    asked("organizations that SPF authenticates", &|n| {
        reports(n, 3, example, |at| record(&other(at), 1, "example.com", &spf(&format!("o{at}.example"))))
    });
}

/// One service may send for thousands of domains, and one domain through thousands of services.
#[test]
fn of_entries_of_the_ledger() {
    use crate::make::record;
    let spf = |domain: &str| format!("<spf><domain>{domain}</domain><result>pass</result></spf>");
    let matched = |what: &str, make: &dyn Fn(usize) -> Vec<u8>| quadrupled(what, make, cost_of_matching);
    matched("domains that share a service", &|n| {
        let domain = |at: usize| format!("d{at}.example");
        reports(n, n, domain, |at| record("192.0.2.1", 1, &domain(at), &spf("service.example")))
    });
    matched("services of one domain", &|n| {
        let address = |at: usize| format!("10.{}.{}.7", at >> 8 & 255, at & 255);
        reports(
            n.min(900),
            3,
            |_| "example.com".to_owned(),
            |at| record(&address(at), 1, "example.com", &spf(&format!("s{at}.example"))),
        )
    });
}
