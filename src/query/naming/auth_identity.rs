//! The authenticated identity of a record: what it shows, apart from its address, about who wrote the mail and who delivered it.

use std::collections::HashMap;

use super::{Knowledge, ProviderNumber, Texts};
use crate::alignment::{AuthResult, Detail, DkimState, SpfState};
use crate::domain;
use crate::providers::{self, Kind};
use crate::query::ledger::Shown;
use crate::store::{NameReader, OutcomeFacts, Store, StoreError};

/// What a record shows apart from its address, as far as that bears on its role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct IdentityKey {
    from: i64,
    envelope: Option<i64>,
    authenticated: Option<i64>,
    signers: i64,
    spf: SpfState,
    dkim_aligned: bool,
    null: bool,
    own_spf: bool,
    spf_unevaluable: bool,
}

/// Whose account of a provider signed.
#[derive(Debug, Clone)]
pub(in crate::query) struct Account {
    /// The provider.
    pub(in crate::query) provider: ProviderNumber,
    /// Its number in [`AuthIdentities::tenants`].
    pub(in crate::query) number: u32,
    /// Its name.
    pub(in crate::query) name: String,
    /// The signature verified.
    pub(in crate::query) verified: bool,
    /// It shows by a signature; else by the reverse-path alone.
    pub(in crate::query) signed: bool,
    /// Name or selector spell the domain of header From.
    pub(in crate::query) spelled: bool,
}

/// A listed signature.
#[derive(Debug, Clone, Copy)]
pub(in crate::query) struct Signed {
    /// The pair of `d=` and `s=`, by its number in [`AuthIdentities::keys`].
    pub(in crate::query) key: u32,
    /// The key of any selector of that `d=`: what reporters show that write no selectors.
    pub(in crate::query) any_key: u32,
    /// The organizational domain of `d=`, by its number in [`AuthIdentities::organizations`].
    pub(in crate::query) organization: u32,
    /// It verified.
    pub(in crate::query) verified: bool,
    /// A provider signs as this domain by default.
    pub(in crate::query) default_of: Option<ProviderNumber>,
}

/// What records show apart from their address, and what the catalogue and the ledger know of that.
#[derive(Debug)]
pub(in crate::query) struct AuthIdentity {
    /// Header From; -1 where there is none.
    pub(in crate::query) from: i64,
    /// Its organizational domain, by its number in [`AuthIdentities::organizations`].
    pub(in crate::query) organization: u32,
    /// It is that itself.
    pub(in crate::query) is_from_organization: bool,
    /// The provider of the domain that SPF authenticated.
    pub(in crate::query) by_envelope: Option<ProviderNumber>,
    /// The organizational domain that SPF authenticated, where it is not header From's own: its name, and its number.
    pub(in crate::query) authenticated: Option<(i64, u32)>,
    /// SPF passed for header From's own organizational domain, whatever alignment is published.
    pub(in crate::query) own_spf: bool,
    /// SPF passed for header From's very name, or for one below it.
    pub(in crate::query) spf_of_from: bool,
    /// SPF says nothing: neither who it is nor that it fails.
    pub(in crate::query) quiet: bool,
    /// SPF did not pass, and could be evaluated.
    pub(in crate::query) spf_failed: bool,
    /// The domain's own SPF record could not be evaluated.
    pub(in crate::query) spf_unevaluable: bool,
    /// Every listed signature that names a domain.
    pub(in crate::query) signed: Box<[Signed]>,
    /// The accounts of providers whose default signatures are listed.
    pub(in crate::query) accounts: Box<[Account]>,
    /// The reporter says that DKIM aligned.
    pub(in crate::query) dkim_aligned: bool,
    /// The reverse-path is null.
    pub(in crate::query) null: bool,
    /// The domains of signatures that verified, each with whether it tells who handed over.
    pub(in crate::query) verified: Box<[(String, bool)]>,
    /// The domain that SPF authenticated.
    pub(in crate::query) envelope: Option<Box<str>>,
    /// Entries of the ledger that may match, the address granted.
    pub(super) entries: Box<[u32]>,
}

impl AuthIdentity {
    /// Whether a reporter leaves out what would tell who wrote it: neither SPF nor a signature.
    pub(in crate::query) fn hides(&self) -> bool {
        self.quiet && self.signed.is_empty()
    }

    /// The account by which entries of the ledger recognise it.
    pub(in crate::query) fn account(&self) -> Option<&Account> {
        self.accounts.iter().find(|account| account.verified)
    }
}

