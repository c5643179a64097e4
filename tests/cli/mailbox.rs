//! The sample mailbox, against the figures that were counted when it was written.

use std::path::PathBuf;

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::documented::{assert_documented, example};
use crate::dump;
use crate::harness::{Sandbox, files_below, fixture, read_json};

const STATES: [&str; 4] = ["aligned", "unaligned", "broken", "unsigned"];

fn mailbox() -> String {
    fixture("mailbox").display().to_string()
}

fn truth() -> Value {
    read_json(&fixture("mailbox.truth.json"))
}

/// A sandbox whose database holds the mailbox, and what `ingest` said.
fn ingested() -> (Sandbox, Value) {
    let sandbox = Sandbox::new();
    let (answer, status) = sandbox.ingest(&[mailbox()]);
    assert_eq!(status, 0, "{answer}");
    (sandbox, answer)
}

fn list<'v>(value: &'v Value, key: &str) -> &'v Vec<Value> {
    value[key].as_array().unwrap_or_else(|| panic!("{key} is no list in {value}"))
}

fn number(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap_or_else(|| panic!("{key} is no count in {value}"))
}

#[test]
fn ingest_counts_what_is_there() {
    let (_sandbox, answer) = ingested();
    let truth = truth();
    assert_eq!(answer["schema"], "dmarcstat/ingest/1");
    assert_eq!((&answer["inputs"], &answer["mails"]), (&truth["mails"], &truth["mails"]));
    for key in ["reports", "records", "messages", "other"] {
        assert_eq!(answer[key], truth[key], "{key}");
    }
    assert_eq!((list(&answer, "quarantined").len(), list(&answer, "failed").len()), (0, 0));
}

/// The answers of `sources` from files and from a database, which are the same.
fn sources(arguments: &[&str]) -> Value {
    let (sandbox, _) = ingested();
    let mailbox = mailbox();
    let base = ["sources", "--format", "json"];
    let stored = sandbox.run(base.iter().chain(arguments)).exits(0);
    let direct = sandbox.run(base.iter().chain(arguments).chain(&["--input", &mailbox])).exits(0);
    assert_eq!(stored.text(), direct.text(), "from a database and from files");
    stored.json()
}

#[test]
fn domains_have_their_figures() {
    let truth = truth();
    let whole = sources(&["--since", "all"]);
    assert_eq!(whole["newest_report"], truth["newest_report"]);
    assert_eq!(whole["window"], truth["window"]);
    assert_eq!(list(&whole, "domains").len(), 2);
    for expected in list(&truth, "domains") {
        let found = list(&whole, "domains").iter().find(|one| one["domain"] == expected["domain"]).expect("a domain");
        for key in ["policy", "messages", "dmarc_pass", "dkim_aligned", "spf_aligned", "reports", "reporters"] {
            assert_eq!(found[key], expected[key], "{key} of {}", expected["domain"]);
        }
        // The same again by adding up paths, whose domain may be a subdomain.
        let policy_domain = expected["domain"].as_str().unwrap();
        let below = format!(".{policy_domain}");
        let paths = list(&whole, "paths").iter().filter(|path| {
            let domain = path["domain"].as_str().unwrap();
            domain == policy_domain || domain.ends_with(&below)
        });
        let (mut sums, mut states) = ([0; 4], [0; 4]);
        for path in paths {
            for (sum, key) in sums.iter_mut().zip(["messages", "dmarc_pass", "spf_aligned", "quarantined"]) {
                *sum += number(path, key);
            }
            for (sum, key) in states.iter_mut().zip(STATES) {
                *sum += number(&path["dkim"], key);
            }
        }
        let keys = ["messages", "dmarc_pass", "spf_aligned", "quarantined"];
        assert_eq!(sums, keys.map(|key| number(expected, key)), "sums of {policy_domain}");
        assert_eq!(states, STATES.map(|key| number(&expected["dkim"], key)), "states of {policy_domain}");
    }
}

#[test]
fn the_last_thirty_days_have_their_figures() {
    let answer = sources(&["--since", "30d", "--as-of", "2026-11-22"]);
    assert_eq!(answer["window"], serde_json::json!({ "begin": "2026-10-23", "end": "2026-11-21" }));
    for expected in list(&truth(), "domains") {
        let found = list(&answer, "domains").iter().find(|one| one["domain"] == expected["domain"]).expect("a domain");
        for key in ["messages", "dmarc_pass", "spf_aligned"] {
            assert_eq!(found[key], expected["last_30_days"][key], "{key} of {}", expected["domain"]);
        }
        assert_eq!(found["dkim_aligned"], expected["last_30_days"]["dkim"]["aligned"]);
    }
    assert_paths(&answer, true);
}

