//! How to fetch.

use crate::ingest::IngestOptions;
use crate::source::imap::Patience;

/// How to fetch.
pub struct FetchOptions<'o> {
    /// How to ingest.
    pub ingest: IngestOptions,
    /// How long to wait for servers.
    pub patience: Patience,
    /// Which mail to pass over.
    pub since: Since,
    /// Seconds since the epoch.
    pub clock: &'o (dyn Fn() -> i64 + Sync),
    /// Hears of trouble that may pass.
    pub note: &'o (dyn Fn(&str) + Sync),
}

/// Which mail to pass over because it is old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// What was passed over the last time, and none the first time.
    AsBefore,
    /// None.
    All,
    /// What came before this day, in days since the epoch.
    Day(i64),
}
