//! The owner's paths by organizational domain, each found once: what is said of a path goes by others of its organization, and
//! there may be as many paths as anybody cares to write of.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::OnceLock;

use super::sender::sender_name;
use super::states::{ALIGNED, MOSTLY, known, share};
use crate::domain;
use crate::providers::{Catalogue, Kind, Provider};
use crate::query::{AddressFigures, PathFigures, SenderKey, Survey};
use crate::role::Role;

/// The owner's paths of a survey.
pub(super) struct OwnPaths<'s> {
    survey: &'s Survey,
    catalogue: &'s Catalogue,
    relays: OnceLock<HashMap<&'s str, Relays>>,
    machines: OnceLock<HashMap<&'s str, Machines>>,
    signing: OnceLock<HashSet<(&'s str, &'s SenderKey)>>,
    signers: OnceLock<HashMap<&'s str, HashSet<IpAddr>>>,
}

/// What signs already, and takes mail of other machines.
pub(super) struct Relay {
    /// What it is called.
    pub(super) name: String,
    /// Header From of the mail that it signs.
    pub(super) domain: String,
}

/// What signs most of its mail as the domain or a name below it, most messages first and each sender once.
#[derive(Default)]
struct Relays {
    /// Mailbox hosts and gateways.
    hosted: Vec<usize>,
    /// What the catalogue does not know.
    others: Vec<usize>,
}

/// Paths of which SPF aligns, in their order, and from which addresses they send.
#[derive(Default)]
struct Machines {
    paths: Vec<usize>,
    at: HashMap<IpAddr, Vec<usize>>,
    sends: HashSet<(usize, IpAddr)>,
}

impl<'s> OwnPaths<'s> {
    pub(super) fn new(survey: &'s Survey, catalogue: &'s Catalogue) -> Self {
        OwnPaths {
            survey,
            catalogue,
            relays: OnceLock::new(),
            machines: OnceLock::new(),
            signing: OnceLock::new(),
            signers: OnceLock::new(),
        }
    }

    fn own(&self) -> impl Iterator<Item = (usize, &'s PathFigures)> {
        self.survey.paths.iter().enumerate().filter(|(_, path)| path.role == Role::Own)
    }

    /// What the sender of the path at a place of the survey is called.
    pub(super) fn sender(&self, at: usize) -> String {
        sender_name(&self.survey.paths[at], self.catalogue)
    }

    fn provider(&self, path: &PathFigures) -> Option<&'s Provider> {
        path.provider.as_deref().and_then(|id| self.catalogue.get(id))
    }

    fn find_relays(&self) -> HashMap<&'s str, Relays> {
        let signs = |path: &PathFigures| path.dkim[ALIGNED].saturating_mul(2) > path.messages;
        let mut all: Vec<(usize, &PathFigures)> = self.own().filter(|(_, path)| signs(path)).collect();
        all.sort_by_key(|(_, path)| Reverse(path.messages));
        let mut found: HashMap<&str, Relays> = HashMap::new();
        let mut met: HashSet<(&str, &SenderKey, Option<&str>)> = HashSet::new();
        for (at, path) in all {
            let organization = domain::organizational(&path.domain);
            if met.insert((organization, &path.sender, path.provider.as_deref())) {
                let relays = found.entry(organization).or_default();
                match self.provider(path) {
                    Some(provider) if matches!(provider.kind, Kind::MailboxHost | Kind::Gateway) => {
                        relays.hosted.push(at);
                    }
                    Some(_) => {}
                    None => relays.others.push(at),
                }
            }
        }
        found
    }

    /// What signs as an organizational domain, or a name below it, already: another sender than that of this path, or another
    /// machine of it.
    pub(super) fn relay(&self, path: &PathFigures, addresses: &[AddressFigures]) -> Option<Relay> {
        let organization = domain::organizational(&path.domain);
        let relays = self.relays.get_or_init(|| self.find_relays()).get(organization)?;
        let other = |places: &[usize]| {
            let mut paths = places.iter().map(|&at| &self.survey.paths[at]);
            paths.find(|other| other.sender != path.sender)
        };
        if let Some(one) = other(&relays.hosted).or_else(|| other(&relays.others)) {
            let name = self.provider(one).map(|provider| provider.name.clone());
            let name = name.unwrap_or_else(|| sender_name(one, self.catalogue));
            return Some(Relay { name, domain: one.domain.clone() });
        }
        let beside =
            relays.others.iter().map(|&at| (at, &self.survey.paths[at])).find(|(_, one)| one.sender == path.sender);
        let (at, one) = beside?;
        let signs = |other: &AddressFigures| share(other.dkim[ALIGNED], known(&other.dkim)) >= MOSTLY;
        let machines = self.survey.tally.addresses(at);
        let mut signing =
            machines.iter().filter(|other| signs(other) && addresses.iter().all(|own| own.ip != other.ip));
        Some(Relay { name: signing.next()?.ip.to_string(), domain: one.domain.clone() })
    }

    /// Whether most of what is sent for the owner under a domain from an address is signed as it.
    pub(super) fn signs_from(&self, domain: &str, address: IpAddr) -> bool {
        let signers = self.signers.get_or_init(|| {
            let mut found: HashMap<&str, HashSet<IpAddr>> = HashMap::new();
            for (at, path) in self.survey.paths.iter().enumerate().filter(|(_, path)| path.role.is_owners()) {
                let all = self.survey.tally.addresses(at);
                let signs = all.iter().filter(|one| share(one.dkim[ALIGNED], known(&one.dkim)) >= MOSTLY);
                found.entry(&path.domain).or_default().extend(signs.map(|one| one.ip));
            }
            found
        });
        signers.get(domain).is_some_and(|addresses| addresses.contains(&address))
    }

    fn find_machines(&self) -> HashMap<&'s str, Machines> {
        let mut found: HashMap<&str, Machines> = HashMap::new();
        for (at, path) in self.own().filter(|(_, path)| path.spf_aligned > 0) {
            let machines = found.entry(domain::organizational(&path.domain)).or_default();
            machines.paths.push(at);
            for one in self.survey.tally.addresses(at) {
                machines.at.entry(one.ip).or_default().push(at);
                machines.sends.insert((at, one.ip));
            }
        }
        found
    }

    /// The first path of an organizational domain, but for the one at `but`, that sends with aligned SPF from all of these
    /// addresses.
    pub(super) fn sends_from_all(
        &self,
        organization: &str,
        addresses: &[AddressFigures],
        but: usize,
    ) -> Option<&'s PathFigures> {
        let machines = self.machines.get_or_init(|| self.find_machines()).get(organization)?;
        // Of those that send from one address few do not send from the others.
        let candidates = match addresses.first() {
            Some(first) => machines.at.get(&first.ip)?,
            None => &machines.paths,
        };
        let sends = |at: usize| addresses.iter().all(|one| machines.sends.contains(&(at, one.ip)));
        candidates.iter().copied().find(|&at| at != but && sends(at)).map(|at| &self.survey.paths[at])
    }

    /// Whether a sender signs most of what it sends as this domain, for its owner.
    pub(super) fn signs_as(&self, domain: &str, sender: &SenderKey) -> bool {
        let signing = self.signing.get_or_init(|| {
            let signs =
                |path: &&PathFigures| path.role.is_owners() && share(path.dkim[ALIGNED], known(&path.dkim)) >= MOSTLY;
            self.survey.paths.iter().filter(signs).map(|path| (path.domain.as_str(), &path.sender)).collect()
        });
        signing.contains(&(domain, sender))
    }
}
