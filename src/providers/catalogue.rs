//! All providers, and which of them a domain, an address or a host name is of.

use std::net::IpAddr;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use ipnet::IpNet;
use jiff::civil::Date;
use rustc_hash::FxHashMap;

use super::address::Networks;
use super::entry::{Entry, File, Provider};
use super::owners::NetworkOwners;

/// The files that come with the program.
pub(super) const FILES: [(&str, &str); 10] = [
    ("customer_care.toml", include_str!("catalogue/customer_care.toml")),
    ("forwarders.toml", include_str!("catalogue/forwarders.toml")),
    ("gateways.toml", include_str!("catalogue/gateways.toml")),
    ("hosting.toml", include_str!("catalogue/hosting.toml")),
    ("lists.toml", include_str!("catalogue/lists.toml")),
    ("mailbox_hosts.toml", include_str!("catalogue/mailbox_hosts.toml")),
    ("marketing.toml", include_str!("catalogue/marketing.toml")),
    ("office.toml", include_str!("catalogue/office.toml")),
    ("transactional.toml", include_str!("catalogue/transactional.toml")),
    ("web_hosts.toml", include_str!("catalogue/web_hosts.toml")),
];

static BUILTIN: LazyLock<Catalogue> = LazyLock::new(|| {
    let mut providers = Vec::new();
    for (name, text) in FILES {
        // Not input: a test reads the same bytes.
        add(&mut providers, text, name, false).expect("the catalogue that comes with the program is in order");
    }
    Catalogue::new(providers)
});

/// An entry that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: line {line}{}: {reason}", key.as_ref().map(|key| format!(", `{key}`")).unwrap_or_default())]
pub struct CatalogueError {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The key that is wrong, where it is one.
    pub key: Option<String>,
    /// What is wrong.
    pub reason: String,
}

/// All providers.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    providers: Vec<Provider>,
    envelope: Suffixes,
    hosts: Suffixes,
    signing: Suffixes,
    networks: Networks,
    owners: Option<Arc<NetworkOwners>>,
}

impl Catalogue {
    /// The catalogue that comes with the program.
    #[must_use]
    pub fn builtin() -> Self {
        BUILTIN.clone()
    }

    /// The same with the entries of a user's own file `text`, named `shown_name` in errors. An entry with the id of one that
    /// is there replaces what it says of it and leaves the rest; what two providers claim is the user's.
    ///
    /// # Errors
    /// Where the file is not of the form.
    pub fn with_user_file(text: &str, shown_name: &str) -> Result<Self, CatalogueError> {
        let mut providers = BUILTIN.providers.clone();
        add(&mut providers, text, shown_name, true)?;
        Ok(Self::new(providers))
    }

    /// The same with who runs networks that no entry names.
    #[must_use]
    pub fn with_owners(mut self, owners: NetworkOwners) -> Self {
        self.owners = Some(Arc::new(owners));
        self
    }

    /// Who runs the network of an address, by the database that was given: a name for what nothing else names.
    #[must_use]
    pub fn network_owner(&self, address: IpAddr) -> Option<String> {
        self.owners.as_ref()?.owner(address)
    }

    fn new(mut providers: Vec<Provider>) -> Self {
        // What is added last counts, so the user's own come last; otherwise in the order of their ids.
        providers.sort_by(|a, b| (a.users_own, &a.id).cmp(&(b.users_own, &b.id)));
        providers.iter_mut().enumerate().for_each(|(number, provider)| provider.number = number);
        let suffixes = |of: fn(&Provider) -> &Vec<String>| Suffixes::new(&providers, of);
        Catalogue {
            owners: None,
            envelope: suffixes(|provider| &provider.envelope_domains),
            hosts: suffixes(|provider| &provider.hosts),
            signing: suffixes(|provider| &provider.signing_domains),
            networks: Networks::new(
                providers
                    .iter()
                    .enumerate()
                    .flat_map(|(number, provider)| provider.addresses.iter().map(move |&net: &IpNet| (net, number))),
            ),
            providers,
        }
    }

    /// Every provider, in the order of their ids, the user's own last.
    #[must_use]
    pub fn providers(&self) -> &[Provider] {
        &self.providers
    }

    /// The newest day on which an entry was compared with its sources.
    #[must_use]
    pub fn newest_check(&self) -> Option<Date> {
        self.providers.iter().filter_map(|provider| provider.checked).max()
    }

