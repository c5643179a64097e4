//! Whether a path hands on mail that others sent, told from the signatures it carries and from why receivers spared it.
//!
//! A signature survives forwarding: it says who wrote. A pair of `d=` and `s=` is at home at every sender that shows it with
//! aligned SPF, or that has much of its verified messages. A path without aligned SPF that carries little but pairs of the
//! domain, or of its tenant, that are at home elsewhere is a forwarder. Signatures of third parties, such as a list's own,
//! say nothing either way. A pair that only ever fails here may as well be copied. What one reporter alone says, of a path
//! that others saw otherwise or of a pair that others saw at home somewhere, decides nothing.

use rustc_hash::{FxHashMap, FxHashSet};

use super::agreed::Agreed;
use super::class::Thresholds;
use super::view::share;
use crate::alignment::{AuthResult, SpfState};
use crate::domain;
use crate::parallel;
use crate::providers::Catalogue;
use crate::query::{OutcomeFacts, PathFigures, SenderKey, Signer, SignerUse, Survey};

/// A path with more than half of a pair's verified messages is where it is at home, even where SPF speaks of another.
const MOSTLY_HERE: f64 = 0.5;

/// A selector may be left out by a reporter; then it may be any of the domain's.
type Pair<'p> = (&'p str, Option<&'p str>);

/// Where a pair was seen.
#[derive(Debug, Default)]
struct Home {
    /// By path.
    seen: FxHashMap<usize, Sight>,
    /// Verified messages at the paths that count.
    total: u64,
    /// Of some path more than one reporter says so; then what one alone says of another does not make that a home.
    witnessed: bool,
}

/// What was seen of a pair at a path.
#[derive(Debug, Default)]
struct Sight {
    /// Verified messages by reporter.
    verified: FxHashMap<u32, u64>,
    /// Reporters that saw it with aligned SPF, at a path with SPF of its own.
    with_spf: FxHashSet<u32>,
}

impl Sight {
    fn messages(&self) -> u64 {
        self.verified.values().sum()
    }
}

impl Home {
    /// Enough of those who saw a pair, or its aligned SPF, at a path.
    fn enough(&self, witnesses: usize) -> bool {
        witnesses >= if self.witnessed { 2 } else { 1 }
    }

    /// The share of a pair's verified messages that a path has. Where three see it there, the least that is left of it when
    /// the one that saw most is left out: no count of a single reporter makes a home.
    fn share_of(&self, at: usize) -> f64 {
        let Some(sight) = self.seen.get(&at) else {
            return 0.0;
        };
        let messages = sight.messages();
        let others = if self.enough(sight.verified.len()) { self.total - messages } else { self.total };
        let all = share(messages, others + messages);
        if sight.verified.len() < 3 {
            return all;
        }
        let most = sight.verified.values().copied().max().unwrap_or(0);
        let loudest = sight.verified.iter().filter(|&(_, &messages)| messages == most);
        let without = loudest.map(|(reporter, _)| {
            let elsewhere =
                self.seen.iter().filter(|&(&other, sight)| other != at && self.enough(sight.verified.len()));
            let its_others: u64 = elsewhere.filter_map(|(_, sight)| sight.verified.get(reporter)).sum();
            share(messages - most, others - its_others + messages - most)
        });
        without.fold(all, f64::min)
    }
}

/// What speaks for a path being a forwarder.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Forwarding {
    /// The messages that carry a pair which is at home elsewhere.
    pub(super) carried: u64,
    /// Such a pair verified here.
    pub(super) verifies: bool,
    /// The messages that receivers spared as forwarded.
    pub(super) excused: u64,
    /// The reporters of those.
    pub(super) excused_reporters: usize,
    /// Messages with aligned SPF, carried and spared ones, each of how many.
    pub(super) weighed: [(u64, u64); 3],
    /// The verdict.
    pub(super) forwards: bool,
}

/// The homes of the pairs of a survey's domains and tenants.
pub(super) struct Homes<'s> {
    survey: &'s Survey,
    catalogue: &'s Catalogue,
    thresholds: &'s Thresholds,
    /// By organizational domain of header From and pair.
    homes: FxHashMap<(&'s str, Pair<'s>), Home>,
    /// By organizational domain and the tenant of the domain's own.
    tenants: Vec<(&'s str, &'s str)>,
}

