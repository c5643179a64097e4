//! Which days an answer is about, and what it is answered from: the options that all questions share.

use std::cell::Cell;
use std::path::PathBuf;

use anyhow::anyhow;
use jiff::civil::Date;

use super::context::Context;
use super::failure::{Failure, Status};
use super::ingest::{read_into, status};
use crate::query::{Bound, Window, WindowChoice};
use crate::report::period::{Day, day_of, end_of};
use crate::store::{Store, StoreError};
use crate::words::{list, plural};

/// The heading of these options in `--help`.
pub(super) const HEADING: &str = "Which reports";

/// Which days an answer is about, and what it is answered from.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Data {
    /// First day: 7d, 4w, 2026-11-01, all [default: 30d, with --input all]
    #[arg(short, long, value_name = "TIME", help_heading = HEADING)]
    since: Option<Bound>,
    /// Last day, today included with `today` [default: yesterday]
    #[arg(long, value_name = "TIME", help_heading = HEADING)]
    until: Option<Bound>,
    /// The day to take as today; makes an answer repeatable
    #[arg(long, value_name = "DATE", value_parser = date, help_heading = HEADING)]
    as_of: Option<Date>,
    /// Answer from these files, without a database
    #[arg(long, value_name = "FILE", num_args = 1.., help_heading = HEADING)]
    input: Vec<PathBuf>,
    /// How many of the files, and mails of mailboxes, were read.
    #[arg(skip)]
    read: Cell<Option<u64>>,
}

/// A store to answer from, and whether all of it could be read.
pub(super) type Opened = (Store, Status);

impl Data {
    /// Opens what the answer comes from; the status says whether all of it could be read.
    pub(super) fn open(&self, context: &Context) -> Result<Opened, Failure> {
        // What is wrong with the options is said before anything is read.
        self.window(context)?;
        if self.input.is_empty() {
            return Ok((context.open_to_read().map_err(or_from_files)?, Status::Done));
        }
        let mut store = context.for_owner(Store::in_memory()?);
        let summary = read_into(&mut store, &self.input, context, false, None)?;
        let (inputs, failed) = (summary.inputs, summary.failed.len() as u64);
        let named = || list(self.input.iter().map(|path| path.display()), 3);
        if inputs == 0 {
            return Err(Failure::Failed(anyhow!("no reports to answer from: there are no files in {}", named())));
        }
        if failed >= inputs {
            return Err(Failure::Failed(anyhow!("no reports to answer from: {} could not be read", named())));
        }
        self.read.set(Some(inputs - failed));
        Ok((store, status(&summary)))
    }

    /// Whether the database is answered from, and not files.
    pub(super) fn is_stored(&self) -> bool {
        self.input.is_empty()
    }

    /// Whether somebody said since when.
    pub(super) fn has_since(&self) -> bool {
        self.since.is_some()
    }

    /// The same of these last days.
    pub(super) fn over(&self, days: &str) -> Self {
        Data { since: days.parse().ok(), ..self.clone() }
    }

    /// What today is.
    pub(super) fn today(&self, context: &Context) -> Date {
        self.as_of.unwrap_or_else(|| context.today())
    }

    /// The end of today, in seconds since the epoch: what ends later is yet to come. An answer as of an earlier day still says
    /// which report is the newest.
    pub(super) fn now(&self, context: &Context) -> i64 {
        let clock = context.today();
        end_of(day_of(self.today(context).max(clock)))
    }

    /// What today is to reports: nothing where all days are asked for, or files, of which the last may be long ago, and nobody says.
    pub(super) fn today_of_reports(&self, window: Window, context: &Context) -> Option<Day> {
        let still_come = self.input.is_empty() && window.last != Day::MAX;
        (self.as_of.is_some() || still_come).then(|| day_of(self.today(context)))
    }

    pub(super) fn window(&self, context: &Context) -> Result<Window, Failure> {
        let month = || "30d".parse().unwrap_or(Bound::All);
        self.window_since(if self.input.is_empty() { month() } else { Bound::All }, context)
    }

    /// The window with another default for its beginning.
    pub(super) fn window_since(&self, default: Bound, context: &Context) -> Result<Window, Failure> {
        let today = self.today(context);
        let since = self.since.unwrap_or(default);
        WindowChoice { since, until: self.until, today }.window().map_err(Failure::Usage)
    }

    /// Why there are no reports at all.
    pub(super) fn why_none(&self) -> String {
        match self.read.get() {
            None => "`dmarcstat fetch` or `dmarcstat ingest FILE…` reads some".to_owned(),
            Some(read) => format!("{} read, none of them a report; -v says what they are", plural(read, "input")),
        }
    }
}

/// The error of a database that is missing, for commands that can answer without one.
fn or_from_files(failure: Failure) -> Failure {
    match failure {
        Failure::Failed(error) if matches!(error.downcast_ref(), Some(StoreError::Missing(_))) => {
            Failure::Failed(anyhow!("{error}, or answer from files with --input"))
        }
        failure => failure,
    }
}

/// A date as typed.
pub(super) fn date(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| format!("invalid date {text:?}: use one such as 2026-11-22"))
}
