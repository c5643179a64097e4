//! How a run ends: the exit statuses, and errors as a line for the operator.

use std::io::Write;
use std::process::ExitCode;

use crate::sanitize::sanitize;
use crate::store::StoreError;

/// The exit statuses, which scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// Done.
    Done = 0,
    /// Something that was looked at does not work.
    Broken = 1,
    /// Done, but an input could not be opened or something new was quarantined.
    Partly = 3,
    /// The check answers no.
    No = 4,
}

/// Why it could not be done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// With a message that says what, and what next: status 1.
    Failed(anyhow::Error),
    /// Not one thing was meant but several may be: a message, and a line for each to choose from. Status 1.
    Choice(String, Vec<String>),
    /// Wrong usage: status 2.
    Usage(String),
    /// Whoever read the answer has gone, as after `| head`: no error.
    ClosedPipe,
}

/// Writes a line to standard error, fit for a terminal. A reader that has gone, as after `2>&1 | head`, is not an error.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", sanitize(line));
}

pub(crate) type Outcome = Result<Status, Failure>;

impl Failure {
    /// The same with the name of the database, where it is about the database and does not say which.
    pub(crate) fn about(self, database: Option<String>) -> Self {
        match (self, database) {
            (Failure::Failed(error), Some(database)) if error.downcast_ref().is_some_and(StoreError::is_nameless) => {
                Failure::Failed(error.context(database))
            }
            (failure, _) => failure,
        }
    }

    /// Says it and gives the exit status.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Failure::Failed(error) => {
                say(&format!("dmarcstat: {error:#}"));
                ExitCode::from(1)
            }
            Failure::Choice(message, choices) => {
                say(&format!("dmarcstat: {message}"));
                choices.iter().for_each(|choice| say(&format!("  {choice}")));
                ExitCode::from(1)
            }
            Failure::Usage(message) => {
                say(&format!("dmarcstat: {message}"));
                ExitCode::from(2)
            }
            Failure::ClosedPipe => ExitCode::SUCCESS,
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::Failed(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Failed(error.into())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Failure::ClosedPipe
        } else {
            Failure::Failed(anyhow::Error::new(error).context("cannot write the answer"))
        }
    }
}
