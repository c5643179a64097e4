//! A mailbox of odd paths, each labelled with what it is.

use crate::harness::Sandbox;
use crate::witnesses::{KEY, OWN, TENANT, diagnosis, judged, report, says, xml};

#[test]
fn odd_paths_are_what_they_are() {
    let sandbox = Sandbox::new();
    let mut number = 0;
    for day in 0..6 {
        for org in ["one.example", "two.example", "three.example"] {
            let mut records = Vec::new();
            let mut add = |address: &str, count, one: crate::witnesses::Says| {
                records.push(one.record("example.com", address, count));
            };
            // Two accounts of one provider, of which one is the domain's.
            add("40.107.1.1", 500, says(TENANT, OWN));
            let other = &[("fabrikam.onmicrosoft.com", "selector1-fabrikam-onmicrosoft-com", "pass")];
            add("40.107.1.1", 4, says(other, OWN));
            // Two gateways with one key.
            add("192.0.2.1", 80, says(KEY, OWN));
            add("198.51.100.1", 9, says(KEY, OWN));
            // A forwarder that signs as itself besides.
            let both = &[("example.com", "s1", "pass"), ("alumni.example", "a", "pass")];
            add("10.2.2.1", 7, says(both, ("alumni.example", "pass")));
            // A relay that signs since a day.
            add("10.6.1.1", 20, says(if day < 3 { &[] } else { &[("example.com", "s2", "pass")] }, OWN));
            // A service that nobody has catalogued, at many networks; and one that only writes the domain's name.
            let bulk = says(&[("example.com", "bulk", "pass")], ("bounce.bulk.example", "pass"));
            let stranger = says(&[("spray.example", "s", "pass")], ("spray.example", "pass"));
            for network in 0..5 {
                add(&format!("10.7.{network}.1"), 6, bulk);
                add(&format!("10.8.{network}.1"), 6, stranger);
            }
            // An address that two share.
            add("10.7.0.1", 6, stranger);
            // Bounces under the name of the host.
            add("10.9.1.1", 30, says(&[("example.com", "s3", "pass")], OWN));
            add("10.9.1.1", 10, says(&[], ("mx.example.com", "pass")));
            // A small relay that one reporter sees.
            if org == "one.example" {
                add("10.10.1.1", 2, says(&[], OWN));
            }
            number += 1;
            sandbox.write(&format!("reports/{number:03}.xml"), xml(&report(org, day, "example.com", records)));
            // A subdomain that signs with the key of its parent.
            let sub = says(KEY, ("bounce.news.example.com", "pass")).record("news.example.com", "10.4.1.1", 5);
            let sub = report(org, day, "news.example.com", vec![sub]);
            sandbox.write(&format!("reports/{number:03}-sub.xml"), xml(&sub));
        }
    }
    let answer = diagnosis(&sandbox);
    let judged = judged(&answer);
    let expected = [
        ("Microsoft 365 (contoso)", "unaligned", "own"),
        ("Microsoft 365 (fabrikam)", "unaligned", "other-account"),
        ("192.0.2.0/24", "signed", "own"),
        ("198.51.100.0/24", "signed", "own"),
        ("alumni.example", "signed", "mailing-list"),
        ("10.6.1.0/24", "signed", "own"),
        ("bulk.example", "signed", "own"),
        ("spray.example", "unaligned", "service"),
        ("10.9.1.0/24", "intermittent", "own"),
        ("10.10.1.0/24", "unsigned", "own"),
        ("10.4.1.0/24", "signed", "own"),
    ];
    for (sender, class, role) in expected {
        let found = judged.get(sender).unwrap_or_else(|| panic!("no {sender} in {judged:?}"));
        assert_eq!((found.0.as_str(), found.1.as_str()), (class, role), "{sender}");
    }
    assert_eq!(judged.len(), expected.len(), "{judged:?}");
    let paths = answer["paths"].as_array().expect("paths");
    let told = |sender: &str, note: &str| {
        let path = paths.iter().find(|path| path["sender"] == sender).expect("a path");
        let notes = path["notes"].as_array().expect("notes");
        assert!(notes.iter().any(|one| one.as_str().is_some_and(|one| one.contains(note))), "{notes:?}");
    };
    told("10.6.1.0/24", "signed since 2026-10-04");
    told("10.10.1.0/24", "one reporter");
}

/// The senders with their messages, where two reporters on two days saw each of so many records, all of one role.
fn senders_of(number: usize, role: &str, record: impl Fn(usize) -> String) -> (Sandbox, Vec<(String, u64)>) {
    let sandbox = Sandbox::new();
    for day in 0..2 {
        for org in ["one.example", "two.example"] {
            let report = crate::make::Report::new(&format!("{org}{day}")).org(org).day(day);
            sandbox.write(&format!("in/{org}{day}.xml"), report.records((0..number).map(&record).collect()).xml());
        }
    }
    let answer = sandbox.run(["sources", "--since", "all", "--format", "json", "--input", "in"]).exits(0).json();
    let sender = |path: &serde_json::Value| {
        assert_eq!(path["role"], role);
        (path["sender"].as_str().unwrap().to_owned(), path["messages"].as_u64().unwrap())
    };
    let mut senders: Vec<(String, u64)> = answer["paths"].as_array().unwrap().iter().map(sender).collect();
    senders.sort_unstable();
    (sandbox, senders)
}

/// Anybody can get accounts by the thousand, and nobody can read a path of each.
#[test]
fn accounts_by_the_thousand_are_one_path() {
    let (_, senders) = senders_of(1_200, "other-account", |at| {
        let results = format!(
            "<dkim><domain>t{at}.onmicrosoft.com</domain><selector>s</selector><result>pass</result></dkim>\
             <spf><domain>example.com</domain><result>pass</result></spf>"
        );
        let messages = if at == 0 { 500 } else { 2 };
        crate::make::record(&format!("40.107.{}.{}", at >> 8, at & 255), messages, "example.com", &results)
    });
    // Who writes most is told by name all the same.
    let expected = [("Microsoft 365", 1_199 * 8), ("Microsoft 365 (t0)", 2_000)];
    assert_eq!(senders, expected.map(|(sender, messages)| (sender.to_owned(), messages)));
}

/// A stranger has as many networks as he likes; one of them that carries much is told apart.
#[test]
fn networks_by_the_thousand_are_one_path() {
    let (sandbox, senders) = senders_of(1_500, "unknown", |at| {
        let results = "<spf><domain>example.com</domain><result>fail</result></spf>";
        let messages = if at == 0 { 900 } else { 1 };
        crate::make::record(&format!("2001:db8:{at:x}::1"), messages, "example.com", results)
    });
    let expected = [("2001:db8::/48", 3_600), ("many small senders", 1_499 * 4)];
    assert_eq!(senders, expected.map(|(sender, messages)| (sender.to_owned(), messages)));
    sandbox.run(["explain", "2001:db8:77::1", "--since", "all", "--input", "in"]).exits(0);
}
