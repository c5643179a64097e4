//! Which mail an entry of the ledger would be about, before anybody writes it.
//!
//! Entries are matched record by record, not path by path, so one that is written for a path may be about mail of others
//! too: a signature survives forwarding, an address carries two senders. [`Matching`] asks the records themselves, by the very
//! functions that match an entry when it is there.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::ops::Range;
use std::sync::OnceLock;

use super::grouped::Grouped;
use super::ledger::{Decision, LedgerEntry, Shown};
use super::naming::{AuthIdentity, Knowledge, SenderGroup};
use super::roles::{PathNumber, Paths};
use super::scan::Scan;
use super::sums::Sums;
use super::survey::NO_PATH;
use crate::store::StoreError;

/// The records of a survey, memory before the window included, as entries of the ledger see them.
pub struct Matching<'s> {
    knowledge: Knowledge<'s>,
    sums: Sums<'s>,
    /// For each group, its path in the survey, and among all that were decided.
    places: Vec<u32>,
    paths: Paths,
    /// Which of all each path of the survey is.
    numbers: Vec<PathNumber>,
    froms: HashMap<i64, String>,
    index: OnceLock<Index>,
}

/// Mail of one path that entries of the ledger cannot tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mail<'m> {
    /// Its number, see [`Reach::mail`].
    pub number: usize,
    /// The domains of signatures that verified, each with whether it tells who handed over.
    pub signing_domains: &'m [(String, bool)],
    /// The domain that SPF authenticated.
    pub envelope_domain: Option<&'m str>,
    /// Whose account of a provider signed.
    pub tenant: Option<&'m str>,
    /// The id of the provider whose machine handed over.
    pub provider: Option<&'m str>,
    /// The address.
    pub address: Option<IpAddr>,
    /// Messages of the window; none where it was seen before it only.
    pub messages: u64,
}

/// What an entry would be about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// The [`Mail`] of the paths that it was written for, by its numbers.
    pub mail: BTreeSet<usize>,
    /// It would be about mail of another role, author or sender too.
    pub others: bool,
}

/// Mail of one group from one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    group: u32,
    address: Option<IpAddr>,
    messages: u64,
}

/// The parts by what they show. Names are those of strangers, so nothing here is hashed in a way that they foresee.
struct Index {
    /// In the order of their groups.
    parts: Vec<Part>,
    /// By path of the survey, the numbers of its parts.
    by_path: Grouped<u32>,
    /// The numbers of parts in the order of their addresses.
    by_address: Vec<u32>,
    /// By identity: few show the same as hundreds of thousands of groups.
    groups: Grouped<u32>,
    by_tenant: HashMap<String, Vec<u32>>,
    signing_domains: Names,
    envelope_domains: Names,
    /// The domains of header From.
    froms: Names,
}

/// Domains of identities.
struct Names {
    /// Backwards, in order, so that a domain and all below it are one stretch; each with an identity.
    list: Vec<(String, u32)>,
    /// For each of them how many groups the identities before it have, and at the end how many all have.
    groups_before: Vec<usize>,
}

impl<'s> Scan<'s> {
    /// What entries of the ledger would be about. Call it after [`survey`](Self::survey), and after all else that is asked of the scan:
    /// what entries do not see of the records is let go.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn matching(mut self) -> Result<Matching<'s>, StoreError> {
        let mut froms = HashMap::new();
        for identity in self.sums.identities.iter().filter(|identity| identity.from >= 0) {
            if let Entry::Vacant(vacant) = froms.entry(identity.from) {
                vacant.insert(self.texts.text(identity.from)?.to_owned());
            }
        }
        Ok(Matching {
            knowledge: self.knowledge,
            sums: self.sums,
            places: self.paths_of_groups,
            paths: self.paths,
            numbers: self.path_numbers,
            froms,
            index: OnceLock::new(),
        })
    }
}

