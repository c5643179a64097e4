//! Where rows go: folders by day, tables, pipes; what continues and what is made good.

use std::process::Stdio;

use rusqlite::Connection;
use serde_json::{Map, Value};

use super::{ids, lines, parts, sources, sum, table};
use crate::bad_database::with_little_room;
use crate::harness::{Ran, Sandbox, files_below};
use crate::make::{DKIM_AND_SPF, Report, record};

#[test]
fn what_continues_lets_every_report_out_once() {
    let sandbox = Sandbox::new();
    for day in 0..4 {
        sandbox.write(&format!("in/{day}.xml"), Report::new(&format!("r{day}")).day(day).xml());
    }
    sandbox.run(["ingest", "in/0.xml", "in/2.xml"]).exits(0);
    let export = || sandbox.run(["export", "--into", "rows.db", "--new"]).exits(0);
    assert!(export().text().contains("2 records"));
    assert!(export().text().contains("Nothing new"));
    assert_eq!(table(&sandbox.path("rows.db")), (2, 10));
    // One that comes late, on a day long past.
    sandbox.run(["ingest", "in"]).exits(0);
    assert!(export().text().contains("2 records"));
    assert_eq!(table(&sandbox.path("rows.db")), (4, 20));
    // What is forgotten here stays there.
    sandbox.run(["prune", "--older-than", "1d", "--as-of", "2026-12-01"]).exits(0);
    assert!(export().text().contains("Nothing new"));
    assert_eq!(table(&sandbox.path("rows.db")), (4, 20));
    // A number that was given before, to another report.
    sandbox.write("new.xml", Report::new("new").day(9).xml());
    sandbox.run(["ingest", "new.xml"]).exits(0);
    assert!(export().text().contains("1 record "));
    assert_eq!(table(&sandbox.path("rows.db")), (5, 25));
    // The same again, and without its memory: a row takes its own place.
    let whole = sandbox.run(["export", "--into", "rows.db", "--since", "all"]).exits(0);
    assert_eq!(table(&sandbox.path("rows.db")), (5, 25), "{whole}");
}

#[test]
fn names_tell_exports_apart() {
    let sandbox = Sandbox::with_sample();
    let count = |arguments: &[&str]| lines(&sandbox.run(["export"].iter().chain(arguments)).exits(0)).len();
    assert_eq!(
        count(&["--new=a", "--since", "2026-11-01", "--until", "2026-11-10"]),
        count(&["--since", "2026-11-01", "--until", "2026-11-10"])
    );
    assert_eq!(count(&["--new=a", "--since", "2026-11-01", "--until", "2026-11-10"]), 0);
    let whole = count(&["--since", "all"]);
    let part = count(&["--since", "2026-11-01", "--until", "2026-11-10"]);
    assert_eq!(count(&["--new=b"]), whole, "all days, late reports included");
    assert_eq!(count(&["--new=a"]), whole - part, "and the rest of the other");
    sandbox.run(["export", "--new=a", "--domain", "brightwater.example"]).exits(1).says("of other rows");
    sandbox.run(["export", "--new=c", "--input", "x"]).exits(2);
}

#[test]
fn a_report_that_counts_no_more_is_taken_back() {
    let sandbox = Sandbox::new();
    let rows = |number: u8| (0..number).map(|at| record(&format!("192.0.2.{at}"), 5, "example.com", DKIM_AND_SPF));
    sandbox.write("first.xml", Report::new("same").records(rows(3).collect()).xml());
    sandbox.write("later.xml", Report::new("same").records(rows(5).collect()).xml());
    sandbox.run(["ingest", "first.xml"]).exits(0);
    sandbox.run(["export", "--into", "rows.db", "--new"]).exits(0);
    let folder = ["export", "--format", "csv", "--into", "rows", "--new"];
    sandbox.run(folder).exits(0);
    assert_eq!(table(&sandbox.path("rows.db")), (3, 15));
    sandbox.run(["ingest", "later.xml"]).exits(0);
    assert_eq!(sources(&sandbox, &["--since", "all"]), 25, "the later edition has all of the first");
    sandbox.run(["export", "--into", "rows.db", "--new"]).exits(0);
    assert_eq!(table(&sandbox.path("rows.db")), (5, 25));
    let ran = sandbox.run(folder).exits(0);
    assert!(ran.stderr.contains("1 report exported earlier") && ran.stderr.contains("no longer counts"), "{ran}");
    assert_eq!(sandbox.run(folder).exits(0).stderr, "", "it is told once");
}

