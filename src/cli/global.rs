//! The options that every command understands.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

use crate::render::Form;

/// The heading of what every command understands.
pub(super) const EVERYWHERE: &str = "Everywhere";

/// What every command understands.
#[derive(Debug, Args)]
#[command(next_help_heading = EVERYWHERE)]
pub(super) struct Global {
    /// The database: a file, or postgres://… [env: DMARCSTAT_DB] [default: reports.db in the user's data folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) db: Option<PathBuf>,
    /// The configuration [env: DMARCSTAT_CONFIG] [default: config.toml in the user's configuration folder, else in /etc/dmarcstat]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The form of the answer [default: table; for `export` jsonl]
    #[arg(short, long, global = true, value_enum)]
    pub(super) format: Option<Form>,
    /// The same as --format json
    #[arg(long, global = true, conflicts_with = "format")]
    pub(super) json: bool,
    /// Whether to use colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
    /// Print only answers and errors; `fetch` and `ingest` print nothing at all while all is well
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// Say more about what is going on
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub(super) verbose: u8,
    /// Print help: -h in short, --help in full
    #[arg(short, long, global = true, action = ArgAction::Help)]
    help: Option<bool>,
}

impl Global {
    /// The form that was asked for.
    pub(super) fn form(&self) -> Form {
        self.asked_form().unwrap_or(Form::Table)
    }

    /// The same, if any was.
    pub(super) fn asked_form(&self) -> Option<Form> {
        if self.json { Some(Form::Json) } else { self.format }
    }
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Also in a pipe
    Always,
    /// Not at all
    Never,
}
