//! What is told of a domain is the same whether it is asked for alone or with others.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::{Sandbox, sample};
use crate::make::{Report, record};

/// Two of one organization each, and one below a public suffix of two labels.
const DOMAINS: [&str; 6] =
    ["example.com", "news.example.com", "example.net", "shop.example.net", "example.co.uk", "brightwater.example"];

/// The sample mailbox, and fifty days of domains that share a sender, a key and a forwarder; each loses and gets something on days of
/// its own, and one has no reports of the last days.
fn ingested() -> Sandbox {
    let sandbox = Sandbox::new();
    for (at, domain) in (0_i64..).zip(&DOMAINS[..5]) {
        for day in 0..if at == 2 { 47 } else { 50 } {
            for org in ["One", "Two", "Three"] {
                let signed = |by: &str, selector: &str, result: &str| {
                    format!(
                        "<dkim><domain>{by}</domain><selector>{selector}</selector><result>{result}</result></dkim>"
                    )
                };
                let spf = |of: &str, result: &str| {
                    format!("<spf><domain>{of}</domain><scope>mfrom</scope><result>{result}</result></spf>")
                };
                let key = if day < 38 + at { "s1" } else { "s2" };
                let own = if day == 44 - at { "fail" } else { "pass" };
                let mut records = vec![
                    record(
                        &format!("192.0.2.{}", at + 1),
                        20,
                        domain,
                        &(signed(domain, key, own) + &spf(domain, "pass")),
                    ),
                    record("198.51.100.7", 5, domain, &(signed(domain, key, "pass") + &spf("forward.example", "pass"))),
                    record("203.0.113.9", 12, domain, &spf("bulk.example.org", "pass")),
                    record("203.0.113.77", 3, domain, &spf(domain, "fail")),
                    // What one of them signs and another sends.
                    record(
                        "192.0.2.100",
                        15,
                        domain,
                        &(signed("example.com", "shared", "pass") + &spf("example.com", "pass")),
                    ),
                ];
                if day > 40 + at {
                    records.push(record(&format!("192.0.2.{}", at + 50), 40, domain, &spf(domain, "pass")));
                }
                let report = Report::new(&format!("{domain}{org}{day}")).org(org).domain(domain).day(day);
                sandbox.write(&format!("in/{domain}{org}{day}.xml"), report.records(records).xml());
            }
        }
    }
    sandbox.run(["ingest", "in", &sample()]).exits(0);
    sandbox
}

/// A page below its heading, without the links to pages of paths: one that stands alone has none.
fn below_heading(html: &str) -> String {
    let mut rest = html.split_once("<h1").expect("a heading").1;
    let mut text = String::new();
    while let Some((before, link)) = rest.split_once("<a href=\"path-") {
        let (name, after) = link.split_once('>').and_then(|(_, link)| link.split_once("</a>")).expect("a link");
        text.extend([before, name]);
        rest = after;
    }
    text + rest
}

#[test]
fn the_changes_in_a_site_are_those_of_each_domain_alone() {
    let sandbox = ingested();
    let read = |name: &str| std::fs::read_to_string(sandbox.path(name)).unwrap();
    let mut changed = 0;
    // With all days the windows are those of each domain's own reports.
    for since in ["7d", "14d", "all"] {
        let window = ["--since", since, "--as-of", "2026-11-20"];
        sandbox.run(["site", "pages"].iter().chain(&window)).exits(0);
        for domain in DOMAINS {
            sandbox.run(["changes", "-d", domain, "--html", "alone.html"].iter().chain(&window)).exits(0);
            let (page, alone) = (read(&format!("pages/domain-{domain}-changes.html")), read("alone.html"));
            changed += usize::from(!alone.contains("Nothing has changed"));
            assert_eq!(below_heading(&page), below_heading(&alone), "{domain}, {since}");
        }
    }
    assert!(changed > 12, "{changed}");
}

/// The changes of paths, keys and policies: who reports is about all domains that are asked for.
fn changes(answer: &Value) -> BTreeSet<String> {
    let all = answer["changes"].as_array().expect("changes").iter();
    let apart = all.filter(|one| ["path", "selector", "policy"].iter().any(|subject| one["subject"] == *subject));
    apart.map(Value::to_string).collect()
}

#[test]
fn what_has_changed_is_what_has_changed_of_each_organization() {
    let sandbox = ingested();
    for since in ["7d", "14d", "30d"] {
        let ask = |domains: &[&str]| {
            let domains = domains.iter().flat_map(|domain| ["-d", domain]);
            let window = ["--since", since, "--as-of", "2026-11-20", "--format", "json"];
            sandbox.run(["changes"].into_iter().chain(domains).chain(window)).exits(0).json()
        };
        let organizations =
            ["example.com", "example.net", "example.co.uk", "brightwater.example", "brightwater-shop.example"];
        let union: BTreeSet<String> = organizations.iter().flat_map(|domain| changes(&ask(&[domain]))).collect();
        assert!(union.len() > 5, "{union:?}");
        assert_eq!(changes(&ask(&[])), union, "{since}");
        assert_eq!(changes(&ask(&organizations)), union, "{since}");
    }
}
