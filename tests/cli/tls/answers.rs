//! What `tls` and other commands answer from SMTP TLS reports.

use serde_json::{Value, json};

use super::{Tls, answer, ask, failures};
use crate::documented;
use crate::harness::{Sandbox, fixture};
use crate::make::{DAY, OCTOBER, Report};

#[test]
fn metrics_have_the_sessions() {
    let sandbox = Sandbox::new();
    for day in 0..3 {
        let fails = Tls::of("Posthorn", day).fails("certificate-expired", "mx1.example.com", 3);
        sandbox.write(&format!("in/a{day}.json"), fails.json());
        let odd = Tls { policy_type: "quantum", domain: "example.org", ..Tls::of("Mailhaven", day) };
        sandbox.write(&format!("in/b{day}.json"), odd.json());
    }
    sandbox.run(["ingest", "in"]).exits(0);
    let metrics = |more: &[&str]| {
        let base = ["metrics", "--as-of", "2026-10-31", "--since"];
        let ran = sandbox.run([&base, more].concat()).exits(0);
        let is_tls = |line: &&str| line.starts_with("dmarcstat_tls_") || line.starts_with("dmarcstat_newest_tls");
        ran.text().lines().filter(is_tls).map(str::to_owned).collect::<Vec<_>>()
    };
    let newest = format!("dmarcstat_newest_tls_report_timestamp_seconds {}", OCTOBER + 3 * DAY - 1);
    let sessions = |domain: &str, kind: &str, well: u64, failed: u64| {
        [("successful", well), ("failed", failed)].map(|(result, sessions)| {
            format!(
                "dmarcstat_tls_sessions{{domain=\"{domain}\",policy_type=\"{kind}\",result=\"{result}\"}} {sessions}"
            )
        })
    };
    let of_com = sessions("example.com", "sts", 270, 9);
    assert_eq!(metrics(&["all"]), [&[newest.clone()][..], &of_com, &sessions("example.org", "other", 270, 0)].concat());
    assert_eq!(metrics(&["all", "--domain", "example.com"]), [&[newest.clone()][..], &of_com].concat());
    assert_eq!(metrics(&["2026-10-20"]), [newest]);
}

#[test]
fn the_documented_example() {
    let ran = Sandbox::new().run([
        "tls".as_ref(),
        "--domain".as_ref(),
        "brightwater-shop.example".as_ref(),
        "--json".as_ref(),
        "--input".as_ref(),
        fixture("mailbox").as_os_str(),
    ]);
    documented::assert_documented(&documented::example("`tls`"), &ran.exits(0).json());
}

#[test]
fn failures_are_told_with_since_when_and_what_to_do() {
    let sandbox = Sandbox::new();
    for day in 0..30 {
        let mut one = Tls::of("Posthorn", day);
        if (12..20).contains(&day) {
            one = one.fails("starttls-not-supported", "mx2.example.com", 1);
        }
        if day >= 5 {
            one = one.fails("certificate-expired", "MX1.example.com.", 10);
        }
        sandbox.write(&format!("in/p{day}.json"), one.json());
        sandbox.write(
            &format!("in/m{day}.json"),
            Tls::of("Mailhaven", day).fails("certificate-expired", "mx1.example.com", 1).json(),
        );
        let none = Tls { policy_type: "no-policy-found", domain: "example.org", ..Tls::of("Mailhaven", day) };
        sandbox.write(&format!("in/n{day}.json"), none.json());
    }
    sandbox.run(["ingest", "in"]).exits(0);
    let week = answer(&sandbox, &["--since", "7d"]);
    assert_eq!(
        failures(&week),
        [("certificate-expired mx1.example.com".to_owned(), 77, "2026-10-01".to_owned(), true, false)]
    );
    assert_eq!((&week["reports"], &week["reporters"]), (&json!(21), &json!(2)));
    let all = answer(&sandbox, &["--since", "all"]);
    assert_eq!(
        failures(&all)[1],
        ("starttls-not-supported mx2.example.com".to_owned(), 8, "2026-10-13".to_owned(), false, false)
    );
    let policy = &week["domains"][0]["policies"][0];
    assert_eq!((&policy["mode"], &policy["enforced"]), (&json!("enforce"), &json!(true)), "{policy:#}");
    let remedy = &policy["failures"][0]["remedy"];
    assert!(remedy["title"].as_str().unwrap().contains("mx1.example.com"), "{remedy:#}");
    let domain = answer(&sandbox, &["--domain", "example.org"]);
    assert_eq!((failures(&domain), domain["domains"].as_array().unwrap().len()), (vec![], 1));
    ask(&sandbox, &["--exit-code"]).exits(4);
    ask(&sandbox, &["--exit-code", "--domain", "example.org"]).exits(0);
    let table = ask(&sandbox, &["--since", "7d"]).exits(0);
    for part in
        ["What fails", "certificate-expired", "2026-10-01", "held back", "Renew the certificate of mx1.example.com"]
    {
        assert!(table.text().contains(part), "{part}\n{table}");
    }
    let csv = ask(&sandbox, &["--since", "7d", "--format", "csv"]).exits(0);
    assert!(
        csv.text().contains("example.com,sts,enforce,true,1260,77,certificate-expired,mx1.example.com,77,"),
        "{csv}"
    );
    assert!(ask(&sandbox, &["--format", "markdown"]).exits(0).text().contains("## What fails"));
    let none = ask(&sandbox, &["--since", "2026-01-01", "--until", "2026-02-01"]).exits(1);
    assert!(none.stderr.contains("from 2026-10-01 to 2026-10-30"), "{none}");
    Sandbox::new().run(["tls", "--input", "."]).exits(1).says("there are no files in .");
}

