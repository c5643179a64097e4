//! Which accounts of providers are the owner's.

use std::collections::{BTreeMap, HashMap};

use rustc_hash::FxHashMap;

use super::elsewhere::{Place, SignedAtHome};
use super::keys::{ByReporter, MOST, WHOLE_DAY, add, may_be, part_of_day};
use super::own_days::{Beside, SignatureDays};
use super::owner::{AccountNumber, Owner, Use};
use super::streams::era;
use crate::parallel;
use crate::query::ledger::Decision;
use crate::query::naming::{Account, AuthIdentity, ProviderNumber, Sender};
use crate::query::tally::Days;
use crate::report::period::Day;
use crate::witness::{Seen, has_share};

/// A place, see [`Numbers`](super::numbers::Numbers); of one header From below the organizational domain alone, or of all.
type PlaceNumber = (usize, Option<i64>);

/// The messages at a place by account, where they show one, for each reporter and day. Each such day counts the same, so that a
/// burst of a stranger's is a few days.
#[derive(Debug, Default)]
struct Shares(FxHashMap<(u32, Day), BTreeMap<Option<AccountNumber>, u64>>);

/// An account that another took over from, or that took over, was there on this share of the days,
const ERA: f64 = 0.15;
/// and signs this share of the mail then,
const NEARLY_ALL: f64 = 0.9;
/// with this many days before or behind it, on which mail waited in queues.
const OVERLAP: usize = 1;

impl Shares {
    fn add(&mut self, account: Option<AccountNumber>, reporter: u32, day: Day, messages: u64) {
        let sum = self.0.entry((reporter, day)).or_default().entry(account).or_default();
        *sum = sum.saturating_add(messages);
    }

    /// The accounts that sign most of the mail day by day, by the witness rule: over all days, or from when they took over until
    /// another did. `whole` is who saw any mail of the domain.
    fn most(self, whole: Seen) -> Vec<AccountNumber> {
        let calendar = Calendar::of(self.0.keys().copied());
        let mut shown: BTreeMap<AccountNumber, Shown> = BTreeMap::new();
        for ((reporter, day), messages) in self.0 {
            let of_day = messages.values().fold(0_u64, |sum, one| sum.saturating_add(*one)).max(1);
            for (account, messages) in messages {
                let Some(account) = account else { continue };
                let shown = shown.entry(account).or_default();
                shown.seen.add(reporter, day);
                shown.reporters.entry(reporter).or_default().add(day);
                shown.parts.push((reporter, day, part_of_day(messages, of_day)));
            }
        }
        let all = calendar.days(Day::MIN, Day::MAX);
        let is_most = |shown: &Shown| {
            if calendar.has_share(shown, Day::MIN, Day::MAX, MOST) {
                return true;
            }
            // Who comes for a few days, or in between, takes over nothing.
            // Nor who was seen by each reporter at another time: no two of them say when it was there.
            let Some((first, last)) = era(&shown.reporters).filter(|(first, last)| first <= last) else {
                return false;
            };
            let (days, before) = (calendar.days(first, last), calendar.days(Day::MIN, first - 1));
            let at_an_end = before <= OVERLAP || all - before - days <= OVERLAP;
            at_an_end
                && days >= 2
                && days as f64 >= ERA * all as f64
                && calendar.has_share(shown, first, last, NEARLY_ALL)
        };
        let believed = shown.into_iter().filter(|(_, shown)| shown.seen.is_enough(whole));
        believed.filter(|(_, shown)| is_most(shown)).map(|(account, _)| account).collect()
    }
}

/// What is shown of an account at a place.
#[derive(Default)]
struct Shown {
    seen: Seen,
    reporters: HashMap<u32, Days>,
    /// For each reporter and day, the part of the mail that it signs.
    parts: Vec<(u32, Day, u64)>,
}

/// The days with mail at a place, and who reports on each, in their order.
struct Calendar {
    all: Vec<(Day, u32)>,
    /// The days of the reporter that has most.
    most_of_one: u64,
}

impl Calendar {
    fn of(reporters_and_days: impl Iterator<Item = (u32, Day)>) -> Self {
        let mut all: Vec<(Day, u32)> = reporters_and_days.map(|(reporter, day)| (day, reporter)).collect();
        all.sort_unstable();
        let mut days = ByReporter::new();
        all.iter().for_each(|(_, reporter)| add(&mut days, *reporter, 1));
        Calendar { all, most_of_one: days.into_values().max().unwrap_or(0) }
    }

