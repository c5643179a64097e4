//! `readiness`: the review before `p=quarantine` and `p=reject`.

mod blockers;
mod doubts;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::documented::{assert_documented, example};
use crate::harness::{Ran, Sandbox, fixture, messages_of};
use crate::make::{DKIM_AND_SPF, Report, record};

const REPORTERS: [&str; 4] = ["Mailhaven", "Postbox", "Inbound", "Relaymail"];
const SPF: &str = "<spf><domain>example.com</domain><scope>mfrom</scope><result>pass</result></spf>";
const NOTHING: &str = "<spf><domain>spoofer.example</domain><scope>mfrom</scope><result>fail</result></spf>";

/// Reports of a number of reporters on a number of days from 2026-10-01 on, each with these records.
fn reports(sandbox: &Sandbox, days: i64, reporters: usize, records: &[String]) -> Vec<PathBuf> {
    written(sandbox, days, reporters, |report| report.records(records.to_vec()).xml())
}

fn written(sandbox: &Sandbox, days: i64, reporters: usize, xml: impl Fn(Report) -> String) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for (at, org) in REPORTERS.iter().enumerate().take(reporters) {
        for day in 0..days {
            let report = Report::new(&format!("{org}-{day}")).org(org).day(day);
            paths.push(sandbox.write(&format!("{at}-{day}.xml"), xml(report)));
        }
    }
    paths
}

fn signed(count: u64) -> String {
    record("192.0.2.1", count, "example.com", DKIM_AND_SPF)
}

/// The review of example.com as of the day after the last of `days`.
fn review(sandbox: &Sandbox, paths: &[PathBuf], days: i64, more: &[&str]) -> Ran {
    let as_of = jiff::civil::date(2026, 10, 1).checked_add(jiff::Span::new().days(days)).unwrap().to_string();
    let mut arguments: Vec<String> = ["readiness", "example.com", "--as-of", &as_of].map(str::to_owned).to_vec();
    arguments.extend(more.iter().map(|&text| text.to_owned()));
    arguments.push("--input".to_owned());
    arguments.extend(paths.iter().map(|path| path.display().to_string()));
    sandbox.run(arguments)
}

fn failed(answer: &Value, blocking: bool) -> Vec<String> {
    let checks = answer["checks"].as_array().unwrap();
    let names = checks.iter().filter(|check| check["passed"] == json!(false) && check["blocking"] == json!(blocking));
    names.map(|check| check["name"].as_str().unwrap().to_owned()).collect()
}

fn adds_up(answer: &Value) {
    let impact = &answer["impact"];
    let lost: u64 = impact["lost"].as_object().unwrap().values().map(|value| value.as_u64().unwrap()).sum();
    assert_eq!(impact["messages"].as_u64().unwrap(), impact["pass"].as_u64().unwrap() + lost, "{impact}");
    let paths: u64 = messages_of(&answer["paths"]);
    assert_eq!(impact["messages"].as_u64().unwrap(), paths);
    let days = answer["daily"].as_array().unwrap();
    let daily: u64 = days.iter().map(|day| day["messages"].as_u64().unwrap()).sum();
    assert_eq!(impact["messages"].as_u64().unwrap(), daily);
    for day in days {
        let classes: u64 = day["by_class"].as_object().unwrap().values().map(|value| value.as_u64().unwrap()).sum();
        assert_eq!(day["messages"].as_u64().unwrap(), classes);
    }
}

#[test]
fn a_healthy_domain_is_ready() {
    let sandbox = Sandbox::new();
    let paths = reports(&sandbox, 30, 3, &[signed(20)]);
    let answer = review(&sandbox, &paths, 30, &["--format", "json"]).exits(0).json();
    assert_eq!((&answer["verdict"], &answer["target"]), (&json!("ready"), &json!("reject")));
    assert_eq!(answer["impact"]["lost"]["own"], json!(0));
    assert_eq!(answer["evidence"]["unchecked_reports"], json!(90));
    assert_eq!(failed(&answer, false), ["unchecked_reports", "policy_ladder"]);
    adds_up(&answer);
    insta::assert_snapshot!(review(&sandbox, &paths, 30, &[]).exits(0).text());
}

