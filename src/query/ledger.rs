//! The ledger: which domains are the owner's, which senders are approved, which were looked into and are not the owner's.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::civil::Date;
use serde::Serialize;

use crate::domain::{is_among, is_within};

/// What the owner says of domains and senders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The domains that are one owner's, subdomains included (`[owner] domains`); empty where nobody said.
    pub owner_domains: Vec<String>,
    /// The entries, those that deny first, else in the order of the file: the first that matches names the sender.
    pub entries: Vec<LedgerEntry>,
}

impl Ledger {
    /// The first entry of the same name and decision: they are one sender.
    pub(super) fn first_of_name(&self, number: u32) -> u32 {
        let sender = |at: u32| self.entries.get(at as usize).map(|entry| (entry.decision, &entry.name));
        let of = sender(number);
        (0..number).find(|&at| sender(at) == of).unwrap_or(number)
    }

    /// Whether a domain is the owner's, or may be: where nobody said which are, every domain may be.
    #[must_use]
    pub fn is_owners(&self, domain: &str) -> bool {
        is_among(domain, &self.owner_domains)
    }
}

/// What an entry of the ledger says of the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It is not the owner's (`[[not_ours]]`).
    Denied,
    /// It may send for the owner (`[[sender]]`).
    Approved,
}

impl Decision {
    /// The table in the configuration.
    #[must_use]
    pub fn table(self) -> &'static str {
        match self {
            Decision::Denied => "not_ours",
            Decision::Approved => "sender",
        }
    }
}

/// A sender that somebody decided about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// What was decided.
    pub decision: Decision,
    /// What to call it.
    pub name: String,
    /// The line of the configuration that it begins in.
    pub line: usize,
    /// The header From domains that the entry is about, subdomains included; all where there is none.
    pub domains: Vec<String>,
    /// It is about the domains of other owners too, so that it matches nothing of this one's says nothing.
    pub shared: bool,
    /// How its mail is recognised.
    pub identities: Identities,
    /// Whom to ask.
    pub owner: Option<String>,
    /// What else to know: the note of an approval, the reason of a denial.
    pub note: Option<String>,
    /// The last day of an approval.
    pub expires: Option<Date>,
}

/// What a message must show to be the sender's. Of each kind that is given one value must fit; domains include
/// what lies below them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identities {
    /// `d=` of a signature that verified.
    pub signing_domain: Vec<String>,
    /// The domain that SPF authenticated.
    pub envelope_domain: Vec<String>,
    /// Networks of the address that handed the mail over.
    pub ip: Vec<IpNet>,
    /// Whose account of a provider signed.
    pub tenant: Vec<String>,
    /// The confirmed host name of the address.
    pub ptr: Vec<String>,
    /// The catalogued provider's id. Never alone: a provider sends for everybody.
    pub provider: Vec<String>,
}

/// What a record shows, apart from its address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'r> {
    /// Header From.
    pub(super) from: &'r str,
    /// The domains of signatures that verified, each with whether it tells who handed over: it survives forwarding.
    pub(super) verified: &'r [(String, bool)],
    /// The domain that SPF authenticated.
    pub(super) envelope: Option<&'r str>,
}

/// What an address shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Handed<'r> {
    pub(super) address: Option<IpAddr>,
    pub(super) host: Option<&'r str>,
    pub(super) provider: Option<&'r str>,
    pub(super) tenant: Option<&'r str>,
}

impl LedgerEntry {
    /// Whether it is about mail of a header From domain.
    #[must_use]
    pub fn covers(&self, from: &str) -> bool {
        is_among(from, &self.domains)
    }

    /// Whether it is about all that another is about, by the same `match`: where it comes first, the other has no effect. One for some
    /// of the domains is an exception.
    #[must_use]
    pub fn covers_all_of(&self, other: &LedgerEntry) -> bool {
        let has_domains = match other.domains.as_slice() {
            [] => self.domains.is_empty(),
            domains => domains.iter().all(|domain| self.covers(domain)),
        };
        has_domains && self.identities.in_order() == other.identities.in_order()
    }

    /// Whether a record may be of this sender, by what it shows apart from its address.
    pub(super) fn fits(&self, shown: &Shown<'_>) -> bool {
        let below = |list: &[String], name: &str| list.iter().any(|domain| is_within(name, domain));
        self.covers(shown.from)
            && (self.identities.signing_domain.is_empty()
                || shown.verified.iter().any(|(name, tells)| {
                    (*tells || self.identities.tell_who_handed_over()) && below(&self.identities.signing_domain, name)
                }))
            && (self.identities.envelope_domain.is_empty()
                || shown.envelope.is_some_and(|name| below(&self.identities.envelope_domain, name)))
    }

    /// Whether who handed it over is this sender too.
    pub(super) fn fits_address(&self, handed: &Handed<'_>) -> bool {
        let identities = &self.identities;
        let one_of = |list: &[String], value: Option<&str>| {
            list.is_empty() || value.is_some_and(|value| list.iter().any(|one| one.eq_ignore_ascii_case(value)))
        };
        (identities.ip.is_empty()
            || handed.address.is_some_and(|address| identities.ip.iter().any(|net| net.contains(&address))))
            && (identities.ptr.is_empty()
                || handed.host.is_some_and(|host| identities.ptr.iter().any(|name| is_within(host, name))))
            && one_of(&identities.tenant, handed.tenant)
            && one_of(&identities.provider, handed.provider)
    }
}

impl Identities {
    /// Takes what another names of the one kind that both name and nothing else: one that fits either then fits. Gives it back where
    /// that is not so.
    pub fn merge(&mut self, other: Identities) -> Option<Identities> {
        let kinds = |of: &Identities| {
            let ip = !of.ip.is_empty();
            let names = [&of.signing_domain, &of.envelope_domain, &of.tenant, &of.ptr, &of.provider];
            (ip, names.map(|names| !names.is_empty()))
        };
        let (ip, names) = kinds(self);
        if kinds(&other) != (ip, names) || usize::from(ip) + names.iter().filter(|&&named| named).count() != 1 {
            return Some(other);
        }
        self.signing_domain.extend(other.signing_domain);
        self.envelope_domain.extend(other.envelope_domain);
        self.ip.extend(other.ip);
        self.tenant.extend(other.tenant);
        self.ptr.extend(other.ptr);
        self.provider.extend(other.provider);
        *self = self.in_order();
        None
    }

    /// The same, of each kind in order and once.
    fn in_order(&self) -> Self {
        fn ordered<T: Ord + Clone>(list: &[T]) -> Vec<T> {
            list.iter().cloned().collect::<BTreeSet<T>>().into_iter().collect()
        }
        Identities {
            signing_domain: ordered(&self.signing_domain),
            envelope_domain: ordered(&self.envelope_domain),
            ip: ordered(&self.ip),
            tenant: ordered(&self.tenant),
            ptr: ordered(&self.ptr),
            provider: ordered(&self.provider),
        }
    }

    /// Whether they name who handed over, so that a signature need not.
    fn tell_who_handed_over(&self) -> bool {
        !self.envelope_domain.is_empty() || !self.ip.is_empty() || !self.ptr.is_empty()
    }

    /// Whether nothing but a provider is named, or nothing at all: that proves nothing.
    #[must_use]
    pub fn prove_nothing(&self) -> bool {
        self.signing_domain.is_empty()
            && self.envelope_domain.is_empty()
            && self.ip.is_empty()
            && self.tenant.is_empty()
            && self.ptr.is_empty()
    }
}