impl Matching<'_> {
    /// The mail of a path of the survey.
    #[must_use]
    pub fn mail(&self, path: usize) -> Vec<Mail<'_>> {
        let index = self.index();
        let of_path = index.by_path.of_group(path).iter();
        of_path
            .map(|&number| {
                let number = number as usize;
                let part = &index.parts[number];
                let (group, identity) = self.group(part.group);
                let handed = group.handed(identity, part.address, &self.knowledge);
                Mail {
                    number,
                    signing_domains: &identity.verified,
                    envelope_domain: identity.envelope.as_deref(),
                    tenant: handed.tenant,
                    provider: handed.provider,
                    address: part.address,
                    messages: part.messages,
                }
            })
            .collect()
    }

    /// What an entry that is written for some paths of the survey would be about. Mail of the same role, author and sender as one of
    /// them under a subdomain that the entry covers is the same sender's.
    #[must_use]
    pub fn reach(&self, paths: &[usize], entry: &LedgerEntry) -> Reach {
        let mut reach = Reach::default();
        let index = self.index();
        for number in self.candidates(entry) {
            let part = &index.parts[number];
            let (group, identity) = self.group(part.group);
            let from = self.froms.get(&identity.from).map_or("", String::as_str);
            let shown = Shown { from, verified: &identity.verified, envelope: identity.envelope.as_deref() };
            if self.is_decided(group, entry.decision)
                || !entry.fits(&shown)
                || !entry.fits_address(&group.handed(identity, part.address, &self.knowledge))
            {
                continue;
            }
            if paths.contains(&(self.places[part.group as usize] as usize)) {
                reach.mail.insert(number);
            } else {
                reach.others |= !paths.iter().any(|&path| self.is_same_sender(path, part.group));
            }
        }
        reach
    }

    fn group(&self, group: u32) -> (&SenderGroup, &AuthIdentity) {
        let group = &self.sums.groups.list[group as usize];
        (group, &self.sums.identities[group.identity as usize])
    }

    /// Whether an entry that is there already comes before a new one of this decision.
    fn is_decided(&self, group: &SenderGroup, decision: Decision) -> bool {
        let known = group.matched.and_then(|number| self.knowledge.ledger.entries.get(number as usize));
        known.is_some_and(|known| known.decision <= decision)
    }

    fn is_same_sender(&self, path: usize, group: u32) -> bool {
        let (Some(of), Some(&other)) = (self.numbers.get(path), self.paths.of_groups.get(group as usize)) else {
            return false;
        };
        let other = &self.paths.list[other as usize];
        (other.role, other.author, other.sender) == (of.role, of.author, of.sender)
    }

    /// The parts that an entry may be about, by the key of it that rules most others out. One service may send for thousands of domains,
    /// and one domain through thousands of services: the fewer are gone through.
    fn candidates(&self, entry: &LedgerEntry) -> Vec<usize> {
        let (index, identities) = (self.index(), &entry.identities);
        let of_domains = if entry.domains.is_empty() { usize::MAX } else { index.froms.count(&entry.domains) };
        let addresses = identities.ip.iter().all(|net| net.prefix_len() == net.max_prefix_len());
        let mut identities_found = None;
        if !identities.ip.is_empty() && addresses {
            let found = || identities.ip.iter().map(|net| index.at_address(net.addr()));
            if found().map(<[u32]>::len).sum::<usize>() <= of_domains {
                return found().flatten().map(|&number| number as usize).collect();
            }
        } else if !identities.tenant.is_empty() {
            let found = || identities.tenant.iter().filter_map(|name| index.by_tenant.get(&name.to_ascii_lowercase()));
            let of_tenants = || found().flatten().copied();
            if index.number_of_groups(of_tenants()) <= of_domains {
                identities_found = Some(of_tenants().collect());
            }
        } else {
            let envelope = (&index.envelope_domains, &identities.envelope_domain);
            let signing = (&index.signing_domains, &identities.signing_domain);
            let (names, domains) = if envelope.1.is_empty() { signing } else { envelope };
            if !domains.is_empty() && names.count(domains) <= of_domains {
                identities_found = Some(names.below(domains));
            }
        }
        let found: BTreeSet<u32> = match identities_found {
            Some(found) => found,
            None if of_domains == usize::MAX => return (0..index.parts.len()).collect(),
            None => index.froms.below(&entry.domains),
        };
        let groups = found.into_iter().flat_map(|identity| index.groups.of_group(identity as usize)).copied();
        let parts = groups.flat_map(|group| {
            let begin = index.parts.partition_point(|part| part.group < group);
            (begin..index.parts.len()).take_while(move |&at| index.parts[at].group == group)
        });
        parts.collect()
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| {
            let mut parts: Vec<Part> =
                self.sums.parts().map(|(address, group, messages)| Part { group, address, messages }).collect();
            parts.sort_unstable();
            // Of one address there is a pair for each state.
            parts.dedup_by(|later, earlier| {
                let same = (later.group, later.address) == (earlier.group, earlier.address);
                earlier.messages = earlier.messages.saturating_add(if same { later.messages } else { 0 });
                same
            });
            let numbers = || parts.iter().zip(0_u32..);
            let on_paths = numbers().map(|(part, number)| (self.places[part.group as usize], number));
            let on_paths = on_paths.filter(|(path, _)| *path != NO_PATH);
            let mut by_address: Vec<u32> = numbers().filter(|one| one.0.address.is_some()).map(|one| one.1).collect();
            by_address.sort_by_key(|&number| parts[number as usize].address);
            let of_identities = self.sums.groups.list.iter().zip(0..).map(|(group, number)| (group.identity, number));
            let groups = Grouped::of(of_identities, self.sums.identities.len());
            let identities = || self.sums.identities.iter().zip(0_u32..);
            let mut by_tenant: HashMap<String, Vec<u32>> = HashMap::new();
            for (identity, number) in identities() {
                if let Some(account) = identity.account() {
                    by_tenant.entry(account.name.to_ascii_lowercase()).or_default().push(number);
                }
            }
            let signing = identities().flat_map(|(one, number)| one.verified.iter().map(move |name| (&name.0, number)));
            let envelopes = identities().filter_map(|(one, number)| Some((one.envelope.as_deref()?, number)));
            let froms = identities().filter_map(|(one, number)| Some((self.froms.get(&one.from)?, number)));
            Index {
                by_path: Grouped::of(on_paths, self.numbers.len()),
                by_address,
                by_tenant,
                signing_domains: Names::of(signing, &groups),
                envelope_domains: Names::of(envelopes, &groups),
                froms: Names::of(froms, &groups),
                groups,
                parts,
            }
        })
    }
}

