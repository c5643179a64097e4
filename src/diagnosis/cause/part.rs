//! What distinguishes signed from unsigned mail of a path: bounces, machines, reverse-paths, reporters.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::case::{Case, CauseEvidence, Explained, Fault, LISTED};
use super::key::is_parted;
use super::words::Words;
use crate::alignment::AuthResult;
use crate::cause::Cause;
use crate::diagnosis::class::Class;
use crate::diagnosis::consensus::view::View;
use crate::diagnosis::states::{ALIGNED, BROKEN, MOSTLY, States, UNALIGNED, add, known, share};
use crate::domain;
use crate::query::{AddressFigures, PathFigures, SignerUse, Survey};
use crate::report::period::Day;
use crate::witness::has_share;
use crate::words::{agree, grouped, list, list_of, plural};

/// A part that differs has at least this share of what it is told by on its side.
pub(super) const CLEAR: f64 = 0.9;
/// Fewer messages of a machine or a reverse-path tell nothing of it.
const TELLING: u64 = 10;
/// Fewer messages of a reporter tell nothing of it.
const FEW: u64 = 3;

fn never(states: &States) -> bool {
    known(states) > 0 && share(states[ALIGNED], known(states)) <= 1.0 - CLEAR
}

pub(super) fn always(states: &States) -> bool {
    share(states[ALIGNED], known(states)) >= CLEAR
}

fn missing(states: &States) -> u64 {
    known(states) - states[ALIGNED]
}

/// Whether a machine of a path never signs, on enough days and on nobody's word alone where there are others.
pub(super) fn is_silent(one: &AddressFigures, path: &PathFigures) -> bool {
    let seen = one.not_aligned;
    let is_told = known(&one.dkim) >= TELLING && seen.on_several_days();
    is_told && never(&one.dkim) && (path.witnesses == 1 || seen.by_several())
}

/// What is not signed has a null reverse-path, as far as reporters that write envelopes tell, and the rest is signed.
pub(super) fn bounces(case: &Case<'_, '_>, words: &Words) -> Option<Explained> {
    if !matches!(case.class, Class::Intermittent | Class::Unsigned | Class::Unaligned) {
        return None;
    }
    let tells = |word: &super::words::Word| word.writes_envelopes;
    let of = |figures: fn(&super::words::Word) -> (u64, u64)| {
        words.parts(move |word| if tells(word) { figures(word) } else { (0, 0) })
    };
    let null = has_share(of(|word| (word.null[1], word.failing)), 1.0 - 2.0 * (1.0 - CLEAR));
    let rest = has_share(
        of(|word| {
            (word.aligned - word.null[0].min(word.aligned), (word.aligned + word.failing) - word.null[0] - word.null[1])
        }),
        CLEAR,
    );
    if !(null && rest) {
        return None;
    }
    let (bounces, reporters) = words.sum(|word| if word.writes_envelopes { word.null[1] } else { 0 });
    let (failing, _) = words.sum(|word| if word.writes_envelopes { word.failing } else { 0 });
    let text = "the unsigned mail is bounces and automatic replies (null reverse-path); the rest is signed";
    Some((Cause::BouncesAndReplies, CauseEvidence::new(text, (bounces, failing), reporters)))
}

