//! Who reports on which days, on which domains.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

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
    let mut sums: FxHashMap<(i64, i64), BTreeMap<Day, u64>> = FxHashMap::default();
    store.days_reported(first, last, &mut |day, domain, reporter, messages| {
        let sum = sums.entry((domain, reporter)).or_default().entry(day).or_default();
        *sum = sum.saturating_add(messages);
    })?;
    let mut names = store.names();
    let mut found = Vec::new();
    for ((domain, reporter), days) in sums {
        let domain = names.text(domain)?.to_owned();
        if domain::is_among(&domain, domains) {
            found.push(Presence { domain, reporter: names.text(reporter)?.to_owned(), days });
        }
    }
    found.sort_by(|a, b| (&a.domain, &a.reporter).cmp(&(&b.domain, &b.reporter)));
    Ok(found)
}