#[test]
fn changes_tell_of_new_failures_and_one_reporter_alone_raises_no_alarm() {
    let told = |reporters: &[&'static str], failing: &[&'static str], days: std::ops::Range<i64>| {
        let sandbox = Sandbox::new();
        for day in 0..30 {
            sandbox.write(&format!("in/r{day}.xml"), Report::new(&format!("r{day}")).day(day).xml());
            for org in reporters {
                let mut one = Tls::of(org, day);
                if failing.contains(org) && days.contains(&day) {
                    one = one.fails("certificate-not-trusted", "mx1.example.com", 90);
                }
                sandbox.write(&format!("in/{org}{day}.json"), one.json());
            }
        }
        sandbox.run(["ingest", "in"]).exits(0);
        let ran = sandbox.run(["changes", "--since", "7d", "--as-of", "2026-10-31", "--exit-code", "--json"]);
        let answer = ran.json();
        let tls: Vec<Value> =
            answer["changes"].as_array().unwrap().iter().filter(|one| one["subject"] == "tls").cloned().collect();
        assert!(tls.len() <= 1, "{answer:#}");
        (ran.status, tls.first().map(|one| (one["kind"].clone(), one["since"].clone(), one["name"].clone())))
    };
    let name = json!("certificate-not-trusted at mx1.example.com");
    let change = |kind: &str, since: &str| Some((json!(kind), json!(since), name.clone()));
    assert_eq!(told(&["One", "Two", "Three"], &["One", "Two"], 26..30), (4, change("worse", "2026-10-27")));
    assert_eq!(told(&["One"], &["One"], 26..30), (4, change("worse", "2026-10-27")));
    assert_eq!(told(&["One", "Two", "Three"], &["One"], 26..30), (0, change("new", "2026-10-27")));
    assert_eq!(told(&["One", "Two"], &["One", "Two"], 10..30), (0, None), "it is nothing new");
    assert_eq!(told(&["One", "Two"], &["One", "Two"], 10..20), (0, change("mended", "2026-10-21")));
    assert_eq!(told(&["One", "Two"], &[], 0..0), (0, None));
}

#[test]
fn text_of_strangers_is_text() {
    let sandbox = Sandbox::new();
    let evil = "\u{1b}[2J\u{7}\u{9b}31m=cmd()|\u{202e}<b>\r\n@x";
    let mut value = Tls::of("Posthorn", 0).fails("certificate-expired", "mx1.example.com", 5).value();
    fn poison(value: &mut Value, evil: &str) {
        match value {
            Value::String(text) if !text.contains("T00:00:00") && !text.contains("T23:59:59") => {
                text.insert_str(0, evil)
            }
            Value::Array(list) => list.iter_mut().for_each(|one| poison(one, evil)),
            Value::Object(map) => map.values_mut().for_each(|one| poison(one, evil)),
            _ => {}
        }
    }
    poison(&mut value, evil);
    value["policies"][0]["policy"]["policy-domain"] = json!("example.com");
    sandbox.write("evil.json", value.to_string());
    sandbox.run(["ingest", "-v", "evil.json"]).exits(0);
    for format in ["table", "markdown", "csv", "json"] {
        for arguments in [&["--since", "all"][..], &["--since", "all", "--reports"]] {
            let ran = ask(&sandbox, &[arguments, &["--format", format]].concat()).exits(0);
            let exact = |c: char| format == "json" && c >= '\u{7f}';
            let bad = ran.text().chars().find(|&c| c != '\n' && c.is_control() && !exact(c));
            assert_eq!(bad, None, "{}", ran.to_string().escape_debug());
            assert!(format != "markdown" || !ran.text().contains("<b>"), "{ran}");
            if format == "csv" {
                let mut rows = csv::Reader::from_reader(&ran.stdout[..]);
                let formula = |cell: &str| cell.trim_start().starts_with(['=', '+', '-', '@']);
                assert!(rows.records().all(|row| !row.unwrap().iter().any(formula)), "{ran}");
            }
        }
    }
}

#[test]
fn check_tells_what_fails_now() {
    let sandbox = Sandbox::new();
    let today = (jiff::Timestamp::now().as_second() - OCTOBER).div_euclid(DAY);
    let one = Tls::of("Posthorn", today - 1).fails("certificate-expired", "mx1.example.com", 5);
    sandbox.write("one.json", one.json());
    sandbox.run(["ingest", "one.json"]).exits(0);
    let check = sandbox.run(["check", "--offline", "--json"]).exits(0).json();
    let finding = check["findings"].as_array().unwrap().iter().find(|one| one["code"] == "tls-failures");
    let detail = finding.unwrap_or_else(|| panic!("{check:#}"))["detail"].as_str().unwrap();
    assert!(detail.contains("certificate-expired at mx1.example.com since"), "{detail}");
    let screen = sandbox.run(["check", "--offline"]).exits(0);
    assert!(screen.text().contains("1 SMTP TLS report; newest "), "{screen}");
}
