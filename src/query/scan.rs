//! The records of a window, each with the path it is on: what every question about paths stands on.
//!
//! [`Scan::survey`] goes through the records once. What is worked out is worked out as seldom as it can be: per distinct
//! outcome what it says ([`OutcomeFacts`], a *kind*), per kind and address who handed over (a *unit*, see
//! [`naming`](super::naming)), per record no more than sums over small numbers. When all records have been seen the
//! units become paths, and what was summed up becomes a [`Survey`](super::Survey): plain figures, with the sums by report
//! and by address behind them.
//!
//! A question that wants more of the records of a path than the survey has asks again with [`Scan::visit`]: it is shown every
//! record of one path, or of all, with its facts. All that was worked out is known by then, so this costs little more
//! than reading the runs:
//!
//! ```ignore
//! let mut scan = Scan::new(&store, window, &domains, knowledge)?;
//! let survey = scan.survey()?;
//! scan.visit(Some(path), &mut |seen| days.add(seen.day, seen.facts.dkim, seen.messages))?;
//! ```

use std::collections::hash_map::Entry as MapEntry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::figures::Signer;
use super::naming::{Knowledge, Namer};
use super::tally::{DomainSums, Entry, Pair, ReportMark, Seen, Tally};
use super::window::Window;
use crate::alignment::{Disposition, DkimState, SpfState};
use crate::domain;
use crate::rows::{self, PackedAddress};
use crate::store::{NameReader, OutcomeFacts, ScannedRun, Store, StoreError};

/// After so many look-ups of single outcomes, all are loaded at once.
const ONE_BY_ONE: usize = 1500;

/// Places of outcomes that are not a kind.
const UNREAD: u32 = u32::MAX;
/// Not of a domain that is asked for.
const LEFT: u32 = u32::MAX - 1;

/// In the number of a pair, behind the address (32 bits), the states (4) and the family (2).
pub(super) const WHO_SHIFT: u32 = 38;

/// What the loop over the records wants of a kind, close together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hot {
    pub(super) who: u32,
    dkim: u8,
    dmarc_pass: bool,
    spf_aligned: bool,
    /// It has override reasons: whether they count depends on the published policy.
    pub(super) excused: bool,
}

/// A pass over the records of a window.
pub struct Scan<'s> {
    pub(super) store: &'s Store,
    pub(super) texts: NameReader<'s>,
    pub(super) window: Window,
    domains: &'s [String],
    pub(super) namer: Namer<'s>,
    /// By outcome its kind, or [`UNREAD`], or [`LEFT`].
    outcomes: Vec<u32>,
    loaded_one_by_one: usize,
    kind_numbers: FxHashMap<OutcomeFacts, u32>,
    pub(super) kinds: Vec<OutcomeFacts>,
    pub(super) hot: Vec<Hot>,
    /// By kind the entry that it was added to last.
    last_entry: Vec<u32>,
    /// By kind the same without override reasons that did not count.
    unexcused: FxHashMap<u32, u32>,
    /// Whether header From and policy domains are asked for.
    wanted: FxHashMap<i64, bool>,
    v6: FxHashMap<u128, u32>,
    v6_list: Vec<Ipv6Addr>,
    pub(super) pairs: FxHashMap<u64, Pair>,
    reporter_places: FxHashMap<i64, u32>,
    /// By the number of a policy its `p` and `sp`.
    policies: FxHashMap<i64, (Option<String>, Option<String>)>,
    pub(super) tally: Tally,
    pub(super) by_domain: FxHashMap<i64, DomainSums>,
    pub(super) current: Current,
    /// By unit its path, once the survey is made.
    pub(super) paths_of_units: Vec<u32>,
    /// By path the messages that each rule named.
    pub(super) named: Vec<[u64; 9]>,
    pub(super) signer_lists: FxHashMap<i64, Arc<[Signer]>>,
    pub(super) error: Option<StoreError>,
}

