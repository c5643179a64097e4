//! Every quirk in `fixtures/quirks` comes out as its `expected.json` says.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Map, Value, json};

use crate::harness::{Sandbox, quirk_folders, quirk_inputs, read_json};

#[test]
fn every_quirk_comes_out_as_expected() {
    let folders = quirk_folders();
    assert!(folders.len() > 300, "the fixtures are there");
    let (next, mismatches) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(folder) = folders.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = check(folder);
                    mismatches.lock().unwrap().extend(found);
                }
            });
        }
    });
    let mut mismatches = mismatches.into_inner().unwrap();
    mismatches.sort();
    let cases: BTreeSet<&str> = mismatches.iter().filter_map(|line| line.split(": ").next()).collect();
    assert!(
        mismatches.is_empty(),
        "{} of {} quirks come out otherwise:\n{}",
        cases.len(),
        folders.len(),
        mismatches.join("\n")
    );
}

/// The differences of one quirk, a line each: `section/slug: place: expected …, got …`.
fn check(folder: &Path) -> Vec<String> {
    let section = folder.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let name = format!("{section}/{}", folder.file_name().unwrap_or_default().to_string_lossy());
    let expected = read_json(&folder.join("expected.json"));
    let sandbox = Sandbox::new();
    let db = sandbox.db();
    let ran = sandbox.ingest_into(&db, &quirk_inputs(folder));
    let mut found = Vec::new();
    if ![0, 3].contains(&ran.status) {
        return vec![format!("{name}: ingest: exit status {}: {}", ran.status, ran.stderr.trim())];
    }
    let mut ingest = ran.json();
    let partly = ingest["quarantined"].as_array().is_some_and(|list| !list.is_empty())
        || ingest["failed"].as_array().is_some_and(|list| !list.is_empty());
    if partly != (ran.status == 3) {
        found.push(format!("{name}: ingest: exit status {} with {}", ran.status, ingest["quarantined"]));
    }
    for one in ingest["quarantined"].as_array_mut().into_iter().flatten() {
        *one = json!({ "code": one["code"] });
    }
    ingest["failed"] = json!(ingest["failed"].as_array().map_or(0, Vec::len));
    compare(&expected["ingest"], &ingest, &format!("{name}: ingest"), &mut found);

    let numbers = ["new", "conflicting"].map(|key| ingest["reports"][key].as_u64().unwrap_or(0));
    let wanted = ["irregularities", "report", "rows"].iter().any(|key| expected.get(key).is_some());
    if numbers.iter().sum::<u64>() == 0 {
        if wanted {
            found.push(format!("{name}: a report is expected, none was accepted"));
        }
        return found;
    }
    let ask = |arguments: &[&str]| {
        let mut command = sandbox.command(["reports", "--format", "json", "--db"]);
        command.arg(&db).args(arguments);
        crate::harness::Ran::of(command)
    };
    let list = ask(&["--since", "all"]);
    if list.status != 0 {
        found.push(format!("{name}: reports: exit status {}: {}", list.status, list.stderr.trim()));
        return found;
    }
    let list = list.json();
    let reports = list["reports"].as_array().cloned().unwrap_or_default();
    let set: BTreeSet<&str> = reports
        .iter()
        .flat_map(|report| report["irregularities"].as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .collect();
    if let Some(codes) = expected.get("irregularities") {
        compare(codes, &json!(set), &format!("{name}: irregularities"), &mut found);
    }
    let Some(first) = reports.iter().filter_map(|report| report["id"].as_i64()).min() else {
        found.push(format!("{name}: reports: the list is empty"));
        return found;
    };
    let one = ask(&[&first.to_string()]);
    if one.status != 0 {
        found.push(format!("{name}: reports {first}: exit status {}: {}", one.status, one.stderr.trim()));
        return found;
    }
    let mut report = one.json()["report"].take();
    if let Some(rows) = expected.get("rows") {
        compare(rows, &report["rows"], &format!("{name}: rows"), &mut found);
    }
    if let Some(part) = expected.get("report") {
        // Where a case names the irregularities of the report itself, it names their codes.
        let codes: Option<Vec<Value>> =
            report["irregularities"].as_array().map(|list| list.iter().map(|one| one["code"].clone()).collect());
        if part["irregularities"].as_array().is_some_and(|list| list.iter().all(Value::is_string)) {
            report["irregularities"] = json!(codes);
        }
        compare(part, &report, &format!("{name}: report"), &mut found);
    }
    found
}

/// Compares by subset: keys that are not expected are not looked at.
fn compare(expected: &Value, got: &Value, place: &str, found: &mut Vec<String>) {
    match (expected, got) {
        (Value::Object(keys), Value::Object(_)) => compare_keys(keys, got, place, found),
        (Value::Array(wanted), Value::Array(there)) if wanted.len() == there.len() && !is_flat(wanted) => {
            for (number, (wanted, there)) in wanted.iter().zip(there).enumerate() {
                compare(wanted, there, &format!("{place}[{number}]"), found);
            }
        }
        _ if expected == got => {}
        _ => found.push(format!("{place}: expected {}, got {}", shown(expected), shown(got))),
    }
}

fn compare_keys(keys: &Map<String, Value>, got: &Value, place: &str, found: &mut Vec<String>) {
    for (key, wanted) in keys {
        match got.get(key) {
            Some(there) => compare(wanted, there, &format!("{place}.{key}"), found),
            None => found.push(format!("{place}.{key}: expected {}, there is no such key", shown(wanted))),
        }
    }
}

fn is_flat(list: &[Value]) -> bool {
    list.iter().all(|one| !one.is_object() && !one.is_array())
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 300 { format!("{}…", text.chars().take(300).collect::<String>()) } else { text }
}
