//! Records that show nothing by themselves: a null reverse-path, and reporters that hide what decides.

use std::collections::HashMap;

use super::decide::{Author, Decision};
use super::gather::Gathered;
use crate::query::naming::Sender;
use crate::role::Role;
use crate::witness::Seen;

/// What is decided on mail of one header From from one sender: each with who saw mail of it.
#[derive(Default)]
struct Decided(Vec<(Decision, Seen)>);

impl Decided {
    fn add(&mut self, decision: Decision, seen: Seen) {
        match self.0.iter_mut().find(|(known, _)| *known == decision) {
            Some((_, known)) => known.extend(seen),
            None => self.0.push((decision, seen)),
        }
    }

    /// Who saw mail without a role.
    fn unknown(&self) -> Seen {
        let mut unknown = Seen::default();
        let without = self.0.iter().filter(|(decision, _)| decision.role == Role::Unknown);
        without.for_each(|(_, seen)| unknown.extend(*seen));
        unknown
    }

    /// The one role that there is among some.
    fn only(&self, wanted: impl Fn(&Decision, Seen) -> bool) -> Option<(Decision, Seen)> {
        let mut of = self.0.iter().filter(|(decision, seen)| wanted(decision, *seen));
        let (mut one, mut seen) = *of.next()?;
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
}

/// The machine: an address, whatever is authenticated there, or the provider that it is of.
fn machine(gathered: &Gathered<'_>, at: usize) -> Sender {
    match (gathered.sender(at), gathered.unit(at).sender) {
        (Sender::Organization(_), address) => address,
        (sender, _) => sender,
    }
}

/// Lets units without a role join that of the others of the same header From and sender, where there is one only: the address
/// decides. At a provider, whose machines carry mail of many, only what hides who it is joins: a null reverse-path that of a
/// sender which is otherwise the owner's, and mail of which a reporter writes neither SPF nor a signature.
pub(super) fn settle(gathered: &Gathered<'_>, decisions: &mut [Decision]) {
    let mut found: HashMap<(i64, Sender), Decided> = HashMap::new();
    for (at, decision) in decisions.iter().enumerate() {
        let of = found.entry((gathered.who(at).from, machine(gathered, at))).or_default();
        of.add(*decision, gathered.seen(at));
    }
    for (at, decision) in decisions.iter_mut().enumerate() {
        let (who, machine) = (gathered.who(at), machine(gathered, at));
        let Some(of) = found.get(&(who.from, machine)) else {
            continue;
        };
        if matches!(decision.role, Role::Approved | Role::Denied) {
            continue;
        }
        let at_address = matches!(machine, Sender::Address(_));
        let hides = who.null || who.quiet && who.signed.is_empty();
        let joins = decision.role == Role::Unknown && (at_address || hides && machine != Sender::Nobody);
        // Bounces and replies of a sender that is otherwise the owner's, whatever account signs them.
        let of_owners = who.null && matches!(decision.role, Role::Unknown | Role::OtherAccount | Role::Service);
        let own = || {
            let of = of.only(|one, _| one.role == Role::Own && !one.behind).or_else(|| of.only(|one, _| one.owners));
            of.filter(|_| of_owners)
        };
        let told = || of.only(|one, _| one.role != Role::Unknown).filter(|_| joins);
        if let Some((settled, seen)) = own().or_else(told)
            // One reporter alone gives no role to what several saw without it.
            && (seen.by_several() || !of.unknown().by_several())
        {
            *decision = settled;
        } else if at_address && !gathered.seen(at).by_several() {
            // What one reporter says of an address, of which all others say one and the same, is its word against theirs.
            let known = *decision;
            let others = of.only(|one, seen| *one != known && seen.by_several());
            let mine = of.0.iter().find(|(one, _)| *one == known).is_some_and(|(_, seen)| !seen.by_several());
            if let Some((settled, _)) = others.filter(|_| mine) {
                *decision = settled;
            }
        }
    }
}
