//! Which keys verify for which paths.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use rustc_hash::FxHashMap;

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
    lost: OnceLock<HashMap<&'s str, Vec<Lost>>>,
}

/// A key that verified on a path and does not any more.
struct Lost {
    /// The place of the path.
    at: usize,
    /// The last day on which the key verified for any path,
    last: Day,
    /// and the first on which it failed here since.
    first: Day,
}

impl Lost {
    /// Whether two keys may have been lost on the same day. Reporters do not part the days alike.
    fn is_together(&self, other: &Lost) -> bool {
        self.last <= other.first && other.last <= self.first
    }
}

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

    /// By organizational domain the paths that lost a key of the domain, by sender.
    fn find_lost(&self) -> HashMap<&'s str, Vec<Lost>> {
        let mut found: HashMap<&'s str, Vec<Lost>> = HashMap::new();
        for (at, path) in self.survey.paths.iter().enumerate() {
            if matches!(path.role, Role::Own | Role::Approved | Role::Service)
                && let Some(lost) = self.lost_at(at)
            {
                found.entry(domain::organizational(&path.domain)).or_default().push(lost);
            }
        }
        for lost in found.values_mut() {
            lost.sort_unstable_by_key(|one| (&self.survey.paths[one.at].sender, one.last, one.at));
        }
        found
    }

    /// The key that a path lost last.
    fn lost_at(&self, at: usize) -> Option<Lost> {
        let path = &self.survey.paths[at];
        let fails = |one: &&Signer| !matches!(one.result, AuthResult::Pass | AuthResult::None | AuthResult::Unknown);
        // A signature without a selector may be of any key of the domain.
        let is_own = |one: &&Signer| one.selector.is_some() && domain::aligned(&one.domain, &path.domain);
        let failing = || path.signers.iter().flat_map(|list| list.signers.iter().map(move |one| (list.list, one)));
        let failing = || failing().filter(|(_, one)| fails(one) && is_own(one));
        let last = failing().filter_map(|(_, one)| self.last_verified(key_of(one))).max()?;
        let lists: HashSet<i64> =
            failing().filter(|(_, one)| self.last_verified(key_of(one)) == Some(last)).map(|(list, _)| list).collect();
        let tally = &self.survey.tally;
        let entries = tally.entries(at);
        let since = entries.iter().filter(|entry| lists.contains(&tally.facts(entry).signers));
        let first = since.map(|entry| tally.report(entry).day).filter(|&day| day > last).min()?;
        Some(Lost { at, last, first })
    }

    /// Some other senders of the same organizational domain that lost a key when a path lost one.
    pub(super) fn lost_with(&self, at: usize, most: usize) -> Vec<usize> {
        let path = &self.survey.paths[at];
        let lost = self.lost.get_or_init(|| self.find_lost()).get(domain::organizational(&path.domain));
        let lost = lost.map_or(&[][..], Vec::as_slice);
        let Some(this) = lost.iter().find(|one| one.at == at) else { return Vec::new() };
        let sender = |at: usize| &self.survey.paths[at].sender;
        let mut others: Vec<usize> = Vec::new();
        for one in lost.iter().filter(|one| *sender(one.at) != path.sender && one.is_together(this)) {
            // Those of one sender follow each other.
            if others.last().is_none_or(|&known| sender(known) != sender(one.at)) && others.len() < most {
                others.push(one.at);
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