#[test]
fn a_folder_holds_each_day_once() {
    let sandbox = Sandbox::new();
    for day in 0..3 {
        sandbox.write(&format!("in/{day}.xml"), Report::new(&format!("r{day}")).day(day).xml());
    }
    sandbox.run(["ingest", "in"]).exits(0);
    let names = |folder: &str| -> Vec<String> {
        let root = sandbox.path(folder);
        parts(&root).iter().map(|file| file.strip_prefix(&root).unwrap().display().to_string()).collect()
    };
    let export = ["export", "--since", "all", "--into", "rows"];
    let expected: Vec<String> = (1..4).map(|day| format!("day=2026-10-0{day}/part-0.jsonl")).collect();
    for _ in 0..2 {
        sandbox.run(export).exits(0);
        assert_eq!(names("rows"), expected);
    }
    // A day that has no rows any more has no file; what is not ours is left alone.
    sandbox.write("rows/day=2026-10-01/notes.txt", "mine");
    sandbox.run(["prune", "--older-than", "1d", "--as-of", "2026-10-04"]).exits(0);
    sandbox.run(export).exits(0);
    assert_eq!(names("rows"), ["day=2026-10-01/notes.txt", "day=2026-10-03/part-0.jsonl"]);
    // What continues adds files.
    let new = ["export", "--into", "more", "--new"];
    sandbox.run(new).exits(0);
    sandbox.write("late.xml", Report::new("late").day(2).xml());
    sandbox.run(["ingest", "late.xml"]).exits(0);
    sandbox.run(new).exits(0);
    assert_eq!(names("more"), ["day=2026-10-03/part-1.jsonl", "day=2026-10-03/part-2.jsonl"]);
    sandbox.run(["export", "--since", "all", "--into", "more"]).exits(1).says("another export");
}

#[test]
fn a_run_that_broke_off_is_made_good_by_the_next() {
    let sandbox = Sandbox::with_sample();
    let new = ["export", "--into", "rows", "--new"];
    // As it is left when the power fails after some days have their files, and before that is noted.
    sandbox.run(new).exits(0);
    Connection::open(sandbox.db()).unwrap().execute_batch("DELETE FROM exported; DELETE FROM export").unwrap();
    sandbox.write("rows/day=2026-11-05/.dmarcstat-unfinished-x", "half a");
    sandbox.run(new).exits(0);
    let mut rows = Vec::new();
    for file in parts(&sandbox.path("rows")) {
        let text = std::fs::read_to_string(&file).unwrap();
        rows.extend(text.lines().map(|line| serde_json::from_str::<Map<String, Value>>(line).unwrap()));
    }
    ids(&rows);
    assert_eq!(sum(&rows, "messages"), sources(&sandbox, &["--since", "all"]));
}

