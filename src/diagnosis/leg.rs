//! A server's unauthenticated IPv6 address: receivers that accept mail over IPv6 see only this address, and never the
//! machine that all others see. A spoofer does not choose just those receivers, to whom the owner sends nothing. Or the same
//! receivers see both, and what comes from the one address rises and falls with what comes from the other, day by day.

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
    /// Who sees it, and nothing of the owner's machines unless it follows one.
    pub(super) reporters: Vec<String>,
    /// The own machine whose days and amounts it follows.
    follows: Option<SenderKey>,
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
    let mut machines: HashMap<&str, Vec<(&SenderKey, Series)>> = HashMap::new();
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
            let (sender, messages) = (path.sender.clone(), path.messages);
            let leg = Leg { path: at, sender, messages, reporters, follows: None };
            found.entry(&path.domain).or_default().push(leg);
        } else if v6
            && days.len() >= COMMON_DAYS
            && let Some(machine) = followed(
                &series(survey, at),
                machines.entry(&path.domain).or_insert_with(|| own_machines(survey, &path.domain)),
            )
        {
            let (sender, messages) = (path.sender.clone(), path.messages);
            let leg =
                Leg { path: at, sender, messages, reporters: path.reporters.clone(), follows: Some(machine.clone()) };
            found.entry(&path.domain).or_default().push(leg);
        }
    }
    found
}

/// Fewer days on which both send do not tell whether one follows the other,
const COMMON_DAYS: usize = 10;
/// nor do they where more of the days than this are of one of them alone,
const DAYS_APART: f64 = 0.1;
/// or where amounts vary by less than this part of their mean: what is always the same follows all that is.
const VARIES: f64 = 0.2;
/// The least correlation of their amounts on these days.
const FOLLOWS: f64 = 0.9;

/// By reporter, messages by day.
type Series = BTreeMap<u32, BTreeMap<Day, u64>>;

fn series(survey: &Survey, at: usize) -> Series {
    let mut found = Series::new();
    for entry in survey.tally.entries(at).iter().filter(|entry| entry.messages > 0) {
        let report = survey.tally.report(entry);
        let sum = found.entry(report.reporter).or_default().entry(report.day).or_default();
        *sum = sum.saturating_add(entry.messages);
    }
    found
}

/// The own machines that send mail of a domain over IPv4.
fn own_machines<'s>(survey: &'s Survey, domain: &str) -> Vec<(&'s SenderKey, Series)> {
    let machines = survey.paths.iter().enumerate().filter(|(_, one)| {
        one.role == Role::Own && one.domain == domain && matches!(one.sender, SenderKey::Network(IpAddr::V4(_)))
    });
    machines.map(|(at, one)| (&one.sender, series(survey, at))).collect()
}

/// The own machine whose days and amounts those of a leg follow, at two reporters or more that see both, and without any one of them.
fn followed<'s>(leg: &Series, machines: &[(&'s SenderKey, Series)]) -> Option<&'s SenderKey> {
    let follows = |machine: &Series| {
        let common: Vec<u32> = leg.keys().copied().filter(|reporter| machine.contains_key(reporter)).collect();
        let without = |left_out: Option<u32>| {
            let sum = |of: &Series| {
                let mut days: BTreeMap<Day, u64> = BTreeMap::new();
                for reporter in common.iter().filter(|one| Some(**one) != left_out) {
                    for (&day, &messages) in of.get(reporter).into_iter().flatten() {
                        let sum = days.entry(day).or_default();
                        *sum = sum.saturating_add(messages);
                    }
                }
                days
            };
            correlation(&sum(leg), &sum(machine))
        };
        let all = common.iter().map(|&one| without(Some(one))).chain([without(None)]);
        let least = all.map(|one| one.unwrap_or(0.0)).fold(f64::INFINITY, f64::min);
        (common.len() >= 2 && least >= FOLLOWS).then_some(least)
    };
    let found = machines.iter().filter_map(|(sender, machine)| Some((follows(machine)?, *sender)));
    found.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1))).map(|(_, sender)| sender)
}

/// How far the amounts of two senders rise and fall together (Pearson's coefficient), on the days on which both send; none where
/// these are few, the days are others, or the amounts hardly vary.
fn correlation(one: &BTreeMap<Day, u64>, other: &BTreeMap<Day, u64>) -> Option<f64> {
    let both: Vec<(f64, f64)> =
        one.iter().filter_map(|(day, &messages)| Some((messages as f64, *other.get(day)? as f64))).collect();
    let all = one.len() + other.len() - both.len();
    if both.len() < COMMON_DAYS || (all - both.len()) as f64 > DAYS_APART * all as f64 {
        return None;
    }
    let number = both.len() as f64;
    let (mean_one, mean_other) =
        (both.iter().map(|pair| pair.0).sum::<f64>() / number, both.iter().map(|pair| pair.1).sum::<f64>() / number);
    let (mut of_both, mut of_one, mut of_other) = (0.0, 0.0, 0.0);
    for (a, b) in both {
        let (a, b) = (a - mean_one, b - mean_other);
        of_both += a * b;
        of_one += a * a;
        of_other += b * b;
    }
    let varies = |of: f64, mean: f64| (of / number).sqrt() >= VARIES * mean;
    (varies(of_one, mean_one) && varies(of_other, mean_other)).then(|| of_both / (of_one * of_other).sqrt())
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
    let concerns = |leg: &&Leg| match &leg.follows {
        Some(followed) if machine => path.sender == *followed,
        _ => machine || leg.path == at,
    };
    let told = of.filter(concerns).map(|leg| {
        if let Some(followed) = &leg.follows {
            let (followed, sender) = (named(followed, catalogue), named(&leg.sender, catalogue));
            return if machine {
                format!("{} from {sender} came on the same days and in the same proportion: if that is this server over IPv6, add it to SPF as `ip6:` and sign there", plural(leg.messages, "message"))
            } else {
                format!("its mail comes on the same days as that of {followed}, and in the same proportion: if it is the same server over IPv6, name it in SPF (`ip6:`) and sign there")
            };
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_that_rise_and_fall_together_follow_each_other() {
        let days = |of: &dyn Fn(Day) -> u64| -> BTreeMap<Day, u64> { (0..20).map(|day| (day, of(day))).collect() };
        let varies = |day: Day| u64::from(day.unsigned_abs() * 7 % 11 + 2);
        let (one, other) = (days(&varies), days(&|day| 3 * varies(day) + 1));
        assert!(correlation(&one, &other).is_some_and(|found| found > 0.99));
        let unlike = days(&|day| varies(day + 3));
        assert!(correlation(&one, &unlike).is_some_and(|found| found < FOLLOWS));
        // What is always the same, and what comes on other days, tells nothing.
        assert_eq!(correlation(&one, &days(&|_| 9)), None);
        let later: BTreeMap<Day, u64> = other.iter().map(|(day, messages)| (day + 8, *messages)).collect();
        assert_eq!(correlation(&one, &later), None);
    }
}
