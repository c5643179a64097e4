//! What is known of the input that is being written.

use std::collections::HashMap;

use rustc_hash::FxHashSet;

/// The reports of the input that is being written.
#[derive(Debug, Default)]
pub(super) struct InputReports {
    /// Those that were stored or met again in it.
    pub(super) met: FxHashSet<i64>,
    /// TLS reports that were stored or met again in it.
    pub(super) tls_met: FxHashSet<i64>,
    /// By the digest of the bytes they came in, once something was in those that was not known.
    pub(super) readings: HashMap<[u8; 32], EarlierReadings>,
}

/// What an earlier version of the program had made of the same bytes, and this one has not.
#[derive(Debug, Default)]
pub(super) struct EarlierReadings {
    /// Reports and their identities.
    pub(super) left: Vec<(i64, u128)>,
    /// Reports that were replaced beyond those that took their place: the rest of a document is still to come.
    pub(super) replaced: usize,
    /// The report that took over where the earlier readings had been seen.
    pub(super) heir: Option<i64>,
}