/// All that was shown, each once. Names are what strangers write, so nothing here is hashed in a way that they foresee.
#[derive(Debug)]
pub(in crate::query) struct AuthIdentities<'k> {
    knowledge: Knowledge<'k>,
    numbers: HashMap<IdentityKey, u32>,
    /// For each number, whether the reverse-path is null, and whether it shows anything of who wrote or sent it.
    nulls: Vec<bool>,
    telling: Vec<bool>,
    /// The accounts of providers.
    pub(in crate::query) tenants: Texts,
    /// Organizational domains.
    pub(in crate::query) organizations: Texts,
    domains: Texts,
    selectors: Texts,
    /// By the numbers of `d=` and `s=`.
    keys: HashMap<(u32, Option<u32>), u32>,
}

impl<'k> AuthIdentities<'k> {
    pub(in crate::query) fn new(knowledge: Knowledge<'k>) -> Self {
        AuthIdentities {
            knowledge,
            numbers: HashMap::new(),
            nulls: Vec::new(),
            telling: Vec::new(),
            tenants: Texts::default(),
            organizations: Texts::default(),
            domains: Texts::default(),
            selectors: Texts::default(),
            keys: HashMap::new(),
        }
    }

    /// How many there are.
    pub(in crate::query) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The number of what an outcome shows, and what that is where it is new.
    pub(in crate::query) fn number(
        &mut self,
        facts: &OutcomeFacts,
        store: &Store,
        names: &mut NameReader<'_>,
    ) -> Result<(u32, Option<AuthIdentity>), StoreError> {
        let Detail { strict_spf, spf_fault, spf_without_domain, .. } = facts.detail;
        let key = IdentityKey {
            from: facts.header_from.unwrap_or(-1),
            envelope: facts.envelope,
            authenticated: facts.authenticated,
            signers: facts.signers,
            spf: facts.spf,
            dkim_aligned: facts.dkim == DkimState::Aligned,
            null: facts.null_reverse_path || spf_without_domain,
            own_spf: facts.spf == SpfState::Aligned || strict_spf,
            spf_unevaluable: spf_fault.is_some(),
        };
        if let Some(&known) = self.numbers.get(&key) {
            return Ok((known, None));
        }
        let identity = self.read(key, store, names)?;
        let number = self.numbers.len() as u32;
        self.numbers.insert(key, number);
        self.nulls.push(identity.null);
        self.telling.push(
            identity.own_spf
                || identity.dkim_aligned
                || identity.authenticated.is_some()
                || !identity.signed.is_empty(),
        );
        Ok((number, Some(identity)))
    }

    /// Whether the reverse-path is null, told also by a provider's host name under SPF.
    pub(in crate::query) fn is_null(&self, identity: u32) -> bool {
        self.nulls[identity as usize]
    }

    /// Whether it shows anything of who wrote or sent it, and so bears on other mail.
    pub(in crate::query) fn tells(&self, identity: u32) -> bool {
        self.telling[identity as usize]
    }

    fn key(&mut self, domain: &str, selector: Option<&str>) -> u32 {
        let next = self.keys.len() as u32;
        let pair = (self.domains.number(domain), selector.map(|name| self.selectors.number(name)));
        *self.keys.entry(pair).or_insert(next)
    }

