//! One pass over the records of a window: sums by header From and sender, and by policy domain.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::figures::{DomainFigures, Evidence, PathFigures, SenderKey, Signer, SignerUse, Survey};
use super::naming::join::{self, PathNumber, Paths, SenderNumber};
use super::naming::weak::Spots;
use super::naming::{Knowledge, NamedBy, ProviderNumber};
use super::scan::Scan;
use super::tally::{AddressPart, Bits, Days, Entry, Tally};
use super::window::Window;
use crate::alignment::{Disposition, DkimState, SpfState};
use crate::domain;
use crate::parallel;
use crate::store::{OutcomeFacts, Store, StoreError};

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
        let organizations = self.organizations()?;
        let tenants = self.tenants(&organizations)?;
        let (spots, own) = parallel::both(
            || Spots::of(&self.sums.units.list),
            || tenants.own(&self.sums, &self.tally, &self.kinds.list, &self.whos.names_domain),
        );
        let paths = join::paths_of_units(&self.sums, &self.tally, &organizations, &own, &spots);
        let mut survey = Survey::default();
        for reporter in self.tally.reporters.clone() {
            survey.reporter_names.push(self.texts.text(reporter)?.to_owned());
        }
        let mut named = self.named_paths(paths)?;
        self.tally.kinds.clone_from(&self.kinds.list);
        let by_rule = self.arrange(named.len());
        for (at, (number, path)) in named.iter_mut().enumerate() {
            if let SenderNumber::Provider(provider, Some(tenant)) = number.1 {
                let organization = organizations.get(&number.0).copied().unwrap_or(number.0);
                path.own_tenant = own.is_own(organization, provider, tenant);
                path.only_tenant = own.only(organization, provider, number.0) == Some(tenant);
            }
            path.named_by = rule(&path.sender, &by_rule[at]);
        }
        let sums = parallel::map(named.len(), |at| PathSums::of(&self.tally, at, named[at].1.spf_vouches()));
        for ((_, path), sums) in named.iter_mut().zip(sums) {
            self.fill(path, sums, &survey.reporter_names)?;
        }
        survey.paths = named.into_iter().map(|(_, path)| path).collect();
        survey.evidence = self.evidence(&survey.paths);
        survey.matched_entries = self.sums.units.matched_entries.iter().map(|&number| number as usize).collect();
        survey.domains = self.domains()?;
        // Reporters that said nothing of what is asked for are no witnesses.
        let (mut days, mut reporters) = (Days::default(), Bits::default());
        for report in &self.tally.reports {
            days.add(report.day);
            reporters.insert(report.reporter as usize);
        }
        survey.reports = self.tally.reports.len() as u64;
        survey.reporters = reporters.len();
        survey.days = (survey.reports > 0).then_some((days.first, days.last));
        survey.tally = std::mem::take(&mut self.tally);
        Ok(survey)
    }

    /// By header From its organizational domain, as a number that is the same for all of one.
    fn organizations(&mut self) -> Result<FxHashMap<i64, i64>, StoreError> {
        let mut numbers: FxHashMap<String, i64> = FxHashMap::default();
        let mut found = FxHashMap::default();
        for unit in &self.sums.units.list {
            let from = unit.from;
            if from < 0 || found.contains_key(&from) {
                continue;
            }
            let organization = domain::organizational(self.texts.text(from)?).to_owned();
            // Numbers of names are never negative, so these cannot be taken for them.
            let next = -2 - numbers.len() as i64;
            found.insert(from, *numbers.entry(organization).or_insert(next));
        }
        Ok(found)
    }

    /// Every path with its names, in the order of them, and no figures yet. Notes the path of each unit.
    fn named_paths(&mut self, paths: Paths) -> Result<Vec<(PathNumber, PathFigures)>, StoreError> {
        let mut found: Vec<(PathNumber, PathFigures, usize)> = Vec::with_capacity(paths.list.len());
        for (at, &number) in paths.list.iter().enumerate() {
            found.push((number, self.named_path(number)?, at));
        }
        for (unit, &path) in self.sums.units.list.iter().zip(&paths.of_units) {
            let (number, path, _) = &mut found[path as usize];
            // An approved sender may be an account of a provider.
            if let SenderNumber::Entry(_) = number.1 {
                let provider = unit.provider.map(|provider| self.knowledge.provider(provider).id.clone());
                let tenant = unit.tenant.map(|tenant| self.whos.tenants.get(tenant).to_owned());
                path.provider = least(path.provider.take(), provider);
                path.tenant = least(path.tenant.take(), tenant);
            }
        }
        found.sort_unstable_by(|(_, a, _), (_, b, _)| (&a.domain, &a.sender).cmp(&(&b.domain, &b.sender)));
        let mut places = vec![0; found.len()];
        for (place, (_, _, at)) in found.iter().enumerate() {
            places[*at] = place as u32;
        }
        self.paths_of_units = paths.of_units.into_iter().map(|path| places[path as usize]).collect();
        Ok(found.into_iter().map(|(number, path, _)| (number, path)).collect())
    }

    fn named_path(&mut self, (from, sender): PathNumber) -> Result<PathFigures, StoreError> {
        let knowledge = self.knowledge;
        let provider_id = |number: ProviderNumber| knowledge.provider(number).id.clone();
        let domain = if from < 0 { String::new() } else { self.texts.text(from)?.to_owned() };
        let (mut entry, mut provider, mut tenant) = (None, None, None);
        let sender = match sender {
            SenderNumber::Entry(number) => {
                entry = Some(number as usize);
                SenderKey::Listed(knowledge.ledger.entries[number as usize].name.clone())
            }
            SenderNumber::Provider(number, account) => {
                let id = provider_id(number);
                provider = Some(id.clone());
                tenant = account.map(|account| self.whos.tenants.get(account).to_owned());
                SenderKey::Provider { id, tenant: tenant.clone() }
            }
            SenderNumber::Stray(number) => {
                let id = provider_id(number);
                provider = Some(id.clone());
                SenderKey::Stray(id)
            }
            SenderNumber::Domain(id) => SenderKey::Domain(self.texts.text(id)?.to_owned()),
            SenderNumber::Host(host) => SenderKey::Host(self.sums.units.hosts.get(host).to_owned()),
            SenderNumber::Network(net) => SenderKey::Network(net),
            SenderNumber::Nobody => SenderKey::Nobody,
        };
        Ok(PathFigures {
            domain,
            sender,
            named_by: NamedBy::Nothing,
            entry,
            provider,
            tenant,
            own_tenant: false,
            only_tenant: false,
            messages: 0,
            dkim: [0; 5],
            spf_aligned: 0,
            dmarc_pass: 0,
            rejected: 0,
            quarantined: 0,
            vouched: 0,
            vouched_reporters: 0,
            vouched_days: false,
            excused: 0,
            excused_reporters: 0,
            signers: Vec::new(),
            envelopes: Vec::new(),
            reporters: Vec::new(),
            first: 0,
            last: 0,
        })
    }

    /// Puts entries and addresses in the order of their paths; says what each rule named of each path.
    fn arrange(&mut self, paths: usize) -> Vec<RuleSums> {
        let of_unit = &self.paths_of_units;
        let mut by_rule: Vec<RuleSums> = vec![[(0, 0); 9]; paths];
        let mut entry_ends = vec![0; paths];
        for ((unit, of), &path) in self.sums.units.list.iter().zip(&self.sums.of_units).zip(of_unit) {
            let sum = &mut by_rule[path as usize][unit.by as usize];
            *sum = (sum.0 + of.messages, sum.1 + u64::from(of.entries));
            entry_ends[path as usize] += of.entries as usize;
        }
        let entries = std::mem::take(&mut self.sums.entries);
        let sums = &self.sums;
        let (mut address_ends, addresses) = (vec![0; paths], || sums.addresses());
        let arrange_addresses = || {
            for (_, _, pair) in addresses() {
                address_ends[of_unit[pair.unit as usize] as usize] += 1;
            }
            let nowhere: AddressPart = (IpAddr::V4(Ipv4Addr::UNSPECIFIED), (0, false), 0);
            let placed =
                addresses().map(|(ip, states, pair)| (of_unit[pair.unit as usize], (ip, states, pair.messages)));
            by_path(placed, &mut address_ends, nowhere)
        };
        let arrange_entries = || {
            let placed = entries.iter().map(|(unit, entry)| (of_unit[*unit as usize], *entry));
            by_path(placed, &mut entry_ends, Entry::default())
        };
        (self.tally.addresses, self.tally.entries) = parallel::both(arrange_addresses, arrange_entries);
        (self.tally.entry_ends, self.tally.address_ends) = (entry_ends, address_ends);
        by_rule
    }

    /// Gives a path its figures.
    fn fill(&mut self, path: &mut PathFigures, sums: PathSums, reporter_names: &[String]) -> Result<(), StoreError> {
        let spf_vouches = path.spf_vouches();
        let mut signers: FxHashMap<i64, [u64; 2]> = FxHashMap::default();
        let mut envelopes: FxHashMap<i64, u64> = FxHashMap::default();
        for (kind, messages) in sums.by_kind {
            let facts = &self.kinds.list[kind as usize];
            let spf_aligned = if facts.spf == SpfState::Aligned { messages } else { 0 };
            path.messages += messages;
            path.dkim[usize::from(facts.dkim.code())] += messages;
            path.spf_aligned += spf_aligned;
            path.dmarc_pass += if facts.dmarc == Some(true) { messages } else { 0 };
            match facts.disposition {
                Some(Disposition::Reject) => path.rejected += messages,
                Some(Disposition::Quarantine) => path.quarantined += messages,
                _ => {}
            }
            path.vouched += if vouches(facts, spf_vouches) { messages } else { 0 };
            path.excused += if facts.forwarding.any() { messages } else { 0 };
            if let Some(envelope) = facts.envelope {
                *envelopes.entry(envelope).or_default() += messages;
            }
            let signed = signers.entry(facts.signers).or_default();
            signed[0] += messages;
            signed[1] += spf_aligned;
        }
        path.envelopes = self.busiest(envelopes)?;
        path.vouched_reporters = sums.vouching.len();
        path.vouched_days = sums.vouched_days.several();
        path.excused_reporters = sums.excusing.len();
        (path.first, path.last) = (sums.days.first, sums.days.last);
        path.reporters = sums.reporters.iter().map(|place| reporter_names[place].clone()).collect();
        path.reporters.sort_unstable();
        let mut signers: Vec<(i64, [u64; 2])> = signers.into_iter().collect();
        signers.sort_unstable();
        for (list, [messages, spf_aligned]) in signers {
            path.signers.push(SignerUse { list, signers: self.signer_list(list)?, messages, spf_aligned });
        }
        Ok(())
    }

    /// The names with most messages, a handful at most.
    fn busiest(&mut self, messages: FxHashMap<i64, u64>) -> Result<Vec<(String, u64)>, StoreError> {
        const HANDFUL: usize = 5;
        let mut ranked: Vec<(i64, u64)> = messages.into_iter().collect();
        ranked.sort_unstable_by_key(|&(name, messages)| (std::cmp::Reverse(messages), name));
        // Of equals the first by name; more than are kept, so that numbers given by order of arrival decide nothing.
        let least = ranked.get(HANDFUL - 1).map_or(0, |&(_, messages)| messages);
        let mut named = Vec::new();
        for (name, messages) in ranked.into_iter().take_while(|&(_, messages)| messages >= least).take(64) {
            named.push((self.texts.text(name)?.to_owned(), messages));
        }
        named.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
        named.truncate(HANDFUL);
        Ok(named)
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

    fn domains(&mut self) -> Result<Vec<DomainFigures>, StoreError> {
        let mut domains = Vec::with_capacity(self.by_domain.len());
        for (&id, sums) in &self.by_domain {
            let [messages, dmarc_pass, dkim_aligned, spf_aligned] = sums.figures;
            domains.push(DomainFigures {
                domain: self.texts.text(id)?.to_owned(),
                policy: self
                    .store
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
        Ok(domains)
    }
}

/// Whether messages of a kind speak for their path being the domain's.
fn vouches(facts: &OutcomeFacts, spf_vouches: bool) -> bool {
    facts.spf == SpfState::Aligned && spf_vouches || facts.dkim == DkimState::Aligned
}

/// The entries of a path in sum.
#[derive(Debug, Default)]
struct PathSums {
    /// Messages: all else that is summed up of them follows from their kind.
    by_kind: FxHashMap<u32, u64>,
    reporters: Bits,
    days: Days,
    vouching: Bits,
    vouched_days: Days,
    excusing: Bits,
}

impl PathSums {
    /// Sums the entries of a path.
    fn of(tally: &Tally, at: usize, spf_vouches: bool) -> Self {
        let mut sums = PathSums::default();
        for entry in tally.entries(at) {
            let (facts, report) = (tally.facts(entry), tally.report(entry));
            let reporter = report.reporter as usize;
            *sums.by_kind.entry(entry.kind).or_default() += entry.messages;
            sums.reporters.insert(reporter);
            sums.days.add(report.day);
            if entry.messages > 0 && vouches(facts, spf_vouches) {
                sums.vouching.insert(reporter);
                sums.vouched_days.add(report.day);
            }
            if entry.messages > 0 && facts.forwarding.any() {
                sums.excusing.insert(reporter);
            }
        }
        sums
    }
}

/// The lesser of two that may be absent.
fn least(a: Option<String>, b: Option<String>) -> Option<String> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// By rule the messages of a path that it named, and the entries: there may be no messages.
type RuleSums = [(u64, u64); NamedBy::ALL.len()];

/// The rule that named most messages of a path; of equals the one that is trusted most.
fn rule(sender: &SenderKey, by_rule: &RuleSums) -> NamedBy {
    // What only its network names, and what joined another sender for its address, did not name that sender.
    let joined = |by: NamedBy| by == NamedBy::Network && !matches!(sender, SenderKey::Network(_));
    let rules = NamedBy::ALL.into_iter().filter(|&by| !joined(by));
    rules.max_by_key(|&by| (by_rule[by as usize], std::cmp::Reverse(by))).unwrap_or(NamedBy::Nothing)
}

/// Things in the order of their paths, and within a path as they were. `ends` has how many there are of each path, and has
/// afterwards where those of each path end.
fn by_path<T: Copy>(things: impl Iterator<Item = (u32, T)>, ends: &mut [usize], filler: T) -> Vec<T> {
    let mut sum = 0;
    for end in ends.iter_mut() {
        // First where they begin, then moved on with each that is put there.
        (*end, sum) = (sum, sum + *end);
    }
    let mut sorted = vec![filler; sum];
    for (path, thing) in things {
        let place = &mut ends[path as usize];
        sorted[*place] = thing;
        *place += 1;
    }
    sorted
}
