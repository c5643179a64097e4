//! DKIM selectors in use: whose keys they are, what they sign, whether they verify, and how one takes over from another.
//!
//! The health of a key is told from the mail of the paths that are at home with it: mailing lists and forwarders break
//! signatures of healthy keys.

mod alone;
mod answer;
mod health;
mod key;
mod overlaps;
mod rotation;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

pub use answer::{KeyAddress, KeyDay, KeyReporter, KeySender, OtherKeys, Overlap, SelectorUse, SelectorsAnswer};
pub use health::KeyState;
pub use key::KeyOwner;
pub use rotation::Rotation;

use super::dates::shown;
use super::path::SendingPath;
use crate::domain;
use crate::query::{KeyResults, KeySeen, KeySurvey, KeyUse};
use crate::report::period::Day;
use crate::words::{self, percent, plural};
use health::{Health, health, unsupported};
use key::{FEW, Key};
use overlaps::Overlaps;

/// An address is one that fails while others verify from this share of its messages on.
const FAILING: f64 = 0.5;
/// Which keys to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyChoice {
    /// Also those of third parties.
    pub others: bool,
    /// Leave out keys with fewer messages.
    pub min_messages: u64,
}

/// The keys of a window.
#[derive(Debug, Clone, Default)]
pub struct KeyDiagnosis {
    /// See [`SelectorsAnswer::selectors`].
    pub selectors: Vec<SelectorUse>,
    /// See [`SelectorsAnswer::rotations`].
    pub rotations: Vec<Rotation>,
    /// See [`SelectorsAnswer::others`].
    pub others: OtherKeys,
}

/// Paths by their places in the survey that they are of; all of them must be there.
#[must_use]
pub fn by_place(paths: &[SendingPath]) -> Vec<&SendingPath> {
    let mut by_place: Vec<&SendingPath> = paths.iter().collect();
    by_place.sort_by_key(|path| path.figures);
    by_place
}

/// Judges the keys. `paths` has a path for each place of the survey's.
#[must_use]
pub fn selectors(survey: &KeySurvey<'_>, paths: &[&SendingPath], choice: KeyChoice) -> KeyDiagnosis {
    let all = keys(survey, paths);
    let health: Vec<Health<'_>> = all.iter().map(|key| health(key, survey)).collect();
    let rotations = rotation::rotations(&all, &health, paths);
    let rotated: HashMap<(&str, Option<&str>), &Rotation> =
        rotations.iter().rev().map(|one| ((one.signing_domain.as_str(), Some(one.old.as_str())), one)).collect();
    let mut overlaps = Overlaps::of(&all);
    let mut found = KeyDiagnosis::default();
    for (at, (key, health)) in all.iter().zip(&health).enumerate() {
        let messages = key.seen.results.messages();
        if messages < choice.min_messages {
            continue;
        }
        if key.owner == KeyOwner::Other && !choice.others {
            found.others.selectors += 1;
            found.others.messages += messages;
            continue;
        }
        let rotated = rotated.get(&(key.signing_domain, key.selector)).copied();
        let mut one = selector_use(key, health, paths, rotated);
        one.overlaps = overlaps.of_key(at);
        found.selectors.push(one);
    }
    let told: HashSet<&str> = found.selectors.iter().map(|key| key.signing_domain.as_str()).collect();
    found.rotations = rotations.iter().filter(|one| told.contains(one.signing_domain.as_str())).cloned().collect();
    found.selectors.sort_by_cached_key(|one| {
        (
            one.state,
            one.selector.is_none(),
            one.owner,
            Reverse(one.messages),
            one.signing_domain.clone(),
            one.selector.clone(),
        )
    });
    found
}

