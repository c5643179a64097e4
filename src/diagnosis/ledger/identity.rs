//! How ledger entries recognise a path: only by what no stranger shows too.
//!
//! A candidate is something that the path's mail shows. It is taken only where it belongs to one sender alone (an account, a
//! domain that nobody shares, an own key, an own address) and where no record of anybody else matches it, which the records
//! themselves are asked ([`Matching`]).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::entry::is_writable;
use crate::diagnosis::SendingPath;
use crate::domain;
use crate::providers::Catalogue;
use crate::query::{Decision, Identities, LedgerEntry, Mail, Matching, SenderKey, Survey};
use crate::role::Role;
use crate::words::{agree, grouped, list};

/// More addresses are not an identity but a network.
const ADDRESSES: usize = 64;
/// A sender that needs more entries than this has no identity.
const ENTRIES: usize = 4;

/// What entries are made of.
#[derive(Clone, Copy)]
pub(in crate::diagnosis) struct Ground<'g> {
    pub(in crate::diagnosis) survey: &'g Survey,
    pub(in crate::diagnosis) matching: &'g Matching<'g>,
    pub(in crate::diagnosis) catalogue: &'g Catalogue,
}

/// By what a path is recognised.
#[derive(Debug, Default)]
pub(super) struct Identity {
    /// Each for an entry of its own.
    pub(super) entries: Vec<Identities>,
    /// Messages that none of them is about.
    pub(super) left: u64,
    /// Why there is none, in words.
    pub(super) why: Vec<String>,
    /// What recognises the path, and others like it: for comments alone.
    pub(super) shared: Option<Identities>,
}

/// Something that a path's mail shows.
struct Candidate {
    identities: Identities,
    /// Others show it too.
    shared: bool,
}

impl Candidate {
    fn of(identities: Identities) -> Self {
        Candidate { identities, shared: false }
    }
}

/// What a path's mail shows, sorted by whose it is.
#[derive(Default)]
struct Shown {
    own_signers: BTreeSet<String>,
    signers: BTreeSet<String>,
    envelopes: BTreeSet<String>,
    shared_signers: BTreeSet<String>,
    shared_envelopes: BTreeSet<String>,
    addresses: BTreeSet<IpAddr>,
    /// Addresses at which SPF authenticated another.
    others_addresses: BTreeSet<IpAddr>,
    /// By who shares them the organizational domains that tell nothing of one sender.
    shared: BTreeMap<String, BTreeSet<String>>,
    /// What verified is not a name that could be written.
    unwritable: bool,
}

impl Shown {
    fn of(ground: &Ground<'_>, path: &SendingPath, mail: &[Mail<'_>]) -> Self {
        let mut shown = Shown::default();
        for one in mail {
            for (name, _) in one.signing_domains {
                if domain::aligned(name, &path.domain) {
                    shown.own_signers.insert(name.clone());
                } else if shown.tells(ground, name) {
                    shown.signers.insert(name.clone());
                } else {
                    shown.shared_signers.insert(name.clone());
                }
            }
            if let Some(name) = one.envelope_domain.filter(|name| !domain::aligned(name, &path.domain)) {
                let tells = shown.tells(ground, name);
                let names = if tells { &mut shown.envelopes } else { &mut shown.shared_envelopes };
                names.insert(name.to_owned());
                shown.others_addresses.extend(one.address);
            }
            shown.addresses.extend(one.address);
        }
        shown
    }

    /// Whether a name tells of one sender; notes why where it does not.
    fn tells(&mut self, ground: &Ground<'_>, name: &str) -> bool {
        if !is_writable(name) {
            self.unwritable = true;
            return false;
        }
        match ground.catalogue.shares(name) {
            Some(by) => {
                self.shared.entry(by.to_owned()).or_default().insert(domain::organizational(name).to_owned());
                false
            }
            // A public suffix, or no name of the DNS.
            None => domain::is_registrable(name),
        }
    }
}

/// Names without those below another.
fn topmost(names: &BTreeSet<String>) -> Vec<String> {
    let below = |name: &String| names.iter().any(|above| above != name && domain::is_within(name, above));
    names.iter().filter(|name| !below(name)).cloned().collect()
}

