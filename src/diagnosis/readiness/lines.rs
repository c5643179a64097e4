//! Lines whose address changes: an office or a branch whose mail comes day by day from one network of an access provider, from an
//! address or two at a time. Each of its paths is too small to be steady by itself.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::answer::Undecided;
use super::impact::failing;
use super::measures::{Measures, is_broken};
use crate::diagnosis::SendingPath;
use crate::providers::Catalogue;
use crate::query::SenderKey;
use crate::report::period::Day;
use crate::role::Role;

/// Access providers give their customers addresses from blocks of about this size.
const PREFIX_V4: u8 = 16;
const PREFIX_V6: u8 = 32;
/// Fewer working days are a run of a spoofer's.
const DAYS: usize = 10;
/// A line has one address, and two on the day on which it changes; a botnet and a hoster's customer have many at once.
const ADDRESSES_A_DAY: u64 = 2;
/// The busiest day has no more than this many times the mail of a mean day.
const BUSIEST: u64 = 3;
/// Where more networks than this have at least half as much mail as one, it is one of a botnet's.
const OTHERS: usize = 2;
const ALIKE: u64 = 2;

/// Mail of one header From, from a line.
pub(super) struct Line<'p> {
    pub(super) network: IpNet,
    /// Most messages first.
    pub(super) paths: Vec<&'p SendingPath>,
    pub(super) failing: u64,
    /// No reporter alone makes it daily.
    pub(super) certain: bool,
}

impl Line<'_> {
    /// As a sender that looks forgotten.
    pub(super) fn forgotten(&self) -> Option<Undecided> {
        let first = self.paths.first()?;
        Some(Undecided {
            path: first.id.clone(),
            sender: self.network.to_string(),
            domain: first.domain.clone(),
            messages: self.failing,
        })
    }
}

/// The lines with a hundredth of the genuine mail or more.
pub(super) fn lines<'p>(paths: &[&'p SendingPath], measures: &Measures<'_>, catalogue: &Catalogue) -> Vec<Line<'p>> {
    let mut found: BTreeMap<(&str, IpNet), Vec<&SendingPath>> = BTreeMap::new();
    let mut networks: BTreeMap<IpNet, u64> = BTreeMap::new();
    for path in paths.iter().copied().filter(|path| path.role == Role::Unknown && failing(path) > 0) {
        let SenderKey::Network(ip) = measures.survey.paths[path.figures].sender else { continue };
        let Some(network) = around(ip) else { continue };
        let sum = networks.entry(network).or_default();
        *sum = sum.saturating_add(failing(path));
        let shows_nothing = path.dkim.unaligned == 0 && !is_broken(path) && !path.leg;
        if shows_nothing && catalogue.by_address(ip).is_none() {
            found.entry((&path.domain, network)).or_default().push(path);
        }
    }
    let mut amounts: Vec<u64> = networks.into_values().collect();
    amounts.sort_unstable();
    let line = |((_, network), mut paths): ((&str, IpNet), Vec<&'p SendingPath>)| {
        let failing = paths.iter().fold(0u64, |sum, path| sum.saturating_add(failing(path)));
        // Its own network is one of those.
        let alike = amounts.len() - amounts.partition_point(|sum| sum.saturating_mul(ALIKE) < failing);
        let is = failing > measures.thresholds.max_path_failures
            && failing.saturating_mul(100) >= measures.messages
            && alike <= 1 + OTHERS
            && is_even(&paths, measures)
            && daily(&paths, measures, false);
        let certain = is && daily(&paths, measures, true);
        paths.sort_by(|a, b| (b.messages, &a.id).cmp(&(a.messages, &b.id)));
        is.then_some(Line { network, paths, failing, certain })
    };
    found.into_iter().filter_map(line).collect()
}

/// The block that an address is of.
fn around(ip: IpAddr) -> Option<IpNet> {
    let prefix = if ip.is_ipv4() { PREFIX_V4 } else { PREFIX_V6 };
    IpNet::new(ip, prefix).ok().map(|network| network.trunc())
}

/// Whether they come daily together, and none by itself.
fn daily(paths: &[&SendingPath], measures: &Measures<'_>, certainly: bool) -> bool {
    let Measures { whole, survey, .. } = measures;
    whole.comes_daily(paths, survey, DAYS, certainly)
        && !paths.iter().any(|path| whole.has_steady(path, survey, certainly))
}

/// Whether about as much comes on each day, from an address or two.
fn is_even(paths: &[&SendingPath], measures: &Measures<'_>) -> bool {
    let tally = &measures.survey.tally;
    let mut days: BTreeMap<Day, u64> = BTreeMap::new();
    for entry in paths.iter().flat_map(|path| tally.entries(path.figures)).filter(|entry| entry.messages > 0) {
        let sum = days.entry(tally.report(entry).day).or_default();
        *sum = sum.saturating_add(entry.messages);
    }
    let addresses = paths.iter().flat_map(|path| tally.addresses(path.figures));
    let on_days: u64 = addresses.map(|one| days.keys().filter(|&&day| one.not_aligned.is_on(day)).count() as u64).sum();
    let all = days.values().fold(0u64, |sum, &one| sum.saturating_add(one));
    let busiest = days.values().copied().max().unwrap_or(0);
    let number = days.len() as u64;
    (number..=number.saturating_mul(ADDRESSES_A_DAY)).contains(&on_days)
        && busiest.saturating_mul(number) <= all.saturating_mul(BUSIEST)
}
