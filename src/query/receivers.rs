//! What receivers reported, found published and did: the reports of a window behind the figures, for reviews.

use rustc_hash::{FxHashMap, FxHashSet};

use super::distinct_facts::DistinctFacts;
use super::published::PoliciesMet;
use super::scan::Scan;
use super::window::Window;
use crate::alignment::{Disposition, OverrideReason};
use crate::domain;
use crate::report::PolicyPublished;
use crate::report::period::{Day, Period};
use crate::rows;
use crate::store::{NameReader, ReportLine, Store, StoreError, Trust};

/// A report that has something to say about the domains asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportSeen {
    /// The day it counts on.
    pub day: Day,
    /// When.
    pub period: Period,
    /// Who reports, by its place in [`Receivers::reporters`].
    pub reporter: usize,
    /// Where the policy was found.
    pub policy_domain: String,
    /// The policy, by its place in [`Receivers::policies`].
    pub policy: usize,
    /// Its messages from the domains asked for.
    pub messages: u64,
    /// What is known of the mails it came in.
    pub trust: Trust,
}

impl ReportSeen {
    /// Whether a server that is believed found that its mail passed DMARC.
    #[must_use]
    pub fn is_checked(&self) -> bool {
        self.trust == Trust::Passed
    }
}

/// Which policy domain governed a header From domain, as receivers found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Governed {
    /// Header From.
    pub header_from: String,
    /// Where its policy was found.
    pub policy_domain: String,
    /// Messages.
    pub messages: u64,
    /// Messages that passed DMARC.
    pub dmarc_pass: u64,
    /// Last day seen.
    pub last: Day,
    /// Who found it there, by their places among [`Receivers::reporters`].
    pub reporters: Vec<usize>,
}

/// Messages that failed DMARC and were dealt with alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handled {
    /// What the published policy asked for.
    pub asked: Option<String>,
    /// What was done.
    pub done: Option<Disposition>,
    /// Why, where the receiver did something else.
    pub reasons: Vec<OverrideReason>,
    /// Messages.
    pub messages: u64,
    /// Who dealt with them so.
    pub reporters: Vec<usize>,
}

impl Handled {
    /// What was done is not what the policy asked for, as far as both are known.
    #[must_use]
    pub fn is_override(&self) -> bool {
        is_override(self.asked.as_deref(), self.done)
    }
}

fn is_override(asked: Option<&str>, done: Option<Disposition>) -> bool {
    asked.zip(done.and_then(Disposition::policy)).is_some_and(|(asked, done)| asked != done)
}

/// What receivers reported of some domains in a window.
#[derive(Debug, Clone, Default)]
pub struct Receivers {
    /// The reports, by day.
    pub reports: Vec<ReportSeen>,
    /// The reporters' names.
    pub reporters: Vec<String>,
    /// The policies found.
    pub policies: Vec<PolicyPublished>,
    /// Header From and policy domains, in the order of both.
    pub governed: Vec<Governed>,
    /// How failing messages were dealt with, most messages first.
    pub handled: Vec<Handled>,
}

/// How failing messages were dealt with, while they are summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct HandledKey {
    /// What the policy asked for, by its place among the words.
    asked: usize,
    done: Option<Disposition>,
    /// An outcome that says why, where something else was done.
    outcome: Option<u64>,
}

/// Asks for the reports on header From domains at or below `domains`, or on all.
///
/// # Errors
/// See [`StoreError`].
pub fn receivers(store: &Store, window: Window, domains: &[String]) -> Result<Receivers, StoreError> {
    Pass::of(store, domains, &mut DistinctFacts::new(store)?, &mut store.names())?.run(window)
}

impl Scan<'_> {
    /// Asks for the reports on the header From domains that the scan is about. What the scan has read of them is known.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn receivers(&mut self) -> Result<Receivers, StoreError> {
        Pass::of(self.store, self.domains, &mut self.kinds, &mut self.texts)?.run(self.window)
    }
}

/// Messages of a header From domain under a policy domain.
#[derive(Default)]
struct GovernedSums {
    messages: u64,
    passed: u64,
    last: Option<Day>,
    reporters: FxHashSet<i64>,
}

