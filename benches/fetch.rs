//! How fast mail is fetched, beside what cannot be avoided.
//!
//! `cargo bench --bench fetch` starts a Dovecot on loopback with the mails of the ingest benchmark and times in turn, each in
//! a fresh process and into a fresh database:
//!
//! - `ingest` of the mails from a Maildir, and `fetch` of the same mails in plain text and over TLS;
//! - over a line with a round trip of 20 ms, a client that only fetches the mails, with the very commands that
//!   `fetch` gave, each after the answer to the one before; and `fetch`.
//!
//! The number of mails is `DMARCSTAT_BENCH_MAILS` (20000), of rounds `DMARCSTAT_BENCH_ROUNDS` (3), the round trip
//! `DMARCSTAT_BENCH_ROUND_TRIP` in milliseconds (20).

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "measurements and skipped tests are told on the terminal"
)]
#![allow(clippy::disallowed_methods, reason = "mail that comes today is of today")]

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/cli/imap/certificates.rs"]
mod certificates;
#[allow(dead_code, reason = "each benchmark uses a part of it")]
mod corpus;
#[allow(dead_code, reason = "each benchmark uses a part of it")]
#[path = "../tests/cli/imap/dovecot.rs"]
mod dovecot;
#[allow(dead_code, reason = "each benchmark uses a part of it")]
#[path = "../tests/cli/imap/maildir.rs"]
mod maildir;
#[allow(dead_code, reason = "each benchmark uses a part of it")]
mod measure;
#[path = "../tests/cli/needs.rs"]
mod needs;
#[allow(dead_code, reason = "each benchmark uses a part of it")]
#[path = "../tests/cli/imap/proxy.rs"]
mod proxy;
#[allow(dead_code, reason = "each benchmark uses a part of it")]
#[path = "../tests/cli/imap/token_server.rs"]
mod token_server;

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use corpus::{Corpus, Size};
use dovecot::{Dovecot, GOOD, Namespace, PASSWORD, User};
use measure::{Run, folder, median, myself, once, run, setting};
use proxy::Proxy;
use serde_json::Value;

fn main() -> Result<()> {
    let (flags, words): (Vec<String>, Vec<String>) = env::args().skip(1).partition(|word| word.starts_with("--"));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        // `cargo test --all-targets` runs benchmarks too, without this flag; minutes of measuring are not what it wants.
        [] if flags.iter().any(|flag| flag == "--bench") => bench(),
        [] => {
            println!("to measure: cargo bench --bench fetch");
            Ok(())
        }
        ["maildir", path] => {
            println!("{:?}", corpus()?.write_maildir(Path::new(path))?);
            Ok(())
        }
        ["line", port, round_trip] => line(port.parse()?, Duration::from_millis(round_trip.parse()?)),
        ["replay", port, user, commands] => replay(port.parse()?, user, Path::new(commands)),
        task => bail!("no such task: {}", task.join(" ")),
    }
}

fn corpus() -> Result<Corpus> {
    Ok(Corpus { size: Size::Mails(setting("DMARCSTAT_BENCH_MAILS", 20_000)?), days: 60, seed: 1 })
}

fn bench() -> Result<()> {
    let mails = setting("DMARCSTAT_BENCH_MAILS", 20_000)?;
    let maildir = folder()?.join(format!("v{}-{mails}.maildir", corpus::VERSION));
    once(&maildir, |partial| run(&mut myself(&["maildir", text(partial)?])?, None).map(drop))?;
    let Some(dovecot) = Dovecot::start() else { return Ok(()) };
    let user = dovecot.user("bench", Namespace::Dot);
    eprintln!("delivering {mails} mails");
    for entry in fs::read_dir(maildir.join("new"))? {
        user.deliver("", &fs::read(entry?.path())?);
    }
    let line = Line::start(dovecot.imap)?;
    let ways = Ways::new(&dovecot, &user, line.port)?;
    // Lets the server build its index, and tells in which batches the mails are fetched.
    user.trace();
    ways.fetch(&ways.plain)?;
    let commands = folder()?.join("fetch-commands");
    fs::write(&commands, replayed(&user.commands()).join("\n"))?;
    let home = user.folder("");
    fs::remove_dir_all(home.with_file_name("rawlog"))?;

    let rounds = setting("DMARCSTAT_BENCH_ROUNDS", 3)?;
    let (mut ingest, mut plain, mut tls, mut only, mut far) = (vec![], vec![], vec![], vec![], vec![]);
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        ingest.push(ways.ingest(&maildir)?);
        plain.push(ways.fetch(&ways.plain)?);
        tls.push(ways.fetch(&ways.tls)?);
        only.push(run(&mut myself(&["replay", &line.port.to_string(), &user.name, text(&commands)?])?, None)?);
        far.push(ways.fetch(&ways.far)?);
    }
    println!("| {mails} mails | s | against | s | ratio | CPU s | peak MB |");
    println!("|---|--:|---|--:|--:|--:|--:|");
    print("fetch, plain text", &plain, "ingest, Maildir", &ingest);
    print("fetch, TLS", &tls, "ingest, Maildir", &ingest);
    print(&format!("fetch, {} ms away", round_trip()?), &far, "only fetching, as far away", &only);
    Ok(())
}