#[test]
fn paths_have_their_figures() {
    let answer = sources(&["--since", "all"]);
    for path in list(&answer, "paths") {
        let dkim = path["dkim"].as_object().expect("figures");
        let keys: Vec<&str> = dkim.keys().map(String::as_str).collect();
        assert_eq!(keys, ["aligned", "unaligned", "broken", "unsigned", "unknown"]);
        let sum: u64 = dkim.values().map(|value| value.as_u64().expect("a count")).sum();
        assert_eq!(sum, number(path, "messages"), "{path}");
    }
    assert_paths(&answer, false);
    let mut ids: Vec<&str> = list(&answer, "paths").iter().map(|path| path["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), list(&answer, "paths").len(), "every path has an id of its own");
}

/// What the truth calls a path's sender: the provider, the SPF domain or the network.
fn sender_key(path: &Value) -> &str {
    path["provider"].as_str().or(path["sender"].as_str()).expect("a sender")
}

/// Every path of the truth.
fn assert_paths(answer: &Value, last_30_days: bool) {
    for expected in list(&truth(), "paths") {
        let keys = expected["sender_keys"].as_object().expect("keys");
        let name = &expected["key"];
        let found: Vec<&Value> = list(answer, "paths")
            .iter()
            .filter(|path| (&path["domain"], &path["role"]) == (&expected["domain"], &expected["role"]))
            .filter(|path| keys.contains_key(sender_key(path)))
            .collect();
        let figures = if last_30_days { &expected["last_30_days"] } else { expected };
        for key in ["messages", "spf_aligned", "dmarc_pass", "quarantined"] {
            let sum: u64 = found.iter().map(|path| number(path, key)).sum();
            assert_eq!(sum, number(figures, key), "{key} of {name}");
        }
        for key in STATES {
            let sum: u64 = found.iter().map(|path| number(&path["dkim"], key)).sum();
            assert_eq!(sum, number(&figures["dkim"], key), "dkim {key} of {name}");
        }
        if last_30_days {
            continue;
        }
        assert_eq!(found.len(), keys.len(), "{name} is {} paths", keys.len());
        for path in &found {
            assert_eq!(path["messages"], keys[sender_key(path)], "{name} by sender");
        }
        for (key, of_truth) in [("source_ips", "addresses"), ("signing_domains", ""), ("selectors", "")] {
            let of_truth = if of_truth.is_empty() { key } else { of_truth };
            let mut union: Vec<&str> =
                found.iter().flat_map(|path| list(path, key)).map(|one| one.as_str().unwrap()).collect();
            let mut wanted: Vec<&str> = list(expected, of_truth).iter().map(|one| one.as_str().unwrap()).collect();
            union.sort_unstable();
            union.dedup();
            wanted.sort_unstable();
            assert_eq!(union, wanted, "{key} of {name}");
        }
        let dates = |key: &str| found.iter().map(|path| path[key].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(dates("first_seen").iter().min().unwrap(), &expected["first_seen"], "first_seen of {name}");
        assert_eq!(dates("last_seen").iter().max().unwrap(), &expected["last_seen"], "last_seen of {name}");
        for path in &found {
            assert_eq!(path["class"], expected["class"], "class of {name}");
        }
    }
}

#[test]
fn a_second_ingest_changes_nothing() {
    let (sandbox, first) = ingested();
    let questions: [&[&str]; 4] = [
        &["sources", "--since", "all", "--format", "json"],
        &["unsigned", "--since", "all"],
        &["reports", "--since", "all", "--format", "json"],
        &["quarantine"],
    ];
    let ask = || questions.map(|question| sandbox.run(question).exits(0).stdout);
    let (answers, rows) = (ask(), dump::raw(&sandbox.db()));
    let (second, status) = sandbox.ingest(&[mailbox()]);
    assert_eq!(status, 0);
    let reports = &first["reports"];
    let all = number(reports, "new") + number(reports, "duplicate") + number(reports, "conflicting");
    assert_eq!(second["reports"], serde_json::json!({ "new": 0, "duplicate": all, "conflicting": 0 }));
    assert_eq!((number(&second, "records"), number(&second, "messages"), number(&second, "irregularities")), (0, 0, 0));
    assert_eq!((&second["other"], &second["inputs"]), (&first["other"], &first["inputs"]));
    assert!(answers == ask(), "answers are the same, byte for byte");
    dump::assert_same(&rows, &dump::raw(&sandbox.db()), "the database");
    dump::assert_sound(&sandbox.db());
}

#[test]
fn input_touches_no_file() {
    let sandbox = Sandbox::new();
    let mailbox = mailbox();
    for command in ["unsigned", "sources", "reports"] {
        sandbox.run([command, "--input", &mailbox]).exits(0);
        assert_eq!(files_below(&sandbox.root()), Vec::<PathBuf>::new(), "after {command}");
    }
    // Nor a database that is named.
    let db = sandbox.path("reports.db");
    sandbox.run(["unsigned", "--input", &mailbox, "--db", &db.display().to_string()]).exits(0);
    assert!(!db.exists());
}

#[test]
fn no_table_is_wider_than_asked() {
    let mut wide = Vec::new();
    for columns in [60, 80, 100, 120, 160, 200] {
        let sandbox = Sandbox::new().columns(columns);
        for command in ["unsigned", "sources", "reports"] {
            let ran = sandbox.run([command, "--input", &mailbox()]).exits(0);
            // The first line stays one, whatever there is room for.
            let lines = ran.text().lines().skip(1).filter(|line| line.width() > usize::from(columns));
            wide.extend(lines.take(3).map(|line| format!("{command} at {columns}, {}: {line}", line.width())));
            assert!(!ran.text().lines().any(|line| line.ends_with(' ')), "{command}: trailing blanks\n{ran}");
        }
    }
    assert!(wide.is_empty(), "lines wider than the columns there are:\n{}", wide.join("\n"));
}

#[test]
fn every_table_says_what_it_is_about() {
    let (sandbox, _) = ingested();
    for command in ["unsigned", "sources", "reports"] {
        for format in ["table", "markdown"] {
            let ran = sandbox.run([command, "--since", "all", "--format", format]).exits(0);
            let parts = ["2026-09-23", "480", "15", "newest 2026-11-21"];
            let one_line = ran.text().lines().any(|line| parts.iter().all(|part| line.contains(part)));
            assert!(one_line, "window, reports, reporters, newest report on one line\n{ran}");
        }
    }
}

fn unsigned(columns: u16, format: &str) -> String {
    let sandbox = Sandbox::new().columns(columns);
    let ran = sandbox.run(["unsigned", "--format", format, "--input", &mailbox()]).exits(0);
    assert_eq!(ran.stderr, "", "nothing to say beside the answer");
    assert!(!ran.text().contains('\u{1b}'), "no colour in a pipe");
    ran.text().to_owned()
}

#[test]
fn unsigned_at_80_columns() {
    insta::assert_snapshot!(unsigned(80, "table"));
}

#[test]
fn unsigned_at_200_columns() {
    insta::assert_snapshot!(unsigned(200, "table"));
}

#[test]
fn unsigned_as_markdown() {
    insta::assert_snapshot!(unsigned(120, "markdown"));
}

#[test]
fn unsigned_as_csv() {
    let text = unsigned(120, "csv");
    insta::assert_snapshot!(text);
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let columns = rows.headers().expect("headings").clone();
    let column = |name: &str| columns.iter().position(|heading| heading == name).expect("a column");
    let (messages, states) = (column("messages"), column("dkim_aligned")..=column("dkim_unknown"));
    assert_eq!(columns.iter().take(3).collect::<Vec<_>>(), ["id", "domain", "sender"]);
    for row in rows.records() {
        let row = row.expect("a row of as many cells");
        let figure = |at: usize| row[at].parse::<u64>().expect("a plain number");
        assert_eq!(states.clone().map(figure).sum::<u64>(), figure(messages));
    }
}

#[test]
fn a_maildir_a_folder_of_mails_and_an_mbox_are_the_same() {
    let whole = Sandbox::new().run(["sources", "--format", "json", "--input", &mailbox()]).exits(0);
    let sandbox = Sandbox::new();
    let (mut mbox, mut folder) = (Vec::new(), 0);
    for mail in crate::harness::sample_mails() {
        let bytes = std::fs::read(&mail).expect("a mail");
        crate::harness::append_to_mbox(&mut mbox, &bytes);
        folder += 1;
        sandbox.write(&format!("folder/{:02}/{folder}", folder % 7), &bytes);
    }
    sandbox.write("all.mbox", &mbox);
    for input in ["all.mbox", "folder"] {
        let ran = sandbox.run(["sources", "--format", "json", "--input", input]).exits(0);
        assert!(ran.stdout == whole.stdout, "{input} gives another answer");
    }
    let piped = sandbox.run_with_input(["sources", "--format", "json", "--input", "-"], &mbox).exits(0);
    assert!(piped.stdout == whole.stdout, "standard input gives another answer");
}

#[test]
fn the_answer_is_as_documented() {
    let arguments = ["unsigned", "--format", "json", "--as-of", "2026-11-22", "--since", "7d", "--input", &mailbox()];
    let answer = Sandbox::new().run(arguments).exits(0).json();
    assert_documented(&example("`unsigned` and `sources`"), &answer);
}