fn keys<'k>(survey: &'k KeySurvey<'k>, paths: &[&SendingPath]) -> Vec<Key<'k>> {
    let mut by_key: BTreeMap<(&str, Option<&str>), Vec<&'k KeyUse<'k>>> = BTreeMap::new();
    for one in survey.uses.iter().filter(|one| one.path < paths.len()) {
        by_key.entry((one.signing_domain, one.selector)).or_default().push(one);
    }
    let mut keys = Vec::with_capacity(by_key.len());
    for ((signing_domain, selector), uses) in by_key {
        let path = |one: &KeyUse<'_>| paths[one.path];
        let owner = if uses.iter().any(|one| domain::aligned(signing_domain, &path(one).domain)) {
            KeyOwner::Own
        } else if uses.iter().any(|one| is_tenants(signing_domain, path(one))) {
            KeyOwner::Tenant
        } else {
            KeyOwner::Other
        };
        let at_home = |one: &&&KeyUse<'_>| !path(one).role.hands_on() && !path(one).role.is_nobodys();
        let mut home: Vec<&'k KeyUse<'k>> = uses.iter().filter(at_home).copied().collect();
        // Anybody can write a signature that does not verify.
        let claimed = home.is_empty() && uses.iter().all(|one| one.seen.results.verified() == 0);
        let owner = if claimed { KeyOwner::Other } else { owner };
        if home.is_empty() {
            home.clone_from(&uses);
        }
        let mut days: BTreeMap<Day, Box<KeyResults>> = BTreeMap::new();
        for (&day, results) in home.iter().flat_map(|one| &one.days) {
            days.entry(day).or_default().extend(results);
        }
        let mut seen = KeySeen::default();
        uses.iter().for_each(|one| seen.extend(&one.seen));
        keys.push(Key { signing_domain, selector, owner, uses, home, days, seen });
    }
    keys
}

/// Whether a domain is the tenant of a path that is the domain owner's.
fn is_tenants(signing_domain: &str, path: &SendingPath) -> bool {
    path.role.is_owners()
        && path.tenant.as_deref().is_some_and(|tenant| {
            signing_domain == tenant
                || domain::is_within(signing_domain, tenant)
                || domain::is_within(tenant, signing_domain)
        })
}

fn selector_use(key: &Key<'_>, health: &Health<'_>, paths: &[&SendingPath], rotated: Option<&Rotation>) -> SelectorUse {
    let seen = &key.seen;
    let fails = rotated.is_none() && matches!(health.state, KeyState::Failing | KeyState::Partly);
    let unsupported = fails.then(|| unsupported(key)).flatten();
    let state = match (rotated, &unsupported) {
        (Some(_), _) => KeyState::Rotated,
        (None, Some(_)) => KeyState::Unsupported,
        (None, None) => health.state,
    };
    let mut notes: Vec<String> = unsupported.into_iter().collect();
    match (rotated, &health.failing_since, state) {
        (Some(rotation), ..) => notes.push(rotation.in_words()),
        (None, Some(since), KeyState::Failing) => {
            notes.push(format!("verified before {}, fails since then", shown(*since)))
        }
        (None, None, KeyState::Failing) => notes.push("never verified in this window".to_owned()),
        (None, _, KeyState::Verifying | KeyState::Partly) => {
            notes.extend(health.changed.map(|(day, [verified, failed])| {
                let before = percent(verified, verified.saturating_add(failed));
                format!("{} since {}; before that {before} verified", state.as_str(), shown(day))
            }))
        }
        (None, _, KeyState::Vanished) => notes.push(format!(
            "not seen since {}, while {} sent {}",
            shown(health.end),
            senders_in_words(key, paths),
            plural(health.after, "more message")
        )),
        _ => {}
    }
    let reporters = reporters(key);
    notes.extend(contradiction(&reporters, health).filter(|_| state != KeyState::Unsupported));
    if state == KeyState::Failing {
        notes.extend(health.verify_alone.iter().map(|name| format!("verifies at {name} alone")));
    }
    if key.selector.is_none() {
        notes.push("these reporters do not name the selector".to_owned());
    }
    let addresses = addresses(key);
    if let Some(addresses) = &addresses {
        let failing: Vec<String> =
            addresses.iter().filter(|one| one.fails_alone).map(|one| one.ip.to_string()).collect();
        if !failing.is_empty() {
            notes.push(format!(
                "of {} only these fail: {}",
                plural(addresses.len() as u64, "machine"),
                failing.join(", ")
            ));
        }
    }
    SelectorUse {
        signing_domain: key.signing_domain.to_owned(),
        selector: key.selector.map(str::to_owned),
        owner: key.owner,
        state,
        messages: seen.results.messages(),
        verified: seen.results.verified(),
        failed: seen.results.failed(),
        results: seen.results,
        first_seen: shown(seen.first),
        last_seen: shown(seen.last),
        last_verified: seen.last_verified.map(shown),
        began: health.began.map(shown),
        failing_since: health.failing_since.map(shown),
        senders: senders(key, paths),
        reporters,
        addresses,
        overlaps: Arc::default(),
        days: days(key),
        notes,
    }
}

