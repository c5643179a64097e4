//! The parts of a path: by day, reporter, signature, SPF domain, address and network.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Serialize;

use crate::alignment::{Disposition, DkimState, ReasonCode};
use crate::diagnosis::change_points::distance;
use crate::diagnosis::dates::shown;
use crate::diagnosis::path::SendingPath;
use crate::diagnosis::states::DkimFigures;
use crate::domain;
use crate::query::{KeyResults, PartFigures, PathKey, Survey, Timeline, WordsKey};
use crate::report::period::Day;

/// The figures of a part of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PartAnswer {
    /// Messages.
    pub messages: u64,
    /// By DKIM state.
    pub dkim: DkimFigures,
    /// With aligned SPF.
    pub spf_aligned: u64,
    /// Passed DMARC.
    pub dmarc_pass: u64,
}

impl From<&PartFigures> for PartAnswer {
    fn from(figures: &PartFigures) -> Self {
        PartAnswer {
            messages: figures.messages,
            dkim: DkimFigures {
                aligned: figures.in_state(DkimState::Aligned),
                unaligned: figures.in_state(DkimState::Unaligned),
                broken: figures.in_state(DkimState::Broken),
                unsigned: figures.in_state(DkimState::Unsigned),
                unknown: figures.in_state(DkimState::Unknown),
            },
            spf_aligned: figures.spf_aligned,
            dmarc_pass: figures.dmarc_pass,
        }
    }
}

impl From<&SendingPath> for PartAnswer {
    fn from(path: &SendingPath) -> Self {
        PartAnswer {
            messages: path.messages,
            dkim: path.dkim,
            spf_aligned: path.spf_aligned,
            dmarc_pass: path.dmarc_pass,
        }
    }
}

/// A day of a path.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct DayPart {
    /// The day.
    #[serde(serialize_with = "crate::diagnosis::dates::as_date")]
    pub day: Day,
    /// Its figures.
    #[serde(flatten)]
    pub figures: PartAnswer,
}

/// What a reporter says of a path.
#[derive(Debug, Clone, Serialize)]
pub struct ReporterPart {
    /// The reporter.
    pub reporter: String,
    /// Its figures.
    #[serde(flatten)]
    pub figures: PartAnswer,
    /// First day on which it reported the path.
    pub first_seen: String,
    /// Last day on which it did.
    pub last_seen: String,
    /// Whether it sees the path as at least half of the others do, each on the days that both saw it; absent where there is
    /// too little to compare.
    pub agrees: Option<bool>,
    /// Messages whose evaluation disagrees with what the same record lists.
    pub contradictions: u64,
}

/// A signature on a path's messages.
#[derive(Debug, Clone, Serialize)]
pub struct SignaturePart {
    /// `d=`.
    pub signing_domain: String,
    /// `s=`; absent where reporters do not name it.
    pub selector: Option<String>,
    /// Whether it aligns with the path's domain (relaxed).
    pub aligns: bool,
    /// Messages that carry it.
    pub messages: u64,
    /// Messages by result, those of zero left out.
    pub results: KeyResults,
    /// First day seen.
    pub first_seen: String,
    /// Last day seen.
    pub last_seen: String,
    /// Last day on which it verified.
    pub last_verified: Option<String>,
}

/// An SPF check on a path's messages.
#[derive(Debug, Clone, Serialize)]
pub struct SpfPart {
    /// The domain that was checked.
    pub domain: Option<String>,
    /// `mfrom` or `helo`, where the reporter says.
    pub scope: Option<&'static str>,
    /// The result.
    pub result: &'static str,
    /// Whether the domain aligns with the path's (relaxed).
    pub aligns: bool,
    /// Messages.
    pub messages: u64,
}

/// A machine of a path.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct AddressPart {
    /// Its address.
    pub ip: IpAddr,
    /// Its figures.
    #[serde(flatten)]
    pub figures: PartAnswer,
    /// First day seen.
    #[serde(serialize_with = "crate::diagnosis::dates::as_date")]
    pub first_seen: Day,
    /// Last day seen.
    #[serde(serialize_with = "crate::diagnosis::dates::as_date")]
    pub last_seen: Day,
}

/// A network of a path's machines.
#[derive(Debug, Clone, Serialize)]
pub struct NetworkPart {
    /// A /24 or a /48.
    pub network: String,
    /// How many machines.
    pub addresses: u64,
    /// Its figures.
    #[serde(flatten)]
    pub figures: PartAnswer,
    /// First day seen.
    #[serde(serialize_with = "crate::diagnosis::dates::as_date")]
    pub first_seen: Day,
    /// Last day seen.
    #[serde(serialize_with = "crate::diagnosis::dates::as_date")]
    pub last_seen: Day,
}

