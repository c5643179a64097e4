//! Names for weakly named mail: what its address says in the records of other reporters.
//!
//! Reporters differ in what they write. One leaves out the domain that SPF authenticated, another the signatures; what is
//! left to name a sender by is the network. The address knows better, if others saw mail of it: the sender that they name,
//! or, where nobody names one, the provider whose default signature they saw there.
//!
//! One reporter alone gives no name to what several saw without it.

use std::net::IpAddr;

use rustc_hash::{FxHashMap, FxHashSet};

use super::join::{SenderNumber, network};
use super::{NamedBy, Namer, Place, Unit};
use crate::query::tally::{Pair, Seen, Tally};

/// Of what the reporters that list default signatures see at a place, the share without one that is no stream of its own.
const STRAY_SHARE: f64 = 0.05;

/// An address, or its network, under a header From.
type At = (i64, IpAddr);

/// Gives the units that only a network or a signature names the sender that others name for their address, or for its network;
/// none where they name several.
pub(super) fn rename(
    namer: &Namer<'_>,
    senders: &mut [SenderNumber],
    tally: &Tally,
    pairs: impl Fn(&mut dyn FnMut(IpAddr, Pair)),
) {
    let weak = |unit: &Unit| if unit.by.is_weak() { address(unit) } else { None };
    if !namer.units.iter().any(|unit| weak(unit).is_some()) {
        return;
    }
    let names = better_names(namer, senders, pairs);
    for (at, unit) in namer.units.iter().enumerate() {
        let Some(ip) = weak(unit) else {
            continue;
        };
        // A network says less than an address: only what no reporter saw fail follows its neighbours.
        let by_network = || names.get(&(unit.from, network(ip))).filter(|_| unit.quiet && unit.provider.is_none());
        let name = names.get(&(unit.from, ip)).or_else(by_network);
        if let Some(&sender) = name.filter(|sender| !unit.own_spf || is_provider(sender)) {
            senders[at] = sender;
        }
    }
    let signed = signed_places(namer, senders, tally);
    for (at, unit) in namer.units.iter().enumerate() {
        if unit.by == NamedBy::Network
            && unit.joins
            && let (Some(ip), SenderNumber::Network(_)) = (address(unit), senders[at])
            && let Some(&sender) = signed.get(&(unit.from, ip)).or_else(|| signed.get(&(unit.from, network(ip))))
        {
            senders[at] = sender;
        }
    }
}

fn address(unit: &Unit) -> Option<IpAddr> {
    match unit.place {
        Place::Address(ip) => Some(ip),
        _ => None,
    }
}

fn is_provider(sender: &SenderNumber) -> bool {
    matches!(sender, SenderNumber::Provider(..))
}

/// The senders that other records name for weakly named addresses and their networks, where it is one.
fn better_names(
    namer: &Namer<'_>,
    senders: &[SenderNumber],
    pairs: impl Fn(&mut dyn FnMut(IpAddr, Pair)),
) -> FxHashMap<At, SenderNumber> {
    let mut places: FxHashMap<At, Nameless> = FxHashMap::default();
    for unit in namer.units.iter().filter(|unit| unit.by.is_weak()) {
        for place in address(unit).into_iter().flat_map(|ip| [ip, network(ip)]) {
            places.entry((unit.from, place)).or_default();
        }
    }
    let mut given: FxHashMap<(At, SenderNumber), Seen> = FxHashMap::default();
    pairs(&mut |ip, pair| {
        let Some(unit) = namer.units.get(pair.unit as usize).filter(|unit| unit.by != NamedBy::Nothing) else {
            return;
        };
        for place in [(unit.from, ip), (unit.from, network(ip))] {
            match places.get_mut(&place) {
                Some(nameless) if unit.by.is_weak() => {
                    nameless.seen.add(pair.seen);
                    if unit.own_spf {
                        nameless.own_spf.add(pair.seen);
                    }
                }
                Some(_) => given.entry((place, senders[pair.unit as usize])).or_default().add(pair.seen),
                None => {}
            }
        }
    });
    let mut names: FxHashMap<At, [Option<Name>; 2]> = FxHashMap::default();
    for ((place, sender), seen) in given {
        let name = &mut names.entry(place).or_default()[usize::from(seen.by_several())];
        *name = Some(if name.is_none() { Name::One(sender) } else { Name::Several });
    }
    let one = |place: &At, [lone, firm]: [Option<Name>; 2]| {
        let nameless = places.get(place).copied().unwrap_or_default();
        let (name, own) = match firm {
            Some(name) => (name, nameless.own_spf.by_several()),
            None => (lone.filter(|_| !nameless.seen.by_several())?, nameless.own_spf != Seen::default()),
        };
        match name {
            Name::One(sender) if !own || is_provider(&sender) => Some((*place, sender)),
            _ => None,
        }
    };
    names.iter().filter_map(|(place, found)| one(place, *found)).collect()
}

