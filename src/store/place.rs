//! Where a database is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

/// Where a database is.
#[derive(Debug, Clone)]
pub enum Place {
    /// In a file of SQLite.
    File(PathBuf),
    /// On a PostgreSQL server.
    Server(Server),
}

/// A database on a PostgreSQL server.
#[derive(Debug, Clone)]
pub struct Server {
    /// `postgres://user@host:port/database`, without a password.
    pub url: String,
    /// The password, where one is needed.
    pub password: Option<SecretString>,
    /// How long one statement may take.
    pub patience: Duration,
    /// Certificates that are trusted besides those of the system.
    pub ca_file: Option<PathBuf>,
}

impl Place {
    /// The file, where it is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Place::File(path) => Some(path),
            Place::Server(_) => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(path) => path.display().fmt(f),
            Place::Server(server) => f.write_str(&server.url),
        }
    }
}

impl<P: AsRef<Path> + ?Sized> From<&P> for Place {
    fn from(path: &P) -> Self {
        Place::File(path.as_ref().to_owned())
    }
}
