//! The ledger of approved senders: who may send for which domains, and how their mail is recognised.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::civil::Date;

use crate::domain::is_within;

/// All approved senders, in the order of the file: the first that matches names the sender.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The entries.
    pub entries: Vec<LedgerEntry>,
}

impl Ledger {
    /// The first entry of the same name: entries of one name are one sender.
    pub(super) fn first_of_name(&self, number: u32) -> u32 {
        let name = self.entries.get(number as usize).map(|entry| &entry.name);
        (0..number).find(|&at| self.entries.get(at as usize).map(|entry| &entry.name) == name).unwrap_or(number)
    }
}

/// An approved sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// What to call it.
    pub name: String,
    /// The line of the configuration that it begins in.
    pub line: usize,
    /// The header From domains that it may send for, subdomains included; all where there is none.
    pub domains: Vec<String>,
    /// How its mail is recognised.
    pub identities: Identities,
    /// Whom to ask.
    pub owner: Option<String>,
    /// What else to know.
    pub note: Option<String>,
    /// The last day of the approval.
    pub expires: Option<Date>,
}

/// What a message must show to be an approved sender's. Of each kind that is given one value must fit; domains include
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
    /// The domains of signatures that verified and may name who handed over.
    pub(super) verified: &'r [String],
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
    /// Whether it approves of mail of a header From domain.
    #[must_use]
    pub fn covers(&self, from: &str) -> bool {
        self.domains.is_empty() || self.domains.iter().any(|domain| is_within(from, domain))
    }

    /// Whether a record may be of this sender, by what it shows apart from its address.
    pub(super) fn fits(&self, shown: &Shown<'_>) -> bool {
        let below = |list: &[String], name: &str| list.iter().any(|domain| is_within(name, domain));
        self.covers(shown.from)
            && (self.identities.signing_domain.is_empty()
                || shown.verified.iter().any(|name| below(&self.identities.signing_domain, name)))
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
