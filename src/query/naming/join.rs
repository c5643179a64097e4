//! From units to paths, when all records have been seen.

use std::net::IpAddr;

use rustc_hash::FxHashMap;

use super::weak::{self, Spots};
use super::{Place, ProviderNumber, Unit};
use crate::query::sums::Sums;
use crate::query::tally::Tally;
use crate::query::tenants::OwnTenants;

/// Who a path's sender is, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::query) enum SenderNumber {
    Entry(u32),
    /// A provider, and the tenant where it is known.
    Provider(ProviderNumber, Option<u32>),
    /// Mail of a provider with tenants that shows none and cannot be the domain's own.
    Stray(ProviderNumber),
    Domain(i64),
    Host(u32),
    Network(IpAddr),
    Nobody,
}

/// A path: header From and sender.
pub(in crate::query) type PathNumber = (i64, SenderNumber);

/// The paths that units end on.
#[derive(Debug, Default)]
pub(in crate::query) struct Paths {
    pub(in crate::query) list: Vec<PathNumber>,
    /// By unit its path in the list.
    pub(in crate::query) of_units: Vec<u32>,
}

/// Finds the path of each unit. `organizations` has the organizational domain of each header From.
pub(in crate::query) fn paths_of_units(
    sums: &Sums<'_>,
    tally: &Tally,
    organizations: &FxHashMap<i64, i64>,
    own: &OwnTenants,
    spots: &Spots,
) -> Paths {
    let units = sums.units.list.as_slice();
    let organization = |from: i64| organizations.get(&from).copied().unwrap_or(from);
    // Where the domain's own tenant is in the ledger, what joins the tenant joins the entry.
    let mut entries: FxHashMap<(i64, ProviderNumber, u32), u32> = FxHashMap::default();
    for unit in units {
        if let (Some(entry), Some(provider), Some(tenant)) = (unit.entry, unit.provider, unit.tenant) {
            entries
                .entry((unit.from, provider, tenant))
                .and_modify(|known| *known = entry.min(*known))
                .or_insert(entry);
        }
    }
    let named = |unit: &Unit| -> SenderNumber {
        if let Some(entry) = unit.entry {
            return SenderNumber::Entry(entry);
        }
        match (unit.provider, unit.place) {
            (Some(provider), _) => {
                let only = own.only(organization(unit.from), provider, unit.from);
                match (unit.tenant, only) {
                    (Some(tenant), _) => SenderNumber::Provider(provider, Some(tenant)),
                    (None, Some(tenant)) if unit.joins => match entries.get(&(unit.from, provider, tenant)) {
                        Some(&entry) => SenderNumber::Entry(entry),
                        None => SenderNumber::Provider(provider, Some(tenant)),
                    },
                    (None, Some(_)) => SenderNumber::Stray(provider),
                    (None, None) => SenderNumber::Provider(provider, None),
                }
            }
            (None, Place::Domain(domain)) => SenderNumber::Domain(domain),
            (None, Place::Host(host)) => SenderNumber::Host(host),
            (None, Place::Address(ip)) => SenderNumber::Network(network(ip)),
            (None, Place::Anywhere) => SenderNumber::Nobody,
        }
    };
    let mut paths = Paths::default();
    let mut numbers: FxHashMap<PathNumber, u32> = FxHashMap::default();
    for unit in units {
        let path = (unit.from, named(unit));
        let next = paths.list.len() as u32;
        let number = *numbers.entry(path).or_insert(next);
        if number == next {
            paths.list.push(path);
        }
        paths.of_units.push(number);
    }
    weak::rename(sums, tally, spots, &mut paths);
    paths.drop_unused();
    paths
}

impl Paths {
    /// Whether a path is that of a provider's mail.
    pub(super) fn is_provider(&self, path: u32) -> bool {
        matches!(self.list[path as usize].1, SenderNumber::Provider(..))
    }

    /// The path of a unit.
    pub(super) fn of_unit(&self, unit: usize) -> PathNumber {
        self.list[self.of_units[unit] as usize]
    }

    /// Leaves out those that no unit is on.
    fn drop_unused(&mut self) {
        let mut places = vec![u32::MAX; self.list.len()];
        let mut list = Vec::new();
        for path in &mut self.of_units {
            let place = &mut places[*path as usize];
            if *place == u32::MAX {
                *place = list.len() as u32;
                list.push(self.list[*path as usize]);
            }
            *path = *place;
        }
        self.list = list;
    }
}

/// The network of an address: large enough that one sender's machines are together, small enough that two are apart.
pub(in crate::query) fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(v4) => IpAddr::V4((u32::from(v4) & 0xffff_ff00).into()),
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & (!0 << 80)).into()),
    }
}
