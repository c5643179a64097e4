//! Mail that ends on one path, whatever is seen later.

use std::collections::BTreeSet;
use std::net::IpAddr;

use rustc_hash::FxHashMap;

use super::address::{AddressFacts, Addresses};
use super::{Knowledge, NamedBy, ProviderNumber, Texts, Who};
use crate::query::ledger::Handed;

/// Where mail of a unit was seen, as far as that keeps it apart from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::query) enum Place {
    /// It does not matter.
    Anywhere,
    /// The organizational domain that SPF authenticated.
    Domain(i64),
    /// The organizational domain of the reverse DNS, by its number in [`Units::hosts`].
    Host(u32),
    /// An address.
    Address(IpAddr),
}

/// Mail that ends on one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::query) struct Unit {
    /// Header From; -1 where there is none.
    pub(in crate::query) from: i64,
    pub(in crate::query) by: NamedBy,
    pub(in crate::query) place: Place,
    /// The entry of the ledger.
    pub(in crate::query) entry: Option<u32>,
    pub(in crate::query) provider: Option<ProviderNumber>,
    /// Whose account, by its number among the tenants.
    pub(in crate::query) tenant: Option<u32>,
    /// Where there is no tenant: it may join the domain's own.
    pub(in crate::query) joins: bool,
    /// SPF says nothing of it: neither who it is nor that it fails.
    pub(in crate::query) quiet: bool,
    /// SPF authenticated header From's own domain.
    pub(in crate::query) own_spf: bool,
}

/// A unit that is known by now, or what is left of it without its address.
#[derive(Debug, Clone, Copy)]
enum Named {
    Unit(u32),
    /// To be told apart by address, see [`Units::stems`].
    Stem(u32),
}

/// Gives names.
#[derive(Debug)]
pub(in crate::query) struct Units<'k> {
    pub(super) knowledge: Knowledge<'k>,
    pub(in crate::query) list: Vec<Unit>,
    numbers: FxHashMap<Unit, u32>,
    /// Most units are an address on a network, and differ in nothing else: these go by a stem and the address.
    stems: Vec<Unit>,
    stem_numbers: FxHashMap<Unit, u32>,
    by_v4: FxHashMap<u64, u32>,
    by_v6: FxHashMap<(u32, u128), u32>,
    /// What was found for who and what the address says, where the ledger has no say.
    named: FxHashMap<(u32, AddressFacts), Named>,
    pub(super) addresses: Addresses,
    /// Organizational domains of host names.
    pub(in crate::query) hosts: Texts,
    /// The entries of the ledger that mail was seen of.
    pub(in crate::query) matched_entries: BTreeSet<u32>,
}

impl<'k> Units<'k> {
    pub(in crate::query) fn new(knowledge: Knowledge<'k>) -> Self {
        Units {
            knowledge,
            list: Vec::new(),
            numbers: FxHashMap::default(),
            stems: Vec::new(),
            stem_numbers: FxHashMap::default(),
            by_v4: FxHashMap::default(),
            by_v6: FxHashMap::default(),
            named: FxHashMap::default(),
            addresses: Addresses::default(),
            hosts: Texts::default(),
            matched_entries: BTreeSet::new(),
        }
    }

    /// The unit that mail of a who, with its number, from an address belongs to.
    pub(in crate::query) fn unit(&mut self, number: u32, who: &Who, ip: Option<IpAddr>) -> u32 {
        let Some(ip) = ip else {
            let unit = self.name(who, None, AddressFacts::default());
            return self.number(unit);
        };
        let seen = self.address(ip);
        if !who.entries.is_empty() {
            // Entries of the ledger may ask for an address.
            let unit = self.name(who, Some(ip), seen);
            return self.number(unit);
        }
        let named = match self.named.get(&(number, seen)) {
            Some(&known) => known,
            None => {
                let unit = self.name(who, Some(ip), seen);
                let named = match unit.place {
                    Place::Address(_) => Named::Stem(self.stem(unit)),
                    _ => Named::Unit(self.number(unit)),
                };
                self.named.insert((number, seen), named);
                named
            }
        };
        match named {
            Named::Unit(unit) => unit,
            Named::Stem(stem) => self.at_address(stem, ip),
        }
    }