/// What was done with messages; the figures add up to the path's messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names are the dispositions'")]
pub struct Dispositions {
    pub none: u64,
    pub pass: u64,
    pub quarantine: u64,
    pub reject: u64,
    pub unknown: u64,
}

/// A reason for overriding a policy.
#[derive(Debug, Clone, Serialize)]
pub struct OverridePart {
    /// The kind.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The comment.
    pub comment: Option<String>,
    /// Messages.
    pub messages: u64,
}

/// What receivers write for people beside results that are no pass (`human_result`).
#[derive(Debug, Clone, Serialize)]
pub struct WordsPart {
    /// `dkim` or `spf`.
    pub about: &'static str,
    /// What it means; absent where that is not known.
    pub code: Option<&'static str>,
    /// The text as it is written, where its meaning is not known.
    pub text: Option<String>,
    /// Messages.
    pub messages: u64,
}

/// Fewer are not compared.
const FEW: u64 = 5;
/// Further apart than this, two reporters see different things.
const CONTRADICTS: f64 = 0.5;
/// A reporter is compared with the largest others, so that thousands of them are bounded work.
const WITNESSES: usize = 50;

pub(super) fn some(figures: &PartFigures) -> Option<PartAnswer> {
    (figures.messages > 0).then(|| figures.into())
}

pub(super) fn days(timeline: &Timeline) -> Vec<DayPart> {
    let mut days: BTreeMap<Day, PartFigures> = BTreeMap::new();
    for cell in &timeline.cells {
        days.entry(cell.day).or_default().extend(&cell.figures);
    }
    days.iter().map(|(&day, figures)| DayPart { day, figures: figures.into() }).collect()
}

pub(super) fn reporters(timeline: &Timeline, survey: &Survey) -> Vec<ReporterPart> {
    let mut by_reporter: BTreeMap<u32, (PartFigures, Days)> = BTreeMap::new();
    for cell in &timeline.cells {
        let one = by_reporter.entry(cell.listed).or_default();
        one.0.extend(&cell.figures);
        one.1.entry(cell.day).or_default().extend(&cell.figures);
    }
    let mut largest: Vec<(u32, u64)> = by_reporter.iter().map(|(&place, one)| (place, one.0.messages)).collect();
    largest.sort_by_key(|&(place, messages)| (Reverse(messages), survey.listed_reporters.get(place as usize)));
    largest.truncate(WITNESSES);
    let mut parts: Vec<ReporterPart> = by_reporter
        .iter()
        .filter_map(|(&place, (figures, own))| {
            let others =
                largest.iter().filter(|(other, _)| *other != place).filter_map(|(other, _)| by_reporter.get(other));
            Some(ReporterPart {
                reporter: survey.listed_reporters.get(place as usize)?.clone(),
                figures: figures.into(),
                first_seen: shown(*own.keys().next()?),
                last_seen: shown(*own.keys().next_back()?),
                agrees: agrees(own, others.map(|(_, days)| days)),
                contradictions: timeline.contradictions.get(&place).copied().unwrap_or(0),
            })
        })
        .collect();
    parts.sort_by(|a, b| (Reverse(a.figures.messages), &a.reporter).cmp(&(Reverse(b.figures.messages), &b.reporter)));
    parts
}

/// A reporter's figures by day.
type Days = BTreeMap<Day, PartFigures>;

/// Whether a reporter sees a path as at least half of the others do, each on the days that both saw it.
fn agrees<'d>(own: &Days, others: impl Iterator<Item = &'d Days>) -> Option<bool> {
    let (mut for_it, mut against) = (0, 0);
    for other in others {
        let (mut mine, mut theirs) = ([0_u64; 4], [0_u64; 4]);
        for (day, figures) in own {
            let Some(beside) = other.get(day) else {
                continue;
            };
            for state in 0..4 {
                mine[state] = mine[state].saturating_add(figures.dkim[known(state)]);
                theirs[state] = theirs[state].saturating_add(beside.dkim[known(state)]);
            }
        }
        let sum = |counts: [u64; 4]| counts.iter().fold(0_u64, |sum, &count| sum.saturating_add(count));
        if sum(mine).min(sum(theirs)) < FEW {
            continue;
        }
        let tally = if distance(mine, theirs) < CONTRADICTS { &mut for_it } else { &mut against };
        *tally += 1;
    }
    (for_it + against > 0).then_some(for_it >= against)
}

/// The places of the states that say something.
fn known(at: usize) -> usize {
    let states = [DkimState::Aligned, DkimState::Unaligned, DkimState::Broken, DkimState::Unsigned];
    usize::from(states[at].code())
}

