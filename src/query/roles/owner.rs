//! What the reports prove to be the owner's: accounts of providers, machines, and the senders where keys are used.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use rustc_hash::FxHashMap;

use super::gather::Gathered;
use super::keys::{ByReporter, Key, MOST, USED};
use crate::providers::Kind;
use crate::query::naming::{Account, AuthIdentity, ProviderNumber, Sender, Signed};
use crate::query::tally::Days;
use crate::report::period::Day;
use crate::witness::Seen;

/// A reporter that sees only one address counts from this many own-signed messages on,
const CONSISTENT: u64 = 20;
/// and this share of them verified there.
const NEARLY_ALL: f64 = 0.95;

/// Where a key is used, as seen from a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Here.
    Here,
    /// At another sender, and not here.
    Elsewhere,
    /// Nowhere that the reports tell of.
    Nowhere,
}

/// A provider, and the number of an account among the tenants.
pub(super) type AccountNumber = (ProviderNumber, u32);

/// What is the owner's.
pub(super) struct Owner<'g> {
    pub(super) gathered: &'g Gathered<'g>,
    /// Provider and account, with the organizational domains that it is proven for.
    pub(super) accounts: HashMap<AccountNumber, BTreeSet<u32>>,
    /// By place whether SPF aligns there, no lone claim.
    aligned: Vec<bool>,
    /// Organizational domains and addresses that are all that the reporters which see them see of the owner.
    sole: HashSet<(u32, IpAddr)>,
    keys: FxHashMap<u32, Key>,
    /// By place whether own signatures are seen there, no lone claim.
    signed: Vec<bool>,
}

impl<'g> Owner<'g> {
    pub(super) fn of(gathered: &'g Gathered<'g>) -> Self {
        let mut owner = Owner {
            gathered,
            accounts: HashMap::new(),
            aligned: Vec::new(),
            sole: HashSet::new(),
            keys: FxHashMap::default(),
            signed: Vec::new(),
        };
        owner.find_aligned();
        owner.find_accounts();
        owner.find_keys();
        owner.find_accounts_beside_keys();
        owner.find_sole();
        owner
    }

    /// Whether SPF passed for a domain of the owner's.
    pub(super) fn own_spf(&self, who: &AuthIdentity) -> bool {
        who.own_spf || who.authenticated.is_some_and(|(_, by)| self.gathered.linked(by, who.organization))
    }

