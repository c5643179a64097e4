//! Who reports on which days, on which domains.

use std::collections::BTreeMap;

use crate::domain;
use crate::report::period::Day;
use crate::store::{Store, StoreError};

/// A reporter on a policy domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// The policy domain.
    pub domain: String,
    /// The reporter.
    pub reporter: String,
    /// Its messages by the days that it reports on; a report without messages counts too.
    pub days: BTreeMap<Day, u64>,
}

/// Who reported on the domains at or below `domains`, or on all, from a day to another. Days after that are left out: a report that
/// claims to be of the future must not hide that none come any more.
///
/// # Errors
/// See [`StoreError`].
pub fn presence(store: &Store, first: Day, last: Day, domains: &[String]) -> Result<Vec<Presence>, StoreError> {
    let mut found: BTreeMap<(String, String), BTreeMap<Day, u64>> = BTreeMap::new();
    for total in store.day_totals(first, last)? {
        if domain::is_among(&total.domain, domains) {
            let sum = found.entry((total.domain, total.reporter)).or_default().entry(total.day).or_default();
            *sum = sum.saturating_add(total.totals.messages);
        }
    }
    Ok(found.into_iter().map(|((domain, reporter), days)| Presence { domain, reporter, days }).collect())
}
