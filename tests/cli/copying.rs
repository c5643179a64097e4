//! `copy` from a file into another; with a server: `postgres/same.rs`.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension as _};
use serde_json::json;

use crate::documented::example;
use crate::dump;
use crate::harness::{Ran, Sandbox};
use crate::make::Report;

#[test]
fn a_second_copy_says_that_it_only_compared() {
    let sandbox = Sandbox::with_sample();
    let db = sandbox.db().display().to_string();
    let copy = |more: &[&str]| sandbox.run(["copy", "--from", &db, "--to", "other.db"].iter().chain(more)).exits(0);
    assert!(copy(&[]).text().starts_with("Copied 480 reports"));
    let again = copy(&[]);
    assert!(again.text().contains("nothing was copied") && !again.text().contains("Copied"), "{again}");
    let answer = copy(&["--json"]).json();
    assert_eq!(answer["copied"], json!(false));
    assert!(answer.as_object().unwrap().keys().eq(example("`copy`").as_object().unwrap().keys()));
    sandbox.run(["copy", "--from", "none.db", "--to", "third.db"]).exits(1).says("name the one to copy with --from");
    assert!(!sandbox.path("third.db").exists());
    // What is no database of this program is named with the option that named it.
    let text = sandbox.write("text.db", "no database, but a text of some length".repeat(40)).display().to_string();
    sandbox.run(["copy", "--from", &text, "--to", "third.db"]).exits(1).says("name another with --from");
    sandbox.run(["copy", "--from", &db, "--to", &text]).exits(1).says("name another with --to");
}

#[cfg(unix)]
#[test]
fn a_file_under_another_name_is_no_copy() {
    let sandbox = Sandbox::with_sample();
    let db = sandbox.db();
    std::fs::hard_link(&db, sandbox.path("hard.db")).unwrap();
    std::os::unix::fs::symlink(&db, sandbox.path("soft.db")).unwrap();
    for name in [db.to_str().unwrap(), "hard.db", "soft.db"] {
        let ran = sandbox.run(["copy", "--from", db.to_str().unwrap(), "--to", name]).exits(2);
        assert!(ran.stderr.contains("name the same database"), "{name}: {ran}");
    }
}

#[test]
fn a_finished_copy_that_was_written_to_is_never_to_be_removed() {
    let sandbox = Sandbox::with_sample();
    let db = sandbox.db().display().to_string();
    let copy = |to: &str| sandbox.run(["copy", "--from", &db, "--to", to]);
    copy("other.db").exits(0);
    let report = sandbox.write("new.xml", Report::new("written-since").xml()).display().to_string();
    sandbox.run(["ingest", &report, "--db", "other.db"]).exits(0);
    let before = dump::raw(&sandbox.path("other.db"));
    let ran = copy("other.db").exits(1).says("other.db has been written to since").says("nothing was copied");
    assert!(!ran.stderr.contains("remove") && !ran.stderr.contains("the database failed"), "{ran}");
    dump::assert_same(&before, &dump::raw(&sandbox.path("other.db")), "after the refusal");
    // A database of its own is no copy at all.
    sandbox.run(["ingest", &report, "--db", "own.db"]).exits(0);
    let ran = copy("own.db").exits(1).says("own.db is not empty: ");
    assert!(!ran.stderr.contains("the database failed"), "{ran}");
}

#[test]
fn which_of_the_two_is_damaged_is_said() {
    let sandbox = Sandbox::with_sample();
    let db = sandbox.db().display().to_string();
    sandbox.run(["copy", "--from", &db, "--to", "whole.db"]).exits(0);
    let mut bytes = std::fs::read(sandbox.path("whole.db")).unwrap();
    let (start, end) = (8192, bytes.len() - 8192);
    bytes[start..end].iter_mut().step_by(3).for_each(|byte| *byte ^= 0x5a);
    sandbox.write("damaged.db", bytes);
    for (from, to) in [("damaged.db", "whole.db"), ("whole.db", "damaged.db"), ("damaged.db", "new.db")] {
        let ran = sandbox.run(["copy", "--from", from, "--to", to]).exits(1);
        assert!(ran.stderr.starts_with("dmarcstat: damaged.db: the database is damaged"), "{from} {to} {ran}");
    }
}

/// How far a copy has come, by what is in its file: `None` without tables, else whether it can be used.
fn usable(path: &Path) -> Option<bool> {
    let file = path.exists().then(|| Connection::open(path).unwrap())?;
    let tables: i64 = file.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).unwrap();
    let marked = |key: &str| {
        let found = file.query_row("SELECT 1 FROM meta WHERE key = ?1", [key], |_| Ok(())).optional().unwrap();
        found.is_some()
    };
    (tables > 0).then(|| {
        assert_ne!(marked("copying"), marked("digest_key"), "either part of a copy, or a database of its own");
        let reports: i64 = file.query_row("SELECT count(*) FROM report", [], |row| row.get(0)).unwrap();
        assert!(marked("copying") || reports == 480, "usable with {reports} reports");
        marked("digest_key")
    })
}

#[test]
fn a_copy_killed_at_any_moment_is_marked_and_goes_on() {
    let sandbox = Sandbox::with_sample();
    let (from, to) = (sandbox.db(), sandbox.path("to.db"));
    let line = ["copy", "--from", from.to_str().unwrap(), "--to", to.to_str().unwrap()];
    let began = Instant::now();
    Ran::of(sandbox.command(line)).exits(0);
    let (whole, rounds) = (began.elapsed(), 24);
    let (mut parts, mut delay) = (0, Duration::ZERO);
    for _ in 0..rounds {
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(sandbox.path(&format!("to.db{ending}")));
        }
        let mut child = sandbox.command(line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(delay);
        child.kill().unwrap();
        child.wait().unwrap();
        delay += whole / rounds;
        if usable(&to) == Some(false) {
            parts += 1;
            let ran = sandbox.run(["sources", "--since", "all", "--db", "to.db"]).exits(1).says("part of a copy");
            assert!(!ran.stderr.contains("the database failed") && ran.stderr.contains("was stopped"), "{ran}");
            sandbox.run(["reports", "ignore", "a.example", "--db", "to.db"]).exits(1).says("part of a copy");
        }
        Ran::of(sandbox.command(line)).exits(0);
        assert_eq!(usable(&to), Some(true));
    }
    assert!(parts > 0, "no round ended with part of a copy");
    dump::assert_same(&dump::raw(&from), &dump::raw(&to), "after the last round");
}
