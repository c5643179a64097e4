//! From units to paths, when all records have been seen.

use std::net::IpAddr;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{NamedBy, Namer, Place, ProviderNumber, Unit};

/// Who a path's sender is, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::query) enum SenderNumber {
    Entry(u32),
    /// A provider, and the tenant where it is known.
    Provider(ProviderNumber, Option<u32>),
    /// Mail of a provider with tenants that shows none and cannot be the domain's own.
    Stray(ProviderNumber),
    Domain(i64),
    Host(u32),
    Network(IpAddr),
    Nobody,
}

/// A path: header From and sender.
pub(in crate::query) type PathNumber = (i64, SenderNumber);

/// What is known of a tenant's mail that claims to be of an organizational domain.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::query) struct TenantEvidence {
    /// Messages with aligned SPF.
    pub(in crate::query) spf_aligned: u64,
    /// Messages.
    pub(in crate::query) messages: u64,
    /// Enough reporters and days saw it with aligned SPF.
    pub(in crate::query) witnessed: bool,
    /// Messages with aligned SPF of the same provider and days that are signed as the domain and show no tenant.
    pub(in crate::query) beside: u64,
    /// Its name is the domain's.
    pub(in crate::query) same_name: bool,
    /// Its name begins as the domain's does, which anybody may have chosen.
    pub(in crate::query) like_name: bool,
    /// The ledger lists it.
    pub(in crate::query) listed: bool,
}

/// Which tenants are a domain's own: by organizational domain and provider.
#[derive(Debug, Clone, Default)]
pub(in crate::query) struct OwnTenants {
    own: FxHashMap<(i64, ProviderNumber), Vec<u32>>,
}

/// A tenant with less than this share of the SPF-aligned mail that its provider sends for a domain is another's: SPF
/// through a shared provider proves nothing.
const OWN_SHARE: f64 = 0.20;
/// A tenant of another name with less than this share beside mail that is signed as the domain is another's too: the domain's own
/// account is the one that has its key.
const OWN_BESIDE: f64 = 0.05;
/// A tenant whose mail has aligned SPF more seldom than this is not the domain's own.
const OWN_SPF: f64 = 0.01;

impl OwnTenants {
    /// Judges the tenants of each organizational domain and provider.
    pub(in crate::query) fn judge(evidence: &FxHashMap<(i64, ProviderNumber, u32), TenantEvidence>) -> Self {
        let mut aligned: FxHashMap<(i64, ProviderNumber), u64> = FxHashMap::default();
        // What one reporter alone says of another tenant takes nothing from the domain's own.
        for (&(domain, provider, _), found) in evidence.iter().filter(|(_, found)| found.witnessed) {
            *aligned.entry((domain, provider)).or_default() += found.spf_aligned;
        }
        let mut own: FxHashMap<(i64, ProviderNumber), Vec<u32>> = FxHashMap::default();
        for (&(domain, provider, tenant), found) in evidence {
            let all = aligned.get(&(domain, provider)).copied().unwrap_or(0) as f64;
            let by_spf = found.spf_aligned > 0
                && found.witnessed
                && found.spf_aligned as f64 >= OWN_SPF * found.messages as f64
                && found.spf_aligned as f64 >= OWN_SHARE * all
                && (found.like_name
                    || found.spf_aligned as f64 >= OWN_BESIDE * (found.spf_aligned + found.beside) as f64);
            if found.same_name || found.listed || by_spf {
                own.entry((domain, provider)).or_default().push(tenant);
            }
        }
        OwnTenants { own }
    }

    /// Whether a tenant is the domain's own.
    pub(in crate::query) fn is_own(&self, organization: i64, provider: ProviderNumber, tenant: u32) -> bool {
        self.own.get(&(organization, provider)).is_some_and(|tenants| tenants.contains(&tenant))
    }

    /// The domain's own tenant, where there is one only.
    pub(in crate::query) fn only(&self, organization: i64, provider: ProviderNumber) -> Option<u32> {
        match self.own.get(&(organization, provider)).map(Vec::as_slice) {
            Some(&[tenant]) => Some(tenant),
            _ => None,
        }
    }
}

