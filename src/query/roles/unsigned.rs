//! Mail of the owner's that is not signed at home, so that forwarders have some to hand on.

use std::collections::{BTreeMap, HashMap};

use super::gather::Gathered;
use super::habits::add;
use crate::witness::has_share;

/// From this share of unsigned mail at home on, forwarders may hand on some.
const UNSIGNED: f64 = 0.05;

/// A forwarder carries less than this share of the owner's mail.
const SHARE_OF_FORWARDER: f64 = 0.10;

/// Of organizational domains of which a share of the mail with aligned SPF carries no own signature that verifies, by reporter that
/// mail: the messages without such a signature, and those with one.
pub(super) struct UnsignedAtHome(HashMap<u32, BTreeMap<u32, [u64; 2]>>);

impl UnsignedAtHome {
    /// Of all mail.
    pub(super) fn of(gathered: &Gathered<'_>) -> Self {
        let mut sums: HashMap<u32, BTreeMap<u32, [u64; 2]>> = HashMap::new();
        for at in (0..gathered.len()).filter(|&at| gathered.own(at).spf) {
            let (identity, signed) = (gathered.identity(at), gathered.own(at).verified);
            for one in gathered.reporters(at) {
                let sums = sums.entry(identity.organization).or_default().entry(one.reporter).or_default();
                add(sums, if signed { [0, one.messages] } else { [one.messages, 0] });
            }
        }
        sums.retain(|_, sums| has_share(sums.values().copied(), UNSIGNED));
        UnsignedAtHome(sums)
    }

    /// Whether some mail of an organizational domain is not signed at home.
    pub(super) fn has(&self, organization: u32) -> bool {
        self.0.contains_key(&organization)
    }

    /// Whether a sender carries little beside such mail, and few of the reporters of that see it; `place` is the sender's, of mail of
    /// the organizational domain.
    pub(super) fn is_small_beside(&self, gathered: &Gathered<'_>, organization: u32, place: usize) -> bool {
        let Some(home) = self.0.get(&organization) else { return false };
        let mut beside: BTreeMap<u32, [u64; 2]> =
            home.iter().map(|(&reporter, sums)| (reporter, [0, sums[0].saturating_add(sums[1])])).collect();
        for of in gathered.numbers.groups_at(place) {
            for one in gathered.reporters(of) {
                add(beside.entry(one.reporter).or_default(), [one.messages, 0]);
            }
        }
        let seeing = beside.values().filter(|[here, _]| *here > 0).count();
        2 * seeing <= beside.len() && !has_share(beside.into_values(), SHARE_OF_FORWARDER)
    }
}
