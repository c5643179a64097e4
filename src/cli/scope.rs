//! Which days, domains and data a question is about: the options that all questions share.

use std::cell::Cell;
use std::path::PathBuf;

use anyhow::anyhow;
use jiff::civil::Date;

use super::context::Context;
use super::failure::{Failure, Status};
use super::ingest::{read_into, status};
use super::live::Live;
use super::resolve::{Resolving, Wanted};
use crate::answer::{Known, Look, Question};
use crate::domain::{self, is_among};
use crate::query::{Bound, Window, WindowChoice, survey};
use crate::report::period::{Day, date_of, day_of, end_of};
use crate::store::{Store, StoreError};
use crate::words::{list, plural};

/// The heading of these options in `--help`.
pub(super) const HEADING: &str = "Which reports";

/// Which days, domains and data a question is about.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Scope {
    /// First day: 7d, 4w, 2026-11-01, all [default: 30d, with --input all]
    #[arg(short, long, value_name = "TIME", help_heading = HEADING)]
    since: Option<Bound>,
    /// Last day, today included with `today` [default: yesterday]
    #[arg(long, value_name = "TIME", help_heading = HEADING)]
    until: Option<Bound>,
    /// The day to take as today; makes an answer repeatable
    #[arg(long, value_name = "DATE", value_parser = date, help_heading = HEADING)]
    as_of: Option<Date>,
    /// Only this domain and its subdomains (repeatable)
    #[arg(short, long, value_name = "DOMAIN", help_heading = HEADING)]
    domain: Vec<String>,
    /// Answer from these files, without a database
    #[arg(long, value_name = "FILE", num_args = 1.., help_heading = HEADING)]
    input: Vec<PathBuf>,
    #[command(flatten)]
    resolving: Resolving,
    /// What came of reading the files.
    #[arg(skip)]
    read: Cell<Option<ReadFiles>>,
}

/// What came of reading the files of `--input`.
#[derive(Debug, Clone, Copy)]
struct ReadFiles {
    /// Files, and mails of mailboxes.
    inputs: u64,
    /// Those that could not be opened.
    failed: u64,
}

/// What a question about paths is asked of.
pub(super) struct Asked {
    pub(super) window: Window,
    pub(super) domains: Vec<String>,
    pub(super) store: Store,
    /// Whether all of it could be read.
    pub(super) status: Status,
    pub(super) known: Known,
    today: Date,
    today_of_reports: Option<Day>,
    now: i64,
}

impl Asked {
    /// The question, without the options that it comes from.
    pub(super) fn question(&self) -> Question<'_> {
        Question {
            store: &self.store,
            known: &self.known,
            window: self.window,
            domains: &self.domains,
            today: self.today,
            today_of_reports: self.today_of_reports,
            now: self.now,
        }
    }

    /// The data, gone through once.
    ///
    /// # Errors
    /// There is none, with what there is; or those of the store.
    pub(super) fn look(&self, scope: &Scope) -> Result<Look<'_>, Failure> {
        self.question().look()?.ok_or_else(|| scope.no_data(&self.store, self.window))
    }
}

/// A store to answer from, and whether all of it could be read.
pub(super) type Opened = (Store, Status);

impl Scope {
    /// Opens all that a question about paths needs.
    pub(super) fn ask(&self, context: &Context) -> Result<Asked, Failure> {
        self.ask_of(self.open(context)?, context)
    }

    /// The same of what is open already: several questions can be asked of files that are read once.
    pub(super) fn ask_of(&self, opened: Opened, context: &Context) -> Result<Asked, Failure> {
        self.asked(self.window(context)?, self.domains(context)?, opened, self.resolving.wanted(), context)
    }

    /// The same for answers that are to be repeatable: nobody is asked for host names unless that was asked for.
    pub(super) fn ask_repeatably(
        &self,
        window: Window,
        domains: Vec<String>,
        opened: Opened,
        context: &Context,
    ) -> Result<Asked, Failure> {
        let wanted = self.resolving.wanted().filter(|wanted| *wanted == Wanted::Uncatalogued);
        self.asked(window, domains, opened, wanted, context)
    }