/// Who saw mail of a place that has no better name.
#[derive(Debug, Clone, Copy, Default)]
struct Nameless {
    seen: Seen,
    /// With SPF of header From's own domain. Addresses are shared: that is not another's for what else comes from there, unless
    /// the machine is a provider's.
    own_spf: Seen,
}

/// What a place is called.
#[derive(Debug, Clone, Copy)]
enum Name {
    One(SenderNumber),
    Several,
}

/// What the reporters saw at a place where a default signature names a sender.
#[derive(Debug, Default)]
struct SignedPlace {
    sender: Option<SenderNumber>,
    several: bool,
    /// By reporter the messages with the signature, and those that only the network names.
    reporters: FxHashMap<u32, [u64; 2]>,
}

/// The places whose mail carries a provider's default signature wherever signatures are listed, with that sender.
fn signed_places(namer: &Namer<'_>, senders: &[SenderNumber], tally: &Tally) -> FxHashMap<At, SenderNumber> {
    let by_signature = |at: usize| {
        let named = namer.units[at].by == NamedBy::SigningDomain;
        (named && is_provider(&senders[at])).then_some(senders[at])
    };
    let mut places: FxHashMap<At, SignedPlace> = FxHashMap::default();
    for (at, unit) in namer.units.iter().enumerate() {
        if let (Some(sender), Some(ip)) = (by_signature(at), address(unit)) {
            for place in [ip, network(ip)] {
                let known = places.entry((unit.from, place)).or_default();
                known.several |= *known.sender.get_or_insert(sender) != sender;
            }
        }
    }
    if places.is_empty() {
        return FxHashMap::default();
    }
    let mut elsewhere: FxHashSet<u32> = FxHashSet::default();
    for entry in tally.entries.iter().filter(|entry| entry.messages > 0) {
        let unit = &namer.units[entry.path as usize];
        let Some(ip) = address(unit).filter(|_| !elsewhere.contains(&entry.path)) else {
            continue;
        };
        let bare = usize::from(by_signature(entry.path as usize).is_none());
        let mut found = false;
        for place in [ip, network(ip)] {
            if let Some(known) = places.get_mut(&(unit.from, place)) {
                known.reporters.entry(tally.report(entry).reporter).or_default()[bare] += entry.messages;
                found = true;
            }
        }
        if !found {
            elsewhere.insert(entry.path);
        }
    }
    places.into_iter().filter_map(|(place, found)| found.sender_of_all().map(|sender| (place, sender))).collect()
}

impl SignedPlace {
    fn sender_of_all(&self) -> Option<SenderNumber> {
        let listing = || self.reporters.values().filter(|one| one[0] > 0);
        let [signed, bare] = listing().fold([0, 0], |sum, one| [sum[0] + one[0], sum[1] + one[1]]);
        let others = self.reporters.len() - listing().count();
        let witnessed = listing().count() >= 2 || others <= 1;
        let one_stream = bare as f64 <= STRAY_SHARE * (signed + bare) as f64;
        self.sender.filter(|_| !self.several && witnessed && one_stream)
    }
}
