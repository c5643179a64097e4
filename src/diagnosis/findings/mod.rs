//! What is wrong with a domain as a whole, whatever its paths: its SPF record, what it publishes, who abuses its name, and
//! reports that no longer come.
//!
//! A path's own cause cannot say these: SPF that nobody can evaluate takes from every path what proves it, and a replay or
//! a burst of spoofed mail comes from hundreds of senders at once. Each finding has its own file; every one of them rests
//! on more than one reporter where there are more ([`witness`](crate::witness)).

mod burst;
mod cells;
mod code;
mod foreign;
mod include;
mod observations;
mod policy;
mod replay;
mod silence;
mod spf;
mod strict;

use std::collections::BTreeMap;

pub(super) use spf::{SpfRecord, fails_for as spf_fails_for, lost_for as spf_lost_for};

pub use code::{DomainFinding, FindingCode, FindingEvidence, TagChange};
pub use observations::Observations;

use super::rules::Rules;
use crate::query::Survey;
use observations::DomainMail;

/// The findings of all domains that are the owner's, the worst first.
#[must_use]
pub fn domain_findings(of: &Observations<'_>) -> Vec<DomainFinding> {
    let (survey, rules) = (of.survey, of.rules);
    let mut found = silence::domains(of);
    found.extend(silence::reporters(of));
    found.extend(policy::find(of));
    found.extend(foreign::find(of));
    let domains = by_domain(survey, rules);
    for (&domain, paths) in &domains {
        let mail = DomainMail { survey, domain, paths };
        found.extend(spf::find(&mail));
        found.extend(strict::find(&mail));
        found.extend(replay::find(&mail, rules.thresholds));
        found.extend(include::find(&mail, rules.thresholds));
    }
    found.extend(bursts(survey, &domains, rules));
    found.sort_by(|a, b| (a.finding.severity, a.code(), &a.domain).cmp(&(b.finding.severity, b.code(), &b.domain)));
    found
}

/// Bursts of spoofed mail: under one name, or spread over names of which none has one of its own.
fn bursts(survey: &Survey, domains: &BTreeMap<&str, Vec<usize>>, rules: &Rules<'_>) -> Vec<DomainFinding> {
    let of = |domain: &str, paths: &[usize]| burst::find(&DomainMail { survey, domain, paths }, rules.thresholds);
    let mut organizations: BTreeMap<&str, (Vec<usize>, Vec<DomainFinding>)> = BTreeMap::new();
    for (&domain, paths) in domains {
        let (all, found) = organizations.entry(crate::domain::organizational(domain)).or_default();
        all.extend(paths);
        found.extend(of(domain, paths));
    }
    let found = organizations.into_iter().flat_map(|(organization, (paths, mut found))| {
        if found.is_empty() {
            found.extend(of(organization, &paths));
        }
        found
    });
    found.collect()
}

/// The places of the paths of each header From domain that is the owner's.
fn by_domain<'s>(survey: &'s Survey, rules: &Rules<'_>) -> BTreeMap<&'s str, Vec<usize>> {
    let mut found: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, path) in survey.paths.iter().enumerate() {
        if !path.domain.is_empty() && rules.ledger.is_owners(&path.domain) {
            found.entry(&path.domain).or_default().push(at);
        }
    }
    found
}

/// Since when something is as a finding says, told from a survey that reaches further back; nothing where it does not tell, or
/// does not bear on such a finding.
#[must_use]
pub fn since(finding: &DomainFinding, survey: &Survey, rules: &Rules<'_>) -> Option<String> {
    let domain = finding.domain.as_str();
    let paths = by_domain(survey, rules).remove(domain)?;
    let mail = DomainMail { survey, domain, paths: &paths };
    let found = match finding.code() {
        FindingCode::SpfUnevaluable => {
            spf::find(&mail).into_iter().find(|one| one.finding.subject == finding.finding.subject)
        }
        FindingCode::StrictAlignmentCosts => strict::find(&mail),
        _ => None,
    };
    found?.since
}
