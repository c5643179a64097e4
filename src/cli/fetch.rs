//! `dmarcstat fetch`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use jiff::Timestamp;

use super::address::Address;
use super::context::Context;
use super::failure::{Failure, Outcome, Status};
use super::ingest::status;
use super::length::{length, some_length};
use super::lock;
use super::progress::Progress;
use super::signals;
use crate::config::KeepRaw;
use crate::config::accounts;
use crate::fetch::{self, AccountSummary, FailureSummary, FetchOptions, Since, Watched};
use crate::ingest::{IngestOptions, IngestSummary};
use crate::query::Bound;
use crate::render::{self, FetchAnswer};
use crate::report::period::day_of;
use crate::source::imap::Patience;
use crate::source::imap::account::Account;

/// Pull report mail from the configured IMAP accounts into the database
///
/// Reads what is new in the folders of each account, by UID, whether or not somebody has read it. Mail is marked, moved or deleted on
/// the server (`after` in the configuration) only once its reports are on the disk. A run that was interrupted is
/// finished by the next one.
#[derive(Debug, clap::Args)]
pub(super) struct Fetch {
    /// The accounts, by their names in the configuration [default: all]
    #[arg(value_name = "ACCOUNT", conflicts_with = "account_url")]
    accounts: Vec<String>,
    /// Pass over mail that came before this time, now and in later runs: 7d, 4w, 2026-11-01; `all` takes it up again
    #[arg(short, long, value_name = "TIME")]
    since: Option<Bound>,
    /// Stay connected and fetch mail as it comes, until stopped by a signal
    #[arg(long)]
    watch: bool,
    /// With --watch: look for mail at least this often
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = some_length, requires = "watch")]
    every: Duration,
    /// While another fetch is running, wait this long for it to end; if it does not, end with status 0
    #[arg(long, value_name = "DURATION", value_parser = length)]
    wait: Option<Duration>,
    /// How long a server may take for each answer
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = some_length)]
    timeout: Duration,
    /// How often in a row to try again, with growing pauses, when a connection fails
    #[arg(long, value_name = "NUMBER", default_value_t = 5)]
    retries: u32,
    #[command(flatten)]
    address: Address,
}

