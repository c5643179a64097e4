//! Records that show nothing by themselves: a null reverse-path, and reporters that hide what decides.

use rustc_hash::FxHashMap;

use super::decide::{Author, Decision};
use super::gather::Gathered;
use super::numbers;
use crate::parallel;
use crate::query::grouped::Grouped;
use crate::query::naming::Sender;
use crate::role::Role;
use crate::witness::Seen;

/// What is decided on mail of one header From from one sender: each with who saw mail of it. Of more than [`MOST`] the rest is
/// left out.
#[derive(Default)]
struct Decided(Vec<(Decision, Seen)>);

/// A machine that stands for more is nobody's alone: what a reporter hides there is not settled by the others.
const MOST: usize = 256;

impl Decided {
    fn add(&mut self, decision: Decision, seen: Seen) {
        if let Some((_, known)) = self.0.iter_mut().find(|(known, _)| *known == decision) {
            known.extend(seen);
        } else if self.0.len() <= MOST {
            if self.0.is_empty() {
                // Mostly it is one thing, at each of hundreds of thousands of addresses.
                self.0.reserve_exact(1);
            }
            self.0.push((decision, seen));
        }
    }

    /// Who saw mail without a role.
    fn unknown(&self) -> Seen {
        let mut unknown = Seen::default();
        let without = self.0.iter().filter(|(decision, _)| decision.role == Role::Unknown);
        without.for_each(|(_, seen)| unknown.extend(*seen));
        unknown
    }

    /// The one role that there is among some; what one reporter alone says is none where several agree on another.
    fn only(&self, wanted: impl Fn(&Decision, Seen) -> bool) -> Option<(Decision, Seen)> {
        if self.0.len() > MOST {
            return None;
        }
        let wanted = || self.0.iter().filter(|(decision, seen)| wanted(decision, *seen));
        let agreed = wanted().any(|(_, seen)| seen.by_several());
        let mut of = wanted().filter(|(_, seen)| !agreed || seen.by_several());
        let (mut one, mut seen) = of.next().copied()?;
        for (other, by) in of {
            if (other.role, other.behind, other.entry) != (one.role, one.behind, one.entry) {
                return None;
            }
            if other.author != one.author {
                // The owner's mail with and without the account's signature.
                one.author = if one.role == Role::Own { Author::Owner } else { return None };
            }
            if matches!(other.sender, Sender::Address(_)) {
                one.sender = other.sender;
            }
            seen.extend(*by);
        }
        Some((one, seen))
    }

    /// The one role that mail has which has any.
    fn told(&self) -> Option<(Decision, Seen)> {
        self.only(|one, _| one.role != Role::Unknown)
    }

    /// A decision for mail without a role, unless one reporter alone gives it what several saw without.
    fn agrees(&self, (decision, seen): (Decision, Seen)) -> Option<Decision> {
        seen.counts_in(self.unknown()).then_some(decision)
    }
}

/// The machine: an address, whatever is authenticated there, or the provider that it is of.
fn machine(gathered: &Gathered<'_>, at: usize) -> Sender {
    match (gathered.sender(at), gathered.group(at).sender) {
        (Sender::Organization(_), address) => address,
        (sender, _) => sender,
    }
}

/// The same in one number.
fn machine_number(gathered: &Gathered<'_>, at: usize) -> u64 {
    numbers::code(machine(gathered, at), gathered.group(at))
}

/// What becomes of the groups of one header From and machine.
#[derive(Default)]
struct Settled {
    /// Groups, each with what it is instead.
    decisions: Vec<(usize, Decision)>,
    /// Groups that what is decided at their address may settle, each with what the others of the machine settle else.
    hidden: Vec<(usize, Option<Decision>)>,
}