/// The place of a list of signatures among those of a path.
fn place_of_list(path: &PathFigures, list: i64) -> Option<usize> {
    path.signers.binary_search_by_key(&list, |one| one.list).ok()
}

impl<'s> Homes<'s> {
    /// For paths of the organizational domains that are wanted.
    pub(super) fn of(
        survey: &'s Survey,
        catalogue: &'s Catalogue,
        thresholds: &'s Thresholds,
        wanted: impl Fn(&str) -> bool + Sync,
    ) -> Self {
        let mut tenants: Vec<(&str, &str)> = Vec::new();
        for path in &survey.paths {
            if let Some(tenant) = path.tenant.as_deref().filter(|_| path.own_tenant || path.entry.is_some()) {
                tenants.push((domain::organizational(&path.domain), tenant));
            }
        }
        tenants.sort_unstable();
        tenants.dedup();
        let mut homes = Homes { survey, catalogue, thresholds, homes: FxHashMap::default(), tenants };
        let sights = parallel::map(survey.paths.len(), |at| {
            let path = &survey.paths[at];
            if wanted(domain::organizational(&path.domain)) { homes.sights(at, path) } else { FxHashMap::default() }
        });
        for (at, sights) in sights.into_iter().enumerate() {
            let organization = domain::organizational(&survey.paths[at].domain);
            for (pair, sight) in sights {
                homes.homes.entry((organization, pair)).or_default().seen.insert(at, sight);
            }
        }
        for home in homes.homes.values_mut() {
            home.witnessed = home.seen.values().any(|sight| sight.verified.len() > 1 || sight.with_spf.len() > 1);
            let counts = |sight: &&Sight| home.enough(sight.verified.len());
            home.total = home.seen.values().filter(counts).map(Sight::messages).sum();
        }
        homes
    }

