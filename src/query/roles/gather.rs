//! The records by group, day and reporter.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use rustc_hash::FxHashMap;

use super::numbers::Numbers;
use super::own_evidence::OwnEvidence;
use crate::providers::Kind;
use crate::query::naming::{AuthIdentity, Knowledge, NamedBy, Sender, SenderGroup, Texts};
use crate::query::sums::{Excuse, Sums};
use crate::query::tally::{Days, Tally};
use crate::report::period::Day;
use crate::witness::Seen;

/// What a question has seen, memory included.
pub(in crate::query) struct Ground<'g> {
    /// The sums over the records.
    pub(in crate::query) sums: &'g Sums<'g>,
    /// Distinct facts, reports and reporters behind them.
    pub(in crate::query) tally: &'g Tally,
    /// For each organizational domain, who reports on policy domains of it.
    pub(in crate::query) reporters_of: HashMap<u32, BTreeSet<u32>>,
    /// Organizational domains by their numbers.
    pub(in crate::query) organizations: &'g Texts,
    /// The organizational domains that `[owner]` names.
    pub(in crate::query) named_owners: BTreeSet<u32>,
}

/// What one reporter saw of a group on one day; there may be several of one.
#[derive(Debug, Clone, Copy)]
pub(in crate::query) struct Cell {
    pub(super) day: Day,
    /// Who bears witness.
    pub(super) reporter: u32,
    pub(super) messages: u64,
    excuse: Excuse,
}

/// What one reporter saw of a group.
#[derive(Debug, Clone, Copy)]
pub(in crate::query) struct ReporterSeen {
    /// Who bears witness.
    pub(super) reporter: u32,
    pub(super) messages: u64,
    /// First and last day.
    pub(super) days: Days,
}

/// What one reporter spared of the messages of a group. Few are, so this is apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Excused {
    pub(super) reporter: u32,
    /// As forwarded, in whatever way.
    pub(super) any: u64,
    /// As those of a mailing list.
    pub(super) as_list: u64,
    /// As handed on by a forwarder and no list.
    pub(super) as_forwarded: u64,
}

/// The records by group.
pub(in crate::query) struct Gathered<'g> {
    pub(super) ground: &'g Ground<'g>,
    pub(super) knowledge: Knowledge<'g>,
    /// What was seen of each group.
    pub(super) groups: Vec<GroupSeen>,
    /// In the order of groups.
    reporters: Vec<ReporterSeen>,
    excused: Vec<Excused>,
    /// For each group, who runs the machine, as all records together tell, and how that was told.
    pub(super) senders: Vec<(Sender, NamedBy)>,
    /// Numbers of senders and places, once senders are known.
    pub(super) numbers: Numbers,
    /// By organizational domain of header From who saw any of its mail.
    whole: FxHashMap<u32, Seen>,
    /// For each identity, what it shows of the owner.
    own: Vec<OwnEvidence>,
    /// For two organizational domains, whether what is proven on the first counts for the second, for those that records name together.
    links: FxHashMap<(u32, u32), bool>,
}

/// What was seen of a group.
#[derive(Debug, Clone, Copy)]
pub(super) struct GroupSeen {
    /// Who saw messages, and when.
    seen: Seen,
    /// The first day with records.
    pub(super) first: Day,
    /// Reports that passed saw it, so others tell nothing of it.
    checked_only: bool,
    /// Where its reporters end, and those that spared mail.
    reporters_end: u32,
    excused_end: u32,
}

impl<'g> Gathered<'g> {
    pub(super) fn of(ground: &'g Ground<'g>, knowledge: Knowledge<'g>) -> Self {
        let sums = ground.sums;
        let groups = &sums.groups.list;
        let mut gathered = Gathered {
            ground,
            knowledge,
            groups: Vec::new(),
            reporters: Vec::new(),
            excused: Vec::new(),
            senders: groups.iter().map(|group| (group.sender, group.by)).collect(),
            numbers: Numbers::default(),
            whole: FxHashMap::default(),
            own: Vec::new(),
            links: FxHashMap::default(),
        };
        gathered.find_links();
        gathered.own = gathered.own_evidence();
        gathered.sum_up();
        for at in 0..groups.len() {
            let seen = gathered.seen(at);
            gathered.whole.entry(gathered.identity(at).organization).or_default().extend(seen);
        }
        gathered.name_addresses();
        let senders =
            (0..groups.len()).map(|at| (gathered.identity(at).organization, gathered.sender(at), gathered.group(at)));
        gathered.numbers = Numbers::of(senders);
        gathered
    }

