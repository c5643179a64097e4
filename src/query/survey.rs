//! One pass over the records of a window: sums by header From and sender, and by policy domain.
//!
//! Senders are told apart here by what a record alone shows: the organizational domain that SPF authenticated, else the
//! network of the address. All sums are made in hash maps of small numbers; texts are fetched at the end, for what is left.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::figures::{DomainFigures, Evidence, PathFigures, SenderKey, Signer, SignerUse, Survey};
use super::window::Window;
use crate::alignment::{Disposition, DkimState, SpfState};
use crate::domain;
use crate::report::period::Day;
use crate::rows::{self, PackedAddress};
use crate::store::{NameReader, OutcomeFacts, ScannedRun, Store, StoreError};

/// A set of small numbers.
#[derive(Debug, Clone, Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn insert(&mut self, at: usize) {
        let word = at / 64;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (at % 64);
    }

    fn extend(&mut self, other: &Bits) {
        other.iter().for_each(|at| self.insert(at));
    }

    fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        self.0
            .iter()
            .enumerate()
            .flat_map(|(at, word)| (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at * 64 + bit))
    }
}

/// First and last of some days.
#[derive(Debug, Clone, Copy)]
struct Days {
    first: Day,
    last: Day,
}

impl Default for Days {
    fn default() -> Self {
        Days { first: Day::MAX, last: Day::MIN }
    }
}

impl Days {
    fn add(&mut self, day: Day) {
        self.first = self.first.min(day);
        self.last = self.last.max(day);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Domain(i64),
    V4(u32),
    V6(u64),
    Nobody,
}

#[derive(Debug, Default)]
struct PathSums {
    messages: u64,
    dkim: [u64; 5],
    spf_aligned: u64,
    dmarc_pass: u64,
    rejected: u64,
    quarantined: u64,
    vouched: u64,
    reporters: Bits,
    vouched_reporters: Bits,
    days: Days,
    vouched_days: Days,
}

#[derive(Debug, Default)]
struct DomainSums {
    figures: [u64; 4],
    reports: u64,
    reporters: Bits,
    /// The last day with reports, and the reports of that day.
    last_day: Option<Day>,
    last_reports: Vec<i64>,
}

/// What is known of an outcome.
#[derive(Debug, Clone, Copy)]
enum Slot {
    Unknown,
    /// Not of a domain that is asked for.
    Left,
    Facts {
        facts: OutcomeFacts,
        /// The path, where the outcome alone decides it.
        path: Option<u32>,
    },
}

struct Scan<'s> {
    store: &'s Store,
    texts: NameReader<'s>,
    domains: &'s [String],
    outcomes: Vec<Slot>,
    loaded_one_by_one: usize,
    names: FxHashMap<i64, bool>,
    paths: FxHashMap<(i64, Key), u32>,
    sums: Vec<PathSums>,
    v4: FxHashSet<u64>,
    v6: FxHashSet<(u32, u128)>,
    signers: FxHashMap<(u32, i64), [u64; 2]>,
    reporter_places: FxHashMap<i64, usize>,
    reporters: Vec<i64>,
    by_domain: FxHashMap<i64, DomainSums>,
    days: Days,
    reports: u64,
    all_reporters: Bits,
    current: Current,
    error: Option<StoreError>,
}

/// The report whose runs are being scanned.
#[derive(Debug, Default)]
struct Current {
    report: i64,
    counted: bool,
}

/// After so many look-ups of single outcomes, all are loaded at once.
const ONE_BY_ONE: usize = 1500;