    /// What was seen of each pair at a path.
    fn sights(&self, at: usize, path: &'s PathFigures) -> FxHashMap<Pair<'s>, Sight> {
        let mut sights: FxHashMap<Pair<'s>, Sight> = FxHashMap::default();
        let organization = domain::organizational(&path.domain);
        let own: Vec<Vec<&Signer>> = path
            .signers
            .iter()
            .map(|list| list.signers.iter().filter(|signer| self.is_own(organization, &signer.domain)).collect())
            .collect();
        if own.iter().all(Vec::is_empty) {
            return sights;
        }
        let (with_spf, of) = self.aligned_spf(at, path);
        let own_spf = share(with_spf, of) >= self.thresholds.own_spf;
        // By list and reporter messages, and those with aligned SPF.
        let mut sums: FxHashMap<(usize, u32), [u64; 2]> = FxHashMap::default();
        for entry in self.survey.tally.entries(at).iter().filter(|entry| entry.messages > 0) {
            let facts = self.survey.tally.facts(entry);
            let Some(list) = place_of_list(path, facts.signers).filter(|&list| !own[list].is_empty()) else {
                continue;
            };
            let sum = sums.entry((list, self.survey.tally.report(entry).reporter)).or_default();
            sum[0] += entry.messages;
            sum[1] += if facts.spf == SpfState::Aligned { entry.messages } else { 0 };
        }
        for ((list, reporter), [messages, with_spf]) in sums {
            for signer in &own[list] {
                let exact = signer.selector.as_deref();
                for selector in [exact, None].into_iter().take(if exact.is_some() { 2 } else { 1 }) {
                    let sight = sights.entry((signer.domain.as_str(), selector)).or_default();
                    if signer.result == AuthResult::Pass {
                        *sight.verified.entry(reporter).or_default() += messages;
                    }
                    if with_spf > 0 && own_spf {
                        sight.with_spf.insert(reporter);
                    }
                }
            }
        }
        sights
    }

    /// A path's messages with aligned SPF, of how many; what one reporter alone says of it left out.
    fn aligned_spf(&self, at: usize, path: &PathFigures) -> (u64, u64) {
        if path.spf_aligned == 0 || path.spf_aligned == path.messages || path.reporters.len() < 3 {
            return (path.spf_aligned, path.messages);
        }
        self.agreed(at, |facts| facts.spf == SpfState::Aligned).of_all()
    }

    fn agreed(&self, at: usize, has: impl Fn(&OutcomeFacts) -> bool) -> Agreed {
        Agreed::on(self.survey, at, self.thresholds.intermittent, has)
    }

    /// Whether a signing domain is the domain's or its tenant's.
    fn is_own(&self, organization: &str, signer: &str) -> bool {
        domain::is_within(signer, organization)
            || !self.tenants.is_empty()
                && self
                    .catalogue
                    .by_signing_domain(signer)
                    .and_then(|provider| provider.tenant(signer))
                    .is_some_and(|tenant| self.tenants.binary_search(&(organization, tenant.as_str())).is_ok())
    }

    /// Judges a path, by its place.
    pub(super) fn judge(&self, at: usize) -> Forwarding {
        let path = &self.survey.paths[at];
        let kind = path.provider.as_deref().and_then(|id| self.catalogue.get(id)).map(|provider| provider.kind);
        let sends = path.entry.is_some() || kind.is_some_and(|kind| kind.sends_for_customers());
        let spf = self.aligned_spf(at, path);
        if path.messages == 0 || sends || share(spf.0, spf.1) >= self.thresholds.own_spf {
            return Forwarding::default();
        }
        // By list whether it carries a pair from elsewhere, and whether one of these verified.
        let from_elsewhere: Vec<(bool, bool)> = path.signers.iter().map(|list| self.carries(at, path, list)).collect();
        let of_list = |facts: &OutcomeFacts| place_of_list(path, facts.signers).map(|list| from_elsewhere[list]);
        let carried = match from_elsewhere.iter().any(|list| list.0) {
            true => self.agreed(at, |facts| of_list(facts).is_some_and(|list| list.0)),
            false => Agreed::default(),
        };
        let verifies = from_elsewhere.iter().any(|list| list.1)
            && self.agreed(at, |facts| of_list(facts).is_some_and(|list| list.1)).messages() > 0;
        let excused = match path.excused > 0 {
            true => self.agreed(at, |facts| facts.forwarding.any()),
            false => Agreed::default(),
        };
        let trusted = verifies || excused.messages() > 0 || kind.is_some();
        let by_pairs = trusted && carried.share() >= self.thresholds.carried;
        let by_reasons = excused.witnesses() >= 2 && excused.share() >= self.thresholds.excused;
        Forwarding {
            carried: carried.messages(),
            verifies,
            excused: excused.messages(),
            excused_reporters: excused.witnesses(),
            weighed: [spf, carried.of_all(), excused.of_all()],
            forwards: by_pairs || by_reasons,
        }
    }

    /// Whether a list of signatures has a pair that is at home elsewhere, and whether such a one verified.
    fn carries(&self, at: usize, path: &PathFigures, list: &SignerUse) -> (bool, bool) {
        let organization = domain::organizational(&path.domain);
        let (mut carries, mut verifies) = (false, false);
        for signer in list.signers.iter() {
            let pair = (signer.domain.as_str(), signer.selector.as_deref());
            if self.homes.get(&(organization, pair)).is_some_and(|home| self.is_elsewhere(at, path, home)) {
                carries = true;
                verifies |= signer.result == AuthResult::Pass;
            }
        }
        (carries, verifies)
    }

    /// Whether a pair is at home at another sender, and not here: several gateways may share a key.
    fn is_elsewhere(&self, at: usize, path: &PathFigures, home: &Home) -> bool {
        let here = home.share_of(at);
        // A forwarder that puts its own envelope around the mail says itself that it is another.
        let own_envelope =
            matches!(path.sender, SenderKey::Domain(_) | SenderKey::Provider { .. } | SenderKey::Stray(_));
        let mut others = home.seen.iter().filter(|&(&other, _)| other != at).map(|(_, sight)| sight);
        let elsewhere_with_spf = others.clone().any(|sight| home.enough(sight.with_spf.len()));
        if elsewhere_with_spf && (own_envelope && here < MOSTLY_HERE || here < self.thresholds.at_home) {
            return true;
        }
        here < self.thresholds.at_home
            && others.any(|sight| {
                home.enough(sight.verified.len()) && share(sight.messages(), home.total) >= self.thresholds.at_home
            })
    }
}
