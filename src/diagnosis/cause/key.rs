//! Why signatures as the domain fail: the key, what changes the mail, a rotation, the algorithm.

use std::collections::BTreeSet;

use super::case::{Case, CauseEvidence, Explained, Fault, LISTED};
use super::keys::{Key, key_of};
use super::words::{Broken, Word, Words};
use crate::alignment::AuthResult;
use crate::cause::Cause;
use crate::diagnosis::class::Class;
use crate::diagnosis::states::{ALIGNED, BROKEN, MOSTLY, share};
use crate::domain;
use crate::providers::Kind;
use crate::query::Signer;
use crate::report::period::{Day, date_of};
use crate::witness::has_share;
use crate::words::{agree, list, plural};

/// The share that decides, of the failures of which reporters say more than that they fail.
const TOLD: f64 = 0.8;
/// A key that verifies for at least this share of a path's mail is published and right.
const WORKS: f64 = 0.05;

/// The keys of the domain on a path that failed, and those that verified.
struct Seen<'c> {
    failing: BTreeSet<Key<'c>>,
    verified: BTreeSet<Key<'c>>,
}

impl<'c> Seen<'c> {
    fn of(case: &Case<'c, '_>) -> Self {
        let own = |one: &&Signer| domain::aligned(&one.domain, &case.path.domain);
        let all = || case.path.signers.iter().flat_map(|list| list.signers.iter()).filter(own);
        let fails = |one: &&Signer| one.result.is_failed_signature();
        // Who writes no selector does not tell which key it was: others do.
        let named = |mut keys: BTreeSet<Key<'c>>| {
            if keys.iter().any(|key| key.1.is_some()) {
                keys.retain(|key| key.1.is_some());
            }
            keys
        };
        Seen {
            failing: named(all().filter(fails).map(key_of).collect()),
            verified: named(all().filter(|one| one.result == AuthResult::Pass).map(key_of).collect()),
        }
    }

    fn selectors(&self) -> Vec<String> {
        let mut names: Vec<String> = self.failing.iter().filter_map(|key| key.1).map(str::to_owned).collect();
        names.dedup();
        names
    }

    /// The failing keys in words: `selector s1 of example.com`.
    fn worded(&self) -> String {
        let name = |key: &Key<'_>| match key.1 {
            Some(selector) => format!("selector {selector} of {}", key.0),
            None => format!("a selector of {} that is not reported", key.0),
        };
        // Reporters that leave the selector out speak of one that others name.
        let names_some = self.failing.iter().any(|key| key.1.is_some());
        list(self.failing.iter().filter(|key| key.1.is_some() || !names_some).map(name), 3)
    }
}

