//! The records by unit, day and reporter, and what addresses are called by the evidence of all of them.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use crate::providers::Kind;
use crate::query::naming::{Knowledge, NamedBy, ProviderNumber, Sender, Texts, Unit, Who};
use crate::query::sums::Sums;
use crate::query::tally::Tally;
use crate::report::period::Day;
use crate::witness::Seen;

/// What a question has seen, memory included.
pub(in crate::query) struct Ground<'g> {
    /// The sums over the records.
    pub(in crate::query) sums: &'g Sums<'g>,
    /// Kinds, reports and reporters behind them.
    pub(in crate::query) tally: &'g Tally,
    /// By organizational domain who reports on policy domains of it.
    pub(in crate::query) reporters_of: HashMap<u32, BTreeSet<u32>>,
    /// Organizational domains by their numbers.
    pub(in crate::query) organizations: &'g Texts,
    /// The organizational domains that `[owner]` names.
    pub(in crate::query) named_owners: BTreeSet<u32>,
}

/// What one reporter saw of a unit on one day.
#[derive(Debug, Clone, Copy)]
pub(in crate::query) struct Cell {
    pub(super) day: Day,
    /// Who bears witness.
    pub(super) reporter: u32,
    pub(super) messages: u64,
    /// Those that receivers spared as forwarded, and those of a mailing list among them.
    pub(super) excused: u64,
    pub(super) excused_as_list: u64,
}

/// The records by unit.
pub(in crate::query) struct Gathered<'g> {
    pub(super) ground: &'g Ground<'g>,
    pub(super) knowledge: Knowledge<'g>,
    /// In the order of units, then of days and reporters.
    cells: Vec<Cell>,
    ends: Vec<usize>,
    /// By unit who runs the machine, as all records together tell, and how that was told.
    pub(super) senders: Vec<(Sender, NamedBy)>,
    /// By organizational domain of header From who saw any of its mail.
    pub(super) whole: HashMap<u32, Seen>,
    links: RefCell<HashMap<(u32, u32), bool>>,
}

impl<'g> Gathered<'g> {
    pub(super) fn of(ground: &'g Ground<'g>, knowledge: Knowledge<'g>) -> Self {
        let units = &ground.sums.units.list;
        let (cells, ends) = cells(ground);
        let mut gathered = Gathered {
            ground,
            knowledge,
            cells,
            ends,
            senders: units.iter().map(|unit| (unit.sender, unit.by)).collect(),
            whole: HashMap::new(),
            links: RefCell::default(),
        };
        for at in 0..units.len() {
            let seen = gathered.seen(at);
            gathered.whole.entry(gathered.who(at).organization).or_default().extend(seen);
        }
        gathered.name_addresses();
        gathered
    }

    pub(super) fn len(&self) -> usize {
        self.ground.sums.units.list.len()
    }