    /// The own signatures of a record.
    pub(super) fn signatures<'w>(&self, who: &'w AuthIdentity) -> impl Iterator<Item = &'w Signed> {
        who.signed.iter().filter(|one| self.gathered.linked(one.organization, who.organization))
    }

    /// Whether an account is the owner's, for mail of an organizational domain.
    pub(super) fn is_own(&self, account: &Account, organization: u32) -> bool {
        self.accounts
            .get(&(account.provider, account.number))
            .is_some_and(|proven| proven.iter().any(|&proven| self.gathered.linked(proven, organization)))
    }

    /// Whether SPF aligns for mail of a unit's organizational domain at its sender, by the witness rule.
    pub(super) fn is_aligned(&self, at: usize) -> bool {
        self.aligned[self.gathered.numbers.place(at)]
    }

    /// Whether mail of a unit's organizational domain carries own signatures at its sender, by the witness rule.
    pub(super) fn is_signed(&self, at: usize) -> bool {
        self.signed[self.gathered.numbers.place(at)]
    }

    /// Whether an address is all that a reporter sees of the owner.
    pub(super) fn is_sole(&self, organization: u32, sender: Sender) -> bool {
        matches!(sender, Sender::Address(ip) if self.sole.contains(&(organization, ip)))
    }

    /// Where a signature's key is used, as seen from a unit's sender. A signature of which the reporter writes no selector may be of
    /// any key of its domain: of one that is used here, if there is one.
    pub(super) fn key_use(&self, signed: &Signed, at: usize) -> Use {
        let Some(key) = self.keys.get(&signed.key) else {
            return Use::Nowhere;
        };
        let mut exact = key.selectors.iter().filter_map(|number| self.keys.get(number));
        if signed.key == signed.any_key && exact.any(|key| self.use_of(key, at) == Use::Here) {
            return Use::Here;
        }
        self.use_of(key, at)
    }

    /// Whether a signature's key is seen with aligned SPF at a unit's sender, by the witness rule.
    pub(super) fn is_key_at_home(&self, signed: &Signed, at: usize) -> bool {
        let (key, sender) = (self.keys.get(&signed.key), self.gathered.numbers.sender(at));
        key.is_some_and(|key| key.with_spf.get(&sender).is_some_and(|seen| key.counts(seen)))
    }

    fn use_of(&self, key: &Key, at: usize) -> Use {
        let sender = self.gathered.numbers.sender(at);
        // One reporter's word makes a sender the key's only where nobody else saw the key there, and takes it from no other.
        let here_by_one =
            || key.with_spf.contains_key(&sender) && !key.shown.get(&sender).is_some_and(|seen| seen.by_several());
        if key.with_spf.get(&sender).is_some_and(|seen| key.counts(seen)) || here_by_one() {
            return Use::Here;
        }
        let site = self.gathered.numbers.site(at);
        let has = |least: f64| key.at_sites.get(&site).is_some_and(|share| share.is(least));
        if key.anywhere_with_spf {
            // A service's reverse-path may be its own for all mail, and the key be used on one more machine that is in SPF.
            let service = self.gathered.kind(at) == Some(Kind::Service);
            return if service && has(MOST) { Use::Here } else { Use::Elsewhere };
        }
        if has(USED) {
            Use::Here
        } else if key.used_somewhere {
            // Not here, so elsewhere.
            Use::Elsewhere
        } else {
            Use::Nowhere
        }
    }

    /// SPF that aligns at a sender: not where one reporter says so and two others saw it otherwise. What could not be
    /// evaluated does not speak against it, nor does a null reverse-path, for which SPF speaks of a host name.
    fn find_aligned(&mut self) {
        #[derive(Default)]
        struct Place {
            aligned: [Reporters; 2],
            signed: [Reporters; 2],
            /// SPF speaks for another there.
            others: bool,
        }
        let mut places: Vec<Place> = Vec::new();
        places.resize_with(self.gathered.numbers.places(), Place::default);
        for at in 0..self.gathered.len() {
            let who = self.gathered.who(at);
            let place = &mut places[self.gathered.numbers.place(at)];
            place.others |= who.authenticated.is_some();
            let reporters = || self.gathered.reporters(at).iter().map(|one| one.reporter);
            let has_signature = self.signatures(who).next().is_some();
            place.signed[usize::from(!has_signature)].extend(reporters());
            if self.own_spf(who) {
                place.aligned[0].extend(reporters());
            } else if (who.spf_failed || who.authenticated.is_some()) && !who.null && !who.spf_unevaluable {
                place.aligned[1].extend(reporters());
            }
        }
        let believed = |[claimed, otherwise]: &[Reporters; 2]| {
            claimed.len() > 1 || claimed.len() == 1 && otherwise.without(claimed) < 2
        };
        self.aligned = places.iter().map(|place| believed(&place.aligned)).collect();
        for place in self.loud() {
            self.aligned[place] &= places[place].aligned[0].len() > 1;
        }
        // Where SPF speaks for another, one reporter's signatures alone do not make the sender the owner's.
        let signed = |place: &Place| (place.signed[0].len() > 1 || !place.others) && believed(&place.signed);
        self.signed = places.iter().map(signed).collect();
    }

    /// Places of which one reporter alone tells more of the owner's mail than all reporters together of all other senders, though it
    /// sees those too, and no key of the owner's verifies steadily there: nobody sends so to one receiver only.
    fn loud(&self) -> Vec<usize> {
        #[derive(Default)]
        struct Place {
            seen: Seen,
            reporters: BTreeSet<u32>,
            messages: u64,
            verified: u64,
        }
        let mut places: FxHashMap<usize, Place> = FxHashMap::default();
        let mut all: HashMap<u32, ByReporter> = HashMap::new();
        for at in 0..self.gathered.len() {
            let who = self.gathered.who(at);
            let verified = self.signatures(who).any(|one| one.verified);
            if !self.own_spf(who) && !verified {
                continue;
            }
            let place = places.entry(self.gathered.numbers.place(at)).or_default();
            place.seen.extend(self.gathered.seen(at));
            for cell in self.gathered.reporters(at) {
                place.reporters.insert(cell.reporter);
                place.messages = place.messages.saturating_add(cell.messages);
                place.verified = place.verified.saturating_add(if verified { cell.messages } else { 0 });
                let sum = all.entry(who.organization).or_default().entry(cell.reporter).or_default();
                *sum = sum.saturating_add(cell.messages);
            }
        }
        let is_loud = |(number, place): (usize, Place)| {
            let reporters = all.get(&self.gathered.who(self.gathered.numbers.unit_at(number)).organization)?;
            let others = reporters.values().fold(0u64, |sum, &n| sum.saturating_add(n)).saturating_sub(place.messages);
            let elsewhere = reporters.get(place.reporters.first()?)?.saturating_sub(place.messages);
            let steady = place.verified >= CONSISTENT
                && place.verified as f64 >= NEARLY_ALL * place.messages as f64
                && place.seen.on_several_days();
            let alone = place.reporters.len() == 1 && reporters.len() > 2 && elsewhere > 0;
            (alone && place.messages > others && !steady).then_some(number)
        };
        places.into_iter().filter_map(is_loud).collect()
    }

    fn find_keys(&mut self) {
        let mut keys: FxHashMap<u32, Key> = FxHashMap::default();
        for at in 0..self.gathered.len() {
            let (who, sender) = (self.gathered.who(at), self.gathered.numbers.sender(at));
            let mut signatures = self.signatures(who).peekable();
            if signatures.peek().is_none() {
                continue;
            }
            let (seen, aligned) = (self.gathered.seen(at), self.own_spf(who));
            for signed in signatures {
                for number in keys_of(signed) {
                    let key = keys.entry(number).or_default();
                    if number == signed.any_key && signed.key != signed.any_key {
                        key.selectors.insert(signed.key);
                    }
                    key.seen.extend(seen);
                    key.shown.entry(sender).or_default().extend(seen);
                    if aligned && self.is_aligned(at) {
                        key.with_spf.entry(sender).or_default().extend(seen);
                    }
                }
            }
        }
        keys.values_mut().for_each(Key::find_spf);
        for at in 0..self.gathered.len() {
            let (who, site) = (self.gathered.who(at), self.gathered.numbers.site(at));
            for signed in self.signatures(who).filter(|one| one.verified) {
                for key in keys_of(signed) {
                    let Some(key) = keys.get_mut(&key) else { continue };
                    if key.anywhere_with_spf {
                        let all = self.gathered.reporters(at).iter();
                        all.for_each(|one| key.add_verified(site, one.reporter, Day::MIN, one.messages));
                    } else {
                        let all = self.gathered.cells(at);
                        all.for_each(|one| key.add_verified(site, one.reporter, one.day, one.messages));
                    }
                }
            }
        }
        keys.values_mut().for_each(Key::settle);
        self.keys = keys;
    }

    /// A machine that only some reporters can see (over IPv6, say): all the own-signed mail that each of them sees comes from
    /// there, none from the senders that the others see. A forwarder would leave them the direct mail too.
    fn find_sole(&mut self) {
        type Places = HashMap<Option<IpAddr>, (u64, Days)>;
        let mut signed: HashMap<u32, BTreeMap<u32, Places>> = HashMap::new();
        let mut who_sees: HashMap<IpAddr, Reporters> = HashMap::new();
        for at in 0..self.gathered.len() {
            let who = self.gathered.who(at);
            let address = match self.gathered.sender(at) {
                Sender::Address(ip) => Some(ip),
                _ => None,
            };
            if let Some(ip) = address {
                who_sees.entry(ip).or_default().extend(self.gathered.reporters(at).iter().map(|one| one.reporter));
            }
            if !self.signatures(who).any(|one| one.verified) {
                continue;
            }
            let of = signed.entry(who.organization).or_default();
            for one in self.gathered.reporters(at) {
                let of = of.entry(one.reporter).or_default().entry(address).or_default();
                of.0 = of.0.saturating_add(one.messages);
                of.1.extend(one.days);
            }
        }
        for (organization, reporters) in signed {
            let totals: HashMap<u32, u64> = reporters
                .iter()
                .map(|(reporter, places)| {
                    (*reporter, places.values().fold(0, |sum: u64, one| sum.saturating_add(one.0)))
                })
                .collect();
            // Those that a reporter sees there, where that is nearly all that it sees.
            let nearly_all_of = |reporter: &u32, ip: IpAddr| {
                let there = reporters.get(reporter)?.get(&Some(ip))?;
                (there.0 as f64 >= NEARLY_ALL * *totals.get(reporter)? as f64).then_some(*there)
            };
            let consistent = |(messages, days): (u64, Days)| messages >= CONSISTENT && days.several();
            let addresses: BTreeSet<IpAddr> =
                reporters.values().flat_map(|places| places.keys().flatten().copied()).collect();
            for ip in addresses {
                let Some(seers) = who_sees.get(&ip) else { continue };
                // Others see mail that is signed so elsewhere.
                let others = || reporters.keys().any(|reporter| seers.0.binary_search(reporter).is_err());
                let there: Option<Vec<(u64, Days)>> = seers.0.iter().map(|seer| nearly_all_of(seer, ip)).collect();
                if there.is_some_and(|there| there.into_iter().any(consistent)) && others() {
                    self.sole.insert((organization, ip));
                }
            }
        }
    }
}

/// The numbers of a signature's key, and of any key of its domain where that is another.
fn keys_of(signed: &Signed) -> impl Iterator<Item = u32> {
    [Some(signed.key), Some(signed.any_key).filter(|&any_key| any_key != signed.key)].into_iter().flatten()
}

/// A set of reporters; mostly there are few.
#[derive(Debug, Default)]
struct Reporters(Vec<u32>);

impl Reporters {
    fn extend(&mut self, reporters: impl Iterator<Item = u32>) {
        for reporter in reporters {
            if let Err(at) = self.0.binary_search(&reporter) {
                self.0.insert(at, reporter);
            }
        }
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    /// How many are not in another set.
    fn without(&self, others: &Self) -> usize {
        self.0.iter().filter(|reporter| others.0.binary_search(reporter).is_err()).count()
    }
}
