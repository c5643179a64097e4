//! Who handed a message over, told from one record: the rules that name a sender, in their order.
//!
//! A signature survives forwarding and says who wrote; the address and SPF say who handed over. So in this order: the
//! ledger of approved senders; the catalogue of providers, by the domain that SPF authenticated, by published networks, by
//! confirmed reverse DNS; the organizational domain that SPF authenticated, where it is not header From's own; that of the
//! confirmed reverse DNS; the provider whose default signature verified, where SPF did not fail; the network.
//!
//! The last two are weak: a reporter that leaves out what SPF found would tear a sender apart. What one record cannot tell
//! is settled when all have been seen, by [`join`]: a weakly named address joins the sender that other records of it name
//! ([`weak`]), and mail of a provider that does not show a tenant joins the domain's own tenant.
//!
//! Naming is done once for each *who* (what a record shows apart from its address) and address, and gives a *unit*: mail
//! that will end on one path, whatever is seen later.

mod address;
pub(super) mod join;
mod weak;

use std::collections::BTreeSet;
use std::net::IpAddr;

use rustc_hash::{FxHashMap, FxHashSet};

use self::address::Addresses;
use super::ledger::{Handed, Ledger, Shown};
use crate::alignment::{AuthResult, DkimState, SpfState};
use crate::domain;
use crate::providers::{self, Catalogue, Kind, Provider};
use crate::rows::PackedAddress;
use crate::store::{NameReader, OutcomeFacts, Store, StoreError};

/// Confirmed host names of addresses.
pub type Hosts = FxHashMap<IpAddr, String>;

/// What naming knows besides the records.
#[derive(Debug, Clone, Copy)]
pub struct Knowledge<'k> {
    /// The catalogue of providers.
    pub catalogue: &'k Catalogue,
    /// The approved senders.
    pub ledger: &'k Ledger,
    /// Host names by reverse DNS, confirmed by a forward look-up.
    pub hosts: &'k Hosts,
}

/// The rule that named a sender. The order is that of trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NamedBy {
    /// The ledger.
    Ledger,
    /// The catalogue, by the domain that SPF authenticated.
    Envelope,
    /// The catalogue, by a published network.
    Range,
    /// The catalogue, by reverse DNS.
    Host,
    /// The organizational domain that SPF authenticated.
    SpfDomain,
    /// The organizational domain of the reverse DNS.
    ReverseDns,
    /// The catalogue, by a default signature.
    SigningDomain,
    /// The network of the address.
    Network,
    /// Nothing: there is no address.
    Nothing,
}

impl NamedBy {
    /// Every rule.
    pub const ALL: [NamedBy; 9] = [
        NamedBy::Ledger,
        NamedBy::Envelope,
        NamedBy::Range,
        NamedBy::Host,
        NamedBy::SpfDomain,
        NamedBy::ReverseDns,
        NamedBy::SigningDomain,
        NamedBy::Network,
        NamedBy::Nothing,
    ];

    /// Whether other records of the same address may know better.
    #[must_use]
    pub fn is_weak(self) -> bool {
        matches!(self, NamedBy::SigningDomain | NamedBy::Network)
    }

    /// For people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            NamedBy::Ledger => "ledger",
            NamedBy::Envelope => "catalogue: envelope domain",
            NamedBy::Range => "catalogue: address range",
            NamedBy::Host => "catalogue: reverse DNS",
            NamedBy::SpfDomain => "spf: authenticated domain",
            NamedBy::ReverseDns => "reverse DNS",
            NamedBy::SigningDomain => "catalogue: signing domain",
            NamedBy::Network => "network",
            NamedBy::Nothing => "nothing: the reports name no address",
        }
    }
}

/// A provider, by its place in [`Namer::providers`].
pub(super) type ProviderNumber = u32;

/// Where mail of a unit was seen, as far as that keeps it apart from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// It does not matter.
    Anywhere,
    /// The organizational domain that SPF authenticated.
    Domain(i64),
    /// The organizational domain of the reverse DNS, by its number in [`Namer::texts`].
    Host(u32),
    /// An address.
    Address(IpAddr),
}

/// Mail that ends on one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Unit {
    /// Header From; -1 where there is none.
    pub(super) from: i64,
    pub(super) by: NamedBy,
    pub(super) place: Place,
    /// The entry of the ledger.
    pub(super) entry: Option<u32>,
    pub(super) provider: Option<ProviderNumber>,
    /// Whose account, by its number in [`Namer::texts`].
    pub(super) tenant: Option<u32>,
    /// Where there is no tenant: it may join the domain's own.
    pub(super) joins: bool,
    /// SPF says nothing of it: neither who it is nor that it fails.
    pub(super) quiet: bool,
    /// SPF authenticated header From's own domain.
    pub(super) own_spf: bool,
}

/// What a record shows apart from its address, as far as that bears on who handed it over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct WhoKey {
    from: i64,
    envelope: Option<i64>,
    authenticated: Option<i64>,
    signers: i64,
    spf: SpfState,
    dkim_aligned: bool,
    null: bool,
}

