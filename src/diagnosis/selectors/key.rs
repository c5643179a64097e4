//! A key with all its uses.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::query::{KeyResults, KeySeen, KeyUse};
use crate::report::period::Day;
use crate::vocabulary::vocabulary;

/// Of fewer messages of one address or reporter no such thing is said.
pub(super) const FEW: u64 = 5;

/// A key with all its uses.
pub(super) struct Key<'k> {
    pub(super) signing_domain: &'k str,
    pub(super) selector: Option<&'k str>,
    pub(super) owner: KeyOwner,
    /// Every use.
    pub(super) uses: Vec<&'k KeyUse<'k>>,
    /// Those of paths that are at home with it.
    pub(super) home: Vec<&'k KeyUse<'k>>,
    /// By day, at home.
    pub(super) days: BTreeMap<Day, Box<KeyResults>>,
    /// All that was seen.
    pub(super) seen: KeySeen,
}

vocabulary! {
    /// Whose a key is.
    pub enum KeyOwner {
        /// Its domain aligns with the From of mail that it signs.
        Own => "own",
        /// The tenant of a path of the domain's: a provider's default signature.
        Tenant => "tenant",
        /// Somebody else's: a provider's, a mailing list's; or nobody's: one that never verified, on mail that nothing authenticates
        /// for.
        Other => "other",
    }
}

/// So many keys of a domain are compared with each of its others. Nobody rotates more, and anybody can write more.
const COMPARED: usize = 200;

/// Where a domain has more keys, this many others are named beside each that verified on the same days.
pub(super) const NAMED: usize = 10;

/// The places of the keys of a signing domain that its others are compared with. `keys` are in the order of their domains.
pub(super) fn compared(keys: &[Key<'_>], signing_domain: &str) -> Range<usize> {
    let all = of_domain(keys, signing_domain);
    all.start..all.end.min(all.start + COMPARED)
}

/// Whether a signing domain has more keys than are compared.
pub(super) fn has_too_many(keys: &[Key<'_>], signing_domain: &str) -> bool {
    of_domain(keys, signing_domain).len() > COMPARED
}

fn of_domain(keys: &[Key<'_>], signing_domain: &str) -> Range<usize> {
    let begin = keys.partition_point(|key| key.signing_domain < signing_domain);
    begin..begin + keys[begin..].partition_point(|key| key.signing_domain == signing_domain)
}
