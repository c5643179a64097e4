//! What counts of a key: its messages by day without what one reporter alone says, where others saw the same path otherwise.

use std::collections::{BTreeMap, BTreeSet};

use super::key::Key;
use crate::diagnosis::change_points::segments;
use crate::query::KeyUse;
use crate::report::period::Day;
use crate::witness::{Claim, NOISE, is_lone_claim};

/// The messages of a key at home that count.
#[derive(Debug, Default)]
pub(super) struct Counted<'k> {
    /// By day, those that verified and those that failed.
    pub(super) days: Vec<(Day, [u64; 2])>,
    /// The reporters that alone see signatures verify.
    pub(super) verify_alone: BTreeSet<&'k str>,
}

impl<'k> Counted<'k> {
    /// Of a key. Who is alone is asked between one change and the next, on either side of which all may agree.
    pub(super) fn of(key: &Key<'k>) -> Self {
        let mut days: BTreeMap<Day, [u64; 2]> =
            key.days.iter().map(|(&day, results)| (day, [results.verified(), results.failed()])).collect();
        let mut verify_alone = BTreeSet::new();
        let contested: Vec<&KeyUse<'k>> = key.home.iter().copied().filter(|one| !one.cells.is_empty()).collect();
        if !contested.is_empty() {
            let all: Vec<(Day, [u64; 2])> = days.iter().map(|(&day, &sums)| (day, sums)).collect();
            for segment in segments(&all) {
                for one in &contested {
                    set_aside(one, (segment.first, segment.last), &mut days, &mut verify_alone);
                }
            }
        }
        Counted { days: days.into_iter().collect(), verify_alone }
    }
}

/// Takes from the sums of some days what one reporter alone says of a key on a path.
fn set_aside<'k>(
    of: &KeyUse<'k>,
    (first, last): (Day, Day),
    days: &mut BTreeMap<Day, [u64; 2]>,
    verify_alone: &mut BTreeSet<&'k str>,
) {
    let cells = || of.cells.iter().filter(|cell| (first..=last).contains(&cell.day));
    for verified in [true, false] {
        let claims: Vec<Claim> = cells()
            .map(|cell| {
                let evaluated = cell.failed.saturating_sub(cell.not_evaluated);
                let (claimed, otherwise) =
                    if verified { (cell.verified, evaluated) } else { (cell.failed, cell.verified) };
                Claim { day: cell.day, reporter: cell.reporter, claimed, otherwise }
            })
            .collect();
        let claiming: BTreeMap<u32, &str> = cells().map(|cell| (cell.reporter, cell.name)).collect();
        for (reporter, name) in claiming.into_iter().filter(|one| is_lone_claim(&claims, one.0, NOISE)) {
            for claim in claims.iter().filter(|claim| claim.reporter == reporter) {
                let sum = &mut days.entry(claim.day).or_default()[usize::from(!verified)];
                *sum = sum.saturating_sub(claim.claimed);
            }
            if verified {
                verify_alone.insert(name);
            }
        }
    }
}
