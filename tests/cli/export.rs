//! `export`: every record once, with all of its fields, wherever it goes.

mod places;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use crate::harness::{Ran, Sandbox, cases, files_below, fixture, messages_of, quirk_folders, quirk_inputs};
use crate::make::{DKIM_AND_SPF, Report, mail, record};

/// The rows of a run that wrote JSON lines.
pub(crate) fn lines(ran: &Ran) -> Vec<Map<String, Value>> {
    ran.text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

fn sum<'r>(rows: impl IntoIterator<Item = &'r Map<String, Value>>, column: &str) -> u64 {
    rows.into_iter().map(|row| row[column].as_u64().unwrap_or(0)).sum()
}

fn ids(rows: &[Map<String, Value>]) -> BTreeSet<String> {
    let ids: BTreeSet<String> = rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), rows.len(), "no id twice");
    ids
}

/// The messages of all paths of `sources`.
fn sources(sandbox: &Sandbox, window: &[&str]) -> u64 {
    let ran = sandbox.run(["sources", "--json"].iter().chain(window));
    if ran.status == 1 {
        return 0;
    }
    let answer = ran.exits(0).json();
    messages_of(&answer["paths"])
}

/// Rows and messages of a table in a file.
fn table(path: &Path) -> (u64, u64) {
    let connection = Connection::open(path).unwrap();
    let row = connection.query_row("SELECT COUNT(*), COALESCE(SUM(messages), 0) FROM alignment", [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    });
    let (rows, messages) = row.unwrap();
    (rows.unsigned_abs(), messages.unsigned_abs())
}

#[test]
fn messages_add_up_to_what_sources_says_in_every_form() {
    let sandbox = Sandbox::with_sample();
    for (number, window) in [
        &["--as-of", "2026-11-22"][..],
        &["--since", "all"],
        &["--since", "2026-10-01", "--until", "2026-10-09"],
        &["--since", "all", "--domain", "brightwater.example"],
        &["--since", "all", "--domain", "brightwater-shop.example"],
    ]
    .into_iter()
    .enumerate()
    {
        let whole = sources(&sandbox, window);
        let rows = lines(&sandbox.run(["export"].iter().chain(window)));
        assert_eq!(sum(&rows, "messages"), whole, "{window:?}");
        ids(&rows);
        let csv = sandbox.run(["export", "--format", "csv"].iter().chain(window)).exits(0);
        let mut reader = csv::Reader::from_reader(&csv.stdout[..]);
        let at = reader.headers().unwrap().iter().position(|name| name == "messages").unwrap();
        let counts: Vec<u64> = reader.records().map(|row| row.unwrap()[at].parse().unwrap()).collect();
        assert_eq!((counts.len(), counts.iter().sum::<u64>()), (rows.len(), whole));
        let file = format!("{number}.db");
        let ran = sandbox.run(["export", "--into", &file].iter().chain(window)).exits(0);
        assert_eq!(table(&sandbox.path(&file)), (rows.len() as u64, whole), "{ran}");
        if cfg!(feature = "parquet") {
            let folder = format!("rows{number}");
            sandbox.run(["export", "--format", "parquet", "--into", &folder].iter().chain(window)).exits(0);
            assert_eq!(parquet_rows(&sandbox.path(&folder)), (rows.len() as u64, whole));
        }
    }
}

/// Rows and messages of all Parquet files below a folder.
#[cfg(feature = "parquet")]
fn parquet_rows(folder: &Path) -> (u64, u64) {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::RowAccessor;
    let (mut rows, mut messages) = (0, 0);
    for file in parts(folder) {
        let reader = SerializedFileReader::new(std::fs::File::open(&file).unwrap()).unwrap();
        let schema = reader.metadata().file_metadata().schema_descr_ptr();
        let at = schema.columns().iter().position(|column| column.name() == "messages").unwrap();
        assert!(schema.columns().iter().all(|column| column.name() != "day"), "the day is the folder's");
        for row in reader.get_row_iter(None).unwrap() {
            rows += 1;
            messages += row.unwrap().get_long(at).unwrap().unsigned_abs();
        }
    }
    (rows, messages)
}