#[test]
fn too_little_is_never_ready() {
    let sandbox = Sandbox::new();
    let verdict = |days, reporters, count, as_of| {
        let paths = reports(&sandbox, days, reporters, &[signed(count)]);
        let answer = review(&sandbox, &paths, as_of, &["--format", "json"]).exits(4).json();
        assert_eq!(answer["verdict"], json!("not-enough-data"));
        failed(&answer, true)
    };
    assert_eq!(verdict(3, 3, 500, 3), ["days"]);
    assert_eq!(verdict(30, 1, 500, 30), ["reporters"]);
    assert_eq!(verdict(30, 3, 1, 30), ["messages"]);
    assert_eq!(verdict(30, 3, 500, 40), ["newest_report"]);
}

#[test]
fn no_report_at_all_is_no_data_and_no_database_is_an_error() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("other.xml", Report::new("1").domain("example.org").records(vec![]).xml());
    let ran = review(&sandbox, &[path], 1, &["--format", "json"]).exits(4);
    assert_eq!(ran.json()["verdict"], json!("not-enough-data"));
    assert_eq!(ran.json()["evidence"]["largest_reporter_share"], json!(null));
    assert!(ran.stderr.contains("on example.com: no reports") && ran.stderr.contains("example.org"), "{}", ran.stderr);
    sandbox.run(["readiness", "example.com"]).exits(1).says("no database");
    sandbox.run(["readiness"]).exits(2);
    sandbox.run(["readiness", "not a domain", "--input", "other.xml"]).exits(2);
}

#[test]
fn spf_alone_blocks_reject_and_not_quarantine() {
    let sandbox = Sandbox::new();
    let records = [signed(20), record("198.51.100.7", 5, "example.com", SPF)];
    let paths = reports(&sandbox, 30, 3, &records);
    let reject = review(&sandbox, &paths, 30, &["--format", "json"]).exits(4).json();
    assert_eq!(failed(&reject, true), ["dkim_coverage"]);
    let blocker = &reject["blockers"][0];
    assert_eq!((&blocker["messages"], &blocker["class"]), (&json!(0), &json!("unsigned")));
    assert_eq!((&blocker["reasons"], &blocker["spf_alone"]), (&json!(["spf-alone"]), &json!(450)));
    let quarantine = review(&sandbox, &paths, 30, &["--target", "quarantine", "--format", "json"]).exits(0).json();
    assert_eq!(quarantine["verdict"], json!("ready"));
    assert_eq!(quarantine["fragile"][0]["messages"], json!(450));
    assert!(failed(&quarantine, false).contains(&"dkim_coverage".to_owned()));
}

#[test]
fn mail_of_ones_own_that_fails_blocks() {
    let sandbox = Sandbox::new();
    let broken = DKIM_AND_SPF.replace("pass", "fail");
    let records = [signed(20), record("192.0.2.1", 3, "example.com", &broken)];
    let answer = review(&sandbox, &reports(&sandbox, 30, 3, &records), 30, &["--format", "json"]).exits(4).json();
    assert_eq!(failed(&answer, true), ["pass_share", "failing_paths"]);
    assert_eq!(answer["impact"]["lost"]["own"], json!(270));
    assert_eq!(answer["blockers"][0]["messages"], json!(270));
    adds_up(&answer);
}

