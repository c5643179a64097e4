//! What each reporter's records show about why a path fails.

use std::collections::BTreeMap;

use super::case::{Case, Fault};
use super::keys::Here;
use crate::alignment::{AuthResult, DkimState, ReasonCode, SpfState};
use crate::diagnosis::findings::SpfRecord;
use crate::diagnosis::states::MOSTLY;
use crate::query::OutcomeFacts;
use crate::report::period::Day;
use crate::witness::has_share;

/// What one reporter shows. Figures are messages.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Word {
    pub(super) messages: u64,
    pub(super) aligned: u64,
    /// Not signed as the domain, as far as the state is known.
    pub(super) failing: u64,
    pub(super) spf_aligned: u64,
    /// SPF could not be evaluated, by [`SpfRecord`].
    pub(super) spf_fault: [u64; 2],
    /// Of those that fail: aligned but for the published strict mode.
    pub(super) strict: u64,
    /// The same of SPF.
    pub(super) strict_spf: u64,
    pub(super) broken: Broken,
    /// It writes what the reverse-path is.
    pub(super) writes_envelopes: bool,
    /// With a null reverse-path, signed as the domain and not.
    pub(super) null: [u64; 2],
    /// First and last day on which a signature of the domain verified.
    verified_days: Option<(Day, Day)>,
}

/// Signatures of the domain that did not verify, by what the reporter says of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Broken {
    /// `fail` without a text that is known.
    pub(super) plain: u64,
    /// No key that could be used, and no text that says why: `permerror`.
    no_key: u64,
    /// There is no key.
    missing: u64,
    /// The key was revoked: its record has an empty p=.
    revoked: u64,
    /// There is a record, and it cannot be read as a key.
    unreadable: u64,
    /// The key could not be fetched.
    pub(super) unreachable: u64,
    /// The body was changed.
    pub(super) body: u64,
    /// The signature does not fit the key.
    pub(super) mismatch: u64,
    /// An algorithm that the reporter does not know.
    pub(super) algorithm: u64,
    /// The time of the signature was over.
    pub(super) expired: u64,
    /// The key is too short for the reporter.
    pub(super) short: u64,
    /// It verified, and the reporter does not accept it: `policy`.
    pub(super) refused: u64,
}

impl Broken {
    pub(super) fn all(&self) -> u64 {
        self.plain + self.told()
    }

    /// Those of which more is said than that they fail.
    pub(super) fn told(&self) -> u64 {
        self.keyless()
            + self.unreachable
            + self.body
            + self.mismatch
            + self.algorithm
            + self.expired
            + self.short
            + self.refused
    }

    /// Those without a key that could be used.
    pub(super) fn keyless(&self) -> u64 {
        self.no_key + self.said_of_key()
    }

    /// Of these the ones of which a text says why.
    fn said_of_key(&self) -> u64 {
        self.missing + self.revoked + self.unreadable
    }

    fn add(&mut self, facts: &OutcomeFacts, messages: u64) {
        let place = match (facts.detail.reason, facts.broken_by) {
            (Some(ReasonCode::BodyHash), _) => &mut self.body,
            (Some(ReasonCode::SignatureMismatch), _) => &mut self.mismatch,
            (Some(ReasonCode::NoKey), _) => &mut self.missing,
            (Some(ReasonCode::KeyRevoked), _) => &mut self.revoked,
            (Some(ReasonCode::KeySyntax), _) => &mut self.unreadable,
            (Some(ReasonCode::UnsupportedAlgorithm), _) => &mut self.algorithm,
            (Some(ReasonCode::Expired), _) => &mut self.expired,
            (Some(ReasonCode::DnsTimeout), _) | (None, Some(AuthResult::TempError)) => &mut self.unreachable,
            (Some(ReasonCode::KeyTooShort), _) => &mut self.short,
            (None, Some(AuthResult::Policy)) => &mut self.refused,
            (None, Some(AuthResult::PermError)) => &mut self.no_key,
            _ => &mut self.plain,
        };
        *place += messages;
    }
}

impl Word {
    /// Whether nearly all of enough messages on several days verified: no slip of a reporter invents that.
    pub(super) fn verifies_steadily(&self) -> bool {
        let known = self.aligned + self.failing;
        let several = self.verified_days.is_some_and(|(first, last)| last > first);
        known >= 20 && several && self.aligned as f64 >= 0.95 * known as f64
    }

