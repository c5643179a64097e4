//! What the records of a window add up to, while they are gone through: by report, sender group and kind, and by identity,
//! address and state.
//!
//! The look-ups by address miss the caches of the processor nearly every time. In a loop of their own over a batch of
//! records many of them are under way at once, which makes them several times as fast as one by one between other work.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use rustc_hash::FxHashMap;

use super::naming::{AuthIdentity, Knowledge, SenderGroups};
use super::sighting::Sighting;
use super::tally::Entry;
use super::witnesses::Witnesses;
use crate::alignment::{DkimState, ForwardingReasons};
use crate::report::period::Day;

/// In a [`PairKey`], behind the address (32 bits), the states (4) and the family (2).
const WHO_SHIFT: u32 = 38;
const FAMILY_SHIFT: u32 = 36;
const STATES_SHIFT: u32 = 32;
const V4: u64 = 0;
const V6: u64 = 1;
const NO_ADDRESS: u64 = 2;

/// The identity (26 bits), the DKIM state, whether SPF aligns, and the address, in one number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct PairKey(u64);

impl PairKey {
    /// Without an address.
    pub(super) fn new(identity: u32, dkim: DkimState, spf_aligned: bool) -> Self {
        let states = u64::from(dkim.code()) << 1 | u64::from(spf_aligned);
        PairKey(u64::from(identity) << WHO_SHIFT | NO_ADDRESS << FAMILY_SHIFT | states << STATES_SHIFT)
    }

    #[inline]
    fn at(self, family: u64, number: u32) -> Self {
        PairKey(self.0 & !(3 << FAMILY_SHIFT) | family << FAMILY_SHIFT | u64::from(number))
    }

    #[inline]
    pub(super) fn identity(self) -> u32 {
        (self.0 >> WHO_SHIFT) as u32
    }

    /// The code of the DKIM state, and whether SPF aligns.
    fn states(self) -> (u8, bool) {
        ((self.0 >> (STATES_SHIFT + 1) & 7) as u8, self.0 >> STATES_SHIFT & 1 == 1)
    }
}

/// Addresses in 32 bits: an IPv4 address is its own number, and IPv6 addresses are numbered as they come.
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

/// A record of the window that is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    pub(super) key: PairKey,
    pub(super) messages: u64,
    /// See [`Tally::report`](super::tally::Tally::report).
    pub(super) report: u32,
    pub(super) kind: u32,
    /// The number of who reports it, see [`Met::operator`](super::witnesses::Met::operator), and the day.
    pub(super) mark: (u32, Day),
}

/// Whether receivers spared mail, see [`ForwardingReasons`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Excuse {
    /// As forwarded, in whatever way.
    pub(super) any: bool,
    /// As that of a mailing list.
    pub(super) as_list: bool,
    /// As handed on by a forwarder and no list (`forwarded`, RFC 9990 §3.1.5). The memory does not keep it.
    pub(super) as_forwarded: bool,
}

impl Excuse {
    pub(super) fn of(reasons: ForwardingReasons) -> Self {
        let as_list = reasons.mailing_list;
        Excuse { any: reasons.any(), as_list, as_forwarded: reasons.forwarded && !as_list }
    }
}

/// Messages that one reporter saw of a group on one day; there may be several of one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) messages: u64,
    pub(super) day: Day,
    /// Who reports, behind the excuse in two bits.
    reporter: u32,
}

/// How a cell has the excuses that say more than that there is one.
const AS_FORWARDED: u32 = 2;
const AS_LIST: u32 = 3;

impl Cell {
    pub(super) fn new(day: Day, reporter: u32, excuse: Excuse, messages: u64) -> Self {
        let excuse = match excuse {
            Excuse { as_list: true, .. } => AS_LIST,
            Excuse { as_forwarded: true, .. } => AS_FORWARDED,
            Excuse { any, .. } => u32::from(any),
        };
        Cell { messages, day, reporter: reporter << 2 | excuse }
    }

