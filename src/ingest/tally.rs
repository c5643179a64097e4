//! Counts of the things in an input that cost more than their bytes.

use std::collections::{HashMap, HashSet};

use rustc_hash::FxHashSet;

use super::head::Head;
use crate::limits::{Budget, Cost, Limits};
use crate::rejection::RejectionCode;
use crate::report::AggregateReport;
use crate::store::{DigestKey, bare_id};

/// What an input holds of what costs more than its bytes: the limits of it hold for the whole input.
pub(super) struct InputTally {
    /// How many reports of each identity, by a digest with the database's key.
    same_id: HashMap<u128, usize>,
    policies: HashSet<u128>,
    pub(super) texts: StoredTexts,
}

/// The texts that an input adds to the database, those of a record together. What is counted depends on nothing but the
/// input, so that the same bytes are read alike whenever they come.
pub(super) struct StoredTexts {
    /// By digests with the database's key.
    met: FxHashSet<u128>,
    bytes: u64,
    /// Beyond this, free texts are cut.
    soft: u64,
    /// Beyond this, nothing is taken.
    hard: u64,
}

/// A free text that is cut where there is no room for more has this many bytes.
pub(super) const SHORT_TEXT: usize = 256;

impl StoredTexts {
    /// Counts texts that are stored once. False where free texts must be cut first, and nothing was counted.
    ///
    /// # Errors
    /// The code of the limit where they are too many even so.
    pub(super) fn take(&mut self, texts: u128, bytes: usize, can_be_cut: bool) -> Result<bool, RejectionCode> {
        if self.met.contains(&texts) {
            return Ok(true);
        }
        if can_be_cut && self.bytes.saturating_add(bytes as u64) > self.soft {
            return Ok(false);
        }
        self.add(bytes)?;
        self.met.insert(texts);
        Ok(true)
    }

    /// Counts texts that are stored as often as they come.
    ///
    /// # Errors
    /// The code of the limit where they are too many.
    pub(super) fn add(&mut self, bytes: usize) -> Result<(), RejectionCode> {
        let sum = self.bytes.saturating_add(bytes as u64);
        if sum > self.hard {
            return Err(RejectionCode::LimitTexts);
        }
        self.bytes = sum;
        Ok(())
    }
}

impl InputTally {
    /// The tally of an input, by its size in bytes.
    pub(super) fn new(limits: &Limits, size: u64) -> Self {
        let soft = limits.texts.saturating_add(size.saturating_mul(8));
        InputTally {
            same_id: HashMap::new(),
            policies: HashSet::new(),
            texts: StoredTexts { met: FxHashSet::default(), bytes: 0, soft, hard: soft.saturating_mul(3) },
        }
    }

    /// Counts a report that was read.
    ///
    /// # Errors
    /// The code of the limit that it is beyond.
    pub(super) fn count(
        &mut self,
        key: DigestKey,
        head: &Head,
        report: &AggregateReport,
        report_id: &str,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<(), RejectionCode> {
        let mut identity = digest_of_texts(key, [&head.identity, bare_id(report_id), &head.domain].map(Some));
        identity ^= u128::from(head.period.begin.cast_unsigned()) << 64 | u128::from(head.period.end.cast_unsigned());
        let known = self.same_id.entry(identity).or_default();
        *known += 1;
        if *known > limits.same_id {
            return Err(RejectionCode::LimitSameId);
        }
        let policy = &report.policy_published;
        let texts = std::iter::once(policy.domain.as_deref()).chain(policy.written());
        if self.policies.insert(digest_of_texts(key, texts)) {
            budget.take(Cost::Policies, 1)?;
        }
        Ok(())
    }
}

/// A digest of some texts, with the database's key.
pub(super) fn digest_of_texts<'t>(key: DigestKey, texts: impl IntoIterator<Item = Option<&'t str>>) -> u128 {
    let mut digest = key.digest();
    for text in texts {
        digest.text(text);
    }
    digest.finish()
}
