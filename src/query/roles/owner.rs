//! What the reports prove to be the owner's: accounts of providers, machines, and the senders where keys are used.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rustc_hash::FxHashMap;

use super::gather::Gathered;
use super::keys::{ByReporter, Key, MOST, Shares, USED, add, sum};
use crate::parallel;
use crate::providers::Kind;
use crate::query::naming::{Account, ProviderNumber, Sender, Signed};
use crate::query::tally::Days;
use crate::report::period::Day;
use crate::witness::Seen;

/// A reporter that sees only one address counts from this many own-signed messages on,
const CONSISTENT: u64 = 20;
/// and this share of them verified there.
const NEARLY_ALL: f64 = 0.95;
/// Where it sees none from the senders at home, the rest may be what others hand on, and this share is enough.
const MOST_BUT_HANDED_ON: f64 = 0.8;

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
    /// Accounts that would be the owner's, were the domain's mail not signed elsewhere.
    pub(super) doubted: HashSet<(AccountNumber, u32)>,
    /// For each place, whether SPF aligns there, no lone claim.
    aligned: Vec<bool>,
    /// For each place, whether its address is all that the reporters which see it see of the owner.
    sole: Vec<bool>,
    keys: FxHashMap<u32, Key>,
    /// For each place, whether own signatures are seen there, no lone claim.
    signed: Vec<bool>,
}

