//! Mistakes in the configuration, and where they stand.

use std::fmt;
use std::path::Path;

use super::secrets::SecretSource;

/// Something in the file that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// The byte of the file at which it stands.
    pub(crate) at: usize,
    /// The key it is about, where it is about one that may not be on that line.
    pub(crate) key: Option<String>,
    /// What is wrong, in one line.
    pub(crate) reason: String,
}

impl Mistake {
    pub(crate) fn new(at: usize, key: &str, reason: impl Into<String>) -> Self {
        Mistake { at, key: Some(key.to_owned()), reason: reason.into() }
    }

    /// The mistake with its line and key.
    pub(crate) fn worded(&self, text: &str) -> String {
        let number = line(text, self.at);
        let written = text.lines().nth(number - 1).unwrap_or("").trim();
        let reason = self.reason.replace('\n', " ");
        let key = match &self.key {
            Some(key) => key.as_str(),
            None => written.split_once('=').map_or(written, |(key, _)| key.trim()),
        };
        if key.is_empty() || reason.contains(&format!("`{key}`")) {
            format!("line {number}: {reason}")
        } else {
            format!("line {number}, `{key}`: {reason}")
        }
    }
}

/// The number of the line that holds a byte, from 1.
pub(crate) fn line(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|&&byte| byte == b'\n').count() + 1
}

/// Where something stands in the configuration, for errors that show only when it is used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The line, from 1.
    pub(crate) line: usize,
    /// The key.
    pub(crate) key: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, `{}`", self.line, self.key)
    }
}

/// A secret that the configuration names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SecretRef {
    /// Where it is.
    pub(crate) source: SecretSource,
    /// Where the configuration says so.
    pub(crate) place: Place,
}

impl SecretRef {
    /// Takes a relative path to be from this folder.
    pub(super) fn lie_in(&mut self, folder: &Path) {
        if let SecretSource::File(path) = &mut self.source {
            *path = folder.join(&path);
        }
    }
}