/// The cause, of a path that signs as the domain and whose signatures mostly fail.
pub(super) fn cause(case: &Case<'_, '_>, words: &Words) -> Option<Explained> {
    let seen = Seen::of(case);
    let (broken, _) = words.sum(|word| word.broken.all());
    let found = |cause: Cause, text: String, of: fn(&Broken) -> u64| {
        let (messages, reporters) = words.sum(|word| of(&word.broken));
        let mut evidence = CauseEvidence::new(text, (messages, broken), reporters);
        evidence.selectors = seen.selectors();
        evidence.selectors.truncate(LISTED);
        Some((cause, evidence))
    };
    let steady = words.iter().any(Word::verifies_steadily);
    let keys = seen.worded();
    let worked_before = case.change.is_some_and(|change| change.before == Class::Signed);
    let works_beside = has_share(words.parts(|word| (word.aligned, word.aligned + word.broken.all())), WORKS);
    let known = || seen.failing.iter().filter(|key| key.1.is_some());
    let verified_here = known().any(|key| seen.verified.contains(key));
    // For other mail at the same time: that it verified before the change does not show that the key is still right.
    let here = words.here();
    let verifies_beside = works_beside && verified_here;
    let same_key = verifies_beside || known().any(|key| case.keys.verifies_elsewhere(*key, case.at, &here));
    if !steady && words.told(Broken::keyless, TOLD) {
        let fault = words.key_fault();
        let text = match fault {
            Some(Fault::Revoked) => format!("the key was revoked, its record is published with an empty p=: {keys}"),
            Some(Fault::Unreadable) => format!("a record is published that cannot be read as a key: {keys}"),
            _ => format!("the key is not published, or cannot be read: {keys} (permerror, \"no key\")"),
        };
        return with_fault(found(Cause::KeyMissing, text, Broken::keyless), fault)
            .map(|found| lost_together(case, found));
    }
    let renewed = worked_before && !verified_here && known().next().is_some() && !seen.verified.is_empty();
    if !steady && !same_key && (renewed || words.told(|broken| broken.mismatch, MOSTLY)) {
        let text = if renewed {
            format!("signed with a key that never verified, since another one verified before: {keys}")
        } else {
            format!("the signatures do not fit the published key: {keys}")
        };
        return found(Cause::KeyMismatch, text, |broken| broken.plain + broken.mismatch);
    }
    if words.told(|broken| broken.unreachable, TOLD) {
        let named = |word: &Word| word.broken.unreachable > word.aligned;
        let mut names =
            words.reporters(named).map(|at| case.survey.reporter_names[at as usize].as_str()).collect::<Vec<_>>();
        names.sort_unstable();
        let text = match words.reporters(Word::verifies_steadily).count() as u64 {
            0 => format!("the key could not be fetched: the name servers of {keys} did not answer (temperror)"),
            others => format!(
                "the key could not be fetched by {} (temperror), while {} {} it: the name servers of {keys} do not answer these receivers, or not always",
                list(names, 3),
                plural(others, "other reporter"),
                agree(others, "verifies with", "verify with")
            ),
        };
        return found(Cause::KeyUnreachable, text, |broken| broken.unreachable);
    }
    let gateway = case.provider.is_some_and(|provider| provider.kind == Kind::Gateway);
    if words.told(|broken| broken.body, MOSTLY) {
        let text = "the body was changed after it was signed: a footer, a disclaimer, a gateway that rewrites links";
        return found(Cause::ChangedInTransit, text.to_owned(), |broken| broken.body);
    }
    if words.told(|broken| broken.expired, MOSTLY) {
        let text = format!(
            "the signatures had expired when the mail arrived (x=): they are valid for too short a time, the mail waits in a queue, or a clock is wrong: {keys}"
        );
        return with_fault(found(Cause::Unexplained, text, |broken| broken.expired), Some(Fault::Expired));
    }
    if let Some(days) = rotation(case, &seen) {
        let text = format!("signatures failed on {days} only, between one selector and the next: {keys}");
        return found(Cause::Rotation, text, Broken::all);
    }
    if words.told(|broken| broken.short + broken.refused, MOSTLY) && words.sum(|word| word.broken.short).0 > 0 {
        let text = format!(
            "receivers refuse the key as too short, as they must with RSA of less than 1024 bits (RFC 8301 §3.2): {keys}"
        );
        let of = |broken: &Broken| broken.short + broken.refused + broken.plain;
        return with_fault(found(Cause::UnsupportedAlgorithm, text, of), Some(Fault::TooShort));
    }
    if words.told(|broken| broken.algorithm, MOSTLY) || steady && words.told(Broken::keyless, MOSTLY) {
        let text = format!("some receivers do not know the algorithm of the signature, others verify it: {keys}");
        return found(Cause::UnsupportedAlgorithm, text, |broken| broken.algorithm + broken.keyless());
    }
    if is_parted(words) {
        let text = format!(
            "some receivers verify every signature and others none, as with an algorithm that these do not know (ed25519) or a key that they refuse as too short: {keys}"
        );
        return found(Cause::UnsupportedAlgorithm, text, Broken::all);
    }
    let ever_here = verified_here || works_beside || case.change.is_some();
    if !gateway
        && !ever_here
        && let Some(last) = known_until(case, &seen)
    {
        let text = format!(
            "none of this sender's signatures verified since its first day, {}, and the key verified for other mail until {} only: it signs with another private key than the published one, or the published one was replaced ({keys})",
            date_of(case.path.first),
            date_of(last)
        );
        return found(Cause::KeyMismatch, text, Broken::all);
    }
    if gateway || same_key || worked_before && verified_here {
        let text = if gateway {
            "the mail is signed before the gateway, which changes it (footers, rewritten links, tags): the signatures fail behind it"
                .to_owned()
        } else if let Some(last) = ended(case, &seen) {
            format!(
                "the key verified until {} and fails for all mail since: the key record was changed, or the mail is changed after signing; `dmarcstat dns` shows which ({keys})",
                date_of(last)
            )
        } else if !same_key {
            format!(
                "the same key verified before, and here the mail is changed after it was signed (a footer, a disclaimer, a gateway), or the key was replaced on one side only: {keys}"
            )
        } else if verifies_beside {
            format!(
                "the key is right, as it verifies for other mail of this sender, and some of it is changed after it was signed: a footer, a disclaimer, a gateway ({keys})"
            )
        } else {
            format!(
                "the key verifies for mail of other machines, and {}for none from here: either this machine signs with another private key under the same selector (each cPanel server makes its own; a rotation may have left it out), or its mail is changed after it was signed. Receivers that write \"body hash did not verify\" would show a change; \"signature did not verify\" fits both, and the key on the machine, compared with the published one, decides ({keys})",
                if worked_before { "since the change " } else { "" }
            )
        };
        let unclear = !gateway && same_key && !verifies_beside && ended(case, &seen).is_none();
        return with_fault(found(Cause::ChangedInTransit, text, Broken::all), unclear.then_some(Fault::OtherKey));
    }
    None
}

