//! The records of a window, each with the path it is on: what every question about paths stands on.
//!
//! [`Scan::survey`] goes through the records once, and computes each thing as rarely as possible: for each kind of outcome
//! ([`distinct_facts`](super::distinct_facts)) its facts and the identity that it authenticates; for each identity and address the sender group
//! (see [`naming`](super::naming)); for each record only sums over small numbers ([`pass`](super::pass)). When all records have been seen, the groups become paths, and the sums
//! become a [`Survey`](super::Survey): plain figures, with the sums by report and by address behind them.
//!
//! A question that wants more of the records of a path than the survey has asks again with [`Scan::visit`]: it is shown every
//! record of some paths, or of all, with its facts. All that was worked out is known by then, so this costs little more
//! than reading the runs:
//!
//! ```ignore
//! let mut scan = Scan::new(&store, window, &domains, knowledge)?;
//! let survey = scan.survey()?;
//! scan.visit(&survey, Some(&[path]), &mut |seen| days.add(seen.day, seen.facts.dkim, seen.messages))?;
//! ```

use std::collections::hash_map::Entry as MapEntry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::distinct_facts::DistinctFacts;
use super::figures::Signer;
use super::naming::{AuthIdentities, Knowledge};
use super::pair_key::{AddressNumbers, PairKey};
use super::roles::{PathNumber, Paths};
use super::running_sums::Batch;
use super::sums::{Excuse, Sums};
use super::tally::{DomainSums, Tally};
use super::window::Window;
use super::witnesses::Met;
use crate::alignment::{DkimState, SpfState};
use crate::domain;
use crate::store::{NameReader, PolicyWords, ScannedRun, Store, StoreError};

/// What the loop over the records wants of a kind, close together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hot {
    /// Without the address.
    pub(super) key: PairKey,
    /// Its header From domain is asked for; else it is evidence on the owner only.
    pub(super) asked: bool,
    /// It shows something of who wrote or sent it, and so bears on other mail.
    pub(super) tells: bool,
    pub(super) is: Is,
    pub(super) dmarc_pass: bool,
    pub(super) dkim_aligned: bool,
    pub(super) spf_aligned: bool,
    pub(super) excuse: Excuse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Is {
    /// It was not looked at yet.
    New,
    /// It counts.
    Taken,
    /// It has override reasons: whether they count depends on the published policy.
    Excused,
}

/// A pass over the records of a window.
pub struct Scan<'s> {
    pub(super) store: &'s Store,
    pub(super) texts: NameReader<'s>,
    pub(super) window: Window,
    pub(super) domains: &'s [String],
    pub(super) knowledge: Knowledge<'s>,
    pub(super) kinds: DistinctFacts<'s>,
    /// By kind.
    pub(super) hot: Vec<Hot>,
    /// For each kind, the same without override reasons that did not count.
    unexcused: FxHashMap<u32, u32>,
    pub(super) identities: AuthIdentities<'s>,
    /// Whether header From and policy domains are asked for.
    wanted: FxHashMap<i64, bool>,
    pub(super) address_numbers: AddressNumbers,
    pub(super) met: Met,
    /// By the number of a policy what it asks for.
    policies: FxHashMap<i64, PolicyWords>,
    /// The sources of the memory that is being read, as they were met; none for those that are not asked for.
    pub(super) sources: Vec<Option<u32>>,
    pub(super) current: Current,
    pub(super) batch: Batch,
    pub(super) by_domain: FxHashMap<i64, DomainSums>,
    /// For each policy domain, who reports on it.
    pub(super) reporters_of: HashMap<i64, BTreeSet<u32>>,
    pub(super) tally: Tally,
    pub(super) sums: Sums<'s>,
    /// For each group, its path, once the survey is made.
    pub(super) paths_of_groups: Vec<u32>,
    /// All paths that were decided, those of the memory included, and by path of the survey which of them it is.
    pub(super) paths: Paths,
    pub(super) path_numbers: Vec<PathNumber>,
    pub(super) signer_lists: FxHashMap<i64, Arc<[Signer]>>,
}

/// The report whose runs are being scanned.
#[derive(Debug, Default)]
pub(super) struct Current {
    pub(super) report: i64,
    /// Its place among the reports that counted, once it did.
    pub(super) mark: Option<u32>,
    /// The policy that it says was published.
    policy: Option<i64>,
}

impl Current {
    pub(super) fn of(report: i64) -> Self {
        Current { report, mark: None, policy: None }
    }
}

