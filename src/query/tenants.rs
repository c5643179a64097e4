//! Which accounts of a provider are a domain's own.
//!
//! Every customer of a provider that the domain includes in SPF can make SPF align, so aligned SPF alone proves nothing, and
//! reports can lie. An account is the domain's own
//!
//! - by its name or by a selector that names the domain, or because the ledger lists it;
//! - by aligned SPF, where the account has its due part of all such mail of the provider;
//! - by bounces and automatic replies, where all other mail is signed as the domain and shows no account, and no account has
//!   been found otherwise.
//!
//! It takes two reporters and two days, or all that there are, and no figure may hang on a single reporter.

use std::hash::Hash;

use rustc_hash::{FxHashMap, FxHashSet};

use super::by_reporter::ByReporter;
use super::naming::ProviderNumber;
use super::scan::Scan;
use super::sums::Sums;
use super::tally::{Bits, Days, ReportMark, Tally};
use crate::alignment::SpfState;
use crate::domain;
use crate::report::period::Day;
use crate::store::{OutcomeFacts, StoreError};

/// An account with less than this share of the SPF-aligned mail that its provider sends for a domain under accounts' names is
/// another's.
const OWN_SHARE: f64 = 0.20;
/// An account of another name with less than this share beside mail that shows no account is another's too: the stream that
/// shows none is the domain's, signed with its key or not at all.
const OWN_BESIDE: f64 = 0.05;
/// An account whose mail has aligned SPF more seldom than this is not the domain's own.
const OWN_SPF: f64 = 0.01;
/// Bounces are the domain's own where they are no more than this share of them and the mail beside them.
const OWN_BOUNCES: f64 = 0.20;

/// Of several accounts of an organization that with this share of what is sent as a header From is the one that sends as that.
const NEARLY_ALL: f64 = 0.95;

/// A provider that sends for an organizational domain.
type Use = (i64, ProviderNumber);
/// An account that does.
type Account = (i64, ProviderNumber, u32);

/// Which tenants are a domain's own: by organizational domain and provider.
#[derive(Debug, Clone, Default)]
pub(super) struct OwnTenants {
    own: FxHashMap<Use, Vec<u32>>,
    /// Those that the domain itself sends by: not what the ledger lists besides.
    home: FxHashMap<Use, Vec<u32>>,
    /// By header From and provider the one that sends as that, where the organization has several.
    sends_as: FxHashMap<(i64, ProviderNumber), u32>,
}

impl OwnTenants {
    /// Whether a tenant is the domain's own.
    pub(super) fn is_own(&self, organization: i64, provider: ProviderNumber, tenant: u32) -> bool {
        self.own.get(&(organization, provider)).is_some_and(|tenants| tenants.contains(&tenant))
    }

    /// The tenant that the domain itself sends by as this header From, where there is one only.
    pub(super) fn only(&self, organization: i64, provider: ProviderNumber, from: i64) -> Option<u32> {
        match self.home.get(&(organization, provider)).map(Vec::as_slice) {
            Some(&[tenant]) => Some(tenant),
            Some(_) => self.sends_as.get(&(from, provider)).copied(),
            None => None,
        }
    }

    /// Tells tenants of one organization apart by the header From they send as: that of its name, or of nearly all its mail that
    /// shows a tenant. (Each domain set up with Google has a tenant's name of its own.)
    fn part(&mut self, evidence: &FxHashMap<Account, Evidence>) {
        for (&(organization, provider), tenants) in self.home.iter().filter(|(_, tenants)| tenants.len() > 1) {
            let found = |tenant: u32| evidence.get(&(organization, provider, tenant));
            let mut all: FxHashMap<i64, ByReporter> = FxHashMap::default();
            for (&from, messages) in tenants.iter().filter_map(|&tenant| found(tenant)).flat_map(|one| &one.by_from) {
                all.entry(from).or_default().add_all(messages);
            }
            for (from, all) in all {
                let named = |&&tenant: &&u32| found(tenant).is_some_and(|one| one.named_as.contains(&from));
                let most = |&&tenant: &&u32| {
                    let messages = found(tenant).and_then(|one| one.by_from.get(&from));
                    messages.is_some_and(|messages| messages.holds(&all, NEARLY_ALL))
                };
                if let Some(&tenant) = tenants.iter().find(named).or_else(|| tenants.iter().find(most)) {
                    self.sends_as.insert((from, provider), tenant);
                }
            }
        }
    }

    fn add(&mut self, (organization, provider, tenant): Account, at_home: bool) {
        self.own.entry((organization, provider)).or_default().push(tenant);
        if at_home {
            self.home.entry((organization, provider)).or_default().push(tenant);
        }
    }
}

