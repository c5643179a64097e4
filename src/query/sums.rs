//! What the records of a window add up to, while they are gone through: by report, unit and kind, and by who, address and
//! state.
//!
//! The look-ups by address miss the caches of the processor nearly every time. In a loop of their own over a batch of
//! records many of them are under way at once, which makes them several times as fast as one by one between other work.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use rustc_hash::FxHashMap;

use super::naming::{Knowledge, Units, Who};
use super::tally::Entry;
use crate::alignment::DkimState;
use crate::report::period::Day;
use crate::witness::Seen;

/// In a [`PairKey`], behind the address (32 bits), the states (4) and the family (2).
const WHO_SHIFT: u32 = 38;
const FAMILY_SHIFT: u32 = 36;
const STATES_SHIFT: u32 = 32;
const V4: u64 = 0;
const V6: u64 = 1;
const NO_ADDRESS: u64 = 2;

/// Who, the DKIM state, whether SPF aligns, and the address, in one number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct PairKey(u64);

impl PairKey {
    /// Without an address.
    pub(super) fn new(who: u32, dkim: DkimState, spf_aligned: bool) -> Self {
        let states = u64::from(dkim.code()) << 1 | u64::from(spf_aligned);
        PairKey(u64::from(who) << WHO_SHIFT | NO_ADDRESS << FAMILY_SHIFT | states << STATES_SHIFT)
    }

    #[inline]
    fn at(self, family: u64, number: u32) -> Self {
        PairKey(self.0 & !(3 << FAMILY_SHIFT) | family << FAMILY_SHIFT | u64::from(number))
    }

    #[inline]
    pub(super) fn who(self) -> u32 {
        (self.0 >> WHO_SHIFT) as u32
    }

    /// The code of the DKIM state, and whether SPF aligns.
    fn states(self) -> (u8, bool) {
        ((self.0 >> (STATES_SHIFT + 1) & 7) as u8, self.0 >> STATES_SHIFT & 1 == 1)
    }
}

/// Addresses in 32 bits: those of the new form go by numbers.
#[derive(Debug, Default)]
pub(super) struct AddressNumbers {
    /// Senders choose these, so they are not hashed in a way that anybody foresees.
    v6: HashMap<u128, u32>,
}

impl AddressNumbers {
    /// The key with an address, and the address where its number is new.
    #[inline]
    pub(super) fn key(&mut self, base: PairKey, ip: Option<IpAddr>) -> (PairKey, Option<Ipv6Addr>) {
        match ip {
            Some(IpAddr::V4(v4)) => (base.at(V4, u32::from(v4)), None),
            Some(IpAddr::V6(v6)) => {
                let next = self.v6.len() as u32;
                let number = *self.v6.entry(u128::from(v6)).or_insert(next);
                (base.at(V6, number), (number == next).then_some(v6))
            }
            None => (base, None),
        }
    }

    /// The key with an address, unless its number was never given.
    pub(super) fn known(&self, base: PairKey, ip: Option<IpAddr>) -> Option<PairKey> {
        Some(match ip {
            Some(IpAddr::V4(v4)) => base.at(V4, u32::from(v4)),
            Some(IpAddr::V6(v6)) => base.at(V6, *self.v6.get(&u128::from(v6))?),
            None => base,
        })
    }
}

/// A record that is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    pub(super) key: PairKey,
    pub(super) messages: u64,
    /// See [`Tally::report`](super::tally::Tally::report).
    pub(super) report: u32,
    pub(super) kind: u32,
    /// It is of the window and asked for; else it is evidence only.
    pub(super) counted: bool,
    /// Who reports, and the day.
    pub(super) mark: (u32, Day),
}

/// Records, in the order of their reports, and what they name for the first time.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) records: Vec<Record>,
    pub(super) whos: Vec<Who>,
    pub(super) v6: Vec<Ipv6Addr>,
}

/// Messages from one address, of one DKIM state and with SPF aligned or not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    /// Of the window and asked for.
    pub(super) messages: u64,
    pub(super) unit: u32,
    /// Who saw those, and when.
    pub(super) seen: Seen,
}

