//! The parts of a survey of several domains: what a survey of each of them alone would have found, without going through the
//! records again.
//!
//! What is asked for decides whose mail has figures; what is known of senders comes from all records in either case. But a record
//! that shows nothing of its sender is left out where its domain is not asked for, and what others of its organization send is
//! judged beside it. So a part is what its domain alone would give only where no other domain of its organization was asked for:
//! [`rounds`] puts domains together that can be surveyed at once.

use std::collections::hash_map::Entry as MapEntry;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::figures::Survey;
use super::policy_domains::policy_domains;
use super::tally::{AddressPart, DomainSums, Entry, ReportMark, Tally};
use super::window::Window;
use crate::alignment::{DkimState, SpfState};
use crate::domain::{is_within, organizational};
use crate::store::{NameReader, Store, StoreError};

/// Domains that can be surveyed at once, by their places, in as few surveys as there can be: no two of a round are of the same
/// organization, or of one below that of the other.
#[must_use]
pub fn rounds(domains: &[String]) -> Vec<Vec<usize>> {
    let mut rounds: Vec<Vec<usize>> = Vec::new();
    for (at, domain) in domains.iter().enumerate() {
        let organization = organizational(domain);
        let is_apart = |round: &&mut Vec<usize>| {
            let others = round.iter().map(|&other| organizational(&domains[other]));
            others.into_iter().all(|other| !is_within(other, organization) && !is_within(organization, other))
        };
        match rounds.iter_mut().find(is_apart) {
            Some(round) => round.push(at),
            None => rounds.push(vec![at]),
        }
    }
    rounds
}

/// Takes a survey apart by the domains that were asked for.
pub struct Parts<'s> {
    store: &'s Store,
    survey: &'s Survey,
    /// By the place of each report, the number of its policy domain.
    policy_domains: Vec<i64>,
}

impl<'s> Parts<'s> {
    /// Of a survey of a window.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn new(store: &'s Store, survey: &'s Survey, window: Window) -> Result<Self, StoreError> {
        let mut of_reports: FxHashMap<i64, i64> = FxHashMap::default();
        store.report_lines(window.first, window.last, &mut |line| {
            of_reports.insert(line.id, line.domain);
        })?;
        let reports = survey.tally.reports.iter();
        // All that were surveyed are there: a question sees one state of the database.
        let policy_domains = reports.map(|mark| of_reports.get(&mark.report).copied().unwrap_or(-1)).collect();
        Ok(Parts { store, survey, policy_domains })
    }

    /// What a survey of one of the domains alone would have found.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn of(&self, domain: &str) -> Result<Survey, StoreError> {
        let (whole, tally) = (self.survey, &self.survey.tally);
        let mut texts = self.store.names();
        let paths: Vec<usize> = (0..whole.paths.len()).filter(|&at| is_of(&whole.paths[at].domain, domain)).collect();
        let kept = self.reports_of(&paths, domain, &mut texts)?;
        let (mut part, places) = self.with_reports(&kept);
        let mut sums: FxHashMap<i64, DomainSums> = FxHashMap::default();
        for (&at, mark) in kept.iter().zip(&part.tally.reports) {
            sums.entry(self.policy_domains[at]).or_default().add_report(mark.report, mark.day, mark.listed);
        }
        for &at in &paths {
            for entry in tally.entries(at) {
                sums.entry(self.policy_domains[entry.report as usize]).or_default().add(figures(tally, entry));
            }
            let moved = |entry: &Entry| Entry { report: places.reports[entry.report as usize], ..*entry };
            part.tally.entries.push(tally.entries(at).iter().map(moved));
            let placed = |one: &AddressPart| AddressPart { seen: one.seen.placed(&places.reporters), ..*one };
            part.tally.addresses.push(tally.address_parts(at).iter().map(placed));
            let path = &whole.paths[at];
            part.evidence.extend(whole.evidence.get_key_value(&path.domain).map(|(from, seen)| (from.clone(), *seen)));
            part.paths.push(path.clone());
        }
        let place_of: FxHashMap<usize, usize> = paths.iter().copied().zip(0..).collect();
        let matched = whole.matched.iter();
        part.matched = matched.filter_map(|&(entry, path)| Some((entry, *place_of.get(&path)?))).collect();
        part.domains = policy_domains(self.store, &mut texts, &sums)?;
        Ok(part)
    }

    /// The places of the reports that have mail of these paths, or are on the domain or one below it.
    fn reports_of(&self, paths: &[usize], domain: &str, texts: &mut NameReader<'_>) -> Result<Vec<usize>, StoreError> {
        let mut asked: FxHashMap<i64, bool> = FxHashMap::default();
        for &number in &self.policy_domains {
            if let MapEntry::Vacant(new) = asked.entry(number) {
                new.insert(is_within(texts.text(number)?, domain));
            }
        }
        let mut kept: Vec<bool> = self.policy_domains.iter().map(|number| asked[number]).collect();
        let entries = paths.iter().flat_map(|&at| self.survey.tally.entries(at));
        entries.for_each(|entry| kept[entry.report as usize] = true);
        Ok((0..kept.len()).filter(|&at| kept[at]).collect())
    }

    /// A survey of these reports that has no paths yet, and where they and their reporters stand there.
    fn with_reports(&self, kept: &[usize]) -> (Survey, Places) {
        let tally = &self.survey.tally;
        let nowhere = |number: usize| vec![u32::MAX; number];
        let mut places = Places { reports: nowhere(tally.reports.len()), reporters: nowhere(tally.reporters.len()) };
        let mut part = Tally { kinds: Arc::clone(&tally.kinds), listed: tally.listed.clone(), ..Tally::default() };
        for &at in kept {
            let mark = tally.reports[at];
            let reporter = &mut places.reporters[mark.reporter as usize];
            if *reporter == u32::MAX {
                *reporter = part.reporters.len() as u32;
                part.reporters.push(tally.reporters[mark.reporter as usize].clone());
            }
            places.reports[at] = part.reports.len() as u32;
            part.reports.push(ReportMark { reporter: *reporter, ..mark });
        }
        let unchecked = tally.unchecked.map(|place| places.reporters[place as usize]);
        part.unchecked = unchecked.filter(|place| *place != u32::MAX);
        (Survey::of_reports(part), places)
    }
}

