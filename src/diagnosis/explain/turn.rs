//! The days on which a path changed, and what was before and after.
//!
//! A change that only one reporter shows, while others saw the same path on the same days without it, is reported with that
//! reporter's name. An effect of different reporters reporting on different days is not a change.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::PartAnswer;
use crate::alignment::DkimState;
use crate::diagnosis::change_points::{DIFFERENT, Segment, distance, segments};
use crate::diagnosis::dates::shown;
use crate::query::{PartFigures, Survey, Timeline};
use crate::report::period::Day;
use crate::words::percent_of;

/// A day on which a path changed.
#[derive(Debug, Clone, Serialize)]
pub struct Turn {
    /// The first day after the change.
    pub day: String,
    /// What changed.
    pub what: TurnSubject,
    /// For better or worse.
    pub kind: TurnKind,
    /// In words.
    pub text: String,
    /// The days before, back to the change before that.
    pub before: Stay,
    /// The days after, up to the next change.
    pub after: Stay,
    /// Reporters that show it.
    pub reporters: Vec<String>,
    /// Reporters that saw the path before and after, and show nothing of it.
    pub unchanged_at: Vec<String>,
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TurnSubject {
    /// The DKIM states.
    Dkim,
    /// The share of aligned SPF.
    Spf,
}

/// For better or worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TurnKind {
    /// More is aligned.
    Mended,
    /// Less is aligned.
    Worse,
    /// As much is aligned, and the rest is otherwise.
    Changed,
}

/// Some days, and what the path did on them.
#[derive(Debug, Clone, Serialize)]
pub struct Stay {
    /// The first.
    pub begin: String,
    /// The last.
    pub end: String,
    /// The figures of these days.
    #[serde(flatten)]
    pub figures: PartAnswer,
}

/// Reporters with fewer messages before or after say nothing of a change.
const FEW: u64 = 5;

/// The turns of a path, in the order of their days.
pub(super) fn turns(timeline: &Timeline, survey: &Survey) -> Vec<Turn> {
    let mut found = turns_of(timeline, survey, TurnSubject::Dkim, &dkim_counts);
    found.extend(turns_of(timeline, survey, TurnSubject::Spf, &spf_counts));
    found.sort_by_key(|(day, turn)| (*day, turn.what == TurnSubject::Spf));
    found.into_iter().map(|(_, turn)| turn).collect()
}

fn dkim_counts(figures: &PartFigures) -> [u64; 4] {
    [DkimState::Aligned, DkimState::Unaligned, DkimState::Broken, DkimState::Unsigned]
        .map(|state| figures.in_state(state))
}

fn spf_counts(figures: &PartFigures) -> [u64; 4] {
    [figures.spf_aligned, figures.messages.saturating_sub(figures.spf_aligned), 0, 0]
}

fn turns_of(
    timeline: &Timeline,
    survey: &Survey,
    what: TurnSubject,
    counts: &impl Fn(&PartFigures) -> [u64; 4],
) -> Vec<(Day, Turn)> {
    let mut days: BTreeMap<Day, PartFigures> = BTreeMap::new();
    for cell in &timeline.cells {
        days.entry(cell.day).or_default().extend(&cell.figures);
    }
    let series: Vec<(Day, [u64; 4])> = days.iter().map(|(&day, figures)| (day, counts(figures))).collect();
    let mut stays = segments(&series);
    // A seam that no reporter shows joins its neighbours.
    let mut at = 1;
    while at < stays.len() {
        let (showing, _) = witnesses(timeline, &stays[at - 1], &stays[at], counts);
        if showing.is_empty() {
            let next = stays.remove(at);
            stays[at - 1] = Segment {
                last: next.last,
                sums: crate::diagnosis::change_points::add(stays[at - 1].sums, next.sums),
                ..stays[at - 1]
            };
        } else {
            at += 1;
        }
    }
    stays
        .windows(2)
        .map(|pair| {
            let (showing, unchanged) = witnesses(timeline, &pair[0], &pair[1], counts);
            let names = |places: BTreeSet<u32>| -> Vec<String> {
                let mut names: Vec<String> =
                    places.into_iter().filter_map(|place| survey.reporter_names.get(place as usize).cloned()).collect();
                names.sort_unstable();
                names
            };
            let kind = kind(&pair[0], &pair[1]);
            let turn = Turn {
                day: shown(pair[1].first),
                what,
                kind,
                text: words(what, &pair[0], &pair[1]),
                before: stay(&days, &pair[0]),
                after: stay(&days, &pair[1]),
                reporters: names(showing),
                unchanged_at: names(unchanged),
            };
            (pair[1].first, turn)
        })
        .collect()
}

