//! The command line: what may be typed, and what each command does.
//!
//! Only here are the clock, the environment and the terminal read; everything below gets what it needs as arguments.

mod address;
mod answers;
mod changes;
mod check;
mod completions;
mod configured;
mod context;
mod copy;
mod data;
mod digest;
mod dns;
mod explain;
mod export;
mod failure;
mod fetch;
mod global;
mod ingest;
mod inspect;
mod jobs;
mod length;
mod live;
mod lock;
mod login;
mod man;
mod metrics;
mod page;
mod progress;
mod providers;
mod prune;
mod quarantine;
mod readiness;
mod reports;
mod resolve;
mod scope;
mod selectors;
mod sender_scope;
mod signals;
mod site;
mod sql;
mod stored;
mod tenant;
mod tls;
mod version;
mod whole_file;

use std::error::Error as _;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand};

use context::Context;
use failure::{Failure, Status, say};
use global::{EVERYWHERE, Global};

/// Says which of your mail is not DKIM-signed and why, from DMARC aggregate reports.
#[derive(Debug, Parser)]
#[command(
    name = "dmarcstat",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    disable_help_flag = true,
    disable_version_flag = true,
    after_long_help = MORE
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    /// Print the version; with --version also the commit, and the day of the embedded data
    #[arg(short = 'V', long, action = ArgAction::Version, help_heading = EVERYWHERE)]
    version: Option<bool>,
    #[command(subcommand)]
    command: Command,
}

/// What `--help` and the manual page say of the program as a whole.
const MORE: &str = "\
Exit statuses:
  0  done
  1  could not do it, or there is no data to answer from
  2  wrong usage
  3  done, but something could not be read, or one of several accounts or tenants failed
  4  the check answers no: not ready, or with --exit-code something was found

Environment:
  DMARCSTAT_CONFIG  the configuration
  DMARCSTAT_DB      the database
  NO_COLOR          no colour, unless --color says otherwise
  COLUMNS           the width of tables

Files:
  ~/.config/dmarcstat/config.toml      the configuration
  /etc/dmarcstat/config.toml           the same, for users who have none
  ~/.local/share/dmarcstat/reports.db  the database";

#[derive(Debug, Subcommand)]
enum Command {
    Fetch(fetch::Fetch),
    Ingest(ingest::Ingest),
    Unsigned(answers::Unsigned),
    Sources(answers::Sources),
    Explain(explain::Explain),
    Readiness(readiness::Readiness),
    Changes(changes::Changes),
    Selectors(selectors::Selectors),
    Tls(tls::Tls),
    Digest(digest::Digest),
    Dns(dns::Dns),
    Inspect(inspect::Inspect),
    Reports(reports::Reports),
    Export(export::Export),
    Sql(sql::Sql),
    Quarantine(quarantine::Quarantine),
    Providers(providers::Providers),
    Check(check::Check),
    Login(login::Login),
    Metrics(metrics::Metrics),
    Site(site::Site),
    Prune(prune::Prune),
    Copy(copy::Copy),
    Completions(completions::Completions),
    #[command(hide = true)]
    Man(man::Man),
}

/// Runs the program on the arguments of the process.
#[must_use]
pub fn run() -> ExitCode {
    let (cli, tenant) = match parse() {
        Ok(parsed) => parsed,
        Err(error) => return refuse(&error),
    };
    let mut context = match Context::new(&cli.global, tenant.as_deref()) {
        Ok(context) => context,
        Err(failure) => return failure.report(),
    };
    let result = match cli.command {
        Command::Fetch(command) => command.run(&mut context),
        Command::Ingest(command) => command.run(&mut context),
        Command::Unsigned(command) => command.run(&mut context),
        Command::Sources(command) => command.run(&mut context),
        Command::Explain(command) => command.run(&mut context),
        Command::Readiness(command) => command.run(&mut context),
        Command::Changes(command) => command.run(&mut context),
        Command::Selectors(command) => command.run(&mut context),
        Command::Tls(command) => command.run(&mut context),
        Command::Digest(command) => command.run(&mut context),
        Command::Dns(command) => command.run(&mut context),
        Command::Inspect(command) => command.run(&mut context),
        Command::Reports(command) => command.run(&mut context),
        Command::Export(command) => command.run(cli.global.asked_form(), &mut context),
        Command::Sql(command) => command.run(&mut context),
        Command::Quarantine(command) => command.run(&mut context),
        Command::Providers(command) => command.run(&mut context),
        Command::Check(command) => command.run(&mut context),
        Command::Login(command) => command.run(&mut context),
        Command::Metrics(command) => command.run(&mut context),
        Command::Site(command) => command.run(&mut context),
        Command::Prune(command) => command.run(&mut context),
        Command::Copy(command) => command.run(&mut context),
        Command::Completions(command) => command.run(self::command(), &mut context),
        Command::Man(command) => command.run(self::command(), &context),
    };
    let ended = result.and_then(|status| match context.flush() {
        Ok(()) | Err(Failure::ClosedPipe) => Ok(status),
        Err(failure) => Err(failure),
    });
    match ended {
        Ok(status) => status.into(),
        Err(failure) => failure.about(context.database_shown()).report(),
    }
}

/// The arguments that the program understands.
fn command() -> clap::Command {
    tenant::OF_TENANTS
        .iter()
        .fold(Cli::command(), |all, name| all.mut_subcommand(name, |one| one.arg(tenant::option())))
}

/// Reads the arguments, and which tenant is asked about.
fn parse() -> Result<(Cli, Option<String>), clap::Error> {
    let mut command = command();
    // It takes the catalogue to say, so nobody else waits for it.
    if std::env::args_os().any(|argument| argument == "--version") {
        command = command.long_version(version::long());
    }
    let matches = command.try_get_matches()?;
    Ok((Cli::from_arg_matches(&matches)?, tenant::named(&matches)))
}

/// Whether a command line, the program's name first, is one that may be typed.
#[cfg(test)]
pub(crate) fn understands(words: &[String]) -> Result<(), String> {
    command()
        .try_get_matches_from(words)
        .map(drop)
        .map_err(|error| error.to_string().lines().next().unwrap_or_default().to_owned())
}

/// The text of an error, where what is wrong with a number is said by the library that reads numbers.
fn in_our_words(error: &clap::Error, text: String) -> String {
    match error.source().filter(|source| source.is::<std::num::ParseIntError>()) {
        Some(source) => text.replace(&source.to_string(), "write a whole number, not too large"),
        None => text,
    }
}

/// Help where it was asked for, and what is wrong with the arguments in the words of all other errors.
fn refuse(error: &clap::Error) -> ExitCode {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        // Whoever read it may have gone, as after `| head`.
        let _ = error.print();
    } else {
        let text = in_our_words(error, error.render().to_string());
        for (number, line) in text.strip_prefix("error: ").unwrap_or(&text).trim_end().lines().enumerate() {
            say(&if number == 0 { format!("dmarcstat: {line}") } else { line.to_owned() });
        }
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(status as u8)
    }
}
