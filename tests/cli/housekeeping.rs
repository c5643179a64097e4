//! `prune` and `quarantine`.

use serde_json::{Value, json};

use crate::dump;
use crate::harness::Sandbox;
use crate::make::{DKIM_AND_SPF, Report, gzip, record};

fn day_reports(sandbox: &Sandbox, days: std::ops::Range<i64>) {
    for day in days {
        sandbox.write(&format!("in/{day:02}.xml"), Report::new(&format!("r{day}")).day(day).xml());
    }
    sandbox.run(["ingest", "in"]).exits(0);
}

#[test]
fn prune_forgets_old_days_and_nothing_else() {
    let sandbox = Sandbox::new();
    day_reports(&sandbox, 0..10);
    let prune = |arguments: &[&str]| {
        let base = ["prune", "--older-than", "5d", "--as-of", "2026-10-10", "--format", "json"];
        sandbox.run(base.iter().chain(arguments)).exits(0).json()
    };
    let before = dump::raw(&sandbox.db());
    let dry = prune(&["--dry-run"]);
    dump::assert_same(&before, &dump::raw(&sandbox.db()), "a dry run");
    let done = prune(&[]);
    for key in ["reports", "records", "messages", "before"] {
        assert_eq!(dry[key], done[key], "{key}");
    }
    assert_eq!((&done["reports"], &done["records"], &done["messages"]), (&json!(4), &json!(4), &json!(20)));
    assert_eq!(done["before"], "2026-10-05");
    dump::assert_sound(&sandbox.db());
    let left = sandbox.run(["sources", "--since", "all", "--format", "json"]).exits(0).json();
    assert_eq!(left["window"], json!({ "begin": "2026-10-05", "end": "2026-10-10" }));
    // What is left is what a database has that never held the rest.
    let fresh = Sandbox::new();
    let files: Vec<_> = (4..10).map(|day| format!("in/{day:02}.xml")).collect();
    files.iter().for_each(|file| drop(fresh.write(file, std::fs::read(sandbox.path(file)).unwrap())));
    fresh.run(["ingest", "in"]).exits(0);
    dump::assert_same(&dump::content(&fresh.db()), &dump::content(&sandbox.db()), "after pruning");
    assert_eq!(prune(&[])["reports"], 0, "a second time there is nothing to forget");
    for wrong in [&["prune"][..], &["prune", "--older-than", "400"], &["prune", "--older-than", "0d"]] {
        sandbox.run(wrong).exits(2);
    }
}

#[test]
fn prune_gives_the_room_back() {
    let sandbox = Sandbox::new();
    let records = |day: i64| {
        (0..40)
            .map(move |at| record(&format!("203.0.{day}.{at}"), 3, &format!("h{day}-{at}.example.com"), DKIM_AND_SPF))
    };
    for day in 0..200 {
        let report = Report::new(&format!("r{day}")).day(day % 20).records(records(day).collect());
        sandbox.write(&format!("in/{day}.xml"), report.xml());
    }
    sandbox.run(["ingest", "in"]).exits(0);
    let size = || std::fs::metadata(sandbox.db()).unwrap().len();
    let full = size();
    sandbox.run(["prune", "--older-than", "1d", "--as-of", "2027-10-10"]).exits(0);
    assert!(size() * 3 < full, "{} of {full} bytes are left", size());
    dump::assert_sound(&sandbox.db());
}

fn entries(sandbox: &Sandbox) -> Vec<Value> {
    let answer = sandbox.run(["quarantine", "--format", "json"]).exits(0).json();
    answer["entries"].as_array().unwrap().clone()
}