/// The sums.
#[derive(Debug)]
pub(super) struct Sums<'k> {
    pub(super) units: Units<'k>,
    /// What records show apart from their address.
    pub(super) whos: Vec<Who>,
    v6: Vec<Ipv6Addr>,
    pairs: FxHashMap<PairKey, Pair>,
    /// By kind the entry that it was added to last.
    last_entry: Vec<u32>,
    /// Each with its unit, in the order of the reports.
    pub(super) entries: Vec<(u32, Entry)>,
    /// By record of the batch its unit.
    units_of_batch: Vec<u32>,
}

impl<'k> Sums<'k> {
    pub(super) fn new(knowledge: Knowledge<'k>) -> Self {
        Sums {
            units: Units::new(knowledge),
            whos: Vec::new(),
            v6: Vec::new(),
            pairs: FxHashMap::default(),
            last_entry: Vec::new(),
            entries: Vec::new(),
            units_of_batch: Vec::new(),
        }
    }

    /// Adds records, and empties the batch.
    pub(super) fn add(&mut self, batch: &mut Batch) {
        self.whos.append(&mut batch.whos);
        self.v6.append(&mut batch.v6);
        self.units_of_batch.clear();
        for record in &batch.records {
            let unit = match self.pairs.get_mut(&record.key) {
                Some(pair) => {
                    if record.counted && record.messages > 0 {
                        pair.messages += record.messages;
                        pair.seen.add(record.mark.0, record.mark.1);
                    }
                    pair.unit
                }
                None => self.add_pair(record),
            };
            self.units_of_batch.push(unit);
        }
        for (record, &unit) in batch.records.iter().zip(&self.units_of_batch) {
            let kind = record.kind as usize;
            if kind >= self.last_entry.len() {
                self.last_entry.resize(kind + 1, u32::MAX);
            }
            if let Some(entry) = self.entries.get_mut(self.last_entry[kind] as usize)
                && (entry.1.report, entry.0, entry.1.kind) == (record.report, unit, record.kind)
            {
                entry.1.messages += record.messages;
                continue;
            }
            self.last_entry[kind] = self.entries.len() as u32;
            let entry = Entry { messages: record.messages, report: record.report, kind: record.kind };
            self.entries.push((unit, entry));
        }
        batch.records.clear();
    }

    #[cold]
    fn add_pair(&mut self, record: &Record) -> u32 {
        let ip = self.address(record.key);
        let who = record.key.who();
        let unit = self.units.unit(who, &self.whos[who as usize], ip);
        let mut pair = Pair { messages: 0, unit, seen: Seen::default() };
        if record.counted && record.messages > 0 {
            pair.messages = record.messages;
            pair.seen.add(record.mark.0, record.mark.1);
        }
        self.pairs.insert(record.key, pair);
        unit
    }

    fn address(&self, key: PairKey) -> Option<IpAddr> {
        let number = key.0 as u32;
        match key.0 >> FAMILY_SHIFT & 3 {
            V4 => Some(IpAddr::V4(number.into())),
            V6 => self.v6.get(number as usize).map(|&v6| IpAddr::V6(v6)),
            _ => None,
        }
    }

    /// The unit of a key that was seen.
    pub(super) fn unit(&self, key: PairKey) -> Option<u32> {
        self.pairs.get(&key).map(|pair| pair.unit)
    }

    /// Every pair with who it is of, in no order.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (u32, Pair)> {
        self.pairs.iter().map(|(&key, &pair)| (key.who(), pair))
    }

    /// Every pair with its address, those of the memory before the window included, in no order.
    pub(super) fn parts(&self) -> impl Iterator<Item = (Option<IpAddr>, Pair)> {
        self.pairs.iter().map(|(&key, &pair)| (self.address(key), pair))
    }

    /// Every pair of the window that has an address, in no order: the address, the code of the DKIM state and whether SPF aligns.
    pub(super) fn addresses(&self) -> impl Iterator<Item = (IpAddr, (u8, bool), Pair)> {
        self.addresses_seen().filter(|(_, _, pair)| pair.messages > 0)
    }

    /// The same with those of the memory before the window.
    pub(super) fn addresses_seen(&self) -> impl Iterator<Item = (IpAddr, (u8, bool), Pair)> {
        self.pairs.iter().filter_map(|(&key, &pair)| Some((self.address(key)?, key.states(), pair)))
    }
}
