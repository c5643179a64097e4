//! Fetching from IMAP accounts: finding new mail, passing it through the [ingest](crate::ingest) pipeline into the store,
//! and marking, moving or deleting it on the server once it is stored.
//!
//! A mail is done when all that was in it is committed, and that it is done is committed with it. What is then to be done
//! with it on the server is read from the database, never from memory, so that an interrupted run is finished by the next.

mod connection;
mod folder;
mod options;
mod post_actions;
mod pull;
mod summary;
mod watch;

use std::collections::BTreeMap;

use crate::ingest::{IngestSummary, Observer};
use crate::source::MailOutcome;
use crate::source::imap::account::{Account, After};
use crate::source::imap::{Error, Failure, Folder, Step};
use crate::store::{Store, StoreError};

use connection::Connection;
pub use options::{FetchOptions, Since};
use summary::Ended;
pub use summary::{AccountSummary, FailureSummary, FolderSummary};
pub use watch::{Watched, watch};

/// Fetches once from an account all that is new in its folders.
///
/// # Errors
/// Those of the database. What goes wrong with the server is in the summary.
pub fn fetch(
    store: &mut Store,
    account: &mut Account,
    options: &FetchOptions<'_>,
    observer: &mut dyn Observer,
) -> Result<(AccountSummary, IngestSummary), StoreError> {
    let mut connection = Connection::new(account, options);
    let result = round(store, &mut connection, options, observer);
    connection.log_out();
    result
}

/// One round through the folders of an account.
fn round(
    store: &mut Store,
    connection: &mut Connection<'_>,
    options: &FetchOptions<'_>,
    observer: &mut dyn Observer,
) -> Result<(AccountSummary, IngestSummary), StoreError> {
    let mut summary = AccountSummary { name: connection.account.name.clone(), ..AccountSummary::default() };
    let mut ingested = IngestSummary::default();
    // What could not be tidied was read all the same.
    let mut untidy = 0;
    let failed = |summary: &mut AccountSummary, failure: Failure| match *failure.error {
        Error::Stopped => summary.stopped = true,
        _ => {
            summary.may_pass = failure.error.is_passing();
            summary.failures.push(failure.into());
        }
    };
    match find(connection) {
        Ok(found) => {
            found.missing.into_iter().for_each(|failure| failed(&mut summary, failure));
            untidy += found.closed.len();
            found.closed.into_iter().for_each(|failure| failed(&mut summary, failure));
            for folder in &found.folders {
                let mut one = FolderSummary { name: folder.name.clone(), ..FolderSummary::default() };
                let mut run = folder::Round {
                    store: &mut *store,
                    connection: &mut *connection,
                    options,
                    observer: &mut *observer,
                    folder,
                    targets: &found.targets,
                    summary: &mut one,
                    ingested: &mut ingested,
                };
                let result = run.run();
                summary.folders.push(one);
                match result {
                    Ok(()) => summary.finished += 1,
                    Err(Ended::Store(error)) => return Err(error),
                    Err(Ended::Untidy(failure)) => {
                        summary.finished += 1;
                        untidy += 1;
                        failed(&mut summary, failure);
                        if connection.is_lost() {
                            break;
                        }
                    }
                    Err(Ended::Failed(failure)) => {
                        let lost = connection.is_lost();
                        failed(&mut summary, failure);
                        if lost || summary.stopped {
                            break;
                        }
                    }
                }
            }
        }
        Err(failure) => failed(&mut summary, failure),
    }
    if !summary.stopped {
        let error = summary.failures.first().map(|failure| {
            let again = if failure.advises { "" } else { "; fetch again" };
            format!("{}: {}{again}", failure.step, failure.reason)
        });
        let identity = connection.account.identity();
        let read_all = summary.failures.len() == untidy;
        store.note_account_run(&identity, &summary.name, (options.clock)(), read_all, error.as_deref())?;
    }
    Ok((summary, ingested))
}

/// The folders of a round.
struct Found {
    folders: Vec<Folder>,
    missing: Vec<Failure>,
    /// That folders to move mail to cannot be had: mail is read all the same, and moved once they can.
    closed: Vec<Failure>,
    /// The folders that mail is moved to, by the names in the configuration.
    targets: BTreeMap<String, Folder>,
}

fn find(connection: &mut Connection<'_>) -> Result<Found, Failure> {
    let wanted = connection.account.folders.clone();
    let mut names: Vec<String> = Vec::new();
    for outcome in [MailOutcome::Report, MailOutcome::Other, MailOutcome::Quarantined] {
        if let After::Move(name) = connection.account.fate(outcome)
            && !names.contains(name)
        {
            names.push(name.clone());
        }
    }
    connection.attempt(&Step::ListFolders, |session| {
        let (mut targets, mut closed) = (BTreeMap::new(), Vec::new());
        for name in &names {
            match session.folder_to_fill(name) {
                Ok(folder) => {
                    targets.insert(name.clone(), folder);
                }
                Err(error) if error.is_passing() => return Err(error),
                Err(error @ (Error::Refused { .. } | Error::BadName(_))) => {
                    closed.push(error.at(Step::ListFolders).into_target(name));
                }
                Err(error) => return Err(error),
            }
        }
        let but: Vec<_> = targets.values().cloned().collect();
        let (folders, missing) = session.folders(&wanted, &but)?;
        let missing = missing.into_iter().map(|error| error.at(Step::ListFolders)).collect();
        Ok(Found { folders, missing, closed, targets })
    })
}