    /// Who reports.
    pub(super) fn reporter(&self) -> u32 {
        self.reporter >> 2
    }

    pub(super) fn excuse(&self) -> Excuse {
        let excuse = self.reporter & 3;
        Excuse { any: excuse != 0, as_list: excuse == AS_LIST, as_forwarded: excuse == AS_FORWARDED }
    }
}

/// Mail that is evidence only.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evidence {
    key: PairKey,
    pub(super) group: u32,
    /// Where its cells end.
    cells_end: u32,
}

/// Records, in the order of their reports, and what they name for the first time.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) records: Vec<Record>,
    /// Evidence that is not asked for itself; each with where its cells end.
    pub(super) evidence: Vec<(PairKey, usize)>,
    pub(super) cells: Vec<Cell>,
    pub(super) identities: Vec<AuthIdentity>,
    pub(super) v6: Vec<Ipv6Addr>,
}

impl Batch {
    pub(super) fn len(&self) -> usize {
        self.records.len() + self.evidence.len()
    }
}

/// Messages from one address, of one DKIM state and with SPF aligned or not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    /// Of the window and asked for.
    pub(super) messages: u64,
    pub(super) group: u32,
    /// Who saw those, and when.
    pub(super) seen: Sighting,
}

/// The sums.
#[derive(Debug)]
pub(super) struct Sums<'k> {
    pub(super) groups: SenderGroups<'k>,
    /// What records show apart from their address.
    pub(super) identities: Vec<AuthIdentity>,
    v6: Vec<Ipv6Addr>,
    /// Of the window and asked for.
    pairs: FxHashMap<PairKey, Pair>,
    /// Evidence only: hardly any two are of one address and show the same.
    pub(super) evidence: Vec<Evidence>,
    /// For each kind, the entry that it was added to last.
    last_entry: Vec<u32>,
    /// Of the window and asked for, in the order of the reports.
    pub(super) entries: Vec<Entry>,
    /// For each entry, its group.
    pub(super) groups_of_entries: Vec<u32>,
    /// What was seen of the evidence, one after the other; in the order of the days within a group.
    cells: Vec<Cell>,
    /// The group of each record of the batch.
    groups_of_batch: Vec<u32>,
}

impl<'k> Sums<'k> {
    pub(super) fn new(knowledge: Knowledge<'k>) -> Self {
        Sums {
            groups: SenderGroups::new(knowledge),
            identities: Vec::new(),
            v6: Vec::new(),
            pairs: FxHashMap::default(),
            evidence: Vec::new(),
            last_entry: Vec::new(),
            entries: Vec::new(),
            groups_of_entries: Vec::new(),
            cells: Vec::new(),
            groups_of_batch: Vec::new(),
        }
    }

    /// Adds records, and empties the batch.
    pub(super) fn add(&mut self, batch: &mut Batch) {
        self.identities.append(&mut batch.identities);
        self.v6.append(&mut batch.v6);
        self.groups_of_batch.clear();
        for record in &batch.records {
            let add = |pair: &mut Pair| {
                if record.messages > 0 {
                    pair.messages += record.messages;
                    pair.seen.add(record.mark.0, record.mark.1);
                }
                pair.group
            };
            let group = match self.pairs.get_mut(&record.key) {
                Some(pair) => add(pair),
                None => add(self.add_pair(record.key)),
            };
            self.groups_of_batch.push(group);
        }
        for (record, &group) in batch.records.iter().zip(&self.groups_of_batch) {
            let kind = record.kind as usize;
            if kind >= self.last_entry.len() {
                self.last_entry.resize(kind + 1, u32::MAX);
            }
            let last = self.last_entry[kind] as usize;
            if let Some(entry) = self.entries.get_mut(last)
                && (entry.report, self.groups_of_entries[last], entry.kind) == (record.report, group, record.kind)
            {
                entry.messages += record.messages;
                continue;
            }
            self.last_entry[kind] = self.entries.len() as u32;
            self.entries.push(Entry { messages: record.messages, report: record.report, kind: record.kind });
            self.groups_of_entries.push(group);
        }
        self.groups_of_batch.clear();
        let begin = self.cells.len();
        for &(key, end) in &batch.evidence {
            let (ip, identity) = (self.address(key), key.identity());
            let group = self.groups.group(identity, &self.identities[identity as usize], ip);
            self.evidence.push(Evidence { key, group, cells_end: (begin + end) as u32 });
        }
        self.cells.append(&mut batch.cells);
        batch.records.clear();
        batch.evidence.clear();
    }

