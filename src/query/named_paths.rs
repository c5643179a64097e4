//! The names of paths: what was decided in numbers, in the words that answers use.

use super::figures::{PathFigures, SenderKey};
use super::naming::{ProviderNumber, Sender};
use super::roles::{Author, PathNumber, Paths, SenderNumber};
use super::scan::Scan;
use super::survey::NO_PATH;
use crate::domain;
use crate::role::Role;
use crate::store::StoreError;

impl Scan<'_> {
    /// Every path that has entries with its names, in the order of them, and no figures yet. Notes the path of each group.
    pub(super) fn named_paths(&mut self, paths: &Paths) -> Result<Vec<(PathNumber, PathFigures)>, StoreError> {
        let mut used = vec![false; paths.list.len()];
        for (group, &path) in paths.of_groups.iter().enumerate() {
            used[path as usize] |= !self.sums.entries(group).is_empty();
        }
        let mut found: Vec<(PathNumber, PathFigures, usize)> = Vec::new();
        for (at, &number) in paths.list.iter().enumerate().filter(|(at, _)| used[*at]) {
            found.push((number, PathFigures { sender_since: paths.since[at], ..self.named_path(number)? }, at));
        }
        let mut places = vec![NO_PATH; paths.list.len()];
        for (place, (_, _, at)) in found.iter().enumerate() {
            places[*at] = place as u32;
        }
        for (group, &path_at) in self.sums.groups.list.iter().zip(&paths.of_groups) {
            let Some((number, path, _)) = found.get_mut(places[path_at as usize] as usize) else {
                continue;
            };
            // A sender of the ledger may be an account of a provider; one that only rents at it is to be asked itself.
            if let (SenderNumber::Entry(_), Sender::Provider(provider), false) =
                (number.sender, group.sender, paths.carried[path_at as usize])
            {
                let identity = &self.sums.identities[group.identity as usize];
                let account = identity.accounts.iter().find(|account| account.verified && account.provider == provider);
                path.provider = least(path.provider.take(), Some(self.knowledge.provider(provider).id.clone()));
                path.tenant = least(path.tenant.take(), account.map(|account| account.name.clone()));
            }
        }
        found.sort_by(|(_, a, _), (_, b, _)| {
            (&a.domain, &a.sender, &a.author, a.role).cmp(&(&b.domain, &b.sender, &b.author, b.role))
        });
        for (place, (_, _, at)) in found.iter().enumerate() {
            places[*at] = place as u32;
        }
        self.paths_of_groups = paths.of_groups.iter().map(|&path| places[path as usize]).collect();
        Ok(found.into_iter().map(|(number, path, _)| (number, path)).collect())
    }

    fn named_path(&mut self, path: PathNumber) -> Result<PathFigures, StoreError> {
        let knowledge = self.knowledge;
        let provider_id = |number: ProviderNumber| knowledge.provider(number).id.clone();
        let organization = |number: u32| self.identities.organizations.get(number).to_owned();
        let domain = match path.organization_of_all() {
            Some(all) => format!("*.{}", organization(all)),
            None if path.from < 0 => String::new(),
            None => self.texts.text(path.from)?.to_owned(),
        };
        let tenant = match path.author {
            Author::Account(_, account) => Some(self.identities.tenants.get(account).to_owned()),
            _ => None,
        };
        let author = match path.author {
            Author::Nobody => None,
            Author::Owner => Some(domain::organizational(&domain).to_owned()).filter(|own| !own.is_empty()),
            Author::Account(..) => tenant.clone(),
            Author::Organization(number) => Some(organization(number)),
        };
        let (mut entry, mut provider) = (None, None);
        let sender = match path.sender {
            SenderNumber::Entry(number) => {
                entry = Some(number as usize);
                SenderKey::Listed(knowledge.ledger.entries[number as usize].name.clone())
            }
            SenderNumber::Provider(number) => {
                let id = provider_id(number);
                provider = Some(id.clone());
                SenderKey::Provider { id, tenant: tenant.clone() }
            }
            SenderNumber::Through(number, carrier) => {
                let id = provider_id(carrier);
                provider = Some(id.clone());
                SenderKey::Through { organization: organization(number), provider: id }
            }
            SenderNumber::Organization(number) => SenderKey::Domain(organization(number)),
            SenderNumber::Host(host) => SenderKey::Host(self.sums.groups.hosts.get(host).to_owned()),
            SenderNumber::Behind => SenderKey::Behind(author.clone().unwrap_or_default()),
            SenderNumber::Network(net) => SenderKey::Network(net),
            SenderNumber::Many => SenderKey::Many,
            SenderNumber::Nobody => SenderKey::Nobody,
        };
        let own_tenant = path.role == Role::Own && tenant.is_some();
        let figures = PathFigures::new(domain, sender, author, path.role);
        let only_tenant = own_tenant && path.only_account;
        Ok(PathFigures { entry, provider, tenant, own_tenant, only_tenant, doubted_tenant: path.doubted, ..figures })
    }
}

/// The lesser of two that may be absent.
fn least(a: Option<String>, b: Option<String>) -> Option<String> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
