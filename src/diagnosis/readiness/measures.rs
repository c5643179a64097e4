//! What a review holds each path against.

use super::policy::Target;
use super::steady::Whole;
use super::thresholds::ReadinessThresholds;
use crate::diagnosis::SendingPath;
use crate::query::Survey;
use crate::role::Role;

/// What the paths are held against.
pub(super) struct Measures<'m> {
    pub(super) survey: &'m Survey,
    pub(super) thresholds: &'m ReadinessThresholds,
    pub(super) target: Target,
    /// The owner says that the domain sends no mail.
    pub(super) parked: bool,
    /// Messages of the genuine mail, of which shares are taken.
    pub(super) messages: u64,
    /// How many messages must pass by SPF only for a path to be fragile.
    pub(super) least_alone: u64,
    pub(super) whole: Whole,
    pub(super) forgers: Forgers,
}

/// How many senders forge signatures for none of them to be one that was forgotten,
const MANY: usize = 10;
/// if each has at least this part of its mail.
const ALIKE: u64 = 2;

/// The unknown senders whose mail has broken signatures of the domain, by how much they send.
pub(super) struct Forgers(Vec<u64>);

impl Forgers {
    pub(super) fn of(paths: &[&SendingPath]) -> Self {
        let forgers = paths.iter().filter(|path| path.role == Role::Unknown && is_broken(path));
        Forgers(forgers.map(|path| path.messages).collect())
    }

    /// Whether a sender of so much is one of many: who forges signatures has many addresses, each for a few messages.
    pub(super) fn are_many_like(&self, messages: u64) -> bool {
        self.0.iter().filter(|&&of| of.saturating_mul(ALIKE) >= messages).count() > MANY
    }
}

/// Whether most mail of a path has signatures of the domain, broken ones.
pub(super) fn is_broken(path: &SendingPath) -> bool {
    2 * path.dkim.broken > path.messages
}
