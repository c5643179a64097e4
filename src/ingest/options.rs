//! How to ingest.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::limits::Limits;
use crate::source::MailOutcome;

/// How to ingest.
#[derive(Debug, Clone)]
pub struct IngestOptions {
    /// The limits.
    pub limits: Limits,
    /// Keep the bytes of reports that were read (those of others are always kept).
    pub keep_raw: bool,
    /// Now, in seconds since the epoch.
    pub now: i64,
    /// How many examine; 0 for as many as there are cores.
    pub examiners: usize,
    /// The outcomes of mails on servers after which there are actions to carry out there.
    pub left_to_do: Vec<MailOutcome>,
    /// Set to end the run early, with what is whole committed. The run sets it too when the database fails, for a source
    /// that waits for a server.
    pub stop: Arc<AtomicBool>,
}
