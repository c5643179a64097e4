//! Which keys verify for which paths.

use std::collections::HashMap;
use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use super::case::LISTED;
use crate::alignment::AuthResult;
use crate::diagnosis::states::{ALIGNED, MOSTLY, known, share};
use crate::domain;
use crate::query::{Signer, Survey};
use crate::report::period::Day;
use crate::role::Role;

/// A signing domain and selector.
pub(super) type Key<'s> = (&'s str, Option<&'s str>);

/// For which paths each key verifies: found when it is asked for the first time.
pub(crate) struct Keys<'s> {
    survey: &'s Survey,
    verified: OnceLock<HashMap<Key<'s>, Vec<usize>>>,
    last: OnceLock<HashMap<Key<'s>, Day>>,
    lost: OnceLock<HashMap<&'s str, Vec<(Day, usize)>>>,
}

/// Reporters do not part the days alike: keys whose last days differ by no more were lost together.
const TOGETHER: Day = 1;

impl<'s> Keys<'s> {
    pub(crate) fn new(survey: &'s Survey) -> Self {
        Keys { survey, verified: OnceLock::new(), last: OnceLock::new(), lost: OnceLock::new() }
    }

    /// The last day on which a key verified for any path.
    pub(super) fn last_verified(&self, key: Key<'_>) -> Option<Day> {
        let all = self.last.get_or_init(|| {
            let tally = &self.survey.tally;
            let mut last_of_lists: FxHashMap<i64, Day> = FxHashMap::default();
            for entry in (0..self.survey.paths.len()).flat_map(|at| tally.entries(at)) {
                let day = tally.report(entry).day;
                let last = last_of_lists.entry(tally.facts(entry).signers).or_insert(day);
                *last = day.max(*last);
            }
            let mut found: HashMap<Key<'s>, Day> = HashMap::new();
            for list in self.survey.paths.iter().flat_map(|path| &path.signers) {
                let Some(&day) = last_of_lists.get(&list.list) else { continue };
                for signer in list.signers.iter().filter(|one| one.result == AuthResult::Pass) {
                    let last = found.entry(key_of(signer)).or_insert(day);
                    *last = day.max(*last);
                }
            }
            found
        });
        all.get(&key).copied()
    }

    /// By organizational domain the paths on which a key of the domain fails that verified before, with its last day.
    fn find_lost(&self) -> HashMap<&'s str, Vec<(Day, usize)>> {
        let mut found: HashMap<&'s str, Vec<(Day, usize)>> = HashMap::new();
        for (at, path) in self.survey.paths.iter().enumerate() {
            if !matches!(path.role, Role::Own | Role::Approved | Role::Service) {
                continue;
            }
            let signers = path.signers.iter().flat_map(|list| list.signers.iter());
            let fails =
                |one: &&Signer| !matches!(one.result, AuthResult::Pass | AuthResult::None | AuthResult::Unknown);
            let own = signers.filter(fails).filter(|one| domain::aligned(&one.domain, &path.domain));
            if let Some(last) = own.filter_map(|one| self.last_verified(key_of(one))).max() {
                found.entry(domain::organizational(&path.domain)).or_default().push((last, at));
            }
        }
        for lost in found.values_mut() {
            lost.sort_unstable_by_key(|&(day, at)| (&self.survey.paths[at].sender, day));
        }
        found
    }

    /// The other senders of the same organizational domain that lost a key on the day on which one of a path was lost.
    pub(super) fn lost_with(&self, at: usize, last: Day) -> Vec<usize> {
        let path = &self.survey.paths[at];
        let lost = self.lost.get_or_init(|| self.find_lost()).get(domain::organizational(&path.domain));
        let together = lost.into_iter().flatten().filter(|(day, _)| (day - last).abs() <= TOGETHER);
        let sender = |at: usize| &self.survey.paths[at].sender;
        let mut others: Vec<usize> = Vec::new();
        for at in together.map(|&(_, at)| at).filter(|&at| *sender(at) != path.sender) {
            // Those of one sender follow each other.
            if others.last().is_none_or(|&known| sender(known) != sender(at)) && others.len() < LISTED {
                others.push(at);
            }
        }
        others
    }

    /// Whether a key verifies for another path, most of whose mail it signs well.
    pub(super) fn verifies_elsewhere(&self, key: Key<'_>, at: usize) -> bool {
        let all = self.verified.get_or_init(|| {
            let mut found: HashMap<Key<'s>, Vec<usize>> = HashMap::new();
            for (at, path) in self.survey.paths.iter().enumerate() {
                if share(path.dkim[ALIGNED], known(&path.dkim)) < MOSTLY {
                    continue;
                }
                for signer in path.signers.iter().flat_map(|list| list.signers.iter()) {
                    let paths = found.entry(key_of(signer)).or_default();
                    if signer.result == AuthResult::Pass && paths.last() != Some(&at) {
                        paths.push(at);
                    }
                }
            }
            found
        });
        all.get(&key).is_some_and(|paths| paths.iter().any(|&other| other != at))
    }
}

pub(super) fn key_of(signer: &Signer) -> Key<'_> {
    (&signer.domain, signer.selector.as_deref())
}