    fn asked(
        &self,
        window: Window,
        domains: Vec<String>,
        (store, status): Opened,
        wanted: Option<Wanted>,
        context: &Context,
    ) -> Result<Asked, Failure> {
        let known = self.known_with(wanted, &store, window, &domains, context)?;
        let (today, now, today_of_reports) =
            (self.today(context), self.now(context), self.today_of_reports(window, context));
        Ok(Asked { window, domains, store, status, known, today, today_of_reports, now })
    }

    /// Opens what the answer comes from; the status says whether all of it could be read.
    pub(super) fn open(&self, context: &Context) -> Result<Opened, Failure> {
        // What is wrong with the options is said before anything is read.
        self.window(context)?;
        self.domains(context)?;
        if self.input.is_empty() {
            return Ok((context.open_to_read().map_err(or_from_files)?, Status::Done));
        }
        let mut store = context.for_owner(Store::in_memory()?);
        let summary = read_into(&mut store, &self.input, context, false, None)?;
        self.read.set(Some(ReadFiles { inputs: summary.inputs, failed: summary.failed.len() as u64 }));
        Ok((store, status(&summary)))
    }

    /// The same of these last days, where nobody said since when.
    pub(super) fn since_if_unsaid(&self, days: &str) -> Self {
        if self.since.is_some() { self.clone() } else { self.over(days) }
    }

    /// The same of these last days.
    pub(super) fn over(&self, days: &str) -> Self {
        Scope { since: days.parse().ok(), ..self.clone() }
    }

    /// Refuses the options for host names, where the answer has none of senders.
    pub(super) fn names_nobody(&self) -> Result<(), Failure> {
        if self.resolving.is_asked() {
            let text =
                "--resolve and --resolver find names of senders, which are not part of this answer: leave them out";
            return Err(Failure::Usage(text.to_owned()));
        }
        Ok(())
    }

