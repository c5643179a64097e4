//! What a review names though none of the owner's mail stands in the way: senders that came in the place of others, and what one
//! reporter alone sees.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{NOTHING, REPORTERS, review, signed};
use crate::harness::Sandbox;
use crate::make::{DKIM_AND_SPF, Report, record};

/// Reports of four reporters on thirty days; `records` has those of a day and reporter, by its place.
fn written(sandbox: &Sandbox, records: impl Fn(i64, usize) -> Vec<String>) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for (at, org) in REPORTERS.iter().enumerate() {
        for day in 0..30 {
            let report = Report::new(&format!("{org}-{day}")).org(org).day(day).records(records(day, at));
            paths.push(sandbox.write(&format!("{at}-{day}.xml"), report.xml()));
        }
    }
    paths
}

/// A check by its name: whether it passed, and what it says.
fn check(answer: &Value, name: &str) -> (bool, String) {
    let checks = answer["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["name"] == name).unwrap();
    (found["passed"].as_bool().unwrap(), found["detail"].as_str().unwrap().to_owned())
}

#[test]
fn what_came_in_the_place_of_a_server_wants_a_decision() {
    let sandbox = Sandbox::new();
    let server = |ip: &str| record(ip, 20, "example.com", DKIM_AND_SPF);
    let unsigned = || record("203.0.113.77", 18, "example.com", NOTHING);
    let moved = written(&sandbox, |day, _| {
        let old = if day < 15 { server("198.51.100.10") } else { unsigned() };
        vec![signed(20), old]
    });
    let answer = review(&sandbox, &moved, 30, &["--json"]).exits(4).json();
    let decision = &answer["decisions"][0];
    assert_eq!((&answer["verdict"], &decision["in_place_of"]), (&json!("undecided"), &json!("198.51.100.0/24")));
    let table = review(&sandbox, &moved, 30, &[]).exits(4);
    assert!(table.text().contains("It began as 198.51.100.0/24 fell silent"), "{table}");
    // The same mail beside the server took nobody's place, but comes day by day.
    let beside = written(&sandbox, |day, _| {
        let mut records = vec![signed(20), server("198.51.100.10")];
        records.extend((day >= 15).then(unsigned));
        records
    });
    let answer = review(&sandbox, &beside, 30, &["--json"]).exits(4).json();
    let decision = &answer["decisions"][0];
    assert_eq!((&answer["verdict"], &decision["in_place_of"]), (&json!("undecided"), &json!(null)));
    assert_eq!(decision["reasons"], json!(["steady"]));
    assert!(check(&answer, "forgotten_senders").1.contains("203.0.113.0/24"), "{answer:#}");
    // One reporter alone shows nobody in the place of another.
    let alone = written(&sandbox, |day, at| {
        let mut records = vec![signed(20)];
        records.extend((day < 15).then(|| server("198.51.100.10")));
        records.extend((day >= 15 && at == 0).then(|| record("203.0.113.77", 70, "example.com", NOTHING)));
        records
    });
    assert_eq!(review(&sandbox, &alone, 30, &["--json"]).exits(0).json()["verdict"], json!("ready"));
}

#[test]
fn what_one_reporter_alone_sees_fail_is_said_and_decides_nothing() {
    let sandbox = Sandbox::new();
    let broken = DKIM_AND_SPF.replace("pass", "fail");
    let paths = written(&sandbox, |_, at| {
        let results = if at == 1 { &broken } else { DKIM_AND_SPF };
        vec![record("192.0.2.1", 20, "example.com", results)]
    });
    let answer = review(&sandbox, &paths, 30, &["--json"]).exits(0).json();
    assert_eq!(answer["impact"]["lost"]["own"], json!(600));
    let (passed, detail) = check(&answer, "lone_reporter");
    assert!(!passed && detail.starts_with("600 messages fail at postbox alone, 25.0% of own"), "{detail}");
}

#[test]
fn a_ledger_that_denies_all_of_the_owners_mail_is_named() {
    let sandbox = Sandbox::new();
    let paths = written(&sandbox, |_, _| vec![signed(20)]);
    sandbox.write("denied.toml", "[[not_ours]]\nname = \"Old server\"\nmatch = { ip = \"192.0.2.1\" }\n");
    let answer = review(&sandbox, &paths, 30, &["--json", "--config", "denied.toml"]).exits(4).json();
    let (passed, detail) = check(&answer, "own_mail");
    assert!(!passed && detail.contains("2,400 messages that pass DMARC and that `[[not_ours]]`"), "{detail}");
}