impl<'s> Scan<'s> {
    /// Of the header From domains at or below `domains`, or of all where there is none.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn new(
        store: &'s Store,
        window: Window,
        domains: &'s [String],
        knowledge: Knowledge<'s>,
    ) -> Result<Self, StoreError> {
        Ok(Scan {
            store,
            texts: store.names(),
            window,
            domains,
            knowledge,
            kinds: DistinctFacts::new(store)?,
            hot: Vec::new(),
            unexcused: FxHashMap::default(),
            identities: AuthIdentities::new(knowledge),
            wanted: FxHashMap::default(),
            address_numbers: AddressNumbers::default(),
            met: Met::default(),
            policies: FxHashMap::default(),
            sources: Vec::new(),
            current: Current::default(),
            batch: Batch::default(),
            by_domain: FxHashMap::default(),
            reporters_of: HashMap::new(),
            tally: Tally::default(),
            sums: Sums::none(knowledge),
            paths_of_groups: Vec::new(),
            paths: Paths::default(),
            path_numbers: Vec::new(),
            signer_lists: FxHashMap::default(),
        })
    }

    /// Puts witnesses in the place of the reporters that were met.
    pub(super) fn settle_witnesses(&mut self) -> Result<(), StoreError> {
        let texts = &mut self.texts;
        let witnesses = self.met.witnesses(|name| Ok(texts.text(name)?.to_owned()))?;
        for report in &mut self.tally.reports {
            report.listed = witnesses.listed[report.reporter as usize];
            report.reporter = witnesses.of[report.reporter as usize];
        }
        self.sums.settle_witnesses(&witnesses);
        for reporters in self.reporters_of.values_mut() {
            *reporters = reporters.iter().map(|&met| witnesses.of[met as usize]).collect();
        }
        for sums in self.by_domain.values_mut() {
            sums.settle_reporters(&witnesses.listed);
        }
        self.tally.reporters = witnesses.names;
        self.tally.listed = witnesses.listed_names;
        self.tally.unchecked = witnesses.unchecked;
        Ok(())
    }

    /// Whether a name is at or below a domain that is asked for.
    pub(super) fn wanted(&mut self, name: i64) -> Result<bool, StoreError> {
        if let Some(&known) = self.wanted.get(&name) {
            return Ok(known);
        }
        let text = self.texts.text(name)?;
        let wanted = self.domains.iter().any(|domain| domain::is_within(text, domain));
        self.wanted.insert(name, wanted);
        Ok(wanted)
    }

    /// The kind that a record of this outcome counts as.
    #[inline]
    pub(super) fn kind(&mut self, outcome: u64, run: &ScannedRun<'_>) -> Result<(u32, Hot), StoreError> {
        let kind = self.kinds.of(outcome)?;
        match self.hot.get(kind as usize) {
            Some(&hot) if hot.is == Is::Taken => Ok((kind, hot)),
            _ => self.uncommon(kind, run),
        }
    }

    #[cold]
    fn uncommon(&mut self, kind: u32, run: &ScannedRun<'_>) -> Result<(u32, Hot), StoreError> {
        let hot = self.hot(kind)?;
        if hot.is != Is::Excused {
            return Ok((kind, hot));
        }
        let counts_as = self.excused(kind, run)?;
        Ok((counts_as, self.hot(counts_as)?))
    }

    /// What is wanted of a kind.
    pub(super) fn hot(&mut self, kind: u32) -> Result<Hot, StoreError> {
        let at = kind as usize;
        if at >= self.hot.len() {
            let new = Hot {
                key: PairKey::default(),
                asked: false,
                tells: false,
                is: Is::New,
                dmarc_pass: false,
                dkim_aligned: false,
                spf_aligned: false,
                excuse: Excuse::default(),
            };
            self.hot.resize(self.kinds.list.len(), new);
        }
        if self.hot[at].is != Is::New {
            return Ok(self.hot[at]);
        }
        let facts = self.kinds.list[at];
        let wanted = self.domains.is_empty()
            || match facts.header_from {
                Some(from) => self.wanted(from)?,
                None => false,
            };
        let (identity, new) = self.identities.number(&facts, self.store, &mut self.texts)?;
        self.batch.identities.extend(new);
        if self.identities.is_null(identity) {
            self.kinds.mark_null(kind);
        }
        let spf_aligned = facts.spf == SpfState::Aligned;
        self.hot[at] = Hot {
            key: PairKey::new(identity, facts.dkim, spf_aligned),
            asked: wanted,
            tells: self.identities.tells(identity),
            is: if facts.forwarding.any() { Is::Excused } else { Is::Taken },
            dmarc_pass: facts.dmarc == Some(true),
            dkim_aligned: facts.dkim == DkimState::Aligned,
            spf_aligned,
            excuse: Excuse::of(facts.forwarding),
        };
        Ok(self.hot[at])
    }

    /// The kind that a record with override reasons counts as, see [`in_effect`](crate::store::OutcomeFacts::in_effect).
    fn excused(&mut self, kind: u32, run: &ScannedRun<'_>) -> Result<u32, StoreError> {
        let facts = self.kinds.list[kind as usize];
        let policy = match self.current.policy {
            Some(policy) => policy,
            None => *self.current.policy.insert(self.store.policy_of(run.report)?),
        };
        let words = match self.policies.entry(policy) {
            MapEntry::Occupied(known) => &*known.into_mut(),
            MapEntry::Vacant(vacant) => &*vacant.insert(self.store.policy(policy)?),
        };
        let in_effect = facts.in_effect(run.domain, words);
        if in_effect == facts {
            return Ok(kind);
        }
        if let Some(&known) = self.unexcused.get(&kind) {
            return Ok(known);
        }
        let plain = self.kinds.number(in_effect);
        self.unexcused.insert(kind, plain);
        Ok(plain)
    }
}
