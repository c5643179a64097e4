//! How fast mail is ingested, beside the least that reading it takes.
//!
//! `cargo bench --bench ingest` times in turn, each in a fresh process, the floor (see `floor`) and `dmarcstat ingest` into a
//! fresh database: on an mbox, on a Maildir of the same mails, and on one very large report as a file and in a mail. The
//! number of mails is `DMARCSTAT_BENCH_MAILS` (20000), of rounds `DMARCSTAT_BENCH_ROUNDS` (5).
//!
//! The corpora can be had for other uses: `cargo bench --bench ingest -- mbox FILE`, `-- maildir FOLDER`,
//! `-- large FILE.xml.gz`, `-- large-mail FILE.xml.gz FILE.eml`, and `-- floor FILE` shows the floor's counts.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "measurements and skipped tests are told on the terminal"
)]

#[allow(dead_code, reason = "each benchmark uses a part of it")]
mod corpus;
mod floor;
#[allow(dead_code, reason = "each benchmark uses a part of it")]
mod measure;

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use corpus::{Corpus, Size};
use measure::{Run, folder, median, myself, once, run, setting};
use serde_json::Value;

/// The large single report: 386 MB of XML.
const LARGE_RECORDS: usize = 500_000;

fn main() -> Result<()> {
    let (flags, words): (Vec<String>, Vec<String>) = env::args().skip(1).partition(|word| word.starts_with("--"));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        // `cargo test --all-targets` runs benchmarks too, without this flag; minutes of measuring are not what it wants.
        [] if flags.iter().any(|flag| flag == "--bench") => bench(),
        [] => {
            println!("to measure: cargo bench --bench ingest");
            Ok(())
        }
        task => perform(task),
    }
}

/// What a child of the benchmark does.
fn perform(task: &[&str]) -> Result<()> {
    let mails = setting("DMARCSTAT_BENCH_MAILS", 20_000)?;
    let corpus = Corpus { size: Size::Mails(mails), days: 60, seed: 1 };
    match task {
        ["mbox", path] => println!("{:?}", corpus.write_mbox(Path::new(path))?),
        ["maildir", path] => println!("{:?}", corpus.write_maildir(Path::new(path))?),
        ["large", path] => println!("{:?}", corpus::large_report(LARGE_RECORDS, File::create(path)?)?),
        ["large-mail", gzip, path] => corpus::large_mail(Path::new(gzip), Path::new(path))?,
        ["floor", path] => {
            let floor::Counts { mails, xml_bytes, events, records } = floor::run(Path::new(path))?;
            println!(
                "{}",
                serde_json::json!({ "mails": mails, "xml_bytes": xml_bytes, "events": events, "records": records })
            );
        }
        _ => bail!("no such task: {}", task.join(" ")),
    }
    Ok(())
}

/// One input and what was measured on it.
struct Subject {
    name: &'static str,
    path: PathBuf,
    counts: Value,
    floor: Vec<Run>,
    ingest: Vec<Run>,
    stored: Stored,
}

/// What the database came to, in bytes.
#[derive(Default)]
struct Stored {
    file: u64,
    raw: u64,
}

fn bench() -> Result<()> {
    let mut subjects = inputs()?;
    for subject in &mut subjects {
        // Warms the file cache, and gives the counts that every later run is held to.
        subject.counts = floor(&subject.path)?.1;
    }
    let rounds = setting("DMARCSTAT_BENCH_ROUNDS", 5)?;
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for subject in &mut subjects {
            let (floor, counts) = floor(&subject.path)?;
            ensure!(counts == subject.counts, "{}: the floor counts differently from run to run", subject.name);
            subject.floor.push(floor);
            let (ingest, stored) = ingest(subject)?;
            subject.ingest.push(ingest);
            subject.stored = stored;
        }
    }
    print(&subjects);
    Ok(())
}

