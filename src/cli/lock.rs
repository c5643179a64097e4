//! One fetch at a time for each database.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};

use super::failure::Failure;
use crate::source::imap::Patience;

/// How often it is looked whether the other has ended.
const LOOK: Duration = Duration::from_millis(200);

/// Held while a fetch runs. The system takes it back when the process ends, however it ends.
pub(super) struct Lock {
    _file: File,
}

/// Takes the lock beside a database. While another fetch has it, waits as long as was asked; nothing when that was in vain.
pub(super) fn take(database: &Path, wait: Option<Duration>, patience: &Patience) -> Result<Option<Lock>, Failure> {
    let mut name = database.file_name().unwrap_or_default().to_owned();
    name.push(".fetch.lock");
    let path = database.with_file_name(name);
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path).with_context(|| format!("cannot open the lock {}", path.display()))?;
    let until = Instant::now() + wait.unwrap_or_default();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(Lock { _file: file })),
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
    let message = format!("another fetch into {} is running", database.display());
    if wait.is_none() {
        return Err(Failure::Failed(anyhow!("{message}; let it end, or wait for it with --wait")));
    }
    eprintln!("dmarcstat: {}; it will fetch what is new", crate::render::text::sanitize(&message));
    Ok(None)
}