    fn add(&mut self, facts: &OutcomeFacts, day: Day, messages: u64) {
        self.messages += messages;
        self.spf_aligned += if facts.spf == SpfState::Aligned { messages } else { 0 };
        if let Some(record) = SpfRecord::at_fault(facts) {
            self.spf_fault[record as usize] += messages;
        }
        self.writes_envelopes |= facts.detail.envelope_reported;
        let aligned = facts.dkim == DkimState::Aligned;
        if facts.null_reverse_path || facts.detail.spf_without_domain {
            self.null[usize::from(!aligned)] += messages;
        }
        match facts.dkim {
            DkimState::Aligned => {
                self.aligned += messages;
                let days = self.verified_days.get_or_insert((day, day));
                *days = (days.0.min(day), days.1.max(day));
            }
            DkimState::Unknown => {}
            state => {
                self.failing += messages;
                self.strict += if facts.detail.strict_dkim { messages } else { 0 };
                self.strict_spf += if facts.detail.strict_spf { messages } else { 0 };
                if state == DkimState::Broken {
                    self.broken.add(facts, messages);
                }
            }
        }
    }
}

/// By reporter, since the last change of the path.
#[derive(Debug, Default)]
pub(super) struct Words(BTreeMap<u32, Word>);

impl Words {
    pub(super) fn of(case: &Case<'_, '_>) -> Self {
        let tally = &case.survey.tally;
        let mut words: BTreeMap<u32, Word> = BTreeMap::new();
        for entry in case.entries() {
            let report = tally.report(entry);
            words.entry(report.reporter).or_default().add(tally.facts(entry), report.day, entry.messages);
        }
        // Whose claim was set aside says nothing of how signatures break.
        for lone in case.view.lone.iter().filter(|lone| lone.state == DkimState::Broken) {
            if let Some(word) = words.get_mut(&lone.reporter) {
                word.failing -= word.broken.all().min(word.failing);
                word.broken = Broken::default();
            }
        }
        Words(words)
    }

    /// Who sees signatures as the domain fail, and who sees them verify.
    pub(super) fn here(&self) -> Here {
        let those = |is: fn(&Word) -> bool| self.reporters(is).collect();
        Here { failing: those(|word| word.broken.all() > 0), verifying: those(|word| word.aligned > 0) }
    }

    /// The reporters of which something is true, by their places.
    pub(super) fn reporters<'w>(&'w self, is: impl Fn(&Word) -> bool + 'w) -> impl Iterator<Item = u32> + 'w {
        self.0.iter().filter(move |(_, word)| is(word)).map(|(&reporter, _)| reporter)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Word> {
        self.0.values()
    }

    /// For each reporter the messages for something and those against it, of a part and its whole.
    pub(super) fn parts<'w>(&'w self, of: impl Fn(&Word) -> (u64, u64) + 'w) -> impl Iterator<Item = [u64; 2]> + 'w {
        self.iter().map(move |word| {
            let (part, whole) = of(word);
            [part, whole - part.min(whole)]
        })
    }

    /// A figure of all, and how many reporters have it.
    pub(super) fn sum(&self, of: impl Fn(&Word) -> u64) -> (u64, usize) {
        let figures = self.iter().map(of).filter(|&figure| figure > 0);
        figures.fold((0, 0), |(sum, reporters), figure| (sum + figure, reporters + 1))
    }

    /// Whether a kind of failure is told of at least this share of those that are told of: on two reporters' word, or on one's where no
    /// other sees signatures fail.
    pub(super) fn told(&self, of: impl Fn(&Broken) -> u64, least: f64) -> bool {
        let tellers = self.iter().filter(|word| word.broken.told() > 0).count();
        let failing = self.iter().filter(|word| word.broken.all() > 0).count();
        let parts = self.parts(|word| (of(&word.broken), word.broken.told()));
        (tellers >= 2 || tellers == failing) && has_share(parts, least)
    }

    /// Whether more than that they fail is said of signatures that fail.
    pub(super) fn tell_how(&self) -> bool {
        has_share(self.parts(|word| (word.broken.told(), word.broken.all())), MOSTLY)
    }

    /// Why there is no key that could be used, where most of what is written of it says another thing than that there is none.
    pub(super) fn key_fault(&self) -> Option<Fault> {
        let most = |of: fn(&Broken) -> u64| {
            has_share(self.parts(move |word| (of(&word.broken), word.broken.said_of_key())), MOSTLY)
        };
        if most(|broken| broken.revoked) {
            Some(Fault::Revoked)
        } else if most(|broken| broken.unreadable) {
            Some(Fault::Unreadable)
        } else {
            None
        }
    }

    /// Whether what is not signed as the domain is mostly signatures that fail.
    pub(super) fn is_about_keys(&self) -> bool {
        has_share(self.parts(|word| (word.broken.all(), word.failing)), MOSTLY)
    }
}