/// Machines that never sign, where the others do; or behind which the body is changed.
pub(super) fn machines(case: &Case<'_, '_>, words: &Words) -> Option<Explained> {
    if matches!(case.class, Class::Unsigned | Class::Unaligned) || !case.path.role.is_owners() {
        return None;
    }
    let mut silent: Vec<&AddressFigures> = case.addresses.iter().filter(|one| is_silent(one, case.path)).collect();
    let others: Vec<&AddressFigures> = case.addresses.iter().filter(|one| !never(&one.dkim)).collect();
    let sum = |of: &[&AddressFigures]| of.iter().map(|one| missing(&one.dkim)).sum::<u64>();
    let all = missing(&case.states());
    let of_silent = if case.change.is_some() {
        // What an address sent since then is known by its days only: what the others leave is surer, and mostly all.
        let rest = case.addresses.iter().map(|one| missing(&one.dkim)).sum::<u64>() - sum(&silent);
        all - rest.min(all)
    } else {
        sum(&silent)
    };
    let explains = case.class == Class::Signed || share(of_silent, all) >= CLEAR;
    if silent.is_empty() || !explains || !others.iter().any(|one| always(&one.dkim)) {
        return None;
    }
    silent.sort_by_key(|one| (Reverse(missing(&one.dkim)), one.ip));
    let addresses: Vec<IpAddr> = silent.iter().take(LISTED).map(|one| one.ip).collect();
    let of = |state: usize| silent.iter().map(|one| one.dkim[state]).sum::<u64>();
    let which = format!(
        "{} of {}: {}",
        silent.len(),
        plural(case.addresses.len() as u64, "machine"),
        list_of(&addresses, 4, silent.len())
    );
    // What receivers write is of all that breaks on the path: it is of these machines where nearly all of that is.
    let broken = case.states()[BROKEN];
    if share(of(BROKEN), of_silent) >= CLEAR
        && share(of(BROKEN), broken) >= CLEAR
        && words.told(|broken| broken.body, MOSTLY)
    {
        let (_, reporters) = words.sum(|word| word.broken.body);
        let text = format!(
            "receivers write that the body was changed after it was signed, in mail from {which} (a list, a footer, a disclaimer); that of the others verifies"
        );
        let mut evidence = CauseEvidence::new(text, (of_silent, all), reporters);
        evidence.addresses = addresses;
        evidence.fault = Some(Fault::BodyAtMachines);
        return Some((Cause::ChangedInTransit, evidence));
    }
    let signs = of(BROKEN) > 0;
    let mut text = match (signs, of(UNALIGNED) > 0) {
        (true, _) => format!("no signature verifies from {which}"),
        (false, true) => format!("nothing is signed as {} from {which}", case.path.domain),
        (false, false) => format!("nothing is signed from {which}"),
    };
    // The key that they sign with, or, where they do not sign, that of the others.
    let (failing, verified) = selectors(case);
    let selectors = if signs && !failing.is_empty() { failing } else { verified };
    if !selectors.is_empty() {
        let verb = if signs { "they sign with" } else { "the others sign with" };
        text.push_str(&format!("; {verb} {}", list(selectors.iter().map(|one| format!("selector {one}")), 3)));
    }
    let mut evidence = CauseEvidence::new(text, (of_silent, all), case.path.witnesses);
    evidence.addresses = addresses;
    evidence.selectors = selectors;
    evidence.selectors.truncate(LISTED);
    Some((Cause::SomeMachines, evidence))
}

/// The selectors of the domain's signatures on a path: those that never verify, and those that do.
fn selectors(case: &Case<'_, '_>) -> (Vec<String>, Vec<String>) {
    let mut by_name: BTreeMap<&str, bool> = BTreeMap::new();
    let own = |name: &str| domain::aligned(name, &case.path.domain);
    for one in case.signers().iter().flat_map(|(list, _)| list.signers.iter()).filter(|one| own(&one.domain)) {
        if let Some(selector) = one.selector.as_deref().filter(|_| one.result != AuthResult::None) {
            *by_name.entry(selector).or_default() |= one.result == AuthResult::Pass;
        }
    }
    let of = |verifies: bool| by_name.iter().filter(move |one| *one.1 == verifies).map(|one| (*one.0).to_owned());
    (of(false).collect(), of(true).collect())
}

/// Reverse-paths whose mail is never signed, where that of others is.
pub(super) fn envelopes(case: &Case<'_, '_>) -> Option<Explained> {
    if case.class != Class::Intermittent {
        return None;
    }
    let envelopes = case.envelopes();
    let telling = || envelopes.iter().filter(|(_, states)| known(states) >= TELLING);
    let silent: Vec<&(&str, States)> = telling().filter(|(_, states)| never(states)).collect();
    let explained: u64 = silent.iter().map(|(_, states)| missing(states)).sum();
    let all = missing(&case.states());
    if share(explained, all) < CLEAR || !telling().any(|(_, states)| always(states)) {
        return signers(case, all);
    }
    let names: Vec<String> = silent.iter().map(|(name, _)| (*name).to_owned()).collect();
    let text = format!("mail with a reverse-path of {} is never signed as the domain, other mail is", list(&names, 3));
    let mut evidence = CauseEvidence::new(text, (explained, all), case.path.witnesses);
    evidence.names = names;
    Some((Cause::SomeEnvelopes, evidence))
}

