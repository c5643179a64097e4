//! Reports that are taken away, and reporters who are not heard.

use serde_json::{Value, json};

use crate::harness::{Ran, Sandbox, messages_of};
use crate::make::{DKIM_AND_SPF, Report, mail, record};

const AS_OF: [&str; 2] = ["--as-of", "2026-10-20"];

fn row(last: u64, messages: u64) -> String {
    record(&format!("192.0.2.{last}"), messages, "example.com", DKIM_AND_SPF)
}

/// A mail with a report; `passed` is the domain for which a believed server found it to pass.
fn report(org: &str, id: &str, passed: Option<&str>, records: Vec<String>) -> Vec<u8> {
    let report = Report::new(id).org(org).records(records);
    let result = passed.map_or("none".to_owned(), |domain| format!("pass header.from={domain}"));
    let field = format!("Authentication-Results: mx.example.com; dmarc={result}\n");
    [field.as_bytes(), &mail(id, "text/xml", "r.xml", report.xml().as_bytes())].concat()
}

fn ingest(sandbox: &Sandbox, path: &str) -> Value {
    sandbox.run(["ingest", path, "--authserv-id", "mx.example.com", "--format", "json"]).exits(0).json()
}

/// Messages by path, and what the summary by days has.
fn messages(sandbox: &Sandbox) -> u64 {
    let answer = sandbox.run(["sources", "--since", "all", "--format", "json"].iter().chain(&AS_OF)).exits(0).json();
    let paths: u64 = messages_of(&answer["paths"]);
    let domains: u64 = messages_of(&answer["domains"]);
    assert_eq!(paths, domains, "{answer}");
    paths
}