fn days(key: &Key<'_>) -> Vec<KeyDay> {
    let mut all: BTreeMap<Day, KeyResults> = BTreeMap::new();
    for (&day, results) in key.uses.iter().flat_map(|one| &one.days) {
        all.entry(day).or_default().extend(results);
    }
    all.into_iter()
        .map(|(day, results)| {
            let (verified, failed) = (results.verified(), results.failed());
            KeyDay { day, verified, failed, unknown: results.messages() - verified - failed }
        })
        .collect()
}

fn senders(key: &Key<'_>, paths: &[&SendingPath]) -> Vec<KeySender> {
    let mut senders: Vec<KeySender> = key
        .uses
        .iter()
        .map(|one| {
            let path = paths[one.path];
            KeySender {
                path: path.id.clone(),
                sender: path.sender.clone(),
                domain: path.domain.clone(),
                class: path.class,
                messages: one.seen.results.messages(),
                verified: one.seen.results.verified(),
                failed: one.seen.results.failed(),
                first_seen: shown(one.seen.first),
                last_seen: shown(one.seen.last),
            }
        })
        .collect();
    senders
        .sort_by(|a, b| (Reverse(a.messages), &a.domain, &a.sender).cmp(&(Reverse(b.messages), &b.domain, &b.sender)));
    senders
}

fn senders_in_words(key: &Key<'_>, paths: &[&SendingPath]) -> String {
    let names: BTreeSet<&str> = key.home.iter().map(|one| paths[one.path].sender.as_str()).collect();
    words::list(names, 3)
}

fn reporters(key: &Key<'_>) -> Vec<KeyReporter> {
    let mut by_name: BTreeMap<&str, KeySeen> = BTreeMap::new();
    for (name, seen) in key.uses.iter().flat_map(|one| &one.reporters) {
        by_name.entry(name).or_default().extend(seen);
    }
    let mut reporters: Vec<KeyReporter> = by_name
        .into_iter()
        .map(|(name, seen)| KeyReporter {
            reporter: name.to_owned(),
            messages: seen.results.messages(),
            verified: seen.results.verified(),
            failed: seen.results.failed(),
            last_verified: seen.last_verified.map(shown),
            last_failed: seen.last_failed.map(shown),
        })
        .collect();
    reporters.sort_by(|a, b| (Reverse(a.messages), &a.reporter).cmp(&(Reverse(b.messages), &b.reporter)));
    reporters
}

/// What to say where one reporter alone cannot verify what all others can, or some still verify what fails elsewhere.
fn contradiction(reporters: &[KeyReporter], health: &Health<'_>) -> Option<String> {
    let mostly_fails = |one: &&KeyReporter| one.failed >= FEW && one.failed > one.verified;
    let failing: Vec<&KeyReporter> = reporters.iter().filter(mostly_fails).collect();
    let verifying = reporters.iter().filter(|one| one.verified >= FEW && one.verified > one.failed).count();
    match (health.state, failing.as_slice()) {
        (KeyState::Failing, _) => {
            let since = shown(health.failing_since?);
            let still: Vec<&str> = reporters
                .iter()
                .filter(|one| one.last_verified.as_ref().is_some_and(|last| *last >= since))
                .map(|one| one.reporter.as_str())
                .collect();
            (!still.is_empty()).then(|| format!("verified since then at {}", still.join(", ")))
        }
        (_, [one]) if verifying > 1 => Some(format!("fails mostly at {} alone", one.reporter)),
        _ => None,
    }
}

fn addresses(key: &Key<'_>) -> Option<Vec<KeyAddress>> {
    let mut by_address: BTreeMap<IpAddr, KeySeen> = BTreeMap::new();
    for (&ip, seen) in key.home.iter().flat_map(|one| &one.addresses) {
        by_address.entry(ip).or_default().extend(seen);
    }
    if by_address.is_empty() {
        return None;
    }
    let fails = |seen: &KeySeen| {
        let (failed, known) = (seen.results.failed(), seen.results.failed() + seen.results.verified());
        failed >= FEW && failed as f64 >= FAILING * known as f64
    };
    let healthy = by_address.values().any(|seen| !fails(seen) && seen.results.verified() >= FEW);
    let mut addresses: Vec<KeyAddress> = by_address
        .into_iter()
        .map(|(ip, seen)| KeyAddress {
            ip,
            messages: seen.results.messages(),
            verified: seen.results.verified(),
            failed: seen.results.failed(),
            first_seen: shown(seen.first),
            last_seen: shown(seen.last),
            fails_alone: healthy && fails(&seen),
        })
        .collect();
    addresses.sort_by_key(|one| (!one.fails_alone, Reverse(one.failed), Reverse(one.messages), one.ip));
    Some(addresses)
}