    fn read(
        &mut self,
        key: IdentityKey,
        store: &Store,
        names: &mut NameReader<'_>,
    ) -> Result<AuthIdentity, StoreError> {
        let catalogue = self.knowledge.catalogue;
        let from = match key.from {
            -1 => String::new(),
            id => names.text(id)?.to_owned(),
        };
        let organization = domain::organizational(&from);
        let envelope: Option<Box<str>> = key.envelope.map(|id| names.text(id).map(Box::from)).transpose()?;
        // A gateway passes on its customers' envelopes; where the reverse-path is null, SPF is about the gateway's own host name.
        let by_envelope = envelope.as_deref().and_then(|name| {
            let gateway = || catalogue.by_host(name).filter(|provider| provider.kind == Kind::Gateway);
            catalogue.by_envelope_domain(name).or_else(gateway)
        });
        let mut verified = Vec::new();
        let (mut signed, mut accounts) = (Vec::new(), Vec::new());
        let dashed = [from.as_str(), organization].map(|own| own.replace('.', "-"));
        let is_spelled =
            |tenant: &str| !from.is_empty() && (dashed.iter().any(|own| own == tenant) || spells(tenant, organization));
        for (name, selector, result) in store.signers(key.signers, names)? {
            if result == AuthResult::None {
                continue;
            }
            let provider = catalogue.by_signing_domain(&name);
            if let Some((provider, tenant)) = provider.and_then(|one| Some((one, one.tenant(&name)?))) {
                let by_selector =
                    |selector: &str| dashed.iter().any(|own| providers::names(selector, &format!("-{own}")));
                accounts.push(Account {
                    provider: provider.number as ProviderNumber,
                    number: self.tenants.number(&tenant),
                    verified: result == AuthResult::Pass,
                    signed: true,
                    spelled: is_spelled(&tenant) || !from.is_empty() && selector.as_deref().is_some_and(by_selector),
                    name: tenant,
                });
            }
            signed.push(Signed {
                key: self.key(&name, selector.as_deref()),
                any_key: self.key(&name, None),
                organization: self.organizations.number(domain::organizational(&name)),
                verified: result == AuthResult::Pass,
                default_of: provider.map(|provider| provider.number as ProviderNumber),
            });
            if result == AuthResult::Pass {
                verified.push(name);
            }
        }
        // An account shows by its default domain in the reverse-path, too.
        if let (Some(provider), Some(name)) = (by_envelope, envelope.as_deref())
            && let Some(tenant) = provider.tenant(name)
        {
            accounts.push(Account {
                provider: provider.number as ProviderNumber,
                number: self.tenants.number(&tenant),
                verified: true,
                signed: false,
                spelled: is_spelled(&tenant),
                name: tenant,
            });
        }
        // A host name of a provider of mailboxes or of a gateway under SPF is how a null reverse-path looks.
        let host_name = |name: &str| domain::organizational(name) != name;
        let null = key.null
            || by_envelope.is_some_and(|provider| {
                let is_host = |name: &str| host_name(name) && provider.tenant(name).is_none();
                let of_gateway = |name: &str| catalogue.by_host(name).is_some_and(|of| of.number == provider.number);
                match provider.kind {
                    Kind::MailboxHost => envelope.as_deref().is_some_and(is_host),
                    Kind::Gateway => envelope.as_deref().is_some_and(|name| is_host(name) && of_gateway(name)),
                    _ => false,
                }
            });
        // The name of a rented machine or a line names nobody, whether SPF or reverse DNS tells it.
        let rented = envelope.as_deref().is_some_and(|name| {
            host_name(name) && catalogue.by_host(name).is_some_and(|provider| !provider.kind.names_sender())
        });
        let authenticated = match key.authenticated.filter(|_| !rented) {
            Some(id) => Some((id, self.organizations.number(names.text(id)?))),
            None => None,
        };
        // An entry of the ledger approves who sends. A signature survives forwarding: where SPF names another than who signed,
        // it does not tell who handed over; and where SPF fails, the domain's own does not.
        let handed_by_another = authenticated.is_some()
            && match by_envelope {
                Some(provider) => !provider.kind.sends_for_customers(),
                None => envelope.as_deref().is_some_and(|name| {
                    let organization = domain::organizational(name);
                    !verified.iter().any(|signer| domain::organizational(signer) == organization)
                }),
            };
        let own_tells = key.spf != SpfState::Fail;
        let tells = |signer: &str| !handed_by_another && (own_tells || domain::organizational(signer) != organization);
        let verified: Box<[(String, bool)]> = verified
            .into_iter()
            .map(|signer: String| {
                let tells = tells(&signer);
                (signer, tells)
            })
            .collect();
        let shown = Shown { from: &from, verified: &verified, envelope: envelope.as_deref() };
        let entries = &self.knowledge.ledger.entries;
        let entries = (0..).zip(entries).filter(|(_, entry)| entry.fits(&shown)).map(|(number, _)| number).collect();
        Ok(AuthIdentity {
            from: key.from,
            organization: self.organizations.number(organization),
            is_from_organization: organization == from,
            by_envelope: by_envelope.map(|provider| provider.number as ProviderNumber),
            authenticated,
            own_spf: key.own_spf,
            spf_of_from: key.own_spf && envelope.as_deref().is_some_and(|name| domain::is_within(name, &from)),
            quiet: matches!(key.spf, SpfState::None | SpfState::Unknown) && !key.own_spf,
            spf_failed: key.spf == SpfState::Fail && !key.spf_unevaluable && !key.own_spf,
            spf_unevaluable: key.spf_unevaluable,
            signed: signed.into(),
            accounts: accounts.into(),
            dkim_aligned: key.dkim_aligned,
            null,
            verified,
            envelope,
            entries,
        })
    }
}

/// Whether the first label of an account's name is that of an organizational domain, or all of it in one word. Some providers
/// take no dashes: `contosolab` is the account of contoso-lab.example.
fn spells(tenant: &str, organization: &str) -> bool {
    let plain = |text: &str| text.replace(['-', '.'], "");
    let first = |name: &str| plain(name.split('.').next().unwrap_or_default());
    let label = first(tenant);
    !label.is_empty() && (label == first(organization) || label == plain(organization))
}

#[cfg(test)]
mod tests {
    use super::spells;

    #[test]
    fn accounts_are_spelled_like_their_domain() {
        assert!(spells("contoso.onmicrosoft.com", "contoso.example"));
        assert!(spells("contosolab.onmicrosoft.com", "contoso-lab.example"));
        assert!(spells("contosoexample.onmicrosoft.com", "contoso.example"));
        assert!(spells("contoso-example", "contoso.example"));
        assert!(!spells("contoso2.onmicrosoft.com", "contoso.example"));
        assert!(!spells("con.onmicrosoft.com", "contoso.example"));
    }
}
