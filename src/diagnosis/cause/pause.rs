//! A path that seems to sign better since a day because machines that do not sign are quiet.

use std::collections::HashMap;
use std::net::IpAddr;

use super::change::Change;
use super::part;
use crate::diagnosis::silence::MONTHLY_RUN;
use crate::diagnosis::states::{ALIGNED, States, known, share};
use crate::query::Survey;

/// Whether a path only seems to sign better since a change because machines that never sign are quiet, after a run that may come
/// again next month, while the others signed all along.
pub(crate) fn is_pause(survey: &Survey, at: usize, change: &Change) -> bool {
    let path = &survey.paths[at];
    if !path.role.is_owners() || path.provider.is_some() {
        return false;
    }
    let since: HashMap<IpAddr, States> =
        survey.tally.addresses_since(at, change.day).into_iter().map(|one| (one.ip, one.dkim)).collect();
    let (mut others_signed, mut quiet, mut missing) = (None, 0_u64, 0_u64);
    for one in survey.tally.addresses(at) {
        let after = since.get(&one.ip).copied().unwrap_or_default();
        let before: States = std::array::from_fn(|state| one.dkim[state] - after[state].min(one.dkim[state]));
        let lacks = known(&before) - before[ALIGNED];
        missing = missing.saturating_add(lacks);
        if known(&after) == 0 && part::is_silent(&one, path) && one.not_aligned.span() < MONTHLY_RUN {
            quiet = quiet.saturating_add(lacks);
        } else if known(&before) > 0 && known(&after) > 0 {
            others_signed = Some(others_signed.unwrap_or(true) && part::always(&before));
        }
    }
    others_signed == Some(true) && share(quiet, missing) >= part::CLEAR
}
