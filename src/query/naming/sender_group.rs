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
    pub(in crate::query) who: u32,
    pub(in crate::query) by: NamedBy,
    pub(in crate::query) sender: Sender,
    /// The address of mail that shows nothing else: what others saw of the address tells who wrote it.
    pub(in crate::query) address: Option<IpAddr>,
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
        who: &'r AuthIdentity,
        ip: Option<IpAddr>,
        knowledge: &'r Knowledge<'_>,
    ) -> Handed<'r> {
        handed(self.sender, who, ip, knowledge)
    }
}

fn handed<'r>(sender: Sender, who: &'r AuthIdentity, ip: Option<IpAddr>, knowledge: &'r Knowledge<'_>) -> Handed<'r> {
    Handed {
        address: ip,
        host: ip.and_then(|ip| knowledge.hosts.get(&ip)).map(String::as_str),
        provider: match sender {
            Sender::Provider(number) => Some(knowledge.provider(number).id.as_str()),
            _ => None,
        },
        tenant: who.account().map(|account| account.name.as_str()),
    }
}

/// Gives units their numbers.
#[derive(Debug)]
pub(in crate::query) struct SenderGroups<'k> {
    pub(super) knowledge: Knowledge<'k>,
    pub(in crate::query) list: Vec<SenderGroup>,
    numbers: HashMap<SenderGroup, u32>,
    /// What was found for who and what the address says, where the ledger has no say and the address makes no difference.
    named: FxHashMap<(u32, AddressFacts), u32>,
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
            named: FxHashMap::default(),
            addresses: Addresses::default(),
            hosts: Texts::default(),
        }
    }

    /// The unit that mail of a who, with its number, from an address belongs to.
    pub(in crate::query) fn unit(&mut self, number: u32, who: &AuthIdentity, ip: Option<IpAddr>) -> u32 {
        let Some(ip) = ip else {
            let unit = self.name(number, who, None, AddressFacts::default());
            return self.number(unit);
        };
        // The reverse-path of a provider's names it whatever the address, of which only a host name would tell more.
        let by_envelope = who.by_envelope.is_some() && self.knowledge.hosts.is_empty();
        let seen = if by_envelope {
            AddressFacts::default()
        } else {
            self.addresses.facts(ip, &self.knowledge, &mut self.hosts)
        };
        if !who.entries.is_empty() || who.hides() {
            // Entries of the ledger may ask for an address, and what hides who wrote it is known by it.
            let unit = self.name(number, who, Some(ip), seen);
            return self.number(unit);
        }
        if let Some(&known) = self.named.get(&(number, seen)) {
            return known;
        }
        let unit = self.name(number, who, Some(ip), seen);
        let at = self.number(unit);
        if !matches!(unit.sender, Sender::Address(_)) {
            self.named.insert((number, seen), at);
        }
        at
    }

    fn number(&mut self, unit: SenderGroup) -> u32 {
        let next = self.list.len() as u32;
        let number = *self.numbers.entry(unit).or_insert(next);
        if number == next {
            self.list.push(unit);
        }
        number
    }

    fn name(&mut self, number: u32, who: &AuthIdentity, ip: Option<IpAddr>, seen: AddressFacts) -> SenderGroup {
        let (by, sender) = if let Some(provider) = who.by_envelope {
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
        let handed = handed(sender, who, ip, &self.knowledge);
        let entries = &self.knowledge.ledger.entries;
        let matched = who.entries.iter().copied().find(|&number| entries[number as usize].fits_address(&handed));
        let entry = matched.map(|number| self.knowledge.ledger.first_of_name(number));
        SenderGroup {
            who: number,
            by: if entry.is_some() { NamedBy::Ledger } else { by },
            sender,
            address: ip.filter(|_| who.hides()),
            matched,
            entry,
            host: seen.host_organization,
        }
    }
}