impl Names {
    fn of<'n, N: AsRef<str> + ?Sized + 'n>(names: impl Iterator<Item = (&'n N, u32)>, groups: &Grouped<u32>) -> Self {
        let mut list: Vec<(String, u32)> = names.map(|(name, identity)| (backwards(name.as_ref()), identity)).collect();
        list.sort_unstable();
        let mut sum = 0;
        let before = list.iter().map(|(_, identity)| {
            let before = sum;
            sum += groups.of_group(*identity as usize).len();
            before
        });
        let mut groups_before: Vec<usize> = before.collect();
        groups_before.push(sum);
        Names { list, groups_before }
    }

    /// The names that begin, backwards, like a domain.
    fn stretch(&self, backwards: &str) -> Range<usize> {
        let begin = self.list.partition_point(|(name, _)| name.as_str() < backwards);
        let length = self.list[begin..].partition_point(|(name, _)| name.starts_with(backwards));
        begin..begin + length
    }

    /// How many groups are found at most where they are looked for [`below`](Self::below) some domains.
    fn count(&self, domains: &[String]) -> usize {
        let found = domains.iter().map(|domain| self.stretch(&backwards(domain)));
        found.map(|found| self.groups_before[found.end] - self.groups_before[found.start]).sum()
    }

    /// The identities of names that are one of some domains, or below one.
    fn below(&self, domains: &[String]) -> BTreeSet<u32> {
        let mut found = BTreeSet::new();
        for domain in domains {
            let domain = backwards(domain);
            let is_below = |name: &str| name[domain.len()..].is_empty() || name[domain.len()..].starts_with('.');
            let names = self.list[self.stretch(&domain)].iter();
            found.extend(names.filter(|(name, _)| is_below(name)).map(|one| one.1));
        }
        found
    }
}

impl Index {
    /// The numbers of the parts from an address.
    fn at_address(&self, address: IpAddr) -> &[u32] {
        let of = |number: &u32| self.parts[*number as usize].address;
        let begin = self.by_address.partition_point(|number| of(number) < Some(address));
        let end = self.by_address.partition_point(|number| of(number) <= Some(address));
        &self.by_address[begin..end]
    }

    /// How many groups some identities have.
    fn number_of_groups(&self, identities: impl Iterator<Item = u32>) -> usize {
        identities.map(|identity| self.groups.of_group(identity as usize).len()).sum()
    }
}

fn backwards(name: &str) -> String {
    name.chars().rev().collect()
}

#[cfg(test)]
mod tests {
    use std::iter::repeat_n;

    use super::*;

    #[test]
    fn a_domain_and_what_is_below_it_are_found() {
        let names = ["a.example", "b.a.example", "ba.example", "a.b.example", "example"];
        // As many groups as the number of the identity.
        let groups = Grouped::of((0_u32..5).flat_map(|at| repeat_n((at, at), at as usize)), 5);
        let names = Names::of(names.iter().copied().zip(0..), &groups);
        let found = |domain: &str| names.below(&[domain.to_owned()]).into_iter().collect::<Vec<u32>>();
        assert_eq!(found("a.example"), [0, 1]);
        assert_eq!(found("b.example"), [3]);
        assert_eq!(found("example"), [0, 1, 2, 3, 4]);
        assert!(found("c.example").is_empty());
        let count = |domains: &[&str]| names.count(&domains.iter().map(|&one| one.to_owned()).collect::<Vec<_>>());
        // `ba.example` begins backwards like `a.example`, and is left out later.
        assert_eq!([count(&["a.example"]), count(&["b.example", "a.example"]), count(&["c.example"])], [3, 6, 0]);
    }
}