#[cfg(not(feature = "parquet"))]
fn parquet_rows(_: &Path) -> (u64, u64) {
    (0, 0)
}

/// The files of rows below a folder.
fn parts(folder: &Path) -> Vec<PathBuf> {
    files_below(folder).into_iter().filter(|file| !file.ends_with(".dmarcstat-export.json")).collect()
}

/// A row without what is the report's or ours, as `reports ID --json` writes it.
fn as_in_report(row: &Map<String, Value>) -> Value {
    let list = |column: &str| match &row[column] {
        Value::Null => json!([]),
        Value::Array(list) => list
            .iter()
            .map(|one| {
                let mut one = one.as_object().unwrap().clone();
                one.retain(|key, value| key != "result_raw" || !value.is_null());
                Value::Object(one)
            })
            .collect(),
        other => panic!("{column} is no list: {other}"),
    };
    let mut found = json!({
        "count": row["messages"], "reasons": list("reasons"), "dkim": list("dkim_results"),
        "spf": list("spf_results"), "dkim_state": row["dkim"], "spf_state": row["spf"],
        "dmarc_source": if row["dmarc_recomputed"] == true { "recomputed" } else { "reported" },
    });
    for same in [
        "source_ip",
        "source_ip_raw",
        "header_from",
        "envelope_from",
        "envelope_to",
        "disposition",
        "disposition_raw",
        "evaluated_dkim",
        "evaluated_spf",
        "dmarc",
        "recomputed_dkim",
        "recomputed_spf",
        "contradiction",
    ] {
        found[same] = row[same].clone();
    }
    found
}

#[test]
fn every_field_of_every_record_is_there() {
    let mut inputs: Vec<PathBuf> = quirk_folders().iter().flat_map(|folder| quirk_inputs(folder)).collect();
    inputs.push(fixture("mailbox"));
    let sandbox = Sandbox::new();
    sandbox.ingest(&inputs);
    let rows = lines(&sandbox.run(["export", "--since", "all"]).exits(0));
    let mut by_report: BTreeMap<u64, Vec<&Map<String, Value>>> = BTreeMap::new();
    for row in &rows {
        by_report.entry(row["report"].as_u64().unwrap()).or_default().push(row);
    }
    assert!(by_report.len() > 500, "{}", by_report.len());
    for (id, rows) in by_report.iter().filter(|(id, _)| *id % 8 == 0 || **id < 100) {
        let whole = sandbox.run(["reports", &id.to_string(), "--json"]).exits(0).json();
        let report = &whole["report"];
        let listed = report["rows"].as_array().unwrap();
        let found: Vec<Value> = rows.iter().map(|row| as_in_report(row)).collect();
        assert_eq!(&found, listed, "report {id}");
        let row = rows[0];
        for same in
            ["day", "domain", "report_id", "reporter", "org_name", "email", "extra_contact_info", "begin", "end"]
        {
            assert_eq!(row[same], report[same], "{same} of report {id}");
        }
        for same in ["generator", "version", "namespace", "generation", "trust"] {
            assert_eq!(row[same], report[same], "{same} of report {id}");
        }
        for tag in ["p", "adkim", "aspf", "np"] {
            let written = row[tag].as_str().filter(|word| *word != "nil");
            assert_eq!(written, report["policy"][tag].as_str(), "{tag} of report {id}");
        }
    }
}

