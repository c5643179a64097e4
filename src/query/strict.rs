//! What strict alignment (`adkim=s`, `aspf=s`) would cost, recomputed from the records.

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;
use serde::Serialize;

use super::figures::Survey;
use crate::alignment::{AuthResult, DkimState, SpfState};
use crate::store::{OutcomeFacts, Store, StoreError};

/// Messages that pass now and would not under a strict mode.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct StrictFigures {
    /// Those lost under `adkim=s` alone.
    pub lost_adkim: u64,
    /// Those lost under `aspf=s` alone.
    pub lost_aspf: u64,
    /// Those lost under both.
    pub lost_both: u64,
    /// Those of which the reports do not tell: the reporter says that DKIM passed and lists no signature that did.
    pub unknown: u64,
}

impl StrictFigures {
    /// Adds another path's.
    pub fn add(&mut self, other: &StrictFigures) {
        self.lost_adkim += other.lost_adkim;
        self.lost_aspf += other.lost_aspf;
        self.lost_both += other.lost_both;
        self.unknown += other.unknown;
    }
}

/// How far a mechanism aligns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    No,
    /// On the reporter's word.
    Unknown,
    Relaxed,
    Strict,
}

/// The figures of each path of a survey, by its place there.
///
/// # Errors
/// See [`StoreError`].
pub fn strict_alignment(store: &Store, survey: &Survey) -> Result<Vec<StrictFigures>, StoreError> {
    let mut names = store.names();
    let mut lists: FxHashMap<i64, Vec<String>> = FxHashMap::default();
    let mut found = Vec::with_capacity(survey.paths.len());
    for (at, path) in survey.paths.iter().enumerate() {
        let mut figures = StrictFigures::default();
        for entry in survey.tally.entries(at) {
            let facts = survey.tally.facts(entry);
            if facts.dmarc != Some(true) {
                continue;
            }
            if let Entry::Vacant(list) = lists.entry(facts.signers) {
                let signers = store.signers(facts.signers, &mut names)?;
                let verified = signers.into_iter().filter(|(_, _, result)| *result == AuthResult::Pass);
                list.insert(verified.map(|(domain, _, _)| domain).collect());
            }
            let verified = lists.get(&facts.signers).map_or(&[][..], Vec::as_slice);
            add(&mut figures, dkim(facts, verified, &path.domain), spf(facts), entry.messages);
        }
        found.push(figures);
    }
    Ok(found)
}

fn dkim(facts: &OutcomeFacts, verified: &[String], from: &str) -> Reach {
    if facts.dkim != DkimState::Aligned {
        Reach::No
    } else if verified.iter().any(|domain| domain == from) {
        Reach::Strict
    } else if verified.iter().any(|domain| crate::domain::aligned(domain, from)) {
        Reach::Relaxed
    } else {
        Reach::Unknown
    }
}

fn spf(facts: &OutcomeFacts) -> Reach {
    match (facts.spf, facts.envelope) {
        (SpfState::Aligned, None) => Reach::Unknown,
        (SpfState::Aligned, envelope) if envelope == facts.header_from => Reach::Strict,
        (SpfState::Aligned, _) => Reach::Relaxed,
        _ => Reach::No,
    }
}

fn add(figures: &mut StrictFigures, dkim: Reach, spf: Reach, messages: u64) {
    let lost = |dkim_counts: bool, spf_counts: bool| !dkim_counts && !spf_counts;
    let strict = |reach| matches!(reach, Reach::Strict);
    let any = |reach| reach != Reach::No;
    if (dkim == Reach::Unknown && !strict(spf)) || (spf == Reach::Unknown && !strict(dkim)) {
        figures.unknown += messages;
        return;
    }
    let mut count = |sum: fn(&mut StrictFigures) -> &mut u64, lost| {
        if lost {
            *sum(figures) += messages;
        }
    };
    count(|figures| &mut figures.lost_adkim, lost(strict(dkim), any(spf)));
    count(|figures| &mut figures.lost_aspf, lost(any(dkim), strict(spf)));
    count(|figures| &mut figures.lost_both, lost(strict(dkim), strict(spf)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mode_alone_and_both() {
        let of = |dkim, spf| {
            let mut figures = StrictFigures::default();
            add(&mut figures, dkim, spf, 1);
            (figures.lost_adkim, figures.lost_aspf, figures.lost_both, figures.unknown)
        };
        assert_eq!(of(Reach::Strict, Reach::No), (0, 0, 0, 0));
        assert_eq!(of(Reach::Relaxed, Reach::No), (1, 0, 1, 0));
        assert_eq!(of(Reach::No, Reach::Relaxed), (0, 1, 1, 0));
        assert_eq!(of(Reach::Relaxed, Reach::Relaxed), (0, 0, 1, 0));
        assert_eq!(of(Reach::Relaxed, Reach::Strict), (0, 0, 0, 0));
        assert_eq!(of(Reach::Unknown, Reach::No), (0, 0, 0, 1));
        assert_eq!(of(Reach::Unknown, Reach::Strict), (0, 0, 0, 0));
    }
}
