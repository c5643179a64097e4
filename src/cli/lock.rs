//! One fetch at a time for each database.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::context::Context;
use super::failure::{Failure, say};
use crate::config::places::state_path;
use crate::folders;
use crate::report::period::rfc3339;
use crate::source::imap::Patience;
use crate::store::Place;
use crate::words::hex;

/// How often it is looked whether the other has ended.
const LOOK: Duration = Duration::from_millis(200);
/// What a lock says of its holder is a short line.
const LONGEST_NOTE: u64 = 200;

/// Held while a fetch runs. The system takes it back when the process ends, however it ends; what stands in the file is
/// for messages only.
pub(super) struct Lock {
    _file: File,
}

/// The lock of a database: beside a file, and of one on a server in the user's own folder, for fetches on this machine.
fn beside(database: &Place) -> Result<PathBuf, Failure> {
    if let Some(path) = database.file() {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".fetch.lock");
        return Ok(path.with_file_name(name));
    }
    let digest = Sha256::digest(database.to_string());
    let path = state_path(&format!("{}.fetch.lock", hex(&digest[..8])))
        .ok_or_else(|| anyhow!("no home folder is known to keep the lock of a fetch in"))?;
    if let Some(folder) = path.parent() {
        folders::make(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    Ok(path)
}

/// Takes the lock beside a database. While another fetch has it, waits as long as was asked; nothing
/// when that was in vain.
pub(super) fn take(
    database: &Place,
    wait: Option<Duration>,
    patience: &Patience,
    context: &Context,
) -> Result<Option<Lock>, Failure> {
    let path = beside(database)?;
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path).with_context(|| format!("cannot open the lock {}", path.display()))?;
    let until = Instant::now() + wait.unwrap_or_default();
    loop {
        match file.try_lock() {
            Ok(()) => {
                // A full disk must not keep a fetch from saying what is wrong with the database.
                let _ = note_holder(&mut file, context.now);
                return Ok(Some(Lock { _file: file }));
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                return Err(Failure::Failed(anyhow!("cannot lock {}: {error}", path.display())));
            }
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || !patience.sleep(left.min(LOOK)) {
            break;
        }
    }
    let holder = holder(&mut file).map_or_else(String::new, |holder| format!(" ({holder})"));
    let message = format!("another fetch into {} is running{holder}", database);
    if wait.is_none() {
        return Err(Failure::Failed(anyhow!(
            "{message}; let it end, end it, or wait for it with --wait: the lock goes with its process"
        )));
    }
    if !context.quiet {
        say(&format!("dmarcstat: {message}; it will fetch what is new"));
    }
    Ok(None)
}

fn note_holder(file: &mut File, now: Timestamp) -> std::io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    writeln!(file, "process {} since {}", std::process::id(), rfc3339(now.as_second()))
}

/// Which process holds the lock and since when, by its own note.
fn holder(file: &mut File) -> Option<String> {
    file.seek(SeekFrom::Start(0)).ok()?;
    let mut note = String::new();
    file.take(LONGEST_NOTE).read_to_string(&mut note).ok()?;
    let note = note.lines().next()?.trim();
    note.starts_with("process ").then(|| note.to_owned())
}
