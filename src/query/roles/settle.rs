//! Records that show nothing by themselves: a null reverse-path, and reporters that hide what decides.

use std::collections::HashMap;

use super::decide::{Author, Decision};
use super::gather::Gathered;
use crate::query::naming::Sender;
use crate::role::Role;
use crate::witness::Seen;

/// What is decided on mail of one header From from one sender.
#[derive(Default)]
struct Decided {
    /// Each with who saw mail of it.
    decisions: Vec<(Decision, Seen)>,
    unknown: Seen,
}

impl Decided {
    fn add(&mut self, decision: Decision, seen: Seen) {
        if decision.role == Role::Unknown {
            self.unknown.extend(seen);
            return;
        }
        match self.decisions.iter_mut().find(|(known, _)| *known == decision) {
            Some((_, known)) => known.extend(seen),
            None => self.decisions.push((decision, seen)),
        }
    }

    /// The one role that there is.
    fn only(&self) -> Option<(Decision, Seen)> {
        let (first, mut seen) = *self.decisions.first()?;
        let mut author = first.author;
        for (other, by) in &self.decisions[1..] {
            if (other.role, other.behind) != (first.role, first.behind) {
                return None;
            }
            if other.author != author {
                // The owner's mail with and without the account's signature.
                author = if first.role == Role::Own { Author::Owner } else { return None };
            }
            seen.extend(*by);
        }
        Some((Decision { author, ..first }, seen))
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
    for (at, decision) in decisions.iter_mut().enumerate().filter(|(_, decision)| decision.role == Role::Unknown) {
        let (who, sender) = (gathered.who(at), machine(gathered, at));
        let Some(of) = found.get(&(who.from, sender)) else {
            continue;
        };
        let joins = match sender {
            Sender::Address(_) => true,
            Sender::Provider(_) => who.null || who.quiet && who.signed.is_empty(),
            Sender::Organization(_) | Sender::Nobody => false,
        };
        let own = || of.decisions.iter().find(|(decision, _)| decision.role == Role::Own && !decision.behind);
        let null = || {
            own().filter(|_| who.null).map(|(decision, seen)| (Decision { author: Author::Owner, ..*decision }, *seen))
        };
        if joins && let Some((settled, seen)) = of.only().or_else(null)
            // One reporter alone gives no role to what several saw without it.
            && (seen.by_several() || !of.unknown.by_several())
        {
            *decision = settled;
        }
    }
}
