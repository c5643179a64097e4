//! What keys signed: sums by signing domain and selector on each path.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::figures::Survey;
use super::scan::Scan;
use crate::alignment::AuthResult;
use crate::domain;
use crate::report::period::Day;
use crate::store::StoreError;

/// Messages with a key's signature, by its result. Of a message that carries two signatures by one key the better counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyResults([u64; AuthResult::ALL.len()]);

impl KeyResults {
    /// Adds messages.
    pub fn add(&mut self, result: AuthResult, messages: u64) {
        let sum = &mut self.0[usize::from(result.code())];
        *sum = sum.saturating_add(messages);
    }

    /// Adds the messages of other results.
    pub fn extend(&mut self, other: &KeyResults) {
        for (sum, messages) in self.0.iter_mut().zip(other.0) {
            *sum = sum.saturating_add(messages);
        }
    }

    /// The messages with one result.
    #[must_use]
    pub fn of(&self, result: AuthResult) -> u64 {
        self.0[usize::from(result.code())]
    }

    /// All messages.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.0.iter().fold(0, |sum, &messages| sum.saturating_add(messages))
    }

    /// Those whose signature verified.
    #[must_use]
    pub fn verified(&self) -> u64 {
        self.of(AuthResult::Pass)
    }

    /// Those whose signature did not, for whatever reason; results that nobody can read count neither way.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.messages() - self.verified() - self.of(AuthResult::Unknown) - self.of(AuthResult::None)
    }
}

/// Some messages with a key's signature, and when they were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySeen {
    /// By result.
    pub results: KeyResults,
    /// The first day.
    pub first: Day,
    /// The last day.
    pub last: Day,
    /// The last day on which one verified.
    pub last_verified: Option<Day>,
    /// The last day on which one did not.
    pub last_failed: Option<Day>,
}

impl Default for KeySeen {
    fn default() -> Self {
        KeySeen {
            results: KeyResults::default(),
            first: Day::MAX,
            last: Day::MIN,
            last_verified: None,
            last_failed: None,
        }
    }
}

impl KeySeen {
    /// Adds the messages of a day.
    pub fn add(&mut self, day: Day, result: AuthResult, messages: u64) {
        let mut one = KeyResults::default();
        one.add(result, messages);
        self.extend(&KeySeen {
            results: one,
            first: day,
            last: day,
            last_verified: (one.verified() > 0).then_some(day),
            last_failed: (one.failed() > 0).then_some(day),
        });
    }

    /// Adds what was seen elsewhere.
    pub fn extend(&mut self, other: &KeySeen) {
        self.results.extend(&other.results);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.last_verified = self.last_verified.max(other.last_verified);
        self.last_failed = self.last_failed.max(other.last_failed);
    }
}

/// What a key signed on one path.
#[derive(Debug, Clone, Default)]
pub struct KeyUse {
    /// `d=`.
    pub signing_domain: String,
    /// `s=`; absent where reporters do not name it.
    pub selector: Option<String>,
    /// The path, by its place in [`Survey::paths`](super::Survey::paths).
    pub path: usize,
    /// All of it.
    pub seen: KeySeen,
    /// By day. Anybody can name tens of thousands of keys for a day each, and a map has room for several values in place.
    pub days: BTreeMap<Day, Box<KeyResults>>,
    /// By reporter.
    pub reporters: BTreeMap<Arc<str>, Box<KeySeen>>,
    /// By address, where that was asked for.
    pub addresses: BTreeMap<IpAddr, KeySeen>,
    /// Messages on which it did not verify and another key of the same organization did.
    pub covered: u64,
}

/// What the keys of a window signed.
#[derive(Debug, Clone, Default)]
pub struct KeySurvey {
    /// By path, signing domain and selector, in this order.
    pub uses: Vec<KeyUse>,
    /// The messages of each path by day, in the order of the survey's paths.
    pub path_days: Vec<BTreeMap<Day, u64>>,
}

/// Sums up what keys signed on all paths of a survey; with `by_address` for each address too, which goes through the records
/// once more.
///
/// # Errors
/// See [`StoreError`].
pub fn key_survey(scan: &mut Scan<'_>, survey: &Survey, by_address: bool) -> Result<KeySurvey, StoreError> {
    let mut found = KeySurvey::default();
    let mut lists = KeyLists::of(survey);
    // Where the use of each key on each path stands.
    let mut places: FxHashMap<(usize, u32), usize> = FxHashMap::default();
    for path in 0..survey.paths.len() {
        let days = add_path(scan, survey, path, &mut lists, &mut places, &mut found.uses)?;
        found.path_days.push(days);
    }
    if by_address {
        add_addresses(scan, survey, &lists, &places, &mut found.uses)?;
    }
    sort(&mut found.uses);
    Ok(found)
}

