//! A service's default domain names no author, nor does a vendor's reverse-path without any signature: which mail that shows
//! nothing else is of the owner's account there.
//!
//! One account may send some of its mail set up and some not, be set up later, or lose what was set up: the same path all along.
//! That it is the same account shows by the addresses, where an account has some of its own, or by the days, where one kind of
//! mail gives way to the other. Others' accounts at a service where the owner has one share neither. What an uncatalogued vendor
//! signs as itself alone is of the owner's account where both show it: a vendor's machines may be those of all its customers. What
//! carries the owner's signature, though it fails, is of an account that was set up for the domain, as the owner's is.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::decide::{Author, Decision};
use super::gather::Gathered;
use crate::providers::Kind;
use crate::query::naming::Sender;
use crate::query::tally::Days;
use crate::report::period::Day;
use crate::role::Role;
use crate::witness::Seen;

/// From this share of its addresses on, mail comes from where the owner's comes from.
const NEARLY_ALL: f64 = 0.8;
/// Mail that gives way to other mail may be seen for this many days longer: it waits in queues, and days have other borders elsewhere.
const OVERLAP: Day = 2;

/// A header From at a service or a vendor's machine.
type Place = (i64, Sender);

/// Mail of one kind at a place.
#[derive(Default)]
struct Stream {
    groups: Vec<usize>,
    seen: Seen,
    days: HashMap<u32, Days>,
}

impl Stream {
    fn add(&mut self, gathered: &Gathered<'_>, at: usize) {
        self.groups.push(at);
        self.seen.extend(gathered.seen(at));
        for one in gathered.reporters(at) {
            self.days.entry(one.reporter).or_default().extend(one.days);
        }
    }

    fn gives_way_to(&self, other: &Stream) -> bool {
        era(&self.days).zip(era(&other.days)).is_some_and(|(own, other)| other.0 >= own.1.saturating_sub(OVERLAP))
    }

    /// Whether its mail, seen on one day only, ends other mail or is what that gave way to, at several reporters.
    fn replaces(&self, other: &Stream, addresses: &HashMap<usize, HashSet<IpAddr>>) -> bool {
        let gives_way = self.gives_way_to(other) || other.gives_way_to(self);
        self.seen.by_several() && gives_way && other.comes_from_where(self, addresses)
    }

    fn comes_from_where(&self, other: &Stream, addresses: &HashMap<usize, HashSet<IpAddr>>) -> bool {
        let all = |stream: &Stream| stream.groups.iter().filter_map(|at| addresses.get(at)).flatten().collect();
        let (own, other): (HashSet<&IpAddr>, HashSet<&IpAddr>) = (all(self), all(other));
        let common = own.intersection(&other).count();
        common > 0 && common as f64 >= NEARLY_ALL * own.len() as f64
    }
}

/// Of the days of each reporter the first and the last of all, by the word of two where there are two.
pub(super) fn era(reporters: &HashMap<u32, Days>) -> Option<(Day, Day)> {
    let first = second(reporters.values().map(|days| days.first).collect())?;
    let last = second(reporters.values().map(|days| -days.last).collect())?;
    Some((first, -last))
}

/// The second of some numbers in their order, or the only one.
fn second(mut numbers: Vec<Day>) -> Option<Day> {
    numbers.sort_unstable();
    numbers.get(1).or(numbers.first()).copied()
}

/// What mail at a place is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// The owner's.
    Owner,
    /// It shows no author.
    Nobody,
    /// The vendor signs it as itself, and nobody else does.
    Vendor,
    /// It carries signatures of the owner's that fail, by keys that are used nowhere else.
    Claimed,
}

/// The owner's mail at a place, and what may be of the same account.
#[derive(Default)]
struct Streams {
    own: Stream,
    default: Stream,
    vendors: Stream,
    claimed: Stream,
}

impl Streams {
    fn of(&mut self, of: Of) -> &mut Stream {
        match of {
            Of::Owner => &mut self.own,
            Of::Nobody => &mut self.default,
            Of::Vendor => &mut self.vendors,
            Of::Claimed => &mut self.claimed,
        }
    }

    /// All but the owner's.
    fn others(&self) -> [&Stream; 3] {
        [&self.default, &self.vendors, &self.claimed]
    }
}

/// What mail is, as far as it may be of the owner's account at a service or a vendor's machine.
fn is_of(gathered: &Gathered<'_>, at: usize, decision: &Decision) -> Option<Of> {
    let identity = gathered.identity(at);
    match decision.role {
        Role::Own => return (!decision.behind).then_some(Of::Owner),
        Role::Service if decision.entry.is_none() => {}
        _ => return None,
    }
    let signers = || identity.signed.iter().filter(|one| one.verified);
    let claimed = !gathered.own(at).signatures.is_empty();
    match (decision.sender, decision.author) {
        (Sender::Provider(_), Author::Nobody) if gathered.kind(at) == Some(Kind::Service) => {
            Some(if claimed { Of::Claimed } else { Of::Nobody })
        }
        (Sender::Address(_) | Sender::Organization(_), Author::Organization(vendor)) => {
            let vendors = signers().all(|one| one.organization == vendor);
            match (claimed, signers().next()) {
                (true, _) => vendors.then_some(Of::Claimed),
                (false, None) => Some(Of::Nobody),
                (false, Some(_)) => vendors.then_some(Of::Vendor),
            }
        }
        _ => None,
    }
}

