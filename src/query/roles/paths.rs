//! From groups to paths: header From, sender, author and role.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use rustc_hash::FxHashMap;

use super::decide::{Author, Decision};
use super::gather::Gathered;
use super::keys::network;
use super::owner::Owner;
use crate::query::naming::{ProviderNumber, Sender};
use crate::report::period::Day;
use crate::role::Role;
use crate::witness::Seen;

/// Who a path's sender is, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::query) enum SenderNumber {
    /// An entry of the ledger.
    Entry(u32),
    /// A provider.
    Provider(ProviderNumber),
    /// An organization on a provider's machines.
    Through(u32, ProviderNumber),
    /// An organization, by its number.
    Organization(u32),
    /// The organization of the host name.
    Host(u32),
    /// What stands behind the owner's signer, and nothing names.
    Behind,
    /// The network of the address.
    Network(IpAddr),
    /// Very many, each with little, see [`fold_senders`].
    Many,
    /// No address was readable.
    Nobody,
}

/// A path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::query) struct PathNumber {
    /// Header From; -1 where there is none, and less for all small names below an organizational domain, see
    /// [`organization_of_all`](Self::organization_of_all).
    pub(in crate::query) from: i64,
    pub(in crate::query) sender: SenderNumber,
    pub(in crate::query) author: Author,
    pub(in crate::query) role: Role,
    /// The account is the only one of the owner's at this provider: what shows none is its too.
    pub(in crate::query) only_account: bool,
    /// The account may be the owner's or a stranger's: SPF aligns for most of its mail, and the domain signs its mail elsewhere.
    pub(in crate::query) doubted: bool,
}

impl PathNumber {
    /// The number of the organizational domain of which it has all small names together, if it has.
    pub(in crate::query) fn organization_of_all(&self) -> Option<u32> {
        u32::try_from(ALL_BELOW.checked_sub(self.from)?).ok()
    }
}

/// The header From of all small names below the organizational domain of number 0.
const ALL_BELOW: i64 = -2;

fn all_below(organization: u32) -> i64 {
    ALL_BELOW - i64::from(organization)
}

/// The paths that groups are on.
#[derive(Debug, Default)]
pub(in crate::query) struct Paths {
    pub(in crate::query) list: Vec<PathNumber>,
    /// For each group, its path in the list.
    pub(in crate::query) of_groups: Vec<u32>,
    /// For each path, the first day on which its sender was seen with mail of its header From, on whatever path, memory included.
    pub(in crate::query) since: Vec<Day>,
    /// For each path, whether most of it is another organization's, by SPF: whose machines hand it over only carries it.
    pub(in crate::query) carried: Vec<bool>,
}

/// An organization names an address from this share of its mail on: a stray message of a neighbour does not.
const NAMED: f64 = 0.10;
/// Of several accounts of an owner that with this share of what is sent as a header From is the one that sends as that.
const NEARLY_ALL: f64 = 0.95;

