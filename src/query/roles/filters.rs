//! A gateway provider that both sends for the owner and filters for recipients: which of its machines do the latter.
//!
//! At home its machines are in the domain's SPF record. Mail that the owner signed and that comes from others of them, against
//! which SPF speaks, was handed on behind a recipient's filter, unless it is so large a part that the record must have gaps.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

use super::gather::Gathered;
use super::owner::Owner;
use crate::providers::Kind;
use crate::query::naming::Sender;
use crate::witness::has_share;

/// From this part of the mail on that the owner signs at a gateway, machines are the owner's way out, whatever SPF says.
const PART_OF_HOME: f64 = 0.10;

/// The owner's signed mail at a gateway.
#[derive(Default)]
struct Place {
    /// Sender groups against which SPF speaks.
    failing: Vec<usize>,
    /// Sender groups with aligned SPF.
    aligned: Vec<usize>,
}

/// The groups that come from recipients' filters at a gateway that sends for the owner, too.
pub(super) fn filters(gathered: &Gathered<'_>, owner: &Owner<'_>) -> HashSet<usize> {
    let mut places: HashMap<(u32, Sender), Place> = HashMap::new();
    for at in 0..gathered.len() {
        let (identity, sender) = (gathered.identity(at), gathered.sender(at));
        if gathered.kind(at) != Some(Kind::Gateway) {
            continue;
        }
        let place = places.entry((identity.organization, sender)).or_default();
        let own = gathered.own(at);
        if own.spf {
            place.aligned.push(at);
        } else if identity.spf_failed && own.signatures.iter().any(|one| owner.is_key_at_home(one, at)) {
            place.failing.push(at);
        }
    }
    places.retain(|_, place| !place.failing.is_empty() && !place.aligned.is_empty());
    if places.is_empty() {
        return HashSet::new();
    }
    let groups = |place: &Place| place.aligned.iter().chain(&place.failing).copied().collect::<Vec<_>>();
    let addresses = gathered.addresses_of(places.values().flat_map(groups));
    let mut found = HashSet::new();
    for Place { failing, aligned } in places.into_values() {
        let home: HashSet<&IpAddr> = aligned.iter().filter_map(|at| addresses.get(at)).flatten().collect();
        // Some fail at home, where a reporter could not read the record.
        let is_apart = |at: &usize| {
            let own = addresses.get(at);
            own.is_some_and(|own| 2 * own.iter().filter(|address| home.contains(address)).count() < own.len())
        };
        let apart: Vec<usize> = failing.into_iter().filter(is_apart).collect();
        let mut parts: BTreeMap<u32, [u64; 2]> = BTreeMap::new();
        for (groups, side) in [(&apart, 0), (&aligned, 1)] {
            for one in groups.iter().flat_map(|&at| gathered.reporters(at)) {
                let sum = &mut parts.entry(one.reporter).or_default()[side];
                *sum = sum.saturating_add(one.messages);
            }
        }
        if !has_share(parts.into_values(), PART_OF_HOME) {
            found.extend(apart);
        }
    }
    found
}
