//! Runs a command and tells how much memory it took at its peak.

#![allow(unsafe_code, reason = "only the system knows what a process cost")]

use std::process::Command;

use crate::harness::Ran;

/// What no input may take.
const MOST: u64 = 150 * 1024 * 1024;

/// Runs to the end; panics where the program took more memory than any input may.
#[track_caller]
pub(crate) fn run_in_bounds(command: Command) -> Ran {
    let (ran, peak) = run(command);
    if let Some((peak, own)) = peak {
        // What the test itself took counts as the program's too, for the moment between fork and exec.
        assert!(peak < MOST || peak <= own, "{} MiB of memory at its peak\n{ran}", peak >> 20);
    }
    ran
}

#[cfg(not(unix))]
fn run(command: Command) -> (Ran, Option<(u64, u64)>) {
    (Ran::of(command), None)
}

#[cfg(unix)]
fn run(mut command: Command) -> (Ran, Option<(u64, u64)>) {
    use std::io::Read;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{ExitStatus, Output, Stdio};

    let what = format!("{command:?}");
    #[allow(clippy::zombie_processes, reason = "wait4 waits for it below")]
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let (mut stdout, mut stderr) = (child.stdout.take().expect("a pipe"), child.stderr.take().expect("a pipe"));
    let (stdout, stderr) = std::thread::scope(|scope| {
        let errors = scope.spawn(move || {
            let mut bytes = Vec::new();
            stderr.read_to_end(&mut bytes).expect("standard error");
            bytes
        });
        let mut bytes = Vec::new();
        stdout.read_to_end(&mut bytes).expect("standard output");
        (bytes, errors.join().expect("a thread"))
    });
    let pid = libc::pid_t::try_from(child.id()).expect("a process id");
    let mut status = 0;
    // SAFETY: all zeros is a valid value of this plain structure.
    let (mut usage, mut own): (libc::rusage, libc::rusage) = unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
    // SAFETY: the pointers are to living values; the child has not been waited for, and is not touched afterwards.
    let waited = unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) };
    assert_eq!(waited, pid, "the program was waited for");
    // SAFETY: the pointer is to a living value.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut own) };
    let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
    let bytes = |usage: &libc::rusage| u64::try_from(usage.ru_maxrss).unwrap_or(0) * unit;
    let output = Output { status: ExitStatus::from_raw(status), stdout, stderr };
    (Ran::from_output(output, what), Some((bytes(&usage), bytes(&own))))
}