/// Groups groups by what was decided on them.
pub(super) fn group(gathered: &Gathered<'_>, owner: &Owner<'_>, decisions: &[Decision]) -> Paths {
    let accounts = accounts(gathered, owner, decisions);
    let names = names(gathered);
    let named = |at: usize| names.get(&(gathered.identity(at).from, gathered.group(at).address_number?)).copied();
    let (folded, folded_accounts) = (folded(gathered, decisions), folded_accounts(gathered, decisions));
    let mut paths = Paths::default();
    let mut numbers: HashMap<PathNumber, u32> = HashMap::new();
    let mut last = None;
    for (at, decision) in decisions.iter().enumerate() {
        let (group, identity) = (gathered.group(at), gathered.identity(at));
        let (mut author, mut only_account) = (decision.author, false);
        if decision.role == Role::Own
            && let Sender::Provider(provider) = decision.sender
            && let Some(accounts) = accounts.get(&(identity.from, provider))
        {
            (author, only_account) = accounts.of(author);
        }
        if decision.role == Role::OtherAccount && folded_accounts.contains(&(identity.from, author)) {
            author = Author::Nobody;
        }
        let sender = match (decision.entry, decision.sender) {
            (Some(entry), _) => SenderNumber::Entry(entry),
            (None, Sender::Provider(provider)) => match (decision.role, author) {
                (Role::Service, Author::Organization(organization)) => SenderNumber::Through(organization, provider),
                _ => SenderNumber::Provider(provider),
            },
            (None, Sender::Nobody) => SenderNumber::Nobody,
            (None, Sender::Organization(organization)) => SenderNumber::Organization(organization),
            (None, Sender::Address(ip)) => match (decision, identity.authenticated, group.host) {
                (Decision { role: Role::Service, author: Author::Organization(organization), .. }, ..) => {
                    SenderNumber::Organization(*organization)
                }
                (Decision { role: Role::Own, behind: false, .. }, _, host) => match (named(at), host) {
                    (Some(organization), _) => SenderNumber::Organization(organization),
                    (None, Some(host)) => SenderNumber::Host(host),
                    (None, None) => SenderNumber::Network(network(ip)),
                },
                (_, _, Some(host)) => SenderNumber::Host(host),
                (Decision { role: Role::Own, .. }, ..) => SenderNumber::Behind,
                (Decision { role: Role::Unknown, .. }, ..) => SenderNumber::Network(network(ip)),
                _ => match named(at) {
                    Some(organization) => SenderNumber::Organization(organization),
                    None => SenderNumber::Network(network(ip)),
                },
            },
        };
        let from = if folded.contains(&(identity.from, decision.role)) {
            all_below(identity.organization)
        } else {
            identity.from
        };
        let doubted = match author {
            Author::Account(provider, number) if decision.role == Role::OtherAccount => {
                owner.doubted.contains(&((provider, number), identity.organization))
            }
            _ => false,
        };
        let path = PathNumber { from, sender, author, role: decision.role, only_account, doubted };
        // Units of one network mostly come one after the other.
        let number = match last {
            Some((known, number)) if known == path => number,
            _ => {
                let next = paths.list.len() as u32;
                let number = *numbers.entry(path).or_insert(next);
                if number == next {
                    paths.list.push(path);
                }
                number
            }
        };
        last = Some((path, number));
        paths.of_groups.push(number);
    }
    fold_senders(gathered, &mut paths);
    paths.since = since(gathered, &paths);
    paths.carried = carried(gathered, &paths);
    paths
}

/// Of mail of one role below an organizational domain no more header From names than that are told apart, and under one header From no
/// more accounts of others at a provider, and no more senders that only an address, a host or SPF names. Anybody can write as a
/// hundred thousand names, or from as many networks, and nobody can read as many paths.
const TOLD_APART: usize = 1_000;

/// Those with less than the thousandth part of the messages, where there are more than [`TOLD_APART`].
fn small<K>(messages: HashMap<K, u64>) -> impl Iterator<Item = K> {
    let all = messages.values().fold(0_u64, |sum, one| sum.saturating_add(*one));
    let most = if messages.len() > TOLD_APART { Some(all / TOLD_APART as u64) } else { None };
    messages.into_iter().filter(move |(_, of)| most.is_some_and(|most| *of <= most)).map(|(key, _)| key)
}

/// Header From names and others' accounts that are told together, see [`small`].
fn folded_accounts(gathered: &Gathered<'_>, decisions: &[Decision]) -> HashSet<(i64, Author)> {
    let mut accounts: HashMap<(i64, ProviderNumber), HashMap<Author, u64>> = HashMap::new();
    for (at, decision) in decisions.iter().enumerate().filter(|(_, one)| one.role == Role::OtherAccount) {
        if let Author::Account(provider, _) = decision.author {
            let sums = accounts.entry((gathered.identity(at).from, provider)).or_default();
            let sum = sums.entry(decision.author).or_default();
            *sum = sum.saturating_add(gathered.messages(at));
        }
    }
    accounts.into_iter().flat_map(|((from, _), sums)| small(sums).map(move |account| (from, account))).collect()
}

