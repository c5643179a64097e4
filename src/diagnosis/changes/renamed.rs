//! A path under another id than before: its mail went on, and what is known of it grew or shrank, so that its sender, its author or
//! its role is another.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use rustc_hash::FxHashMap;

use super::comparison::Comparison;
use super::moved::Days;

/// The places of paths, by their ids.
pub(super) type ById = BTreeMap<String, usize>;

/// By its id, each path of this window that the one before has under another id: the place of that. Both windows together show which
/// mail is the same: they have mail of it in the window before, and none of the path that was told then. It is the one with most of its
/// addresses. `now_by_id` and `then_by_id` have the paths of both.
pub(super) fn renamed(
    comparison: &Comparison<'_>,
    [now_by_id, then_by_id]: [&ById; 2],
    days: &dyn Fn(&str) -> Days,
) -> ById {
    let (now, then) = (&comparison.now.diagnosis.paths, &comparison.then.diagnosis.paths);
    let was_there = |id: &str| days(id).range(comparison.before.first..=comparison.before.last).next().is_some();
    let mut former: FxHashMap<(&str, IpAddr), Vec<usize>> = FxHashMap::default();
    for (at, path) in then.iter().enumerate().filter(|(_, path)| !now_by_id.contains_key(&path.id)) {
        for &ip in &path.source_ips {
            former.entry((&path.domain, ip)).or_default().push(at);
        }
    }
    let mut found = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for path in now.iter().filter(|path| !then_by_id.contains_key(&path.id)) {
        let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
        for at in path.source_ips.iter().filter_map(|&ip| former.get(&(path.domain.as_str(), ip))).flatten() {
            *shared.entry(*at).or_default() += 1;
        }
        if shared.is_empty() || !was_there(&path.id) {
            continue;
        }
        let free = shared.into_iter().filter(|(at, _)| !taken.contains(at) && !was_there(&then[*at].id));
        if let Some((at, _)) = free.max_by_key(|&(at, addresses)| (addresses, std::cmp::Reverse(at))) {
            taken.insert(at);
            found.insert(path.id.clone(), at);
        }
    }
    found
}