/// For each unit its path. `organizations` has the organizational domain of each header From.
pub(in crate::query) fn paths_of_units(
    namer: &Namer<'_>,
    pairs: impl Fn(&mut dyn FnMut(IpAddr, u32)),
    organizations: &FxHashMap<i64, i64>,
    own: &OwnTenants,
) -> Vec<PathNumber> {
    let organization = |from: i64| organizations.get(&from).copied().unwrap_or(from);
    // Where the domain's own tenant is in the ledger, what joins the tenant joins the entry.
    let mut entries: FxHashMap<(i64, ProviderNumber, u32), u32> = FxHashMap::default();
    for unit in &namer.units {
        if let (Some(entry), Some(provider), Some(tenant)) = (unit.entry, unit.provider, unit.tenant) {
            entries
                .entry((unit.from, provider, tenant))
                .and_modify(|known| *known = entry.min(*known))
                .or_insert(entry);
        }
    }
    let named = |unit: &Unit| -> SenderNumber {
        if let Some(entry) = unit.entry {
            return SenderNumber::Entry(entry);
        }
        match (unit.provider, unit.place) {
            (Some(provider), _) => {
                let only = own.only(organization(unit.from), provider);
                match (unit.tenant, only) {
                    (Some(tenant), _) => SenderNumber::Provider(provider, Some(tenant)),
                    (None, Some(tenant)) if unit.joins => match entries.get(&(unit.from, provider, tenant)) {
                        Some(&entry) => SenderNumber::Entry(entry),
                        None => SenderNumber::Provider(provider, Some(tenant)),
                    },
                    (None, Some(_)) => SenderNumber::Stray(provider),
                    (None, None) => SenderNumber::Provider(provider, None),
                }
            }
            (None, Place::Domain(domain)) => SenderNumber::Domain(domain),
            (None, Place::Host(host)) => SenderNumber::Host(host),
            (None, Place::Address(ip)) => SenderNumber::Network(network(ip)),
            (None, Place::Anywhere) => SenderNumber::Nobody,
        }
    };
    let mut senders: Vec<SenderNumber> = namer.units.iter().map(named).collect();
    let better = better_names(namer, &senders, pairs);
    for (at, unit) in namer.units.iter().enumerate() {
        let Place::Address(ip) = unit.place else {
            continue;
        };
        let by_address = better.get(&(unit.from, ip)).copied().flatten();
        // A network says less than an address: only what no reporter saw fail follows its neighbours.
        let by_network = || {
            better.get(&(unit.from, network(ip))).copied().flatten().filter(|_| unit.quiet && unit.provider.is_none())
        };
        if unit.by.is_weak()
            && let Some(sender) = by_address.or_else(by_network)
        {
            senders[at] = sender;
        }
    }
    namer.units.iter().map(|unit| unit.from).zip(senders).collect()
}

/// The senders that other records name for weakly named addresses and their networks: nothing where they name several.
fn better_names(
    namer: &Namer<'_>,
    senders: &[SenderNumber],
    pairs: impl Fn(&mut dyn FnMut(IpAddr, u32)),
) -> FxHashMap<(i64, IpAddr), Option<SenderNumber>> {
    let mut wanted: FxHashSet<(i64, IpAddr)> = FxHashSet::default();
    for unit in namer.units.iter().filter(|unit| unit.by.is_weak()) {
        if let Place::Address(ip) = unit.place {
            wanted.insert((unit.from, ip));
            wanted.insert((unit.from, network(ip)));
        }
    }
    let mut better: FxHashMap<(i64, IpAddr), Option<SenderNumber>> = FxHashMap::default();
    if wanted.is_empty() {
        return better;
    }
    pairs(&mut |ip, unit| {
        let Some(of) = namer.units.get(unit as usize).filter(|unit| !unit.by.is_weak() && unit.by != NamedBy::Nothing)
        else {
            return;
        };
        let sender = senders[unit as usize];
        for place in [(of.from, ip), (of.from, network(ip))] {
            if wanted.contains(&place) {
                better
                    .entry(place)
                    .and_modify(|known| {
                        if *known != Some(sender) {
                            *known = None;
                        }
                    })
                    .or_insert(Some(sender));
            }
        }
    });
    better
}

/// The network of an address: large enough that one sender's machines are together, small enough that two are apart.
pub(in crate::query) fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(v4) => IpAddr::V4((u32::from(v4) & 0xffff_ff00).into()),
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & (!0 << 80)).into()),
    }
}
