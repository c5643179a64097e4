//! How many messages of a path have some property, as far as reporters agree.

use super::alone::settle;
use super::gather::Gathered;
use crate::diagnosis::states::{ALIGNED, Cell, UNSIGNED, by_reporter, share};

/// Which messages of a path have something, as far as reporters agree: what one alone claims is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::diagnosis) struct Agreed {
    /// By reporter, in the order of their places, those that have it and those that have not.
    reporters: Vec<(u32, [u64; 2])>,
    /// It was seen on more than one day.
    pub(in crate::diagnosis) several_days: bool,
}

impl Agreed {
    /// Of those that have it and those that have not.
    pub(in crate::diagnosis) fn of(gathered: impl Iterator<Item = Gathered<2>>, few: f64) -> Self {
        let cell = |one: Gathered<2>| {
            let mut states = [0; 5];
            (states[ALIGNED], states[UNSIGNED]) = (one.sums[0], one.sums[1]);
            Cell { day: one.day, reporter: one.reporter, states }
        };
        let cells = settle(gathered.map(cell).collect(), few).cells;
        let mut seen = cells.iter().filter(|cell| cell.states[ALIGNED] > 0).map(|cell| cell.day);
        let first = seen.next();
        let several_days = seen.any(|day| Some(day) != first);
        let reporters = by_reporter(&cells).into_iter();
        let reporters = reporters.map(|(reporter, states)| (reporter, [states[ALIGNED], states[UNSIGNED]])).collect();
        Agreed { reporters, several_days }
    }

    /// The messages that have it.
    pub(in crate::diagnosis) fn messages(&self) -> u64 {
        self.reporters.iter().map(|(_, one)| one[0]).sum()
    }

    /// The messages that have it, and all.
    pub(in crate::diagnosis) fn of_all(&self) -> (u64, u64) {
        (self.messages(), self.reporters.iter().map(|(_, one)| one[0] + one[1]).sum())
    }

    /// The reporters that saw it.
    pub(in crate::diagnosis) fn witnesses(&self) -> usize {
        self.reporters.iter().filter(|(_, one)| one[0] > 0).count()
    }

    /// The messages that have it, and all; or both without the reporter that saw most without it, where that makes a larger
    /// share: no single one can take it from a path.
    pub(in crate::diagnosis) fn weighed(&self) -> (u64, u64) {
        let (all, rest) = (self.of_all(), self.but_for_one());
        if share(rest.0, rest.1) > share(all.0, all.1) { rest } else { all }
    }

    fn but_for_one(&self) -> (u64, u64) {
        let (messages, all) = self.of_all();
        let most = self.reporters.iter().map(|(_, one)| *one).max_by_key(|one| (one[1], one[0])).unwrap_or_default();
        (messages - most[0], all - most[0] - most[1])
    }
}
