//! Keys that only one sender signs with, and that never verify, though others of the domain's do: it signs as the domain, and its key
//! is missing or another. Who hands mail on shows the key of whoever signed it, which is used elsewhere.

use std::collections::{BTreeMap, HashMap};

use super::gather::Gathered;
use super::keys::MOST;
use super::owner::Owner;
use crate::alignment::ReasonCode;
use crate::parallel;
use crate::witness::{Seen, has_share};

/// Of the own signatures of a place with a selector at least this share is by such keys.
const NEARLY_ALL: f64 = 0.8;

/// The places whose senders sign with keys of their own.
pub(super) struct SendersKeys(Vec<bool>);

impl SendersKeys {
    pub(super) fn of(gathered: &Gathered<'_>, owner: &Owner<'_>) -> Self {
        // Where no own signature is seen to verify, nothing tells whether a key is another one.
        let mut verifying: HashMap<u32, Seen> = HashMap::new();
        for at in (0..gathered.len()).filter(|&at| gathered.own(at).verified) {
            verifying.entry(gathered.identity(at).organization).or_default().extend(gathered.seen(at));
        }
        let has = |place: usize| {
            let of_senders = |at: usize| {
                let signatures = || gathered.own(at).signatures.iter().filter(|one| one.key != one.any_key);
                let all = signatures().all(|one| owner.is_senders_key(one, at));
                signatures().next().map(|_| all && !gathered.own(at).verified)
            };
            let Some(one) = gathered.numbers.groups_at(place).next() else { return false };
            let organization = gathered.identity(one).organization;
            let whole = gathered.whole(organization);
            let counts = |seen: Seen| seen.is_any() && seen.counts_in(whole);
            if !verifying.get(&organization).copied().is_some_and(counts) {
                return false;
            }
            let (mut parts, mut seen) = (BTreeMap::<u32, [u64; 2]>::new(), Seen::default());
            for at in gathered.numbers.groups_at(place) {
                let Some(of_senders) = of_senders(at) else { continue };
                if of_senders {
                    seen.extend(gathered.seen(at));
                }
                for one in gathered.reporters(at) {
                    let sum = &mut parts.entry(one.reporter).or_default()[usize::from(!of_senders)];
                    *sum = sum.saturating_add(one.messages);
                }
            }
            counts(seen) && has_share(parts.into_values(), NEARLY_ALL) && !is_found(gathered, place)
        };
        SendersKeys(parallel::map(gathered.numbers.places(), has))
    }

    /// Whether the own signatures of a group are its sender's. Of those without a selector the others of the place tell.
    pub(super) fn has(&self, gathered: &Gathered<'_>, owner: &Owner<'_>, at: usize) -> bool {
        let own = gathered.own(at);
        let is_senders = || own.signatures.iter().all(|one| one.key == one.any_key || owner.is_senders_key(one, at));
        self.0[gathered.numbers.place(at)] && !own.verified && !own.signatures.is_empty() && is_senders()
    }
}

/// Whether receivers found the key and say that the body of the mail was changed: what is handed on by a list.
fn is_found(gathered: &Gathered<'_>, place: usize) -> bool {
    let mut reasons: BTreeMap<u32, [u64; 2]> = BTreeMap::new();
    let (sums, tally) = (gathered.ground.sums, gathered.ground.tally);
    for entry in gathered.numbers.groups_at(place).flat_map(|at| sums.entries(at)) {
        let Some(reason) = tally.facts(entry).detail.reason else { continue };
        let sum =
            &mut reasons.entry(tally.report(entry).reporter).or_default()[usize::from(reason != ReasonCode::BodyHash)];
        *sum = sum.saturating_add(entry.messages);
    }
    has_share(reasons.into_values(), MOST)
}
