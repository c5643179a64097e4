//! What is wrong with the reports themselves, and with the policies that they found.

use serde_json::{Value, json};

use super::{DAYS, HOME, LIAR, ORGS, at_all, codes, found, mailbox};
use crate::harness::Sandbox;
use crate::make::Report;
use crate::senders::{Line, report, sources};

#[test]
fn a_large_reporter_that_falls_silent() {
    let says = |day: i64| {
        let mut reports = at_all(day, || vec![HOME]);
        reports.retain(|report| report.org != "two.example" || day < 6);
        reports
    };
    let sandbox = mailbox(says, |_| None);
    let answer = found(&sandbox);
    assert_eq!(codes(&answer), ["reporter_silent"]);
    let finding = &answer["findings"][0];
    assert_eq!((&finding["subject"], &finding["since"]), (&json!("two.example"), &json!("2026-10-07")));
    // As of the days before, it was not.
    let early = sources(&sandbox, &["--as-of", "2026-10-13", "--until", "2026-10-08"]);
    assert_eq!(codes(&early), [""; 0]);
    // The silence of one that told of little is not a finding.
    let few = Line { count: 1, ..HOME };
    let small =
        mailbox(|day| at_all(day, || vec![HOME]), |day| (day < 6).then(|| report("small.example", day, &[few])));
    assert_eq!(codes(&found(&small)), [""; 0]);
}

#[test]
fn reports_that_come_no_more() {
    let other = |day: i64| report("one.example", day, &[]).domain("example.org");
    let stops = |day: i64| if day < 7 { at_all(day, || vec![HOME]) } else { Vec::new() };
    let sandbox = mailbox(stops, |day| Some(other(day)));
    let answer = found(&sandbox);
    let silent: Vec<&Value> =
        answer["findings"].as_array().unwrap().iter().filter(|one| one["code"] == "no_reports").collect();
    assert_eq!(silent.len(), 1, "{answer:#}");
    assert_eq!((&silent[0]["domain"], &silent[0]["since"]), (&json!("example.com"), &json!("2026-10-08")));
    let ask = ["changes", "--input", "reports", "--as-of", "2026-10-13", "--since", "6d"];
    let changes = sandbox.run(ask.iter().chain(&["--format", "json"])).exits(0).json();
    let worse = changes["changes"].as_array().unwrap().iter().filter(|one| one["finding"] == "no_reports").count();
    assert_eq!((worse, &changes["alarm"]), (1, &json!(true)));
    let ran = sandbox.run(ask).exits(0);
    let text = ran.text();
    assert_eq!(text.matches("no reports on it since").count(), 0, "it is told once\n{text}");
    // One that alone told of another domain, and stops, is not a sign that all do.
    let alone = |day: i64| (day < 7).then(|| report(LIAR, day, &[]).domain("example.net"));
    let codes_of = found(&mailbox(|day| at_all(day, || vec![HOME]), alone));
    assert_eq!(codes(&codes_of), [""; 0]);
}

/// Reports, each with the policy that it found.
fn publish(reports: impl Iterator<Item = (Report, &'static str)>) -> Sandbox {
    let sandbox = Sandbox::new();
    for (number, (report, policy)) in reports.enumerate() {
        let xml = report.xml().replace("<p>none</p><sp>none</sp>", &format!("<p>{policy}</p>"));
        sandbox.write(&format!("reports/{number:03}.xml"), xml);
    }
    sandbox
}

#[test]
fn a_policy_that_changed() {
    let honest = |turn: i64, to: &'static str| {
        (0..DAYS).flat_map(move |day| {
            ORGS.map(|org| (report(org, day, &[HOME]), if day < turn { "quarantine" } else { to }))
        })
    };
    let lies = |policy: &'static str| (0..DAYS).map(move |day| (report(LIAR, day, &[HOME]), policy));
    let answer = found(&publish(honest(5, "none")));
    assert_eq!(codes(&answer), ["policy_changed"]);
    let finding = &answer["findings"][0];
    assert_eq!((&finding["since"], &finding["severity"]), (&json!("2026-10-06"), &json!("warning")));
    assert_eq!(finding["evidence"]["changes"], json!([{ "tag": "p", "from": "quarantine", "to": "none" }]));
    assert_eq!(found(&publish(honest(5, "reject")))["findings"][0]["severity"], "advice");
    // One that always writes something else hides no change, and makes none.
    assert_eq!(found(&publish(honest(5, "none").chain(lies("reject"))))["findings"][0]["since"], "2026-10-06");
    assert_eq!(codes(&found(&publish(honest(DAYS, "none").chain(lies("none"))))), [""; 0]);
    let turned =
        lies("none").enumerate().map(|(day, (report, policy))| (report, if day < 5 { "reject" } else { policy }));
    let sandbox = publish(honest(DAYS, "none").chain(turned));
    assert_eq!(codes(&found(&sandbox)), [""; 0]);
    let ask = ["changes", "--input", "reports", "--as-of", "2026-10-13", "--since", "6d", "--format", "json"];
    let policies = |sandbox: &Sandbox| {
        let changes = sandbox.run(ask).exits(0).json();
        changes["changes"].as_array().unwrap().iter().filter(|one| one["subject"] == "policy").count()
    };
    assert_eq!((policies(&sandbox), policies(&publish(honest(7, "none")))), (0, 1));
}

#[test]
fn policies_that_disagree() {
    let two = ["four.example", "five.example"];
    let steady = (0..DAYS).flat_map(|day| ORGS.map(|org| (report(org, day, &[HOME]), "none")));
    let others =
        |days: std::ops::Range<i64>| days.flat_map(move |day| two.map(|org| (report(org, day, &[HOME]), "reject")));
    let answer = found(&publish(steady.clone().chain(others(0..DAYS))));
    assert_eq!(codes(&answer), ["policies_disagree"]);
    let evidence = &answer["findings"][0]["evidence"];
    assert_eq!(evidence["days"], DAYS);
    assert_eq!(evidence["policies"]["reject"], json!(["five.example", "four.example"]));
    // For two days only; and where one alone does.
    assert_eq!(codes(&found(&publish(steady.clone().chain(others(4..6))))), [""; 0]);
    let alone = (0..DAYS).map(|day| (report(LIAR, day, &[HOME]), "reject"));
    assert_eq!(codes(&found(&publish(steady.chain(alone)))), [""; 0]);
}

#[test]
fn reports_on_domains_of_others() {
    let stray = |day: i64| (day < 2).then(|| report("one.example", day, &[]).domain("stranger.example"));
    let sandbox = mailbox(|day| at_all(day, || vec![HOME]), stray);
    sandbox.write("owner.toml", "[owner]\ndomains = [\"example.com\"]\n");
    assert_eq!(codes(&found(&sandbox)), [""; 0], "nobody said which domains are the owner's");
    let answer = sources(&sandbox, &["--as-of", "2026-10-13", "--config", "owner.toml"]);
    assert_eq!(codes(&answer), ["foreign_reports"]);
    assert_eq!(answer["findings"][0]["domain"], "stranger.example");
    // A domain below one with the policy may be all that is the owner's.
    sandbox.write("owner.toml", "[owner]\ndomains = [\"example.com\", \"mail.stranger.example\"]\n");
    assert_eq!(codes(&sources(&sandbox, &["--as-of", "2026-10-13", "--config", "owner.toml"])), [""; 0]);
}
