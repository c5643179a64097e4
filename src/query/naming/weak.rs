//! Names for weakly named mail: what its address says in the records of other reporters.
//!
//! Reporters differ in what they write. One leaves out the domain that SPF authenticated, another the signatures; what is
//! left to name a sender by is the network. The address knows better, if others saw mail of it: the sender that they name,
//! or, where nobody names one, the provider whose default signature they saw there.
//!
//! One reporter alone gives no name to what several saw without it.

use std::net::IpAddr;

use rustc_hash::FxHashMap;

use super::join::{Paths, SenderNumber, network};
use super::{NamedBy, Place, Unit};
use crate::query::sums::Sums;
use crate::query::tally::{Seen, Tally};

/// Of what the reporters that list default signatures see at a place, the share without one that is no stream of its own.
const STRAY_SHARE: f64 = 0.05;

/// Gives the units that only a network or a signature names the path that others name for their address, or for its network;
/// none where they name several.
pub(super) fn rename(sums: &Sums<'_>, tally: &Tally, spots: &Spots, paths: &mut Paths) {
    let units = sums.units.list.as_slice();
    if spots.number == 0 {
        return;
    }
    let names = spots.names(sums, paths);
    for (at, unit) in units.iter().enumerate() {
        let Some(spot) = spots.of_units[at] else {
            continue;
        };
        // A network says less than an address: only what no reporter saw fail follows its neighbours.
        let follows = unit.quiet && unit.provider.is_none();
        let by_network = || names.get(&spot.network).filter(|_| follows);
        let name = names.get(&spot.address).or_else(by_network);
        if let Some(&path) = name.filter(|&&path| !unit.own_spf || paths.is_provider(path)) {
            paths.of_units[at] = path;
        }
    }
    let signed = spots.signed(sums, tally, paths);
    for (at, unit) in units.iter().enumerate() {
        if unit.by == NamedBy::Network
            && unit.joins
            && let (Some(spot), (_, SenderNumber::Network(_))) = (spots.of_units[at], paths.of_unit(at))
            && let Some(&path) = signed.get(&spot.address).or_else(|| signed.get(&spot.network))
        {
            paths.of_units[at] = path;
        }
    }
}

/// Header From and an address, or a network; those of the new form are told from those of the old.
type At = (i64, bool, u128);

fn at(from: i64, ip: IpAddr) -> At {
    match ip {
        IpAddr::V4(v4) => (from, false, u32::from(v4).into()),
        IpAddr::V6(v6) => (from, true, v6.into()),
    }
}

/// An address and its network, in small numbers.
#[derive(Debug, Clone, Copy)]
struct Spot {
    address: u32,
    network: u32,
}

/// Where weakly named mail was seen.
#[derive(Debug, Default)]
pub(in crate::query) struct Spots {
    addresses: FxHashMap<At, u32>,
    networks: FxHashMap<At, u32>,
    number: u32,
    /// By unit; nothing for those that are named firmly.
    of_units: Vec<Option<Spot>>,
}

/// Who saw mail of a spot that has no better name.
#[derive(Debug, Clone, Copy, Default)]
struct Nameless {
    seen: Seen,
    /// With SPF of header From's own domain. Addresses are shared: that is not another's for what else comes from there, unless
    /// the machine is a provider's.
    own_spf: Seen,
}

/// What a spot is called.
#[derive(Debug, Clone, Copy)]
enum Name {
    One(u32),
    Several,
}

impl Spots {
    /// Of these units.
    pub(in crate::query) fn of(units: &[Unit]) -> Self {
        let mut spots = Spots::default();
        for unit in units {
            let spot = match unit.place {
                Place::Address(ip) if unit.by.is_weak() => {
                    let mut number = |spot: &mut u32| {
                        if *spot == u32::MAX {
                            *spot = spots.number;
                            spots.number += 1;
                        }
                        *spot
                    };
                    Some(Spot {
                        address: number(spots.addresses.entry(at(unit.from, ip)).or_insert(u32::MAX)),
                        network: number(spots.networks.entry(at(unit.from, network(ip))).or_insert(u32::MAX)),
                    })
                }
                _ => None,
            };
            spots.of_units.push(spot);
        }
        spots
    }

