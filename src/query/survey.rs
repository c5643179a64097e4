//! One pass over the records of a window: sums by header From and sender, and by policy domain.

use std::collections::hash_map::Entry as MapEntry;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::figures::{DomainFigures, Evidence, PathFigures, SenderKey, Signer, SignerUse, Survey};
use super::naming::join::{self, PathNumber, SenderNumber};
use super::naming::{Knowledge, NamedBy};
use super::scan::Scan;
use super::tally::{AddressPart, Bits, Days, Entry, Tally};
use super::window::Window;
use crate::alignment::{Disposition, DkimState, SpfState};
use crate::domain;
use crate::store::{Store, StoreError};

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
        let own = self.own_tenants(&organizations)?;
        let by_unit = join::paths_of_units(
            &self.namer,
            &self.tally,
            |show| self.pairs().for_each(|(ip, _, pair)| ip.into_iter().for_each(|ip| show(ip, pair))),
            &organizations,
            &own,
        );
        let mut survey = Survey::default();
        for reporter in self.tally.reporters.clone() {
            survey.reporter_names.push(self.texts.text(reporter)?.to_owned());
        }
        let mut named = self.named_paths(&by_unit)?;
        self.arrange(&by_unit, &named);
        for (at, (number, path)) in named.iter_mut().enumerate() {
            if let SenderNumber::Provider(provider, Some(tenant)) = number.1 {
                let organization = organizations.get(&number.0).copied().unwrap_or(number.0);
                path.own_tenant = own.is_own(organization, provider, tenant);
                path.only_tenant = own.only(organization, provider) == Some(tenant);
            }
            self.sum(at, path, &survey.reporter_names)?;
        }
        survey.paths = named.into_iter().map(|(_, path)| path).collect();
        survey.evidence = self.evidence(&survey.paths);
        survey.matched_entries = self.namer.matched_entries.iter().map(|&number| number as usize).collect();
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
        self.tally.kinds.clone_from(&self.kinds);
        survey.tally = std::mem::take(&mut self.tally);
        Ok(survey)
    }

    /// By header From its organizational domain, as a number that is the same for all of one.
    fn organizations(&mut self) -> Result<FxHashMap<i64, i64>, StoreError> {
        let mut numbers: FxHashMap<String, i64> = FxHashMap::default();
        let mut found = FxHashMap::default();
        for at in 0..self.namer.units.len() {
            let from = self.namer.units[at].from;
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

    /// Every path with its names, in the order of them, and no figures yet.
    fn named_paths(&mut self, by_unit: &[PathNumber]) -> Result<Vec<(PathNumber, PathFigures)>, StoreError> {
        let mut found: FxHashMap<PathNumber, PathFigures> = FxHashMap::default();
        for (at, &number) in by_unit.iter().enumerate() {
            let unit = self.namer.units[at];
            let path = match found.entry(number) {
                MapEntry::Occupied(known) => known.into_mut(),
                MapEntry::Vacant(vacant) => vacant.insert(self.named_path(number)?),
            };
            // An approved sender may be an account of a provider.
            if let SenderNumber::Entry(_) = number.1 {
                let provider = unit.provider.map(|provider| self.namer.providers[provider as usize].id.clone());
                let tenant = unit.tenant.map(|tenant| self.namer.texts[tenant as usize].clone());
                path.provider = least(path.provider.take(), provider);
                path.tenant = least(path.tenant.take(), tenant);
            }
        }
        let mut paths: Vec<(PathNumber, PathFigures)> = found.into_iter().collect();
        paths.sort_unstable_by(|(_, a), (_, b)| (&a.domain, &a.sender).cmp(&(&b.domain, &b.sender)));
        Ok(paths)
    }

    fn named_path(&mut self, (from, sender): PathNumber) -> Result<PathFigures, StoreError> {
        let provider_id = |namer: &super::naming::Namer<'_>, number: u32| namer.providers[number as usize].id.clone();
        let domain = if from < 0 { String::new() } else { self.texts.text(from)?.to_owned() };
        let (mut entry, mut provider, mut tenant) = (None, None, None);
        let sender = match sender {
            SenderNumber::Entry(number) => {
                entry = Some(number as usize);
                SenderKey::Listed(self.namer.knowledge.ledger.entries[number as usize].name.clone())
            }
            SenderNumber::Provider(number, account) => {
                let id = provider_id(&self.namer, number);
                provider = Some(id.clone());
                tenant = account.map(|account| self.namer.texts[account as usize].clone());
                SenderKey::Provider { id, tenant: tenant.clone() }
            }
            SenderNumber::Stray(number) => {
                let id = provider_id(&self.namer, number);
                provider = Some(id.clone());
                SenderKey::Stray(id)
            }
            SenderNumber::Domain(id) => SenderKey::Domain(self.texts.text(id)?.to_owned()),
            SenderNumber::Host(host) => SenderKey::Host(self.namer.texts[host as usize].clone()),
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

    /// Puts entries and addresses in the order of their paths.
    fn arrange(&mut self, by_unit: &[PathNumber], paths: &[(PathNumber, PathFigures)]) {
        let places: FxHashMap<PathNumber, u32> = paths.iter().map(|(number, _)| *number).zip(0..).collect();
        self.paths_of_units = by_unit.iter().map(|number| places.get(number).copied().unwrap_or(u32::MAX)).collect();
        let of_unit = |unit: u32| self.paths_of_units[unit as usize];
        let mut named: Vec<[u64; 9]> = vec![[0; 9]; paths.len()];
        for entry in &self.tally.entries {
            let unit = self.namer.units[entry.path as usize];
            named[of_unit(entry.path) as usize][unit.by as usize] += entry.messages.max(1);
        }
        self.named = named;
        let mut entries = std::mem::take(&mut self.tally.entries);
        entries.iter_mut().for_each(|entry| entry.path = of_unit(entry.path));
        let ends = ends(entries.iter().map(|entry| entry.path), paths.len());
        let sorted = by_path(&entries, |entry| entry.path, &ends);
        drop(entries);
        let located =
            || self.pairs().filter_map(|(ip, states, pair)| Some((of_unit(pair.unit), (ip?, states, pair.messages))));
        let address_ends = self::ends(located().map(|(path, _)| path), paths.len());
        let mut places = starts(&address_ends);
        let nowhere: AddressPart = (IpAddr::V4(Ipv4Addr::UNSPECIFIED), (0, false), 0);
        let mut addresses = vec![nowhere; address_ends.last().copied().unwrap_or(0)];
        for (path, one) in located() {
            let place = &mut places[path as usize];
            addresses[*place] = one;
            *place += 1;
        }
        self.tally =
            Tally { entries: sorted, entry_ends: ends, addresses, address_ends, ..std::mem::take(&mut self.tally) };
    }

    /// Sums the entries of a path.
    fn sum(&mut self, at: usize, path: &mut PathFigures, reporter_names: &[String]) -> Result<(), StoreError> {
        let (mut reporters, mut vouching, mut excusing) = (Bits::default(), Bits::default(), Bits::default());
        let (mut days, mut vouched_days) = (Days::default(), Days::default());
        let mut signers: FxHashMap<i64, [u64; 2]> = FxHashMap::default();
        let mut envelopes: FxHashMap<i64, u64> = FxHashMap::default();
        let spf_vouches = path.spf_vouches();
        for entry in self.tally.entries(at) {
            let (facts, report) = (&self.kinds[entry.kind as usize], self.tally.report(entry));
            let (messages, reporter) = (entry.messages, report.reporter as usize);
            path.messages += messages;
            path.dkim[usize::from(facts.dkim.code())] += messages;
            reporters.insert(reporter);
            days.add(report.day);
            let spf_aligned = facts.spf == SpfState::Aligned;
            path.spf_aligned += if spf_aligned { messages } else { 0 };
            path.dmarc_pass += if facts.dmarc == Some(true) { messages } else { 0 };
            match facts.disposition {
                Some(Disposition::Reject) => path.rejected += messages,
                Some(Disposition::Quarantine) => path.quarantined += messages,
                _ => {}
            }
            if messages > 0 && (spf_aligned && spf_vouches || facts.dkim == DkimState::Aligned) {
                path.vouched += messages;
                vouching.insert(reporter);
                vouched_days.add(report.day);
            }
            if facts.forwarding.any() && messages > 0 {
                path.excused += messages;
                excusing.insert(reporter);
            }
            if let Some(envelope) = facts.envelope {
                *envelopes.entry(envelope).or_default() += messages;
            }
            let signed = signers.entry(facts.signers).or_default();
            signed[0] += messages;
            signed[1] += if spf_aligned { messages } else { 0 };
        }
        path.envelopes = self.busiest(envelopes)?;
        path.vouched_reporters = vouching.len();
        path.vouched_days = vouched_days.several();
        path.excused_reporters = excusing.len();
        (path.first, path.last) = (days.first, days.last);
        // What only its network names, and what joined another sender for its address, did not name that sender.
        let joined = |by: NamedBy| by == NamedBy::Network && !matches!(path.sender, SenderKey::Network(_));
        path.named_by = NamedBy::ALL
            .into_iter()
            .filter(|&by| !joined(by))
            .max_by_key(|&by| (self.named[at][by as usize], std::cmp::Reverse(by)))
            .unwrap_or(NamedBy::Nothing);
        path.reporters = reporters.iter().map(|place| reporter_names[place].clone()).collect();
        path.reporters.sort_unstable();
        let mut signers: Vec<(i64, [u64; 2])> = signers.into_iter().collect();
        signers.sort_unstable();
        for (list, [messages, spf_aligned]) in signers {
            path.signers.push(SignerUse { signers: self.signer_list(list)?, messages, spf_aligned });
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

/// The lesser of two that may be absent.
fn least(a: Option<String>, b: Option<String>) -> Option<String> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Where the things of each path end, when all are in the order of their paths.
fn ends(paths: impl Iterator<Item = u32>, number: usize) -> Vec<usize> {
    let mut ends = vec![0; number];
    for path in paths {
        ends[path as usize] += 1;
    }
    let mut sum = 0;
    for end in &mut ends {
        sum += *end;
        *end = sum;
    }
    ends
}

/// Things in the order of their paths, and within a path as they were.
fn by_path(things: &[Entry], path: impl Fn(&Entry) -> u32, ends: &[usize]) -> Vec<Entry> {
    let mut places = starts(ends);
    let mut sorted = vec![Entry::default(); things.len()];
    for thing in things {
        let place = &mut places[path(thing) as usize];
        sorted[*place] = *thing;
        *place += 1;
    }
    sorted
}

/// Where they begin.
fn starts(ends: &[usize]) -> Vec<usize> {
    std::iter::once(0).chain(ends.iter().copied()).take(ends.len()).collect()
}