struct Pass<'p, 's> {
    store: &'s Store,
    texts: &'p mut NameReader<'s>,
    domains: &'p [String],
    wanted: FxHashMap<i64, bool>,
    kinds: &'p mut DistinctFacts<'s>,
    /// In the order of their numbers.
    lines: Vec<ReportLine>,
    /// The messages that are asked for, by the place of their report.
    seen: FxHashMap<usize, u64>,
    governed: FxHashMap<(i64, i64), GovernedSums>,
    /// The words for what policies ask for, and which of them a policy asks for, by its number and whether `sp` holds.
    words: Vec<Option<String>>,
    asked: FxHashMap<(i64, bool), usize>,
    /// Messages, and who dealt with them.
    handled: FxHashMap<HandledKey, (u64, FxHashSet<i64>)>,
}

impl<'p, 's> Pass<'p, 's> {
    fn of(
        store: &'s Store,
        domains: &'p [String],
        kinds: &'p mut DistinctFacts<'s>,
        texts: &'p mut NameReader<'s>,
    ) -> Result<Self, StoreError> {
        Ok(Pass {
            store,
            texts,
            domains,
            wanted: FxHashMap::default(),
            kinds,
            lines: Vec::new(),
            seen: FxHashMap::default(),
            governed: FxHashMap::default(),
            words: Vec::new(),
            asked: FxHashMap::default(),
            handled: FxHashMap::default(),
        })
    }

    fn run(mut self, window: Window) -> Result<Receivers, StoreError> {
        let (store, lines) = (self.store, &mut self.lines);
        store.report_lines(window.first, window.last, &mut |line| lines.push(line))?;
        store.scan_runs(window.first, window.last, &mut |run| {
            self.take(run.report, run.domain, run.day, run.reporter, run.rows)
        })?;
        self.finish()
    }

    /// What a policy asks for, by its place among the words.
    fn asked(&mut self, policy: i64, below: bool) -> Result<usize, StoreError> {
        if let Some(&known) = self.asked.get(&(policy, below)) {
            return Ok(known);
        }
        let words = self.store.policy(policy)?;
        let asked = if below { words.below() } else { words.p.as_deref() };
        let asked = asked.filter(|word| !word.is_empty()).map(str::to_owned);
        let place = self.words.iter().position(|known| *known == asked).unwrap_or_else(|| {
            self.words.push(asked);
            self.words.len() - 1
        });
        self.asked.insert((policy, below), place);
        Ok(place)
    }

    fn wanted(&mut self, name: i64) -> Result<bool, StoreError> {
        if let Some(&known) = self.wanted.get(&name) {
            return Ok(known);
        }
        let wanted = self.domains.is_empty() || domain::is_among(self.texts.text(name)?, self.domains);
        self.wanted.insert(name, wanted);
        Ok(wanted)
    }

    fn take(&mut self, report: i64, domain: i64, day: Day, reporter: i64, run: &[u8]) -> Result<(), StoreError> {
        let Ok(line) = self.lines.binary_search_by_key(&report, |line| line.id) else {
            // Written by another process since the list was made.
            return Ok(());
        };
        let policy = self.lines[line].policy;
        let mut matched = self.wanted(domain)?;
        let mut messages = 0;
        let mut last: Option<((i64, i64), [u64; 2])> = None;
        for record in rows::records(run) {
            let (outcome, count, _) = record.ok_or_else(|| StoreError::damaged_records(report))?;
            let kind = self.kinds.of(outcome)?;
            let facts = self.kinds.list[kind as usize];
            if !facts.header_from.map_or(Ok(self.domains.is_empty()), |from| self.wanted(from))? {
                continue;
            }
            matched = true;
            let count = count.unwrap_or(0);
            messages += count;
            let passed = if facts.dmarc == Some(true) { count } else { 0 };
            let from = facts.header_from.unwrap_or(-1);
            match &mut last {
                Some((key, sums)) if key.0 == from => {
                    sums[0] += count;
                    sums[1] += passed;
                }
                _ => {
                    if let Some((key, sums)) = last.replace(((from, domain), [count, passed])) {
                        self.govern(key, sums, day, reporter);
                    }
                }
            }
            if facts.dmarc == Some(false) && count > 0 {
                let (asked, done) = (self.asked(policy, facts.header_from != Some(domain))?, facts.disposition);
                let is_override = is_override(self.words[asked].as_deref(), done);
                let key = HandledKey { asked, done, outcome: is_override.then_some(outcome) };
                let sums = self.handled.entry(key).or_default();
                sums.0 += count;
                sums.1.insert(reporter);
            }
        }
        if let Some((key, sums)) = last {
            self.govern(key, sums, day, reporter);
        }
        if matched {
            *self.seen.entry(line).or_default() += messages;
        }
        Ok(())
    }

