//! What keys signed: sums by signing domain and selector on each path.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use rustc_hash::FxHashMap;
use serde::{Serialize, Serializer};

use super::figures::{Signer, Survey};
use super::scan::Scan;
use crate::alignment::AuthResult;
use crate::domain;
use crate::report::period::Day;
use crate::store::StoreError;

/// Messages with a key's signature, by its result. Of a message that carries two signatures by one key the better counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyResults([u64; AuthResult::ALL.len()]);

/// By word.
impl Serialize for KeyResults {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.by_word())
    }
}

impl KeyResults {
    /// The messages by the words of the results, in order; those of zero are left out.
    pub fn by_word(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let mut all: Vec<(&str, u64)> =
            AuthResult::ALL.iter().map(|&result| (result.as_str(), self.of(result))).collect();
        all.retain(|&(_, messages)| messages > 0);
        all.sort_unstable();
        all.into_iter()
    }

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
pub struct KeyUse<'s> {
    /// `d=`.
    pub signing_domain: &'s str,
    /// `s=`; absent where reporters do not name it.
    pub selector: Option<&'s str>,
    /// The path, by its place in [`Survey::paths`](super::Survey::paths).
    pub path: usize,
    /// All of it.
    pub seen: KeySeen,
    /// By day. Anybody can name tens of thousands of keys for a day each, and a map has room for several values in place.
    pub days: BTreeMap<Day, Box<KeyResults>>,
    /// By reporter.
    pub reporters: BTreeMap<&'s str, Box<KeySeen>>,
    /// By address, where that was asked for.
    pub addresses: BTreeMap<IpAddr, KeySeen>,
    /// Messages on which it did not verify and another key of the same organization did.
    pub covered: u64,
    /// What each reporter says on each day, where more than two report and do not all say the same; in this order.
    pub cells: Vec<KeyCell<'s>>,
}

/// What one reporter says of a key on a path on one day, in messages.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyCell<'s> {
    /// The day.
    pub day: Day,
    /// The reporter, by its place in [`Survey::reporter_names`](super::Survey::reporter_names).
    pub reporter: u32,
    /// Its name.
    pub name: &'s str,
    /// Those whose signature verified.
    pub verified: u64,
    /// Those whose signature did not, for whatever reason.
    pub failed: u64,
    /// Of these the ones that could not be evaluated (`permerror`, `temperror`).
    pub not_evaluated: u64,
}

/// What a key signed on the one path that is asked about.
#[derive(Debug, Clone, Copy)]
pub struct PathKey<'s> {
    /// `d=`.
    pub signing_domain: &'s str,
    /// `s=`; absent where reporters do not name it.
    pub selector: Option<&'s str>,
    /// All of it.
    pub seen: KeySeen,
}

/// What the keys of a window signed.
#[derive(Debug, Clone, Default)]
pub struct KeySurvey<'s> {
    /// By path, signing domain and selector, in this order.
    pub uses: Vec<KeyUse<'s>>,
    /// The messages of each path by day, in the order of the survey's paths.
    pub path_days: Vec<BTreeMap<Day, u64>>,
}

/// Sums up what keys signed on all paths of a survey. All of it is in the survey, so the records need not be kept for it.
#[must_use]
pub fn key_survey(survey: &Survey) -> KeySurvey<'_> {
    let mut found = summed(survey).0;
    sort(&mut found.uses);
    found
}

/// The same for each address too, which goes through the records once more.
///
/// # Errors
/// See [`StoreError`].
pub fn key_survey_by_address<'s>(scan: &mut Scan<'_>, survey: &'s Survey) -> Result<KeySurvey<'s>, StoreError> {
    let (mut found, lists, places) = summed(survey);
    scan.visit(survey, None, &mut |seen| {
        let Some(ip) = seen.address else {
            return;
        };
        for &(key, result) in lists.results(seen.facts.signers) {
            if let Some(&place) = places.get(&(seen.path, key)) {
                found.uses[place].addresses.entry(ip).or_default().add(seen.day, result, seen.messages);
            }
        }
    })?;
    sort(&mut found.uses);
    Ok(found)
}

/// What keys signed on one path, by its place in the survey.
#[must_use]
pub fn keys_of_path(survey: &Survey, path: usize) -> Vec<PathKey<'_>> {
    let mut lists = KeyLists::default();
    lists.add_path(survey, path);
    let new = |&(signing_domain, selector)| PathKey { signing_domain, selector, seen: KeySeen::default() };
    let mut keys: Vec<PathKey<'_>> = lists.names.iter().map(new).collect();
    for entry in survey.tally.entries(path) {
        for &(key, result) in lists.results(survey.tally.facts(entry).signers) {
            keys[key as usize].seen.add(survey.tally.report(entry).day, result, entry.messages);
        }
    }
    keys.sort_by_key(|key| (key.signing_domain, key.selector));
    keys
}

/// Where the use of each key on each path stands.
type Places = FxHashMap<(usize, u32), usize>;

/// What keys signed on all paths, in the order of these, with what tells where each use stands.
fn summed(survey: &Survey) -> (KeySurvey<'_>, KeyLists<'_>, Places) {
    let (mut found, mut lists, mut places) = (KeySurvey::default(), KeyLists::default(), Places::default());
    for path in 0..survey.paths.len() {
        let days = add_path(survey, path, &mut lists, &mut places, &mut found.uses);
        found.path_days.push(days);
    }
    (found, lists, places)
}

