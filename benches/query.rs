//! How fast questions are answered from a year of reports.
//!
//! `cargo bench --bench query` builds once a database of `DMARCSTAT_BENCH_RECORDS` (5000000) records over 365 days, by ingesting a
//! generated mbox, and times each question as a whole process: one run to warm up, then eleven. The mbox is kept; the
//! database is built anew whenever the program is newer than it, since what it measures is that program's own form.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "measurements and skipped tests are told on the terminal"
)]

#[allow(dead_code, reason = "each benchmark uses a part of it")]
mod corpus;
#[allow(dead_code, reason = "each benchmark uses a part of it")]
mod measure;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use corpus::{Corpus, Size};
use measure::{Run, folder, median, myself, once, run, setting};

/// The day after the newest reports, so that relative windows end on them.
const AS_OF: &str = "2026-11-22";

const ROUNDS: usize = 11;

/// Stands in a question for the id of the path with most records.
const LARGEST: &str = "LARGEST";

const QUESTIONS: [&[&str]; 7] = [
    &["unsigned", "--since", "7d"],
    &["unsigned", "--since", "all"],
    &["sources", "--since", "30d"],
    &["explain", LARGEST, "--since", "30d"],
    &["explain", LARGEST, "--since", "400d"],
    &["selectors", "--since", "30d"],
    &["changes", "--since", "30d"],
];

fn main() -> Result<()> {
    let (flags, words): (Vec<String>, Vec<String>) = env::args().skip(1).partition(|word| word.starts_with("--"));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        // See the ingest benchmark for why the flag is asked for.
        [] if flags.iter().any(|flag| flag == "--bench") => bench(),
        [] => {
            println!("to measure: cargo bench --bench query");
            Ok(())
        }
        ["mbox", path] => {
            let records = setting("DMARCSTAT_BENCH_RECORDS", 5_000_000)?;
            let corpus = Corpus { size: Size::Records(records), days: 365, seed: 2 };
            println!("{:?}", corpus.write_mbox(Path::new(path))?);
            Ok(())
        }
        _ => bail!("no such task: {}", words.join(" ")),
    }
}

fn bench() -> Result<()> {
    let database = database()?;
    let megabytes = fs::metadata(&database)?.len() as f64 / 1e6;
    let connection = rusqlite::Connection::open(&database)?;
    let reports: i64 = connection.query_row("SELECT COUNT(*) FROM report", [], |row| row.get(0))?;
    drop(connection);
    println!(
        "{} records, {reports} reports, 365 days, a database of {megabytes:.0} MB\n",
        setting("DMARCSTAT_BENCH_RECORDS", 5_000_000)?
    );
    println!("| question | median ms | least ms | CPU s | peak MB |");
    println!("|---|--:|--:|--:|--:|");
    let largest = largest_path(&database)?;
    for question in QUESTIONS {
        let mut runs: Vec<Run> = Vec::with_capacity(ROUNDS);
        for round in 0..=ROUNDS {
            let mut command = measure::dmarcstat();
            let words = question.iter().map(|&word| if word == LARGEST { largest.as_str() } else { word });
            command.args(words).args(["--as-of", AS_OF, "--format", "json", "--db"]).arg(&database);
            let taken = run(&mut command, None)?;
            if round > 0 {
                runs.push(taken);
            }
        }
        let least = runs.iter().map(|run| run.wall).fold(f64::INFINITY, f64::min);
        println!(
            "| `{}` | {:.1} | {:.1} | {} | {} |",
            question.join(" "),
            median(runs.iter().map(|run| run.wall)) * 1e3,
            least * 1e3,
            measure::cpu(&runs),
            measure::peak(&runs)
        );
    }
    Ok(())
}

/// The id of the path with most messages.
fn largest_path(database: &Path) -> Result<String> {
    let sources = measure::dmarcstat()
        .args(["sources", "--since", "all", "--as-of", AS_OF, "--format", "json", "--db"])
        .arg(database)
        .output()?;
    let answer: serde_json::Value = serde_json::from_slice(&sources.stdout)?;
    let paths = answer["paths"].as_array().context("an answer without paths")?;
    let largest = paths.iter().max_by_key(|path| path["messages"].as_u64()).context("no path")?;
    Ok(largest["id"].as_str().context("a path without an id")?.to_owned())
}

/// The database to ask, built if it is missing or older than the program.
fn database() -> Result<PathBuf> {
    let folder = folder()?;
    let name = format!("v{}-year-{}", corpus::VERSION, setting("DMARCSTAT_BENCH_RECORDS", 5_000_000)?);
    let (mbox, database) = (folder.join(format!("{name}.mbox")), folder.join(format!("{name}.db")));
    let program = fs::metadata(env!("CARGO_BIN_EXE_dmarcstat"))?.modified()?;
    if fs::metadata(&database).and_then(|file| file.modified()).is_ok_and(|built| built < program) {
        measure::remove_database(&database)?;
    }
    once(&mbox, |partial| {
        let partial = partial.to_str().context("the build folder's name is not Unicode")?;
        run(&mut myself(&["mbox", partial])?, None)?;
        Ok(())
    })?;
    once(&database, |partial| {
        measure::remove_database(partial)?;
        let taken =
            run(measure::dmarcstat().args(["ingest", "--format", "json", "--db"]).arg(partial).arg(&mbox), None)?;
        eprintln!("ingested in {:.1} s", taken.wall);
        Ok(())
    })?;
    Ok(database)
}
