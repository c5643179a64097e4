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

/// Policies as they are met, each once.
#[derive(Debug, Default)]
pub(super) struct PoliciesMet {
    /// By their numbers, their places in the list.
    places: FxHashMap<i64, usize>,
    /// Without their domains.
    pub(super) list: Vec<PolicyPublished>,
}

impl PoliciesMet {
    /// The place of a policy, by its number.
    pub(super) fn place(&mut self, store: &Store, number: i64) -> Result<usize, StoreError> {
        if let Some(&known) = self.places.get(&number) {
            return Ok(known);
        }
        self.list.push(store.published_as(number)?.unwrap_or_default());
        self.places.insert(number, self.list.len() - 1);
        Ok(self.list.len() - 1)
    }
}

/// What reporters found published.
#[derive(Debug, Clone, Default)]
pub struct Published {
    /// The policies, without their domains.
    pub policies: Vec<PolicyPublished>,
    /// For each policy domain, who found which.
    pub domains: BTreeMap<String, Vec<PolicySeen>>,
}

/// What the reports of a survey say was published.
///
/// # Errors
/// See [`StoreError`].
pub fn published(store: &Store, survey: &Survey) -> Result<Published, StoreError> {
    let mut found = Published::default();
    let mut reports: Vec<_> = survey.tally.reports.iter().collect();
    reports.sort_unstable_by_key(|report| report.report);
    let mut policies = PoliciesMet::default();
    let mut by_domain: FxHashMap<i64, Vec<PolicySeen>> = FxHashMap::default();
    for report in reports {
        let Some((domain, number)) = store.policy_found(report.report)? else { continue };
        let policy = policies.place(store, number)?;
        let seen = PolicySeen { day: report.day, reporter: report.reporter, policy };
        by_domain.entry(domain).or_default().push(seen);
    }
    let mut names = store.names();
    for (domain, seen) in by_domain {
        found.domains.insert(names.text(domain)?.to_owned(), seen);
    }
    found.policies = policies.list;
    Ok(found)
}