/// Lets what shows no author join the owner's path at a service or a vendor's machine, where it is of the same account.
pub(super) fn join(gathered: &Gathered<'_>, decisions: &mut [Decision]) {
    let place = |at: usize, decision: &Decision| (gathered.identity(at).from, decision.sender);
    let mut places: HashMap<Place, Streams> = HashMap::new();
    // Few places have mail without an author: only there is the owner's looked at.
    for wanted in [false, true] {
        for (at, decision) in decisions.iter().enumerate() {
            let Some(of) = is_of(gathered, at, decision).filter(|of| (*of == Of::Owner) == wanted) else { continue };
            let place = place(at, decision);
            if !wanted {
                places.entry(place).or_default().of(of).add(gathered, at);
            } else if let Some(streams) = places.get_mut(&place) {
                streams.own.add(gathered, at);
            }
        }
    }
    places.retain(|_, streams| !streams.own.groups.is_empty());
    if places.is_empty() {
        return;
    }
    let groups = |streams: &Streams| {
        let others = streams.others().into_iter().flat_map(|stream| &stream.groups);
        others.chain(&streams.own.groups).copied().collect::<Vec<_>>()
    };
    let addresses = gathered.addresses_of(places.values().flat_map(groups));
    for streams in places.into_values() {
        let own = &streams.own;
        let whole = gathered.whole(gathered.identity(own.groups[0]).organization);
        let enough = own.seen.is_enough(whole);
        // What one reporter alone says, of the owner's mail or of the other, joins nothing, but where it leaves out the
        // signatures that all others see fail.
        let believed = |stream: &Stream| stream.seen.counts_in(whole);
        let replaced = |stream: &Stream| own.replaces(stream, &addresses);
        let claimed = enough && believed(&streams.claimed);
        let owners = || own.groups.iter().chain(streams.claimed.groups.iter().filter(|_| claimed)).copied();
        let default = |stream: &Stream| {
            let same = stream.comes_from_where(own, &addresses) || stream.gives_way_to(own) || own.gives_way_to(stream);
            (enough && same || replaced(stream)) && (believed(stream) || is_left_out(gathered, owners(), stream))
        };
        let vendors = |stream: &Stream| {
            let same = own.gives_way_to(stream) || stream.gives_way_to(own);
            (enough && same && stream.comes_from_where(own, &addresses) || replaced(stream)) && believed(stream)
        };
        let joins = [
            (default(&streams.default), &streams.default),
            (vendors(&streams.vendors), &streams.vendors),
            (claimed, &streams.claimed),
        ];
        let mut joined = decisions[own.groups[0]];
        if own.groups.iter().any(|&at| decisions[at].author != joined.author) {
            (joined.author, joined.owners) = (Author::Owner, Some(Author::Owner));
        }
        let joining = joins.into_iter().filter(|(joins, _)| *joins).flat_map(|(_, stream)| &stream.groups);
        joining.for_each(|&at| decisions[at] = joined);
    }
}

/// Whether one reporter shows mail without an author while several others see the owner's broken signatures on it, which this one
/// never shows: some leave out signatures whose key they cannot find.
fn is_left_out(gathered: &Gathered<'_>, owners: impl Iterator<Item = usize>, default: &Stream) -> bool {
    let mut broken = Stream::default();
    for at in owners {
        let evidence = gathered.own(at);
        if !evidence.signatures.is_empty() && !evidence.verified {
            broken.add(gathered, at);
        }
    }
    let shows_none = default.days.keys().all(|reporter| !broken.days.contains_key(reporter));
    let at_the_time = || {
        let (first, last) = era(&broken.days)?;
        Some(default.days.values().all(|days| days.first >= first - OVERLAP && days.last <= last + OVERLAP))
    };
    broken.seen.by_several() && shows_none && at_the_time().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(days: &[(u32, Day, Day)]) -> Stream {
        Stream {
            days: days.iter().map(|&(identity, first, last)| (identity, Days { first, last })).collect(),
            ..Stream::default()
        }
    }

    #[test]
    fn no_reporter_alone_says_when_mail_gave_way() {
        let before = stream(&[(1, 10, 20), (2, 11, 21), (3, 10, 40)]);
        let after = stream(&[(1, 21, 40), (2, 20, 40), (3, 5, 40)]);
        assert_eq!((era(&before.days), era(&after.days)), (Some((10, 21)), Some((20, 40))));
        assert!(before.gives_way_to(&after) && !after.gives_way_to(&before));
        assert!(!stream(&[(1, 10, 30), (2, 10, 30)]).gives_way_to(&after));
        assert!(!Stream::default().gives_way_to(&after));
    }
}