/// Names and roles that are told together, see [`small`]; the organizational domain itself is always told.
fn folded(gathered: &Gathered<'_>, decisions: &[Decision]) -> HashSet<(i64, Role)> {
    let mut names: HashMap<(u32, Role), HashMap<i64, u64>> = HashMap::new();
    for (at, decision) in decisions.iter().enumerate() {
        let identity = gathered.identity(at);
        if identity.from >= 0 && !identity.is_from_organization && gathered.is_counted(at) {
            let sums = names.entry((identity.organization, decision.role)).or_default();
            let sum = sums.entry(identity.from).or_default();
            *sum = sum.saturating_add(gathered.messages(at));
        }
    }
    names.into_iter().flat_map(|((_, role), sums)| small(sums).map(move |name| (name, role))).collect()
}

/// Puts senders that only an address, a host or SPF names on one path for each header From and role, where they are many, see
/// [`small`].
fn fold_senders(gathered: &Gathered<'_>, paths: &mut Paths) {
    let is_minor = |path: &PathNumber| {
        use SenderNumber as S;
        matches!(path.sender, S::Network(_) | S::Organization(_) | S::Host(_) | S::Through(..))
    };
    let mut senders: HashMap<(i64, Role), HashMap<SenderNumber, u64>> = HashMap::new();
    for (at, &number) in paths.of_groups.iter().enumerate().filter(|(at, _)| gathered.is_counted(*at)) {
        let path = &paths.list[number as usize];
        if is_minor(path) {
            let sum = senders.entry((path.from, path.role)).or_default().entry(path.sender).or_default();
            *sum = sum.saturating_add(gathered.messages(at));
        }
    }
    let folded: HashSet<(i64, Role, SenderNumber)> = senders
        .into_iter()
        .flat_map(|((from, role), sums)| small(sums).map(move |sender| (from, role, sender)))
        .collect();
    if folded.is_empty() {
        return;
    }
    let (mut list, mut numbers, mut moved) = (Vec::new(), HashMap::new(), Vec::new());
    for path in &paths.list {
        let mut path = *path;
        if folded.contains(&(path.from, path.role, path.sender)) {
            path.sender = SenderNumber::Many;
            if let Author::Organization(_) = path.author {
                path.author = Author::Nobody;
            }
        }
        let number = *numbers.entry(path).or_insert(list.len() as u32);
        if number as usize == list.len() {
            list.push(path);
        }
        moved.push(number);
    }
    paths.of_groups.iter_mut().for_each(|number| *number = moved[*number as usize]);
    paths.list = list;
}

fn carried(gathered: &Gathered<'_>, paths: &Paths) -> Vec<bool> {
    let mut sums = vec![[0_u64; 2]; paths.list.len()];
    for (at, path) in paths.of_groups.iter().enumerate() {
        let is_others = gathered.own(at).spf_of_other.is_some() && gathered.identity(at).by_envelope.is_none();
        let sum = &mut sums[*path as usize][usize::from(!is_others)];
        *sum = sum.saturating_add(gathered.messages(at));
    }
    sums.into_iter().map(|[others, rest]| others > rest).collect()
}

fn since(gathered: &Gathered<'_>, paths: &Paths) -> Vec<Day> {
    let mut firsts = vec![Day::MAX; paths.list.len()];
    for (seen, path) in gathered.groups.iter().zip(&paths.of_groups) {
        let first = &mut firsts[*path as usize];
        *first = seen.first.min(*first);
    }
    let mut by_sender: HashMap<(i64, SenderNumber), Day> = HashMap::new();
    for (path, &first) in paths.list.iter().zip(&firsts) {
        let known = by_sender.entry((path.from, path.sender)).or_insert(first);
        *known = first.min(*known);
    }
    let of = |path: &PathNumber| by_sender.get(&(path.from, path.sender)).copied().unwrap_or(Day::MAX);
    paths.list.iter().map(of).collect()
}

