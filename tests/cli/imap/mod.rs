//! Fetching from mail servers: a real one, one behind a bad line, and ones that lie.

mod account;
mod afterwards;
mod announced;
pub(crate) mod certificates;
mod client;
mod dovecot;
mod encryption;
mod folders;
mod kept;
mod kill;
mod lies;
pub(crate) mod line;
mod login;
mod mail_commands;
mod maildir;
mod manner;
mod manners;
mod proxy;
mod races;
mod said_back;
mod server;
mod syntax;
mod token_server;
mod tokens;
mod trouble;
mod volume;

use serde_json::Value;

use crate::make::{Report, gzip, mail};

/// A mail with a report of its own, known by its number.
pub(crate) fn report_mail(number: usize) -> Vec<u8> {
    let id = format!("report-{number}");
    let report = Report::new(&id).day(number as i64 % 40);
    mail(&id, "application/gzip", "report.xml.gz", &gzip(report.xml()))
}

/// A mail with an attachment that cannot be read.
pub(crate) fn broken_mail(id: &str) -> Vec<u8> {
    mail(id, "application/gzip", "bad.xml.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03short")
}

/// A mail that has no report.
pub(crate) fn other_mail(id: &str) -> Vec<u8> {
    format!("From: a@example.com\nMessage-ID: <{id}@example.com>\nSubject: Lunch?\n\nAt noon.\n").into_bytes()
}

/// New and duplicate reports in an answer.
pub(crate) fn reports(answer: &Value) -> (u64, u64) {
    let count = |kind: &str| answer["reports"][kind].as_u64().expect("a count");
    assert_eq!(count("conflicting"), 0, "{answer:#}");
    (count("new"), count("duplicate"))
}
