//! Messages by DKIM state.

use serde::Serialize;

use crate::alignment::DkimState;
use crate::report::period::Day;

/// Messages by DKIM state, in the order of [`DkimState::ALL`].
pub type States = [u64; 5];

pub(super) const ALIGNED: usize = DkimState::Aligned as usize;

pub(super) const UNALIGNED: usize = DkimState::Unaligned as usize;

pub(super) const BROKEN: usize = DkimState::Broken as usize;

pub(super) const UNSIGNED: usize = DkimState::Unsigned as usize;

/// What is true of more than half of the messages that it could be true of is what a path is about.
pub(super) const MOSTLY: f64 = 0.5;

/// The messages whose state is known.
pub(super) fn known(states: &States) -> u64 {
    states[ALIGNED] + states[UNALIGNED] + states[BROKEN] + states[UNSIGNED]
}

/// A part of a whole; nothing of nothing.
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

pub(super) fn add(sums: &mut States, more: &States) {
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum += more;
    }
}

/// What one reporter saw of a path on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) day: Day,
    /// Its place in [`Survey::reporter_names`](crate::query::Survey::reporter_names).
    pub(super) reporter: u32,
    pub(super) states: States,
}

/// Messages by reporter, in the order of their places.
pub(super) fn by_reporter(cells: &[Cell]) -> Vec<(u32, States)> {
    let mut sums: Vec<(u32, States)> = Vec::new();
    for cell in cells {
        match sums.binary_search_by_key(&cell.reporter, |one| one.0) {
            Ok(at) => add(&mut sums[at].1, &cell.states),
            Err(at) => sums.insert(at, (cell.reporter, cell.states)),
        }
    }
    sums
}

/// Messages by DKIM state; the five add up to the path's messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names are the states'")]
pub struct DkimFigures {
    pub aligned: u64,
    pub unaligned: u64,
    pub broken: u64,
    pub unsigned: u64,
    pub unknown: u64,
}

impl DkimFigures {
    /// The states with their messages, in the order of [`DkimState::ALL`].
    #[must_use]
    pub fn named(&self) -> [(&'static str, u64); 5] {
        let counts = [self.aligned, self.unaligned, self.broken, self.unsigned, self.unknown];
        std::array::from_fn(|at| (DkimState::ALL[at].as_str(), counts[at]))
    }
}

impl From<States> for DkimFigures {
    fn from(states: States) -> Self {
        let count = |state: DkimState| states[usize::from(state.code())];
        DkimFigures {
            aligned: count(DkimState::Aligned),
            unaligned: count(DkimState::Unaligned),
            broken: count(DkimState::Broken),
            unsigned: count(DkimState::Unsigned),
            unknown: count(DkimState::Unknown),
        }
    }
}
