//! The same answers as from a file.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rusqlite::Connection;

use super::server::{PASSWORD, PostgresServer, shared};
use crate::dump;
use crate::harness::{Ran, Sandbox, quirk_folders, quirk_inputs, sample};

/// Questions, and the forms to ask for; `table` is what people see.
const QUESTIONS: &[&[&str]] = &[
    &["unsigned", "--since", "all"],
    &["unsigned", "--since", "7d", "--all"],
    &["unsigned", "--since", "2026-10-01", "--until", "2026-10-20", "--domain", "example.com"],
    &["sources", "--since", "all"],
    &["sources", "--since", "30d"],
    &["changes", "--since", "7d"],
    &["selectors", "--since", "all"],
    &["selectors", "--since", "30d"],
    &["readiness", "example.com"],
    &["readiness", "--all"],
    &["reports", "--since", "all"],
    &["reports", "--since", "14d", "--irregular"],
    &["reports", "--since", "all", "--foreign"],
    &["reports", "1"],
    &["tls", "--since", "all"],
    &["tls", "--since", "all", "--reports"],
    &["quarantine"],
    &["quarantine", "show", "1"],
];

/// Answers that have forms of their own.
const OTHERS: &[&[&str]] = &[
    &["export", "--since", "all", "--format", "jsonl"],
    &["export", "--since", "all", "--format", "csv", "--fields", "parsedmarc"],
    &["sql", "SELECT domain, count(*), sum(messages) FROM alignment GROUP BY 1 ORDER BY 1"],
    &["sql", "SELECT * FROM report ORDER BY 1 LIMIT 50", "--format", "json"],
    &["sql", "SELECT * FROM policy ORDER BY 1, 2, 3 LIMIT 50", "--format", "csv"],
    &["sql", "SELECT * FROM path ORDER BY 1, 2, 3 LIMIT 50", "--format", "json"],
    &["metrics"],
    &["digest"],
    &["prune", "--older-than", "10d", "--dry-run"],
];

/// The forms of answers.
const FORMS: [&str; 5] = ["table", "json", "csv", "markdown", "html"];
/// The day of which answers are.
const DAY: &str = "2026-10-31";

/// Asks a file and a server the same, and compares all that is said.
#[track_caller]
fn assert_same(server: &PostgresServer, sandbox: &Sandbox, database: &str, question: &[&str]) {
    let file = sandbox.run(question);
    let other = server.ask(sandbox, database, question);
    let said = |ran: &Ran| {
        // The one thing that differs is what the database is called.
        let name = |text: &str| {
            text.replace(&server.url("postgres", database), "DATABASE")
                .replace(&sandbox.db().display().to_string(), "DATABASE")
        };
        (name(&String::from_utf8_lossy(&ran.stdout)), name(&ran.stderr), ran.status)
    };
    assert!(file.status != 2, "{file}");
    assert_eq!(said(&file), said(&other), "{question:?}\n{file}\n{other}");
}

/// A new database on the server with the digest key of the sandbox's file, so that ids of rows are the same in both.
pub(super) fn twin(server: &PostgresServer, sandbox: &Sandbox) -> String {
    let database = server.database();
    std::fs::create_dir_all(sandbox.path("nothing")).unwrap();
    let nothing = sandbox.path("nothing").display().to_string();
    sandbox.run(["ingest", &nothing]);
    server.ask(sandbox, &database, &["ingest", &nothing]);
    let file = Connection::open(sandbox.db()).unwrap();
    let sql = "SELECT hex(value) FROM meta WHERE key = 'digest_key'";
    let key: String = file.query_row(sql, [], |row| row.get(0)).unwrap();
    server.sql(&database, &format!("UPDATE meta SET value = '\\x{key}' WHERE key = 'digest_key'")).unwrap();
    database
}

/// Lets what could not be read have come at the same second.
pub(super) fn at_one_time(server: &PostgresServer, sandbox: &Sandbox, database: &str) {
    let sql = "UPDATE quarantine SET first_seen = 1790000000";
    Connection::open(sandbox.db()).unwrap().execute(sql, []).unwrap();
    server.sql(database, sql).unwrap();
}