    fn between(&self, first: Day, last: Day) -> &[(Day, u32)] {
        let begin = self.all.partition_point(|one| one.0 < first);
        let end = self.all.partition_point(|one| one.0 <= last);
        &self.all[begin..end]
    }

    fn days(&self, first: Day, last: Day) -> usize {
        self.between(first, last).chunk_by(|a, b| a.0 == b.0).count()
    }

    /// Whether an account signs a share of the mail of some days. Nearly all of many accounts are ruled out without going through
    /// the days once more for each.
    fn has_share(&self, shown: &Shown, first: Day, last: Day, least: f64) -> bool {
        let mut parts: BTreeMap<u32, [u64; 2]> = BTreeMap::new();
        for &(reporter, _, part) in shown.parts.iter().filter(|one| (first..=last).contains(&one.1)) {
            parts.entry(reporter).or_default()[0] += part;
        }
        let between = self.between(first, last);
        // The fewest of its days that are left, whichever reporter is left out.
        let rest = (between.len() as u64).saturating_sub(self.most_of_one) * WHOLE_DAY;
        if !may_be(parts.values().map(|one| one[0]).sum(), rest, least) {
            return false;
        }
        let mut days = ByReporter::new();
        between.iter().for_each(|(_, reporter)| add(&mut days, *reporter, WHOLE_DAY));
        for (reporter, all) in days {
            let sums = parts.entry(reporter).or_default();
            sums[1] = all.saturating_sub(sums[0]);
        }
        has_share(parts.into_values(), least)
    }
}

