//! What reporters found published, day by day.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::figures::Survey;
use crate::report::PolicyPublished;
use crate::report::period::Day;
use crate::store::{Store, StoreError};

/// A policy that a reporter found on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicySeen {
    /// The day that the report counts on.
    pub day: Day,
    /// Who reports, by its place in [`Survey::reporter_names`].
    pub reporter: u32,
    /// The policy, by its place in [`Published::policies`].
    pub policy: usize,
}

/// What reporters found published.
#[derive(Debug, Clone, Default)]
pub struct Published {
    /// The policies, without their domains.
    pub policies: Vec<PolicyPublished>,
    /// By policy domain who found which.
    pub domains: BTreeMap<String, Vec<PolicySeen>>,
}

/// What the reports of a survey say was published.
///
/// # Errors
/// See [`StoreError`].
pub fn published(store: &Store, survey: &Survey) -> Result<Published, StoreError> {
    let mut found = Published::default();
    let Some((first, last)) = survey.days else {
        return Ok(found);
    };
    let known = store.policies()?;
    let mut reports: Vec<_> = survey.tally.reports.iter().collect();
    reports.sort_unstable_by_key(|report| report.report);
    let mut reports = reports.into_iter().peekable();
    let mut places: FxHashMap<i64, usize> = FxHashMap::default();
    let mut by_domain: FxHashMap<i64, Vec<PolicySeen>> = FxHashMap::default();
    store.policies_found(first, last, &mut |id, domain, number| {
        while reports.next_if(|report| report.report < id).is_some() {}
        let Some(report) = reports.next_if(|report| report.report == id) else {
            return;
        };
        let policy = *places.entry(number).or_insert_with(|| {
            found.policies.push(known.get(&number).cloned().unwrap_or_default());
            found.policies.len() - 1
        });
        let seen = PolicySeen { day: report.day, reporter: report.reporter, policy };
        by_domain.entry(domain).or_default().push(seen);
    })?;
    let mut names = store.names();
    for (domain, seen) in by_domain {
        found.domains.insert(names.text(domain)?.to_owned(), seen);
    }
    Ok(found)
}
