//! A server's unauthenticated IPv6 address: receivers that accept mail over IPv6 see only this address, and never the
//! machine that all others see. A spoofer does not choose just those receivers, to whom the owner sends nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::OnceLock;

use super::sender::named;
use super::states::share;
use crate::providers::Catalogue;
use crate::query::{PathFigures, SenderKey, Survey};
use crate::report::period::Day;
use crate::role::Role;
use crate::words::{agree, list, plural};

/// Fewer messages of a leg tell nothing.
const MESSAGES: u64 = 20;
/// The fewest days on which a leg is seen.
const DAYS: usize = 3;
/// A part this small is a stray.
const STRAY: f64 = 0.05;

/// A path of role `unknown` that looks like the other leg of an own server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leg {
    /// Its place in the survey.
    pub(super) path: usize,
    /// Its network, or a host name.
    pub(super) sender: SenderKey,
    pub(super) messages: u64,
    /// Who sees it, and nothing of the owner's machines.
    pub(super) reporters: Vec<String>,
}

/// The legs of a survey, found when they are asked for the first time.
pub(super) struct Legs<'s> {
    survey: &'s Survey,
    found: OnceLock<HashMap<&'s str, Vec<Leg>>>,
}

impl<'s> Legs<'s> {
    pub(super) fn new(survey: &'s Survey) -> Self {
        Legs { survey, found: OnceLock::new() }
    }

    /// Those of a header From.
    pub(super) fn of(&self, domain: &str) -> &[Leg] {
        let found = self.found.get_or_init(|| find(self.survey));
        found.get(domain).map_or(&[], Vec::as_slice)
    }
}

/// Messages by reporter.
type ByReporter = BTreeMap<u32, u64>;

fn by_reporter(survey: &Survey, at: usize) -> (ByReporter, BTreeSet<Day>) {
    let (mut sums, mut days) = (ByReporter::new(), BTreeSet::new());
    for entry in survey.tally.entries(at).iter().filter(|entry| entry.messages > 0) {
        let report = survey.tally.report(entry);
        let sum = sums.entry(report.reporter).or_default();
        *sum = sum.saturating_add(entry.messages);
        days.insert(report.day);
    }
    (sums, days)
}

fn find(survey: &Survey) -> HashMap<&str, Vec<Leg>> {
    let candidates = || {
        let paths = survey.paths.iter().enumerate();
        paths.filter(|(_, path)| {
            path.role == Role::Unknown
                && path.messages >= MESSAGES
                && matches!(path.sender, SenderKey::Network(IpAddr::V6(_)) | SenderKey::Host(_))
        })
    };
    let domains: BTreeSet<&str> = candidates().map(|(_, path)| path.domain.as_str()).collect();
    // The owner's mail, and that of machines of his own.
    let mut own: HashMap<&str, (ByReporter, bool)> = HashMap::new();
    for (at, path) in survey.paths.iter().enumerate() {
        if path.role.is_owners() && domains.contains(path.domain.as_str()) {
            let (sums, machines) = own.entry(&path.domain).or_default();
            *machines |= is_machine(&path.sender);
            for (reporter, messages) in by_reporter(survey, at).0 {
                let sum = sums.entry(reporter).or_default();
                *sum = sum.saturating_add(messages);
            }
        }
    }
    let mut found: HashMap<&str, Vec<Leg>> = HashMap::new();
    for (at, path) in candidates() {
        let Some((own, true)) = own.get(path.domain.as_str()) else {
            continue;
        };
        let (sums, days) = by_reporter(survey, at);
        let of = |reporter: &u32| own.get(reporter).copied().unwrap_or(0);
        // A reporter of little mail of the one may see a little of the other.
        let seeing: Vec<u32> =
            sums.iter().filter(|(_, messages)| share(**messages, path.messages) >= STRAY).map(|one| *one.0).collect();
        let only_leg =
            seeing.iter().all(|reporter| share(of(reporter), of(reporter) + sums.get(reporter).unwrap_or(&0)) < STRAY);
        let others = own.keys().filter(|&reporter| !seeing.contains(reporter)).count();
        let v6 = survey.tally.addresses(at).iter().all(|one| one.ip.is_ipv6());
        if !seeing.is_empty() && only_leg && others >= 2 && v6 && days.len() >= DAYS {
            let mut reporters: Vec<String> =
                seeing.iter().map(|&reporter| survey.reporter_names[reporter as usize].clone()).collect();
            reporters.sort_unstable();
            let leg = Leg { path: at, sender: path.sender.clone(), messages: path.messages, reporters };
            found.entry(&path.domain).or_default().push(leg);
        }
    }
    found
}

/// Whether a sender is a machine of the owner's own, as far as a name tells.
fn is_machine(sender: &SenderKey) -> bool {
    matches!(sender, SenderKey::Network(_) | SenderKey::Host(_) | SenderKey::Listed(_))
}

/// What is said of an own machine and its other leg, below either.
pub(super) fn leg_notes(path: &PathFigures, at: usize, legs: &Legs<'_>, catalogue: &Catalogue) -> Vec<String> {
    let machine = path.role == Role::Own && is_machine(&path.sender);
    if !machine && path.role != Role::Unknown {
        return Vec::new();
    }
    let of = legs.of(&path.domain).iter();
    let told = of.filter(|leg| machine || leg.path == at).map(|leg| {
        let (who, sees) = (list(&leg.reporters, 3), agree(leg.reporters.len() as u64, "sees", "see"));
        if machine {
            let (sender, messages) = (named(&leg.sender, catalogue), plural(leg.messages, "message"));
            format!("{who} {sees} none of your own machines and {messages} from {sender} instead: if that is the server's IPv6 address, add it to SPF as `ip6:`")
        } else {
            format!("only {who} {sees} it, and none of your own machines: if it is your server's IPv6 address, name it in SPF (`ip6:`) and sign there")
        }
    });
    told.collect()
}