#[test]
fn quarantine_keeps_shows_exports_and_drops() {
    let sandbox = Sandbox::new();
    let cut = gzip(Report::new("cut").xml());
    let cut = &cut[..cut.len() - 20];
    sandbox.write("cut.xml.gz", cut);
    sandbox.write("empty.xml", "");
    sandbox.write("torn.xml", "<feedback><report_metadata></feedback>");
    sandbox.run(["ingest", "cut.xml.gz", "empty.xml", "torn.xml"]).exits(3);
    let list = entries(&sandbox);
    assert_eq!(
        list.iter().map(|one| one["code"].as_str().unwrap()).collect::<Vec<_>>(),
        ["truncated", "empty", "xml_malformed"]
    );
    for form in [&["quarantine"][..], &["quarantine", "list"], &["quarantine", "list", "--format", "csv"]] {
        let ran = sandbox.run(form).exits(0);
        assert!(["cut.xml.gz", "truncated", "empty.xml"].iter().all(|part| ran.text().contains(part)), "{ran}");
    }
    let id = list[0]["id"].to_string();
    let shown = sandbox.run(["quarantine", "show", &id]).exits(0);
    assert!(shown.text().contains("truncated") && shown.text().contains("cut.xml.gz"), "{shown}");
    // Byte for byte, to standard output and to a file that must be new.
    assert!(sandbox.run(["quarantine", "export", &id]).exits(0).stdout == cut);
    sandbox.run(["quarantine", "export", &id, "-o", "out.gz"]).exits(0);
    assert!(std::fs::read(sandbox.path("out.gz")).unwrap() == cut);
    sandbox.run(["quarantine", "export", &id, "-o", "out.gz"]).exits(1).says("out.gz");
    for action in ["show", "export", "drop", "retry"] {
        sandbox.run(["quarantine", action, "4711"]).exits(1).says("4711");
    }
    // Trying again changes nothing while nothing has changed, and nothing of it is new.
    sandbox.run(["quarantine", "retry"]).exits(0);
    assert_eq!(entries(&sandbox), list);
    sandbox.run(["quarantine", "drop"]).exits(2);
    sandbox.run(["quarantine", "drop", &id]).exits(0);
    assert_eq!(entries(&sandbox), list[1..]);
    // What was dropped is new when it comes again.
    let (answer, status) = sandbox.ingest(&["cut.xml.gz", "empty.xml"]);
    let known: Vec<_> = answer["quarantined"].as_array().unwrap().iter().map(|one| one["known"].clone()).collect();
    assert_eq!((known, status), (vec![json!(false), json!(true)], 3));
    sandbox.run(["quarantine", "drop", "--all"]).exits(0);
    assert_eq!(entries(&sandbox), Vec::<Value>::new());
    sandbox.run(["quarantine", "retry"]).exits(0);
}

#[test]
fn retry_reads_what_higher_limits_allow() {
    let sandbox = Sandbox::new();
    let xml = Report::new("large").records(vec![crate::make::record("192.0.2.1", 1, "example.com", ""); 50]).xml();
    sandbox.write("large.xml.gz", gzip(&xml));
    sandbox.write("small.xml", "<feedback>");
    sandbox.write("tight.toml", "[limits]\ndocument = 4000\n");
    let ran =
        sandbox.run(["ingest", "large.xml.gz", "small.xml", "--config", "tight.toml", "--format", "json"]).exits(3);
    assert_eq!(ran.json()["quarantined"][0]["code"], "limit_document", "{ran}");
    sandbox.run(["quarantine", "retry", "--config", "tight.toml"]).exits(0);
    assert_eq!(entries(&sandbox).len(), 2);
    let ran = sandbox.run(["quarantine", "retry"]).exits(0);
    let left = entries(&sandbox);
    assert_eq!(left.iter().map(|one| one["input"].as_str().unwrap()).collect::<Vec<_>>(), ["small.xml"], "{ran}");
    let report = sandbox.run(["reports", "large", "--format", "json"]).exits(0).json();
    assert_eq!(report["report"]["record_count"], 50);
    // As if it had been read at once.
    let (answer, status) = sandbox.ingest(&["large.xml.gz", "small.xml"]);
    assert_eq!((answer["reports"]["duplicate"].as_u64(), status), (Some(1), 0), "{answer}");
    dump::assert_sound(&sandbox.db());
}

#[test]
fn bytes_are_kept_as_configured() {
    let xml = Report::new("kept").xml();
    for (keep, kept) in [("all", true), ("quarantined", false)] {
        let sandbox = Sandbox::new();
        sandbox.write("c.toml", format!("[database]\nkeep_raw = \"{keep}\"\n"));
        sandbox.write("kept.xml", &xml);
        sandbox.write("bad.xml", "<feedback>");
        sandbox.run(["ingest", "kept.xml", "bad.xml", "--config", "c.toml"]).exits(3);
        let raw = sandbox.run(["reports", "kept", "--raw"]);
        if kept {
            assert!(raw.exits(0).stdout == xml.as_bytes());
        } else {
            raw.exits(1).says("keep_raw");
        }
        let id = entries(&sandbox)[0]["id"].to_string();
        assert!(sandbox.run(["quarantine", "export", &id]).exits(0).stdout == b"<feedback>");
    }
}
