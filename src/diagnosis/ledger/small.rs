//! Small senders of which there are many: names of their own that SPF authenticates, each for a little mail. Whoever decides is asked
//! once about all of them.

use std::collections::BTreeMap;

use crate::diagnosis::SendingPath;
use crate::query::{SenderKey, Survey};
use crate::report::period::Day;
use crate::role::Role;

/// So many under one header From are told together,
const MANY: usize = 5;
/// each with less than this part of the mail: the twentieth.
const PART: u64 = 20;
/// Who signs as itself for longer than this is somebody to ask about alone.
const DAYS: Day = 7;

/// Whether a path is one that is told together with others like it, of so much mail altogether.
pub(in crate::diagnosis) fn is_small(survey: &Survey, path: &SendingPath, all: u64) -> bool {
    let figures = &survey.paths[path.figures];
    let lasts = figures.last.saturating_sub(figures.first) > DAYS;
    matches!(path.role, Role::Service | Role::Unknown)
        && matches!(figures.sender, SenderKey::Domain(_))
        && path.messages.saturating_mul(PART) < all
        && !(path.dkim.unaligned > 0 && lasts)
}

/// Those of many under one header From, and the rest, which are told each alone.
pub(in crate::diagnosis) fn groups<T>(small: Vec<T>, domain: impl Fn(&T) -> &str) -> (Vec<Vec<T>>, Vec<T>) {
    let mut groups: BTreeMap<String, Vec<T>> = BTreeMap::new();
    for one in small {
        groups.entry(domain(&one).to_owned()).or_default().push(one);
    }
    let (many, few): (Vec<_>, Vec<_>) = groups.into_values().partition(|group| group.len() >= MANY);
    (many, few.into_iter().flatten().collect())
}

/// What some of them are called.
pub(in crate::diagnosis) fn name(number: usize) -> String {
    format!("{number} small senders")
}
