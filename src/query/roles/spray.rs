//! Throw-away names: many organizations at once that SPF authenticates, each for a few messages under one header From.
//!
//! A spoofer who buys names by the dozen gives each an SPF record that passes. One of them looks like a small service; all of them
//! together are a burst, and nobody has to decide about each.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::gather::Gathered;
use crate::report::period::Day;

/// The organizations on one day that make a spray.
const NAMES: usize = 20;
/// A throw-away name that signs, too, is used for no longer than this.
const DAYS: Day = 7;
/// One that is used for less than this many days is one however much it sends.
const BRIEF: Day = 2;

#[derive(Default)]
struct Name {
    /// For each day, who saw it.
    days: BTreeMap<Day, BTreeSet<u32>>,
    messages: u64,
    signs: bool,
}

impl Name {
    /// Whether it may be one of many: seen for a day or two, or less than a hundredth of the mail and nothing that signs for long.
    fn is_small(&self, all: u64) -> bool {
        let span = self.days.first_key_value().zip(self.days.last_key_value());
        let lasts = |days: Day| span.is_some_and(|((first, _), (last, _))| last.saturating_sub(*first) >= days);
        !lasts(BRIEF) || self.messages.saturating_mul(100) < all && !(self.signs && lasts(DAYS))
    }
}

/// Header From's organization and the sprayed one, of each: twenty or more on one day at addresses that nothing catalogued runs.
/// No reporter alone makes a spray: half of the names are seen without the one that alone saw most.
pub(super) fn sprayed(gathered: &Gathered<'_>) -> HashSet<(u32, u32)> {
    let mut names: HashMap<(u32, u32), Name> = HashMap::new();
    let mut all: HashMap<u32, u64> = HashMap::new();
    for at in 0..gathered.len() {
        let identity = gathered.identity(at);
        let messages = gathered.messages(at);
        let sum = all.entry(identity.organization).or_default();
        *sum = sum.saturating_add(messages);
        let Some(by) = gathered.own(at).spf_of_other.filter(|_| gathered.kind(at).is_none()) else {
            continue;
        };
        let name = names.entry((identity.organization, by)).or_default();
        name.messages = name.messages.saturating_add(messages);
        name.signs |= identity.signed.iter().any(|one| one.verified);
        for cell in gathered.cells(at) {
            name.days.entry(cell.day).or_default().insert(cell.reporter);
        }
    }
    names.retain(|(from, _), name| name.is_small(all.get(from).copied().unwrap_or(0)));
    // By day how many there are, and how many one reporter alone saw.
    let mut on_days: HashMap<(u32, Day), (usize, HashMap<u32, usize>)> = HashMap::new();
    for ((from, _), name) in &names {
        for (&day, reporters) in &name.days {
            let (number, alone) = on_days.entry((*from, day)).or_default();
            *number += 1;
            if let (1, Some(&only)) = (reporters.len(), reporters.first()) {
                *alone.entry(only).or_default() += 1;
            }
        }
    }
    let is_spray = |from: u32, day: Day| {
        on_days.get(&(from, day)).is_some_and(|(number, alone)| {
            let by_several = gathered.whole(from).by_several();
            let most = if by_several { alone.values().copied().max().unwrap_or(0) } else { 0 };
            *number >= NAMES && number - most >= NAMES / 2
        })
    };
    let is_sprayed = |(from, name): (u32, &Name)| name.days.keys().any(|&day| is_spray(from, day));
    names.iter().filter(|(key, name)| is_sprayed((key.0, name))).map(|(key, _)| *key).collect()
}
