//! Killed at any moment and run again, an ingest ends in the database of one undisturbed run.
//!
//! `DMARCSTAT_TEST_KILLS` says how many rounds there are (200, and 24).

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::dump;
use crate::harness::{Sandbox, append_to_mbox, fixture, kills};
use crate::make::{Dice, Report, gzip, mail, many_records};

struct Plan {
    rounds: usize,
    seed: u64,
    inputs: Vec<PathBuf>,
    /// Look at the database between the kill and the second run in one round of this many.
    look: usize,
}

/// Runs and kills: returns how many runs were really cut short, and in how many of those something was stored already.
fn kill_and_compare(sandbox: &Sandbox, plan: &Plan) -> (usize, usize) {
    let undisturbed = sandbox.path("undisturbed.db");
    let mut duration = Duration::ZERO;
    // The second run of three has warm caches; the longest of them bounds the delays.
    for _ in 0..3 {
        if undisturbed.exists() {
            remove(&undisturbed);
        }
        let began = Instant::now();
        let status = sandbox.ingest_into(&undisturbed, &plan.inputs).status;
        assert_eq!(status, 3, "something is quarantined on purpose");
        duration = duration.max(began.elapsed());
    }
    let expected = dump::content(&undisturbed);
    let (next, cut, partial) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    // How long a run takes changes with what else the machine does: the longest delay follows, so that about two runs of
    // three are cut short.
    let longest = AtomicU64::new(duration.as_micros() as u64);
    let follow = |was_cut: bool| {
        let (times, of) = if was_cut { (21, 20) } else { (9, 10) };
        let next = |longest: u64| Some((longest * times / of).clamp(1_000, 60_000_000));
        let _ = longest.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from).min(4) {
            scope.spawn(|| {
                loop {
                    let round = next.fetch_add(1, Ordering::Relaxed);
                    if round >= plan.rounds {
                        return;
                    }
                    let db = sandbox.path(&format!("round-{round}.db"));
                    let mut dice = Dice(plan.seed + round as u64);
                    let delay = Duration::from_micros(dice.roll(longest.load(Ordering::Relaxed)));
                    let was_cut = start_and_kill(sandbox, &db, &plan.inputs, delay);
                    follow(was_cut);
                    cut.fetch_add(usize::from(was_cut), Ordering::Relaxed);
                    if round % plan.look == 0 && db.exists() {
                        // Whatever is there is whole: reading it checks the records of each report.
                        let there = dump::content(&db);
                        dump::assert_sound(&db);
                        partial.fetch_add(usize::from(!there.is_empty() && there != expected), Ordering::Relaxed);
                    }
                    let ran = sandbox.ingest_into(&db, &plan.inputs);
                    assert!([0, 3].contains(&ran.status), "round {round}, killed after {delay:?}\n{ran}");
                    let what = format!("round {round}, killed after {delay:?}");
                    dump::assert_same(&expected, &dump::content(&db), &what);
                    remove(&db);
                }
            });
        }
    });
    eprintln!("undisturbed {duration:?}; {cut:?} of {} cut short, {partial:?} of those looked at in part", plan.rounds);
    (cut.into_inner(), partial.into_inner())
}

/// Starts an ingest and kills it after the delay; whether it was still running.
fn start_and_kill(sandbox: &Sandbox, db: &Path, inputs: &[PathBuf], delay: Duration) -> bool {
    let mut command = sandbox.command(["ingest", "--db"]);
    command.arg(db).args(inputs).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the program starts");
    std::thread::sleep(delay);
    // SIGKILL on Unix, TerminateProcess on Windows: nothing of the program runs any more.
    child.kill().expect("a kill");
    let status = child.wait().expect("an end");
    status.code() != Some(3)
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
    let rounds = kills(200);
    let (cut, _) = kill_and_compare(&sandbox, &Plan { rounds, seed: 42, inputs, look: 4 });
    assert!(cut * 5 >= rounds * 2, "only {cut} of {rounds} runs were cut short");
}

#[test]
fn kills_between_commits_leave_no_trace() {
    // More reports than one transaction takes, so that some are stored when the kill comes.
    let sandbox = Sandbox::new();
    let mut mbox = Vec::new();
    for number in 0..4_600 {
        let id = format!("small-{number}");
        let report = Report::new(&id).day(number % 40);
        append_to_mbox(&mut mbox, &mail(&id, "text/xml", "small.xml", report.xml().as_bytes()));
    }
    append_to_mbox(&mut mbox, &mail("bad", "application/gzip", "bad.xml.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03short"));
    let inputs = vec![sandbox.write("small.mbox", &mbox)];
    let rounds = kills(24);
    let (cut, _) = kill_and_compare(&sandbox, &Plan { rounds, seed: 7, inputs, look: 1 });
    assert!(cut * 3 >= rounds, "only {cut} of {rounds} runs were cut short");
}