#[test]
fn what_is_somebody_elses_is_left_alone() {
    let sandbox = Sandbox::with_sample();
    let line = ["export", "--as-of", "2026-11-22", "--into"];
    let export = |into: &str| sandbox.run(line.iter().chain(&[into]));
    sandbox.write("photos/1.jpg", "x");
    export("photos").exits(1).says("something else");
    assert_eq!(files_below(&sandbox.path("photos")).len(), 1);
    sandbox.write("letter", "x");
    export("letter").exits(1).says("letter");
    sandbox.write("letter.db", "Dear Sir or Madam,\n".repeat(500));
    export("letter.db").exits(1).says("not a SQLite database");
    export(&sandbox.db().display().to_string()).exits(1).says("a file of their own");
    Connection::open(sandbox.path("other.db")).unwrap().execute_batch("CREATE TABLE alignment (wheel TEXT)").unwrap();
    export("other.db").exits(1).says("other columns");
    Connection::open(sandbox.path("shared.db"))
        .unwrap()
        .execute_batch("CREATE TABLE photo (name TEXT); INSERT INTO photo VALUES ('x')")
        .unwrap();
    export("shared.db").exits(0);
    let photos: i64 = Connection::open(sandbox.path("shared.db"))
        .unwrap()
        .query_row("SELECT COUNT(*) FROM photo", [], |row| row.get(0))
        .unwrap();
    assert_eq!(photos, 1);
    export("rows").exits(0);
    sandbox.run(line.iter().chain(&["rows", "--format", "csv"])).exits(1).says("another export");
    for wrong in [
        &["--format", "table"][..],
        &["--json"],
        &["--format", "parquet"],
        &["--format", "csv", "--into", "x.db"],
        &["--fields", "elk"],
    ] {
        let ran = sandbox.run(["export"].iter().chain(wrong)).exits(2);
        assert!(ran.stdout.is_empty() && ran.stderr.starts_with("dmarcstat: "), "{ran}");
    }
    sandbox.run(["sources", "--format", "parquet"]).exits(2).says("export");
    sandbox.run(["export", "--since", "2020-01-01", "--until", "2020-01-02"]).exits(1).says("no reports");
    sandbox.run(["export", "--since", "all", "--domain", "example.com"]).exits(1).says("no reports on example.com");
    assert_eq!(sandbox.run(["export", "--as-of", "2026-11-22", "--into", "y.db", "-q"]).exits(0).text(), "");
}

#[test]
fn a_table_gets_columns_that_it_lacks() {
    let sandbox = Sandbox::with_sample();
    let export = |arguments: &[&str]| {
        sandbox.run(["export", "--as-of", "2026-11-22", "--into", "rows.db"].iter().chain(arguments))
    };
    export(&[]).exits(0);
    export(&["--paths"]).exits(0);
    let roles: i64 = Connection::open(sandbox.path("rows.db"))
        .unwrap()
        .query_row("SELECT COUNT(DISTINCT role) FROM alignment WHERE role IS NOT NULL", [], |row| row.get(0))
        .unwrap();
    assert!(roles > 2, "{roles}");
    export(&[]).exits(1).says("other columns");
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_ends_quietly_and_is_not_noted() {
    let sandbox = Sandbox::with_sample();
    for format in ["jsonl", "csv"] {
        let mut command = sandbox.command(["export", "--new=pipe", "--format", format]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ran = Ran::from_output(child.wait_with_output().unwrap(), format!("{command:?}"));
        assert_eq!(ran.stderr, "", "{ran}");
        assert!(matches!(ran.status, 0 | -1 | 141), "{ran}");
    }
    let rows = lines(&sandbox.run(["export", "--new=pipe"]).exits(0));
    assert_eq!(sum(&rows, "messages"), sources(&sandbox, &["--since", "all"]), "nobody had read them");
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_no_half_of_anything() {
    let sandbox = Sandbox::with_sample();
    let whole = sources(&sandbox, &["--since", "all"]);
    for room in [0, 5_000, 60_000, 400_000] {
        let file = format!("{room}.db");
        let ran = with_little_room(&sandbox, &["export", "--since", "all", "--into", &file], room).exits(1);
        assert!(ran.stderr.contains(&file) && ran.stderr.lines().count() == 1, "{ran}");
        sandbox.run(["export", "--since", "all", "--into", &file]).exits(0);
        assert_eq!(table(&sandbox.path(&file)).1, whole);
        if room < 60_000 {
            let folder = format!("rows{room}");
            let ran = with_little_room(&sandbox, &["export", "--since", "all", "--into", &folder], room).exits(1);
            assert!(ran.stderr.contains(&folder) && ran.stderr.lines().count() == 1, "{ran}");
            let left = if sandbox.path(&folder).exists() { parts(&sandbox.path(&folder)) } else { Vec::new() };
            assert!(left.iter().all(|file| file.extension().is_some_and(|ending| ending == "jsonl")), "{left:?}");
            if room > 0 {
                sandbox.run(["export", "--since", "all", "--into", &folder]).exits(0);
            }
        }
    }
    if cfg!(target_os = "linux") {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = sandbox.command(["export", "--new=full"]);
        let output = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let rows = lines(&sandbox.run(["export", "--new=full"]).exits(0));
        assert_eq!(sum(&rows, "messages"), whole, "what was not written was not noted");
    }
}
