//! The distinct facts of outcomes. Outcomes with the same facts are of one *kind*; there are ten times fewer kinds than outcomes.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::store::{OutcomeFacts, Store, StoreError};

const UNREAD: u32 = u32::MAX;

/// The kinds of the outcomes that were asked for, and of those stored beside them.
pub(super) struct DistinctFacts<'s> {
    store: &'s Store,
    by_outcome: Vec<u32>,
    numbers: FxHashMap<OutcomeFacts, u32>,
    /// By number. There may be a hundred thousand, so who needs them later shares them.
    pub(super) list: Arc<Vec<OutcomeFacts>>,
}

impl<'s> DistinctFacts<'s> {
    pub(super) fn new(store: &'s Store) -> Result<Self, StoreError> {
        let size = usize::try_from(store.largest_outcome()?).unwrap_or(0) + 1;
        Ok(DistinctFacts { store, by_outcome: vec![UNREAD; size], numbers: FxHashMap::default(), list: Arc::default() })
    }

    /// The number of an outcome's kind.
    #[inline]
    pub(super) fn of(&mut self, outcome: u64) -> Result<u32, StoreError> {
        let at = usize::try_from(outcome).unwrap_or(usize::MAX);
        match self.by_outcome.get(at) {
            Some(&kind) if kind != UNREAD => Ok(kind),
            _ => self.read(outcome, at),
        }
    }

    #[cold]
    fn read(&mut self, outcome: u64, at: usize) -> Result<u32, StoreError> {
        let store = self.store;
        store.facts_around(outcome, &mut |id, facts| {
            let kind = self.number(facts);
            let place = usize::try_from(id).unwrap_or(usize::MAX);
            if let Some(known) = self.by_outcome.get_mut(place) {
                *known = kind;
            }
        })?;
        let found = self.by_outcome.get(at).copied().filter(|&kind| kind != UNREAD);
        found.ok_or_else(|| StoreError::Damaged(format!("outcome {outcome}")))
    }

    /// The number of a kind.
    pub(super) fn number(&mut self, facts: OutcomeFacts) -> u32 {
        let next = self.list.len() as u32;
        let number = *self.numbers.entry(facts).or_insert(next);
        if number == next {
            Arc::make_mut(&mut self.list).push(facts);
        }
        number
    }

    /// Says that the reverse-path of a kind is null, where its facts alone do not.
    pub(super) fn mark_null(&mut self, kind: u32) {
        Arc::make_mut(&mut self.list)[kind as usize].null_reverse_path = true;
    }

    /// Lets go of what is only needed to tell many kinds apart. Kinds that are met later may be numbered twice, which costs a little and
    /// changes nothing.
    pub(super) fn close(&mut self) {
        self.numbers = FxHashMap::default();
    }
}
