//! What each path of a review comes to: whether it stands in the way, wants a decision, got worse, or has ended.

use std::collections::BTreeMap;

use super::answer::{Blocker, Ended, Fragile, Regression, ReviewedPath, Undecided};
use super::decisions::{looks_forgotten, undecided};
use super::ended::End;
use super::failures;
use super::impact::{PathDays, failing, is_own, spf_alone};
use super::measures::Measures;
use super::policy::Target;
use super::reporters::share;
use super::thresholds::ReadinessThresholds;
use super::weighed::Weighed;
use crate::cause::Cause;
use crate::diagnosis::{Class, SendingPath};
use crate::role::Role;

/// Fewer messages show no regression.
const ENOUGH_FOR_A_TREND: u64 = 20;

/// The paths by what they come to.
#[derive(Default)]
pub(super) struct Sorted {
    /// All of them.
    pub(super) paths: Vec<ReviewedPath>,
    pub(super) blockers: Vec<Blocker>,
    pub(super) fragile: Vec<Fragile>,
    pub(super) ended: Vec<Ended>,
    pub(super) decide: Vec<Undecided>,
    pub(super) forgotten: Vec<Undecided>,
    pub(super) regressions: Vec<Regression>,
    /// Paths of one's own on which DKIM fails at every reporter, each with why.
    pub(super) failing_signatures: Vec<(String, Option<Cause>)>,
    /// What decides of one's own paths together.
    pub(super) own: Weighed,
    /// Messages of one's own that fail at one reporter alone and do not count, by that reporter.
    pub(super) alone: BTreeMap<u32, u64>,
    /// Paths of one's own that are not of class signed.
    pub(super) unsigned_own: u64,
}

impl Sorted {
    /// Adds a path: its days, whether it has ended, and what decides of it where it is one's own.
    pub(super) fn add(
        &mut self,
        path: &SendingPath,
        days: &PathDays,
        end: Option<End>,
        counted: Weighed,
        measures: &Measures<'_>,
    ) {
        self.paths.push(reviewed_path(path, days));
        match path.role {
            _ if failing(path) == 0 => {}
            Role::Service | Role::OtherAccount => self.decide.push(undecided(path)),
            Role::Unknown if is_forgotten(path, measures) => self.forgotten.push(undecided(path)),
            _ => {}
        }
        match end {
            _ if !is_own(path) => {}
            Some(End::Ended) => self.ended.push(Ended {
                path: path.id.clone(),
                sender: path.sender.clone(),
                domain: path.domain.clone(),
                messages: path.messages,
                last_seen: path.last_seen.clone(),
            }),
            alive => self.add_own(path, days, alive, counted, measures),
        }
    }

    /// Adds one of one's own that still sends.
    fn add_own(
        &mut self,
        path: &SendingPath,
        days: &PathDays,
        end: Option<End>,
        counted: Weighed,
        measures: &Measures<'_>,
    ) {
        self.unsigned_own += u64::from((path.class != Class::Signed || path.needs_work()) && path.messages > 0);
        self.regressions.extend(regression(path, days, measures.thresholds));
        self.own.messages = self.own.messages.saturating_add(counted.messages);
        self.own.failing = self.own.failing.saturating_add(counted.failing);
        if let Some((reporter, messages)) = counted.alone {
            let sum = self.alone.entry(reporter).or_default();
            *sum = sum.saturating_add(messages);
        }
        if path.class == Class::Broken && path.evidence.counted.aligned == 0 {
            self.failing_signatures.push((path.sender.clone(), path.cause));
        }
        let fails = fails(counted, measures.thresholds);
        let alone = spf_alone(path, days) > measures.least_alone;
        if alone {
            self.fragile.push(Fragile {
                path: path.id.clone(),
                sender: path.sender.clone(),
                domain: path.domain.clone(),
                class: path.class,
                messages: days.spf_alone,
                path_messages: path.messages,
            });
        }
        let reasons = [(fails, "fails"), (alone && measures.target == Target::Reject, "spf-alone")];
        let reasons: Vec<&str> = reasons.into_iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason).collect();
        if reasons.is_empty() {
            return;
        }
        self.blockers.push(Blocker {
            path: path.id.clone(),
            messages: failing(path),
            class: path.class,
            cause: path.cause,
            remedy: path.remedy.clone(),
            sender: path.sender.clone(),
            domain: path.domain.clone(),
            role: path.role,
            path_messages: path.messages,
            spf_alone: days.spf_alone,
            reasons,
            certain: path.witnesses > 1 && path.first_seen != path.last_seen,
            failing: if fails { failures::parts(measures.survey, path) } else { Vec::new() },
            moved_to: end.and_then(|end| match end {
                End::Moved(successor) => Some(successor),
                End::Ended => None,
            }),
            quiet_since: path.quiet_since.clone(),
            gone: None,
        });
    }
}

/// Whether an unknown path looks like a sender that everybody forgot.
fn is_forgotten(path: &SendingPath, measures: &Measures<'_>) -> bool {
    let is_large = failing(path).saturating_mul(100) >= measures.messages;
    path.leg || looks_forgotten(path, measures) && is_large || measures.whole.has_steady(path, measures.survey, false)
}

/// Whether more of a path fails than may.
fn fails(path: Weighed, thresholds: &ReadinessThresholds) -> bool {
    let Weighed { messages, failing, .. } = path;
    failing > thresholds.max_path_failures && failing as f64 > (1.0 - thresholds.pass_share) * messages as f64
}

fn regression(path: &SendingPath, days: &PathDays, thresholds: &ReadinessThresholds) -> Option<Regression> {
    if days.before[0] < ENOUGH_FOR_A_TREND || days.recent[0] < ENOUGH_FOR_A_TREND {
        return None;
    }
    [("dmarc", 1), ("dkim", 2)].into_iter().find_map(|(what, at)| {
        let (before, now) = (share(days.before[at], days.before[0])?, share(days.recent[at], days.recent[0])?);
        (before - now > thresholds.max_regression).then(|| Regression {
            path: path.id.clone(),
            sender: path.sender.clone(),
            what,
            before,
            now,
            messages: days.recent[0],
        })
    })
}

fn reviewed_path(path: &SendingPath, days: &PathDays) -> ReviewedPath {
    ReviewedPath {
        id: path.id.clone(),
        sender: path.sender.clone(),
        domain: path.domain.clone(),
        class: path.class,
        role: path.role,
        messages: path.messages,
        pass: path.dmarc_pass,
        dkim_aligned: path.dkim.aligned,
        spf_aligned: path.spf_aligned,
        spf_alone: days.spf_alone,
        first_seen: path.first_seen.clone(),
        last_seen: path.last_seen.clone(),
        remedy: path.remedy.as_ref().map(|remedy| remedy.title.clone()),
    }
}