impl<'g> Owner<'g> {
    pub(super) fn of(gathered: &'g Gathered<'g>) -> Self {
        let mut owner = Owner {
            gathered,
            accounts: HashMap::new(),
            doubted: HashSet::new(),
            aligned: Vec::new(),
            sole: Vec::new(),
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

    /// Whether an account is the owner's, for mail of an organizational domain.
    pub(super) fn is_own(&self, account: &Account, organization: u32) -> bool {
        self.accounts
            .get(&(account.provider, account.number))
            .is_some_and(|proven| proven.iter().any(|&proven| self.gathered.linked(proven, organization)))
    }

    /// Whether SPF aligns for mail of a group's organizational domain at its sender, by the witness rule.
    pub(super) fn is_aligned(&self, at: usize) -> bool {
        self.aligned[self.gathered.numbers.place(at)]
    }

    /// Whether mail of a group's organizational domain carries own signatures at its sender, by the witness rule.
    pub(super) fn is_signed(&self, at: usize) -> bool {
        self.signed[self.gathered.numbers.place(at)]
    }

    /// Whether the address of a group is all that the reporters which see it see of the owner.
    pub(super) fn is_sole(&self, at: usize) -> bool {
        self.sole[self.gathered.numbers.place(at)]
    }

    /// Where a signature's key is used, as seen from a group's sender. A signature of which the reporter writes no selector may be of
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

    /// Whether a signature's key is seen with aligned SPF at a group's sender, by the witness rule.
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
        let gathered = self.gathered;
        let loud = self.loud();
        let believed = |[claimed, otherwise]: &[Reporters; 2]| {
            claimed.len() > 1 || claimed.len() == 1 && otherwise.without(claimed) < 2
        };
        let found = parallel::map(gathered.numbers.places(), |place| {
            let (mut aligned, mut signed) = <([Reporters; 2], [Reporters; 2])>::default();
            // SPF speaks for another there.
            let mut others = false;
            for at in gathered.numbers.groups_at(place) {
                let (identity, own) = (gathered.identity(at), gathered.own(at));
                others |= identity.authenticated.is_some();
                let reporters = || gathered.reporters(at).iter().map(|one| one.reporter);
                signed[usize::from(own.signatures.is_empty())].extend(reporters());
                if own.spf {
                    aligned[0].extend(reporters());
                } else if (identity.spf_failed || identity.authenticated.is_some())
                    && !identity.null
                    && !identity.spf_unevaluable
                {
                    aligned[1].extend(reporters());
                }
            }
            // Where SPF speaks for another, one reporter's signatures alone do not make the sender the owner's, unless there is
            // no other.
            let mut groups = gathered.numbers.groups_at(place);
            let alone =
                groups.next().is_some_and(|at| !gathered.whole(gathered.identity(at).organization).by_several());
            let is_signed = (signed[0].len() > 1 || !others || alone) && believed(&signed);
            (believed(&aligned) && (!loud[place] || aligned[0].len() > 1), is_signed)
        });
        (self.aligned, self.signed) = found.into_iter().unzip();
    }

    /// For each place, whether one reporter alone tells more of the owner's mail there than all reporters together of all other senders,
    /// though it sees those too, and no key of the owner's verifies steadily there: nobody sends so to one receiver only.
    fn loud(&self) -> Vec<bool> {
        let gathered = self.gathered;
        let shows_owner = |at: &usize| gathered.own(*at).spf || gathered.own(*at).verified;
        let mut all: HashMap<u32, ByReporter> = HashMap::new();
        for at in (0..gathered.len()).filter(shows_owner) {
            let of = all.entry(gathered.identity(at).organization).or_default();
            gathered.reporters(at).iter().for_each(|one| add(of, one.reporter, one.messages));
        }
        let is_loud = |place: usize| {
            let groups = || gathered.numbers.groups_at(place).filter(shows_owner);
            let mut seen = Seen::default();
            let (mut only, mut messages, mut verified) = (None, 0_u64, 0_u64);
            for at in groups() {
                seen.extend(gathered.seen(at));
                for one in gathered.reporters(at) {
                    if *only.get_or_insert(one.reporter) != one.reporter {
                        return false;
                    }
                    messages = messages.saturating_add(one.messages);
                    verified = verified.saturating_add(if gathered.own(at).verified { one.messages } else { 0 });
                }
            }
            let reporters = groups().next().and_then(|at| all.get(&gathered.identity(at).organization));
            let (Some(reporters), Some(only)) = (reporters, only) else { return false };
            let others = sum(reporters).saturating_sub(messages);
            let elsewhere = reporters.get(&only).map_or(0, |all| all.saturating_sub(messages));
            let steady =
                verified >= CONSISTENT && verified as f64 >= NEARLY_ALL * messages as f64 && seen.on_several_days();
            reporters.len() > 2 && elsewhere > 0 && messages > others && !steady
        };
        parallel::map(gathered.numbers.places(), is_loud)
    }

    fn find_keys(&mut self) {
        let mut groups_of_keys: FxHashMap<u32, Vec<(usize, &Signed)>> = FxHashMap::default();
        for at in 0..self.gathered.len() {
            for signed in &self.gathered.own(at).signatures {
                for key in keys_of(signed) {
                    groups_of_keys.entry(key).or_default().push((at, signed));
                }
            }
        }
        let groups_of_keys: Vec<(u32, Vec<(usize, &Signed)>)> = groups_of_keys.into_iter().collect();
        let keys = parallel::map_each(&groups_of_keys, |(number, groups)| (*number, self.key(*number, groups)));
        self.keys = keys.into_iter().collect();
    }

    /// What was seen of a key in the groups that show it.
    fn key(&self, number: u32, groups: &[(usize, &Signed)]) -> Key {
        let (gathered, mut key) = (self.gathered, Key::default());
        for &(at, signed) in groups {
            if number == signed.any_key && signed.key != signed.any_key {
                key.selectors.insert(signed.key);
            }
            let (sender, seen) = (gathered.numbers.sender(at), gathered.seen(at));
            key.seen.extend(seen);
            key.shown.entry(sender).or_default().extend(seen);
            if gathered.own(at).spf && self.is_aligned(at) {
                key.with_spf.entry(sender).or_default().extend(seen);
            }
        }
        key.find_spf();
        for &(at, _) in groups.iter().filter(|(_, signed)| signed.verified) {
            let site = gathered.numbers.site(at);
            key.verifying.extend(gathered.seen(at));
            if key.anywhere_with_spf {
                let all = gathered.reporters(at).iter();
                all.for_each(|one| key.add_verified(site, one.reporter, Day::MIN, one.messages));
            } else {
                let all = gathered.cells(at);
                all.for_each(|one| key.add_verified(site, one.reporter, one.day, one.messages));
            }
        }
        key.settle();
        if groups.iter().all(|(_, signed)| signed.any_key != number) && !key.is_proven() {
            key.signed_at = self.site_of_most(groups);
        }
        key
    }

    /// The site that shows most of a key, on nobody's word alone.
    fn site_of_most(&self, groups: &[(usize, &Signed)]) -> Option<u32> {
        let mut shares = Shares::default();
        for &(at, _) in groups {
            let site = self.gathered.numbers.site(at);
            self.gathered.reporters(at).iter().for_each(|one| shares.add(site, one.reporter, one.messages));
        }
        shares.site_of_most()
    }

    /// Whether a signature's key is one that only the sender of a group signs with, as far as the reports tell, and that never
    /// verified: nobody else's mail can have brought it there.
    pub(super) fn is_senders_key(&self, signed: &Signed, at: usize) -> bool {
        self.keys.get(&signed.key).is_some_and(|key| key.signed_at == Some(self.gathered.numbers.site(at)))
    }

    /// A machine that only some reporters can see (over IPv6, say): what each of them sees of the own-signed mail comes from there,
    /// but for what others hand on, and none from the senders at home that the others see. A forwarder would leave them the direct
    /// mail too.
    fn find_sole(&mut self) {
        let gathered = self.gathered;
        let (mut signed, mut at_home) = <(HashMap<u32, ByReporter>, HashMap<u32, ByReporter>)>::default();
        let mut who_sees: Vec<Reporters> = Vec::new();
        who_sees.resize_with(gathered.numbers.senders(), Reporters::default);
        for at in 0..gathered.len() {
            let reporters = gathered.reporters(at);
            if let Sender::Address(_) = gathered.sender(at) {
                let sender = gathered.numbers.sender(at) as usize;
                who_sees[sender].extend(reporters.iter().map(|one| one.reporter));
            }
            if gathered.own(at).verified {
                let organization = gathered.identity(at).organization;
                let of = signed.entry(organization).or_default();
                reporters.iter().for_each(|one| add(of, one.reporter, one.messages));
                if gathered.own(at).spf && self.is_aligned(at) {
                    let of = at_home.entry(organization).or_default();
                    reporters.iter().for_each(|one| add(of, one.reporter, one.messages));
                }
            }
        }
        let is_sole = |place: usize| {
            let mut there: BTreeMap<u32, (u64, Days)> = BTreeMap::new();
            for at in gathered.numbers.groups_at(place).filter(|&at| gathered.own(at).verified) {
                for one in gathered.reporters(at) {
                    let of = there.entry(one.reporter).or_default();
                    of.0 = of.0.saturating_add(one.messages);
                    of.1.extend(one.days);
                }
            }
            let first = gathered.numbers.groups_at(place).next();
            let Some((at, Sender::Address(_))) = first.map(|at| (at, gathered.sender(at))) else { return false };
            let organization = gathered.identity(at).organization;
            let Some(all) = signed.get(&organization).filter(|_| !there.is_empty()) else {
                return false;
            };
            let seers = &who_sees[gathered.numbers.sender(at) as usize];
            let home = at_home.get(&organization);
            let nearly_all = |seer: &u32| match (there.get(seer), all.get(seer)) {
                (Some(here), Some(&all)) => {
                    let of_home = |home: &ByReporter| home.get(seer).copied().unwrap_or(0) as f64;
                    let none = home.is_some_and(|home| of_home(home) <= (1.0 - NEARLY_ALL) * all as f64);
                    here.0 as f64 >= (if none { MOST_BUT_HANDED_ON } else { NEARLY_ALL }) * all as f64
                }
                _ => false,
            };
            let consistent = |(messages, days): &(u64, Days)| *messages >= CONSISTENT && days.several();
            // Others see mail that is signed so elsewhere.
            let others = || all.keys().any(|reporter| seers.0.binary_search(reporter).is_err());
            seers.0.iter().all(nearly_all) && there.values().any(consistent) && others()
        };
        self.sole = parallel::map(gathered.numbers.places(), is_sole);
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