/// The reporters that show a change, and those that saw enough on both sides and do not.
fn witnesses(
    timeline: &Timeline,
    before: &Segment<4>,
    after: &Segment<4>,
    counts: &impl Fn(&PartFigures) -> [u64; 4],
) -> (BTreeSet<u32>, BTreeSet<u32>) {
    let mut sides: BTreeMap<u32, [PartFigures; 2]> = BTreeMap::new();
    for cell in &timeline.cells {
        for (side, stay) in [before, after].into_iter().enumerate() {
            if (stay.first..=stay.last).contains(&cell.day) {
                sides.entry(cell.reporter).or_default()[side].extend(&cell.figures);
            }
        }
    }
    let known = |counts: [u64; 4]| counts.iter().fold(0_u64, |sum, &count| sum.saturating_add(count));
    let (mut showing, mut unchanged) = (BTreeSet::new(), BTreeSet::new());
    for (reporter, [left, right]) in &sides {
        let (left, right) = (counts(left), counts(right));
        if known(left).min(known(right)) < FEW {
            continue;
        }
        let towards = share(right, 0) - share(left, 0);
        let overall = share(after.sums, 0) - share(before.sums, 0);
        if distance(left, right) >= DIFFERENT && towards * overall >= 0.0 {
            showing.insert(*reporter);
        } else if distance(left, right) < DIFFERENT / 2.0 {
            unchanged.insert(*reporter);
        }
    }
    if sides.len() == 1 || sides.values().all(|[left, right]| known(counts(left)).min(known(counts(right))) < FEW) {
        // Nobody saw enough of both sides: the days themselves are the witness.
        showing.extend(sides.keys());
    }
    (showing, unchanged)
}

fn share(counts: [u64; 4], state: usize) -> f64 {
    let all = counts.iter().fold(0_u64, |sum, &count| sum.saturating_add(count));
    if all == 0 { 0.0 } else { counts[state] as f64 / all as f64 }
}

fn kind(before: &Segment<4>, after: &Segment<4>) -> TurnKind {
    // A change among what is not aligned may move the aligned share a little.
    match share(after.sums, 0) - share(before.sums, 0) {
        gained if gained >= 0.1 => TurnKind::Mended,
        lost if lost <= -0.1 => TurnKind::Worse,
        _ => TurnKind::Changed,
    }
}

fn words(what: TurnSubject, before: &Segment<4>, after: &Segment<4>) -> String {
    let states = match what {
        TurnSubject::Dkim => ["aligned", "unaligned", "broken", "unsigned"],
        TurnSubject::Spf => ["SPF aligned", "SPF not aligned", "", ""],
    };
    // What moved most.
    let moved = |sign: f64| {
        (0..4)
            .map(|state| (state, sign * (share(after.sums, state) - share(before.sums, state))))
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .map_or(0, |(state, _)| state)
    };
    let (less, more) = (moved(-1.0), moved(1.0));
    format!(
        "{} {} → {}, {} {} → {}",
        states[less],
        percent_of(share(before.sums, less)),
        percent_of(share(after.sums, less)),
        states[more],
        percent_of(share(before.sums, more)),
        percent_of(share(after.sums, more)),
    )
}

fn stay(days: &BTreeMap<Day, PartFigures>, segment: &Segment<4>) -> Stay {
    let mut figures = PartFigures::default();
    for (_, one) in days.range(segment.first..=segment.last) {
        figures.extend(one);
    }
    Stay { begin: shown(segment.first), end: shown(segment.last), figures: PartAnswer::from(&figures) }
}