pub(super) fn signatures(path: &SendingPath, keys: &[PathKey<'_>]) -> Vec<SignaturePart> {
    let mut parts: Vec<SignaturePart> = keys
        .iter()
        .map(|key| SignaturePart {
            signing_domain: key.signing_domain.to_owned(),
            selector: key.selector.map(str::to_owned),
            aligns: domain::aligned(key.signing_domain, &path.domain),
            messages: key.seen.results.messages(),
            results: key.seen.results,
            first_seen: shown(key.seen.first),
            last_seen: shown(key.seen.last),
            last_verified: key.seen.last_verified.map(shown),
        })
        .collect();
    parts.sort_by(|a, b| {
        (Reverse(a.messages), &a.signing_domain, &a.selector).cmp(&(
            Reverse(b.messages),
            &b.signing_domain,
            &b.selector,
        ))
    });
    parts
}

pub(super) fn spf(path: &SendingPath, timeline: &Timeline) -> Vec<SpfPart> {
    let mut parts: Vec<SpfPart> = timeline
        .spf
        .iter()
        .map(|(key, &messages)| SpfPart {
            aligns: key.domain.as_ref().is_some_and(|name| domain::aligned(name, &path.domain)),
            domain: key.domain.clone(),
            scope: key.scope.map(|scope| scope.as_str()),
            result: key.result.as_str(),
            messages,
        })
        .collect();
    // The sort is stable, and the keys are in order.
    parts.sort_by_key(|part| Reverse(part.messages));
    parts
}

/// Worst first: by the messages that are not aligned, then by all of them.
fn worst(figures: &PartAnswer) -> (Reverse<u64>, Reverse<u64>) {
    (Reverse(figures.messages.saturating_sub(figures.dkim.aligned)), Reverse(figures.messages))
}

pub(super) fn addresses(timeline: &Timeline) -> Vec<AddressPart> {
    let mut parts: Vec<AddressPart> = timeline
        .addresses
        .iter()
        .map(|(&ip, one)| AddressPart {
            ip,
            figures: (&one.figures).into(),
            first_seen: one.first,
            last_seen: one.last,
        })
        .collect();
    parts.sort_by_key(|part| worst(&part.figures));
    parts
}

/// The network of an address, which names a sender that nothing else names.
fn network(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(v4) => format!("{}/24", Ipv4Addr::from(u32::from(v4) & 0xffff_ff00)),
        IpAddr::V6(v6) => format!("{}/48", Ipv6Addr::from(u128::from(v6) & (u128::MAX << 80))),
    }
}

pub(super) fn networks(timeline: &Timeline) -> Vec<NetworkPart> {
    let mut sums: BTreeMap<String, (PartFigures, BTreeSet<IpAddr>, Day, Day)> = BTreeMap::new();
    for (&ip, one) in &timeline.addresses {
        let sum =
            sums.entry(network(ip)).or_insert_with(|| (PartFigures::default(), BTreeSet::new(), Day::MAX, Day::MIN));
        sum.0.extend(&one.figures);
        sum.1.insert(ip);
        sum.2 = sum.2.min(one.first);
        sum.3 = sum.3.max(one.last);
    }
    let mut parts: Vec<NetworkPart> = sums
        .into_iter()
        .map(|(network, (figures, addresses, first_seen, last_seen))| NetworkPart {
            network,
            addresses: addresses.len() as u64,
            figures: (&figures).into(),
            first_seen,
            last_seen,
        })
        .collect();
    parts.sort_by_key(|part| worst(&part.figures));
    parts
}

pub(super) fn dispositions(timeline: &Timeline) -> Dispositions {
    let of = |disposition: Option<Disposition>| timeline.dispositions.get(&disposition).copied().unwrap_or(0);
    Dispositions {
        none: of(Some(Disposition::None)),
        pass: of(Some(Disposition::Pass)),
        quarantine: of(Some(Disposition::Quarantine)),
        reject: of(Some(Disposition::Reject)),
        unknown: of(None).saturating_add(of(Some(Disposition::Unknown))),
    }
}

pub(super) fn overrides(timeline: &Timeline) -> Vec<OverridePart> {
    let mut parts: Vec<OverridePart> = timeline
        .overrides
        .iter()
        .map(|(key, &messages)| OverridePart { kind: key.kind.as_str(), comment: key.comment.clone(), messages })
        .collect();
    parts.sort_by_key(|part| Reverse(part.messages));
    parts
}

pub(super) fn words(timeline: &Timeline) -> Vec<WordsPart> {
    let part = |(key, &messages): (&WordsKey, &u64)| WordsPart {
        about: if key.of_dkim { "dkim" } else { "spf" },
        code: key.code.map(ReasonCode::as_str),
        text: key.text.clone(),
        messages,
    };
    let mut parts: Vec<WordsPart> = timeline.words.iter().map(part).collect();
    parts.sort_by_key(|part| Reverse(part.messages));
    parts
}
