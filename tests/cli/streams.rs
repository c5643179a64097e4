//! Readers that go away: a run ends all the same, and does its work where it is to be done.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::harness::Sandbox;
use crate::make::{Report, gzip};

/// Waits for the end; a run that hangs is killed and fails the test.
fn status(mut child: Child) -> i32 {
    let until = Instant::now() + Duration::from_secs(120);
    while Instant::now() < until {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code().unwrap_or(-1);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    panic!("the run does not end");
}

fn refused_and_good(sandbox: &Sandbox) {
    for number in 0..1500 {
        sandbox.write(&format!("in/{number:04}.xml"), format!("<feedback><cut{number}"));
    }
    sandbox.write("in/good.xml.gz", gzip(Report::new("good").xml()));
}

#[test]
fn nobody_listens_to_what_is_said() {
    for verbose in [&[][..], &["-v"]] {
        let sandbox = Sandbox::new();
        refused_and_good(&sandbox);
        let mut command = sandbox.command(["ingest", "in"].iter().chain(verbose));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stderr.take());
        drop(child.stdout.take());
        let ended = status(child);
        assert!([0, 3].contains(&ended), "status {ended}");
        let listed = sandbox.run(["reports", "--since", "all", "--format", "json"]).exits(0).json();
        assert_eq!(listed["reports"].as_array().unwrap().len(), 1, "what was there is stored");
    }
}

#[test]
fn who_reads_the_first_lines_only_gets_the_status_all_the_same() {
    let sandbox = Sandbox::with_sample();
    let mut command =
        sandbox.command(["readiness", "brightwater.example", "--as-of", "2026-11-22", "--format", "json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(status(child), 4);
}

#[test]
fn an_error_that_nobody_reads_is_a_status_all_the_same() {
    let sandbox = Sandbox::new();
    let mut child = sandbox.command(["sources"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(status(child), 1);
}
