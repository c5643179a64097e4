//! Killed at any moment and run again, an ingest ends in the database of one undisturbed run.
//!
//! `DMARCSTAT_TEST_KILLS` says how many runs are cut short (200, and 24; on a PostgreSQL server 5, and 3).

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::dump;
use crate::harness::{Sandbox, append_to_mbox, fixture, kills};
use crate::make::{Dice, Report, gzip, mail, many_records};

/// Kills runs of the program until enough were really cut short: a run that ended before its kill came is no kill.
///
/// How long a run takes changes with what else the machine does: the longest delay follows, so that some three of four runs are cut
/// short.
pub(crate) struct Kills {
    /// How many are to be cut short.
    pub(crate) wanted: usize,
    /// How long a run takes that is not.
    pub(crate) uncut: Duration,
    pub(crate) seed: u64,
}

impl Kills {
    /// Has rounds run side by side, each with its number and the delay before its kill; a round gives whether its run was cut
    /// short.
    ///
    /// # Panics
    /// If too few were after three times as many rounds as there should be kills.
    pub(crate) fn run(&self, round: impl Fn(usize, Duration) -> bool + Sync) {
        let (next, cut) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let longest = AtomicU64::new(self.uncut.as_micros() as u64);
        let most = 3 * self.wanted + 10;
        std::thread::scope(|scope| {
            for _ in 0..std::thread::available_parallelism().map_or(2, usize::from).min(4) {
                scope.spawn(|| {
                    while cut.load(Ordering::Relaxed) < self.wanted {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= most {
                            return;
                        }
                        let mut dice = Dice(self.seed + number as u64);
                        let was_cut =
                            round(number, Duration::from_micros(dice.roll(longest.load(Ordering::Relaxed)).max(1)));
                        cut.fetch_add(usize::from(was_cut), Ordering::Relaxed);
                        let (times, of) = if was_cut { (11, 10) } else { (3, 4) };
                        let next = |longest: u64| Some((longest * times / of).clamp(1_000, 60_000_000));
                        let _ = longest.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
                    }
                });
            }
        });
        let (rounds, cut) = (next.into_inner().min(most), cut.into_inner());
        eprintln!("{cut} of {rounds} runs were cut short; uncut, one takes {:?}", self.uncut);
        assert!(cut >= self.wanted, "only {cut} of {rounds} runs were cut short, and not {}", self.wanted);
    }
}

/// Starts an ingest and kills it after the delay; whether it was still running.
///
/// # Panics
/// If it ended by itself and went wrong.
pub(crate) fn start_and_kill(mut command: Command, delay: Duration) -> bool {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    std::thread::sleep(delay);
    // SIGKILL on Unix, TerminateProcess on Windows: nothing of the program runs any more.
    child.kill().expect("a kill");
    let code = child.wait().expect("an end").code();
    let was_cut = if cfg!(unix) { code.is_none() } else { code == Some(1) };
    assert!(was_cut || [Some(0), Some(3)].contains(&code), "it ended by itself with {code:?}");
    was_cut
}

struct Plan {
    kills: usize,
    seed: u64,
    inputs: Vec<PathBuf>,
    /// Look at the database between the kill and the second run in one round of this many.
    look: usize,
}

fn kill_and_compare(sandbox: &Sandbox, plan: &Plan) {
    let undisturbed = sandbox.path("undisturbed.db");
    let mut uncut = Duration::ZERO;
    // The second run of three has warm caches; the longest of them bounds the delays.
    for _ in 0..3 {
        if undisturbed.exists() {
            remove(&undisturbed);
        }
        let began = Instant::now();
        let status = sandbox.ingest_into(&undisturbed, &plan.inputs).status;
        assert_eq!(status, 3, "something is quarantined on purpose");
        uncut = uncut.max(began.elapsed());
    }
    let expected = dump::content(&undisturbed);
    let partial = AtomicUsize::new(0);
    Kills { wanted: plan.kills, uncut, seed: plan.seed }.run(|round, delay| {
        let db = sandbox.path(&format!("round-{round}.db"));
        let mut command = sandbox.command(["ingest", "--db"]);
        command.arg(&db).args(&plan.inputs);
        let was_cut = start_and_kill(command, delay);
        if round % plan.look == 0 && db.exists() {
            // Whatever is there is whole: reading it checks the records of each report.
            let there = dump::content(&db);
            dump::assert_sound(&db);
            partial.fetch_add(usize::from(!there.is_empty() && there != expected), Ordering::Relaxed);
        }
        let what = format!("round {round}, killed after {delay:?}");
        let ran = sandbox.ingest_into(&db, &plan.inputs);
        assert!([0, 3].contains(&ran.status), "{what}\n{ran}");
        dump::assert_same(&expected, &dump::content(&db), &what);
        remove(&db);
        was_cut
    });
    eprintln!("of those looked at, {partial:?} held something and not all");
}

fn remove(db: &Path) {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut name = db.as_os_str().to_owned();
        name.push(suffix);
        let _ = std::fs::remove_file(name);
    }
}

#[test]
fn two_hundred_kills_leave_no_trace() {
    let sandbox = Sandbox::new();
    let mut dice = Dice(1);
    let large = gzip(Report::new("large").records(many_records(8_000, &mut dice)).xml());
    let inputs = vec![
        sandbox.write("large.xml.gz", &large),
        fixture("mailbox"),
        sandbox.write(
            "second.eml",
            mail(
                "second",
                "application/gzip",
                "second.xml.gz",
                &gzip(Report::new("second").day(1).records(many_records(3_000, &mut dice)).xml()),
            ),
        ),
        sandbox.write("cut.xml.gz", &large[..large.len() / 2]),
    ];
    kill_and_compare(&sandbox, &Plan { kills: kills(200), seed: 42, inputs, look: 4 });
}

/// A mailbox with more reports than one transaction takes, so that some are stored when a kill comes; one mail is quarantined.
pub(crate) fn several_transactions(sandbox: &Sandbox) -> PathBuf {
    let mut mbox = Vec::new();
    for number in 0..4_600 {
        let id = format!("small-{number}");
        let report = Report::new(&id).day(number % 40);
        append_to_mbox(&mut mbox, &mail(&id, "text/xml", "small.xml", report.xml().as_bytes()));
    }
    append_to_mbox(&mut mbox, &mail("bad", "application/gzip", "bad.xml.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03short"));
    sandbox.write("small.mbox", &mbox)
}

#[test]
fn kills_between_commits_leave_no_trace() {
    let sandbox = Sandbox::new();
    let inputs = vec![several_transactions(&sandbox)];
    kill_and_compare(&sandbox, &Plan { kills: kills(24), seed: 7, inputs, look: 1 });
}