#[derive(Debug)]
struct Who {
    from: i64,
    /// The unit, where the address has no say.
    fixed: Option<u32>,
    by_envelope: Option<ProviderNumber>,
    authenticated: Option<i64>,
    /// Providers whose default signature verified, with the tenant.
    signed: Vec<(ProviderNumber, Option<u32>)>,
    spf_failed: bool,
    null: bool,
    joins: bool,
    quiet: bool,
    own_spf: bool,
    /// Entries of the ledger that may match, the address granted.
    entries: Vec<u32>,
}

/// Gives names.
#[derive(Debug)]
pub(super) struct Namer<'k> {
    pub(super) knowledge: Knowledge<'k>,
    who_numbers: FxHashMap<WhoKey, u32>,
    whos: Vec<Who>,
    unit_numbers: FxHashMap<Unit, u32>,
    pub(super) units: Vec<Unit>,
    addresses: Addresses,
    pub(super) providers: Vec<&'k Provider>,
    provider_numbers: FxHashMap<&'k str, ProviderNumber>,
    pub(super) texts: Vec<String>,
    text_numbers: FxHashMap<String, u32>,
    /// Header From and lists of signatures with a tenant's selector that names the domain (`selector1-example-com`): only the
    /// account that the domain is set up in has one.
    pub(super) names_domain: FxHashSet<(i64, i64)>,
    /// The entries of the ledger that mail was seen of.
    pub(super) matched_entries: BTreeSet<u32>,
}

impl<'k> Namer<'k> {
    pub(super) fn new(knowledge: Knowledge<'k>) -> Self {
        Namer {
            knowledge,
            who_numbers: FxHashMap::default(),
            whos: Vec::new(),
            unit_numbers: FxHashMap::default(),
            units: Vec::new(),
            addresses: Addresses::default(),
            providers: Vec::new(),
            provider_numbers: FxHashMap::default(),
            texts: Vec::new(),
            text_numbers: FxHashMap::default(),
            names_domain: FxHashSet::default(),
            matched_entries: BTreeSet::new(),
        }
    }

    pub(super) fn whos(&self) -> usize {
        self.whos.len()
    }

    /// Whether the reverse-path is null, told also by a provider's host name under SPF.
    pub(super) fn is_null(&self, who: u32) -> bool {
        self.whos[who as usize].null
    }

    fn provider(&mut self, provider: &'k Provider) -> ProviderNumber {
        let next = self.providers.len() as u32;
        let number = *self.provider_numbers.entry(provider.id.as_str()).or_insert(next);
        if number == next {
            self.providers.push(provider);
        }
        number
    }

    fn text(&mut self, text: String) -> u32 {
        if let Some(&known) = self.text_numbers.get(&text) {
            return known;
        }
        let number = self.texts.len() as u32;
        self.texts.push(text.clone());
        self.text_numbers.insert(text, number);
        number
    }

    /// The number of what an outcome shows.
    pub(super) fn who(
        &mut self,
        facts: &OutcomeFacts,
        store: &Store,
        names: &mut NameReader<'_>,
    ) -> Result<u32, StoreError> {
        let key = WhoKey {
            from: facts.header_from.unwrap_or(-1),
            envelope: facts.envelope,
            authenticated: facts.authenticated,
            signers: facts.signers,
            spf: facts.spf,
            dkim_aligned: facts.dkim == DkimState::Aligned,
            null: facts.null_reverse_path,
        };
        if let Some(&known) = self.who_numbers.get(&key) {
            return Ok(known);
        }
        let who = self.read(key, store, names)?;
        let number = self.whos.len() as u32;
        self.whos.push(who);
        self.who_numbers.insert(key, number);
        Ok(number)
    }