impl Settled {
    /// Nothing where all is as it was decided: of hundreds of thousands of machines nearly always.
    fn of(
        gathered: &Gathered<'_>,
        decisions: &[Decision],
        groups: impl Iterator<Item = usize> + Clone,
    ) -> Option<Box<Self>> {
        let (mut of, mut settled) = (Decided::default(), Settled::default());
        groups.clone().for_each(|at| of.add(decisions[at], gathered.seen(at)));
        for at in groups {
            let (identity, machine, decision) = (gathered.identity(at), machine(gathered, at), decisions[at]);
            if matches!(decision.role, Role::Approved | Role::Denied) {
                continue;
            }
            let at_address = matches!(machine, Sender::Address(_));
            // Bounces and replies of a sender that is otherwise the owner's, whatever account signs them.
            let of_owners =
                identity.null && matches!(decision.role, Role::Unknown | Role::OtherAccount | Role::Service);
            let own = || {
                let own = of.only(|one, _| one.role == Role::Own && !one.behind);
                own.or_else(|| of.only(|one, _| one.owners.is_some()))
            };
            let own = || of_owners.then(own).flatten();
            // What shows nothing that an entry asks for is of the sender that the entry names, if it is of the same author.
            let author = decision.owners;
            let named = || author.and_then(|_| of.only(|one, _| one.role == Role::Approved && one.owners == author));

            let joins = decision.role == Role::Unknown && (at_address || identity.null && machine != Sender::Nobody);
            let told = || joins.then(|| of.told()).flatten();
            if let Some((named, _)) = named() {
                settled.decisions.push((at, named));
            } else if let Some(joined) = own().or_else(told).and_then(|told| of.agrees(told)) {
                settled.decisions.push((at, joined));
            } else if at_address && !gathered.seen(at).by_several() {
                // What one reporter says of an address, of which all others say one and the same, is its word against theirs.
                let others = of.only(|one, seen| *one != decision && seen.by_several());
                let mine = of.0.iter().any(|(one, seen)| *one == decision && !seen.by_several());
                settled.decisions.extend(others.filter(|_| mine).map(|(others, _)| (at, others)));
            } else if matches!(decision.role, Role::Unknown | Role::Service) && gathered.group(at).by_address {
                // A service's machines carry mail of many: there the address alone decides.
                let others = if decision.role == Role::Unknown { of.told() } else { None };
                settled.hidden.push((at, others.and_then(|told| of.agrees(told))));
            }
        }
        let changes = !settled.decisions.is_empty() || !settled.hidden.is_empty();
        changes.then(|| Box::new(settled))
    }
}

/// Lets groups without a role join that of the others of the same header From and sender, where there is one only: the address
/// decides. At a provider, whose machines carry mail of many, only what hides who it is joins: a null reverse-path that of a
/// sender which is otherwise the owner's, and mail of which a reporter writes neither SPF nor a signature that of its address, or
/// else that of the sender.
pub(super) fn settle(gathered: &Gathered<'_>, decisions: &mut [Decision]) {
    let mut numbers = FxHashMap::default();
    let mut number = |at| {
        let next = numbers.len() as u32;
        *numbers.entry((gathered.identity(at).from, machine_number(gathered, at))).or_insert(next)
    };
    let of_groups: Vec<u32> = (0..decisions.len()).map(&mut number).collect();
    let by_machine = Grouped::of(of_groups.iter().copied().zip(0_u32..), numbers.len());
    let known = &*decisions;
    let settled = parallel::map(numbers.len(), |number| {
        Settled::of(gathered, known, by_machine.of_group(number).iter().map(|&at| at as usize))
    });
    let mut hidden: Vec<(usize, Option<Decision>)> = Vec::new();
    for of_machine in settled.into_iter().flatten() {
        of_machine.decisions.into_iter().for_each(|(at, settled)| decisions[at] = settled);
        hidden.extend(of_machine.hidden);
    }
    let at_addresses = at_addresses(gathered, decisions, hidden.iter().map(|one| one.0));
    for (at, by_machine) in hidden {
        let (identity, address) = (gathered.identity(at), gathered.group(at).address_number);
        let of_address = address.and_then(|address| at_addresses.get(&(identity.from, address)));
        let by_address = of_address.and_then(|of| of.agrees(of.told()?));
        decisions[at] = by_address.or(by_machine).unwrap_or(decisions[at]);
    }
}

/// What is decided on mail of a header From at the addresses of some groups, by the numbers of the addresses.
fn at_addresses(
    gathered: &Gathered<'_>,
    decisions: &[Decision],
    of: impl Iterator<Item = usize>,
) -> FxHashMap<(i64, u32), Decided> {
    let groups = &gathered.ground.sums.groups;
    let place = |at: usize| Some((gathered.identity(at).from, gathered.group(at).address_number?));
    let mut found: FxHashMap<(i64, u32), Decided> =
        of.filter_map(|at| Some((place(at)?, Decided::default()))).collect();
    if !found.is_empty() {
        for (address, group, _) in gathered.ground.sums.parts() {
            let at = group as usize;
            let address = address.and_then(|address| groups.address_number(address));
            if let Some(of) = address.and_then(|address| found.get_mut(&(gathered.identity(at).from, address))) {
                of.add(decisions[at], gathered.seen(at));
            }
        }
    }
    found
}