/// For each organization the longest name that all of its names are at or below.
fn common(names: &BTreeSet<String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in names {
        let organization = domain::organizational(name);
        match found.iter_mut().find(|known| domain::organizational(known) == organization) {
            None => found.push(name.clone()),
            Some(known) => {
                while !domain::is_within(name, known) {
                    let Some((_, above)) = known.split_once('.') else { break };
                    *known = above.to_owned();
                }
            }
        }
    }
    found
}

fn entry(decision: Decision, domain: &str, identities: Identities) -> LedgerEntry {
    LedgerEntry {
        decision,
        name: String::new(),
        line: 0,
        domains: vec![domain.to_owned()],
        shared: false,
        identities,
        owner: None,
        note: None,
        expires: None,
    }
}

/// Whether an entry would be about these paths alone, which share header From.
pub(super) fn is_about_these_alone(
    ground: &Ground<'_>,
    paths: &[&SendingPath],
    decision: Decision,
    identities: &Identities,
) -> bool {
    let numbers: Vec<usize> = paths.iter().map(|path| path.figures).collect();
    let about = |path: &&SendingPath| {
        !ground.matching.reach(&numbers, &entry(decision, &path.domain, identities.clone())).others
    };
    paths.first().is_some_and(about)
}

/// By what entries of this decision recognise a path.
pub(super) fn identity(ground: &Ground<'_>, path: &SendingPath, decision: Decision) -> Identity {
    let mail = ground.matching.mail(path.figures);
    let shown = Shown::of(ground, path, &mail);
    let mut found = Identity::default();
    let (mut others, mut reached) = (false, Vec::new());
    for candidate in candidates(ground, path, &shown) {
        let entry = entry(decision, &path.domain, candidate.identities);
        let reach = ground.matching.reach(&[path.figures], &entry);
        if candidate.shared {
            if found.shared.is_none() && !reach.mail.is_empty() {
                found.shared = Some(entry.identities);
            }
        } else if reach.others {
            others = true;
        } else {
            reached.push((entry.identities, reach.mail));
        }
    }
    let mut left: BTreeSet<usize> = mail.iter().filter(|one| one.messages > 0).map(|one| one.number).collect();
    let of: BTreeMap<usize, u64> = mail.iter().map(|one| (one.number, one.messages)).collect();
    let messages = |numbers: &mut dyn Iterator<Item = &usize>| -> u64 {
        numbers.fold(0, |sum, number| sum.saturating_add(of.get(number).copied().unwrap_or(0)))
    };
    while found.entries.len() < ENTRIES {
        // Of equals the first.
        let best = reached.iter().rev().max_by_key(|(_, numbers)| messages(&mut numbers.intersection(&left)));
        let Some((identities, numbers)) = best.filter(|(_, numbers)| !numbers.is_disjoint(&left)) else { break };
        left.retain(|number| !numbers.contains(number));
        found.entries.push(identities.clone());
    }
    found.left = messages(&mut left.iter());
    if found.entries.is_empty() {
        found.why = why(ground, path, shown, others);
    }
    found
}

/// Why a path, or a part of it, cannot be recognised.
fn why(ground: &Ground<'_>, path: &SendingPath, shown: Shown, others: bool) -> Vec<String> {
    let mut why: Vec<String> = Vec::new();
    for (by, names) in shown.shared {
        why.push(if names.contains(&by) {
            format!("anybody gets a mailbox at {by}")
        } else {
            let verb = agree(names.len() as u64, "is", "are");
            format!("{} {verb} what every customer of {by} shows", list(&names, 3))
        });
    }
    if shown.unwritable {
        why.push("what verified cannot be written here as a name".to_owned());
    }
    if let Some(provider) = path.provider.as_deref().and_then(|id| ground.catalogue.get(id)) {
        why.push(format!("its addresses are those of {}, which sends for everybody", provider.name));
    } else if shown.addresses.len() > ADDRESSES {
        why.push(format!("it sends from {} addresses", grouped(shown.addresses.len() as u64)));
    }
    if path.role == Role::Own && path.provider.is_none() && !shown.others_addresses.is_empty() {
        why.push("SPF authenticates another at its addresses".to_owned());
    }
    if others {
        why.push("mail of others shows the same".to_owned());
    }
    if why.is_empty() {
        why.push("nothing that verified is its alone".to_owned());
    }
    why
}

