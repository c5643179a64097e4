//! An entry of the catalogue, as it stands in a file and as it is used.

use std::collections::BTreeMap;

use ipnet::IpNet;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, de};
use toml::Spanned;

use super::template::Template;
use super::tenant::TenantRule;
use crate::cause::Cause;
use crate::domain;
use crate::vocabulary::vocabulary;

vocabulary! {
    /// What a provider is to the domains whose mail it sends.
    pub enum Kind {
        /// Hosts mailboxes and sends what people write.
        MailboxHost => "mailbox-host",
        /// Sends mail for its customers: newsletters, invoices, tickets.
        Service => "service",
        /// Passes on its customers' outgoing mail, and may change it.
        Gateway => "gateway",
        /// Passes on mail of anybody to other addresses.
        Forwarder => "forwarder",
        /// Hosts mailing lists.
        List => "list",
        /// Rents out machines or lines. Its host names are those of whoever rents, so they name nobody.
        Hosting => "hosting",
    }
}

impl Kind {
    /// Whether it sends in the name of its customers, and does not only pass on what others wrote.
    #[must_use]
    pub fn sends_for_customers(self) -> bool {
        matches!(self, Kind::MailboxHost | Kind::Service | Kind::Gateway)
    }

    /// Whether what is recognised as its tells who handed mail over: whoever rents a machine at a hoster is not the hoster.
    #[must_use]
    pub fn names_sender(self) -> bool {
        self != Kind::Hosting
    }
}

vocabulary! {
    /// Whether a provider can sign with DKIM as its customer's domain.
    pub enum Dkim {
        /// It can.
        AsCustomer => "as-customer",
        /// It signs as itself only, or not at all.
        Never => "never",
    }
}

vocabulary! {
    /// Whether SPF can align, which depends on whose domain the reverse-path is of.
    pub enum Spf {
        /// The reverse-path is of the customer's domain anyway.
        Own => "own",
        /// It is, once a return-path domain of the customer's is set up.
        Custom => "custom",
        /// It is always of the provider's own domain.
        Never => "never",
    }
}

/// A sender of mail for others. Domains are normalized, see [`domain::normalize`].
#[derive(Debug, Clone)]
pub struct Provider {
    /// Stable, in lower case: `microsoft-365`.
    pub id: String,
    /// For people.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its trade in a word or two: `marketing`, `help desk`.
    pub category: Option<String>,
    /// Domains (and all below them) that it signs as where no customer's domain is set up.
    pub signing_domains: Vec<String>,
    /// Domains (and all below them) of its reverse-paths and HELO names.
    pub envelope_domains: Vec<String>,
    /// Domains that the host names of its addresses end in.
    pub hosts: Vec<String>,
    /// Networks that it has published as those it sends from.
    pub addresses: Vec<IpNet>,
    /// What customers include in their SPF record.
    pub spf_include: Option<String>,
    /// Whether it can sign as its customer; nothing where that is not known.
    pub dkim: Option<Dkim>,
    /// Whether SPF can align; nothing where that is not known.
    pub spf: Option<Spf>,
    /// What else to know about it.
    pub note: Option<String>,
    /// Its own documentation of signing as a customer's domain.
    pub documentation: Option<String>,
    /// The day on which the entry was compared with that.
    pub checked: Option<Date>,
    /// That page could be read; where not, what the entry says is from DNS records and headers of mail alone.
    pub page_read: bool,
    /// The entry, or a part of it, is from the user's own file.
    pub users_own: bool,
    /// Its place in [`Catalogue::providers`](super::Catalogue::providers).
    pub number: usize,
    pub(super) tenant: Option<TenantRule>,
    pub(super) sign: Vec<Template>,
    pub(super) records: Vec<RecordText>,
    pub(super) remedies: BTreeMap<Cause, RemedyText>,
    pub(super) accounts: Vec<AccountNote>,
}

impl Provider {
    /// Whether its default signatures show whose account signed.
    #[must_use]
    pub fn shows_accounts(&self) -> bool {
        self.tenant.is_some()
    }

