//! What was seen of a key, and at which sites it is used.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use rustc_hash::FxHashMap;

use crate::report::period::Day;
use crate::witness::{Seen, has_share, robust_share, share_without_most_for};

/// Where a key is nowhere seen with aligned SPF, it is used where this share of its verified mail is.
pub(super) const USED: f64 = 0.10;
/// An account is the owner's from this share of the mail with aligned SPF on, on days without an own signature.
pub(super) const MOST: f64 = 0.5;

/// What a reporter's day counts, however much mail it was.
pub(super) const WHOLE_DAY: u64 = 1_000_000;

/// What some of the messages of a day count.
pub(super) fn part_of_day(messages: u64, of_day: u64) -> u64 {
    (messages as f64 / of_day as f64 * WHOLE_DAY as f64) as u64
}

/// Messages by reporter.
pub(super) type ByReporter = BTreeMap<u32, u64>;

pub(super) fn add(sums: &mut ByReporter, reporter: u32, messages: u64) {
    let sum = sums.entry(reporter).or_default();
    *sum = sum.saturating_add(messages);
}

pub(super) fn sum(sums: &ByReporter) -> u64 {
    sums.values().fold(0, |sum, one| sum.saturating_add(*one))
}

/// Whether a share may be `least`, whichever reporter is left out: `rest` is what is left of all without the reporter that says
/// most. Of many reporters and places nearly all are ruled out by that.
pub(super) fn may_be(part: u64, rest: u64, least: f64) -> bool {
    part as f64 >= least * rest as f64
}

/// What was seen of a key.
#[derive(Debug, Default)]
pub(super) struct Key {
    pub(super) seen: Seen,
    /// For each number, the senders that show it with aligned SPF, with who saw that.
    pub(super) with_spf: FxHashMap<u32, Seen>,
    /// Who saw it at each sender.
    pub(super) shown: FxHashMap<u32, Seen>,
    /// Who saw it verify.
    pub(super) verifying: Seen,
    /// The site that shows most of it, if it has a selector and never verified.
    pub(super) signed_at: Option<u32>,
    /// Verified messages by reporter, day and site; there may be several of one.
    verified: Vec<(u32, Day, u32, u64)>,
    /// Of a key without a selector those of its domain that have one.
    pub(super) selectors: BTreeSet<u32>,
    /// What part of the verified messages is at each site where it may be enough to be the key's.
    pub(super) at_sites: FxHashMap<u32, PartHere>,
    /// At one of them it is.
    pub(super) used_somewhere: bool,
    /// A sender shows it with aligned SPF, by the witness rule.
    pub(super) anywhere_with_spf: bool,
}

/// What part of a key's verified messages is at a site: without the reporter that says most for it, and by the witness rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct PartHere {
    without_most_for: f64,
    robust: f64,
}

impl PartHere {
    fn least(self, other: Self) -> Self {
        PartHere {
            without_most_for: self.without_most_for.min(other.without_most_for),
            robust: self.robust.min(other.robust),
        }
    }

    pub(super) fn is(self, least: f64) -> bool {
        // Small reporters may see little but forwarded mail: without the one that says most against it, it takes most.
        self.without_most_for > 0.0 && self.without_most_for >= least || self.robust >= MOST
    }
}

impl Key {
    /// Whether who saw something is enough, by the witness rule.
    pub(super) fn counts(&self, seen: &Seen) -> bool {
        seen.counts_in(self.seen)
    }

    /// Works out whether it is at home by SPF.
    pub(super) fn find_spf(&mut self) {
        self.anywhere_with_spf = self.with_spf.values().any(|seen| self.counts(seen));
    }

    /// Whether it verified, or a sender shows it with aligned SPF, on nobody's word alone.
    pub(super) fn is_proven(&self) -> bool {
        self.anywhere_with_spf || self.counts(&self.verifying) && self.verifying.is_any()
    }

    /// Adds verified messages; the day matters only where the key is nowhere at home by SPF.
    pub(super) fn add_verified(&mut self, site: u32, reporter: u32, day: Day, messages: u64) {
        self.verified.push((reporter, day, site, messages));
    }

    /// Works out where the key is used, once all is known: where it has its part of the messages and of the days. Each day of a
    /// reporter counts the same, however much mail it was, so that a message that is sent again a thousand times makes nobody the
    /// key's sender; and what is handed on for days after a mailing is little. Where no site has both, the days decide.
    pub(super) fn settle(&mut self) {
        let (mut by_messages, mut by_days) = (Shares::default(), Shares::default());
        let mut verified = std::mem::take(&mut self.verified);
        verified.sort_unstable();
        let sum = |of: &[(u32, Day, u32, u64)]| of.iter().fold(0_u64, |sum, one| sum.saturating_add(one.3));
        for day in verified.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let of_day = sum(day).max(1);
            for here in day.chunk_by(|a, b| a.2 == b.2) {
                let (reporter, _, site, _) = here[0];
                let messages = sum(here);
                by_messages.add(site, reporter, messages);
                by_days.add(site, reporter, part_of_day(messages, of_day));
            }
        }
        let (by_messages, by_days) = (by_messages.parts(), by_days.parts());
        let both = by_days.iter().filter_map(|(site, part)| Some((*site, part.least(*by_messages.get(site)?))));
        let both: FxHashMap<u32, PartHere> = both.collect();
        self.at_sites = if both.values().any(|part| part.is(USED)) { both } else { by_days };
        self.used_somewhere = self.at_sites.values().any(|part| part.is(USED));
    }
}

/// What sites have of a key, by reporter.
#[derive(Default)]
pub(super) struct Shares {
    all: ByReporter,
    sites: FxHashMap<u32, ByReporter>,
}

impl Shares {
    pub(super) fn add(&mut self, site: u32, reporter: u32, part: u64) {
        add(&mut self.all, reporter, part);
        add(self.sites.entry(site).or_default(), reporter, part);
    }

    /// What is at a site and what is elsewhere, by reporter.
    fn split(&self, here: &ByReporter) -> Vec<[u64; 2]> {
        let here = |reporter: &u32| here.get(reporter).copied().unwrap_or(0);
        self.all.iter().map(|(reporter, all)| [here(reporter), all.saturating_sub(here(reporter))]).collect()
    }

    /// The sites that may have a share.
    fn sites_with(&self, least: f64) -> impl Iterator<Item = (u32, &ByReporter)> {
        let rest = sum(&self.all).saturating_sub(self.all.values().max().copied().unwrap_or(0));
        let sites = self.sites.iter().map(|(&site, here)| (site, here));
        sites.filter(move |(_, here)| may_be(sum(here), rest, least))
    }

    /// What part each site has, of those where it may be enough.
    fn parts(&self) -> FxHashMap<u32, PartHere> {
        let part = |here: &ByReporter| {
            let parts = self.split(here);
            PartHere {
                without_most_for: share_without_most_for(&parts).unwrap_or(0.0),
                robust: robust_share(parts).unwrap_or(0.0),
            }
        };
        self.sites_with(USED).map(|(site, here)| (site, part(here))).collect()
    }

    /// The site that has most of it, on nobody's word alone.
    pub(super) fn site_of_most(&self) -> Option<u32> {
        let sites = self.sites_with(MOST).filter(|(_, here)| has_share(self.split(here), MOST));
        sites.map(|(site, _)| site).min()
    }
}

/// The network of an address: large enough that one sender's machines are together, small enough that two are apart.
pub(in crate::query) fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(v4) => IpAddr::V4((u32::from(v4) & 0xffff_ff00).into()),
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & (!0 << 80)).into()),
    }
}
