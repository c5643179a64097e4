//! Reports on domains that are not the owner's: stored, counted apart, and in no answer.

use serde_json::{Value, json};

use crate::harness::{Ran, Sandbox};
use crate::make::{DKIM_AND_SPF, Report, record};

const OWNER: &str = "[owner]\ndomains = [\"example.com\"]\n";
const AS_OF: &str = "2026-10-25";

/// Two reporters on a domain and one below it, day for day, from one machine; with what `results` says of each mail.
fn write(sandbox: &Sandbox, folder: &str, domain: &str, days: i64, results: &str) {
    for day in 0..days {
        for org in ["Mailhaven", "Posthorn"] {
            for domain in [domain.to_owned(), format!("news.{domain}")] {
                let results = results.replace("example.com", &domain);
                let records = vec![record("192.0.2.1", 7, &domain, &results), record("192.0.2.2", 4, &domain, "")];
                let report = Report::new(&format!("{org}-{domain}-{day}")).org(org).domain(&domain).day(day);
                sandbox.write(&format!("{folder}/{org}-{domain}-{day}.xml"), report.records(records).xml());
            }
        }
    }
}

fn ask(sandbox: &Sandbox, db: &str, arguments: &[&str]) -> Ran {
    sandbox.run(arguments.iter().chain(&["--db", db, "--config", "owner.toml", "--format", "json"]))
}

/// An answer, and the status. That there are some is told, once; that is left out.
fn answer(ran: &Ran) -> (Value, i32) {
    let mut answer = if ran.stdout.is_empty() { json!(ran.stderr) } else { ran.json() };
    for key in ["findings", "changes"] {
        if let Some(list) = answer.get_mut(key).and_then(Value::as_array_mut) {
            list.retain(|one| one["code"] != "foreign_reports" && one["finding"] != "foreign_reports");
        }
    }
    (answer, ran.status)
}

#[test]
fn they_change_no_answer() {
    let sandbox = Sandbox::new();
    sandbox.write("owner.toml", OWNER);
    write(&sandbox, "own", "example.com", 20, DKIM_AND_SPF);
    // The same machines, other signatures, and reports of days after the last on the owner's.
    write(&sandbox, "foreign", "elsewhere.example", 23, "<spf><domain>example.com</domain><result>pass</result></spf>");
    write(&sandbox, "foreign", "notexample.com", 23, DKIM_AND_SPF);
    ask(&sandbox, "own.db", &["ingest", "own"]).exits(0);
    let both = ask(&sandbox, "both.db", &["ingest", "foreign", "own"]).exits(0).json();
    assert_eq!((&both["reports"]["new"], &both["foreign"]), (&json!(80 + 184), &json!(184)));
    let sources = ask(&sandbox, "both.db", &["sources", "--as-of", AS_OF]).exits(0).json();
    let domains: Vec<_> = sources["domains"].as_array().unwrap().iter().map(|one| &one["domain"]).collect();
    assert_eq!(domains, ["example.com", "news.example.com"], "{sources}");
    for question in [
        &["unsigned", "--all"][..],
        &["sources"],
        &["sources", "--since", "all"],
        &["explain", "192.0.2.2"],
        &["readiness", "example.com"],
        &["readiness", "elsewhere.example"],
        &["readiness"],
        &["changes", "--since", "7d", "--exit-code"],
        &["changes", "--since", "14d"],
        &["selectors"],
        &["selectors", "--by-address"],
    ] {
        let arguments = [question, &["--as-of", AS_OF]].concat();
        assert_eq!(
            answer(&ask(&sandbox, "own.db", &arguments)),
            answer(&ask(&sandbox, "both.db", &arguments)),
            "{question:?} with foreign reports, and without"
        );
    }
    // Without a database too.
    let from_files = |folders: &[&str]| {
        let arguments = [&["sources", "--config", "owner.toml", "--format", "json", "--input"], folders].concat();
        answer(&sandbox.run(arguments).exits(0))
    };
    assert_eq!(from_files(&["own"]), from_files(&["own", "foreign"]));
    let metrics = sandbox.run(["metrics", "--db", "both.db", "--config", "owner.toml"]).exits(0);
    assert!(metrics.text().contains("\ndmarcstat_foreign_reports 184\n"), "{metrics}");
}

