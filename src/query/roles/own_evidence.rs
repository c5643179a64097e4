//! What an authenticated identity shows of the owner, determined once for each: the same identity is on many addresses, and
//! every judgement asks for it.

use crate::query::naming::{AuthIdentity, Signed};

/// What an identity shows of its header From's organization, and of others beside it.
#[derive(Debug, Default)]
pub(super) struct OwnEvidence {
    /// SPF passed for a domain of the owner's.
    pub(super) spf: bool,
    /// The own signatures.
    pub(super) signatures: Box<[Signed]>,
    /// One of them verified.
    pub(super) verified: bool,
    /// Somebody else's own domains that signed, by their numbers: no provider's default, no account.
    pub(super) others: Box<[u32]>,
    /// The organization that SPF authenticates, where it is somebody else's.
    pub(super) spf_of_other: Option<u32>,
}

impl OwnEvidence {
    /// Of an identity; `is_own` says whether an organization is the owner, for mail of its header From.
    pub(super) fn of(identity: &AuthIdentity, is_own: impl Fn(u32) -> bool) -> Self {
        let signatures: Box<[Signed]> =
            identity.signed.iter().filter(|one| is_own(one.organization)).copied().collect();
        let others = identity.signed.iter().filter(|one| one.verified && one.default_of.is_none());
        let authenticated = identity.authenticated.map(|(_, by)| by);
        OwnEvidence {
            spf: identity.own_spf || authenticated.is_some_and(&is_own),
            verified: signatures.iter().any(|one| one.verified),
            signatures,
            others: others.map(|one| one.organization).filter(|&one| !is_own(one)).collect(),
            spf_of_other: authenticated.filter(|&by| !is_own(by)),
        }
    }
}