/// What is known of a tenant's mail that claims to be of an organizational domain.
#[derive(Debug, Default)]
struct Evidence {
    messages: ByReporter,
    /// With aligned SPF.
    aligned: ByReporter,
    aligned_seen: Seen,
    aligned_days: Vec<Day>,
    /// Bounces and automatic replies: a null reverse-path, for which SPF cannot align.
    bounces: ByReporter,
    bounces_seen: Seen,
    bounces_days: Vec<Day>,
    /// A selector of it that names the domain.
    named_seen: Seen,
    /// By header From.
    by_from: FxHashMap<i64, ByReporter>,
    /// Its name is the domain's.
    same_name: bool,
    /// The header Froms whose name it has.
    named_as: FxHashSet<i64>,
    /// Its name begins as the domain's does, which anybody may have chosen.
    like_name: bool,
    /// The ledger lists it.
    listed: bool,
}

/// SPF-aligned mail of a provider for a domain that shows no tenant: by day and reporter.
type Bare = FxHashMap<Use, FxHashMap<(Day, u32), u64>>;

/// What a unit is of, in small numbers: the provider's use by an organizational domain, and the account, where it shows one.
#[derive(Debug, Clone, Copy)]
struct Place {
    organization: u32,
    /// The account's mail as this header From.
    stream: Option<u32>,
    provider_use: Option<u32>,
    account: Option<u32>,
}

/// Things by small numbers, given in the order in which they come.
#[derive(Debug)]
struct Numbers<K>(FxHashMap<K, u32>);

impl<K: Hash + Eq> Numbers<K> {
    fn of(&mut self, thing: K) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(thing).or_insert(next)
    }

    /// Each thing with its own of what is listed by number.
    fn with<V>(self, values: Vec<V>) -> FxHashMap<K, V> {
        let mut values: Vec<Option<V>> = values.into_iter().map(Some).collect();
        self.0
            .into_iter()
            .filter_map(|(thing, number)| Some((thing, values.get_mut(number as usize)?.take()?)))
            .collect()
    }
}

impl<K> Default for Numbers<K> {
    fn default() -> Self {
        Numbers(FxHashMap::default())
    }
}

/// The tenants that signed.
#[derive(Debug, Default)]
pub(super) struct Tenants {
    domains: Numbers<i64>,
    uses: Numbers<Use>,
    accounts: Numbers<Account>,
    /// By header From and account.
    streams: Numbers<(i64, Account)>,
    /// By unit.
    places: Vec<Place>,
    /// By account; so far what their names say.
    evidence: Vec<Evidence>,
}

impl Scan<'_> {
    /// The tenants that signed, once all records have been seen.
    pub(super) fn tenants(&mut self, organizations: &FxHashMap<i64, i64>) -> Result<Tenants, StoreError> {
        let mut tenants = Tenants::default();
        let Tenants { domains, uses, accounts, streams, places, evidence } = &mut tenants;
        for unit in &self.sums.units.list {
            let organization = organizations.get(&unit.from).copied().unwrap_or(unit.from);
            let account = unit.provider.zip(unit.tenant).map(|(provider, tenant)| (organization, provider, tenant));
            let place = Place {
                stream: account.map(|account| streams.of((unit.from, account))),
                organization: domains.of(organization),
                provider_use: unit.provider.map(|provider| uses.of((organization, provider))),
                account: account.map(|account| accounts.of(account)),
            };
            places.push(place);
            let (Some(account), Some(tenant)) = (place.account, unit.tenant) else {
                continue;
            };
            if account as usize == evidence.len() {
                evidence.push(Evidence::default());
            }
            let one = &mut evidence[account as usize];
            one.listed |= unit.entry.is_some();
            if unit.from >= 0 {
                let from = self.texts.text(unit.from)?;
                let name = self.whos.tenants.get(tenant);
                let own_names = [from, domain::organizational(from)].map(|own| own.replace('.', "-"));
                one.same_name |= own_names.iter().any(|own| own == name);
                if own_names[0] == name {
                    one.named_as.insert(unit.from);
                }
                let label = |name: &str| name.split('.').next().map(str::to_owned);
                one.like_name |= label(name) == label(domain::organizational(from));
            }
        }
        Ok(tenants)
    }
}

