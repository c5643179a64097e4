//! One pass over the records of a window: sums by header From and sender, and by policy domain.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::figures::{Evidence, PathFigures, SenderKey, Signer, SignerUse, Survey};
use super::grouped::Grouped;
use super::naming::{Knowledge, NamedBy};
use super::policy_domains::policy_domains;
use super::roles::{self, Ground};
use super::scan::Scan;
use super::tally::{AddressPart, Bits, Days, Entry, Tally};
use super::window::Window;
use crate::alignment::{Disposition, DkimState, SpfState};
use crate::domain;
use crate::parallel;
use crate::store::{Store, StoreError};

/// The path of a group that has none: it is evidence from before the window, or on a domain that is not asked for.
pub(super) const NO_PATH: u32 = u32::MAX;

/// Sums up the records of a window; of header From domains at or below `domains`, or of all.
///
/// # Errors
/// See [`StoreError`].
pub fn survey(
    store: &Store,
    window: Window,
    domains: &[String],
    knowledge: Knowledge<'_>,
) -> Result<Survey, StoreError> {
    Scan::new(store, window, domains, knowledge)?.survey()
}

impl Scan<'_> {
    /// Goes through the records once and sums them up.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn survey(&mut self) -> Result<Survey, StoreError> {
        self.run()?;
        self.settle_witnesses()?;
        self.tally.kinds = Arc::clone(&self.kinds.list);
        let reporters_of = self.reporters_by_organization()?;
        let owners = &self.knowledge.ledger.owner_domains;
        let named_owners = owners.iter().map(|own| domain::organizational(own)).collect::<BTreeSet<_>>();
        let ground = Ground {
            sums: &self.sums,
            tally: &self.tally,
            reporters_of,
            organizations: &self.identities.organizations,
            named_owners: named_owners.into_iter().filter_map(|own| self.identities.organizations.known(own)).collect(),
        };
        let paths = roles::decide(&ground, self.knowledge);
        self.sums.forget_cells();
        let places = self.keep_reporters();
        let mut named = self.named_paths(&paths)?;
        self.path_numbers = named.iter().map(|(number, _)| *number).collect();
        self.paths = paths;
        let by_rule = self.arrange(named.len(), &places);
        for (at, (_, path)) in named.iter_mut().enumerate() {
            path.named_by = rule(&path.sender, &by_rule[at]);
        }
        let sums = parallel::map(named.len(), |at| PathSums::of(&self.tally, at));
        for ((_, path), sums) in named.iter_mut().zip(sums) {
            self.fill(path, sums)?;
        }
        let named: Vec<PathFigures> = named.into_iter().map(|(_, path)| path).collect();
        let groups = self.sums.groups.list.iter().zip(&self.paths_of_groups);
        let on_paths = groups.filter(|(_, path)| **path != NO_PATH);
        let matched = on_paths.filter_map(|(group, path)| Some((group.matched? as usize, *path as usize)));
        Ok(Survey {
            evidence: self.evidence(&named),
            matched: matched.collect(),
            paths: named,
            domains: policy_domains(self.store, &mut self.texts, &self.by_domain)?,
            ..Survey::of_reports(std::mem::take(&mut self.tally))
        })
    }

    /// For each organizational domain, who reports on policy domains of it.
    fn reporters_by_organization(&mut self) -> Result<HashMap<u32, BTreeSet<u32>>, StoreError> {
        let mut found: HashMap<u32, BTreeSet<u32>> = HashMap::new();
        for (domain, reporters) in std::mem::take(&mut self.reporters_of) {
            let organization = self.identities.organizations.number(domain::organizational(self.texts.text(domain)?));
            found.entry(organization).or_default().extend(reporters);
        }
        Ok(found)
    }

    /// Leaves the tally the reporters of the reports that are asked for: others are witnesses of the memory only. The place that
    /// each has now, by the one that it had.
    fn keep_reporters(&mut self) -> Vec<u32> {
        let mut reporters = Vec::new();
        let mut places = vec![u32::MAX; self.tally.reporters.len()];
        for mark in &mut self.tally.reports {
            let place = &mut places[mark.reporter as usize];
            if *place == u32::MAX {
                *place = reporters.len() as u32;
                reporters.push(std::mem::take(&mut self.tally.reporters[mark.reporter as usize]));
            }
            mark.reporter = *place;
        }
        self.tally.reporters = reporters;
        let unchecked = self.tally.unchecked.map(|place| places[place as usize]);
        self.tally.unchecked = unchecked.filter(|place| *place != u32::MAX);
        places
    }

    /// Puts entries and addresses in the order of their paths, with the reporters' places as they are now; says what each rule
    /// named of each path. Entries of the same report and kind become one.
    fn arrange(&mut self, paths: usize, places: &[u32]) -> Vec<RuleSums> {
        let entries = self.sums.take_entries();
        let (sums, of_group) = (&self.sums, &self.paths_of_groups);
        let mut by_rule: Vec<RuleSums> = vec![[(0, 0); NamedBy::ALL.len()]; paths];
        for ((at, group), &path) in sums.groups.list.iter().enumerate().zip(of_group) {
            let Some(by_rule) = by_rule.get_mut(path as usize) else { continue };
            let (sum, of_group) = (&mut by_rule[group.by as usize], entries.of_group(at));
            let messages = of_group.iter().fold(sum.0, |sum, entry| sum.saturating_add(entry.messages));
            *sum = (messages, sum.1 + of_group.len() as u64);
        }
        // One after the other, so that only one of them is there twice.
        self.tally.entries = entries.regrouped(of_group, paths);
        self.tally.entries.keep_first(sum_up);
        let placed = sums.addresses().map(|(ip, states, pair)| {
            let part = AddressPart { ip, states, messages: pair.messages, seen: pair.seen.placed(places) };
            (of_group[pair.group as usize], part)
        });
        let placed = placed.filter(|(path, _)| *path != NO_PATH);
        self.tally.addresses = Grouped::of(placed, paths);
        by_rule
    }

    /// Gives a path its figures.
    fn fill(&mut self, path: &mut PathFigures, sums: PathSums) -> Result<(), StoreError> {
        let spf_authenticates = path.spf_authenticates();
        let mut signers: FxHashMap<i64, u64> = FxHashMap::default();
        let mut envelopes: FxHashMap<i64, u64> = FxHashMap::default();
        for (kind, messages) in sums.by_kind {
            let facts = &self.kinds.list[kind as usize];
            path.messages += messages;
            path.dkim[usize::from(facts.dkim.code())] += messages;
            path.spf_aligned += if facts.spf == SpfState::Aligned { messages } else { 0 };
            path.dmarc_pass += if facts.dmarc == Some(true) { messages } else { 0 };
            match facts.disposition {
                Some(Disposition::Reject) => path.rejected += messages,
                Some(Disposition::Quarantine) => path.quarantined += messages,
                _ => {}
            }
            let by_spf = facts.spf == SpfState::Aligned && spf_authenticates;
            path.authenticated += if by_spf || facts.dkim == DkimState::Aligned { messages } else { 0 };
            path.excused += if facts.forwarding.any() { messages } else { 0 };
            if let Some(envelope) = facts.envelope {
                *envelopes.entry(envelope).or_default() += messages;
            }
            *signers.entry(facts.signers).or_default() += messages;
        }
        path.envelopes = self.busiest(envelopes)?;
        path.excused_reporters = sums.excusing.len();
        (path.first, path.last) = (sums.days.first, sums.days.last);
        path.reporters = sums.listed.iter().map(|place| self.tally.listed[place].clone()).collect();
        path.witnesses = sums.reporters.len();
        path.reporters.sort_unstable();
        let mut signers: Vec<(i64, u64)> = signers.into_iter().collect();
        signers.sort_unstable();
        for (list, messages) in signers {
            path.signers.push(SignerUse { list, signers: self.signer_list(list)?, messages });
        }
        Ok(())
    }

    /// The names with most messages, a handful at most.
    fn busiest(&mut self, messages: FxHashMap<i64, u64>) -> Result<Vec<(i64, String)>, StoreError> {
        const HANDFUL: usize = 5;
        let mut ranked: Vec<(i64, u64)> = messages.into_iter().collect();
        ranked.sort_unstable_by_key(|&(name, messages)| (std::cmp::Reverse(messages), name));
        // Of equals the first by name; more than are kept, so that numbers given by order of arrival decide nothing.
        let least = ranked.get(HANDFUL - 1).map_or(0, |&(_, messages)| messages);
        let mut named = Vec::new();
        for (name, messages) in ranked.into_iter().take_while(|&(_, messages)| messages >= least).take(64) {
            named.push((name, self.texts.text(name)?.to_owned(), messages));
        }
        named.sort_by(|a, b| (b.2, &a.1).cmp(&(a.2, &b.1)));
        named.truncate(HANDFUL);
        Ok(named.into_iter().map(|(number, name, _)| (number, name)).collect())
    }

    fn signer_list(&mut self, list: i64) -> Result<Arc<[Signer]>, StoreError> {
        if let Some(known) = self.signer_lists.get(&list) {
            return Ok(Arc::clone(known));
        }
        let found: Arc<[Signer]> = self
            .store
            .signers(list, &mut self.texts)?
            .into_iter()
            .map(|(domain, selector, result)| Signer { domain, selector, result })
            .collect();
        self.signer_lists.insert(list, Arc::clone(&found));
        Ok(found)
    }

    fn evidence(&self, paths: &[PathFigures]) -> FxHashMap<String, Evidence> {
        let mut found: FxHashMap<&str, (Bits, Days)> = FxHashMap::default();
        for (at, path) in paths.iter().enumerate() {
            let seen = found.entry(path.domain.as_str()).or_default();
            for entry in self.tally.entries(at) {
                seen.0.insert(self.tally.report(entry).reporter as usize);
            }
            seen.1.add(path.first);
            seen.1.add(path.last);
        }
        let evidence = |(reporters, days): (Bits, Days)| Evidence { reporters: reporters.len(), days: days.several() };
        found.into_iter().map(|(from, seen)| (from.to_owned(), evidence(seen))).collect()
    }
}