    fn govern(&mut self, key: (i64, i64), [messages, passed]: [u64; 2], day: Day, reporter: i64) {
        let sums = self.governed.entry(key).or_default();
        sums.messages += messages;
        sums.passed += passed;
        sums.last = sums.last.max(Some(day));
        sums.reporters.insert(reporter);
    }

    fn finish(mut self) -> Result<Receivers, StoreError> {
        let mut found = Receivers::default();
        let mut policies = PoliciesMet::default();
        let mut reporters: FxHashMap<i64, usize> = FxHashMap::default();
        let mut seen: Vec<(usize, u64)> = std::mem::take(&mut self.seen).into_iter().collect();
        seen.sort_unstable();
        for (line, messages) in seen {
            let line = self.lines[line];
            let reporter = match reporters.get(&line.reporter) {
                Some(&known) => known,
                None => {
                    found.reporters.push(self.texts.text(line.reporter)?.to_owned());
                    reporters.insert(line.reporter, found.reporters.len() - 1);
                    found.reporters.len() - 1
                }
            };
            let policy = policies.place(self.store, line.policy)?;
            found.reports.push(ReportSeen {
                day: line.day,
                period: line.period,
                reporter,
                policy_domain: self.texts.text(line.domain)?.to_owned(),
                policy,
                messages,
                trust: line.trust,
            });
        }
        found.policies = policies.list;
        found.reports.sort_by(|a, b| {
            let key = |one: &ReportSeen| (one.day, one.period.end, one.messages);
            key(a).cmp(&key(b)).then_with(|| found.reporters[a.reporter].cmp(&found.reporters[b.reporter]))
        });
        for ((from, domain), sums) in std::mem::take(&mut self.governed) {
            let header_from = if from < 0 { String::new() } else { self.texts.text(from)?.to_owned() };
            let policy_domain = self.texts.text(domain)?.to_owned();
            let mut of: Vec<usize> = sums.reporters.iter().filter_map(|one| reporters.get(one).copied()).collect();
            of.sort_unstable();
            found.governed.push(Governed {
                header_from,
                policy_domain,
                messages: sums.messages,
                dmarc_pass: sums.passed,
                last: sums.last.unwrap_or(Day::MIN),
                reporters: of,
            });
        }
        found.governed.sort_by(|a, b| (&a.header_from, &a.policy_domain).cmp(&(&b.header_from, &b.policy_domain)));
        self.handled(&reporters, &mut found)?;
        Ok(found)
    }

    /// Joins what was dealt with alike, whatever else differs.
    fn handled(&mut self, reporters: &FxHashMap<i64, usize>, found: &mut Receivers) -> Result<(), StoreError> {
        let mut ids: Vec<u64> = self.handled.keys().filter_map(|key| key.outcome).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut reasons = FxHashMap::default();
        self.store.outcomes(ids.into_iter(), &mut |id, outcome| {
            reasons.insert(id, outcome.reasons);
        })?;
        let mut joined: Vec<Handled> = Vec::new();
        let mut places: FxHashMap<String, usize> = FxHashMap::default();
        for (key, (messages, seen_by)) in std::mem::take(&mut self.handled) {
            let reasons = key.outcome.and_then(|outcome| reasons.get(&outcome)).cloned().unwrap_or_default();
            let asked = self.words[key.asked].clone();
            let one = Handled { asked, done: key.done, reasons, messages: 0, reporters: Vec::new() };
            let key = format!("{one:?}");
            let at = *places.entry(key).or_insert_with(|| {
                joined.push(one);
                joined.len() - 1
            });
            joined[at].messages += messages;
            joined[at].reporters.extend(seen_by.iter().filter_map(|reporter| reporters.get(reporter)));
        }
        for one in &mut joined {
            one.reporters.sort_unstable_by(|a, b| found.reporters[*a].cmp(&found.reporters[*b]));
            one.reporters.dedup();
        }
        joined.sort_by_cached_key(|one| {
            (std::cmp::Reverse(one.messages), one.asked.clone(), one.done, format!("{:?}", one.reasons))
        });
        found.handled = joined;
        Ok(())
    }
}