    fn own_evidence(&self) -> Vec<OwnEvidence> {
        let of = |identity: &AuthIdentity| OwnEvidence::of(identity, |one| self.linked(one, identity.organization));
        self.ground.sums.identities.iter().map(of).collect()
    }

    /// Sums up what was seen of each group by reporter.
    fn sum_up(&mut self) {
        let groups = self.len();
        let mut all = Vec::with_capacity(groups);
        let (mut reporters, mut excused) = (Vec::<ReporterSeen>::new(), Vec::<Excused>::new());
        // By reporter where its sums are, if they are of the group at hand.
        let mut places = vec![(usize::MAX, usize::MAX); self.ground.tally.reporters.len()];
        let unchecked = self.ground.tally.unchecked;
        for at in 0..groups {
            let is_checked = |one: &Cell| one.messages > 0 && Some(one.reporter) != unchecked;
            let checked_only = unchecked.is_some() && self.all_cells(at).any(|one| is_checked(&one));
            let (begin, excused_begin) = (reporters.len(), excused.len());
            let (mut seen, mut first) = (Seen::default(), Day::MAX);
            for one in self.all_cells(at) {
                first = one.day.min(first);
                if one.messages == 0 || checked_only && !is_checked(&one) {
                    continue;
                }
                seen.add(one.reporter, one.day);
                let (place, excused_place) = &mut places[one.reporter as usize];
                // What is left of an earlier group is before this one's.
                if *place < begin || *place >= reporters.len() {
                    *place = reporters.len();
                    reporters.push(ReporterSeen { reporter: one.reporter, messages: 0, days: Days::default() });
                }
                let sum = &mut reporters[*place];
                sum.days.add(one.day);
                sum.messages = sum.messages.saturating_add(one.messages);
                if one.excuse == Excuse::default() {
                    continue;
                }
                if *excused_place < excused_begin || *excused_place >= excused.len() {
                    *excused_place = excused.len();
                    excused.push(Excused { reporter: one.reporter, any: 0, as_list: 0, as_forwarded: 0 });
                }
                let spared = &mut excused[*excused_place];
                let part = |counts| if counts { one.messages } else { 0 };
                spared.any = spared.any.saturating_add(part(one.excuse.any));
                spared.as_list = spared.as_list.saturating_add(part(one.excuse.as_list));
                spared.as_forwarded = spared.as_forwarded.saturating_add(part(one.excuse.as_forwarded));
            }
            let ends = (reporters.len() as u32, excused.len() as u32);
            all.push(GroupSeen { seen, first, checked_only, reporters_end: ends.0, excused_end: ends.1 });
        }
        reporters.shrink_to_fit();
        (self.groups, self.reporters, self.excused) = (all, reporters, excused);
    }

    /// All that was seen of a group, whoever's word counts.
    fn all_cells(&self, at: usize) -> impl Iterator<Item = Cell> {
        let (sums, tally) = (self.ground.sums, self.ground.tally);
        let evidence = sums.cells(at).iter().map(|cell| Cell {
            day: cell.day,
            reporter: cell.reporter(),
            messages: cell.messages,
            excuse: cell.excuse(),
        });
        let counted = sums.entries(at).iter().map(|entry| {
            let report = tally.report(entry);
            let excuse = Excuse::of(tally.facts(entry).forwarding);
            Cell { day: report.day, reporter: report.reporter, messages: entry.messages, excuse }
        });
        evidence.chain(counted)
    }

    /// What was seen of a group on single days, by whose word it is judged.
    pub(super) fn cells(&self, at: usize) -> impl Iterator<Item = Cell> {
        let unchecked = self.ground.tally.unchecked.filter(|_| self.groups[at].checked_only);
        self.all_cells(at).filter(move |one| one.messages > 0 && Some(one.reporter) != unchecked)
    }