    /// The paths that other records name for spots, where it is one.
    fn names(&self, sums: &Sums<'_>, paths: &Paths) -> FxHashMap<u32, u32> {
        let units = sums.units.list.as_slice();
        let firm: Vec<bool> = units.iter().map(|unit| !unit.by.is_weak() && unit.by != NamedBy::Nothing).collect();
        let mut nameless = vec![Nameless::default(); self.number as usize];
        let mut given: FxHashMap<(u32, u32), Seen> = FxHashMap::default();
        for (ip, _, pair) in sums.addresses() {
            let unit = pair.unit as usize;
            if let Some(spot) = self.of_units[unit] {
                for spot in [spot.address, spot.network] {
                    let nameless = &mut nameless[spot as usize];
                    nameless.seen.add(pair.seen);
                    if units[unit].own_spf {
                        nameless.own_spf.add(pair.seen);
                    }
                }
            } else if firm[unit] {
                let from = units[unit].from;
                let Some(&network) = self.networks.get(&at(from, network(ip))) else {
                    continue;
                };
                let path = paths.of_units[unit];
                for spot in [Some(network), self.addresses.get(&at(from, ip)).copied()].into_iter().flatten() {
                    given.entry((spot, path)).or_default().add(pair.seen);
                }
            }
        }
        let mut names: FxHashMap<u32, [Option<Name>; 2]> = FxHashMap::default();
        for ((spot, path), seen) in given {
            let name = &mut names.entry(spot).or_default()[usize::from(seen.by_several())];
            *name = Some(if name.is_none() { Name::One(path) } else { Name::Several });
        }
        let one = |spot: u32, [lone, firm]: [Option<Name>; 2]| {
            let nameless = nameless[spot as usize];
            let (name, own) = match firm {
                Some(name) => (name, nameless.own_spf.by_several()),
                None => (lone.filter(|_| !nameless.seen.by_several())?, nameless.own_spf != Seen::default()),
            };
            match name {
                Name::One(path) if !own || paths.is_provider(path) => Some((spot, path)),
                _ => None,
            }
        };
        names.into_iter().filter_map(|(spot, found)| one(spot, found)).collect()
    }

    /// The spots whose mail carries a provider's default signature wherever signatures are listed, with that path.
    fn signed(&self, sums: &Sums<'_>, tally: &Tally, paths: &Paths) -> FxHashMap<u32, u32> {
        let units = sums.units.list.as_slice();
        let by_signature = |at: usize| units[at].by == NamedBy::SigningDomain && paths.is_provider(paths.of_units[at]);
        let mut signed: FxHashMap<u32, SignedSpot> = FxHashMap::default();
        for (at, spot) in self.of_units.iter().enumerate() {
            if let Some(spot) = spot.filter(|_| by_signature(at)) {
                for spot in [spot.address, spot.network] {
                    let known = signed.entry(spot).or_default();
                    known.several |= *known.path.get_or_insert(paths.of_units[at]) != paths.of_units[at];
                }
            }
        }
        if signed.is_empty() {
            return FxHashMap::default();
        }
        let there: Vec<bool> = self
            .of_units
            .iter()
            .map(|spot| {
                spot.is_some_and(|spot| signed.contains_key(&spot.address) || signed.contains_key(&spot.network))
            })
            .collect();
        for (unit, entry) in &sums.entries {
            let Some(spot) = self.of_units[*unit as usize].filter(|_| there[*unit as usize] && entry.messages > 0)
            else {
                continue;
            };
            let bare = usize::from(!by_signature(*unit as usize));
            for spot in [spot.address, spot.network] {
                if let Some(known) = signed.get_mut(&spot) {
                    known.reporters.entry(tally.report(entry).reporter).or_default()[bare] += entry.messages;
                }
            }
        }
        signed.into_iter().filter_map(|(spot, found)| Some((spot, found.path_of_all()?))).collect()
    }
}

/// What the reporters saw where a default signature names a path.
#[derive(Debug, Default)]
struct SignedSpot {
    path: Option<u32>,
    several: bool,
    /// By reporter the messages with the signature, and those that only the network names.
    reporters: FxHashMap<u32, [u64; 2]>,
}

impl SignedSpot {
    fn path_of_all(&self) -> Option<u32> {
        let listing = || self.reporters.values().filter(|one| one[0] > 0);
        let [signed, bare] = listing().fold([0, 0], |sum, one| [sum[0] + one[0], sum[1] + one[1]]);
        let others = self.reporters.len() - listing().count();
        let witnessed = listing().count() >= 2 || others <= 1;
        let one_stream = bare as f64 <= STRAY_SHARE * (signed + bare) as f64;
        self.path.filter(|_| !self.several && witnessed && one_stream)
    }
}