#[test]
fn they_are_listed_apart_and_come_back_with_their_domain() {
    let sandbox = Sandbox::new();
    sandbox.write("owner.toml", OWNER);
    write(&sandbox, "own", "example.com", 2, DKIM_AND_SPF);
    write(&sandbox, "foreign", "elsewhere.example", 3, DKIM_AND_SPF);
    ask(&sandbox, "all.db", &["ingest", "own", "foreign"]).exits(0);
    let domains = |option: &[&str]| {
        let list = ask(&sandbox, "all.db", &[&["reports", "--since", "all"], option].concat()).exits(0).json();
        let reports = list["reports"].as_array().unwrap();
        let mut domains: Vec<String> =
            reports.iter().map(|one| format!("{} {}", one["domain"].as_str().unwrap(), one["foreign"])).collect();
        domains.sort();
        domains.dedup();
        (reports.len(), domains)
    };
    assert_eq!(domains(&[]), (8, vec!["example.com false".into(), "news.example.com false".into()]));
    assert_eq!(
        domains(&["--foreign"]),
        (12, vec!["elsewhere.example true".into(), "news.elsewhere.example true".into()])
    );
    let text = |arguments: &[&str]| {
        let all = [arguments, &["--db", "all.db", "--config", "owner.toml"]].concat();
        sandbox.run(all).exits(0).text().to_owned()
    };
    assert!(text(&["reports", "--since", "all"]).contains("12 reports are kept apart, not on the domains of [owner]"));
    assert!(text(&["reports", "Mailhaven-elsewhere.example-0"]).contains("none of those in [owner] domains"));
    assert!(text(&["ingest", "foreign"]).contains("12 known before"));
    // A policy above the owner's domain is the owner's too, and one below another's is not.
    sandbox.write("owner.toml", OWNER.replace("example.com", "news.elsewhere.example"));
    assert_eq!(domains(&["--foreign"]), (8, vec!["example.com true".into(), "news.example.com true".into()]));
    // Named among the owner's, its reports are there without being read again.
    sandbox.write("owner.toml", OWNER.replace("\"example.com\"", "\"example.com\", \"elsewhere.example\""));
    assert_eq!((domains(&[]).0, domains(&["--foreign"]).0), (20, 0));
}

#[test]
fn with_nothing_else_to_answer_from_it_is_said() {
    let sandbox = Sandbox::new();
    sandbox.write("owner.toml", OWNER);
    write(&sandbox, "foreign", "elsewhere.example", 3, DKIM_AND_SPF);
    ask(&sandbox, "all.db", &["ingest", "foreign"]).exits(0);
    let ran = ask(&sandbox, "all.db", &["unsigned", "--since", "all"]).exits(1);
    assert!(ran.stderr.contains("elsewhere.example") && ran.stderr.contains("reports --foreign"), "{ran}");
    let check = ask(&sandbox, "all.db", &["check", "--offline"]).exits(0).json();
    assert_eq!(check["database"]["newest_report"], Value::Null);
}

#[test]
fn who_asks_for_one_is_told_of_owner() {
    let sandbox = Sandbox::new();
    sandbox.write("owner.toml", OWNER);
    write(&sandbox, "own", "example.com", 3, DKIM_AND_SPF);
    write(&sandbox, "foreign", "elsewhere.example", 3, DKIM_AND_SPF);
    ask(&sandbox, "own.db", &["ingest", "own"]).exits(0);
    ask(&sandbox, "both.db", &["ingest", "own", "foreign"]).exits(0);
    let why = "are none of the domains of [owner]";
    for (question, status) in [
        (&["sources", "-d", "Elsewhere.Example."][..], 1),
        (&["selectors", "-d", "elsewhere.example"], 1),
        (&["reports", "-d", "elsewhere.example"], 1),
        (&["readiness", "elsewhere.example"], 4),
    ] {
        let arguments = [question, &["--as-of", "2026-10-10"]].concat();
        let ran = ask(&sandbox, "both.db", &arguments).exits(status);
        assert!(
            ran.stderr.contains(why) && ran.stderr.contains("elsewhere.example and news.elsewhere.example"),
            "{ran}"
        );
        // Of one that nobody reported on, there is no such thing to say.
        let ran = ask(&sandbox, "own.db", &arguments).exits(status);
        assert!(!ran.stderr.contains(why) && ran.stderr.contains("example.com"), "{ran}");
    }
}

#[test]
fn check_names_them_and_without_owner_what_one_reporter_alone_wrote_about() {
    let sandbox = Sandbox::new();
    write(&sandbox, "own", "example.com", 2, DKIM_AND_SPF);
    let stray = Report::new("stray").domain("elsewhere.example").day(3);
    sandbox.write("stray.xml", stray.xml());
    sandbox.run(["ingest", "own", "stray.xml"]).exits(0);
    let found = |config: &str| {
        sandbox.write("owner.toml", config);
        let answer = sandbox.run(["check", "--offline", "--config", "owner.toml", "--format", "json"]).exits(0).json();
        let findings = answer["findings"].as_array().unwrap();
        let named =
            findings.iter().filter(|one| ["foreign-reports", "one-reporter"].iter().any(|code| one["code"] == *code));
        let named = named.map(|one| format!("{}: {}", one["code"], one["detail"])).collect::<Vec<_>>();
        (named, answer["database"]["foreign"].clone(), answer["database"]["newest_report"].clone())
    };
    assert_eq!(
        found(""),
        (
            vec!["\"one-reporter\": \"only one reporter ever wrote about elsewhere.example\"".to_owned()],
            json!(0),
            json!("2026-10-04T23:59:59Z")
        )
    );
    assert_eq!(
        found(OWNER),
        (
            vec![
                "\"foreign-reports\": \"1 report not on the domains of [owner], but on elsewhere.example\"".to_owned()
            ],
            json!(1),
            json!("2026-10-02T23:59:59Z"),
        )
    );
    assert_eq!(found("[owner]\ndomains = [\"example.com\", \"elsewhere.example\"]\n").0, Vec::<String>::new());
}