/// The entries of a path in sum.
#[derive(Debug, Default)]
struct PathSums {
    /// Messages: all else that is summed up of them follows from their kind.
    by_kind: FxHashMap<u32, u64>,
    reporters: Bits,
    listed: Bits,
    days: Days,
    excusing: Bits,
}

impl PathSums {
    /// Sums the entries of a path.
    fn of(tally: &Tally, at: usize) -> Self {
        let mut sums = PathSums::default();
        for entry in tally.entries(at) {
            let (facts, report) = (tally.facts(entry), tally.report(entry));
            let reporter = report.reporter as usize;
            *sums.by_kind.entry(entry.kind).or_default() += entry.messages;
            sums.reporters.insert(reporter);
            sums.listed.insert(report.listed as usize);
            sums.days.add(report.day);
            if entry.messages > 0 && facts.forwarding.any() {
                sums.excusing.insert(reporter);
            }
        }
        sums
    }
}

/// For each rule, the messages of a path that it named, and the entries: there may be no messages.
type RuleSums = [(u64, u64); NamedBy::ALL.len()];

/// The rule that named a path; where there are several, that of most messages, of equals the one that is trusted most.
fn rule(sender: &SenderKey, by_rule: &RuleSums) -> NamedBy {
    match sender {
        SenderKey::Listed(_) => NamedBy::Ledger,
        SenderKey::Domain(_) => NamedBy::SpfDomain,
        SenderKey::Host(_) => NamedBy::ReverseDns,
        SenderKey::Network(_) | SenderKey::Behind(_) | SenderKey::Many => NamedBy::Network,
        SenderKey::Nobody => NamedBy::Nothing,
        SenderKey::Provider { .. } | SenderKey::Through { .. } => {
            let rules = [NamedBy::Envelope, NamedBy::Range, NamedBy::Host, NamedBy::SigningDomain];
            rules
                .into_iter()
                .max_by_key(|&by| (by_rule[by as usize], std::cmp::Reverse(by)))
                .unwrap_or(NamedBy::Envelope)
        }
    }
}

/// Puts the entries of a path in the order of their reports, and leaves one for each kind of a report; how many these are.
fn sum_up(entries: &mut [Entry]) -> usize {
    entries.sort_unstable_by_key(|entry| (entry.report, entry.kind));
    let mut kept = 0_usize;
    for at in 0..entries.len() {
        let entry = entries[at];
        match kept.checked_sub(1).map(|last| &mut entries[last]) {
            Some(last) if (last.report, last.kind) == (entry.report, entry.kind) => {
                last.messages = last.messages.saturating_add(entry.messages);
            }
            _ => {
                entries[kept] = entry;
                kept += 1;
            }
        }
    }
    kept
}
