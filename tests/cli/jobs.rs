//! `--jobs`: however many threads work on an answer, it is the same to the byte.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::harness::{Ran, Sandbox, files_below, fixture};
use crate::make::{DKIM_AND_SPF, Dice, Report, gzip, record};

/// A mailbox of many domains, most of which nobody has set up.
fn many_domains(sandbox: &Sandbox) -> PathBuf {
    let mut dice = Dice(7);
    let mut all = String::new();
    for number in 0..24 {
        let domain = format!("domain-{}.example", number * 7 % 24);
        for (org, day) in [("Mailhaven", 0), ("Boxwell", 0), ("Mailhaven", 1)] {
            let own = DKIM_AND_SPF.replace("example.com", &domain);
            let mut records = vec![record("192.0.2.1", 1 + dice.roll(90), &domain, &own)];
            for at in 0..dice.roll(6) {
                let spf = format!("<spf><domain>sender{at}.example</domain><result>pass</result></spf>");
                records.push(record(&format!("198.51.100.{at}"), 1 + dice.roll(30), &domain, &spf));
            }
            all.push_str(
                &Report::new(&format!("{number}-{day}")).org(org).day(day).domain(&domain).records(records).xml(),
            );
        }
    }
    sandbox.write("many.xml.gz", gzip(all))
}

/// Runs a command on a mailbox, on so many threads.
fn ask(sandbox: &Sandbox, mailbox: &Path, words: &[&str], jobs: &str) -> Ran {
    let mailbox = mailbox.display().to_string();
    let common = ["--as-of", "2026-11-22", "--since", "all", "--input", &mailbox, "--jobs", jobs];
    sandbox.run(words.iter().copied().chain(common))
}

/// What stands in the files below a folder.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let read = |path: PathBuf| (path.strip_prefix(folder).unwrap().to_owned(), std::fs::read(&path).unwrap());
    files_below(folder).into_iter().map(read).collect()
}

/// Asserts that an answer is the same on 1, 2 and 7 threads, and not empty.
fn same<T: PartialEq>(what: &str, answer: impl Fn(&str) -> T, is_empty: impl Fn(&T) -> bool) {
    let one = answer("1");
    assert!(!is_empty(&one), "{what}");
    for jobs in ["2", "7"] {
        assert!(answer(jobs) == one, "{what} on {jobs} threads");
    }
}

fn all_are_the_same(mailbox: &Path, sandbox: &Sandbox) {
    let text = |words: &'static [&'static str], status: i32| {
        same(words[0], |jobs| ask(sandbox, mailbox, words, jobs).exits(status).text().to_owned(), String::is_empty);
    };
    text(&["readiness", "--all", "--json"], 4);
    text(&["readiness", "--all"], 4);
    text(&["export", "--paths"], 0);
    text(&["export", "--format", "csv"], 0);
    let folder = |words: &'static [&'static str]| {
        let written = |jobs: &str| {
            let folder = format!("{}-{jobs}", words[0]);
            let place = sandbox.path(&folder);
            let _ = std::fs::remove_dir_all(&place);
            let words: Vec<&str> =
                words.iter().map(|word| if *word == "FOLDER" { folder.as_str() } else { word }).collect();
            ask(sandbox, mailbox, &words, jobs).exits(0);
            contents(&place)
        };
        same(words[0], written, BTreeMap::is_empty);
    };
    folder(&["site", "FOLDER"]);
    folder(&["export", "--into", "FOLDER"]);
    folder(&["export", "--format", "parquet", "--into", "FOLDER"]);
}

#[test]
fn the_sample_is_answered_alike_on_any_number_of_threads() {
    all_are_the_same(&fixture("mailbox"), &Sandbox::new());
}

#[test]
fn many_domains_are_answered_alike_on_any_number_of_threads() {
    let sandbox = Sandbox::new();
    let mailbox = many_domains(&sandbox);
    let list = ask(&sandbox, &mailbox, &["readiness", "--all", "--json"], "7").exits(4).json();
    assert_eq!(list["domains"].as_array().map(Vec::len), Some(24));
    all_are_the_same(&mailbox, &sandbox);
}

#[test]
fn no_thread_at_all_is_a_mistake() {
    let sandbox = Sandbox::with_sample();
    for words in [&["readiness", "--all"][..], &["site", "pages"], &["export"]] {
        sandbox.run(words.iter().copied().chain(["--jobs", "0"])).exits(2).says("--jobs");
    }
    // One domain is one piece of work.
    sandbox.run(["readiness", "brightwater.example", "--jobs", "2"]).exits(2).says("--all");
}