/// What keys signed on one path, by its place in the survey.
///
/// # Errors
/// See [`StoreError`].
pub fn keys_of_path(scan: &mut Scan<'_>, survey: &Survey, path: usize) -> Result<Vec<KeyUse>, StoreError> {
    let mut uses = Vec::new();
    add_path(scan, survey, path, &mut KeyLists::of(survey), &mut FxHashMap::default(), &mut uses)?;
    sort(&mut uses);
    Ok(uses)
}

fn sort(uses: &mut [KeyUse]) {
    uses.sort_by(|a, b| (a.path, &a.signing_domain, &a.selector).cmp(&(b.path, &b.signing_domain, &b.selector)));
}

/// Adds what keys signed on a path; gives the path's messages by day.
fn add_path(
    scan: &mut Scan<'_>,
    survey: &Survey,
    path: usize,
    lists: &mut KeyLists,
    places: &mut FxHashMap<(usize, u32), usize>,
    uses: &mut Vec<KeyUse>,
) -> Result<BTreeMap<Day, u64>, StoreError> {
    let mut days: BTreeMap<Day, u64> = BTreeMap::new();
    let mut by_reporter: FxHashMap<(usize, u32), Box<KeySeen>> = FxHashMap::default();
    for entry in survey.tally.entries(path) {
        let report = survey.tally.report(entry);
        let sum = days.entry(report.day).or_default();
        *sum = sum.saturating_add(entry.messages);
        let list = survey.tally.facts(entry).signers;
        lists.load(scan, list)?;
        for &(key, result) in lists.results(list) {
            let place = *places.entry((path, key)).or_insert_with(|| {
                let (signing_domain, selector) = lists.names[key as usize].clone();
                uses.push(KeyUse { signing_domain, selector, path, ..KeyUse::default() });
                uses.len() - 1
            });
            let one = &mut uses[place];
            one.seen.add(report.day, result, entry.messages);
            if result != AuthResult::Pass && lists.verifies_beside(list, key) {
                one.covered = one.covered.saturating_add(entry.messages);
            }
            one.days.entry(report.day).or_default().add(result, entry.messages);
            by_reporter.entry((place, report.reporter)).or_default().add(report.day, result, entry.messages);
        }
    }
    for ((place, reporter), results) in by_reporter {
        let name = Arc::clone(&lists.reporters[reporter as usize]);
        uses[place].reporters.entry(name).or_default().extend(&results);
    }
    Ok(days)
}

fn add_addresses(
    scan: &mut Scan<'_>,
    survey: &Survey,
    lists: &KeyLists,
    places: &FxHashMap<(usize, u32), usize>,
    uses: &mut [KeyUse],
) -> Result<(), StoreError> {
    scan.visit(survey, None, &mut |seen| {
        let Some(ip) = seen.address else {
            return;
        };
        for &(key, result) in lists.results(seen.facts.signers) {
            if let Some(&place) = places.get(&(seen.path, key)) {
                uses[place].addresses.entry(ip).or_default().add(seen.day, result, seen.messages);
            }
        }
    })
}

/// The keys of each list of signatures, with the better result where one is listed twice.
#[derive(Debug, Default)]
struct KeyLists {
    names: Vec<(String, Option<String>)>,
    /// Names are those of strangers, so they are not hashed in a way that they foresee.
    numbers: HashMap<(String, Option<String>), u32>,
    known: FxHashMap<i64, Box<[(u32, AuthResult)]>>,
    /// The names of reporters, by their places in the survey.
    reporters: Vec<Arc<str>>,
}

impl KeyLists {
    fn of(survey: &Survey) -> Self {
        let reporters = survey.reporter_names.iter().map(|name| name.as_str().into()).collect();
        KeyLists { reporters, ..KeyLists::default() }
    }

    /// Reads a list, unless it is known.
    fn load(&mut self, scan: &mut Scan<'_>, list: i64) -> Result<(), StoreError> {
        if self.known.contains_key(&list) {
            return Ok(());
        }
        let mut results: Vec<(u32, AuthResult)> = Vec::new();
        let store = scan.store;
        for (domain, selector, result) in store.signers(list, &mut scan.texts)? {
            if result == AuthResult::None {
                continue;
            }
            let name = (domain, selector);
            let next = self.names.len() as u32;
            let number = *self.numbers.entry(name.clone()).or_insert(next);
            if number == next {
                self.names.push(name);
            }
            match results.iter_mut().find(|(known, _)| *known == number) {
                Some((_, AuthResult::Pass)) => {}
                Some((_, known)) => *known = result,
                None => results.push((number, result)),
            }
        }
        self.known.insert(list, results.into());
        Ok(())
    }

    /// Whether another key of the organization of one verified in a list.
    fn verifies_beside(&self, list: i64, key: u32) -> bool {
        let organization = |key: u32| domain::organizational(&self.names[key as usize].0);
        let mut others =
            self.results(list).iter().filter(|(other, result)| *other != key && *result == AuthResult::Pass);
        others.any(|(other, _)| organization(*other) == organization(key))
    }

    fn results(&self, list: i64) -> &[(u32, AuthResult)] {
        self.known.get(&list).map_or(&[], |results| results)
    }
}