/// The report whose runs are being scanned.
#[derive(Debug, Default)]
pub(super) struct Current {
    pub(super) report: i64,
    /// Its place among the reports that counted, once it did.
    pub(super) mark: Option<u32>,
    /// The entries that are its own begin here.
    pub(super) first_entry: usize,
    /// The policy that it says was published.
    pub(super) policy: Option<i64>,
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
        let size = usize::try_from(store.largest_outcome()?).unwrap_or(0) + 1;
        Ok(Scan {
            store,
            texts: store.names(),
            window,
            domains,
            namer: Namer::new(knowledge),
            outcomes: vec![UNREAD; size],
            loaded_one_by_one: 0,
            kind_numbers: FxHashMap::default(),
            kinds: Vec::new(),
            hot: Vec::new(),
            last_entry: Vec::new(),
            unexcused: FxHashMap::default(),
            wanted: FxHashMap::default(),
            v6: FxHashMap::default(),
            v6_list: Vec::new(),
            pairs: FxHashMap::default(),
            reporter_places: FxHashMap::default(),
            policies: FxHashMap::default(),
            tally: Tally::default(),
            by_domain: FxHashMap::default(),
            current: Current::default(),
            paths_of_units: Vec::new(),
            named: Vec::new(),
            signer_lists: FxHashMap::default(),
            error: None,
        })
    }

    /// Goes through the records.
    pub(super) fn run(&mut self) -> Result<(), StoreError> {
        let (store, window) = (self.store, self.window);
        store.scan_runs(window.first, window.last, &mut |run| {
            if self.error.is_none()
                && let Err(error) = self.take(&run)
            {
                self.error = Some(error);
            }
        })?;
        self.error.take().map_or(Ok(()), Err)
    }

    fn take(&mut self, run: &ScannedRun<'_>) -> Result<(), StoreError> {
        if run.report != self.current.report {
            let first_entry = self.tally.entries.len();
            self.current = Current { report: run.report, mark: None, first_entry, policy: None };
        }
        let reporters = &mut self.tally.reporters;
        let reporter = *self.reporter_places.entry(run.reporter).or_insert_with(|| {
            reporters.push(run.reporter);
            reporters.len() as u32 - 1
        });
        // A report on a domain that is asked for counts even when it saw nothing.
        let mut matched = self.domains.is_empty() || self.wanted(run.domain)?;
        let mut figures = [0; 4];
        let mut rest = run.rows;
        while let Some((outcome, count)) = rows::take_head(&mut rest) {
            let Some(address) = rows::take_address_bytes(&mut rest).and_then(rows::read_address) else {
                break;
            };
            let Some(mut kind) = self.kind(outcome)? else {
                continue;
            };
            if self.hot[kind as usize].excused {
                kind = self.excused(kind, run)?;
            }
            matched = true;
            let messages = count.unwrap_or(0);
            let hot = self.hot[kind as usize];
            figures[0] += messages;
            figures[1] += if hot.dmarc_pass { messages } else { 0 };
            figures[2] += if hot.dkim == DkimState::Aligned.code() { messages } else { 0 };
            figures[3] += if hot.spf_aligned { messages } else { 0 };
            self.add(kind, hot, address, messages, Seen::by(reporter));
        }
        if !matched {
            return Ok(());
        }
        let mark = match self.current.mark {
            Some(mark) => mark,
            None => {
                let mark = self.tally.reports.len() as u32;
                self.tally.reports.push(ReportMark { day: run.day, reporter });
                self.current.mark = Some(mark);
                self.by_domain.entry(run.domain).or_default().add_report(run.report, run.day, reporter);
                mark
            }
        };
        debug_assert!(self.tally.entries.last().is_none_or(|entry| entry.report <= mark));
        self.by_domain.entry(run.domain).or_default().add(figures);
        Ok(())
    }

    #[inline]
    fn add(&mut self, kind: u32, hot: Hot, address: PackedAddress<'_>, messages: u64, by: Seen) {
        let key = self.pair_key(hot, address);
        let pair = self.pairs.entry(key).or_insert(Pair { messages: 0, unit: UNREAD, seen: Seen::default() });
        if pair.unit == UNREAD {
            pair.unit = self.namer.unit(hot.who, address);
        }
        pair.messages += messages;
        pair.seen.add(by);
        let unit = pair.unit;
        // The report is numbered when its first record counts, and that is this one.
        let report = self.current.mark.unwrap_or(self.tally.reports.len() as u32);
        let last = self.last_entry[kind as usize] as usize;
        if last >= self.current.first_entry
            && let Some(entry) = self.tally.entries.get_mut(last)
            && entry.path == unit
            && entry.kind == kind
        {
            entry.messages += messages;
            return;
        }
        self.last_entry[kind as usize] = self.tally.entries.len() as u32;
        self.tally.entries.push(Entry { messages, report, path: unit, kind });
    }

    /// The number of a pair of who and address, one for each DKIM state and whether SPF aligns.
    #[inline]
    pub(super) fn pair_key(&mut self, hot: Hot, address: PackedAddress<'_>) -> u64 {
        let (family, number) = match address.ip() {
            Some(IpAddr::V4(v4)) => (0, u32::from(v4)),
            Some(IpAddr::V6(v6)) => {
                let next = self.v6.len() as u32;
                let number = *self.v6.entry(u128::from(v6)).or_insert(next);
                if number == next {
                    self.v6_list.push(v6);
                }
                (1, number)
            }
            None => (2, 0),
        };
        let states = u64::from(hot.dkim) << 1 | u64::from(hot.spf_aligned);
        u64::from(hot.who) << WHO_SHIFT | family << 36 | states << 32 | u64::from(number)
    }

    /// Whether a name is at or below a domain that is asked for.
    fn wanted(&mut self, name: i64) -> Result<bool, StoreError> {
        if let Some(&known) = self.wanted.get(&name) {
            return Ok(known);
        }
        let text = self.texts.text(name)?;
        let wanted = self.domains.iter().any(|domain| domain::is_within(text, domain));
        self.wanted.insert(name, wanted);
        Ok(wanted)
    }

    /// The kind of an outcome; nothing where it is not asked for.
    #[inline]
    pub(super) fn kind(&mut self, outcome: u64) -> Result<Option<u32>, StoreError> {
        let at = usize::try_from(outcome).unwrap_or(usize::MAX);
        if self.outcomes.get(at).is_none_or(|&known| known == UNREAD) {
            self.load(outcome)?;
        }
        Ok(self.outcomes.get(at).copied().filter(|&kind| kind < LEFT))
    }

    fn load(&mut self, outcome: u64) -> Result<(), StoreError> {
        self.loaded_one_by_one += 1;
        if self.loaded_one_by_one < ONE_BY_ONE {
            let facts = self.store.outcome_facts(outcome)?;
            return self.keep(outcome, facts);
        }
        self.loaded_one_by_one = 0;
        let mut all = Vec::new();
        self.store.all_outcome_facts(&mut |id, facts| all.push((id, facts)))?;
        for (id, facts) in all {
            let known = usize::try_from(id).ok().and_then(|at| self.outcomes.get(at));
            if known.is_none_or(|&known| known == UNREAD) {
                self.keep(id, facts)?;
            }
        }
        Ok(())
    }

    fn keep(&mut self, outcome: u64, facts: OutcomeFacts) -> Result<(), StoreError> {
        let at = usize::try_from(outcome).unwrap_or(usize::MAX);
        if at >= self.outcomes.len() {
            // Written by another process since the scan began.
            self.outcomes.resize(at.saturating_add(1), UNREAD);
        }
        let wanted = self.domains.is_empty()
            || match facts.header_from {
                Some(from) => self.wanted(from)?,
                None => false,
            };
        self.outcomes[at] = if wanted { self.kind_of(facts)? } else { LEFT };
        Ok(())
    }

    fn kind_of(&mut self, facts: OutcomeFacts) -> Result<u32, StoreError> {
        if let Some(&known) = self.kind_numbers.get(&facts) {
            return Ok(known);
        }
        let kind = self.kinds.len() as u32;
        let who = self.namer.who(&facts, self.store, &mut self.texts)?;
        self.hot.push(Hot {
            who,
            dkim: facts.dkim.code(),
            dmarc_pass: facts.dmarc == Some(true),
            spf_aligned: facts.spf == SpfState::Aligned,
            excused: facts.forwarding.any(),
        });
        let null_reverse_path = facts.null_reverse_path || self.namer.is_null(who);
        self.kinds.push(OutcomeFacts { null_reverse_path, ..facts });
        self.last_entry.push(UNREAD);
        self.kind_numbers.insert(facts, kind);
        Ok(kind)
    }

    /// The kind that a record with override reasons counts as. A reason counts only where it overrode: what was done is not
    /// what the policy asked for. A chain of forwarders that the receiver believes (ARC) is evidence in any case.
    pub(super) fn excused(&mut self, kind: u32, run: &ScannedRun<'_>) -> Result<u32, StoreError> {
        let facts = self.kinds[kind as usize];
        let policy = match self.current.policy {
            Some(policy) => policy,
            None => *self.current.policy.insert(self.store.policy_of(run.report)?),
        };
        let (p, sp) = match self.policies.entry(policy) {
            MapEntry::Occupied(known) => &*known.into_mut(),
            MapEntry::Vacant(vacant) => &*vacant.insert(self.store.policy(policy)?),
        };
        let (p, sp) = (p.as_deref(), sp.as_deref().filter(|sp| !sp.is_empty()));
        let asked = if facts.header_from == Some(run.domain) { p } else { sp.or(p) };
        let done = match facts.disposition {
            Some(Disposition::None | Disposition::Pass) => Some("none"),
            Some(Disposition::Quarantine) => Some("quarantine"),
            Some(Disposition::Reject) => Some("reject"),
            Some(Disposition::Unknown) | None => None,
        };
        if done.is_some() && done != asked {
            return Ok(kind);
        }
        if let Some(&known) = self.unexcused.get(&kind) {
            return Ok(known);
        }
        let mut facts = facts;
        facts.forwarding.forwarded = false;
        facts.forwarding.mailing_list = false;
        facts.forwarding.trusted_forwarder = false;
        let plain = self.kind_of(facts)?;
        self.unexcused.insert(kind, plain);
        Ok(plain)
    }

    /// Every pair of who and address, in no order: the address, the DKIM state, whether SPF aligns.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (Option<IpAddr>, (u8, bool), Pair)> {
        self.pairs.iter().map(|(&key, &pair)| {
            let number = key as u32;
            let address = match key >> 36 & 3 {
                0 => Some(IpAddr::V4(number.into())),
                1 => self.v6_list.get(number as usize).map(|&v6| IpAddr::V6(v6)),
                _ => None,
            };
            (address, ((key >> 33 & 7) as u8, key >> 32 & 1 == 1), pair)
        })
    }
}
