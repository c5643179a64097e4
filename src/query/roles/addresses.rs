//! What addresses are called by the evidence of all records: the provider, or the organization, that runs the machine.

use std::collections::{BTreeMap, HashMap};

use super::gather::Gathered;
use crate::providers::Kind;
use crate::query::naming::{NamedBy, ProviderNumber, Sender};
use crate::witness::{Seen, has_share};

impl Gathered<'_> {
    /// Whether most mail of some groups carries the default signature of a provider.
    fn is_mostly_signed_by(&self, provider: ProviderNumber, groups: &[(u32, usize)]) -> bool {
        let mut parts: BTreeMap<u32, [u64; 2]> = BTreeMap::new();
        for &(_, group) in groups {
            let signed = self.identity(group).signed.iter().any(|one| one.verified && one.default_of == Some(provider));
            for one in self.reporters(group) {
                let sum = &mut parts.entry(one.reporter).or_default()[usize::from(!signed)];
                *sum = sum.saturating_add(one.messages);
            }
        }
        has_share(parts.into_values(), 0.5)
    }

    /// Gives addresses the provider that the evidence of other records shows there: the reverse-path of a provider's, or the
    /// default signature of a service at a machine where SPF speaks against it at no reporter, or of a mailbox host whose addresses
    /// are not catalogued, on most of what a machine sends, also where SPF aligns there.
    pub(super) fn name_addresses(&mut self) {
        #[derive(Default)]
        struct Address {
            by_envelope: HashMap<ProviderNumber, Seen>,
            by_signature: HashMap<ProviderNumber, Seen>,
            by_host: BTreeMap<ProviderNumber, Seen>,
            organizations: HashMap<u32, Seen>,
            own_spf: Seen,
            against: bool,
            seen: Seen,
        }
        // One address after the other: of hundreds of thousands nothing else is kept.
        let groups = &self.ground.sums.groups;
        let mut by_address: Vec<(u32, usize)> = Vec::new();
        for (at, group) in groups.list.iter().enumerate() {
            if let (Sender::Address(_), Some(number)) = (group.sender, group.address_number) {
                by_address.push((number, at));
            }
        }
        by_address.sort_unstable();
        let mut by_envelope: Vec<(u32, u32, ProviderNumber)> = Vec::new();
        for (ip, at, _) in self.ground.sums.parts() {
            let group = &groups.list[at as usize];
            if let (Sender::Provider(provider), NamedBy::Envelope) = (group.sender, group.by)
                && let Some(number) = ip.and_then(|ip| groups.address_number(ip))
            {
                by_envelope.push((number, at, provider));
            }
        }
        by_envelope.sort_unstable();
        for here in by_address.chunk_by(|a, b| a.0 == b.0) {
            let mut address = Address::default();
            for &(_, at) in here {
                let (identity, seen) = (self.identity(at), self.seen(at));
                address.seen.extend(seen);
                address.against |= identity.spf_failed || identity.authenticated.is_some();
                match self.own(at).spf_of_other {
                    Some(organization) => address.organizations.entry(organization).or_default().extend(seen),
                    None if identity.own_spf || identity.authenticated.is_some() => address.own_spf.extend(seen),
                    None => {}
                }
                for number in identity.signed.iter().filter(|one| one.verified).filter_map(|one| one.default_of) {
                    let provider = self.knowledge.provider(number);
                    if provider.kind == Kind::Service {
                        address.by_signature.entry(number).or_default().extend(seen);
                    } else if provider.kind == Kind::MailboxHost && provider.addresses.is_empty() {
                        address.by_host.entry(number).or_default().extend(seen);
                    }
                }
            }
            let first = by_envelope.partition_point(|one| one.0 < here[0].0);
            for &(_, at, provider) in by_envelope[first..].iter().take_while(|one| one.0 == here[0].0) {
                address.by_envelope.entry(provider).or_default().extend(self.seen(at as usize));
            }
            let counts = |seen: &Seen| seen.is_any() && seen.counts_in(address.seen);
            let enough = |(name, seen): (&u32, &Seen)| counts(seen).then_some(*name);
            let only = |names: &HashMap<u32, Seen>| (names.len() == 1).then(|| names.iter().find_map(enough)).flatten();
            // A machine of the owner's is the owner's, whoever else sends from there.
            let owners = counts(&address.own_spf);
            let by_signature = || only(&address.by_signature).filter(|_| !address.against);
            let by_host = || {
                // Whose reverse-path is the machine's own name is known by that.
                let others = address.organizations.values().any(counts);
                let told = address.by_host.iter().filter(|(_, seen)| counts(seen) && (owners || !address.against));
                let mut told = told.filter(|_| !others);
                told.find_map(|(host, _)| self.is_mostly_signed_by(*host, here).then_some(*host))
            };
            let named = match only(&address.by_envelope) {
                Some(provider) => Some((provider, NamedBy::Envelope)),
                None => by_signature().or_else(by_host).map(|provider| (provider, NamedBy::SigningDomain)),
            };
            let organization = only(&address.organizations);
            for &(_, group) in here {
                let of_record = self.identity(group).authenticated.map(|(_, by)| by);
                let of_record = of_record.filter(|by| address.organizations.contains_key(by));
                if let Some((provider, by)) = named {
                    self.senders[group] = (Sender::Provider(provider), by);
                } else if let (Some(organization), false) = (organization.or(of_record), owners) {
                    self.senders[group] = (Sender::Organization(organization), NamedBy::SpfDomain);
                }
            }
        }
    }
}