    fn read(&mut self, key: WhoKey, store: &Store, names: &mut NameReader<'_>) -> Result<Who, StoreError> {
        let catalogue = self.knowledge.catalogue;
        let from = match key.from {
            -1 => String::new(),
            id => names.text(id)?.to_owned(),
        };
        let envelope = key.envelope.map(|id| names.text(id).map(str::to_owned)).transpose()?;
        let by_envelope = envelope.as_deref().and_then(|name| catalogue.by_envelope_domain(name));
        let mut verified = Vec::new();
        let mut signed = Vec::new();
        let dashed = [from.as_str(), domain::organizational(&from)].map(|own| format!("-{}", own.replace('.', "-")));
        let names_domain = |selector: &str| dashed.iter().any(|ending| providers::names(selector, ending));
        for (name, selector, result) in store.signers(key.signers, names)? {
            if result != AuthResult::Pass {
                continue;
            }
            if let Some(provider) = catalogue.by_signing_domain(&name) {
                let tenant = provider.tenant(&name).map(|tenant| self.text(tenant));
                if tenant.is_some() && selector.as_deref().is_some_and(names_domain) {
                    self.names_domain.insert((key.from, key.signers));
                }
                signed.push((self.provider(provider), tenant));
            }
            verified.push(name);
        }
        let spf_failed = key.spf == SpfState::Fail;
        // A host name of a provider of mailboxes under SPF is how a null reverse-path looks.
        let host_name = |name: &str| domain::organizational(name) != name;
        let null = key.null
            || by_envelope.is_some_and(|provider| {
                let is_host = |name: &str| host_name(name) && provider.tenant(name).is_none();
                provider.kind == Kind::MailboxHost && envelope.as_deref().is_some_and(is_host)
            });
        // A signature survives forwarding: where SPF names another than who signed, it does not tell who handed over; and where
        // SPF fails, the domain's own does not. That of an approved service does: few forward its mail, and many of its machines
        // are in nobody's SPF.
        let handed_by_another = key.authenticated.is_some()
            && match by_envelope {
                Some(provider) => !provider.kind.sends_for_customers(),
                None => envelope.as_deref().is_some_and(|name| {
                    let organization = domain::organizational(name);
                    !verified.iter().any(|signer| domain::organizational(signer) == organization)
                }),
            };
        if handed_by_another {
            verified.clear();
        } else if spf_failed {
            verified.retain(|signer| domain::organizational(signer) != domain::organizational(&from));
        }
        let shown = Shown { from: &from, verified: &verified, envelope: envelope.as_deref() };
        let entries = &self.knowledge.ledger.entries;
        let quiet = matches!(key.spf, SpfState::None | SpfState::Unknown);
        Ok(Who {
            from: key.from,
            fixed: None,
            by_envelope: by_envelope.map(|provider| self.provider(provider)),
            authenticated: key.authenticated,
            spf_failed,
            null,
            // A reporter that writes foreign SPF passes as none shows a null reverse-path like this.
            joins: null || key.dkim_aligned || key.spf == SpfState::Aligned || quiet && signed.is_empty(),
            signed,
            quiet,
            own_spf: key.spf == SpfState::Aligned,
            entries: (0..).zip(entries).filter(|(_, entry)| entry.fits(&shown)).map(|(number, _)| number).collect(),
        })
    }

    /// The unit that mail of this who from this address belongs to.
    pub(super) fn unit(&mut self, who: u32, address: PackedAddress<'_>) -> u32 {
        if let Some(fixed) = self.whos[who as usize].fixed {
            return fixed;
        }
        let unit = self.name(who, address.ip());
        let next = self.units.len() as u32;
        let number = *self.unit_numbers.entry(unit).or_insert(next);
        if number == next {
            self.units.push(unit);
        }
        let who = &mut self.whos[who as usize];
        if who.entries.is_empty() && unit.by == NamedBy::Envelope {
            who.fixed = Some(number);
        }
        number
    }

    fn name(&mut self, who: u32, ip: Option<IpAddr>) -> Unit {
        let seen = ip.map(|ip| self.address(ip)).unwrap_or_default();
        let who = &self.whos[who as usize];
        let tenant_of = |provider: ProviderNumber| {
            who.signed.iter().filter(|(signer, _)| *signer == provider).find_map(|(_, tenant)| *tenant)
        };
        let default_signer = who.signed.first().map(|(provider, _)| *provider).filter(|_| !who.spf_failed);
        let (by, place, provider) = if let Some(provider) = who.by_envelope {
            (NamedBy::Envelope, Place::Anywhere, Some(provider))
        } else if let Some(provider) = seen.by_range {
            (NamedBy::Range, Place::Anywhere, Some(provider))
        } else if let Some(provider) = seen.by_host {
            (NamedBy::Host, Place::Anywhere, Some(provider))
        } else if let Some(domain) = who.authenticated {
            (NamedBy::SpfDomain, Place::Domain(domain), None)
        } else if let Some(host) = seen.host_organization {
            (NamedBy::ReverseDns, Place::Host(host), None)
        } else if let Some(ip) = ip {
            let by = if default_signer.is_some() { NamedBy::SigningDomain } else { NamedBy::Network };
            (by, Place::Address(ip), default_signer)
        } else {
            (NamedBy::Nothing, Place::Anywhere, None)
        };
        let tenant = provider.and_then(tenant_of);
        let handed = Handed {
            address: ip,
            host: ip.and_then(|ip| self.knowledge.hosts.get(&ip)).map(String::as_str),
            provider: provider.map(|number| self.providers[number as usize].id.as_str()),
            tenant: tenant.map(|number| self.texts[number as usize].as_str()),
        };
        let entries = &self.knowledge.ledger.entries;
        let matched = who.entries.iter().copied().find(|&number| entries[number as usize].fits_address(&handed));
        self.matched_entries.extend(matched);
        let entry = matched.map(|number| self.knowledge.ledger.first_of_name(number));
        Unit {
            from: who.from,
            by: if entry.is_some() { NamedBy::Ledger } else { by },
            place: if entry.is_some() { Place::Anywhere } else { place },
            entry,
            provider,
            tenant,
            joins: tenant.is_none() && who.joins,
            quiet: by.is_weak() && who.quiet,
            own_spf: by.is_weak() && who.own_spf,
        }
    }
}
