//! All the evidence on one path: the answer of `explain`.

mod find;
mod parts;
mod reasoning;
mod turn;

use serde::Serialize;

pub use find::{Found, find};
pub use parts::{
    AddressPart, DayPart, Dispositions, NetworkPart, OverridePart, PartAnswer, ReporterPart, SignaturePart, SpfPart,
    WordsPart,
};
pub use reasoning::Reason;
pub use turn::{Stay, Turn, TurnKind, TurnSubject};

use super::basis::Basis;
use super::class::Thresholds;
use super::path::SendingPath;
use crate::query::{PathKey, Survey, Timeline};

/// The answer of `explain`.
#[derive(Debug, Clone, Serialize)]
pub struct ExplainAnswer {
    /// Which answer, and its version.
    pub schema: &'static str,
    /// What was asked for, as typed.
    pub asked: String,
    /// The days, and how much is known of them.
    #[serde(flatten)]
    pub basis: Basis,
    /// The path, as `sources` has it.
    pub path: SendingPath,
    /// All else.
    #[serde(flatten)]
    pub evidence: PathEvidence,
}

/// The evidence on one path.
#[derive(Debug, Clone, Serialize)]
pub struct PathEvidence {
    /// Why it has its name, its role and its class: the figures and the thresholds.
    pub reasoning: Vec<Reason>,
    /// Day by day; days without its messages are left out.
    pub days: Vec<DayPart>,
    /// The days on which it changed.
    pub turns: Vec<Turn>,
    /// What each reporter says of it, by messages.
    pub by_reporter: Vec<ReporterPart>,
    /// The signatures that its mail carries, by messages.
    pub signatures: Vec<SignaturePart>,
    /// The SPF checks that reports list, by messages.
    pub spf: Vec<SpfPart>,
    /// The machines, worst first.
    pub addresses: Vec<AddressPart>,
    /// The same by network: a /24 or a /48.
    pub networks: Vec<NetworkPart>,
    /// Messages of which the reports name no address.
    pub no_address: Option<PartAnswer>,
    /// Messages with a null reverse-path: bounces and automatic replies.
    pub null_senders: Option<PartAnswer>,
    /// What was done with its messages.
    pub dispositions: Dispositions,
    /// Why policies were overridden, as reporters say.
    pub overrides: Vec<OverridePart>,
    /// What receivers write beside results that are no pass, by messages.
    pub words: Vec<WordsPart>,
    /// Messages whose evaluation disagrees with what the same record lists.
    pub contradictions: u64,
}

/// Puts the evidence on a path together. `keys` are what keys signed on it.
#[must_use]
pub fn evidence(
    path: &SendingPath,
    survey: &Survey,
    timeline: &Timeline,
    keys: &[PathKey<'_>],
    thresholds: &Thresholds,
) -> PathEvidence {
    PathEvidence {
        reasoning: reasoning::reasoning(path, survey, thresholds),
        days: parts::days(timeline),
        turns: turn::turns(timeline, survey),
        by_reporter: parts::reporters(timeline, survey),
        signatures: parts::signatures(path, keys),
        spf: parts::spf(path, timeline),
        addresses: parts::addresses(timeline),
        networks: parts::networks(timeline),
        no_address: parts::some(&timeline.no_address),
        null_senders: parts::some(&timeline.null_senders),
        dispositions: parts::dispositions(timeline),
        overrides: parts::overrides(timeline),
        words: parts::words(timeline),
        contradictions: timeline.contradictions.values().fold(0, |sum, &messages| sum.saturating_add(messages)),
    }
}
