//! Who reports on which days, on which domains.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::domain;
use crate::report::period::{Day, end_of};
use crate::store::{DayReported, Store, StoreError};

/// A reporter on a policy domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReporterDays {
    /// The policy domain.
    pub domain: String,
    /// The reporter.
    pub reporter: String,
    /// Its messages by the days that it reports on; a report without messages counts too.
    pub days: BTreeMap<Day, u64>,
}

/// Who reported on the domains at or below `domains`, or on all, from a day to another. A report that claims to be of the
/// future, or of years, must not hide that none come any more. Nor must one that anybody can have sent: from the day on
/// which reports of a reporter passed, it is there on days only on which some did. In the order of domains and reporters.
///
/// # Errors
/// See [`StoreError`].
pub fn reporter_days(
    store: &Store,
    first: Day,
    last: Day,
    domains: &[String],
) -> Result<Vec<ReporterDays>, StoreError> {
    let mut days: Vec<DayReported> = Vec::new();
    store.days_reported(first, last, end_of(last), &mut |day| days.push(day))?;
    let mut passed_from: FxHashMap<i64, Day> = FxHashMap::default();
    for day in days.iter().filter(|day| day.checked) {
        let from = passed_from.entry(day.reporter).or_insert(day.day);
        *from = day.day.min(*from);
    }
    days.retain(|day| day.checked || passed_from.get(&day.reporter).is_none_or(|from| day.day < *from));
    let mut sums: FxHashMap<(i64, i64), BTreeMap<Day, u64>> = FxHashMap::default();
    for day in days {
        let sum = sums.entry((day.domain, day.reporter)).or_default().entry(day.day).or_default();
        *sum = sum.saturating_add(day.messages);
    }
    let mut names = store.names();
    let mut found = Vec::new();
    for ((domain, reporter), days) in sums {
        let domain = names.text(domain)?.to_owned();
        if domain::is_among(&domain, domains) {
            found.push(ReporterDays { domain, reporter: names.text(reporter)?.to_owned(), days });
        }
    }
    found.sort_by(|a, b| (&a.domain, &a.reporter).cmp(&(&b.domain, &b.reporter)));
    Ok(found)
}
