//! Keys of a domain that verified on the same days.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use super::answer::Overlap;
use super::key::{Key, NAMED, compared, has_too_many};
use crate::report::period::Day;

/// For each path, the days on which a key verified.
type VerifiedDays = BTreeMap<usize, BTreeSet<Day>>;

/// The other keys of a key's domain that verified on the same days, as far as they are [`compared`].
pub(super) struct Overlaps<'k> {
    all: &'k [Key<'k>],
    /// The places of those that the keys of the domain at hand are compared with, their names, and when they verified.
    compared: Range<usize>,
    /// How many of those are named beside each key.
    most: usize,
    names: Vec<Option<Arc<str>>>,
    verified: Vec<VerifiedDays>,
    /// What keys that are not among those found, by when they verified: anybody can write tens of thousands of keys of one day.
    found: HashMap<VerifiedDays, Arc<[Overlap]>>,
}

impl<'k> Overlaps<'k> {
    /// Of these keys, which are in the order of their domains.
    pub(super) fn of(all: &'k [Key<'k>]) -> Self {
        Overlaps {
            all,
            compared: 0..0,
            most: usize::MAX,
            names: Vec::new(),
            verified: Vec::new(),
            found: HashMap::new(),
        }
    }

    /// Those of one key, by its place. Ask in the order of places, or what was found for a domain is found anew.
    pub(super) fn of_key(&mut self, at: usize) -> Arc<[Overlap]> {
        let key = &self.all[at];
        if self.all.get(self.compared.start).is_none_or(|first| first.signing_domain != key.signing_domain)
            || self.compared.is_empty()
        {
            self.compared = compared(self.all, key.signing_domain);
            self.most = if has_too_many(self.all, key.signing_domain) { NAMED } else { usize::MAX };
            let others = &self.all[self.compared.clone()];
            self.names = others.iter().map(|other| other.selector.map(Arc::from)).collect();
            self.verified = others.iter().map(verified_days).collect();
            self.found.clear();
        }
        let mine = verified_days(key);
        if mine.values().all(BTreeSet::is_empty) {
            return Arc::default();
        }
        if self.compared.contains(&at) {
            return self.beside(key, &mine);
        }
        if let Some(known) = self.found.get(&mine) {
            return Arc::clone(known);
        }
        let found = self.beside(key, &mine);
        self.found.insert(mine, Arc::clone(&found));
        found
    }

    fn beside(&self, key: &Key<'_>, mine: &VerifiedDays) -> Arc<[Overlap]> {
        let others = self.names.iter().zip(&self.verified);
        others
            .filter(|(other, _)| other.as_deref() != key.selector)
            .filter_map(|(other, theirs)| {
                let days: BTreeSet<Day> = mine
                    .iter()
                    .filter_map(|(path, days)| Some(days.intersection(theirs.get(path)?).copied().collect::<Vec<_>>()))
                    .flatten()
                    .collect();
                let selector = Arc::clone(other.as_ref()?);
                (!days.is_empty()).then_some(Overlap { selector, days: days.len() })
            })
            .take(self.most)
            .collect()
    }
}

fn verified_days(key: &Key<'_>) -> VerifiedDays {
    let mut days = VerifiedDays::new();
    for one in &key.home {
        let verified = one.days.iter().filter(|(_, results)| results.verified() > 0);
        days.insert(one.path, verified.map(|(&day, _)| day).collect());
    }
    days
}