#[test]
fn a_domain_of_which_nothing_is_authenticated_is_not_ready() {
    let sandbox = Sandbox::new();
    let paths = reports(&sandbox, 30, 3, &[record("203.0.113.9", 20, "example.com", NOTHING)]);
    let answer = review(&sandbox, &paths, 30, &["--format", "json"]).exits(4).json();
    assert_eq!(failed(&answer, true), ["own_mail", "pass_share"]);
    assert_eq!(answer["impact"]["lost"]["unknown"], json!(1800));
    // Unless somebody says that it sends none.
    let config = sandbox.write("config.toml", "[readiness]\nparked = [\"example.com\"]\n");
    let answer = review(&sandbox, &paths, 30, &["--format", "json", "--config", config.to_str().unwrap()]).exits(0);
    assert_eq!(answer.json()["verdict"], json!("ready"));
}

#[test]
fn a_parked_domain_needs_no_amount_of_mail() {
    let sandbox = Sandbox::new();
    let paths = reports(&sandbox, 2, 1, &[record("203.0.113.9", 2, "example.com", NOTHING)]);
    let json = ["--format", "json"];
    let answer = review(&sandbox, &paths, 2, &json).exits(4).json();
    assert_eq!(answer["verdict"], json!("not-enough-data"));
    let config = sandbox.write("config.toml", "[readiness]\nparked = [\"example.com\"]\n");
    let config = ["--config", config.to_str().unwrap()];
    let answer = review(&sandbox, &paths, 2, &[json, config].concat()).exits(0).json();
    assert_eq!(answer["verdict"], json!("ready"));
    assert_eq!(failed(&answer, true), Vec::<String>::new());
}

#[test]
fn thresholds_are_the_configurations() {
    let sandbox = Sandbox::new();
    let paths = reports(&sandbox, 3, 1, &[signed(20)]);
    let text = "[readiness]\nmin_days = 3\nmin_reporters = 1\nmin_messages = 60\nmax_age_days = 9\npass_share = 1\n";
    let config = sandbox.write("config.toml", text);
    let config = config.to_str().unwrap();
    let answer = review(&sandbox, &paths, 10, &["--config", config, "--format", "json"]).exits(0).json();
    assert_eq!(answer["thresholds"]["max_age_days"], json!(9));
    sandbox.write("config.toml", "[readiness]\nmin_days = 3\nmin_weeks = 3\n");
    review(&sandbox, &paths, 3, &["--config", config]).exits(1).says("line 3").says("min_weeks");
}

#[test]
fn a_change_of_policy_is_seen_and_told() {
    let sandbox = Sandbox::new();
    let paths = written(&sandbox, 30, 3, |report| {
        let later = report.begin >= crate::make::OCTOBER + 10 * crate::make::DAY;
        let xml = report.records(vec![signed(20)]).xml();
        if later {
            xml.replace("<p>none</p>", "<p>quarantine</p>").replace("<pct>100</pct>", "<pct>50</pct>")
        } else {
            xml
        }
    });
    let answer = review(&sandbox, &paths, 30, &["--format", "json"]).exits(0).json();
    assert_eq!(
        answer["policy_changes"],
        json!([
            { "date": "2026-10-11", "tag": "p", "from": "none", "to": "quarantine" },
            { "date": "2026-10-11", "tag": "pct", "from": "100", "to": "50" },
        ])
    );
    assert_eq!(answer["published"]["p"], json!("quarantine"));
    assert_eq!(failed(&answer, false), ["unchecked_reports", "policy_in_full"]);
    let text = review(&sandbox, &paths, 30, &[]);
    assert!(text.text().contains("2026-10-11 p: none → quarantine"), "{text}");
}

