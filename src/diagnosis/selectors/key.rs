//! A key with all its uses.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::query::{KeyResults, KeySeen, KeyUse};
use crate::report::period::Day;

/// Of fewer messages of one address or reporter no such thing is said.
pub(super) const FEW: u64 = 5;

/// A key with all its uses.
pub(super) struct Key<'k> {
    pub(super) signing_domain: &'k str,
    pub(super) selector: Option<&'k str>,
    pub(super) owner: KeyOwner,
    /// Every use.
    pub(super) uses: Vec<&'k KeyUse>,
    /// Those of paths that are at home with it.
    pub(super) home: Vec<&'k KeyUse>,
    /// By day, at home.
    pub(super) days: BTreeMap<Day, KeyResults>,
    /// All that was seen.
    pub(super) seen: KeySeen,
}

/// Whose a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyOwner {
    /// Its domain aligns with the From of mail that it signs.
    Own,
    /// The tenant of a path of the domain's: a provider's default signature.
    Tenant,
    /// Somebody else's: a provider's, a mailing list's; or nobody's: one that never verified, on mail that nothing authenticates
    /// for.
    Other,
}

impl KeyOwner {
    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            KeyOwner::Own => "own",
            KeyOwner::Tenant => "tenant",
            KeyOwner::Other => "other",
        }
    }
}