    pub(super) fn unit(&self, at: usize) -> &'g Unit {
        &self.ground.sums.units.list[at]
    }

    pub(super) fn who(&self, at: usize) -> &'g Who {
        &self.ground.sums.whos[self.unit(at).who as usize]
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

    pub(super) fn cells(&self, at: usize) -> &[Cell] {
        let begin = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.cells[begin..self.ends[at]]
    }

    /// Who saw a unit, and when.
    pub(super) fn seen(&self, at: usize) -> Seen {
        let mut seen = Seen::default();
        self.cells(at).iter().for_each(|cell| seen.add(cell.reporter, cell.day));
        seen
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
        *self.links.borrow_mut().entry((proven, other)).or_insert_with(|| {
            let of = |organization| self.ground.reporters_of.get(organization);
            let (Some(first), Some(second)) = (of(&proven), of(&other)) else {
                return false;
            };
            let common = second.iter().filter(|reporter| first.contains(reporter)).count();
            2 * common > second.len()
        })
    }

    /// Gives addresses the provider that the evidence of other records shows there: the reverse-path of a provider's, or the
    /// default signature of a service at a machine where SPF speaks against it at no reporter.
    fn name_addresses(&mut self) {
        #[derive(Default)]
        struct Address {
            by_envelope: HashMap<ProviderNumber, Seen>,
            by_signature: HashMap<ProviderNumber, Seen>,
            organizations: HashMap<u32, Seen>,
            own_spf: Seen,
            against: bool,
            seen: Seen,
            units: BTreeSet<usize>,
        }
        let mut addresses: HashMap<IpAddr, Address> = HashMap::new();
        for (at, unit) in self.ground.sums.units.list.iter().enumerate() {
            if let Sender::Address(ip) = unit.sender {
                let (who, seen) = (self.who(at), self.seen(at));
                let address = addresses.entry(ip).or_default();
                address.units.insert(at);
                address.seen.extend(seen);
                address.against |= who.spf_failed || who.authenticated.is_some();
                match who.authenticated.filter(|(_, by)| !self.linked(*by, who.organization)) {
                    Some((_, organization)) => address.organizations.entry(organization).or_default().extend(seen),
                    None if who.own_spf || who.authenticated.is_some() => address.own_spf.extend(seen),
                    None => {}
                }
                let services = who.signed.iter().filter(|one| one.verified).filter_map(|one| one.default_of);
                for provider in services.filter(|&number| self.knowledge.provider(number).kind == Kind::Service) {
                    address.by_signature.entry(provider).or_default().extend(seen);
                }
            }
        }
        for (ip, _, pair) in self.ground.sums.addresses_seen() {
            let unit = &self.ground.sums.units.list[pair.unit as usize];
            if let (Sender::Provider(provider), NamedBy::Envelope) = (unit.sender, unit.by)
                && let Some(address) = addresses.get_mut(&ip)
            {
                address.by_envelope.entry(provider).or_default().extend(self.seen(pair.unit as usize));
            }
        }
        for address in addresses.into_values() {
            let counts = |seen: &Seen| seen.is_any() && (seen.by_several() || !address.seen.by_several());
            let enough = |(name, seen): (&u32, &Seen)| counts(seen).then_some(*name);
            let only = |names: &HashMap<u32, Seen>| (names.len() == 1).then(|| names.iter().find_map(enough)).flatten();
            let by_signature = || only(&address.by_signature).filter(|_| !address.against);
            let named = match only(&address.by_envelope) {
                Some(provider) => Some((provider, NamedBy::Envelope)),
                None => by_signature().map(|provider| (provider, NamedBy::SigningDomain)),
            };
            // A machine of the owner's is the owner's, whoever else sends from there.
            let owners = counts(&address.own_spf);
            let organization = only(&address.organizations);
            for &unit in &address.units {
                let of_record = self.who(unit).authenticated.map(|(_, by)| by);
                let of_record = of_record.filter(|by| address.organizations.contains_key(by));
                if let Some((provider, by)) = named {
                    self.senders[unit] = (Sender::Provider(provider), by);
                } else if let (Some(organization), false) = (organization.or(of_record), owners) {
                    self.senders[unit] = (Sender::Organization(organization), NamedBy::SpfDomain);
                }
            }
        }
    }
}

/// What each reporter saw of each unit on each day, and where those of each unit end.
fn cells(ground: &Ground<'_>) -> (Vec<Cell>, Vec<usize>) {
    let units = ground.sums.units.list.len();
    let mut ends = vec![0; units];
    for (unit, _) in &ground.sums.entries {
        ends[*unit as usize] += 1;
    }
    let mut sum = 0;
    for end in &mut ends {
        (*end, sum) = (sum, sum + *end);
    }
    let mut sorted = vec![Cell { day: 0, reporter: 0, messages: 0, excused: 0, excused_as_list: 0 }; sum];
    for (unit, entry) in &ground.sums.entries {
        let report = ground.tally.report(entry);
        let reasons = ground.tally.facts(entry).forwarding;
        let place = &mut ends[*unit as usize];
        sorted[*place] = Cell {
            day: report.day,
            reporter: report.reporter,
            messages: entry.messages,
            excused: if reasons.any() { entry.messages } else { 0 },
            excused_as_list: if reasons.mailing_list { entry.messages } else { 0 },
        };
        *place += 1;
    }
    // One for each day and reporter; entries come in the order of days.
    let (mut cells, mut begin): (Vec<Cell>, usize) = (Vec::with_capacity(sorted.len()), 0);
    for end in &mut ends {
        let of_unit = &mut sorted[begin..*end];
        begin = *end;
        of_unit.sort_by_key(|cell| (cell.day, cell.reporter));
        let first = cells.len();
        // Where reports that passed saw a unit, others tell nothing of it.
        let is_unchecked = |cell: &Cell| Some(cell.reporter) == ground.tally.unchecked;
        let any_checked = of_unit.iter().any(|cell| cell.messages > 0 && !is_unchecked(cell));
        for cell in of_unit.iter().filter(|cell| cell.messages > 0 && !(any_checked && is_unchecked(cell))) {
            match cells[first..].last_mut() {
                Some(last) if (last.day, last.reporter) == (cell.day, cell.reporter) => {
                    last.messages = last.messages.saturating_add(cell.messages);
                    last.excused = last.excused.saturating_add(cell.excused);
                    last.excused_as_list = last.excused_as_list.saturating_add(cell.excused_as_list);
                }
                _ => cells.push(*cell),
            }
        }
        *end = cells.len();
    }
    (cells, ends)
}
