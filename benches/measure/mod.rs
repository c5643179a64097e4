//! Running a program as a whole process, and what that took.
//!
//! On Unix a child's peak memory begins at that of the process which started it, since it is counted from before the new program
//! replaces the old one. So the benchmarks themselves stay small, and even the corpora are made by children.

#![allow(unsafe_code, reason = "only the system knows what a process cost")]

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

/// What one run took. Times in seconds, memory in bytes; nothing where the system does not tell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) wall: f64,
    pub(crate) cpu: Option<f64>,
    pub(crate) peak: Option<u64>,
}

/// The status of a question that is answered with no.
const NO: i32 = 4;

/// Runs a command to its end, its standard output into a file or nowhere. Any status but 0 and that of "no" is an error.
pub(crate) fn run(command: &mut Command, output: Option<&Path>) -> Result<Run> {
    command.stdin(Stdio::null()).stdout(match output {
        Some(path) => Stdio::from(File::create(path)?),
        None => Stdio::null(),
    });
    let start = Instant::now();
    let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
    let (success, usage) = wait(child)?;
    let wall = start.elapsed().as_secs_f64();
    ensure!(success, "{command:?} failed");
    Ok(Run { wall, cpu: usage.map(|(cpu, _)| cpu), peak: usage.map(|(_, peak)| peak) })
}

/// Waits for the child: whether it succeeded, its processor seconds and its peak memory.
#[cfg(unix)]
fn wait(child: Child) -> io::Result<(bool, Option<(f64, u64)>)> {
    let pid = child.id() as libc::pid_t;
    let mut status = 0;
    // SAFETY: a `rusage` is plain integers, for which zeros are a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to live values of the right types, and nobody else waits for this child.
        let waited = unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) };
        if waited == pid {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    // Linux counts in KiB, Apple's systems in bytes.
    let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
    let success = libc::WIFEXITED(status) && [0, NO].contains(&libc::WEXITSTATUS(status));
    Ok((success, Some((seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss as u64 * unit))))
}

#[cfg(not(unix))]
fn wait(mut child: Child) -> io::Result<(bool, Option<(f64, u64)>)> {
    let status = child.wait()?.code();
    Ok((status == Some(0) || status == Some(NO), None))
}

/// The program under measurement.
pub(crate) fn dmarcstat() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dmarcstat"));
    // The user's own settings must not get into the figures.
    command.env_remove("DMARCSTAT_DB").env_remove("DMARCSTAT_CONFIG").arg("-q");
    command
}

/// This benchmark again, as a child with a task of its own.
pub(crate) fn myself(task: &[&str]) -> Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.args(task);
    Ok(command)
}

/// The folder for corpora and databases, below the build's own.
pub(crate) fn folder() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-corpus");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Makes `path` unless it is there, under another name until it is complete.
pub(crate) fn once(path: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    eprintln!("making {}", path.display());
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    if partial.is_dir() {
        fs::remove_dir_all(&partial)?;
    }
    make(&partial)?;
    fs::rename(&partial, path)?;
    Ok(())
}

/// Removes a database and what SQLite keeps beside it.
pub(crate) fn remove_database(path: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match fs::remove_file(&name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The middle value; of an even number of values the upper of the two.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The median processor time, for a table.
pub(crate) fn cpu(runs: &[Run]) -> String {
    let known: Option<Vec<f64>> = runs.iter().map(|run| run.cpu).collect();
    known.map_or_else(|| "n/a".to_owned(), |values| format!("{:.2}", median(values.into_iter())))
}

/// The largest peak memory in MB, for a table.
pub(crate) fn peak(runs: &[Run]) -> String {
    let largest = runs.iter().filter_map(|run| run.peak).max();
    largest.map_or_else(|| "n/a".to_owned(), |bytes| format!("{:.1}", bytes as f64 / 1e6))
}

/// A whole number from the environment, with a default.
pub(crate) fn setting(name: &str, default: usize) -> Result<usize> {
    match env::var(name) {
        Ok(text) => text.trim().parse().with_context(|| format!("{name}={text} is not a whole number")),
        Err(_) => Ok(default),
    }
}
