//! Small numbers for senders, so that sums by sender are places in a list: groups are many, and hashing an address for each of them
//! and each sum would cost more than the sums.

use std::collections::HashMap;

use rustc_hash::FxHashMap;

use super::keys::network;
use crate::query::grouped::Grouped;
use crate::query::naming::{Sender, SenderGroup};

/// The numbers of what groups have in common.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// For each group, its sender.
    senders: Vec<u32>,
    /// For each group, its place: the organizational domain of header From, and the sender.
    places: Vec<u32>,
    /// For each sender, its site.
    sites: Vec<u32>,
    /// The groups of each place; there is one at least.
    groups_of_places: Grouped<u32>,
    number_of_places: usize,
    /// By site a sender that is there.
    senders_of_sites: Vec<Sender>,
}

/// A sender of a group in one number: strangers choose addresses, and these have numbers already.
pub(super) fn code(sender: Sender, group: &SenderGroup) -> u64 {
    let (kind, number) = match sender {
        Sender::Nobody => (0, 0),
        Sender::Provider(number) => (1, number),
        Sender::Organization(number) => (2, number),
        Sender::Address(_) => (3, group.address_number.unwrap_or(u32::MAX)),
    };
    kind << 32 | u64::from(number)
}

/// Gives small numbers to others, in the order in which they come.
#[derive(Default)]
struct Renumbered(FxHashMap<u64, u32>);

impl Renumbered {
    /// The number of a key, and whether it is new.
    fn number(&mut self, key: u64) -> (u32, bool) {
        let next = self.0.len() as u32;
        let number = *self.0.entry(key).or_insert(next);
        (number, number == next)
    }
}

impl Numbers {
    /// Of groups, each with the organizational domain of header From and the sender.
    pub(super) fn of<'g>(groups: impl Iterator<Item = (u32, Sender, &'g SenderGroup)>) -> Self {
        let mut found = Numbers::default();
        let (mut senders, mut places) = (Renumbered::default(), Renumbered::default());
        let mut sites: HashMap<Sender, u32> = HashMap::new();
        for (organization, sender, group) in groups {
            let (of_group, is_new) = senders.number(code(sender, group));
            if is_new {
                let next = sites.len() as u32;
                let site = *sites.entry(site(sender)).or_insert(next);
                found.sites.push(site);
                if site == next {
                    found.senders_of_sites.push(sender);
                }
            }
            found.senders.push(of_group);
            let (place, _) = places.number(u64::from(organization) << 32 | u64::from(of_group));
            found.places.push(place);
        }
        found.number_of_places = places.0.len();
        found.groups_of_places = Grouped::of(found.places.iter().copied().zip(0..), found.number_of_places);
        found
    }

    /// The sender of a group.
    pub(super) fn sender(&self, group: usize) -> u32 {
        self.senders[group]
    }

    /// Where the sender of a group is: a provider, or the network of an address. Machines of one network share the work.
    pub(super) fn site(&self, group: usize) -> u32 {
        self.sites[self.senders[group] as usize]
    }

    /// One of the senders at a site.
    pub(super) fn sender_at(&self, site: u32) -> Sender {
        self.senders_of_sites[site as usize]
    }

    /// The place of a group: the organizational domain of header From, and the sender.
    pub(super) fn place(&self, group: usize) -> usize {
        self.places[group] as usize
    }

    /// How many senders there are.
    pub(super) fn senders(&self) -> usize {
        self.sites.len()
    }

    /// How many places there are.
    pub(super) fn places(&self) -> usize {
        self.number_of_places
    }

    /// The groups at a place.
    pub(super) fn groups_at(&self, place: usize) -> impl Iterator<Item = usize> {
        self.groups_of_places.of_group(place).iter().map(|&at| at as usize)
    }
}

/// A provider, or the network of an address.
fn site(sender: Sender) -> Sender {
    match sender {
        Sender::Address(ip) => Sender::Address(network(ip)),
        other => other,
    }
}