/// Mail that another domain signs, and the domain does not, where all other mail is signed as the domain: another system that
/// sends through the same machines. A provider's default signature is none.
fn signers(case: &Case<'_, '_>, all: u64) -> Option<Explained> {
    let own = |name: &str| domain::aligned(name, &case.path.domain);
    let default = |name: &str| {
        let mut domains = case.provider.iter().flat_map(|provider| provider.signing_domains.iter());
        domains.any(|of| domain::organizational(of) == domain::organizational(name))
    };
    let verified = |list: &SignerUse| list.signers.iter().any(|one| one.result == AuthResult::Pass);
    let signed = case.signers().into_iter().filter(|(list, _)| verified(list));
    let (with, without): (Vec<_>, Vec<_>) =
        signed.partition(|(list, _)| list.signers.iter().any(|one| own(&one.domain) && one.result == AuthResult::Pass));
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for (list, _) in &without {
        let others = list.signers.iter().filter(|one| one.result == AuthResult::Pass && !default(&one.domain));
        names.extend(others.map(|one| one.domain.as_str()));
    }
    // What signs beside the domain parts nothing.
    names.retain(|name| !with.iter().any(|(list, _)| list.signers.iter().any(|one| one.domain == **name)));
    let of_them = |list: &SignerUse| list.signers.iter().any(|one| names.contains(one.domain.as_str()));
    let explained: u64 = without.iter().filter(|(list, _)| of_them(list)).map(|(_, messages)| messages).sum();
    if explained < TELLING || share(explained, all) < CLEAR {
        return None;
    }
    let names: Vec<String> = names.into_iter().map(str::to_owned).take(LISTED).collect();
    let text = format!("mail that {} signs is never signed as the domain, other mail is", list(&names, 3));
    let mut evidence = CauseEvidence::new(text, (explained, all), case.path.witnesses);
    evidence.names = names;
    Some((Cause::SomeEnvelopes, evidence))
}

/// Whether reporters that verify a path's signatures saw it while those did that verify none: else the days part them.
fn on_the_same_days(case: &Case<'_, '_>, silent: &[u32]) -> bool {
    let days = |of_silent: bool| -> BTreeSet<Day> {
        let cells = case.view.cells.iter().filter(|cell| known(&cell.states) > 0);
        cells.filter(|cell| silent.contains(&cell.reporter) == of_silent).map(|cell| cell.day).collect()
    };
    let (these, others) = (days(true), days(false));
    let common = these.intersection(&others).count();
    common >= 2 || common == these.len().min(others.len())
}

/// Why some receivers verify no signature that others verify, be it one or several of them.
const WHY_NONE: &str = "a key or an algorithm that these receivers do not accept (RSA of less than 1024 bits, ed25519), or another \
                        route to them on which the mail is changed";

/// Reporters that see no signature, or verify none, where others see and verify nothing but. Signatures of which reporters say how
/// they fail, or that some verify steadily and others never, are told by that.
pub(super) fn reporters(case: &Case<'_, '_>, words: &Words) -> Option<Explained> {
    let broken = case.class == Class::Broken;
    if !(broken || case.class == Class::Intermittent) || broken && (words.tell_how() || is_parted(words)) {
        return None;
    }
    let seen = case.view.by_reporter();
    let telling = || seen.iter().filter(|(_, states)| known(states) >= FEW);
    if !telling().all(|(_, states)| never(states) || always(states)) {
        return None;
    }
    let silent: Vec<u32> = telling().filter(|(_, states)| never(states)).map(|(&reporter, _)| reporter).collect();
    if silent.is_empty() || silent.len() == telling().count() || broken && !on_the_same_days(case, &silent) {
        return None;
    }
    let mut names: Vec<String> =
        silent.iter().map(|&reporter| case.survey.reporter_names[reporter as usize].clone()).collect();
    names.sort_unstable();
    let (who, many) = (list(&names, 3), names.len() as u64);
    let text = if broken {
        format!(
            "{who} {} no signature where all others verify every one: {WHY_NONE}",
            agree(many, "verifies", "verify")
        )
    } else {
        format!(
            "{who} {} no signature where all others see one: another route to these receivers, or a habit of theirs",
            agree(many, "sees", "see")
        )
    };
    let messages: u64 = silent.iter().filter_map(|reporter| seen.get(reporter)).map(missing).sum();
    let mut evidence = CauseEvidence::new(text, (messages, missing(&case.view.counted)), names.len());
    evidence.names = names;
    evidence.names.truncate(LISTED);
    Some((Cause::SomeReporters, evidence))
}

/// Two reporters or more that verify no signature of a path that is signed well, in words.
pub(crate) fn verify_none(survey: &Survey, view: &View) -> Option<String> {
    let seen = view.by_reporter();
    let fails =
        |states: &States| known(states) >= TELLING && never(states) && share(states[BROKEN], known(states)) >= CLEAR;
    let sum = |of: &dyn Fn(&States) -> bool| {
        let mut all = States::default();
        seen.values().filter(|states| of(states)).for_each(|states| add(&mut all, states));
        all
    };
    let (failing, others) = (sum(&fails), sum(&|states| !fails(states)));
    let those = seen.iter().filter(|(_, states)| fails(states));
    let mut names: Vec<&str> = those.map(|(&reporter, _)| survey.reporter_names[reporter as usize].as_str()).collect();
    names.sort_unstable();
    (names.len() >= 2 && always(&others)).then(|| {
        format!(
            "{} verify no signature ({}), the others {} of {}: {WHY_NONE}",
            list(&names, 3),
            plural(known(&failing), "message"),
            grouped(others[ALIGNED]),
            grouped(known(&others))
        )
    })
}