fn listed(sandbox: &Sandbox, option: &[&str]) -> Vec<String> {
    let arguments = ["reports", "--since", "all", "--format", "json"];
    let answer = sandbox.run(arguments.iter().chain(option).chain(&AS_OF)).exits(0).json();
    let reports = answer["reports"].as_array().unwrap();
    let mut ids: Vec<String> = reports.iter().map(|one| one["report_id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

/// The numbers of the reports of an id, in the order of arrival.
fn numbers(sandbox: &Sandbox, id: &str) -> Vec<String> {
    let arguments = ["reports", "--since", "all", "--format", "json"];
    let answer = sandbox.run(arguments.iter().chain(&AS_OF)).exits(0).json();
    let reports = answer["reports"].as_array().unwrap().iter().filter(|one| one["report_id"] == id);
    let mut numbers: Vec<u64> = reports.map(|one| one["id"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    numbers.iter().map(u64::to_string).collect()
}

#[test]
fn a_dropped_report_leaves_its_day_and_stays_away() {
    let sandbox = Sandbox::new();
    sandbox.write("in/other.eml", report("Posthorn", "other", None, vec![row(3, 1)]));
    sandbox.write("in/first.eml", report("Mailhaven", "day", None, vec![row(1, 20)]));
    // A later edition with more in it: what it says more is wrong.
    sandbox.write("in/second.eml", report("Mailhaven", "day", None, vec![row(1, 20), row(2, 300)]));
    ingest(&sandbox, "in");
    assert_eq!(messages(&sandbox), 321);
    let edition = numbers(&sandbox, "day").pop().unwrap();

    let drop = |arguments: &[&str]| sandbox.run([&["reports", "drop"], arguments].concat());
    drop(&["day"]).exits(1).says("2 reports have the id");
    drop(&[&edition, "nothing"]).exits(1).says("there is no report \"nothing\"");
    assert_eq!(messages(&sandbox), 321, "all of those named, or none");
    let dropped = drop(&[&edition, "--json"]).exits(0).json();
    assert_eq!((&dropped["action"], &dropped["reports"][0]["messages"]), (&json!("dropped"), &json!(320)));
    assert_eq!(messages(&sandbox), 21, "the earlier edition counts again");
    assert_eq!((listed(&sandbox, &[]).len(), listed(&sandbox, &["--dropped"])), (2, vec!["day".to_owned()]));
    let shown = sandbox.run(["reports", &edition]).exits(0);
    assert!(shown.text().contains("no: it was dropped"), "{shown}");
    let table = sandbox.run(["reports", "--since", "all"].iter().chain(&AS_OF)).exits(0);
    assert!(table.text().contains("1 report is kept apart, because somebody dropped it"), "{table}");

    // The same mail, and the same report in another mail that passed, change nothing.
    assert_eq!(ingest(&sandbox, "in")["reports"]["duplicate"], 3);
    sandbox.write("again/1.eml", report("Mailhaven", "day", Some("mailhaven.example"), vec![row(1, 20), row(2, 300)]));
    assert_eq!(ingest(&sandbox, "again")["reports"]["duplicate"], 1);
    assert_eq!(messages(&sandbox), 21);
    drop(&[&edition]).exits(0);
    assert_eq!(messages(&sandbox), 21);

    drop(&[&edition, "--back"]).exits(0);
    // It passed meanwhile, so it counts in place of those that nobody checked.
    assert_eq!((messages(&sandbox), listed(&sandbox, &["--dropped"]).len()), (321, 0));
}

#[test]
fn where_no_report_counts_the_answer_says_what_became_of_them() {
    let sandbox = Sandbox::new();
    sandbox.write("in/1.eml", report("Mailhaven", "one", None, vec![row(1, 20)]));
    sandbox.write("in/2.eml", report("Posthorn", "two", None, vec![row(1, 20)]));
    ingest(&sandbox, "in");
    sandbox.run(["reports", "drop", "one"]).exits(0);
    sandbox.run(["reports", "ignore", "Posthorn"]).exits(0);
    for question in ["unsigned", "readiness --all", "changes", "reports"] {
        let ran = sandbox.run(question.split(' ')).exits(1);
        let reasons = ["1 is dropped (`dmarcstat reports --dropped", "1 is of ignored reporters"];
        assert!(reasons.iter().all(|reason| ran.stderr.contains(reason)), "{ran}");
    }
}

#[test]
fn who_is_ignored_is_in_no_answer_and_in_nobodys_way() {
    let sandbox = Sandbox::new();
    sandbox.write("in/own.eml", report("Posthorn", "own", None, vec![row(1, 1)]));
    sandbox.write("in/named.eml", report("Post of the North", "named", Some("northpost.example"), vec![row(2, 20)]));
    // Two names of one domain; the second stands for a report of this identity that nobody checked.
    sandbox.write("in/evil.eml", report("a.evil.example", "evil", Some("evil.example"), vec![row(3, 300)]));
    sandbox.write("in/genuine.eml", report("Posthorn", "day", None, vec![row(4, 4000)]));
    sandbox.write("in/beside.eml", report("Posthorn", "day", Some("evil.example"), vec![row(5, 50_000)]));
    ingest(&sandbox, "in");
    assert_eq!(messages(&sandbox), 50_321, "what passed counts, and what nobody checked gives way to it");

    let ignore = |arguments: &[&str]| sandbox.run([&["reports", "ignore"], arguments].concat());
    assert!(ignore(&[]).exits(0).text().contains("No reporter is ignored"));
    let answer = ignore(&["Evil.example", "--json"]).exits(0).json();
    let entry = &answer["ignored"][0];
    assert_eq!(
        (&entry["who"], &entry["in"], &entry["reports"]),
        (&json!("evil.example"), &json!("database"), &json!(2))
    );
    assert_eq!(entry["reporters"], json!(["a.evil.example", "posthorn (by evil.example)"]));
    assert_eq!((messages(&sandbox), listed(&sandbox, &["--ignored"]).len()), (4021, 2), "what gave way is back");
    ignore(&["post of the north (by northpost.example)"]).exits(0);
    assert_eq!((messages(&sandbox), listed(&sandbox, &[]).len()), (4001, 2));
    // What comes later is stored, and told.
    sandbox.write("later/1.eml", report("b.evil.example", "late", Some("evil.example"), vec![row(6, 7)]));
    let told = ingest(&sandbox, "later");
    assert_eq!((&told["reports"]["new"], &told["ignored"]), (&json!(1), &json!(1)));
    assert_eq!(messages(&sandbox), 4001);
    let check = sandbox.run(["check", "--offline", "--json"]).json();
    assert_eq!((&check["database"]["reports"], &check["database"]["ignored"]), (&json!(6), &json!(4)));

    ignore(&["--back", "nobody.example"]).exits(1).says("is not ignored");
    ignore(&["--back", "evil.example", "post of the north (by northpost.example)"]).exits(0);
    assert_eq!((messages(&sandbox), listed(&sandbox, &["--ignored"]).len()), (50_328, 0));
}

#[test]
fn the_configuration_ignores_as_well() {
    let sandbox = Sandbox::new();
    sandbox.write("in/own.eml", report("Posthorn", "own", None, vec![row(1, 1)]));
    sandbox.write("in/genuine.eml", report("Posthorn", "day", None, vec![row(4, 4000)]));
    sandbox.write("in/beside.eml", report("Posthorn", "day", Some("evil.example"), vec![row(5, 50_000)]));
    sandbox.write("config.toml", "[reports]\nignore = [\"evil.example\", \"never.example\"]\n");
    ingest(&sandbox, "in");
    let ask =
        |arguments: &[&str]| -> Ran { sandbox.run(arguments.iter().chain(&["--config", "config.toml", "--json"])) };
    let sources = || {
        let answer = ask(&["sources", "--since", "all", "--as-of", "2026-10-20"]).exits(0).json();
        answer["domains"][0]["messages"].as_u64().unwrap()
    };
    assert_eq!(sources(), 1, "in no answer at once");
    ask(&["ingest", "in"]).exits(0);
    assert_eq!(sources(), 4001, "and in nobody's way from the next run on");
    let listed = ask(&["reports", "ignore"]).exits(0).json();
    assert_eq!((&listed["ignored"][0]["in"], &listed["ignored"][0]["reports"]), (&json!("configuration"), &json!(1)));
    ask(&["reports", "ignore", "--back", "evil.example"]).exits(1).says("[reports] ignore");
    let check = ask(&["check", "--offline"]).json();
    assert!(check["findings"].to_string().contains("never.example"), "{check}");
    // Without a database too.
    let from_files = ask(&["sources", "--as-of", "2026-10-20", "--input", "in"]).exits(0).json();
    assert_eq!(from_files["domains"][0]["messages"], 4001 + 50_000, "nobody checked there");
    // Another configuration, and all is as before.
    sandbox.run(["ingest", "in"]).exits(0);
    assert_eq!(messages(&sandbox), 50_001);
}
