//! Which keys verify for which paths.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use crate::alignment::AuthResult;
use crate::diagnosis::states::{ALIGNED, MOSTLY, known, share};
use crate::domain;
use crate::query::{Signer, Survey};
use crate::report::period::Day;
use crate::role::Role;
use crate::witness::has_share;

/// A signing domain and selector.
pub(super) type Key<'s> = (&'s str, Option<&'s str>);

/// Where and when each key verifies: found when it is asked for the first time.
pub(crate) struct Keys<'s> {
    survey: &'s Survey,
    seen: OnceLock<HashMap<Key<'s>, BTreeMap<u32, Results>>>,
    last: OnceLock<HashMap<Key<'s>, Day>>,
    lost: OnceLock<HashMap<&'s str, Vec<Lost>>>,
    failing: OnceLock<HashMap<Key<'s>, BTreeSet<Day>>>,
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
        Keys { survey, seen: OnceLock::new(), last: OnceLock::new(), lost: OnceLock::new(), failing: OnceLock::new() }
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

    /// Whether signatures by a key failed on a day for mail that is sent for the owner.
    pub(super) fn fails_at_home(&self, key: Key<'_>, day: Day) -> bool {
        let failing = self.failing.get_or_init(|| {
            let tally = &self.survey.tally;
            let mut found: HashMap<Key<'s>, BTreeSet<Day>> = HashMap::new();
            for (at, path) in self.survey.paths.iter().enumerate().filter(|(_, path)| path.role.sends_for_owner()) {
                let mut days: FxHashMap<i64, BTreeSet<Day>> = FxHashMap::default();
                for entry in tally.entries(at) {
                    days.entry(tally.facts(entry).signers).or_default().insert(tally.report(entry).day);
                }
                for list in &path.signers {
                    let Some(days) = days.get(&list.list) else { continue };
                    for signer in list.signers.iter().filter(|one| one.result.is_failed_signature()) {
                        found.entry(key_of(signer)).or_default().extend(days);
                    }
                }
            }
            found
        });
        failing.get(&key).is_some_and(|days| days.contains(&day))
    }

    /// For each organizational domain, the paths that lost a key of the domain, by sender.
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
        let fails = |one: &&Signer| one.result.is_failed_signature();
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

    /// Whether a key is shown to be right by other mail that it signs, on paths most of whose mail is signed well: to the reporters that
    /// see it fail here, on no single one's word; or, where these saw no such mail, to two others or more. A reporter that verifies it
    /// here too does not tell why the others cannot.
    pub(super) fn verifies_elsewhere(&self, key: Key<'_>, at: usize, here: &Here) -> bool {
        let Some(of_all) = self.seen.get_or_init(|| self.find_seen()).get(&key) else { return false };
        let mut sums = of_all.clone();
        self.see(at, &mut |one, reporter, messages| {
            if let Some(sum) = sums.get_mut(&reporter).filter(|_| one == key) {
                *sum = [0, 1].map(|state| sum[state].saturating_sub(messages[state]));
            }
        });
        sums.retain(|_, sum| *sum != [0, 0]);
        let (of_failing, others): (Vec<_>, Vec<_>) =
            sums.into_iter().partition(|(reporter, _)| here.failing.contains(reporter));
        if of_failing.is_empty() {
            let shows = |&(reporter, [verified, failed]): &(u32, [u64; 2])| {
                !here.verifying.contains(&reporter) && verified > failed
            };
            return others.iter().filter(|one| shows(one)).count() >= 2;
        }
        has_share(of_failing.into_iter().map(|(_, messages)| messages), MOSTLY)
    }

    /// What each reporter saw of each key on all paths most of whose mail is signed well.
    fn find_seen(&self) -> HashMap<Key<'s>, BTreeMap<u32, Results>> {
        let mut found: HashMap<Key<'s>, BTreeMap<u32, Results>> = HashMap::new();
        for at in 0..self.survey.paths.len() {
            self.see(at, &mut |key, reporter, messages| {
                let sum = found.entry(key).or_default().entry(reporter).or_default();
                *sum = [0, 1].map(|state| sum[state].saturating_add(messages[state]));
            });
        }
        found
    }

    /// Shows what reporters saw of keys on a path, where most of its mail is signed well.
    fn see(&self, at: usize, visit: &mut dyn FnMut(Key<'s>, u32, Results)) {
        let (path, tally) = (&self.survey.paths[at], &self.survey.tally);
        if share(path.dkim[ALIGNED], known(&path.dkim)) < MOSTLY {
            return;
        }
        let mut lists: BTreeMap<(i64, u32), u64> = BTreeMap::new();
        for entry in tally.entries(at) {
            let sum = lists.entry((tally.facts(entry).signers, tally.report(entry).reporter)).or_default();
            *sum = sum.saturating_add(entry.messages);
        }
        for list in &path.signers {
            for (&(_, reporter), &messages) in lists.range((list.list, 0)..=(list.list, u32::MAX)) {
                for signer in list.signers.iter() {
                    let messages = match signer.result {
                        AuthResult::Pass => [messages, 0],
                        AuthResult::None | AuthResult::Unknown => continue,
                        _ => [0, messages],
                    };
                    visit(key_of(signer), reporter, messages);
                }
            }
        }
    }
}

/// Messages that carry a key's signature: those of which it verified, and those of which it did not.
type Results = [u64; 2];

/// The reporters that see a key fail on a path, and those that see it verify there.
#[derive(Debug, Default)]
pub(super) struct Here {
    pub(super) failing: BTreeSet<u32>,
    pub(super) verifying: BTreeSet<u32>,
}

pub(super) fn key_of(signer: &Signer) -> Key<'_> {
    (&signer.domain, signer.selector.as_deref())
}
