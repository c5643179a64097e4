//! `dmarcstat copy`.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::context::Context;
use super::failure::{Failure, Outcome, Status, say};
use crate::config::database::shown;
use crate::render::CopyAnswer;
use crate::store::{StoreError, copy};

/// Copy the whole database into another, from a file to a PostgreSQL server or back
///
/// The other database is made where it is missing, and must hold nothing else. A copy that was interrupted continues when it
/// is run again; a finished one is only compared. At the end both are compared row by row; until then the other database answers no questions.
/// Store nothing in the first one meanwhile.
#[derive(Debug, clap::Args)]
pub(super) struct Copy {
    /// The database to copy: a file, or postgres://…
    #[arg(long, value_name = "FILE|URL")]
    from: PathBuf,
    /// The database to copy into: a file, or postgres://…
    #[arg(long, value_name = "FILE|URL")]
    to: PathBuf,
}

impl Copy {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        context.form_of::<CopyAnswer>()?;
        if self.from == self.to || is_one_file(&self.from, &self.to) {
            return Err(Failure::Usage("--from and --to name the same database".to_owned()));
        }
        let database = &context.config.database;
        let (from, to) = (database.place(&self.from)?, database.place(&self.to)?);
        let verbose = context.verbose;
        let copied = copy(&from, &to, &mut |table, rows| {
            if verbose {
                say(&format!("{table}: {rows} rows"));
            }
        })
        // Not the database of the other commands, which would be named else, but one of these two, as the message says.
        .map_err(|failed| match failed.error {
            StoreError::Missing(place) => anyhow!("there is no database at {place}; name the one to copy with --from"),
            StoreError::Foreign(place) => {
                let option = if place == from.to_string() { "--from" } else { "--to" };
                anyhow!("{place} is not a dmarcstat database; name another with {option}")
            }
            _ => anyhow::Error::from(failed),
        })?;
        context.show(&CopyAnswer { from: shown(&self.from), to: shown(&self.to), copied })?;
        Ok(Status::Done)
    }
}

/// Whether two names are of one file, be it by links.
fn is_one_file(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    let identity = |path: &Path| {
        use std::os::unix::fs::MetadataExt;
        path.metadata().map(|file| (file.dev(), file.ino())).ok()
    };
    #[cfg(not(unix))]
    let identity = |path: &Path| path.canonicalize().ok();
    identity(one).is_some_and(|one| identity(other) == Some(one))
}
