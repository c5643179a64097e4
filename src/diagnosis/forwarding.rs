//! Whether a path hands on mail that others sent, told from the signatures it carries and from why receivers spared it.
//!
//! A signature survives forwarding: it says who wrote. A pair of `d=` and `s=` is at home at every sender that shows it with
//! aligned SPF, or that has much of its verified messages. A path without aligned SPF that carries little but pairs of the
//! domain, or of its tenant, that are at home elsewhere is a forwarder. Signatures of third parties, such as a list's own,
//! say nothing either way. A pair that only ever fails here may as well be copied.

use rustc_hash::FxHashMap;

use super::class::Thresholds;
use super::view::share;
use crate::alignment::AuthResult;
use crate::domain;
use crate::providers::Catalogue;
use crate::query::{PathFigures, SenderKey, Survey};

/// A path with more than half of a pair's verified messages is where it is at home, even where SPF speaks of another.
const MOSTLY_HERE: f64 = 0.5;

/// A selector may be left out by a reporter; then it may be any of the domain's.
type Pair<'p> = (&'p str, Option<&'p str>);

/// Verified messages of a pair by path.
#[derive(Debug, Default)]
struct Home {
    verified: FxHashMap<usize, u64>,
    total: u64,
    /// Paths that show it with aligned SPF, and have SPF of their own.
    with_spf: Vec<usize>,
}

/// What speaks for a path being a forwarder.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Forwarding {
    /// The messages that carry a pair which is at home elsewhere.
    pub(super) carried: u64,
    /// Such a pair verified here.
    pub(super) verifies: bool,
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

impl<'s> Homes<'s> {
    pub(super) fn of(survey: &'s Survey, catalogue: &'s Catalogue, thresholds: &'s Thresholds) -> Self {
        let mut tenants: Vec<(&str, &str)> = Vec::new();
        for path in &survey.paths {
            if let Some(tenant) = path.tenant.as_deref().filter(|_| path.own_tenant || path.entry.is_some()) {
                tenants.push((domain::organizational(&path.domain), tenant));
            }
        }
        tenants.sort_unstable();
        tenants.dedup();
        let mut homes = Homes { survey, catalogue, thresholds, homes: FxHashMap::default(), tenants };
        for (at, path) in survey.paths.iter().enumerate() {
            let organization = domain::organizational(&path.domain);
            let own_spf = share(path.spf_aligned, path.messages) >= thresholds.own_spf;
            for list in &path.signers {
                for signer in list.signers.iter() {
                    if !homes.is_own(organization, &signer.domain) {
                        continue;
                    }
                    let exact = signer.selector.as_deref();
                    for selector in [exact, None].into_iter().take(if exact.is_some() { 2 } else { 1 }) {
                        let home = homes.homes.entry((organization, (signer.domain.as_str(), selector))).or_default();
                        if signer.result == AuthResult::Pass {
                            *home.verified.entry(at).or_default() += list.messages;
                            home.total += list.messages;
                        }
                        if list.spf_aligned > 0 && own_spf && !home.with_spf.contains(&at) {
                            home.with_spf.push(at);
                        }
                    }
                }
            }
        }
        homes
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
        if path.messages == 0 || share(path.spf_aligned, path.messages) >= self.thresholds.own_spf || sends {
            return Forwarding::default();
        }
        let (carried, verifies) = self.carried(at, path);
        let trusted = verifies || path.excused > 0 || kind.is_some();
        let by_pairs = trusted && share(carried, path.messages) >= self.thresholds.carried;
        let by_reasons = path.excused_reporters >= 2 && share(path.excused, path.messages) >= self.thresholds.excused;
        Forwarding { carried, verifies, forwards: by_pairs || by_reasons }
    }

    fn carried(&self, at: usize, path: &PathFigures) -> (u64, bool) {
        let organization = domain::organizational(&path.domain);
        let (mut carried, mut verifies) = (0, false);
        for list in &path.signers {
            let mut from_elsewhere = false;
            for signer in list.signers.iter() {
                let pair = (signer.domain.as_str(), signer.selector.as_deref());
                let Some(home) = self.homes.get(&(organization, pair)) else {
                    continue;
                };
                if self.is_elsewhere(at, path, home) {
                    from_elsewhere = true;
                    verifies |= signer.result == AuthResult::Pass;
                }
            }
            carried += if from_elsewhere { list.messages } else { 0 };
        }
        (carried, verifies)
    }

    /// Whether a pair is at home at another sender, and not here: several gateways may share a key.
    fn is_elsewhere(&self, at: usize, path: &PathFigures, home: &Home) -> bool {
        let here = home.verified.get(&at).map_or(0.0, |&messages| share(messages, home.total));
        // A forwarder that puts its own envelope around the mail says itself that it is another.
        let own_envelope =
            matches!(path.sender, SenderKey::Domain(_) | SenderKey::Provider { .. } | SenderKey::Stray(_));
        let elsewhere_with_spf = home.with_spf.iter().any(|&other| other != at);
        if elsewhere_with_spf && (own_envelope && here < MOSTLY_HERE || here < self.thresholds.at_home) {
            return true;
        }
        let at_home = |messages: u64| messages > 0 && share(messages, home.total) >= self.thresholds.at_home;
        here < self.thresholds.at_home
            && home.verified.iter().any(|(&other, &messages)| other != at && at_home(messages))
    }
}
