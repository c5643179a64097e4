//! DKIM selectors: what signs, what fails, what took over from what.

use serde_json::{Value, json};

use crate::documented;
use crate::harness::{Ran, Sandbox, sample};
use crate::make::{Report, record};

/// A record whose only signature has a result.
pub(crate) fn signed(address: &str, count: u64, selector: &str, result: &str) -> String {
    let signature = format!(
        "<dkim><domain>example.com</domain><selector>{selector}</selector><result>{result}</result></dkim>\
         <spf><domain>bounce.example.net</domain><scope>mfrom</scope><result>fail</result></spf>"
    );
    let verdict = if result == "pass" { "pass" } else { "fail" };
    record(address, count, "example.com", &signature).replace(
        "<dkim>pass</dkim><spf>pass</spf></policy_evaluated>",
        &format!("<dkim>{verdict}</dkim><spf>fail</spf></policy_evaluated>"),
    )
}

/// Thirty days from 2026-10-01 at two reporters, with the records that `of` gives for a day.
pub(crate) fn month(sandbox: &Sandbox, of: impl Fn(i64) -> Vec<String>) {
    for day in 0..30 {
        let records = of(day);
        if records.is_empty() {
            continue;
        }
        for org in ["One", "Two"] {
            let xml = Report::new(&format!("{org}{day}")).org(org).day(day).records(records.clone()).xml();
            sandbox.write(&format!("in/{org}{day}.xml"), xml);
        }
    }
    sandbox.run(["ingest", "in"]).exits(0);
}

fn selectors(sandbox: &Sandbox, more: &[&str]) -> Value {
    let base = ["selectors", "--since", "all", "--format", "json"];
    sandbox.run(base.iter().chain(more)).exits(0).json()
}

fn one<'a>(answer: &'a Value, selector: &str) -> &'a Value {
    let all = answer["selectors"].as_array().expect("selectors");
    all.iter().find(|one| one["selector"] == selector).unwrap_or_else(|| panic!("no {selector} in {answer:#}"))
}

