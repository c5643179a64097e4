//! What to call the sender of a path, and the path itself.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::providers::Catalogue;
use crate::query::{PathFigures, SenderKey};
use crate::role::Role;

/// The network of a path, as it is written.
pub(super) fn network_of(net: IpAddr) -> String {
    match net {
        IpAddr::V4(net) => format!("{net}/24"),
        IpAddr::V6(net) => format!("{net}/48"),
    }
}

/// What to call the sender of a path.
#[must_use]
pub fn sender_name(path: &PathFigures, catalogue: &Catalogue) -> String {
    named(&path.sender, catalogue)
}

pub(super) fn named(sender: &SenderKey, catalogue: &Catalogue) -> String {
    let provider = |id: &str| catalogue.get(id).map_or_else(|| id.to_owned(), |provider| provider.name.clone());
    match sender {
        SenderKey::Listed(name) => name.clone(),
        SenderKey::Provider { id, tenant: Some(tenant) } => {
            // The first label is what people call the tenant by.
            let label = tenant.split_once('.').map_or(tenant.as_str(), |(label, _)| label);
            format!("{} ({label})", provider(id))
        }
        SenderKey::Provider { id, tenant: None } => provider(id),
        SenderKey::Through { organization, provider: id } if is_itself(catalogue, id, organization) => provider(id),
        SenderKey::Through { organization, provider: id } => format!("{organization}, through {}", provider(id)),
        SenderKey::Behind(author) => format!("server behind {author}"),
        SenderKey::Domain(domain) | SenderKey::Host(domain) => domain.clone(),
        SenderKey::Network(net) => {
            let network = network_of(*net);
            catalogue.network_owner(*net).map_or_else(|| network.clone(), |owner| format!("{owner}, {network}"))
        }
        SenderKey::Many => "many small senders".to_owned(),
        SenderKey::Nobody => "no address".to_owned(),
    }
}

/// Whether an organization is the provider itself.
fn is_itself(catalogue: &Catalogue, id: &str, organization: &str) -> bool {
    catalogue.get(id).is_some_and(|provider| provider.is_organization(organization))
}

/// Eight characters of base32 over what makes the path: header From, sender and role, and nothing that another window could change.
/// The stream of a domain's own account of a provider is the same path whether or not the account shows.
#[must_use]
pub fn id(path: &PathFigures) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let sender = match &path.sender {
        SenderKey::Listed(name) => format!("listed {name}"),
        SenderKey::Provider { id, tenant: Some(tenant) } if !path.only_tenant => format!("provider {id} {tenant}"),
        SenderKey::Provider { id, .. } => format!("provider {id}"),
        SenderKey::Through { organization, provider } => format!("domain {organization} through {provider}"),
        SenderKey::Behind(author) => format!("behind {author}"),
        SenderKey::Domain(domain) => format!("domain {domain}"),
        SenderKey::Host(domain) => format!("host {domain}"),
        SenderKey::Network(net) => format!("network {net}"),
        SenderKey::Many => "many".to_owned(),
        SenderKey::Nobody => "nobody".to_owned(),
    };
    let role = match path.role {
        Role::Own | Role::Approved => "",
        other => other.as_str(),
    };
    let digest = Sha256::digest(format!("{}\0{sender}\0{role}", path.domain));
    digest.iter().take(8).map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect()
}