    /// What each reporter saw of a group.
    pub(super) fn reporters(&self, at: usize) -> &[ReporterSeen] {
        let begin = at.checked_sub(1).map_or(0, |before| self.groups[before].reporters_end);
        &self.reporters[begin as usize..self.groups[at].reporters_end as usize]
    }

    /// What reporters spared of a group.
    pub(super) fn excused(&self, at: usize) -> &[Excused] {
        let begin = at.checked_sub(1).map_or(0, |before| self.groups[before].excused_end);
        &self.excused[begin as usize..self.groups[at].excused_end as usize]
    }

    /// Whether mail of a group is of the window and asked for: else it is evidence only.
    pub(super) fn is_counted(&self, at: usize) -> bool {
        !self.ground.sums.entries(at).is_empty()
    }

    /// The messages of a group.
    pub(super) fn messages(&self, at: usize) -> u64 {
        self.reporters(at).iter().fold(0, |sum, one| sum.saturating_add(one.messages))
    }

    pub(super) fn len(&self) -> usize {
        self.ground.sums.groups.list.len()
    }

    pub(super) fn group(&self, at: usize) -> &'g SenderGroup {
        &self.ground.sums.groups.list[at]
    }

    pub(super) fn identity(&self, at: usize) -> &'g AuthIdentity {
        &self.ground.sums.identities[self.group(at).identity as usize]
    }

    /// What a group shows of the owner.
    pub(super) fn own(&self, at: usize) -> &OwnEvidence {
        &self.own[self.group(at).identity as usize]
    }

    pub(super) fn sender(&self, at: usize) -> Sender {
        self.senders[at].0
    }

    /// What its sender is, where it is catalogued.
    pub(super) fn kind(&self, at: usize) -> Option<Kind> {
        match self.sender(at) {
            Sender::Provider(number) => Some(self.knowledge.provider(number).kind),
            _ => None,
        }
    }

    /// Who saw any mail of an organizational domain.
    pub(super) fn whole(&self, organization: u32) -> Seen {
        self.whole.get(&organization).copied().unwrap_or_default()
    }

    /// The addresses of some groups.
    pub(super) fn addresses_of(&self, groups: impl Iterator<Item = usize>) -> HashMap<usize, HashSet<IpAddr>> {
        let mut found: HashMap<usize, HashSet<IpAddr>> = groups.map(|at| (at, HashSet::new())).collect();
        for (address, group, _) in self.ground.sums.parts() {
            if let Some(of) = found.get_mut(&(group as usize)) {
                of.extend(address);
            }
        }
        found
    }

    /// Who saw a group, and when.
    pub(super) fn seen(&self, at: usize) -> Seen {
        self.groups[at].seen
    }

    /// Whether what is proven on one organizational domain counts for another: `[owner]` names both, or most of the reporters
    /// that see the second report on the first too. One stray or forged report makes no stranger the owner.
    pub(super) fn linked(&self, proven: u32, other: u32) -> bool {
        if proven == other {
            return true;
        }
        let named = &self.ground.named_owners;
        if !named.is_empty() {
            return named.contains(&proven) && named.contains(&other);
        }
        self.links.get(&(proven, other)).copied().unwrap_or_else(|| self.is_seen_together(proven, other))
    }

    fn is_seen_together(&self, proven: u32, other: u32) -> bool {
        let of = |organization| self.ground.reporters_of.get(organization);
        let (Some(first), Some(second)) = (of(&proven), of(&other)) else {
            return false;
        };
        let common = second.iter().filter(|reporter| first.contains(reporter)).count();
        2 * common > second.len()
    }

    /// Works out once what is asked of every record: whether who signed it, or passed SPF, is whom it is from.
    fn find_links(&mut self) {
        for identity in &self.ground.sums.identities {
            let authenticated = identity.authenticated.map(|(_, by)| by);
            for by in identity.signed.iter().map(|one| one.organization).chain(authenticated) {
                if !self.links.contains_key(&(by, identity.organization)) {
                    self.links.insert((by, identity.organization), self.is_seen_together(by, identity.organization));
                }
            }
        }
    }
}