#[test]
fn ids_are_of_the_record_and_not_of_the_database() {
    let sandbox = Sandbox::with_sample();
    let rows = lines(&sandbox.run(["export", "--since", "all"]).exits(0));
    let mut mails = files_below(&fixture("mailbox"));
    mails.reverse();
    let mut command = sandbox.command(["ingest", "-q", "--db", "other.db"]);
    command.args(&mails);
    Ran::of(command);
    let again = lines(&sandbox.run(["export", "--since", "all", "--db", "other.db"]).exits(0));
    assert_ne!(rows[0]["report"], again[0]["report"], "they came in another order");
    assert_eq!(ids(&rows), ids(&again));
    let from_files = lines(&sandbox.run(["export", "--input", &fixture("mailbox").display().to_string()]).exits(0));
    assert_eq!(ids(&rows), ids(&from_files));
}

#[test]
fn with_paths_rows_add_up_to_the_paths() {
    let sandbox = Sandbox::with_sample();
    let rows = lines(&sandbox.run(["export", "--as-of", "2026-11-22", "--paths"]).exits(0));
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for row in &rows {
        let key =
            ["path", "sender", "author", "provider", "role", "class", "cause"].map(|column| row[column].to_string());
        *sums.entry(key.join(" ")).or_default() += row["messages"].as_u64().unwrap();
    }
    let answer = sandbox.run(["sources", "--as-of", "2026-11-22", "--json"]).exits(0).json();
    let mut paths: BTreeMap<String, u64> = BTreeMap::new();
    for path in answer["paths"].as_array().unwrap() {
        let key = ["id", "sender", "author", "provider", "role", "class", "cause"].map(|key| path[key].to_string());
        paths.insert(key.join(" "), path["messages"].as_u64().unwrap());
    }
    assert_eq!(sums, paths);
}

#[test]
fn the_columns_of_parsedmarc() {
    let sandbox = Sandbox::with_sample();
    let line = ["export", "--as-of", "2026-11-22", "--fields", "parsedmarc"];
    let ran = sandbox.run(line.iter().chain(&["--format", "csv"])).exits(0);
    let mut reader = csv::Reader::from_reader(&ran.stdout[..]);
    let headings: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(headings.len(), 38);
    assert_eq!(
        (headings[0].as_str(), headings[36].as_str(), headings[37].as_str()),
        ("xml_schema", "spf_results", "id")
    );
    let rows: Vec<BTreeMap<String, String>> = reader
        .records()
        .map(|row| headings.iter().cloned().zip(row.unwrap().iter().map(str::to_owned)).collect())
        .collect();
    let own = lines(&sandbox.run(["export", "--as-of", "2026-11-22"]).exits(0));
    assert_eq!(rows.len(), own.len());
    for (row, own) in rows.iter().zip(&own) {
        assert_eq!(row["id"], own["id"].as_str().unwrap());
        assert_eq!(row["count"], own["messages"].to_string());
        assert_eq!(row["source_ip_address"], own["source_ip"].as_str().unwrap());
        assert_eq!(row["dmarc_aligned"], if own["dmarc"] == "pass" { "True" } else { "False" });
        assert_eq!(row["header_from"], own["header_from"].as_str().unwrap());
        assert_eq!(row["begin_date"].replace(' ', "T") + "Z", own["begin"].as_str().unwrap());
        let signatures = own["dkim_results"].as_array().map_or(0, Vec::len);
        assert_eq!(row["dkim_results"].split(',').filter(|word| !word.is_empty()).count(), signatures);
    }
    sandbox.run(line.iter().chain(&["--into", "rows.db"])).exits(0);
    let messages: i64 = Connection::open(sandbox.path("rows.db"))
        .unwrap()
        .query_row("SELECT SUM(count) FROM aggregate", [], |row| row.get(0))
        .unwrap();
    assert_eq!(messages.unsigned_abs(), sum(&own, "messages"));
}

