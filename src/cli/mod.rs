//! The command line: what may be typed, and what each command does.
//!
//! Only here are the clock, the environment and the terminal read; everything below gets what it needs as arguments.

mod address;
mod answers;
mod changes;
mod check;
mod completions;
mod context;
mod dns;
mod explain;
mod failure;
mod fetch;
mod ingest;
mod inspect;
mod known;
mod live;
mod lock;
mod login;
mod progress;
mod providers;
mod prune;
mod quarantine;
mod readiness;
mod reports;
mod resolve;
mod scope;
mod selectors;
mod signals;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use context::Context;
use failure::{Failure, Status};

use crate::render::Form;

/// Says which of your mail is not DKIM-signed and why, from DMARC aggregate reports.
#[derive(Debug, Parser)]
#[command(name = "dmarcstat", version, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command understands.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The database [env: DMARCSTAT_DB] [default: reports.db in the user's data folder]
    #[arg(long, global = true, value_name = "FILE")]
    db: Option<PathBuf>,
    /// The configuration [env: DMARCSTAT_CONFIG] [default: config.toml in the user's configuration folder]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How to write the answer
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Whether to use colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    color: Color,
    /// Say nothing but the answer and errors
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Say more of what is going on
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    verbose: u8,
}

/// The forms of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For reading in a terminal
    Table,
    /// One JSON object
    Json,
    /// For a spreadsheet
    Csv,
    /// For a ticket or a web page
    Markdown,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Also in a pipe
    Always,
    /// Not at all
    Never,
}

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
    Dns(dns::Dns),
    Inspect(inspect::Inspect),
    Reports(reports::Reports),
    Quarantine(quarantine::Quarantine),
    Providers(providers::Providers),
    Check(check::Check),
    Login(login::Login),
    Prune(prune::Prune),
    Completions(completions::Completions),
}

impl Command {
    /// The command's name, where its answer says what was done and is no list: CSV is for rows.
    fn without_rows(&self) -> Option<&'static str> {
        match self {
            Command::Fetch(_) => Some("fetch"),
            Command::Ingest(_) => Some("ingest"),
            Command::Login(_) => Some("login"),
            Command::Prune(_) => Some("prune"),
            _ => None,
        }
    }
}

/// Runs the program on the arguments of the process.
#[must_use]
pub fn run() -> ExitCode {
    // clap ends the process by itself: 2 for wrong usage, 0 for help.
    let cli = Cli::parse();
    let mut context = match Context::new(&cli.global) {
        Ok(context) => context,
        Err(failure) => return failure.report(),
    };
    if let Some(name) = cli.command.without_rows().filter(|_| cli.global.format == Format::Csv) {
        let text = format!("{name} has no rows to write as CSV: use --format json");
        return Failure::Usage(text).report();
    }
    let result = match cli.command {
        Command::Fetch(command) => command.run(&mut context),
        Command::Ingest(command) => command.run(&mut context),
        Command::Unsigned(command) => command.run(&mut context),
        Command::Sources(command) => command.run(&mut context),
        Command::Explain(command) => command.run(&mut context),
        Command::Readiness(command) => command.run(&mut context),
        Command::Changes(command) => command.run(&mut context),
        Command::Selectors(command) => command.run(&mut context),
        Command::Dns(command) => command.run(&mut context),
        Command::Inspect(command) => command.run(&mut context),
        Command::Reports(command) => command.run(&mut context),
        Command::Quarantine(command) => command.run(&mut context),
        Command::Providers(command) => command.run(&mut context),
        Command::Check(command) => command.run(&mut context),
        Command::Login(command) => command.run(&mut context),
        Command::Prune(command) => command.run(&mut context),
        Command::Completions(command) => command.run(&mut context),
    };
    match result.and_then(|status| context.flush().map(|()| status)) {
        Ok(status) => status.into(),
        Err(failure) => failure.about(context.database().ok().as_deref()).report(),
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(status as u8)
    }
}

impl From<Format> for Form {
    fn from(format: Format) -> Form {
        match format {
            Format::Table => Form::Table,
            Format::Json => Form::Json,
            Format::Csv => Form::Csv,
            Format::Markdown => Form::Markdown,
        }
    }
}
