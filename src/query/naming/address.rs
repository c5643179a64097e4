//! What an address alone says of who handed over, worked out once for each.

use std::net::IpAddr;

use rustc_hash::FxHashMap;

use super::{ProviderNumber, Units};
use crate::domain;
use crate::providers::Provider;

/// What an address says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct AddressFacts {
    /// The provider that has published its network.
    pub(super) by_range: Option<ProviderNumber>,
    /// The provider that its confirmed host name is of.
    pub(super) by_host: Option<ProviderNumber>,
    /// The organizational domain of its confirmed host name, by its number among the texts.
    pub(super) host_organization: Option<u32>,
}

/// All addresses that were asked for: most are of the old form, and a number is found faster than an address.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    v4: FxHashMap<u32, AddressFacts>,
    v6: FxHashMap<u128, AddressFacts>,
}

impl Addresses {
    fn get(&self, ip: IpAddr) -> Option<AddressFacts> {
        match ip {
            IpAddr::V4(v4) => self.v4.get(&u32::from(v4)).copied(),
            IpAddr::V6(v6) => self.v6.get(&u128::from(v6)).copied(),
        }
    }

    fn insert(&mut self, ip: IpAddr, facts: AddressFacts) {
        match ip {
            IpAddr::V4(v4) => drop(self.v4.insert(u32::from(v4), facts)),
            IpAddr::V6(v6) => drop(self.v6.insert(u128::from(v6), facts)),
        }
    }
}

impl Units<'_> {
    pub(super) fn address(&mut self, ip: IpAddr) -> AddressFacts {
        if let Some(known) = self.addresses.get(ip) {
            return known;
        }
        let knowledge = self.knowledge;
        let number = |provider: &Provider| provider.number as ProviderNumber;
        let host = knowledge.hosts.get(&ip);
        let facts = AddressFacts {
            by_range: knowledge.catalogue.by_address(ip).map(number),
            by_host: host.and_then(|host| knowledge.catalogue.by_host(host)).map(number),
            host_organization: host.map(|host| self.hosts.number(domain::organizational(host))),
        };
        self.addresses.insert(ip, facts);
        facts
    }
}