impl Tenants {
    /// Finds each organizational domain's own. `kinds` are those of the entries, `names_domain` has header From and lists of
    /// signatures of which a selector names the domain.
    pub(super) fn own(
        self,
        sums: &Sums<'_>,
        tally: &Tally,
        kinds: &[OutcomeFacts],
        names_domain: &FxHashSet<(i64, i64)>,
    ) -> OwnTenants {
        let Tenants { domains, uses, accounts, streams, places, mut evidence } = self;
        if evidence.is_empty() {
            return OwnTenants::default();
        }
        let mut wholes: Vec<Seen> = domains.0.iter().map(|_| Seen::default()).collect();
        let mut bare: Vec<FxHashMap<(Day, u32), u64>> = uses.0.iter().map(|_| FxHashMap::default()).collect();
        let mut by_stream = vec![ByReporter::default(); streams.0.len()];
        // Most entries of a report are of one organizational domain.
        let mut last = None;
        for (unit, entry) in sums.entries.iter().filter(|(_, entry)| entry.messages > 0) {
            let place = places[*unit as usize];
            let report = tally.report(entry);
            if last.replace((entry.report, place.organization)) != Some((entry.report, place.organization)) {
                wholes[place.organization as usize].add(report);
            }
            let Some(provider_use) = place.provider_use else {
                continue;
            };
            let facts = &kinds[entry.kind as usize];
            let spf_aligned = facts.spf == SpfState::Aligned;
            let Some(account) = place.account else {
                if spf_aligned {
                    let by_day = &mut bare[provider_use as usize];
                    *by_day.entry((report.day, report.reporter)).or_default() += entry.messages;
                }
                continue;
            };
            let one = &mut evidence[account as usize];
            if let Some(stream) = place.stream {
                by_stream[stream as usize].add(report.reporter, entry.messages);
            }
            if names_domain.contains(&(facts.header_from.unwrap_or(-1), facts.signers)) {
                one.named_seen.add(report);
            }
            if spf_aligned {
                one.aligned.add(report.reporter, entry.messages);
                one.aligned_seen.add(report);
                add_day(&mut one.aligned_days, report.day);
            } else if facts.null_reverse_path {
                one.bounces.add(report.reporter, entry.messages);
                one.bounces_seen.add(report);
                add_day(&mut one.bounces_days, report.day);
            }
        }
        let mut evidence = accounts.with(evidence);
        for ((from, account), messages) in streams.with(by_stream) {
            let one = evidence.entry(account).or_default();
            one.messages.add_all(&messages);
            one.by_from.insert(from, messages);
        }
        judge(&evidence, &domains.with(wholes), &uses.with(bare))
    }
}

fn judge(evidence: &FxHashMap<Account, Evidence>, wholes: &FxHashMap<i64, Seen>, bare: &Bare) -> OwnTenants {
    let suffices = |seen: &Seen, account: &Account| wholes.get(&account.0).is_some_and(|whole| seen.suffices(whole));
    // What one reporter alone says of another tenant takes nothing from the domain's own.
    let mut witnessed: FxHashMap<Use, ByReporter> = FxHashMap::default();
    for (account, found) in evidence.iter().filter(|(account, found)| suffices(&found.aligned_seen, account)) {
        witnessed.entry((account.0, account.1)).or_default().add_all(&found.aligned);
    }
    let mut own = OwnTenants::default();
    for (account, found) in evidence {
        let by_spf = || {
            let sends = (account.0, account.1);
            let beside = || bare.get(&sends).map(|bare| on_days(bare, &found.aligned_days)).unwrap_or_default();
            suffices(&found.aligned_seen, account)
                && found.aligned.holds(&found.messages, OWN_SPF)
                && witnessed.get(&sends).is_some_and(|all| found.aligned.holds(all, OWN_SHARE))
                && (found.like_name || found.listed || found.aligned.holds(&beside().with(&found.aligned), OWN_BESIDE))
        };
        let at_home = found.same_name || suffices(&found.named_seen, account) || by_spf();
        if at_home || found.listed {
            own.add(*account, at_home);
        }
    }
    let mut bouncing: FxHashMap<Use, Vec<Account>> = FxHashMap::default();
    for (account, found) in evidence {
        let sends = (account.0, account.1);
        let all = bare.get(&sends).map(|bare| on_days(bare, &found.bounces_days).with(&found.bounces));
        let bounces_only = !suffices(&found.aligned_seen, account) && found.bounces.holds(&found.messages, 0.5);
        let few = all.is_some_and(|all| !found.bounces.holds(&all, OWN_BOUNCES));
        if !own.home.contains_key(&sends) && suffices(&found.bounces_seen, account) && bounces_only && few {
            bouncing.entry(sends).or_default().push(*account);
        }
    }
    for accounts in bouncing.values() {
        if let &[account] = accounts.as_slice() {
            own.add(account, true);
        }
    }
    own.part(evidence);
    own
}

/// Entries come in the order of days.
fn add_day(days: &mut Vec<Day>, day: Day) {
    if days.last() != Some(&day) {
        days.push(day);
    }
}

/// The mail of these days.
fn on_days(bare: &FxHashMap<(Day, u32), u64>, days: &[Day]) -> ByReporter {
    let mut sums = ByReporter::default();
    for (&(day, reporter), &messages) in bare {
        if days.binary_search(&day).is_ok() {
            sums.add(reporter, messages);
        }
    }
    sums
}

/// Who saw something, and when.
#[derive(Debug, Default)]
struct Seen {
    reporters: Bits,
    days: Days,
}

impl Seen {
    fn add(&mut self, report: ReportMark) {
        self.reporters.insert(report.reporter as usize);
        self.days.add(report.day);
    }

    /// Whether two reporters saw it on two days, or all that there are of the whole.
    fn suffices(&self, whole: &Seen) -> bool {
        let reporters = self.reporters.len();
        reporters > 0 && reporters >= whole.reporters.len().min(2) && (self.days.several() || !whole.days.several())
    }
}