    /// Whom to ask about live DNS records.
    pub(super) fn live(&self) -> &Live {
        self.resolving.live()
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

    /// What is known of senders: with the host names that the database has, and, where they are to be looked up, those of the
    /// paths in this window that lack a name.
    pub(super) fn known(
        &self,
        store: &Store,
        window: Window,
        domains: &[String],
        context: &Context,
    ) -> Result<Known, Failure> {
        self.known_with(self.resolving.wanted(), store, window, domains, context)
    }

    fn known_with(
        &self,
        wanted: Option<Wanted>,
        store: &Store,
        window: Window,
        domains: &[String],
        context: &Context,
    ) -> Result<Known, Failure> {
        let mut known = context.known()?;
        self.resolving.recall(&mut known, store, context)?;
        if let Some(wanted) = wanted {
            let survey = survey(store, window, domains, known.knowledge())?;
            self.resolving.look_up(&survey, wanted, &mut known, self.input.is_empty(), context)?;
        }
        Ok(known)
    }

    pub(super) fn window(&self, context: &Context) -> Result<Window, Failure> {
        let month = || "30d".parse().unwrap_or(Bound::All);
        self.window_since(if self.input.is_empty() { month() } else { Bound::All }, context)
    }

    /// Whether domains were named.
    pub(super) fn has_domains(&self) -> bool {
        !self.domain.is_empty()
    }

    /// The window with another default for its beginning.
    pub(super) fn window_since(&self, default: Bound, context: &Context) -> Result<Window, Failure> {
        let today = self.today(context);
        let since = self.since.unwrap_or(default);
        WindowChoice { since, until: self.until, today }.window().map_err(Failure::Usage)
    }

    pub(super) fn domains(&self, context: &Context) -> Result<Vec<String>, Failure> {
        context.asked_domains(self.domain.iter().map(|text| domain_name(text)).collect::<Result<_, _>>()?)
    }

    /// Why none of the files was read, where that is so.
    pub(super) fn nothing_read(&self) -> Option<String> {
        let named = || list(self.input.iter().map(|path| path.display()), 3);
        match self.read.get()? {
            ReadFiles { inputs: 0, .. } => Some(format!("there are no files in {}", named())),
            ReadFiles { inputs, failed } if failed >= inputs => Some(format!("{} could not be read", named())),
            ReadFiles { .. } => None,
        }
    }

    /// Why there are no reports at all.
    fn why_none(&self) -> String {
        self.nothing_read().unwrap_or_else(|| match self.read.get() {
            None => "`dmarcstat fetch` or `dmarcstat ingest FILE…` reads some".to_owned(),
            Some(ReadFiles { inputs, failed }) => {
                let read = plural(inputs - failed, "input");
                format!("{read} read, none of them a report; -v says what they are")
            }
        })
    }

    /// The error of having nothing to answer from, with what there is.
    pub(super) fn no_data(&self, store: &Store, window: Window) -> Failure {
        let named: Result<Vec<String>, _> = self.domain.iter().map(|text| domain_name(text)).collect();
        named.map_or_else(|failure| failure, |domains| self.no_data_on(&domains, store, window))
    }

    /// The same of domains that need not be those of the option.
    pub(super) fn no_data_on(&self, asked: &[String], store: &Store, window: Window) -> Failure {
        match store.foreign_domains() {
            Ok(foreign) if !asked.is_empty() => {
                let those = foreign.iter().map(|one| one.domain.as_str()).filter(|name| is_among(name, asked));
                if let Some(failure) = not_the_owners("reports", "reports --foreign", those) {
                    return failure;
                }
            }
            Ok(_) => {}
            Err(error) => return error.into(),
        }
        let totals = match store.day_totals(Day::MIN, Day::MAX) {
            Ok(totals) => totals,
            Err(error) => return error.into(),
        };
        let (Some(first), Some(last)) = (totals.first(), totals.last()) else {
            match store.foreign_domains() {
                Ok(foreign) if !foreign.is_empty() => {
                    let domains = list(foreign.iter().map(|one| &one.domain), 10);
                    return Failure::Failed(anyhow!(
                        "no reports on the domains of [owner] to answer from; there are some on {domains}: \
                         `dmarcstat reports --foreign`"
                    ));
                }
                Ok(_) => {}
                Err(error) => return error.into(),
            }
            return Failure::Failed(anyhow!("no reports to answer from: {}", self.why_none()));
        };
        let mut domains: Vec<&str> = totals.iter().map(|total| total.domain.as_str()).collect();
        domains.sort_unstable();
        domains.dedup();
        let asked = if asked.is_empty() { String::new() } else { format!(" on {}", asked.join(", ")) };
        Failure::Failed(anyhow!(
            "no reports{asked} {}; there are reports from {} to {}, on {}; choose with --since, --until and --domain",
            shown(window),
            date_of(first.day),
            date_of(last.day),
            list(domains, 10),
        ))
    }
}

/// The error of asking for domains on which there are reports, none of them the owner's; `command` lists `what`.
pub(super) fn not_the_owners<'d>(what: &str, command: &str, domains: impl Iterator<Item = &'d str>) -> Option<Failure> {
    let domains: Vec<&str> = domains.collect();
    let (are, them) = match domains.as_slice() {
        [] => return None,
        [_] => ("is none", "it"),
        _ => ("are none", "them"),
    };
    let domains = list(domains, 10);
    Some(Failure::Failed(anyhow!(
        "no {what} to answer from: {domains} {are} of the domains of [owner], so what is reported on {them} is in no answer; \
         `dmarcstat {command}` lists it, and [owner] domains of the configuration is where to add {them}"
    )))
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

/// A domain as typed, in its one spelling.
pub(super) fn domain_name(text: &str) -> Result<String, Failure> {
    domain::typed(text)
        .map(|name| name.into_owned())
        .ok_or_else(|| Failure::Usage(format!("invalid domain {text:?}: use a name such as example.com")))
}

pub(super) fn shown(window: Window) -> String {
    match (window.first, window.last) {
        (Day::MIN, Day::MAX) => "at all".to_owned(),
        (Day::MIN, last) => format!("up to {}", date_of(last)),
        (first, Day::MAX) => format!("since {}", date_of(first)),
        (first, last) => format!("from {} to {}", date_of(first), date_of(last)),
    }
}
