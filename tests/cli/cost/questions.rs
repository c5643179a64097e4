//! Asking costs in proportion too, whatever a stranger has many of.

use std::sync::Arc;
use std::time::Duration;

use dmarcstat::diagnosis::{Rules, Thresholds, Wanted, diagnose};
use dmarcstat::ingest::{IngestOptions, Silent, ingest};
use dmarcstat::mail::Envelope;
use dmarcstat::providers::Catalogue;
use dmarcstat::query::{Decision, Hosts, Identities, Knowledge, Ledger, LedgerEntry, Scan, Window, survey};
use dmarcstat::source::{Belief, Content, Input, InputSink};
use dmarcstat::store::Store;

use super::{processor_time, quadrupled, unlimited};
use crate::make::{DAY, OCTOBER, Report, record};

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
            let reach = matching.reach(&[at], &entry);
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
        let ran =
            command.args(["--exact", "cost::questions::of_questions", "--nocapture"]).env(ALONE, "1").output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        return;
    }
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