#[test]
fn reports_that_are_kept_apart_are_not_let_out() {
    let sandbox = Sandbox::new();
    let fail = "Authentication-Results: mx.example.com; dmarc=fail header.from=mailhaven.example\n";
    let forged = mail("forged", "text/xml", "r.xml", Report::new("forged").xml().as_bytes());
    sandbox.write("in/forged.eml", [fail.as_bytes(), &forged].concat());
    sandbox.write("in/good.xml", Report::new("good").day(1).xml());
    sandbox.write("in/foreign.xml", Report::new("foreign").domain("example.net").xml());
    sandbox.write("owner.toml", "[owner]\ndomains = [\"example.com\"]\n");
    sandbox.run(["ingest", "in", "--authserv-id", "mx.example.com"]).exits(0);
    let export = ["export", "--config", "owner.toml"];
    let rows = lines(&sandbox.run(export.iter().chain(&["--since", "all"])).exits(0));
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0]["report_id"], &rows[0]["trust"]), (&json!("good"), &json!("unchecked")));
    assert_eq!(lines(&sandbox.run(export.iter().chain(&["--new"])).exits(0)).len(), 1);
    // The domain becomes the owner's: its reports are new.
    sandbox.write("owner.toml", "[owner]\ndomains = [\"example.com\", \"example.net\"]\n");
    let rows = lines(&sandbox.run(export.iter().chain(&["--new"])).exits(0));
    assert_eq!((rows.len(), &rows[0]["report_id"]), (1, &json!("foreign")));
}

#[test]
fn a_report_of_many_runs_is_numbered_through() {
    let sandbox = Sandbox::new();
    let mut dice = crate::make::Dice(7);
    let records = crate::make::many_records(9_000, &mut dice);
    sandbox.write("many.xml", Report::new("many").records(records).xml());
    sandbox.run(["ingest", "many.xml"]).exits(0);
    let rows = lines(&sandbox.run(["export", "--since", "all"]).exits(0));
    assert_eq!(ids(&rows).len(), 9_000);
    let numbers: Vec<usize> =
        rows.iter().map(|row| row["id"].as_str().unwrap().rsplit('-').next().unwrap().parse().unwrap()).collect();
    assert!(numbers.iter().copied().eq(1..=9_000));
    assert_eq!(sum(&rows, "messages"), sources(&sandbox, &["--since", "all"]));
}

fn reports() -> impl Strategy<Value = Vec<Report>> {
    let from = prop::sample::select(vec!["example.com", "news.example.com", "example.net", "EXAMPLE.org", ""]);
    let results = prop::sample::select(vec![
        DKIM_AND_SPF,
        "",
        "<dkim><domain>esp.example</domain><result>pass</result></dkim>",
        "<spf><domain>example.net</domain><result>softfail</result></spf>",
    ]);
    let address = prop::sample::select(vec!["192.0.2.1", "2001:db8::7", "not an address", "", "=1+1"]);
    let one = (address, 0_u64..2000, from, results)
        .prop_map(|(address, count, from, results)| record(address, count, from, results));
    let report =
        (0_i64..5, 0_u8..4, prop::sample::select(vec!["example.com", "example.net"]), prop::collection::vec(one, 0..6));
    let report = report
        .prop_map(|(day, id, domain, records)| Report::new(&format!("r{id}")).day(day).domain(domain).records(records));
    prop::collection::vec(report, 1..8)
}

proptest! {
    #![proptest_config(cases(10))]

    #[test]
    fn whatever_comes_adds_up(reports in reports(), first in 1_u8..6, length in 0_u8..5) {
        let sandbox = Sandbox::new();
        for (number, report) in reports.iter().enumerate() {
            sandbox.write(&format!("in/{number}.xml"), report.xml());
        }
        let ran = sandbox.run(["ingest", "in"]);
        prop_assert!([0, 3].contains(&ran.status));
        let (since, until) = (format!("2026-10-0{first}"), format!("2026-10-0{}", (first + length).min(9)));
        for window in [&["--since", "all"][..], &["--since", &since, "--until", &until], &["--since", "all", "-d", "example.com"]] {
            let ran = sandbox.run(["export"].iter().chain(window));
            let rows = if ran.status == 1 { Vec::new() } else { lines(&ran) };
            ids(&rows);
            prop_assert_eq!(sum(&rows, "messages"), sources(&sandbox, window), "{:?}", window);
        }
    }
}