/// The organization that SPF authenticates at each address where it does, for each header From, by the number of the address: the one that most reporters'
/// records name; of equals the first by name. An address keeps the name that its own identity gave it, also when it is set
/// up for the domain later.
fn names(gathered: &Gathered<'_>) -> FxHashMap<(i64, u32), u32> {
    #[derive(Default)]
    struct Named {
        by: FxHashMap<u32, (u64, Seen)>,
        whole: (u64, Seen),
    }
    let add = |sum: &mut (u64, Seen), at: usize| {
        *sum = (sum.0.saturating_add(gathered.messages(at)), sum.1);
        sum.1.extend(gathered.seen(at));
    };
    let place = |at: usize| match gathered.sender(at) {
        Sender::Address(_) => Some((gathered.identity(at).from, gathered.group(at).address_number?)),
        _ => None,
    };
    let mut found: FxHashMap<(i64, u32), Named> = FxHashMap::default();
    for at in 0..gathered.len() {
        if let (Some(place), Some(organization)) = (place(at), gathered.own(at).spf_of_other) {
            add(found.entry(place).or_default().by.entry(organization).or_default(), at);
        }
    }
    for at in 0..gathered.len() {
        if let Some(named) = place(at).and_then(|place| found.get_mut(&place)) {
            add(&mut named.whole, at);
        }
    }
    let name = |organization: u32| gathered.ground.organizations.get(organization);
    found
        .into_iter()
        .filter_map(|(place, Named { by: names, whole })| {
            let counts = |(_, (messages, seen)): &(u32, (u64, Seen))| {
                seen.counts_in(whole.1) && *messages as f64 >= NAMED * whole.0 as f64
            };
            let best = names.into_iter().filter(counts);
            let best = best.max_by(|a, b| (a.1.0, name(b.0)).cmp(&(b.1.0, name(a.0))))?;
            Some((place, best.0))
        })
        .collect()
}

/// The owner's accounts of a provider that write as a header From.
struct Accounts {
    /// All of the mail, or nearly all, is this one's.
    only: Option<Author>,
}

impl Accounts {
    /// The author of own mail, by what one record shows; and whether there is one account only.
    fn of(&self, shown: Author) -> (Author, bool) {
        match self.only {
            Some(account) => (account, true),
            None => (shown, false),
        }
    }
}

fn accounts(
    gathered: &Gathered<'_>,
    owner: &Owner<'_>,
    decisions: &[Decision],
) -> HashMap<(i64, ProviderNumber), Accounts> {
    let mut sums: HashMap<(i64, ProviderNumber), HashMap<Author, u64>> = HashMap::new();
    for (at, decision) in decisions.iter().enumerate().filter(|(_, decision)| decision.role == Role::Own) {
        let Sender::Provider(provider) = gathered.sender(at) else {
            continue;
        };
        let identity = gathered.identity(at);
        // Behind a gateway the account is that of the provider that signed.
        let shown = identity.accounts.iter().find(|account| {
            (account.provider == provider || decision.behind) && owner.is_own(account, identity.organization)
        });
        if let Some(account) = shown {
            let author = Author::Account(account.provider, account.number);
            let sum = sums.entry((identity.from, provider)).or_default().entry(author).or_default();
            *sum = sum.saturating_add(gathered.messages(at));
        }
    }
    let only = |sums: HashMap<Author, u64>| {
        let all: u64 = sums.values().sum();
        let most = sums.into_iter().find(|(_, messages)| *messages as f64 >= NEARLY_ALL * all as f64);
        Accounts { only: most.map(|(author, _)| author) }
    };
    sums.into_iter().map(|(at, sums)| (at, only(sums))).collect()
}