/// What may recognise a path, the narrower first.
fn candidates(ground: &Ground<'_>, path: &SendingPath, shown: &Shown) -> Vec<Candidate> {
    let mut found = Vec::new();
    let provider: Vec<String> = path.provider.iter().cloned().collect();
    let at_provider = |identities: Identities| Identities { provider: provider.clone(), ..identities };
    let mut add = |identities: Identities| {
        if !provider.is_empty() {
            found.push(Candidate::of(at_provider(identities.clone())));
        }
        found.push(Candidate::of(identities));
    };
    let own = path.role == Role::Own;
    if let Some(tenant) = path.tenant.as_ref().filter(|_| !own || ground.survey.paths[path.figures].own_tenant) {
        add(Identities { tenant: vec![tenant.clone()], ..Identities::default() });
    }
    let addresses = addresses(ground, path, shown);
    if own {
        let signing_domain = topmost(&shown.own_signers);
        let signed = Identities { signing_domain, ..Identities::default() };
        if !addresses.aligned.is_empty() {
            add(Identities { ip: addresses.aligned, ..Identities::default() });
        }
        if !signed.signing_domain.is_empty() {
            if !addresses.all.is_empty() {
                add(Identities { ip: addresses.all, ..signed.clone() });
            }
            for name in common(&shown.envelopes) {
                add(Identities { envelope_domain: vec![name], ..signed.clone() });
            }
            add(signed);
        }
        return found;
    }
    // Narrow only where others show it too: a sender moves, and rents elsewhere.
    let mut either = |identities: Identities| {
        found.push(Candidate::of(identities.clone()));
        if !provider.is_empty() {
            found.push(Candidate::of(at_provider(identities)));
        }
    };
    for name in common(&shown.envelopes) {
        either(Identities { envelope_domain: vec![name], ..Identities::default() });
    }
    for name in common(&shown.signers) {
        either(Identities { signing_domain: vec![name], ..Identities::default() });
    }
    if !addresses.all.is_empty() {
        either(Identities { ip: addresses.all, ..Identities::default() });
    }
    let shared = |identities: Identities| Candidate { identities: at_provider(identities), shared: true };
    for name in topmost(&organizations(&shown.shared_envelopes)) {
        found.push(shared(Identities { envelope_domain: vec![name], ..Identities::default() }));
    }
    for name in topmost(&organizations(&shown.shared_signers)) {
        found.push(shared(Identities { signing_domain: vec![name], ..Identities::default() }));
    }
    found
}

fn organizations(names: &BTreeSet<String>) -> BTreeSet<String> {
    names.iter().filter(|name| is_writable(name)).map(|name| domain::organizational(name).to_owned()).collect()
}

/// Addresses that are a path's own: no provider's, and none under a domain that many share.
#[derive(Default)]
struct Addresses {
    all: Vec<IpNet>,
    /// Those from which SPF aligned, and authenticated nobody else.
    aligned: Vec<IpNet>,
}

fn addresses(ground: &Ground<'_>, path: &SendingPath, shown: &Shown) -> Addresses {
    let figures = &ground.survey.paths[path.figures];
    let shared = path.provider.is_some()
        || !shown.shared_envelopes.is_empty()
        || matches!(figures.sender, SenderKey::Behind(_) | SenderKey::Many | SenderKey::Nobody)
        || shown.addresses.iter().any(|&ip| ground.catalogue.by_address(ip).is_some());
    let few = |addresses: Vec<IpNet>| if addresses.len() <= ADDRESSES { addresses } else { Vec::new() };
    if shared {
        return Addresses::default();
    }
    let seen = ground.survey.tally.addresses(path.figures);
    Addresses {
        all: few(shown.addresses.iter().map(|&ip| ip.into()).collect()),
        aligned: few(seen
            .iter()
            .filter(|one| one.spf_aligned > 0 && !shown.others_addresses.contains(&one.ip))
            .map(|one| one.ip.into())
            .collect()),
    }
}

/// Reasons in one sentence.
pub(super) fn because(why: &[String]) -> String {
    why.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn the_narrowest_name_that_holds_all() {
        assert_eq!(
            common(&names(&["a.mail.x.example", "b.mail.x.example", "y.example"])),
            ["mail.x.example", "y.example"]
        );
        assert_eq!(common(&names(&["bounce.x.example", "x.example"])), ["x.example"]);
        assert_eq!(common(&names(&["v1.x.example"])), ["v1.x.example"]);
        assert_eq!(topmost(&names(&["a.x.example", "x.example", "y.example"])), ["x.example", "y.example"]);
    }
}