    /// The provider of this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.id == id)
    }

    /// The provider that the domain of a reverse-path or HELO name belongs to. The name is normalized, as are those below.
    #[must_use]
    pub fn by_envelope_domain(&self, domain: &str) -> Option<&Provider> {
        self.envelope.find(domain).map(|number| &self.providers[number])
    }

    /// The provider whose published networks hold the address.
    #[must_use]
    pub fn by_address(&self, address: IpAddr) -> Option<&Provider> {
        self.networks.find(address).map(|number| &self.providers[number])
    }

    /// The provider that a host name belongs to. Whether the name is really that of an address is for the caller to know.
    #[must_use]
    pub fn by_host(&self, host: &str) -> Option<&Provider> {
        self.hosts.find(host).map(|number| &self.providers[number])
    }

    /// The provider that signs as this domain by default.
    #[must_use]
    pub fn by_signing_domain(&self, domain: &str) -> Option<&Provider> {
        self.signing.find(domain).map(|number| &self.providers[number])
    }
}

/// Domains with the number of their provider.
#[derive(Debug, Clone, Default)]
struct Suffixes(FxHashMap<String, usize>);

impl Suffixes {
    fn new(providers: &[Provider], of: fn(&Provider) -> &Vec<String>) -> Self {
        let all = providers.iter().enumerate();
        Suffixes(all.flat_map(|(number, one)| of(one).iter().map(move |domain| (domain.clone(), number))).collect())
    }

    /// The number of the longest domain that `name` is or lies below.
    fn find(&self, name: &str) -> Option<usize> {
        let mut rest = name;
        loop {
            if let Some(&number) = self.0.get(rest) {
                return Some(number);
            }
            rest = rest.split_once('.')?.1;
        }
    }
}

/// Reads a file of entries and adds them.
fn add(providers: &mut Vec<Provider>, text: &str, name: &str, users_own: bool) -> Result<(), CatalogueError> {
    let error = |span: Option<Range<usize>>, key: Option<&str>, reason: &str| located(text, span, key, reason, name);
    let file: File =
        toml::from_str(text).map_err(|wrong| error(wrong.span(), None, &wrong.message().replace('\n', " ")))?;
    let mut seen: FxHashMap<String, usize> = FxHashMap::default();
    for entry in file.provider {
        let (id, span) = (entry.id.get_ref().0.clone(), entry.id.span());
        if let Some(&line) = seen.get(&id) {
            return Err(error(Some(span), Some("id"), &format!("there is an entry {id:?} in line {line} already")));
        }
        seen.insert(id.clone(), line_at(text, span.start));
        let provider = merge(providers, entry, &id, users_own)
            .map_err(|missing| error(Some(span.clone()), None, &format!("the entry {id:?} has no `{missing}`")))?;
        if let Some(key) = provider.not_for_its_kind() {
            let reason = format!("the entry {id:?} is of kind `hosting`, which takes `hosts` and no `{key}`");
            return Err(error(Some(span), None, &reason));
        }
    }
    Ok(())
}

fn merge<'p>(
    providers: &'p mut Vec<Provider>,
    entry: Entry,
    id: &str,
    users_own: bool,
) -> Result<&'p Provider, &'static str> {
    let at = match providers.iter().position(|provider| provider.id == id) {
        Some(at) => {
            providers[at] = entry.into_provider(Some(providers[at].clone()), users_own)?;
            at
        }
        None => {
            providers.push(entry.into_provider(None, users_own)?);
            providers.len() - 1
        }
    };
    Ok(&providers[at])
}

fn line_at(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|&&byte| byte == b'\n').count() + 1
}

/// An error with its place. The key is that of the nearest line above that begins with one: a value may go over lines.
fn located(text: &str, span: Option<Range<usize>>, key: Option<&str>, reason: &str, name: &str) -> CatalogueError {
    let line = line_at(text, span.map_or(0, |span| span.start));
    let above = || {
        let lines: Vec<&str> = text.lines().take(line).collect();
        let found = lines.iter().rev().take_while(|line| !line.trim_start().starts_with("[[")).find_map(|line| {
            let (key, _) = line.split_once('=')?;
            let key = key.trim();
            (!key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')).then_some(key)
        });
        found.map(str::to_owned)
    };
    let key = key.map(str::to_owned).or_else(above).filter(|key| !reason.contains(&format!("`{key}`")));
    CatalogueError { file: name.to_owned(), line, key, reason: reason.to_owned() }
}