    fn number(&mut self, unit: Unit) -> u32 {
        if let Place::Address(ip) = unit.place {
            let stem = self.stem(unit);
            return self.at_address(stem, ip);
        }
        let next = self.list.len() as u32;
        let number = *self.numbers.entry(unit).or_insert(next);
        if number == next {
            self.list.push(unit);
        }
        number
    }

    fn stem(&mut self, unit: Unit) -> u32 {
        let unit = Unit { place: Place::Anywhere, ..unit };
        let next = self.stems.len() as u32;
        let stem = *self.stem_numbers.entry(unit).or_insert(next);
        if stem == next {
            self.stems.push(unit);
        }
        stem
    }

    fn at_address(&mut self, stem: u32, ip: IpAddr) -> u32 {
        let next = self.list.len() as u32;
        let number = *match ip {
            IpAddr::V4(v4) => self.by_v4.entry(u64::from(stem) << 32 | u64::from(u32::from(v4))).or_insert(next),
            IpAddr::V6(v6) => self.by_v6.entry((stem, u128::from(v6))).or_insert(next),
        };
        if number == next {
            self.list.push(Unit { place: Place::Address(ip), ..self.stems[stem as usize] });
        }
        number
    }

    fn name(&mut self, who: &Who, ip: Option<IpAddr>, seen: AddressFacts) -> Unit {
        let tenant_of = |provider: ProviderNumber| {
            who.signed.iter().filter(|(signer, _)| *signer == provider).find_map(|(_, tenant)| tenant.as_ref())
        };
        let default_signer = who.signed.first().map(|(provider, _)| *provider).filter(|_| !who.spf_failed);
        let (by, place, provider) = if let Some(provider) = who.by_envelope {
            (NamedBy::Envelope, Place::Anywhere, Some(provider))
        } else if let Some(provider) = seen.by_range {
            (NamedBy::Range, Place::Anywhere, Some(provider))
        } else if let Some(provider) = seen.by_host {
            (NamedBy::Host, Place::Anywhere, Some(provider))
        } else if let Some(domain) = who.authenticated {
            (NamedBy::SpfDomain, Place::Domain(domain), None)
        } else if let Some(host) = seen.host_organization {
            (NamedBy::ReverseDns, Place::Host(host), None)
        } else if let Some(ip) = ip {
            let by = if default_signer.is_some() { NamedBy::SigningDomain } else { NamedBy::Network };
            (by, Place::Address(ip), default_signer)
        } else {
            (NamedBy::Nothing, Place::Anywhere, None)
        };
        let tenant = provider.and_then(tenant_of);
        let handed = Handed {
            address: ip,
            host: ip.and_then(|ip| self.knowledge.hosts.get(&ip)).map(String::as_str),
            provider: provider.map(|number| self.knowledge.provider(number).id.as_str()),
            tenant: tenant.map(|tenant| tenant.name.as_str()),
        };
        let entries = &self.knowledge.ledger.entries;
        let matched = who.entries.iter().copied().find(|&number| entries[number as usize].fits_address(&handed));
        self.matched_entries.extend(matched);
        let entry = matched.map(|number| self.knowledge.ledger.first_of_name(number));
        Unit {
            from: who.from,
            by: if entry.is_some() { NamedBy::Ledger } else { by },
            place: if entry.is_some() { Place::Anywhere } else { place },
            entry,
            provider,
            tenant: tenant.map(|tenant| tenant.number),
            joins: tenant.is_none() && who.joins,
            quiet: by.is_weak() && who.quiet,
            own_spf: by.is_weak() && who.own_spf,
        }
    }
}