/// Where reports and reporters of the whole stand in a part.
struct Places {
    reports: Vec<u32>,
    reporters: Vec<u32>,
}

/// Whether the mail of a path is of a domain that was asked for, or below it; `from` may be all small names below an organizational domain.
fn is_of(from: &str, domain: &str) -> bool {
    match from.strip_prefix("*.") {
        Some(organization) => is_within(organization, domain) || is_within(domain, organization),
        None => is_within(from, domain),
    }
}

/// What an entry adds to the figures of its policy domain.
fn figures(tally: &Tally, entry: &Entry) -> [u64; 4] {
    let facts = tally.facts(entry);
    let of = |counts: bool| if counts { entry.messages } else { 0 };
    [
        entry.messages,
        of(facts.dmarc == Some(true)),
        of(facts.dkim == DkimState::Aligned),
        of(facts.spf == SpfState::Aligned),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_has_no_two_domains_of_one_organization() {
        let rounds = |domains: &[&str]| super::rounds(&domains.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>());
        assert_eq!(rounds(&[]), [[0; 0]; 0]);
        assert_eq!(rounds(&["example.com", "example.net", "example.org"]), [[0, 1, 2]]);
        let below = ["example.com", "a.example.com", "example.net", "b.example.com", "a.example.net"];
        assert_eq!(rounds(&below), [vec![0, 2], vec![1, 4], vec![3]]);
        // A public suffix that has a policy of its own is asked for with all below it.
        assert_eq!(rounds(&["example.co.uk", "co.uk", "example.org.uk"]), [vec![0, 2], vec![1]]);
    }

    #[test]
    fn small_names_that_are_told_together_are_of_the_domain_asked_for() {
        for (from, domain) in [
            ("example.com", "example.com"),
            ("a.example.com", "example.com"),
            ("*.example.com", "example.com"),
            ("*.example.com", "a.example.com"),
            ("*.example.co.uk", "co.uk"),
        ] {
            assert!(is_of(from, domain), "{from} {domain}");
        }
        for (from, domain) in [("example.com", "a.example.com"), ("*.example.com", "example.net"), ("", "example.com")]
        {
            assert!(!is_of(from, domain), "{from} {domain}");
        }
    }
}