#[test]
fn the_rotation_of_the_sample_mailbox() {
    let answer = Sandbox::new().run(["selectors", "--format", "json", "--input", &sample()]).exits(0).json();
    assert_eq!(answer["schema"], "dmarcstat/selectors/1");
    assert_eq!(answer["rotations"].as_array().map(Vec::len), Some(1), "{:#}", answer["rotations"]);
    let rotation = &answer["rotations"][0];
    assert_eq!((&rotation["old"], &rotation["new"]), (&json!("shop2025"), &json!("shop2026")));
    assert_eq!((&rotation["gap_days"], &rotation["overlap_days"]), (&json!(2), &json!(0)));
    assert!(rotation["failed_in_gap"].as_u64() > Some(100), "{rotation:#}");
    assert_eq!(one(&answer, "shop2025")["state"], "rotated");
    for healthy in ["mw1", "desk2024", "paydesk", "shop2026", "selector1-brightwater-onmicrosoft-com"] {
        assert_eq!(one(&answer, healthy)["state"], "verifying", "{healthy}");
    }
    assert_eq!(one(&answer, "selector1-brightwater-onmicrosoft-com")["owner"], "tenant");
    assert!(answer["others"]["selectors"].as_u64() > Some(0), "the newsletter service's own key is not listed");
    for key in answer["selectors"].as_array().expect("selectors") {
        let sum =
            |list: &Value| list.as_array().unwrap().iter().map(|one| one["messages"].as_u64().unwrap()).sum::<u64>();
        assert_eq!(key["messages"].as_u64(), Some(sum(&key["senders"])), "{key:#}");
        assert_eq!(key["messages"].as_u64(), Some(sum(&key["reporters"])), "{key:#}");
        let results: u64 = key["results"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
        assert_eq!(key["messages"].as_u64(), Some(results), "{key:#}");
    }
}

#[test]
fn a_key_that_never_verified_took_nothing_over() {
    let sandbox = Sandbox::new();
    month(&sandbox, |day| {
        let (selector, result) = if day < 20 { ("s1", "pass") } else { ("s2", "fail") };
        vec![signed("192.0.2.1", 20, selector, result)]
    });
    let answer = selectors(&sandbox, &[]);
    assert_eq!(answer["rotations"], json!([]));
    assert_eq!((&one(&answer, "s1")["state"], &one(&answer, "s2")["state"]), (&json!("vanished"), &json!("failing")));
    let told = sandbox.run(["changes", "--since", "14d", "--as-of", "2026-10-31"]).exits(0);
    let told = told.text();
    assert!(told.contains("never verified") && !told.contains("took over"), "{told}");
}

#[test]
fn a_key_that_fails_since_a_day() {
    let sandbox = Sandbox::new();
    month(&sandbox, |day| vec![signed("192.0.2.1", 20, "s1", if day < 20 { "pass" } else { "permerror" })]);
    let answer = selectors(&sandbox, &[]);
    let key = one(&answer, "s1");
    assert_eq!((&key["state"], &key["failing_since"]), (&json!("failing"), &json!("2026-10-21")), "{key:#}");
    assert_eq!((&key["verified"], &key["failed"]), (&json!(800), &json!(400)));
    assert_eq!(key["results"], json!({ "pass": 800, "permerror": 400 }));
    assert_eq!(key["last_verified"], "2026-10-20");
}

#[test]
fn a_key_that_was_mended_verifies_and_says_since_when() {
    let sandbox = Sandbox::new();
    month(&sandbox, |day| {
        let result = if day < 20 { "fail" } else { "pass" };
        vec![signed("192.0.2.1", 20, "s1", result), signed("192.0.2.1", 20, "s2", "pass")]
    });
    let answer = selectors(&sandbox, &[]);
    let (mended, whole) = (one(&answer, "s1"), one(&answer, "s2"));
    assert_eq!((&mended["state"], &whole["state"]), (&json!("verifying"), &json!("verifying")), "{answer:#}");
    assert_eq!((&mended["verified"], &mended["failed"]), (&json!(400), &json!(800)), "of the whole window");
    assert_eq!(mended["notes"], json!(["verifying since 2026-10-21; before that 0% verified"]));
    assert_eq!(whole["notes"], json!([]));
}

#[test]
fn a_key_that_vanished_while_its_path_sends() {
    let sandbox = Sandbox::new();
    month(&sandbox, |day| {
        let mut records = vec![signed("192.0.2.1", 5, "s1", "pass")];
        records.extend((day < 15).then(|| signed("192.0.2.2", 20, "s2", "pass")));
        // Its machine sends on, without a signature.
        let unsigned =
            record("192.0.2.2", 20, "example.com", "<spf><domain>example.com</domain><result>fail</result></spf>");
        records.extend((day >= 15).then_some(unsigned));
        records
    });
    let answer = selectors(&sandbox, &[]);
    let (stays, vanished) = (one(&answer, "s1"), one(&answer, "s2"));
    assert_eq!((&stays["state"], &vanished["state"]), (&json!("verifying"), &json!("vanished")), "{answer:#}");
    assert_eq!(vanished["last_seen"], "2026-10-15");
    assert_eq!(answer["rotations"], json!([]));
}

#[test]
fn a_pause_and_a_few_messages_are_nothing() {
    let sandbox = Sandbox::new();
    month(&sandbox, |day| {
        let mut records = vec![signed("192.0.2.1", 50, "s1", "pass")];
        // Once a week, the last time six days before the end.
        records.extend((day % 7 == 2).then(|| signed("192.0.2.1", 5, "weekly", "pass")));
        records.extend((day == 28).then(|| signed("192.0.2.1", 1, "once", "fail")));
        records
    });
    let answer = selectors(&sandbox, &[]);
    assert_eq!(one(&answer, "weekly")["state"], "verifying");
    assert_eq!(one(&answer, "once")["state"], "few");
    assert_eq!(one(&selectors(&sandbox, &["--min-messages", "3"]), "weekly")["messages"], 40);
    assert_eq!(selectors(&sandbox, &["--min-messages", "3"])["selectors"].as_array().map(Vec::len), Some(2));
}

#[test]
fn the_machines_that_alone_fail() {
    let sandbox = Sandbox::new();
    month(&sandbox, |_| {
        let machines = (1..=14).map(|host| {
            let result = if host == 3 { "fail" } else { "pass" };
            signed(&format!("192.0.2.{host}"), 3, "s1", result)
        });
        machines.collect()
    });
    let answer = selectors(&sandbox, &["--by-address"]);
    let addresses = one(&answer, "s1")["addresses"].as_array().expect("addresses").clone();
    assert_eq!(addresses.len(), 14);
    let alone: Vec<&Value> = addresses.iter().filter(|one| one["fails_alone"] == true).collect();
    assert_eq!(alone.len(), 1);
    assert_eq!((&alone[0]["ip"], &alone[0]["failed"]), (&json!("192.0.2.3"), &json!(180)));
    assert_eq!(one(&selectors(&sandbox, &[]), "s1")["addresses"], Value::Null, "only where it is asked for");
    let ran = sandbox.run(["selectors", "--since", "all", "--by-address"]).exits(0);
    assert!(ran.text().contains("only these fail: 192.0.2.3"), "{ran}");
    let ran = sandbox.run(["selectors", "--since", "all", "--by-address", "--format", "csv"]).exits(0);
    assert_eq!(ran.text().lines().count(), 15, "a line a machine\n{ran}");
}

#[test]
fn the_answer_is_as_documented() {
    let domain = ["--domain", "brightwater-shop.example", "--min-messages", "4000"];
    let arguments = ["selectors", "--by-address", "--format", "json", "--input"];
    let input = sample();
    let ran = Sandbox::new().run(arguments.iter().copied().chain([input.as_str()]).chain(domain)).exits(0);
    documented::assert_documented(&documented::example("`selectors`"), &ran.json());
}

fn shown(columns: u16, more: &[&str]) -> Ran {
    let sandbox = Sandbox::new().columns(columns);
    let input = sample();
    sandbox.run(["selectors", "--input", &input].iter().chain(more)).exits(0)
}

#[test]
fn selectors_at_120_columns() {
    insta::assert_snapshot!(shown(120, &[]).text());
}

#[test]
fn selectors_as_markdown() {
    insta::assert_snapshot!(shown(120, &["--all", "--format", "markdown"]).text());
}
