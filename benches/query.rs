//! How fast questions are answered from a year of reports.
//!
//! `cargo bench --bench query` builds once a database of `DMARCSTAT_BENCH_RECORDS` (5000000) records over 365 days, by ingesting a
//! generated mbox, and times each question as a whole process: one run to warm up, then `DMARCSTAT_BENCH_ROUNDS` (10). The mbox
//! is kept; the database is built anew whenever the program is newer than it, since what it measures is that program's own form
//! (`DMARCSTAT_BENCH_KEEP=1` keeps it, where only how questions are answered has changed).
//!
//! Machines differ, and the same machine beside other work. So each question is also told as a multiple of what it takes to
//! read and decode the packed records of a year and to do nothing with them, in a process of its own, measured in the same run.

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
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use corpus::{Corpus, Size};
use dmarcstat::rows;
use measure::{Run, folder, median, myself, once, run, setting};
use rusqlite::{Connection, OpenFlags};

/// The day after the newest reports, so that relative windows end on them.
const AS_OF: &str = "2026-11-22";

/// Stands in a question for the id of the path with most messages.
const LARGEST: &str = "LARGEST";

const QUESTIONS: [&[&str]; 11] = [
    &["unsigned", "--since", "7d"],
    &["unsigned", "--since", "30d"],
    &["unsigned", "--since", "all"],
    &["sources", "--since", "30d"],
    &["sources", "--since", "all"],
    &["explain", LARGEST, "--since", "30d"],
    &["explain", LARGEST, "--since", "all"],
    &["selectors", "--since", "30d"],
    &["readiness", "example.com", "--since", "30d"],
    &["changes", "--since", "30d"],
    &["changes", "--since", "7d"],
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
        ["decode", database] => decode(Path::new(database)),
        _ => bail!("no such task: {}", words.join(" ")),
    }
}

fn bench() -> Result<()> {
    let database = database()?;
    let megabytes = fs::metadata(&database)?.len() as f64 / 1e6;
    let connection = Connection::open(&database)?;
    let reports: i64 = connection.query_row("SELECT COUNT(*) FROM report", [], |row| row.get(0))?;
    drop(connection);
    println!(
        "{} records, {reports} reports, 365 days, a database of {megabytes:.0} MB\n",
        setting("DMARCSTAT_BENCH_RECORDS", 5_000_000)?
    );
    let rounds = setting("DMARCSTAT_BENCH_ROUNDS", 10)?;
    let largest = largest_path(&database)?;
    let reference = measured(rounds, || myself(&["decode", database.to_str().context("a database without a name")?]))?;
    let unit = least(&reference);
    println!("| question | least ms | median ms | of the reference | CPU s | peak MB |");
    println!("|---|--:|--:|--:|--:|--:|");
    line("reading and decoding all packed records", &reference, unit);
    for question in QUESTIONS {
        let runs = measured(rounds, || {
            let mut command = measure::dmarcstat();
            let words = question.iter().map(|&word| if word == LARGEST { largest.as_str() } else { word });
            command.args(words).args(["--as-of", AS_OF, "--format", "json", "--db"]).arg(&database);
            Ok(command)
        })?;
        line(&format!("`{}`", question.join(" ")), &runs, unit);
    }
    Ok(())
}

/// Runs a command once to warm up, and then a few times.
fn measured(rounds: usize, command: impl Fn() -> Result<Command>) -> Result<Vec<Run>> {
    run(&mut command()?, None)?;
    (0..rounds.max(1)).map(|_| run(&mut command()?, None)).collect()
}

fn least(runs: &[Run]) -> f64 {
    runs.iter().map(|run| run.wall).fold(f64::INFINITY, f64::min)
}

fn line(what: &str, runs: &[Run], unit: f64) {
    println!(
        "| {what} | {:.1} | {:.1} | {:.2} | {} | {} |",
        least(runs) * 1e3,
        median(runs.iter().map(|run| run.wall)) * 1e3,
        least(runs) / unit,
        measure::cpu(runs),
        measure::peak(runs)
    );
}

/// Reads all records and does nothing with them.
fn decode(database: &Path) -> Result<()> {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.pragma_update(None, "mmap_size", 256_i64 << 20)?;
    let mut select = connection.prepare("SELECT day, rows FROM record_run ORDER BY day, report, part")?;
    let mut runs = select.query([])?;
    let mut sum = 0_u64;
    while let Some(run) = runs.next()? {
        let mut rest = run.get_ref(1)?.as_blob()?;
        while let Some((outcome, count)) = rows::take_head(&mut rest) {
            let address = rows::take_address_bytes(&mut rest).and_then(rows::read_address);
            let address = address.context("a damaged address")?;
            sum = sum.wrapping_add(outcome ^ count.unwrap_or(0) ^ u64::from(address.ip().is_some()));
        }
    }
    // Whoever compiles this must not see that nobody wants it.
    std::hint::black_box(sum);
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
    let keep = env::var_os("DMARCSTAT_BENCH_KEEP").is_some();
    if !keep && fs::metadata(&database).and_then(|file| file.modified()).is_ok_and(|built| built < program) {
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