/// Makes the corpora that are not there yet.
fn inputs() -> Result<Vec<Subject>> {
    let folder = folder()?;
    let mails = setting("DMARCSTAT_BENCH_MAILS", 20_000)?;
    let name = |rest: String| folder.join(format!("v{}-{rest}", corpus::VERSION));
    let made = |path: PathBuf, before: &[&str]| -> Result<PathBuf> {
        once(&path, |partial| {
            let mut task = before.to_vec();
            task.push(partial.to_str().context("the build folder's name is not Unicode")?);
            run(&mut myself(&task)?, None)?;
            Ok(())
        })?;
        Ok(path)
    };
    let mbox = made(name(format!("{mails}.mbox")), &["mbox"])?;
    let maildir = made(name(format!("{mails}.maildir")), &["maildir"])?;
    let large = made(name("large.xml.gz".to_owned()), &["large"])?;
    let gzip = large.to_str().context("the build folder's name is not Unicode")?;
    let large_mail = made(name("large.eml".to_owned()), &["large-mail", gzip])?;
    let inputs =
        [("mbox", mbox), ("Maildir", maildir), ("large report, gzip", large), ("large report, mail", large_mail)];
    Ok(inputs
        .into_iter()
        .map(|(name, path)| Subject {
            name,
            path,
            counts: Value::Null,
            floor: Vec::new(),
            ingest: Vec::new(),
            stored: Stored::default(),
        })
        .collect())
}

fn floor(input: &Path) -> Result<(Run, Value)> {
    let output = folder()?.join("floor.json");
    let run = run(myself(&["floor"])?.arg(input), Some(&output))?;
    Ok((run, serde_json::from_slice(&fs::read(&output)?)?))
}

/// Ingests into a fresh database, and holds the answer against the floor's counts.
fn ingest(subject: &Subject) -> Result<(Run, Stored)> {
    let folder = folder()?;
    let (database, output) = (folder.join("ingest.db"), folder.join("ingest.json"));
    measure::remove_database(&database)?;
    let mut command = measure::dmarcstat();
    command.args(["ingest", "--format", "json", "--db"]).arg(&database).arg(&subject.path);
    let run = run(&mut command, Some(&output))?;
    let answer: Value = serde_json::from_slice(&fs::read(&output)?)?;
    let expected = [
        ("/records", subject.counts["records"].clone()),
        ("/reports/new", subject.counts["mails"].clone()),
        ("/reports/duplicate", 0.into()),
        ("/reports/conflicting", 0.into()),
        ("/quarantined", Value::Array(Vec::new())),
        ("/failed", Value::Array(Vec::new())),
    ];
    for (pointer, expected) in expected {
        let got = answer.pointer(pointer).unwrap_or(&Value::Null);
        ensure!(*got == expected, "{}: ingest says {pointer} = {got}, the floor says {expected}", subject.name);
    }
    let stored = stored(&database)?;
    measure::remove_database(&database)?;
    Ok((run, stored))
}

/// The size of the database, and how much of it is the reports' bytes as they came.
fn stored(database: &Path) -> Result<Stored> {
    let file = fs::metadata(database)?.len();
    let wal = fs::metadata(database.with_extension("db-wal")).map_or(0, |file| file.len());
    let connection = rusqlite::Connection::open(database)?;
    let raw: i64 = connection.query_row("SELECT COALESCE(SUM(LENGTH(bytes)), 0) FROM blob", [], |row| row.get(0))?;
    Ok(Stored { file: file + wal, raw: raw as u64 })
}

fn print(subjects: &[Subject]) {
    println!(
        "| input | records | XML MB | floor s | ingest s | ratio | floor CPU s | ingest CPU s | floor peak MB | ingest peak MB \
         | database MB | raw bytes MB | other bytes a record |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for subject in subjects {
        let Subject { name, counts, floor, ingest, stored, .. } = subject;
        let records = counts["records"].as_u64().unwrap_or(0);
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let (base, whole) = (median(floor.iter().map(|run| run.wall)), median(ingest.iter().map(|run| run.wall)));
        println!(
            "| {name} | {records} | {:.0} | {base:.2} | {whole:.2} | {:.2} | {} | {} | {} | {} | {:.1} | {:.1} | {:.1} |",
            megabytes(counts["xml_bytes"].as_u64().unwrap_or(0)),
            whole / base,
            measure::cpu(floor),
            measure::cpu(ingest),
            measure::peak(floor),
            measure::peak(ingest),
            megabytes(stored.file),
            megabytes(stored.raw),
            (stored.file as f64 - stored.raw as f64) / records as f64,
        );
    }
}