#[test]
fn overrides_are_told_with_their_reasons() {
    let sandbox = Sandbox::new();
    let reason = "<reason><type>mailing_list</type><comment>list of the choir</comment></reason></policy_evaluated>";
    let failing = record("203.0.113.9", 2, "example.com", NOTHING);
    let excused = failing.replace("</policy_evaluated>", reason).replace("203.0.113.9", "203.0.113.10");
    let refused = failing.replace("<disposition>none", "<disposition>reject");
    let paths = written(&sandbox, 30, 3, |report| {
        let xml = report.records(vec![signed(20), excused.clone(), refused.clone()]).xml();
        xml.replace("<p>none</p>", "<p>reject</p>")
    });
    let answer = review(&sandbox, &paths, 30, &["--format", "json"]).json();
    assert_eq!(answer["dispositions"], json!({ "none": 180, "quarantine": 0, "reject": 180, "unknown": 0 }));
    let overridden = &answer["overridden"];
    assert_eq!(overridden.as_array().unwrap().len(), 1);
    assert_eq!((&overridden[0]["asked"], &overridden[0]["done"]), (&json!("reject"), &json!("none")));
    assert_eq!(overridden[0]["reasons"], json!(["mailing_list: list of the choir"]));
    assert_eq!(overridden[0]["messages"], json!(180));
}

#[test]
fn subdomains_inherit_or_have_a_record_of_their_own() {
    let sandbox = Sandbox::new();
    let hr = record("192.0.2.1", 4, "hr.example.com", DKIM_AND_SPF);
    let mut paths = written(&sandbox, 30, 3, |report| {
        report.records(vec![signed(20), hr.clone()]).xml().replace("<p>none</p>", "<p>quarantine</p>")
    });
    let news = record("203.0.113.9", 7, "news.example.com", NOTHING);
    let own = Report::new("news").domain("news.example.com").day(29).records(vec![news]);
    paths.push(sandbox.write("news.xml", own.xml()));
    let answer = review(&sandbox, &paths, 30, &["--format", "json"]).exits(0).json();
    let subdomains = answer["subdomains"].as_array().unwrap();
    let of = |name: &str| subdomains.iter().find(|one| one["domain"] == json!(name)).unwrap();
    let hr = of("hr.example.com");
    // sp=none is published: the change does not reach it.
    assert_eq!((&hr["inherited"], &hr["by"], &hr["then"]), (&json!(true), &json!("sp"), &json!("none")));
    assert!(failed(&answer, false).contains(&"subdomains".to_owned()));
    assert_eq!((&of("news.example.com")["inherited"], &of("news.example.com")["by"]), (&json!(false), &json!("own")));
    // What has its own record does not count: the change does not touch it.
    assert_eq!(answer["impact"]["messages"], json!(30 * 3 * 24));
    // adkim=s would cost the subdomain its signature, aspf=s its SPF.
    assert_eq!(answer["strict"], json!({ "lost_adkim": 0, "lost_aspf": 0, "lost_both": 360, "unknown": 0 }));
    adds_up(&answer);
}

#[test]
fn who_fell_silent_is_named() {
    let sandbox = Sandbox::new();
    let mut paths = reports(&sandbox, 30, 3, &[signed(20)]);
    for day in 0..10 {
        let report = Report::new(&format!("gone-{day}")).org("Gonemail").day(day).records(vec![signed(1)]);
        paths.push(sandbox.write(&format!("gone-{day}.xml"), report.xml()));
    }
    let answer = review(&sandbox, &paths, 30, &["--format", "json"]).json();
    let silent: Vec<&str> = answer["reporters"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["silent"] == json!(true))
        .map(|one| one["reporter"].as_str().unwrap())
        .collect();
    assert_eq!(silent, ["gonemail"]);
}

#[test]
fn the_same_data_in_any_order_gives_the_same_bytes() {
    let sandbox = Sandbox::new();
    let records =
        [signed(20), record("198.51.100.7", 5, "example.com", SPF), record("203.0.113.9", 2, "example.com", NOTHING)];
    let mut paths = reports(&sandbox, 30, 3, &records);
    let mut outputs = Vec::new();
    for _ in 0..2 {
        for format in ["table", "json", "markdown", "csv"] {
            let html = sandbox.path(&format!("{format}.html"));
            let ran = review(&sandbox, &paths, 30, &["--format", format, "--html", html.to_str().unwrap()]).exits(4);
            outputs.push((ran.text().to_owned(), std::fs::read(html).unwrap()));
        }
        paths.reverse();
    }
    let (first, second) = outputs.split_at(4);
    assert!(first == second);
}