impl Fetch {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        context.form_of::<FetchAnswer<'_>>()?;
        let began = Instant::now();
        let stop = signals::listen(if self.watch { Status::Done } else { Status::Broken })?;
        let (accounts, mut summaries) = self.open_accounts(context)?;
        let database = context.database()?;
        // Made now, so that there is a folder for the lock.
        drop(context.open_to_write()?);
        let patience = Patience {
            answer: self.timeout,
            attempts: self.retries.saturating_add(1),
            stop: Arc::clone(&stop),
            ..Patience::default()
        };
        let Some(_lock) = lock::take(&database, self.wait, &patience, context)? else {
            return Ok(Status::Done);
        };
        let speaker = Progress::log(context);
        let options = FetchOptions {
            ingest: IngestOptions {
                limits: context.config.limits.clone(),
                keep_raw: context.config.database.keep_raw == KeepRaw::All,
                now: context.now.as_second(),
                examiners: 0,
                left_to_do: Vec::new(),
                stop: Arc::clone(&stop),
            },
            patience,
            since: self.since(context),
            clock: &now,
            note: &|text| speaker.note(text),
        };
        let mut ingested = IngestSummary::default();
        if self.watch {
            self.watch(context, accounts, &options, &mut summaries, &mut ingested)?;
        } else {
            let mut store = context.open_to_write()?;
            for mut account in accounts {
                let mut progress = Progress::new(context);
                let result = fetch::fetch(&mut store, &mut account, &options, &mut progress);
                progress.finish();
                let (summary, read) = result?;
                summaries.push(summary);
                ingested.add(read);
                if options.patience.is_over() {
                    break;
                }
            }
        }
        let seconds = began.elapsed().as_secs_f64();
        let answer = FetchAnswer { accounts: &summaries, ingested: &ingested, seconds };
        let well = summaries.iter().all(|account| account.failures.is_empty()) && status(&ingested) == Status::Done;
        // Where nothing was done, the error says it all; a quiet run that went well says nothing. Scripts are always answered.
        let silent = summaries.iter().all(AccountSummary::is_failed) || context.quiet && well;
        if context.form.is_for_programs() || !silent {
            context.show(&answer)?;
            context.flush()?;
        }
        self.conclude(&summaries, &ingested, options.patience.is_over(), &speaker)
    }

    /// The accounts asked for; those whose secrets cannot be had have failed already.
    fn open_accounts(&self, context: &Context) -> Result<(Vec<Account>, Vec<AccountSummary>), Failure> {
        if let Some(account) = self.address.account()? {
            return Ok((vec![account], Vec::new()));
        }
        let (mut opened, mut failed) = (Vec::new(), Vec::new());
        for account in accounts::select(&context.config, &self.accounts)? {
            match accounts::open(&context.config, account) {
                Ok(account) => opened.push(account),
                Err(error) => failed.push(AccountSummary {
                    name: account.name.clone(),
                    failures: vec![FailureSummary {
                        step: "reading its configuration".to_owned(),
                        reason: format!("{error:#}"),
                        advises: true,
                    }],
                    ..AccountSummary::default()
                }),
            }
        }
        Ok((opened, failed))
    }

    fn since(&self, context: &Context) -> Since {
        let today = day_of(context.today());
        match self.since {
            None => Since::AsBefore,
            Some(Bound::All) => Since::All,
            Some(Bound::Today) => Since::Day(i64::from(today)),
            Some(Bound::Yesterday) => Since::Day(i64::from(today) - 1),
            Some(Bound::Ago(span)) => Since::Day(i64::from(today) - i64::from(span.days())),
            Some(Bound::On(date)) => Since::Day(i64::from(day_of(date))),
        }
    }

    /// Watches each account on a thread of its own, with its own connection to the database.
    fn watch(
        &self,
        context: &Context,
        mut accounts: Vec<Account>,
        options: &FetchOptions<'_>,
        summaries: &mut Vec<AccountSummary>,
        ingested: &mut IngestSummary,
    ) -> Result<(), Failure> {
        let (tell, told) = channel::<Watched>();
        // All before the first thread: one that cannot be opened must not leave others running.
        let stores = accounts.iter().map(|_| context.open_to_write()).collect::<Result<Vec<_>, _>>()?;
        let speaker = Progress::log(context);
        std::thread::scope(|scope| {
            let mut threads = Vec::with_capacity(accounts.len());
            for (account, mut store) in accounts.iter_mut().zip(stores) {
                let mut observer = Progress::log(context);
                let tell = tell.clone();
                let every = self.every;
                threads.push(scope.spawn(move || {
                    let _ending = EndAll(options);
                    let result = fetch::watch(&mut store, account, options, every, &mut observer, &mut |watched| {
                        let _ = tell.send(watched);
                    });
                    if result.is_err() {
                        // The database is the same for all.
                        options.patience.stop.store(true, Ordering::Relaxed);
                    }
                    result
                }));
            }
            drop(tell);
            for Watched { account, ingested: read } in told {
                let known = summaries.iter_mut().find(|known| known.name == account.name);
                let news = known.as_ref().is_none_or(|known| known.failures != account.failures);
                for failure in account.failures.iter().filter(|_| news) {
                    speaker.trouble(&account.name, failure);
                }
                if read.inputs > 0 {
                    speaker.note(&render::fetch_line(&account, &read));
                }
                ingested.add(read);
                match known {
                    Some(known) => known.follow(account),
                    None => summaries.push(account),
                }
            }
            for thread in threads {
                match thread.join() {
                    Ok(result) => result?,
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            Ok(())
        })
    }

    /// Says what went wrong, and finds the status.
    fn conclude(
        &self,
        summaries: &[AccountSummary],
        ingested: &IngestSummary,
        stopped: bool,
        speaker: &Progress,
    ) -> Outcome {
        let failures: Vec<_> = summaries
            .iter()
            .flat_map(|account| account.failures.iter().map(move |failure| (&account.name, failure)))
            .collect();
        if stopped && self.watch {
            return Ok(Status::Done);
        }
        let nothing_done = !summaries.is_empty() && summaries.iter().all(AccountSummary::is_failed);
        if let (true, [(name, failure)]) = (nothing_done, failures.as_slice()) {
            return Err(Failure::Failed(anyhow!("{name}: {}: {}", failure.step, failure.reason)));
        }
        if !self.watch {
            failures.iter().for_each(|(name, failure)| speaker.trouble(name, failure));
        }
        if nothing_done {
            return Err(Failure::Failed(anyhow!("no account could be fetched from")));
        }
        if stopped {
            return Err(Failure::Failed(anyhow!("stopped by a signal before the end; the next run goes on from here")));
        }
        Ok(if failures.is_empty() { status(ingested) } else { Status::Partly })
    }
}

/// A run may take days, with --watch.
#[expect(clippy::disallowed_methods, reason = "when mail was read is the time of the moment")]
fn now() -> i64 {
    Timestamp::now().as_second()
}

/// Ends the other accounts when one of them panics.
struct EndAll<'o>(&'o FetchOptions<'o>);

impl Drop for EndAll<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.patience.stop.store(true, Ordering::Relaxed);
        }
    }
}
