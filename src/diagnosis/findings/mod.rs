//! What is wrong with a domain as a whole, whatever its paths: its SPF record, what it publishes, who abuses its name, and
//! reports that no longer come.
//!
//! A path's own cause cannot say these: SPF that nobody can evaluate takes from every path what proves it, and a replay or
//! a burst of spoofed mail comes from hundreds of senders at once. Each finding has its own file; every one of them rests
//! on more than one reporter where there are more ([`witness`](crate::witness)).

mod burst;
mod cells;
mod code;
mod include;
mod replay;
mod spf;
mod strict;

use std::collections::BTreeMap;

pub use code::{DomainFinding, FindingCode, FindingEvidence};

use super::path::Rules;
use crate::query::Survey;

/// The findings of all header From domains of a survey that are the owner's, the worst first.
#[must_use]
pub fn domain_findings(survey: &Survey, rules: &Rules<'_>) -> Vec<DomainFinding> {
    let mut by_domain: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, path) in survey.paths.iter().enumerate() {
        if !path.domain.is_empty() && rules.ledger.is_owners(&path.domain) {
            by_domain.entry(&path.domain).or_default().push(at);
        }
    }
    let mut found = Vec::new();
    for (domain, paths) in by_domain {
        let of = DomainMail { survey, domain, paths: &paths };
        found.extend(spf::find(&of));
        found.extend(strict::find(&of));
        found.extend(replay::find(&of, rules.thresholds));
        found.extend(include::find(&of, rules.thresholds));
        found.extend(burst::find(&of, rules.thresholds));
    }
    found.sort_by(|a, b| (a.finding.severity, a.code(), &a.domain).cmp(&(b.finding.severity, b.code(), &b.domain)));
    found
}

/// The mail of one header From domain.
#[derive(Clone, Copy)]
struct DomainMail<'m> {
    survey: &'m Survey,
    domain: &'m str,
    /// The places of its paths.
    paths: &'m [usize],
}

impl DomainMail<'_> {
    /// The names of reporters, by their places, in order.
    fn reporters(&self, places: impl IntoIterator<Item = u32>) -> Vec<String> {
        let names = &self.survey.reporter_names;
        let mut found: Vec<String> =
            places.into_iter().filter_map(|place| names.get(place as usize)).cloned().collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}