    /// Whether an organizational domain is its own: that of a reverse-path or of a default signature.
    #[must_use]
    pub fn is_organization(&self, organization: &str) -> bool {
        let mut all = self.envelope_domains.iter().chain(&self.signing_domains);
        all.any(|own| domain::organizational(own) == organization)
    }

    /// Whose account signed, where this provider's default signature shows it: `contoso.onmicrosoft.com` for Microsoft 365,
    /// for Google the name before the date in `example-com.20230601.gappssmtp.com`. `signing_domain` is normalized.
    #[must_use]
    pub fn tenant(&self, signing_domain: &str) -> Option<String> {
        self.tenant?.tenant(signing_domain, &self.signing_domains)
    }

    /// A key that an entry of its kind has no use for: nobody is recognised as a hoster, so host names are all there is to it.
    pub(super) fn not_for_its_kind(&self) -> Option<&'static str> {
        let keys = [
            ("signing_domains", !self.signing_domains.is_empty()),
            ("envelope_domains", !self.envelope_domains.is_empty()),
            ("addresses", !self.addresses.is_empty()),
            ("spf_include", self.spf_include.is_some()),
            ("dkim", self.dkim.is_some()),
            ("spf", self.spf.is_some()),
            ("tenant", self.tenant.is_some()),
            ("sign", !self.sign.is_empty()),
            ("records", !self.records.is_empty()),
            ("remedy", !self.remedies.is_empty()),
        ];
        keys.into_iter().find(|(_, given)| *given && self.kind == Kind::Hosting).map(|(key, _)| key)
    }
}

/// A file of entries.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    pub(super) provider: Vec<Entry>,
}

/// An entry as it is written. What is absent is taken from an earlier entry of the same id.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) id: Spanned<Id>,
    name: Option<Line>,
    kind: Option<Kind>,
    category: Option<Line>,
    signing_domains: Option<Vec<Domain>>,
    envelope_domains: Option<Vec<Domain>>,
    hosts: Option<Vec<Domain>>,
    addresses: Option<Vec<Network>>,
    spf_include: Option<Domain>,
    dkim: Option<Dkim>,
    spf: Option<Spf>,
    note: Option<Line>,
    documentation: Option<Url>,
    checked: Option<Day>,
    page_read: Option<bool>,
    tenant: Option<TenantRule>,
    sign: Option<Vec<Template>>,
    records: Option<Vec<RecordText>>,
    remedy: Option<BTreeMap<Cause, RemedyText>>,
    accounts: Option<Vec<AccountNote>>,
}

/// A remedy as it is written; what is absent follows from the rest of the entry.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RemedyText {
    pub(super) title: Option<Template>,
    pub(super) steps: Vec<Template>,
    pub(super) source: Option<Url>,
}

/// What to know of accounts whose names begin alike: a reseller's.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountNote {
    /// How the name of the account begins.
    pub(super) begins: String,
    /// A step of its own, before those that set up signing.
    pub(super) note: String,
}

/// A DNS record as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordText {
    pub(super) name: Template,
    #[serde(rename = "type")]
    pub(super) kind: RecordType,
    /// Its value where that follows from what is known.
    pub(super) value: Option<Template>,
    /// The value is given only where a selector was seen that ends in this, with no dash before.
    pub(super) proof: Option<Template>,
}

vocabulary! {
    /// The types of DNS records that remedies ask for.
    pub(super) enum RecordType {
        Cname => "CNAME",
        Txt => "TXT",
        Mx => "MX",
    }
}

