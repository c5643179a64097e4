//! What a record shows of who handed it over, apart from its address.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Knowledge, ProviderNumber, Texts};
use crate::alignment::{AuthResult, DkimState, SpfState};
use crate::domain;
use crate::providers::{self, Kind};
use crate::query::ledger::Shown;
use crate::store::{NameReader, OutcomeFacts, Store, StoreError};

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

/// Whose account of a provider.
#[derive(Debug, Clone)]
pub(super) struct Tenant {
    /// Its number in [`Whos::tenants`].
    pub(super) number: u32,
    pub(super) name: String,
}

/// What records show apart from their address, and what the catalogue and the ledger know of that.
#[derive(Debug)]
pub(in crate::query) struct Who {
    pub(super) from: i64,
    pub(super) by_envelope: Option<ProviderNumber>,
    pub(super) authenticated: Option<i64>,
    /// Providers whose default signature verified, with the tenant.
    pub(super) signed: Vec<(ProviderNumber, Option<Tenant>)>,
    pub(super) spf_failed: bool,
    null: bool,
    pub(super) joins: bool,
    pub(super) quiet: bool,
    pub(super) own_spf: bool,
    /// Entries of the ledger that may match, the address granted.
    pub(super) entries: Vec<u32>,
}

/// All that was shown, each once.
#[derive(Debug)]
pub(in crate::query) struct Whos<'k> {
    knowledge: Knowledge<'k>,
    numbers: FxHashMap<WhoKey, u32>,
    nulls: Vec<bool>,
    /// The accounts of providers.
    pub(in crate::query) tenants: Texts,
    /// Header From and lists of signatures with a tenant's selector that names the domain (`selector1-example-com`): only the
    /// account that the domain is set up in has one.
    pub(in crate::query) names_domain: FxHashSet<(i64, i64)>,
}

impl<'k> Whos<'k> {
    pub(in crate::query) fn new(knowledge: Knowledge<'k>) -> Self {
        Whos {
            knowledge,
            numbers: FxHashMap::default(),
            nulls: Vec::new(),
            tenants: Texts::default(),
            names_domain: FxHashSet::default(),
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
    ) -> Result<(u32, Option<Who>), StoreError> {
        let key = WhoKey {
            from: facts.header_from.unwrap_or(-1),
            envelope: facts.envelope,
            authenticated: facts.authenticated,
            signers: facts.signers,
            spf: facts.spf,
            dkim_aligned: facts.dkim == DkimState::Aligned,
            null: facts.null_reverse_path,
        };
        if let Some(&known) = self.numbers.get(&key) {
            return Ok((known, None));
        }
        let who = self.read(key, store, names)?;
        let number = self.numbers.len() as u32;
        self.numbers.insert(key, number);
        self.nulls.push(who.null);
        Ok((number, Some(who)))
    }

    /// Whether the reverse-path is null, told also by a provider's host name under SPF.
    pub(in crate::query) fn is_null(&self, who: u32) -> bool {
        self.nulls[who as usize]
    }

    fn read(&mut self, key: WhoKey, store: &Store, names: &mut NameReader<'_>) -> Result<Who, StoreError> {
        let catalogue = self.knowledge.catalogue;
        let from = match key.from {
            -1 => String::new(),
            id => names.text(id)?.to_owned(),
        };
        let envelope = key.envelope.map(|id| names.text(id).map(str::to_owned)).transpose()?;
        // A gateway passes on its customers' envelopes; where the reverse-path is null, SPF is about the gateway's own host name.
        let by_envelope = envelope.as_deref().and_then(|name| {
            let gateway = || catalogue.by_host(name).filter(|provider| provider.kind == Kind::Gateway);
            catalogue.by_envelope_domain(name).or_else(gateway)
        });
        let mut verified = Vec::new();
        let mut signed = Vec::new();
        let dashed = [from.as_str(), domain::organizational(&from)].map(|own| format!("-{}", own.replace('.', "-")));
        let names_domain = |selector: &str| dashed.iter().any(|ending| providers::names(selector, ending));
        for (name, selector, result) in store.signers(key.signers, names)? {
            if result != AuthResult::Pass {
                continue;
            }
            if let Some(provider) = catalogue.by_signing_domain(&name) {
                let tenant = provider.tenant(&name).map(|name| Tenant { number: self.tenants.number(&name), name });
                if tenant.is_some() && selector.as_deref().is_some_and(names_domain) {
                    self.names_domain.insert((key.from, key.signers));
                }
                signed.push((provider.number as ProviderNumber, tenant));
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
        let nobody_signed = verified.is_empty();
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
            by_envelope: by_envelope.map(|provider| provider.number as ProviderNumber),
            authenticated: key.authenticated,
            spf_failed,
            null,
            // A reporter that writes foreign SPF passes as none shows a null reverse-path like this.
            joins: null || key.dkim_aligned || key.spf == SpfState::Aligned || quiet && nobody_signed,
            signed,
            quiet,
            own_spf: key.spf == SpfState::Aligned,
            entries: (0..).zip(entries).filter(|(_, entry)| entry.fits(&shown)).map(|(number, _)| number).collect(),
        })
    }
}