impl Owner<'_> {
    /// Accounts: those that are spelled like the domain or approved, and those that sign most of the mail with aligned SPF on the
    /// days on which no own signature verifies at the provider. (The default signature before DKIM is switched on is the
    /// owner's; a stranger's account beside verified own signatures is not.) A name below the domain is judged by itself where
    /// SPF passed for that very name: it may not be set up where the domain is, and who invents one has no SPF record there.
    /// Beside mail that the domain signs elsewhere a small one is doubted.
    pub(super) fn find_accounts(&mut self) {
        let mut spelled: HashMap<(ProviderNumber, u32, u32), Seen> = HashMap::new();
        let mut places: FxHashMap<PlaceNumber, Place> = FxHashMap::default();
        for at in 0..self.gathered.len() {
            let (identity, group) = (self.gathered.identity(at), self.gathered.group(at));
            let approved = group.entry.and_then(|entry| self.gathered.knowledge.ledger.entries.get(entry as usize));
            let approved = approved.is_some_and(|entry| entry.decision == Decision::Approved);
            for account in identity.accounts.iter().filter(|account| account.verified) {
                if approved {
                    self.prove((account.provider, account.number), identity.organization);
                }
                if account.spelled {
                    let seen = spelled.entry((account.provider, account.number, identity.organization)).or_default();
                    seen.extend(self.gathered.seen(at));
                }
            }
            let number = self.gathered.numbers.place(at);
            let Some(at_home) = self.at_home(at) else { continue };
            let account = shown_account(identity, at_home);
            let mut add = |name: Option<i64>, aligned: bool| {
                let place = places.entry((number, name)).or_insert(Place { from: name, ..Place::default() });
                place.groups.push((at, aligned.then_some(account)));
                place.has_account |= aligned && account.is_some();
            };
            add(None, self.gathered.own(at).spf);
            if !identity.is_from_organization && identity.from >= 0 {
                add(Some(identity.from), identity.spf_of_from);
            }
        }
        for ((provider, account, organization), seen) in spelled {
            // A name that is spelled in one reporter's words only, where others see the domain's mail, may be made up.
            if seen.counts_in(self.gathered.whole(organization)) {
                self.prove((provider, account), organization);
            }
        }
        let places: Vec<Place> = places.into_values().filter(|place| place.has_account).collect();
        let signed_at_home = SignedAtHome::of(self);
        let found = parallel::map_each(&places, |place| {
            let accounts = self.accounts_at(place);
            let doubted = signed_at_home.outweighs(self.gathered, place, &accounts);
            (accounts, doubted)
        });
        for (place, (accounts, doubted)) in places.iter().zip(found) {
            let organization = self.gathered.identity(place.groups[0].0).organization;
            for account in accounts {
                if doubted.contains(&account) {
                    self.doubted.insert((account, organization));
                } else {
                    self.prove(account, organization);
                }
            }
        }
    }

    /// The accounts at a place that sign most of the mail with aligned SPF on the days without own signatures, and not beside them.
    fn accounts_at(&self, place: &Place) -> Vec<AccountNumber> {
        let organization = self.gathered.identity(place.groups[0].0).organization;
        let days = SignatureDays::of(self, place.groups.iter().map(|&(at, aligned)| (at, aligned.is_some())));
        if days.without.is_empty() {
            return Vec::new();
        }
        let mut shares = Shares::default();
        for &(at, aligned) in &place.groups {
            let Some(account) = aligned else { continue };
            for one in self.gathered.cells(at).filter(|one| days.without.contains(&one.day)) {
                shares.add(account, one.reporter, one.day, one.messages);
            }
        }
        // Of tens of thousands of accounts few sign most of the mail, and only those are looked at further.
        let most = shares.most(self.gathered.whole(organization));
        let mut beside: HashMap<AccountNumber, Beside> =
            most.into_iter().map(|account| (account, Beside::default())).collect();
        for &(at, aligned) in &place.groups {
            let Some(of) = aligned.flatten().and_then(|account| beside.get_mut(&account)) else { continue };
            if !self.gathered.own(at).verified {
                self.gathered.cells(at).for_each(|one| of.add(&one, &days));
            }
        }
        // Who sends on the days with own signatures, too, has not signed for the owner on those without: days on which the owner
        // sends nothing are no days before signing was switched on.
        beside.into_iter().filter(|(_, of)| !of.is_most()).map(|(account, _)| account).collect()
    }

    /// Accounts that sign most of the mail with aligned SPF that the domain itself signs, too: their provider signs as both.
    /// Recipients there who hand on what they get sign beside the domain as well, each for a few messages.
    pub(super) fn find_accounts_beside_keys(&mut self) {
        let mut places: FxHashMap<usize, Vec<(usize, Option<AccountNumber>)>> = FxHashMap::default();
        for at in 0..self.gathered.len() {
            let Some(at_home @ Some(_)) = self.at_home(at) else { continue };
            let own = self.gathered.own(at);
            let here = || own.signatures.iter().any(|one| one.verified && self.key_use(one, at) == Use::Here);
            if own.spf && here() {
                let account = shown_account(self.gathered.identity(at), at_home);
                places.entry(self.gathered.numbers.place(at)).or_default().push((at, account));
            }
        }
        let places: Vec<Vec<(usize, Option<AccountNumber>)>> = places.into_values().collect();
        let organization = |groups: &[(usize, _)]| self.gathered.identity(groups[0].0).organization;
        let proven = parallel::map_each(&places, |groups| {
            if groups.iter().all(|(_, account)| account.is_none()) {
                return Vec::new();
            }
            let mut shares = Shares::default();
            for &(at, account) in groups {
                let cells = self.gathered.cells(at);
                cells.for_each(|one| shares.add(account, one.reporter, one.day, one.messages));
            }
            shares.most(self.gathered.whole(organization(groups)))
        });
        let proven: Vec<(u32, Vec<AccountNumber>)> =
            places.iter().map(|groups| organization(groups)).zip(proven).collect();
        for (organization, accounts) in proven {
            accounts.into_iter().for_each(|account| self.prove(account, organization));
        }
    }

    fn prove(&mut self, account: AccountNumber, organization: u32) {
        self.accounts.entry(account).or_default().insert(organization);
    }

    /// Whose accounts may be the owner's at a group's sender: the provider's, or, behind a machine of the owner's, any provider's.
    fn at_home(&self, at: usize) -> Option<Option<ProviderNumber>> {
        match self.gathered.sender(at) {
            Sender::Provider(provider) => {
                let sends = self.gathered.knowledge.provider(provider).kind.sends_for_customers();
                sends.then_some(Some(provider))
            }
            Sender::Address(_) => self.is_aligned(at).then_some(None),
            Sender::Organization(_) | Sender::Nobody => None,
        }
    }
}

/// The account that a record shows, of a provider where one is asked for.
fn shown_account(identity: &AuthIdentity, provider: Option<ProviderNumber>) -> Option<AccountNumber> {
    let fits = |account: &&Account| account.verified && provider.is_none_or(|home| account.provider == home);
    identity.accounts.iter().find(fits).map(|account| (account.provider, account.number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_two_reporters_saw_at_different_times_takes_over_nothing() {
        let account = (7, 0);
        let mut shares = Shares::default();
        let mut whole = Seen::default();
        for day in 10..40 {
            for (reporter, days) in [(1, 10..20), (2, 30..40)] {
                shares.add(days.contains(&day).then_some(account), reporter, day, 10);
                shares.add(None, reporter, day, 90);
                whole.add(reporter, day);
            }
        }
        assert_eq!(shares.most(whole), []);
    }
}