fn sort(uses: &mut [KeyUse<'_>]) {
    uses.sort_by(|a, b| (a.path, a.signing_domain, a.selector).cmp(&(b.path, b.signing_domain, b.selector)));
}

/// Adds what keys signed on a path; gives the path's messages by day.
fn add_path<'s>(
    survey: &'s Survey,
    path: usize,
    lists: &mut KeyLists<'s>,
    places: &mut Places,
    uses: &mut Vec<KeyUse<'s>>,
) -> BTreeMap<Day, u64> {
    let mut days: BTreeMap<Day, u64> = BTreeMap::new();
    let mut by_reporter: FxHashMap<(usize, u32), Box<KeySeen>> = FxHashMap::default();
    let first = uses.len();
    lists.add_path(survey, path);
    for entry in survey.tally.entries(path) {
        let report = survey.tally.report(entry);
        let sum = days.entry(report.day).or_default();
        *sum = sum.saturating_add(entry.messages);
        let list = survey.tally.facts(entry).signers;
        for &(key, result) in lists.results(list) {
            let place = *places.entry((path, key)).or_insert_with(|| {
                let (signing_domain, selector) = lists.names[key as usize];
                uses.push(KeyUse { signing_domain, selector, path, ..KeyUse::default() });
                uses.len() - 1
            });
            let one = &mut uses[place];
            one.seen.add(report.day, result, entry.messages);
            if result != AuthResult::Pass && lists.verifies_beside(list, key) {
                one.covered = one.covered.saturating_add(entry.messages);
            }
            one.days.entry(report.day).or_default().add(result, entry.messages);
            by_reporter.entry((place, report.listed)).or_default().add(report.day, result, entry.messages);
        }
    }
    for ((place, reporter), results) in by_reporter {
        uses[place].reporters.entry(survey.listed_reporters[reporter as usize].as_str()).or_default().extend(&results);
    }
    add_cells(survey, path, lists, places, &mut uses[first..], first);
    days
}

/// Adds, to the keys on a path of which reporters say different things, what each says; `uses` are those of the path, from the place
/// `first` on.
fn add_cells<'s>(
    survey: &'s Survey,
    path: usize,
    lists: &KeyLists<'s>,
    places: &Places,
    uses: &mut [KeyUse<'s>],
    first: usize,
) {
    // Of two nobody is alone.
    let is_contested = |one: &KeyUse<'_>| {
        let results = &one.seen.results;
        one.reporters.len() > 2 && results.verified() > 0 && results.failed() > 0
    };
    let contested: Vec<bool> = uses.iter().map(is_contested).collect();
    if !contested.contains(&true) {
        return;
    }
    let mut cells: BTreeMap<(usize, Day, u32), KeyCell<'s>> = BTreeMap::new();
    for entry in survey.tally.entries(path) {
        let report = survey.tally.report(entry);
        for &(key, result) in lists.results(survey.tally.facts(entry).signers) {
            let Some(at) = places.get(&(path, key)).and_then(|place| place.checked_sub(first)) else { continue };
            if !contested[at] {
                continue;
            }
            let name = survey.reporter_names[report.reporter as usize].as_str();
            let new = KeyCell { day: report.day, reporter: report.reporter, name, ..KeyCell::default() };
            let cell = cells.entry((at, report.day, report.reporter)).or_insert(new);
            let add = |sum: &mut u64, counts| *sum = sum.saturating_add(if counts { entry.messages } else { 0 });
            add(&mut cell.verified, result == AuthResult::Pass);
            add(&mut cell.failed, result.is_failed_signature());
            add(&mut cell.not_evaluated, matches!(result, AuthResult::TempError | AuthResult::PermError));
        }
    }
    for ((at, ..), cell) in cells {
        uses[at].cells.push(cell);
    }
}

/// `d=` and `s=`.
type KeyName<'s> = (&'s str, Option<&'s str>);

/// The keys of each list of signatures, with the better result where one is listed twice.
#[derive(Debug, Default)]
struct KeyLists<'s> {
    names: Vec<KeyName<'s>>,
    /// Names are those of strangers, so they are not hashed in a way that they foresee.
    numbers: HashMap<KeyName<'s>, u32>,
    known: FxHashMap<i64, Box<[(u32, AuthResult)]>>,
}

impl<'s> KeyLists<'s> {
    /// Adds the lists of a path.
    fn add_path(&mut self, survey: &'s Survey, path: usize) {
        survey.paths[path].signers.iter().for_each(|list| self.add(list.list, &list.signers));
    }

    /// Adds a list, unless it is known.
    fn add(&mut self, list: i64, signers: &'s [Signer]) {
        if self.known.contains_key(&list) {
            return;
        }
        let mut results: Vec<(u32, AuthResult)> = Vec::new();
        for Signer { domain, selector, result } in signers.iter().filter(|one| one.result != AuthResult::None) {
            let name = (domain.as_str(), selector.as_deref());
            let next = self.names.len() as u32;
            let number = *self.numbers.entry(name).or_insert(next);
            if number == next {
                self.names.push(name);
            }
            match results.iter_mut().find(|(known, _)| *known == number) {
                Some((_, AuthResult::Pass)) => {}
                Some((_, known)) => *known = *result,
                None => results.push((number, *result)),
            }
        }
        self.known.insert(list, results.into());
    }

    /// Whether another key of the organization of one verified in a list.
    fn verifies_beside(&self, list: i64, key: u32) -> bool {
        let organization = |key: u32| domain::organizational(self.names[key as usize].0);
        let mut others =
            self.results(list).iter().filter(|(other, result)| *other != key && *result == AuthResult::Pass);
        others.any(|(other, _)| organization(*other) == organization(key))
    }

    fn results(&self, list: i64) -> &[(u32, AuthResult)] {
        self.known.get(&list).map_or(&[], |results| results)
    }
}
