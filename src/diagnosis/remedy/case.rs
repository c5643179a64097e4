//! The inputs of a remedy, and texts that several remedies share.

use std::cmp::Reverse;
use std::net::IpAddr;

use crate::cause::Cause;
use crate::diagnosis::cause::{Change, Fault};
use crate::diagnosis::evidence::Grounds;
use crate::diagnosis::own_paths::{OwnPaths, Relay};
use crate::domain;
use crate::providers::{Catalogue, Provider, Remedy, RemedyContext};
use crate::query::{AddressFigures, PathFigures, SenderKey};
use crate::report::period::Day;
use crate::role::Role;
use crate::words::{list, list_of};

/// What a remedy is made of.
pub(in crate::diagnosis) struct Case<'c, 's> {
    pub(in crate::diagnosis) own_paths: &'c OwnPaths<'s>,
    pub(in crate::diagnosis) path: &'c PathFigures,
    pub(in crate::diagnosis) cause: Option<Cause>,
    /// The last change of the path.
    pub(in crate::diagnosis) change: Option<&'c Change>,
    /// The day since which SPF does not align any more.
    pub(in crate::diagnosis) spf_lost: Option<Day>,
    pub(in crate::diagnosis) sender: &'c str,
    /// Who signed, those that do not align.
    pub(in crate::diagnosis) foreign: &'c [String],
    pub(in crate::diagnosis) selectors: &'c [String],
    pub(in crate::diagnosis) addresses: &'c [AddressFigures],
    pub(in crate::diagnosis) evidence: &'c Grounds,
}

pub(super) fn told(title: String, steps: Vec<String>) -> Remedy {
    Remedy { title, steps, records: Vec::new(), source: None }
}

impl Case<'_, '_> {
    /// Who can be asked to change something: the provider, or the catalogued sender that rents at it.
    pub(super) fn provider<'p>(&self, catalogue: &'p Catalogue) -> Option<&'p Provider> {
        match &self.path.sender {
            SenderKey::Through { organization, .. } => {
                catalogue.by_envelope_domain(organization).or_else(|| catalogue.by_signing_domain(organization))
            }
            _ => self.path.provider.as_deref().and_then(|id| catalogue.get(id)),
        }
    }

    pub(super) fn context(&self) -> RemedyContext<'_> {
        let shown = self.evidence.cause.as_ref();
        RemedyContext {
            domain: &self.path.domain,
            tenant: self.path.tenant.as_deref(),
            signing_domains: self.foreign,
            selectors: self.selectors,
            keys: shown.map_or(&[], |shown| &shown.selectors),
            only_recognised: self.path.role == Role::Service,
            spf_aligns: self.path.spf_aligned > 0,
            addresses: shown.map_or(&[], |shown| &shown.addresses),
            envelopes: shown.map_or(&[], |shown| &shown.names),
        }
    }

    /// The busiest addresses, in words.
    pub(super) fn machines(&self) -> String {
        let mut addresses: Vec<&AddressFigures> = self.addresses.iter().collect();
        addresses.sort_by_key(|one| (Reverse(one.dkim.iter().sum::<u64>()), one.ip));
        list(addresses.iter().map(|one| one.ip), 4)
    }

    /// The machines that the cause is about, in words.
    pub(super) fn told_machines(&self) -> String {
        let told: &[IpAddr] = self.evidence.cause.as_ref().map_or(&[], |shown| &shown.addresses);
        list_of(told, 4, told.len())
    }

    pub(super) fn organization(&self) -> &str {
        domain::organizational(&self.path.domain)
    }

    /// Who can set up a domain: the sender, without the platform that it rents at.
    pub(super) fn author(&self) -> &str {
        match &self.path.sender {
            SenderKey::Through { organization, .. } => organization,
            _ => self.sender,
        }
    }

    /// What signs as the organizational domain already, and takes mail of other machines.
    pub(super) fn relay(&self) -> Option<Relay> {
        self.own_paths.relay(self.path, self.addresses)
    }

    /// What reports show beyond what the cause says.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.evidence.cause.as_ref().and_then(|shown| shown.fault)
    }

    /// Whether an organization of its own sends, and no machine of the owner's.
    pub(super) fn is_service(&self) -> bool {
        self.path.role == Role::Service
            || matches!(self.path.sender, SenderKey::Through { .. } | SenderKey::Domain(_) | SenderKey::Listed(_))
    }

    pub(super) fn title(&self, title: String) -> String {
        if self.path.role == Role::Service { format!("if this mail is yours: {title}") } else { title }
    }

    pub(super) fn whose(&self) -> String {
        match self.path.role {
            Role::Service if self.cause == Some(Cause::DomainNotSetUp) => format!(
                "Nothing in the reports shows whether {} sends this mail on behalf of {}, passes on what was written to its users or members (a forwarder that rewrites the reverse-path, a list), or writes it in somebody else's name: ask who uses it. If nobody does, say so in [[not_ours]] and leave it to the policy.",
                self.sender, self.path.domain
            ),
            Role::Service => format!(
                "Nothing in the reports proves that {} sends this mail on behalf of {}: ask who uses it. If nobody does, say so in [[not_ours]] and leave it to the policy.",
                self.sender, self.path.domain
            ),
            _ => format!("{} signs as itself or not at all; neither counts for DMARC.", self.sender),
        }
    }
}