/// Sums up the records of a window; of header From domains at or below `domains`, or of all.
///
/// # Errors
/// See [`StoreError`].
pub fn survey(store: &Store, window: Window, domains: &[String]) -> Result<Survey, StoreError> {
    let size = usize::try_from(store.largest_outcome()?).unwrap_or(0) + 1;
    let mut scan = Scan {
        store,
        texts: store.names(),
        domains,
        outcomes: vec![Slot::Unknown; size],
        loaded_one_by_one: 0,
        names: FxHashMap::default(),
        paths: FxHashMap::default(),
        sums: Vec::new(),
        v4: FxHashSet::default(),
        v6: FxHashSet::default(),
        signers: FxHashMap::default(),
        reporter_places: FxHashMap::default(),
        reporters: Vec::new(),
        by_domain: FxHashMap::default(),
        days: Days::default(),
        reports: 0,
        all_reporters: Bits::default(),
        current: Current::default(),
        error: None,
    };
    store.scan_runs(window.first, window.last, &mut |run| scan.run(&run))?;
    match scan.error.take() {
        Some(error) => Err(error),
        None => scan.finish(),
    }
}

impl Scan<'_> {
    fn run(&mut self, run: &ScannedRun<'_>) {
        if self.error.is_none()
            && let Err(error) = self.take(run)
        {
            self.error = Some(error);
        }
    }

    fn take(&mut self, run: &ScannedRun<'_>) -> Result<(), StoreError> {
        if run.report != self.current.report {
            self.current = Current { report: run.report, counted: false };
        }
        let reporter = *self.reporter_places.entry(run.reporter).or_insert_with(|| {
            self.reporters.push(run.reporter);
            self.reporters.len() - 1
        });
        // A report on a domain that is asked for counts even when it saw nothing.
        let mut matched = self.domains.is_empty() || self.wanted(run.domain)?;
        let mut figures = [0; 4];
        let mut rest = run.rows;
        while let Some((outcome, count)) = rows::take_head(&mut rest) {
            let Some(packed) = rows::take_address_bytes(&mut rest) else {
                break;
            };
            let Some(address) = rows::read_address(packed) else {
                continue;
            };
            let Some((facts, path)) = self.locate(outcome, address)? else {
                continue;
            };
            matched = true;
            let messages = count.unwrap_or(0);
            figures[0] += messages;
            figures[1] += if facts.dmarc == Some(true) { messages } else { 0 };
            figures[2] += if facts.dkim == DkimState::Aligned { messages } else { 0 };
            figures[3] += if facts.spf == SpfState::Aligned { messages } else { 0 };
            self.add(path, &facts, messages, run.day, reporter);
            match address.ip() {
                Some(IpAddr::V4(v4)) => drop(self.v4.insert(u64::from(path) << 32 | u64::from(u32::from(v4)))),
                Some(IpAddr::V6(v6)) => drop(self.v6.insert((path, u128::from(v6)))),
                None => {}
            }
        }
        if !matched {
            return Ok(());
        }
        let domain = self.by_domain.entry(run.domain).or_default();
        for (sum, figure) in domain.figures.iter_mut().zip(figures) {
            *sum += figure;
        }
        if !std::mem::replace(&mut self.current.counted, true) {
            self.reports += 1;
            self.days.add(run.day);
            self.all_reporters.insert(reporter);
            domain.reports += 1;
            domain.reporters.insert(reporter);
            if domain.last_day < Some(run.day) {
                domain.last_day = Some(run.day);
                domain.last_reports.clear();
            }
            // Runs come in the order of their days.
            domain.last_reports.push(run.report);
        }
        Ok(())
    }

    /// Whether a name is at or below a domain that is asked for.
    fn wanted(&mut self, name: i64) -> Result<bool, StoreError> {
        if let Some(&known) = self.names.get(&name) {
            return Ok(known);
        }
        let text = self.texts.text(name)?;
        let wanted = self.domains.iter().any(|domain| domain::is_within(text, domain));
        self.names.insert(name, wanted);
        Ok(wanted)
    }

    /// The facts and the path of a record; nothing where it is not asked for.
    fn locate(&mut self, outcome: u64, address: PackedAddress<'_>) -> Result<Option<(OutcomeFacts, u32)>, StoreError> {
        let at = usize::try_from(outcome).unwrap_or(usize::MAX);
        if let Some(Slot::Unknown) | None = self.outcomes.get(at) {
            self.load(outcome)?;
        }
        match self.outcomes.get(at) {
            Some(&Slot::Facts { facts, path: Some(path) }) => Ok(Some((facts, path))),
            Some(&Slot::Facts { facts, path: None }) => {
                let Some(authenticated) = facts.authenticated else {
                    let path = self.path(facts.header_from, network_key(address));
                    return Ok(Some((facts, path)));
                };
                let path = self.path(facts.header_from, Key::Domain(authenticated));
                self.outcomes[at] = Slot::Facts { facts, path: Some(path) };
                Ok(Some((facts, path)))
            }
            _ => Ok(None),
        }
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
            if !matches!(known, Some(Slot::Facts { .. } | Slot::Left)) {
                self.keep(id, facts)?;
            }
        }
        Ok(())
    }

    fn keep(&mut self, outcome: u64, facts: OutcomeFacts) -> Result<(), StoreError> {
        let at = usize::try_from(outcome).unwrap_or(usize::MAX);
        if at >= self.outcomes.len() {
            // Written by another process since the scan began.
            self.outcomes.resize(at.saturating_add(1), Slot::Unknown);
        }
        let wanted = self.domains.is_empty()
            || match facts.header_from {
                Some(from) => self.wanted(from)?,
                None => false,
            };
        // The path is made when a record needs it: outcomes outside the window make none.
        self.outcomes[at] = if wanted { Slot::Facts { facts, path: None } } else { Slot::Left };
        Ok(())
    }

    fn path(&mut self, header_from: Option<i64>, key: Key) -> u32 {
        let next = self.sums.len() as u32;
        let path = *self.paths.entry((header_from.unwrap_or(-1), key)).or_insert(next);
        if path == next {
            self.sums.push(PathSums::default());
        }
        path
    }

    fn add(&mut self, path: u32, facts: &OutcomeFacts, messages: u64, day: Day, reporter: usize) {
        let Some(sums) = self.sums.get_mut(path as usize) else {
            return;
        };
        sums.messages += messages;
        sums.dkim[usize::from(facts.dkim.code())] += messages;
        sums.reporters.insert(reporter);
        sums.days.add(day);
        let spf_aligned = facts.spf == SpfState::Aligned;
        sums.spf_aligned += if spf_aligned { messages } else { 0 };
        sums.dmarc_pass += if facts.dmarc == Some(true) { messages } else { 0 };
        match facts.disposition {
            Some(Disposition::Reject) => sums.rejected += messages,
            Some(Disposition::Quarantine) => sums.quarantined += messages,
            _ => {}
        }
        if messages > 0 && (spf_aligned || facts.dkim == DkimState::Aligned) {
            sums.vouched += messages;
            sums.vouched_reporters.insert(reporter);
            sums.vouched_days.add(day);
        }
        let signers = self.signers.entry((path, facts.signers)).or_default();
        signers[0] += messages;
        signers[1] += if spf_aligned { messages } else { 0 };
    }

    fn finish(mut self) -> Result<Survey, StoreError> {
        let store = self.store;
        let mut reporter_names = Vec::with_capacity(self.reporters.len());
        for &reporter in &self.reporters {
            reporter_names.push(self.texts.text(reporter)?.to_owned());
        }
        let texts = &mut self.texts;
        let mut addresses: Vec<Vec<IpAddr>> = vec![Vec::new(); self.sums.len()];
        for packed in self.v4 {
            addresses[(packed >> 32) as usize].push(IpAddr::V4(Ipv4Addr::from(packed as u32)));
        }
        for (path, ip) in self.v6 {
            addresses[path as usize].push(IpAddr::V6(Ipv6Addr::from(ip)));
        }
        let mut signers: Vec<Vec<SignerUse>> = vec![Vec::new(); self.sums.len()];
        let mut lists: FxHashMap<i64, Arc<[Signer]>> = FxHashMap::default();
        for ((path, list), [messages, spf_aligned]) in self.signers {
            let list = match lists.get(&list) {
                Some(known) => Arc::clone(known),
                None => {
                    let found: Arc<[Signer]> = store
                        .signers(list, texts)?
                        .into_iter()
                        .map(|(domain, selector, result)| Signer { domain, selector, result })
                        .collect();
                    lists.insert(list, Arc::clone(&found));
                    found
                }
            };
            signers[path as usize].push(SignerUse { signers: list, messages, spf_aligned });
        }
        let mut sums: Vec<Option<PathSums>> = self.sums.into_iter().map(Some).collect();
        let mut paths = Vec::with_capacity(sums.len());
        let mut evidence: FxHashMap<String, (Bits, Days)> = FxHashMap::default();
        for ((from, key), at) in self.paths {
            let at = at as usize;
            let Some(sums) = sums[at].take() else {
                continue;
            };
            let sender = match key {
                Key::Domain(id) => SenderKey::Domain(texts.text(id)?.to_owned()),
                Key::V4(net) => SenderKey::Network(IpAddr::V4(Ipv4Addr::from(net))),
                Key::V6(net) => SenderKey::Network(IpAddr::V6(Ipv6Addr::from(u128::from(net) << 64))),
                Key::Nobody => SenderKey::Nobody,
            };
            let mut addresses = std::mem::take(&mut addresses[at]);
            addresses.sort_unstable();
            let domain = if from < 0 { String::new() } else { texts.text(from)?.to_owned() };
            let seen = evidence.entry(domain.clone()).or_default();
            seen.0.extend(&sums.reporters);
            seen.1.add(sums.days.first);
            seen.1.add(sums.days.last);
            let reporters: BTreeSet<&String> = sums.reporters.iter().map(|place| &reporter_names[place]).collect();
            paths.push(PathFigures {
                domain,
                sender,
                messages: sums.messages,
                dkim: sums.dkim,
                spf_aligned: sums.spf_aligned,
                dmarc_pass: sums.dmarc_pass,
                rejected: sums.rejected,
                quarantined: sums.quarantined,
                vouched: sums.vouched,
                vouched_reporters: sums.vouched_reporters.len(),
                vouched_days: sums.vouched_days.last > sums.vouched_days.first,
                signers: std::mem::take(&mut signers[at]),
                addresses,
                reporters: reporters.into_iter().cloned().collect(),
                first: sums.days.first,
                last: sums.days.last,
            });
        }
        paths.sort_unstable_by(|a, b| (&a.domain, &a.sender).cmp(&(&b.domain, &b.sender)));
        let mut domains = Vec::with_capacity(self.by_domain.len());
        for (id, sums) in self.by_domain {
            let [messages, dmarc_pass, dkim_aligned, spf_aligned] = sums.figures;
            domains.push(DomainFigures {
                domain: texts.text(id)?.to_owned(),
                policy: store
                    .published_policy(&sums.last_reports)?
                    .map(|policy| policy.to_ascii_lowercase())
                    .filter(|policy| matches!(policy.as_str(), "none" | "quarantine" | "reject")),
                messages,
                dmarc_pass,
                dkim_aligned,
                spf_aligned,
                reports: sums.reports,
                reporters: sums.reporters.len(),
            });
        }
        domains.sort_unstable_by(|a, b| a.domain.cmp(&b.domain));
        let evidence = evidence
            .into_iter()
            .map(|(from, (reporters, days))| {
                (from, Evidence { reporters: reporters.len(), days: days.last > days.first })
            })
            .collect();
        Ok(Survey {
            days: (self.reports > 0).then_some((self.days.first, self.days.last)),
            reports: self.reports,
            reporters: self.all_reporters.len(),
            domains,
            paths,
            evidence,
        })
    }
}

/// The network of an address: large enough that one sender's machines are together, small enough that two are apart.
fn network_key(address: PackedAddress<'_>) -> Key {
    match address.ip() {
        Some(IpAddr::V4(v4)) => Key::V4(u32::from(v4) & 0xffff_ff00),
        Some(IpAddr::V6(v6)) => Key::V6((u128::from(v6) >> 64) as u64 & 0xffff_ffff_ffff_0000),
        None => Key::Nobody,
    }
}