#[test]
fn every_domain_worst_first() {
    let sandbox = Sandbox::new();
    let mut paths = reports(&sandbox, 30, 3, &[signed(20)]);
    let other = Report::new("other").domain("example.org").day(29);
    paths.push(sandbox.write("other.xml", other.records(vec![record("192.0.2.1", 9, "example.org", NOTHING)]).xml()));
    let run = |format: &str| {
        let mut arguments = vec!["readiness", "--all", "--as-of", "2026-10-31", "--format", format, "--input"];
        arguments.extend(paths.iter().map(|path| path.to_str().unwrap()));
        sandbox.run(arguments).exits(4)
    };
    let list = run("json").json();
    assert_eq!(list["schema"], json!("dmarcstat/readiness-list/1"));
    let lines: Vec<_> =
        list["domains"].as_array().unwrap().iter().map(|one| (&one["domain"], &one["verdict"])).collect();
    assert_eq!(lines, [(&json!("example.org"), &json!("not-enough-data")), (&json!("example.com"), &json!("ready"))]);
    insta::assert_snapshot!(run("table").text());
    assert_eq!(run("csv").text().lines().count(), 3);
    assert!(run("markdown").text().contains("| example.org | not-enough-data |"));
}

/// The review of the sample mailbox.
fn sample(more: &[&str]) -> Ran {
    let mailbox = fixture("mailbox");
    let mut arguments = vec!["readiness", "brightwater.example", "--as-of", "2026-11-22", "--since", "30d"];
    arguments.extend(more);
    arguments.extend(["--input", mailbox.to_str().unwrap()]);
    Sandbox::new().run(arguments)
}

#[test]
fn the_sample_mailbox_is_not_ready_for_the_reasons_it_was_made_with() {
    let answer = sample(&["--format", "json"]).exits(4).json();
    assert_eq!(answer["verdict"], json!("not-ready"));
    adds_up(&answer);
    let senders: Vec<&str> =
        answer["blockers"].as_array().unwrap().iter().map(|one| one["sender"].as_str().unwrap()).collect();
    assert!(senders.iter().any(|sender| sender.starts_with("Microsoft 365")), "{senders:?}");
    assert!(failed(&answer, false).contains(&"mailbox_users".to_owned()));
    assert!(answer["advice"][0]["section"].as_str().unwrap().contains("RFC 9989"));
    let markdown = sample(&["--format", "markdown"]).exits(4);
    assert!(markdown.text().contains("## Checks") && markdown.text().contains("- **BLOCKS** "), "{markdown}");
    let narrow = Sandbox::new().columns(40);
    let mailbox = fixture("mailbox");
    let ran = narrow.run([
        "readiness",
        "brightwater-shop.example",
        "--as-of",
        "2026-11-22",
        "--input",
        mailbox.to_str().unwrap(),
    ]);
    assert!(ran.text().lines().count() > 40, "{ran}");
}

#[test]
fn the_documented_example_is_true() {
    let answer = sample(&["--format", "json"]).json();
    let example = example("`readiness`");
    for part in ["schema", "domain", "target", "verdict", "evidence", "impact", "strict", "dispositions", "published"] {
        assert_documented(&example[part], &answer[part]);
    }
    assert_eq!(
        example.as_object().unwrap().keys().collect::<Vec<_>>(),
        answer.as_object().unwrap().keys().collect::<Vec<_>>()
    );
    for list in ["checks", "blockers", "fragile", "subdomains", "reporters", "selectors", "advice", "daily", "paths"] {
        let keys = |value: &Value| value[list][0].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&example), keys(&answer), "{list}");
    }
}