fn print(name: &str, runs: &[Run], against: &str, base: &[Run]) {
    let wall = |runs: &[Run]| median(runs.iter().map(|run| run.wall));
    let (whole, floor) = (wall(runs), wall(base));
    println!(
        "| {name} | {whole:.2} | {against} | {floor:.2} | {:.2} | {} | {} |",
        whole / floor,
        measure::cpu(runs),
        measure::peak(runs)
    );
}

fn round_trip() -> Result<usize> {
    setting("DMARCSTAT_BENCH_ROUND_TRIP", 20)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("the build folder's name is not Unicode")
}

/// The ways into the database: a configuration each.
struct Ways {
    plain: PathBuf,
    tls: PathBuf,
    far: PathBuf,
    mails: u64,
}

impl Ways {
    fn new(dovecot: &Dovecot, user: &User<'_>, line: u16) -> Result<Self> {
        let folder = folder()?;
        let configuration = |name: &str, port: u16, tls: &str| -> Result<PathBuf> {
            let path = folder.join(format!("fetch-{name}.toml"));
            let account = format!(
                "[[account]]\nname = \"bench\"\nhost = \"{GOOD}\"\nport = {port}\nuser = \"{}\"\n\
                 password_env = \"DMARCSTAT_BENCH_PASSWORD\"\n{tls}\n",
                user.name
            );
            fs::write(&path, account)?;
            Ok(path)
        };
        let ca_file = dovecot.ca_file();
        Ok(Ways {
            plain: configuration("plain", dovecot.imap, "tls = \"none\"")?,
            tls: configuration("tls", dovecot.imaps, &format!("ca_file = \"{}\"", text(&ca_file)?))?,
            far: configuration("far", line, "tls = \"none\"")?,
            mails: setting("DMARCSTAT_BENCH_MAILS", 20_000)? as u64,
        })
    }

    fn fetch(&self, configuration: &Path) -> Result<Run> {
        let mut command = measure::dmarcstat();
        command.env("DMARCSTAT_BENCH_PASSWORD", PASSWORD).arg("--config").arg(configuration).arg("fetch");
        self.measure(command, &[])
    }

    fn ingest(&self, maildir: &Path) -> Result<Run> {
        let mut command = measure::dmarcstat();
        command.arg("ingest");
        self.measure(command, &[maildir])
    }

    /// Runs into a fresh database, and holds the answer against the number of mails.
    fn measure(&self, mut command: Command, inputs: &[&Path]) -> Result<Run> {
        let folder = folder()?;
        let (database, output) = (folder.join("fetch.db"), folder.join("fetch.json"));
        measure::remove_database(&database)?;
        command.args(["--format", "json", "--db"]).arg(&database).args(inputs);
        let run = run(&mut command, Some(&output))?;
        let answer: Value = serde_json::from_slice(&fs::read(&output)?)?;
        let new = answer["reports"]["new"].as_u64();
        ensure!(new == Some(self.mails), "{new:?} reports of {} mails", self.mails);
        measure::remove_database(&database)?;
        Ok(run)
    }
}

/// A line with a delay, in a process of its own: what is under way on it must not count as ours.
struct Line {
    port: u16,
    child: Child,
}

impl Line {
    fn start(port: u16) -> Result<Self> {
        let mut command = myself(&["line", &port.to_string(), &round_trip()?.to_string()])?;
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut told = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut told)?;
        Ok(Line { port: told.trim().parse()?, child })
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Says which port the line begins at, and keeps it until nobody listens.
fn line(port: u16, round_trip: Duration) -> Result<()> {
    println!("{}", Proxy::start(port, round_trip, &[]).port);
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Of what a client said, that which asks for mail.
fn replayed(commands: &[String]) -> Vec<String> {
    let wanted =
        |line: &&String| ["EXAMINE", "SELECT", "UID SEARCH", "UID FETCH"].iter().any(|name| line.starts_with(name));
    commands.iter().filter(wanted).cloned().collect()
}

/// Logs in and gives the commands, one after the other, and throws the answers away.
fn replay(port: u16, user: &str, commands: &Path) -> Result<()> {
    let mut stream = TcpStream::connect((GOOD, port))?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(1 << 18, stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let password = PASSWORD.replace('\\', "\\\\").replace('"', "\\\"");
    let login = format!("LOGIN {user} \"{password}\"");
    for command in std::iter::once(login.as_str()).chain(fs::read_to_string(commands)?.lines()) {
        stream.write_all(format!("r {command}\r\n").as_bytes())?;
        let end = skip_answer(&mut reader)?;
        ensure!(end.starts_with("r OK"), "{}: {end}", &command[..command.len().min(60)]);
    }
    Ok(())
}

/// Skips an answer, literals and all, and returns its last line.
fn skip_answer(reader: &mut impl BufRead) -> Result<String> {
    let mut line = Vec::new();
    loop {
        line.clear();
        ensure!(reader.read_until(b'\n', &mut line)? > 0, "the server has gone");
        let text = String::from_utf8_lossy(&line);
        if text.starts_with("r ") {
            return Ok(text.into_owned());
        }
        if let Some(length) = text.trim_end().strip_suffix('}').and_then(|text| text.rsplit_once('{')) {
            io::copy(&mut reader.by_ref().take(length.1.parse()?), &mut io::sink())?;
        }
    }
}