/// A sender that takes over another's mail may send beside it for this many days.
const OVERLAP: Day = 3;

/// The last day on which the failing keys verified for other mail, where that is no later than a sender begins to use them: the mail
/// moved to it, and what verified until then does not show that it signs with the same private key, nor that the published one stayed.
fn known_until(case: &Case<'_, '_>, seen: &Seen<'_>) -> Option<Day> {
    let last = |key: &Key<'_>| case.keys.last_verified(*key);
    let known = || seen.failing.iter().filter(|key| key.1.is_some());
    let latest = known().filter_map(last).max()?;
    (known().all(|key| last(key).is_some()) && latest <= case.path.first.saturating_add(OVERLAP)).then_some(latest)
}

/// The failing keys of mail that was handed on, in words, where receivers write that they are missing and the same keys fail, and verify
/// for nothing, on these days for the owner's own mail: the mail was not changed, and is mended with the key.
pub(super) fn lost_at_home(case: &Case<'_, '_>, words: &Words) -> Option<String> {
    let keyless = |word: &Word| (word.broken.keyless(), word.aligned + word.broken.all());
    if case.class != Class::Broken || !has_share(words.parts(keyless), TOLD) {
        return None;
    }
    let mut seen = Seen::of(case);
    let days = case.view.days();
    let bad = || days.iter().filter(|(_, states)| states[BROKEN] > 0).map(|(day, _)| *day);
    let first = bad().min()?;
    // On the day of the loss reporters do not part the days alike.
    let is_lost = |key: &Key<'_>| {
        case.keys.last_verified(*key).is_none_or(|last| last <= first)
            && bad().any(|day| case.keys.fails_at_home(*key, day))
    };
    seen.failing.retain(|key| key.1.is_some() && is_lost(key));
    (!seen.failing.is_empty()).then(|| seen.worded())
}

/// Names the other senders whose keys were lost on the same day.
fn lost_together(case: &Case<'_, '_>, (cause, mut evidence): Explained) -> Explained {
    if case.change.is_some() {
        let others = case.keys.lost_with(case.at, LISTED);
        evidence.names = others.into_iter().map(|other| case.own_paths.sender(other)).collect();
    }
    if !evidence.names.is_empty() {
        evidence.text.push_str(&format!(
            "; the keys of {} are missing since the same day: it looks as if the DNS zone was moved or cut",
            list(&evidence.names, 3)
        ));
    }
    (cause, evidence)
}

fn with_fault(found: Option<Explained>, fault: Option<Fault>) -> Option<Explained> {
    found.map(|(cause, evidence)| (cause, CauseEvidence { fault, ..evidence }))
}

/// The last day on which the failing keys verified, where that was before the change of the path or on its first day, on which
/// reporters do not part the days alike.
fn ended(case: &Case<'_, '_>, seen: &Seen<'_>) -> Option<Day> {
    let change = case.change?;
    let last = seen.failing.iter().filter_map(|key| case.keys.last_verified(*key)).max()?;
    (last <= change.day).then_some(last)
}

/// Whether receivers differ in nothing but who they are: some verify all, and two or more others none.
pub(super) fn is_parted(words: &Words) -> bool {
    let telling = || words.iter().filter(|word| word.aligned + word.broken.all() > 0);
    let fails = |word: &&Word| word.aligned == 0;
    telling().all(|word| fails(&word) || word.verifies_steadily())
        && telling().any(Word::verifies_steadily)
        && telling().filter(fails).count() >= 2
}

/// The days on which signatures failed, where these are few, lie close together and another key verified before than after.
fn rotation(case: &Case<'_, '_>, seen: &Seen<'_>) -> Option<String> {
    let days = case.view.days();
    let bad: Vec<_> = days
        .iter()
        .filter(|(_, states)| share(states[BROKEN], states[BROKEN] + states[ALIGNED]) >= MOSTLY)
        .map(|(day, _)| *day)
        .collect();
    let in_bad: u64 = days.iter().filter(|(day, _)| bad.contains(day)).map(|(_, states)| states[BROKEN]).sum();
    let (first, last) = (bad.first()?, bad.last()?);
    let within = (last - first) as usize <= 2 * bad.len();
    let few = bad.len() * 3 <= days.len() && share(in_bad, case.view.counted[BROKEN]) >= 0.8;
    let mut selectors: Vec<_> = seen.verified.iter().map(|key| key.1).collect();
    selectors.dedup();
    (few && within && selectors.len() > 1).then(|| match bad.len() {
        1 => date_of(*first).to_string(),
        many => format!("{} from {} to {}", plural(many as u64, "day"), date_of(*first), date_of(*last)),
    })
}
