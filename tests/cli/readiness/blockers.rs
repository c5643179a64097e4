//! What a review says of the paths that stand in the way.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{REPORTERS, SPF, reports, review, signed, written};
use crate::harness::Sandbox;
use crate::make::{DKIM_AND_SPF, Report, evaluated, record};

#[test]
fn what_is_certain_is_named_where_there_is_too_little() {
    let sandbox = Sandbox::new();
    let records = [signed(2), record("198.51.100.7", 5, "example.com", SPF)];
    let ran = review(&sandbox, &reports(&sandbox, 30, 3, &records), 30, &[]).exits(4);
    let stdout = String::from_utf8(ran.stdout.clone()).unwrap();
    for text in ["not enough data", "Certain already: 1", "198.51.100.0/24", "--since"] {
        assert!(stdout.contains(text), "{text}: {}", stdout);
    }
}

#[test]
fn the_same_remedy_is_told_once() {
    let sandbox = Sandbox::new();
    let mut records = vec![signed(20)];
    records.extend((1..=6).map(|net| record(&format!("198.51.{net}.7"), 5, "example.com", SPF)));
    let ran = review(&sandbox, &reports(&sandbox, 30, 3, &records), 30, &[]).exits(4);
    let stdout = String::from_utf8(ran.stdout.clone()).unwrap();
    assert_eq!(stdout.matches("      1. ").count(), 1, "{}", stdout);
    assert!(stdout.contains("and 5 more") && stdout.contains("2,700 pass by SPF only"), "{}", stdout);
}

#[test]
fn what_fails_of_a_signed_path_is_shown() {
    let sandbox = Sandbox::new();
    let broken = DKIM_AND_SPF.replace("pass", "fail");
    let paths = written(&sandbox, 30, 3, |report| {
        report.records(vec![signed(20), record("192.0.2.1", 1, "example.com", &broken)]).xml()
    });
    let answer = review(&sandbox, &paths, 30, &["--format", "json"]).exits(4).json();
    let (blocker, part) = (&answer["blockers"][0], &answer["blockers"][0]["failing"][0]);
    assert_eq!((&blocker["messages"], &blocker["certain"]), (&json!(90), &json!(true)));
    assert_eq!((&part["messages"], &part["days"], &part["first"]), (&json!(90), &json!(30), &json!("2026-10-01")));
    assert_eq!(part["reporters"].as_array().unwrap().len(), 3);
    let id = blocker["path"].as_str().unwrap();
    let text = String::from_utf8(review(&sandbox, &paths, 30, &[]).exits(4).stdout.clone()).unwrap();
    assert!(blocker["remedy"].is_object() || text.contains(&format!("dmarcstat explain {id}")), "{text}");
}

#[test]
fn a_machine_that_was_seen_for_a_short_time_is_waited_for_until_the_ledger_says_that_it_is_gone() {
    let sandbox = Sandbox::new();
    let mut paths = Vec::new();
    for (at, org) in REPORTERS.iter().enumerate() {
        for day in 0..30 {
            let mut records = vec![signed(40)];
            records.extend((day < 10).then(|| record("198.51.100.10", 10, "example.com", SPF)));
            let report = Report::new(&format!("{org}-{day}")).org(org).day(day).records(records);
            paths.push(sandbox.write(&format!("{at}-{day}.xml"), report.xml()));
        }
    }
    let answer = review(&sandbox, &paths, 30, &["--json"]).exits(4).json();
    let blocker = &answer["blockers"][0];
    assert_eq!((&blocker["sender"], &blocker["quiet_since"]), (&json!("198.51.100.0/24"), &json!("2026-10-10")));
    let ran = review(&sandbox, &paths, 30, &[]).exits(4);
    assert!(ran.text().contains("Not seen since 2026-10-10.") && ran.text().contains("[[not_ours]]"), "{ran}");
    assert!(blocker["gone"].as_str().unwrap().contains("match = { ip = \"198.51.100.10\" }"), "{blocker}");
    sandbox.write("gone.toml", "[[not_ours]]\nname = \"Old server\"\nmatch = { ip = \"198.51.100.10\" }\n");
    review(&sandbox, &paths, 30, &["--config", "gone.toml"]).exits(0);
    // Two days after its last mail nothing shows that it is over.
    let first: Vec<PathBuf> = paths.chunks(30).flat_map(|days| days[..12].to_vec()).collect();
    let answer = review(&sandbox, &first, 12, &["--json"]).exits(4).json();
    assert_eq!(answer["blockers"][0]["quiet_since"], Value::Null);
}

#[test]
fn what_is_gone_from_machines_that_many_share_is_denied_by_its_account_and_never_by_address() {
    let sandbox = Sandbox::new();
    let account = [("tinlantern.onmicrosoft.com", "selector1-tinlantern-onmicrosoft-com", "pass")];
    let gone = |dkim: &[(&str, &str, &str)]| {
        let shared =
            evaluated("example.com", "40.107.20.5", 60, dkim, ("example.com", "pass"), |_| ("none", String::new()));
        let mut paths = Vec::new();
        for (at, org) in REPORTERS.iter().enumerate() {
            for day in 0..30 {
                let mut records = vec![signed(40)];
                records.extend((day < 10).then(|| shared.clone()));
                let report = Report::new(&format!("{org}-{day}")).org(org).day(day).records(records);
                paths.push(sandbox.write(&format!("{at}-{day}.xml"), report.xml()));
            }
        }
        review(&sandbox, &paths, 30, &["--json"]).exits(4).json()["blockers"][0].clone()
    };
    let blocker = gone(&account);
    assert_eq!(blocker["quiet_since"], json!("2026-10-10"));
    let entry = blocker["gone"].as_str().unwrap();
    assert!(entry.contains("tenant = \"tinlantern.onmicrosoft.com\"") && !entry.contains("ip ="), "{entry}");
    // Nothing but the addresses shows whose this was.
    let blocker = gone(&[]);
    assert_eq!((&blocker["quiet_since"], &blocker["gone"]), (&json!("2026-10-10"), &Value::Null));
}
