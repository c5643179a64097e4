//! What each question about reports needs, and its answer: for the command line, the folder of pages and any other front end.
//!
//! A front end opens a store, says in a [`Question`] which days and domains it is about, what is known of senders and what day it
//! is, and shows what comes back ([`render`](crate::render)). Most questions are asked of a [`Look`] at the records; where the
//! window holds no reports there is none.

mod changes;
mod explain;
mod findings;
mod known;
mod look;
mod paths;
mod readiness;
mod selectors;
mod tls;

use jiff::civil::Date;

use crate::diagnosis::Basis;
use crate::query::{ReporterDays, Survey, Window};
use crate::report::period::{Day, rfc3339};
use crate::store::{Store, StoreError};

pub use explain::Asked;
pub use known::{Known, UnknownProvider};
pub use look::Look;
pub use readiness::{Genuine, Reviewing};
pub use tls::tls;

/// Days before a window that are looked at, to know what pauses of reporters are usual.
const HISTORY: Day = 90;

/// What a question is asked of.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// The reports.
    pub store: &'q Store,
    /// What is known of senders, and how paths are judged.
    pub known: &'q Known,
    /// The days.
    pub window: Window,
    /// The domains, with those below them; none for all.
    pub domains: &'q [String],
    /// What today is.
    pub today: Date,
    /// What today is to reports; nothing where all days are asked for, or files, of which the last may be long ago, and nobody
    /// says.
    pub today_of_reports: Option<Day>,
    /// What ends later, in seconds since the epoch, is yet to come.
    pub now: i64,
}

impl Question<'_> {
    /// What today is to reports. Where nobody says, it is the day after the last that there are reports on: what stops with all of
    /// them is not missed.
    fn today_beside(&self, reporter_days: &[ReporterDays]) -> Day {
        let last = || reporter_days.iter().filter_map(|one| one.days.keys().next_back()).max();
        self.today_of_reports.unwrap_or_else(|| last().copied().unwrap_or(Day::MIN).saturating_add(1))
    }

    /// The end of the newest report.
    fn newest_report(&self) -> Result<Option<String>, StoreError> {
        Ok(self.store.newest_report(self.now)?.map(rfc3339))
    }

    /// What an answer from these figures is made of.
    fn basis(&self, survey: &Survey, days: (Day, Day)) -> Result<Basis, StoreError> {
        Ok(Basis::of(survey, self.window, days, self.newest_report()?))
    }
}