    #[cold]
    fn add_pair(&mut self, key: PairKey) -> &mut Pair {
        let ip = self.address(key);
        let identity = key.identity();
        let group = self.groups.group(identity, &self.identities[identity as usize], ip);
        self.pairs.entry(key).or_insert(Pair { messages: 0, group, seen: Sighting::default() })
    }

    /// Lets go of room that is only needed to add more records.
    pub(super) fn close(&mut self) {
        self.groups.close();
        self.identities.shrink_to_fit();
        self.v6.shrink_to_fit();
        self.evidence.shrink_to_fit();
        self.cells.shrink_to_fit();
        self.entries.shrink_to_fit();
        self.groups_of_entries.shrink_to_fit();
        (self.last_entry, self.groups_of_batch) = (Vec::new(), Vec::new());
    }

    /// Lets go of what only roles were told by.
    pub(super) fn forget_cells(&mut self) {
        self.cells = Vec::new();
    }

    /// What was seen of the evidence of a number.
    pub(super) fn cells(&self, evidence: usize) -> &[Cell] {
        let begin = evidence.checked_sub(1).map_or(0, |before| self.evidence[before].cells_end);
        &self.cells[begin as usize..self.evidence[evidence].cells_end as usize]
    }

    /// Gives the entries away, once they are arranged.
    pub(super) fn take_entries(&mut self) -> Vec<Entry> {
        self.groups_of_entries = Vec::new();
        std::mem::take(&mut self.entries)
    }

    /// Puts witnesses in the place of the reporters that were met.
    pub(super) fn settle_witnesses(&mut self, witnesses: &Witnesses) {
        for cell in &mut self.cells {
            *cell = Cell::new(cell.day, witnesses.of[cell.reporter() as usize], cell.excuse(), cell.messages);
        }
        for pair in self.pairs.values_mut() {
            pair.seen = pair.seen.settled(&witnesses.of_operators, witnesses.unchecked);
        }
    }

    fn address(&self, key: PairKey) -> Option<IpAddr> {
        let number = key.0 as u32;
        match key.0 >> FAMILY_SHIFT & 3 {
            V4 => Some(IpAddr::V4(number.into())),
            V6 => self.v6.get(number as usize).map(|&v6| IpAddr::V6(v6)),
            _ => None,
        }
    }

    /// The group of a key that was seen.
    pub(super) fn group(&self, key: PairKey) -> Option<u32> {
        self.pairs.get(&key).map(|pair| pair.group)
    }

    /// Every pair of the window with who it is of, in no order.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (u32, Pair)> {
        self.pairs.iter().map(|(&key, &pair)| (key.identity(), pair))
    }

    /// The address and the group of all mail, evidence included, in no order, with its messages of the window; there may be several
    /// of the same.
    pub(super) fn parts(&self) -> impl Iterator<Item = (Option<IpAddr>, u32, u64)> {
        let pairs = self.pairs.iter().map(|(&key, pair)| (self.address(key), pair.group, pair.messages));
        pairs.chain(self.evidence.iter().map(|one| (self.address(one.key), one.group, 0)))
    }

    /// Every pair with messages that has an address, in no order: the address, the code of the DKIM state and whether SPF
    /// aligns.
    pub(super) fn addresses(&self) -> impl Iterator<Item = (IpAddr, (u8, bool), Pair)> {
        let seen = self.pairs.iter().filter(|(_, pair)| pair.messages > 0);
        seen.filter_map(|(&key, &pair)| Some((self.address(key)?, key.states(), pair)))
    }
}
