//! What the records of a window add up to: by report, sender group and kind, and by identity, address and state.

use std::net::IpAddr;
use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use super::grouped::Grouped;
use super::naming::{AuthIdentity, Knowledge, SenderGroups};
use super::pair_key::{PairKey, V6Addresses};
use super::sighting::Sighting;
use super::tally::Entry;
use super::witnesses::Witnesses;
use crate::alignment::ForwardingReasons;
use crate::report::period::Day;

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
    v6: V6Addresses,
    /// Of the window and asked for, in no order.
    pairs: Vec<(PairKey, Pair)>,
    /// For each of them its group; most questions do not ask for it.
    groups_of_pairs: OnceLock<FxHashMap<PairKey, u32>>,
    /// Evidence only, each with its group: hardly any two are of one address and show the same.
    evidence: Vec<(PairKey, u32)>,
    /// Of the window and asked for, by group, in the order of the reports.
    entries: Grouped<Entry>,
    /// What was seen of the evidence, by group, in the order of the days.
    cells: Grouped<Cell>,
}

impl<'k> Sums<'k> {
    /// Of what was added: pairs and evidence, each of that with its group, and entries and cells by group.
    pub(super) fn new(
        groups: SenderGroups<'k>,
        identities: Vec<AuthIdentity>,
        v6: V6Addresses,
        pairs: Vec<(PairKey, Pair)>,
        evidence: Vec<(PairKey, u32)>,
        entries: Grouped<Entry>,
        cells: Grouped<Cell>,
    ) -> Self {
        Sums { groups, identities, v6, pairs, groups_of_pairs: OnceLock::new(), evidence, entries, cells }
    }

    /// Of no records.
    pub(super) fn none(knowledge: Knowledge<'k>) -> Self {
        let (groups, v6) = (SenderGroups::new(knowledge), V6Addresses::default());
        Sums::new(groups, Vec::new(), v6, Vec::new(), Vec::new(), Grouped::default(), Grouped::default())
    }

    /// Lets go of what only roles were told by.
    pub(super) fn forget_cells(&mut self) {
        self.cells = Grouped::default();
    }

    /// What was seen of a group that is evidence only.
    pub(super) fn cells(&self, group: usize) -> &[Cell] {
        self.cells.of_group(group)
    }

    /// The entries of a group.
    pub(super) fn entries(&self, group: usize) -> &[Entry] {
        self.entries.of_group(group)
    }

    /// Gives the entries away, once it is known which path each group is on.
    pub(super) fn take_entries(&mut self) -> Grouped<Entry> {
        std::mem::take(&mut self.entries)
    }

    /// Puts witnesses in the place of the reporters that were met.
    pub(super) fn settle_witnesses(&mut self, witnesses: &Witnesses) {
        for cell in self.cells.all_mut() {
            *cell = Cell::new(cell.day, witnesses.of[cell.reporter() as usize], cell.excuse(), cell.messages);
        }
        for (_, pair) in &mut self.pairs {
            pair.seen = pair.seen.settled(&witnesses.of_operators, witnesses.unchecked);
        }
    }

    /// The group of a key that was seen.
    pub(super) fn group(&self, key: PairKey) -> Option<u32> {
        let of_pairs = || self.pairs.iter().map(|(key, pair)| (*key, pair.group)).collect();
        self.groups_of_pairs.get_or_init(of_pairs).get(&key).copied()
    }

    /// Every pair of the window with who it is of, in no order.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (u32, Pair)> {
        self.pairs.iter().map(|(key, pair)| (key.identity(), *pair))
    }

    /// The address and the group of all mail, evidence included, in no order, with its messages of the window; there may be several
    /// of the same.
    pub(super) fn parts(&self) -> impl Iterator<Item = (Option<IpAddr>, u32, u64)> {
        let pairs = self.pairs.iter().map(|(key, pair)| (self.v6.address(*key), pair.group, pair.messages));
        pairs.chain(self.evidence.iter().map(|(key, group)| (self.v6.address(*key), *group, 0)))
    }

    /// Every pair with messages that has an address, in no order: the address, the code of the DKIM state and whether SPF
    /// aligns.
    pub(super) fn addresses(&self) -> impl Iterator<Item = (IpAddr, (u8, bool), Pair)> + Clone {
        let seen = self.pairs.iter().filter(|(_, pair)| pair.messages > 0);
        seen.filter_map(|(key, pair)| Some((self.v6.address(*key)?, key.states(), *pair)))
    }
}
