//! Groups of mail that cannot differ in role, whatever is seen later: of one authenticated identity, from one provider or one address.

use std::collections::HashMap;
use std::net::IpAddr;

use rustc_hash::FxHashMap;

use super::address::{AddressFacts, Addresses};
use super::{AuthIdentity, Knowledge, NamedBy, ProviderNumber, Texts};
use crate::query::ledger::Handed;

/// Who runs the machine that handed mail over, as far as one record shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::query) enum Sender {
    /// A catalogued provider; which of its machines it was makes no difference.
    Provider(ProviderNumber),
    /// The organization that SPF authenticates, by its number; never header From's own.
    Organization(u32),
    /// The machine at an address.
    Address(IpAddr),
    /// No address was readable.
    Nobody,
}

/// Mail that cannot differ in role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::query) struct SenderGroup {
    /// What its records show apart from their address.
    pub(in crate::query) identity: u32,
    pub(in crate::query) by: NamedBy,
    pub(in crate::query) sender: Sender,
    /// It is mail of one address that shows nothing else: what others saw of the address tells who wrote it.
    pub(in crate::query) by_address: bool,
    /// The number of the address of mail that is of one.
    pub(in crate::query) address_number: Option<u32>,
    /// The entry of the ledger that it matches.
    pub(in crate::query) matched: Option<u32>,
    /// The first entry of that name.
    pub(in crate::query) entry: Option<u32>,
    /// The organizational domain of the host name, by its number in [`SenderGroups::hosts`].
    pub(in crate::query) host: Option<u32>,
}

impl SenderGroup {
    /// What mail of it from an address shows to entries of the ledger.
    pub(in crate::query) fn handed<'r>(
        &self,
        identity: &'r AuthIdentity,
        ip: Option<IpAddr>,
        knowledge: &'r Knowledge<'_>,
    ) -> Handed<'r> {
        handed(self.sender, identity, ip, knowledge)
    }
}

fn handed<'r>(
    sender: Sender,
    identity: &'r AuthIdentity,
    ip: Option<IpAddr>,
    knowledge: &'r Knowledge<'_>,
) -> Handed<'r> {
    Handed {
        address: ip,
        host: ip.and_then(|ip| knowledge.hosts.get(&ip)).map(String::as_str),
        provider: match sender {
            Sender::Provider(number) => Some(knowledge.provider(number).id.as_str()),
            _ => None,
        },
        tenant: identity.account().map(|account| account.name.as_str()),
    }
}

/// Gives groups their numbers.
#[derive(Debug)]
pub(in crate::query) struct SenderGroups<'k> {
    pub(super) knowledge: Knowledge<'k>,
    pub(in crate::query) list: Vec<SenderGroup>,
    /// The numbers of those that are of several addresses.
    numbers: HashMap<SenderGroup, u32>,
    /// By identity and what the address says, where the ledger has no say and the address makes no difference.
    of_facts: FxHashMap<(u32, AddressFacts), u32>,
    /// By identity and the number of the address, where it does.
    of_address: FxHashMap<(u32, u32), u32>,
    addresses: Addresses,
    /// Organizational domains of host names.
    pub(in crate::query) hosts: Texts,
}

impl<'k> SenderGroups<'k> {
    pub(in crate::query) fn new(knowledge: Knowledge<'k>) -> Self {
        SenderGroups {
            knowledge,
            list: Vec::new(),
            numbers: HashMap::new(),
            of_facts: FxHashMap::default(),
            of_address: FxHashMap::default(),
            addresses: Addresses::default(),
            hosts: Texts::default(),
        }
    }

    /// Lets go of what is only needed to add more mail.
    pub(in crate::query) fn close(&mut self) {
        self.list.shrink_to_fit();
        (self.numbers, self.of_facts) = (HashMap::new(), FxHashMap::default());
        self.of_address = FxHashMap::default();
    }

    /// The number of an address, where what it says was asked for.
    pub(in crate::query) fn address_number(&self, ip: IpAddr) -> Option<u32> {
        self.addresses.known(ip)
    }

    /// The group that mail of an identity, with its number, from an address belongs to.
    pub(in crate::query) fn group(&mut self, number: u32, identity: &AuthIdentity, ip: Option<IpAddr>) -> u32 {
        let Some(ip) = ip else {
            let group = self.name(number, identity, None, AddressFacts::default());
            return self.shared(group);
        };
        // Entries of the ledger may ask for an address, and what hides who wrote it is known by it.
        let by_address = !identity.entries.is_empty() || identity.hides();
        // The reverse-path of a provider's names it whatever the address, of which only a host name would tell more.
        let by_envelope = identity.by_envelope.is_some() && self.knowledge.hosts.is_empty();
        let (address, seen) = if by_envelope && !by_address {
            (None, AddressFacts::default())
        } else {
            let (address, seen) = self.addresses.facts(ip, &self.knowledge, &mut self.hosts);
            (Some(address), if by_envelope { AddressFacts::default() } else { seen })
        };
        let named = identity.by_envelope.or(seen.by_range).or(seen.by_host).is_some();
        let own = address.filter(|_| by_address || !named);
        let known = match own {
            Some(address) => self.of_address.get(&(number, address)),
            None => self.of_facts.get(&(number, seen)),
        };
        if let Some(&known) = known {
            return known;
        }
        let group = self.name(number, identity, Some(ip), seen);
        let at = match own {
            Some(address) if !named || group.by_address => {
                self.list.push(SenderGroup { address_number: Some(address), ..group });
                self.list.len() as u32 - 1
            }
            _ => self.shared(group),
        };
        match own {
            Some(address) => self.of_address.insert((number, address), at),
            None => self.of_facts.insert((number, seen), at),
        };
        at
    }

    /// The number of a group that may be there already.
    fn shared(&mut self, group: SenderGroup) -> u32 {
        let next = self.list.len() as u32;
        let number = *self.numbers.entry(group).or_insert(next);
        if number == next {
            self.list.push(group);
        }
        number
    }

    fn name(&mut self, number: u32, identity: &AuthIdentity, ip: Option<IpAddr>, seen: AddressFacts) -> SenderGroup {
        let (by, sender) = if let Some(provider) = identity.by_envelope {
            (NamedBy::Envelope, Sender::Provider(provider))
        } else if let Some(provider) = seen.by_range {
            (NamedBy::Range, Sender::Provider(provider))
        } else if let Some(provider) = seen.by_host {
            (NamedBy::Host, Sender::Provider(provider))
        } else if let Some(ip) = ip {
            (NamedBy::Network, Sender::Address(ip))
        } else {
            (NamedBy::Nothing, Sender::Nobody)
        };
        let handed = handed(sender, identity, ip, &self.knowledge);
        let entries = &self.knowledge.ledger.entries;
        let matched = identity.entries.iter().copied().find(|&number| entries[number as usize].fits_address(&handed));
        let entry = matched.map(|number| self.knowledge.ledger.first_of_name(number));
        SenderGroup {
            identity: number,
            by: if entry.is_some() { NamedBy::Ledger } else { by },
            sender,
            by_address: ip.is_some() && identity.hides(),
            address_number: None,
            matched,
            entry,
            host: seen.host_organization,
        }
    }
}
