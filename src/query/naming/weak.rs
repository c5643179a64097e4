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
use crate::query::tally::Tally;

/// Of what the reporters that list default signatures see at a place, the share without one that is no stream of its own.
const STRAY_SHARE: f64 = 0.05;

/// An address, or its network, under a header From.
type At = (i64, IpAddr);

/// Who saw something: nobody, one, or several reporters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Seen {
    #[default]
    Never,
    By(u32),
    BySeveral,
}

impl Seen {
    fn add(&mut self, other: Seen) {
        *self = match (*self, other) {
            (known, Seen::Never) => known,
            (Seen::Never, new) => new,
            (Seen::By(a), Seen::By(b)) if a == b => Seen::By(a),
            _ => Seen::BySeveral,
        };
    }

    fn by_several(self) -> bool {
        self == Seen::BySeveral
    }
}

/// Gives the units that only a network or a signature names the sender that others name for their address, or for its network;
/// none where they name several.
pub(super) fn rename(
    namer: &Namer<'_>,
    senders: &mut [SenderNumber],
    tally: &Tally,
    pairs: impl Fn(&mut dyn FnMut(IpAddr, u32)),
) {
    let weak = |unit: &Unit| if unit.by.is_weak() { address(unit) } else { None };
    if !namer.units.iter().any(|unit| weak(unit).is_some()) {
        return;
    }
    let mut seen = vec![Seen::Never; namer.units.len()];
    for entry in tally.entries.iter().filter(|entry| entry.messages > 0) {
        seen[entry.path as usize].add(Seen::By(tally.report(entry).reporter));
    }
    let names = better_names(namer, senders, &seen, pairs);
    for (at, unit) in namer.units.iter().enumerate() {
        let Some(ip) = weak(unit) else {
            continue;
        };
        // A network says less than an address: only what no reporter saw fail follows its neighbours.
        let by_network = || {
            names.get(&(unit.from, network(ip))).and_then(Names::one).filter(|_| unit.quiet && unit.provider.is_none())
        };
        let name = names.get(&(unit.from, ip)).and_then(Names::one).or_else(by_network);
        if let Some(sender) = name.filter(|sender| !unit.own_spf || is_provider(sender)) {
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

/// The names of a place, and who saw mail there that has none.
#[derive(Debug, Default)]
struct Names {
    /// Named by several reporters.
    firm: Option<SenderNumber>,
    several_firm: bool,
    /// Named by one.
    lone: Option<SenderNumber>,
    several_lone: bool,
    nameless: Seen,
    /// Who saw mail there with SPF of header From's own domain. Addresses are shared: that is not another's for what else comes from
    /// there, unless the machine is a provider's.
    own_spf: Seen,
}

impl Names {
    fn one(&self) -> Option<SenderNumber> {
        let (name, own) = match self.firm {
            Some(sender) if !self.several_firm => (Some(sender), self.own_spf.by_several()),
            None if !self.several_lone && !self.nameless.by_several() => (self.lone, self.own_spf != Seen::Never),
            _ => return None,
        };
        name.filter(|sender| !own || is_provider(sender))
    }
}

/// The senders that other records name for weakly named addresses and their networks.
fn better_names(
    namer: &Namer<'_>,
    senders: &[SenderNumber],
    seen: &[Seen],
    pairs: impl Fn(&mut dyn FnMut(IpAddr, u32)),
) -> FxHashMap<At, Names> {
    let mut names: FxHashMap<At, Names> = FxHashMap::default();
    let mut seen_of: FxHashMap<(i64, SenderNumber), Seen> = FxHashMap::default();
    for (at, unit) in namer.units.iter().enumerate() {
        match address(unit) {
            Some(ip) if unit.by.is_weak() => {
                for place in [ip, network(ip)] {
                    let names = names.entry((unit.from, place)).or_default();
                    names.nameless.add(seen[at]);
                    if unit.own_spf {
                        names.own_spf.add(seen[at]);
                    }
                }
            }
            _ => seen_of.entry((unit.from, senders[at])).or_default().add(seen[at]),
        }
    }
    pairs(&mut |ip, unit| {
        let Some(of) = namer.units.get(unit as usize).filter(|unit| !unit.by.is_weak() && unit.by != NamedBy::Nothing)
        else {
            return;
        };
        let sender = senders[unit as usize];
        for place in [(of.from, ip), (of.from, network(ip))] {
            let Some(known) = names.get_mut(&place) else {
                continue;
            };
            let firm = seen_of.get(&(of.from, sender)).is_some_and(|seen| seen.by_several());
            let (name, several) = if firm {
                (&mut known.firm, &mut known.several_firm)
            } else {
                (&mut known.lone, &mut known.several_lone)
            };
            *several |= *name.get_or_insert(sender) != sender;
        }
    });
    names
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
