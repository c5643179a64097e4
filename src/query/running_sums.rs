//! What records add up to while they are gone through, in batches, see [`Sums`].
//!
//! The look-ups by address miss the caches of the processor nearly every time. In a loop of their own over a batch of
//! records many of them are under way at once, which makes them several times as fast as one by one between other work.

use std::iter::repeat_n;
use std::net::Ipv6Addr;

use rustc_hash::FxHashMap;

use super::grouped::Grouped;
use super::naming::{AuthIdentity, Knowledge, SenderGroups};
use super::pair_key::{PairKey, V6Addresses};
use super::sighting::Sighting;
use super::sums::{Cell, Pair, Sums};
use super::tally::Entry;
use crate::parallel;
use crate::report::period::Day;

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

/// Records, in the order of their reports, and what they name for the first time.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) records: Vec<Record>,
    /// Evidence that is not asked for itself; each with how many cells it has.
    pub(super) evidence: Vec<(PairKey, u32)>,
    pub(super) cells: Vec<Cell>,
    pub(super) identities: Vec<AuthIdentity>,
    pub(super) v6: Vec<Ipv6Addr>,
}

impl Batch {
    pub(super) fn len(&self) -> usize {
        self.records.len() + self.evidence.len()
    }
}

/// Sums that records are added to.
pub(super) struct RunningSums<'k> {
    groups: SenderGroups<'k>,
    identities: Vec<AuthIdentity>,
    v6: V6Addresses,
    pairs: FxHashMap<PairKey, Pair>,
    evidence: Vec<(PairKey, u32)>,
    /// For each kind, the entry that it was added to last.
    last_entry: Vec<u32>,
    /// In the order of the reports, each with its group.
    entries: Vec<Entry>,
    groups_of_entries: Vec<u32>,
    /// What was seen of the evidence, one after the other, each with its group.
    cells: Vec<Cell>,
    groups_of_cells: Vec<u32>,
    /// The group of each record of the batch.
    groups_of_batch: Vec<u32>,
}

impl<'k> RunningSums<'k> {
    pub(super) fn new(knowledge: Knowledge<'k>) -> Self {
        RunningSums {
            groups: SenderGroups::new(knowledge),
            identities: Vec::new(),
            v6: V6Addresses::default(),
            pairs: FxHashMap::default(),
            evidence: Vec::new(),
            last_entry: Vec::new(),
            entries: Vec::new(),
            groups_of_entries: Vec::new(),
            cells: Vec::new(),
            groups_of_cells: Vec::new(),
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
        for &(key, cells) in &batch.evidence {
            let (ip, identity) = (self.v6.address(key), key.identity());
            let group = self.groups.group(identity, &self.identities[identity as usize], ip);
            self.evidence.push((key, group));
            self.groups_of_cells.extend(repeat_n(group, cells as usize));
        }
        self.cells.append(&mut batch.cells);
        batch.records.clear();
        batch.evidence.clear();
    }

    #[cold]
    fn add_pair(&mut self, key: PairKey) -> &mut Pair {
        let ip = self.v6.address(key);
        let identity = key.identity();
        let group = self.groups.group(identity, &self.identities[identity as usize], ip);
        self.pairs.entry(key).or_insert(Pair { messages: 0, group, seen: Sighting::default() })
    }

    /// All that was added, without what is only needed to add more.
    pub(super) fn close(mut self) -> Sums<'k> {
        self.groups.close();
        self.identities.shrink_to_fit();
        self.v6.close();
        self.evidence.shrink_to_fit();
        self.last_entry = Vec::new();
        let pairs: Vec<(PairKey, Pair)> = self.pairs.into_iter().collect();
        let groups = self.groups.list.len();
        let (entries, of_entries) = (self.entries, self.groups_of_entries);
        let (cells, of_cells) = (self.cells, self.groups_of_cells);
        let (entries, cells) = parallel::both(
            || {
                let mut entries = Grouped::where_they_are(entries, of_entries, groups);
                entries.each_mut(|of_group| of_group.sort_unstable_by_key(|entry| (entry.report, entry.kind)));
                entries
            },
            || Grouped::of(of_cells.iter().copied().zip(cells.iter().copied()), groups),
        );
        Sums::new(self.groups, self.identities, self.v6, pairs, self.evidence, entries, cells)
    }
}
