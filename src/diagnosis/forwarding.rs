//! Whether a path hands on mail that others sent, told from the signatures it carries.
//!
//! A signature survives forwarding: it says who wrote. A pair of `d=` and `s=` is at home where it comes with aligned SPF, or
//! where much of its verified mail comes from. A path without aligned SPF that carries little but pairs which are at home
//! elsewhere is a forwarder. Signatures of third parties, such as a list's own, say nothing either way.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::alignment::AuthResult;
use crate::domain;
use crate::query::PathFigures;

/// A path with more aligned SPF than this share is a sender of its own.
const OWN_SPF: f64 = 0.05;
/// The share of a path's messages that must carry pairs from elsewhere.
const CARRIED: f64 = 0.90;
/// A pair is at home where this share of its verified messages is.
const AT_HOME: f64 = 0.10;

type Pair<'p> = (&'p str, Option<&'p str>);

#[derive(Default)]
struct Homes {
    /// Verified messages by path.
    verified: FxHashMap<usize, u64>,
    /// Paths that show it with aligned SPF.
    with_spf: FxHashSet<usize>,
}

/// For each path whether it forwards. Paths of different header From domains are judged apart.
#[must_use]
pub(super) fn forwarded(paths: &[PathFigures]) -> Vec<bool> {
    let mut homes: FxHashMap<(&str, Pair<'_>), Homes> = FxHashMap::default();
    for (at, path) in paths.iter().enumerate() {
        for list in &path.signers {
            for signer in list.signers.iter() {
                let pair = (signer.domain.as_str(), signer.selector.as_deref());
                let home = homes.entry((path.domain.as_str(), pair)).or_default();
                if signer.result == AuthResult::Pass {
                    *home.verified.entry(at).or_default() += list.messages;
                }
                if list.spf_aligned > 0 && path.spf_aligned as f64 >= OWN_SPF * path.messages as f64 {
                    home.with_spf.insert(at);
                }
            }
        }
    }
    paths.iter().enumerate().map(|(at, path)| is_forwarder(at, path, &homes)).collect()
}

fn is_forwarder(at: usize, path: &PathFigures, homes: &FxHashMap<(&str, Pair<'_>), Homes>) -> bool {
    if path.messages == 0 || path.spf_aligned as f64 >= OWN_SPF * path.messages as f64 {
        return false;
    }
    let mut carried = 0;
    // A pair that only ever fails here may as well be copied.
    let mut verifies = false;
    for list in &path.signers {
        let mut from_elsewhere = false;
        for signer in list.signers.iter() {
            let pair = (signer.domain.as_str(), signer.selector.as_deref());
            let Some(home) = homes.get(&(path.domain.as_str(), pair)) else {
                continue;
            };
            let own = domain::aligned(&signer.domain, &path.domain);
            let total: u64 = home.verified.values().sum();
            let is_home = |messages: u64| messages > 0 && messages as f64 >= AT_HOME * total as f64;
            let here = home.verified.get(&at).is_some_and(|&messages| is_home(messages));
            let elsewhere = home.verified.iter().any(|(&other, &messages)| other != at && is_home(messages));
            // Where SPF vouches is home whatever the shares are; without it, a pair with two homes proves nothing.
            if home.with_spf.iter().any(|&other| other != at) || own && elsewhere && !here {
                from_elsewhere = true;
                verifies |= signer.result == AuthResult::Pass;
            }
        }
        carried += if from_elsewhere { list.messages } else { 0 };
    }
    verifies && carried as f64 >= CARRIED * path.messages as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{NamedBy, SenderKey, Signer, SignerUse};

    fn path(messages: u64, spf_aligned: u64, signers: &[(&str, AuthResult, u64)]) -> PathFigures {
        PathFigures {
            domain: "example.com".to_owned(),
            sender: SenderKey::Nobody,
            named_by: NamedBy::Network,
            entry: None,
            provider: None,
            tenant: None,
            own_tenant: false,
            excused: 0,
            excused_reporters: 0,
            messages,
            dkim: [0; 5],
            spf_aligned,
            dmarc_pass: 0,
            rejected: 0,
            quarantined: 0,
            vouched: 0,
            vouched_reporters: 0,
            vouched_days: false,
            signers: signers
                .iter()
                .map(|&(domain, result, messages)| SignerUse {
                    signers: [Signer { domain: domain.to_owned(), selector: Some("s1".to_owned()), result }].into(),
                    messages,
                    spf_aligned: spf_aligned.min(messages),
                })
                .collect(),
            reporters: Vec::new(),
            first: 0,
            last: 0,
        }
    }

    #[test]
    fn a_forwarder_carries_what_is_at_home_elsewhere() {
        let home = path(1000, 1000, &[("example.com", AuthResult::Pass, 1000)]);
        let forwarder = path(50, 0, &[("example.com", AuthResult::Pass, 40), ("example.com", AuthResult::Fail, 10)]);
        let copier = path(50, 0, &[("example.com", AuthResult::Fail, 50)]);
        let list = path(50, 0, &[("list.example", AuthResult::Pass, 50)]);
        assert_eq!(forwarded(&[home, forwarder, copier, list]), [false, true, false, false]);
    }

    #[test]
    fn a_service_that_signs_without_aligned_spf_is_at_home() {
        let service = path(1000, 0, &[("example.com", AuthResult::Pass, 1000)]);
        let forwarder = path(30, 0, &[("example.com", AuthResult::Pass, 30)]);
        assert_eq!(forwarded(&[service, forwarder]), [false, true]);
    }

    #[test]
    fn a_tenants_signature_is_at_home_with_its_spf() {
        let tenant = path(500, 500, &[("contoso.onmicrosoft.com", AuthResult::Pass, 500)]);
        let forwarder = path(30, 0, &[("contoso.onmicrosoft.com", AuthResult::Pass, 30)]);
        assert_eq!(forwarded(&[tenant, forwarder]), [false, true]);
    }
}
