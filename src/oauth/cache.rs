//! The file that keeps an account's tokens between runs.
//!
//! Readable by its owner alone, written whole or not at all. Whoever gets new tokens holds a lock beside it meanwhile, so
//! that of two processes the second finds what the first got, and no refresh token is used twice.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::Error;

/// Another process that renews takes no longer than an answer may.
const PATIENCE: Duration = Duration::from_secs(45);
/// No file of ours is larger.
const LARGEST: u64 = 1024 * 1024;

/// What the file says.
#[derive(Debug, Clone, Deserialize)]
pub struct Kept {
    /// A digest of the settings that the tokens belong to.
    pub(super) settings: String,
    /// The access token.
    pub(super) access_token: SecretString,
    /// When it was got, in seconds since the epoch.
    pub obtained: i64,
    /// When it ends.
    pub expires: i64,
    /// The refresh token, where there is one.
    pub(super) refresh_token: Option<SecretString>,
    /// When somebody logged in for it; absent where nobody had to.
    pub logged_in: Option<i64>,
}

/// The file.
#[derive(Debug, Clone)]
pub struct Cache {
    path: PathBuf,
}

/// Held while tokens are renewed; let go when dropped.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held, not used")] File);

impl Cache {
    /// The file at `path`, whether it is there or not.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Cache { path }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn failed(&self, reason: impl ToString) -> Error {
        Error::Cache { path: self.path.display().to_string(), reason: reason.to_string() }
    }

    /// What is kept; nothing where nothing is, or nothing that can be read. What cannot be read is got anew.
    pub(super) fn load(&self) -> Result<Option<Kept>, Error> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(error)),
        };
        let mut text = Zeroizing::new(Vec::new());
        file.take(LARGEST).read_to_end(&mut text).map_err(|error| self.failed(error))?;
        Ok(serde_json::from_slice(&text).ok())
    }

    /// Writes it anew.
    pub(super) fn store(&self, kept: &Kept) -> Result<(), Error> {
        let failed = |error: std::io::Error| self.failed(error);
        let text = Zeroizing::new(
            json!({
                "settings": kept.settings,
                "access_token": kept.access_token.expose_secret(),
                "obtained": kept.obtained,
                "expires": kept.expires,
                "refresh_token": kept.refresh_token.as_ref().map(ExposeSecret::expose_secret),
                "logged_in": kept.logged_in,
            })
            .to_string(),
        );
        // Made with mode 0600, by the library's word.
        let mut file = tempfile::Builder::new().prefix(".token").tempfile_in(self.folder()?).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&self.path).map_err(|error| self.failed(error.error))?;
        Ok(())
    }

    /// The folder, made for its owner alone where it is missing.
    fn folder(&self) -> Result<&Path, Error> {
        let folder = match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(|error| self.failed(error))?;
        Ok(folder)
    }

    /// Waits for the lock.
    pub(super) fn lock(&self) -> Result<Lock, Error> {
        self.folder()?;
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".lock");
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(self.path.with_file_name(name)).map_err(|error| self.failed(error))?;
        let until = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock(file)),
                Err(TryLockError::WouldBlock) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => return Err(self.failed("another process holds them")),
                Err(TryLockError::Error(error)) => return Err(self.failed(error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(token: &str) -> Kept {
        Kept {
            settings: "s".to_owned(),
            access_token: SecretString::from(token),
            obtained: 1,
            expires: 2,
            refresh_token: Some(SecretString::from("r")),
            logged_in: None,
        }
    }

    #[test]
    fn what_is_stored_is_loaded_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("deep/er/rua.json"));
        assert!(cache.load().unwrap().is_none());
        for token in ["one", "two"] {
            cache.store(&kept(token)).unwrap();
            assert_eq!(cache.load().unwrap().unwrap().access_token.expose_secret(), token);
        }
        #[cfg(unix)]
        for (path, mode) in [(cache.path(), 0o600), (cache.path().parent().unwrap(), 0o700)] {
            let found = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).unwrap().permissions());
            assert_eq!(found & 0o777, mode, "{}", path.display());
        }
        assert!(!format!("{:?}", cache.load().unwrap()).contains("two"));
        std::fs::write(cache.path(), "{ not this").unwrap();
        assert!(cache.load().unwrap().is_none());
    }

    #[test]
    fn one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("rua.json"));
        let lock = cache.lock().unwrap();
        let second = std::thread::spawn({
            let cache = cache.clone();
            move || cache.lock().map(|_| ())
        });
        drop(lock);
        second.join().unwrap().unwrap();
    }
}
