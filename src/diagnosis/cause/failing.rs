//! Why some mail of a path that is signed fails all the same, where it is more than `readiness` allows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::case::{Case, CauseEvidence, Explained, LISTED};
use super::key;
use super::words::Words;
use crate::alignment::DkimState;
use crate::cause::Cause;
use crate::diagnosis::failing::{Failing, result};
use crate::diagnosis::states::MOSTLY;
use crate::report::period::Day;
use crate::witness::has_share;
use crate::words::{list, plural};

/// From this share of what fails on, it is of one kind.
const CLEAR: f64 = 0.8;

/// What fails of the owner's path, in messages.
#[derive(Default)]
struct Parts<'c> {
    /// By reporter that writes envelopes, those with a null reverse-path and the others.
    null: BTreeMap<u32, [u64; 2]>,
    /// By reporter, those with signatures as the domain that do not verify, and the others.
    broken: BTreeMap<u32, [u64; 2]>,
    /// By result.
    results: HashMap<String, u64>,
    /// The domains that SPF authenticates for those with a null reverse-path.
    names: BTreeSet<&'c str>,
}

impl<'c> Parts<'c> {
    fn of(case: &Case<'c, '_>, failing: &Failing) -> Self {
        let (tally, mut parts) = (&case.survey.tally, Parts::default());
        let envelopes: HashMap<i64, &str> = case.path.envelopes.iter().map(|(at, name)| (*at, name.as_str())).collect();
        for entry in case.entries().filter(|entry| failing.has(case.survey, entry)) {
            let (facts, reporter) = (tally.facts(entry), tally.report(entry).reporter);
            let is_null = facts.null_reverse_path || facts.detail.spf_without_domain;
            let add = |sums: &mut [u64; 2], first: bool| {
                let sum = &mut sums[usize::from(!first)];
                *sum = sum.saturating_add(entry.messages);
            };
            if is_null || facts.detail.envelope_reported {
                add(parts.null.entry(reporter).or_default(), is_null);
            }
            if is_null && let Some(name) = facts.envelope.and_then(|at| envelopes.get(&at)) {
                parts.names.insert(name);
            }
            add(parts.broken.entry(reporter).or_default(), facts.dkim == DkimState::Broken);
            let sum = parts.results.entry(result(facts)).or_default();
            *sum = sum.saturating_add(entry.messages);
        }
        parts
    }

    /// The result of most.
    fn result(&self) -> &str {
        let most = self.results.iter().max_by(|a, b| (a.1, b.0).cmp(&(b.1, a.0)));
        most.map_or("", |(result, _)| result)
    }
}

/// The cause, of a path of the owner's that is signed.
pub(super) fn cause(case: &Case<'_, '_>, words: &Words) -> Option<Explained> {
    if !case.path.role.is_owners() {
        return None;
    }
    let failing = Failing::of(case.survey, case.at, case.change.map_or(Day::MIN, |change| change.day))?;
    let parts = Parts::of(case, &failing);
    let evidence = |text: String| CauseEvidence::new(text, (failing.messages, failing.of), parts.broken.len());
    let domain = &case.path.domain;
    if has_share(parts.null.values().copied(), CLEAR) {
        let mut text = format!(
            "the mail that fails is bounces and automatic replies (null reverse-path): it is not signed as {domain}, and SPF is checked for the name in HELO"
        );
        if !parts.names.is_empty() {
            text.push_str(&format!(", where it passes for {}", list(&parts.names, 3)));
        }
        let mut evidence = evidence(text);
        evidence.names = parts.names.iter().map(|name| (*name).to_owned()).take(LISTED).collect();
        return Some((Cause::BouncesAndReplies, evidence));
    }
    let by_key = || has_share(parts.broken.values().copied(), MOSTLY).then(|| key::cause(case, words)).flatten();
    by_key().or_else(|| {
        let text = format!(
            "most of it is signed and passes, and {} of {} fail, mostly with this result: {}; another system sends through the same machines, or some of the mail is changed after it was signed",
            plural(failing.messages, "message"),
            plural(failing.of, "message"),
            parts.result()
        );
        Some((Cause::Unexplained, evidence(text)))
    })
}