pub(super) fn ask_everything(server: &PostgresServer, sandbox: &Sandbox, database: &str, forms: &[&str]) {
    let mut questions: Vec<Vec<&str>> = Vec::new();
    for question in QUESTIONS {
        for form in forms {
            let mut question = question.to_vec();
            question.extend(["--format", form]);
            if question[0] != "quarantine" && question != ["reports", "1", "--format", form] {
                question.extend(["--as-of", DAY]);
            }
            questions.push(question);
        }
    }
    questions.extend(OTHERS.iter().map(|question| question.to_vec()));
    std::thread::scope(|scope| {
        let questions = &questions;
        for part in 0..2 {
            scope.spawn(move || {
                questions
                    .iter()
                    .skip(part)
                    .step_by(2)
                    .for_each(|question| assert_same(server, sandbox, database, question));
            });
        }
    });
}

#[test]
fn every_question_is_answered_as_from_a_file() {
    let Some(server) = shared() else { return };
    let sandbox = Sandbox::new();
    let database = twin(server, &sandbox);
    let ran = server.ask(&sandbox, &database, &["ingest", &sample()]);
    let again = sandbox.run(["ingest", &sample()]);
    at_one_time(server, &sandbox, &database);
    let without_time = |text: &str| text.split(" (").next().unwrap_or_default().to_owned();
    assert_eq!(without_time(ran.text()), without_time(again.text()));
    ask_everything(server, &sandbox, &database, &FORMS);
    server.ask(&sandbox, &database, &["check", "--deep"]).exits(0);
    // What is taken away, brought back, kept apart and forgotten.
    for change in [
        &["reports", "drop", "3", "4"][..],
        &["reports", "drop", "4", "--back"],
        &["reports", "ignore", "google.com"],
        &["prune", "--older-than", "200d"],
        &["ingest", &sample()],
    ] {
        let (file, other) = (sandbox.run(change), server.ask(&sandbox, &database, change));
        assert_eq!(without_time(file.text()), without_time(other.text()), "{change:?}\n{file}\n{other}");
        assert_eq!(file.status, other.status, "{change:?}\n{file}\n{other}");
    }
    ask_everything(server, &sandbox, &database, &["json"]);
    server.ask(&sandbox, &database, &["check", "--deep"]).exits(0);
}

#[test]
fn odd_input_is_kept_as_in_a_file() {
    let Some(server) = shared() else { return };
    let sandbox = Sandbox::new();
    let database = twin(server, &sandbox);
    let inputs: Vec<_> = quirk_folders().iter().flat_map(|folder| quirk_inputs(folder)).collect();
    let mut arguments = vec!["ingest", "--format", "json"];
    arguments.extend(inputs.iter().map(|path| path.to_str().expect("a name in Unicode")));
    let (file, other) = (sandbox.run(&arguments), server.ask(&sandbox, &database, &arguments));
    assert_eq!(file.status, other.status, "{file}\n{other}");
    at_one_time(server, &sandbox, &database);
    ask_everything(server, &sandbox, &database, &["json"]);
}

#[test]
fn a_copy_there_and_back_is_the_same_database() {
    let Some(server) = shared() else { return };
    let (sandbox, database) = (Sandbox::with_sample(), server.database());
    sandbox.run(["reports", "ignore", "nobody.example"]).exits(0);
    let (file, back) = (sandbox.db(), sandbox.path("back.db"));
    let url = server.url("postgres", &database);
    let copy = |from: &str, to: &str| {
        let mut command = sandbox.command(["copy", "--from", from, "--to", to]);
        command.env("PGPASSWORD", PASSWORD);
        command
    };
    let (file, back) = (file.to_str().unwrap(), back.to_str().unwrap());
    // Broken off at any moment it goes on; until it is whole, it answers nothing.
    for delay in [60, 120, 250] {
        let mut child = copy(file, &url).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
        // A fast machine may be done by now: then it answers, and below what it must.
        let asked = server.ask(&sandbox, &database, &["unsigned"]);
        assert!([0, 1].contains(&asked.status), "{asked:?}");
    }
    Ran::of(copy(file, &url)).exits(0);
    ask_everything(server, &sandbox, &database, &["json"]);
    Ran::of(copy(&url, back)).exits(0);
    dump::assert_same(&dump::raw(Path::new(file)), &dump::raw(Path::new(back)), "there and back");
    sandbox.run(["check", "--deep", "--db", back]).exits(0);
    // A copy that is whole is compared once more, and what has changed since is not written to it.
    Ran::of(copy(file, back)).exits(0);
    sandbox.run(["reports", "ignore", "other.example"]).exits(0);
    Ran::of(copy(file, back)).exits(1).says("is not the same in both");
    // What holds something else is not written to.
    let other = Sandbox::with_sample();
    Ran::of(copy(file, other.db().to_str().unwrap())).exits(1).says("is not empty");
    sandbox.run(["copy", "--from", file, "--to", file]).exits(2);
}
