//! Small numbers for senders, so that sums by sender are places in a list: units are many, and hashing an address for each of them
//! and each sum would cost more than the sums.

use std::collections::HashMap;

use super::keys::network;
use crate::query::naming::Sender;

/// The numbers of what units have in common.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// By unit its sender.
    senders: Vec<u32>,
    /// By unit its place: the organizational domain of header From, and the sender.
    places: Vec<u32>,
    /// By sender its site.
    sites: Vec<u32>,
    /// By place a unit that is there.
    units_of_places: Vec<u32>,
    /// By site a sender that is there.
    senders_of_sites: Vec<Sender>,
}

/// The number of a thing, a new one where it has none.
fn number<K: std::hash::Hash + Eq>(numbers: &mut HashMap<K, u32>, key: K) -> (u32, bool) {
    let next = numbers.len() as u32;
    let number = *numbers.entry(key).or_insert(next);
    (number, number == next)
}

impl Numbers {
    /// Of units, each with the organizational domain of header From and the sender.
    pub(super) fn of(units: impl Iterator<Item = (u32, Sender)>) -> Self {
        let mut found = Numbers::default();
        let (mut senders, mut places, mut sites) = (HashMap::new(), HashMap::new(), HashMap::new());
        for (at, (organization, sender)) in (0..).zip(units) {
            let (of_unit, is_new) = number(&mut senders, sender);
            if is_new {
                let (site, is_new) = number(&mut sites, site(sender));
                found.sites.push(site);
                if is_new {
                    found.senders_of_sites.push(sender);
                }
            }
            found.senders.push(of_unit);
            let (place, is_new) = number(&mut places, u64::from(organization) << 32 | u64::from(of_unit));
            found.places.push(place);
            if is_new {
                found.units_of_places.push(at);
            }
        }
        found
    }

    /// The sender of a unit.
    pub(super) fn sender(&self, unit: usize) -> u32 {
        self.senders[unit]
    }

    /// Where the sender of a unit is: a provider, or the network of an address. Machines of one network share the work.
    pub(super) fn site(&self, unit: usize) -> u32 {
        self.sites[self.senders[unit] as usize]
    }

    /// One of the senders at a site.
    pub(super) fn sender_at(&self, site: u32) -> Sender {
        self.senders_of_sites[site as usize]
    }

    /// The place of a unit: the organizational domain of header From, and the sender.
    pub(super) fn place(&self, unit: usize) -> usize {
        self.places[unit] as usize
    }

    /// How many places there are.
    pub(super) fn places(&self) -> usize {
        self.units_of_places.len()
    }

    /// One of the units at a place.
    pub(super) fn unit_at(&self, place: usize) -> usize {
        self.units_of_places[place] as usize
    }
}

/// A provider, or the network of an address.
fn site(sender: Sender) -> Sender {
    match sender {
        Sender::Address(ip) => Sender::Address(network(ip)),
        other => other,
    }
}
