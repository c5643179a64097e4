//! Machines that nothing authenticates and that send as the owner's own do: day by day, to everybody.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Weekday;

use super::impact::{DayFigures, failing};
use crate::diagnosis::SendingPath;
use crate::query::{PathFigures, Survey};
use crate::report::period::{Day, date_of};

/// The least share of a steady path's mail that comes from one address.
const ONE_ADDRESS: f64 = 0.9;
/// On more than this share of the working days, at reporters of more than this share of the mail.
const MOST: f64 = 0.5;
/// Fewer working days show no habit.
const DAYS: usize = 5;

/// What a review saw altogether, to hold a path against.
pub(super) struct Whole {
    working_days: BTreeSet<Day>,
    /// The messages of each reporter, by its place in [`Survey::reporter_names`].
    reporters: BTreeMap<u32, u64>,
    messages: u64,
}

impl Whole {
    pub(super) fn of(daily: &[DayFigures], survey: &Survey, paths: &[&SendingPath]) -> Self {
        let mut reporters: BTreeMap<u32, u64> = BTreeMap::new();
        for entry in paths.iter().flat_map(|path| survey.tally.entries(path.figures)).filter(|one| one.messages > 0) {
            let sum = reporters.entry(survey.tally.report(entry).reporter).or_default();
            *sum = sum.saturating_add(entry.messages);
        }
        let works = |day: &&DayFigures| day.messages > 0 && is_working_day(day.day);
        Whole {
            working_days: daily.iter().filter(works).map(|one| one.day).collect(),
            messages: reporters.values().fold(0, |sum, &messages| sum.saturating_add(messages)),
            reporters,
        }
    }

    /// Whether what came last on a day still comes: on one of the last working days.
    fn goes_on(&self, last: Day) -> bool {
        self.working_days.iter().nth_back(1).is_some_and(|&day| last >= day)
    }

    /// Whether a path has a hundredth of the mail, from one address, day by day: spoofers come in bursts and from many addresses; a
    /// printer, a script or a server that SPF does not name does not. Certainly it is where one reporter less leaves days enough.
    pub(super) fn has_steady(&self, path: &SendingPath, survey: &Survey, certainly: bool) -> bool {
        let is_large = || failing(path).saturating_mul(100) >= self.messages;
        let of_one_address = || {
            let addresses = survey.tally.addresses(path.figures);
            let busiest = addresses.iter().map(|one| one.dkim.iter().sum::<u64>()).max().unwrap_or(0);
            busiest as f64 >= ONE_ADDRESS * path.messages as f64
        };
        is_large() && of_one_address() && self.comes_daily(&[path], survey, DAYS, certainly)
    }

    /// Whether some paths together come on most working days, of at least so many, and at the reporters of most of the mail. Of a few
    /// messages a day the many small reporters see none. What began within the window is steady since then. One reporter alone never
    /// says so where there are others; certainly it is where the days without the reporter that tells of most are enough.
    pub(super) fn comes_daily(
        &self,
        paths: &[&SendingPath],
        survey: &Survey,
        at_least: usize,
        certainly: bool,
    ) -> bool {
        let days = |of: fn(&PathFigures) -> Day| paths.iter().map(move |path| of(&survey.paths[path.figures]));
        let (first, last) = (days(|path| path.first).min(), days(|path| path.last).max());
        let (Some(first), Some(last)) = (first, last) else { return false };
        // What began within the window and goes on is held against the days since.
        let since = if self.goes_on(last) { first } else { Day::MIN };
        let working_days = self.working_days.range(since..).count();
        if working_days < at_least {
            return false;
        }
        let mut seen: BTreeMap<u32, BTreeSet<Day>> = BTreeMap::new();
        for entry in paths.iter().flat_map(|path| survey.tally.entries(path.figures)) {
            let report = survey.tally.report(entry);
            seen.entry(report.reporter).or_default().insert(report.day);
        }
        let most = seen.iter().max_by_key(|(_, days)| days.len()).map(|(&at, _)| at);
        let lone = most.filter(|_| certainly && self.reporters.len() > 1);
        let others = seen.iter().filter(|(at, _)| lone != Some(**at));
        let days: BTreeSet<Day> = others.flat_map(|(_, days)| days).copied().collect();
        let working = days.into_iter().filter(|&day| is_working_day(day)).count();
        let seen_of = seen
            .keys()
            .filter_map(|at| self.reporters.get(at))
            .fold(0u64, |sum, &messages| sum.saturating_add(messages));
        working as f64 > MOST * working_days as f64
            && seen_of as f64 > MOST * self.messages as f64
            && seen.len() >= self.reporters.len().min(2)
    }
}

fn is_working_day(day: Day) -> bool {
    !matches!(date_of(day).weekday(), Weekday::Saturday | Weekday::Sunday)
}