impl Entry {
    /// The provider of this entry: what it says, and for the rest what was there before. The error is the key that is missing.
    pub(super) fn into_provider(self, before: Option<Provider>, users_own: bool) -> Result<Provider, &'static str> {
        let mut provider = match before {
            Some(before) => Provider { users_own: before.users_own || users_own, ..before },
            None => Provider {
                id: self.id.into_inner().0,
                name: self.name.as_ref().ok_or("name")?.0.clone(),
                kind: self.kind.ok_or("kind")?,
                category: None,
                signing_domains: Vec::new(),
                envelope_domains: Vec::new(),
                hosts: Vec::new(),
                addresses: Vec::new(),
                spf_include: None,
                dkim: None,
                spf: None,
                note: None,
                documentation: None,
                checked: None,
                page_read: true,
                users_own,
                number: 0,
                tenant: None,
                sign: Vec::new(),
                records: Vec::new(),
                remedies: BTreeMap::new(),
                accounts: Vec::new(),
            },
        };
        let domains = |list: Vec<Domain>| list.into_iter().map(|one| one.0).collect();
        replace(&mut provider.name, self.name.map(|one| one.0));
        replace(&mut provider.kind, self.kind);
        replace(&mut provider.page_read, self.page_read);
        replace(&mut provider.signing_domains, self.signing_domains.map(domains));
        replace(&mut provider.envelope_domains, self.envelope_domains.map(domains));
        replace(&mut provider.hosts, self.hosts.map(domains));
        replace(&mut provider.addresses, self.addresses.map(|list| list.into_iter().map(|one| one.0).collect()));
        replace(&mut provider.sign, self.sign);
        replace(&mut provider.records, self.records);
        replace(&mut provider.accounts, self.accounts);
        provider.category = self.category.map(|one| one.0).or(provider.category);
        provider.spf_include = self.spf_include.map(|one| one.0).or(provider.spf_include);
        provider.dkim = self.dkim.or(provider.dkim);
        provider.spf = self.spf.or(provider.spf);
        provider.note = self.note.map(|one| one.0).or(provider.note);
        provider.documentation = self.documentation.map(|one| one.0).or(provider.documentation);
        provider.checked = self.checked.map(|one| one.0).or(provider.checked);
        provider.tenant = self.tenant.or(provider.tenant);
        provider.remedies.extend(self.remedy.into_iter().flatten());
        Ok(provider)
    }
}

fn replace<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

/// Reads a string and checks it; the error then points to it.
fn checked<'de, D: Deserializer<'de>, T>(deserializer: D, check: fn(&str) -> Result<T, String>) -> Result<T, D::Error> {
    check(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

macro_rules! checked_string {
    ($($(#[$doc:meta])* $name:ident($inner:ty) = $check:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub(super) struct $name(pub(super) $inner);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                checked(deserializer, $check).map($name)
            }
        }
    )*};
}

checked_string! {
    /// An id: lower case letters, digits and dashes.
    Id(String) = |text| {
        let fits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits { Ok(text.to_owned()) } else { Err(format!("invalid id {text:?}: use lower case letters, digits and dashes")) }
    };
    /// A line of text.
    Line(String) = |text| {
        let fits = !text.trim().is_empty() && !text.contains(char::is_control);
        if fits { Ok(text.trim().to_owned()) } else { Err(format!("invalid text {text:?}: use one line of text")) }
    };
    /// A domain name of at least two labels, normalized.
    Domain(String) = |text| {
        let name = domain::normalize(text).map(|name| name.into_owned()).unwrap_or_default();
        let fits = name.contains('.')
            && name.split('.').all(|label| {
                !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            });
        if fits { Ok(name) } else { Err(format!("invalid domain {text:?}: use a name such as example.com")) }
    };
    /// A network, or an address as the network of it alone.
    Network(IpNet) = |text| {
        let address = || text.parse::<std::net::IpAddr>().ok().map(IpNet::from);
        let net = text.parse::<IpNet>().ok().or_else(address);
        match net {
            Some(net) if net.trunc() == net => Ok(net),
            Some(net) => Err(format!("{text:?} has bits behind its length; the network is {}", net.trunc())),
            None => Err(format!("invalid address {text:?}: use an address or a network such as 192.0.2.0/24")),
        }
    };
    /// A web page.
    Url(String) = |text| {
        let rest = text.strip_prefix("https://").unwrap_or("");
        let fits = rest.contains('.') && rest.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'"'));
        if fits { Ok(text.to_owned()) } else { Err(format!("invalid page {text:?}: use an address that begins with https://")) }
    };
    /// A day.
    Day(Date) = |text| text.parse().map_err(|_| format!("invalid day {text:?}: use a date such as 2026-11-25"));
}
