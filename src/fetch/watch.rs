//! Staying connected: a round, then waiting for mail, then a round.

use std::time::Duration;

use super::connection::Connection;
use super::options::FetchOptions;
use super::round;
use super::summary::{AccountSummary, FolderSummary};
use crate::ingest::{IngestSummary, Observer};
use crate::source::imap::account::Account;
use crate::source::imap::{Error, Failure, Folder, Step};
use crate::store::{Store, StoreError};

/// What came of a round while an account is watched.
pub struct Watched {
    /// Of the account.
    pub account: AccountSummary,
    /// Of the mail.
    pub ingested: IngestSummary,
}

/// Fetches from an account again and again, as soon as new mail is announced in its first folder and at the latest after
/// `pause`, until told to stop. What comes of each round is handed to `tell`.
///
/// # Errors
/// Those of the database. An account that fails for good ends too; the last round says why.
pub fn watch(
    store: &mut Store,
    account: &mut Account,
    options: &FetchOptions<'_>,
    pause: Duration,
    observer: &mut dyn Observer,
    tell: &mut dyn FnMut(Watched),
) -> Result<(), StoreError> {
    let mut connection = Connection::new(account, options);
    let mut fruitless = 0;
    let result = loop {
        let (summary, ingested) = match round(store, &mut connection, options, observer) {
            Ok(done) => done,
            Err(error) => break Err(error),
        };
        let stopped = summary.stopped || options.patience.is_over();
        let lost = connection.is_lost();
        let hopeless = lost && !summary.failures.is_empty() && !summary.may_pass;
        let first = summary.folders.first().cloned();
        tell(Watched { account: summary, ingested });
        if stopped || hopeless {
            break Ok(());
        }
        let go_on = if lost {
            // The server may be away for hours; asking more often does not bring it back.
            fruitless += 1;
            options.patience.sleep(options.patience.pause_after(options.patience.attempts + fruitless))
        } else {
            fruitless = 0;
            connection.went_well();
            wait(&mut connection, first.as_ref(), options, pause)
        };
        if !go_on {
            break Ok(());
        }
    };
    connection.log_out();
    result
}

/// Waits for mail; says whether to go on.
fn wait(
    connection: &mut Connection<'_>,
    first: Option<&FolderSummary>,
    options: &FetchOptions<'_>,
    pause: Duration,
) -> bool {
    let Some(first) = first else {
        return options.patience.sleep(pause);
    };
    let names = [first.name.clone()];
    let waited = connection.once(&Step::Wait, |session| session.folders(&names, &[])).and_then(|(folders, _)| {
        match folders.first() {
            Some(folder) => wait_in(connection, folder, first, pause),
            None => Ok(()),
        }
    });
    match waited {
        Ok(()) => !options.patience.is_over(),
        Err(failure) if matches!(*failure.error, Error::Stopped) => false,
        // The round that follows meets the trouble, if it is still there.
        Err(failure) => {
            (options.note)(&format!("{}: {failure}", connection.account.name));
            options.patience.sleep(options.patience.pause)
        }
    }
}

/// Waits in the folder, unless mail has come since its round began: of that the server has told already, and will not again.
fn wait_in(
    connection: &mut Connection<'_>,
    folder: &Folder,
    before: &FolderSummary,
    pause: Duration,
) -> Result<(), Failure> {
    connection.reopen();
    connection.once_in(folder, None, &Step::Wait, |session, opened| {
        let has_come = match (before.uid_next, opened.uid_next) {
            (0, _) | (_, 0) => opened.exists > before.mails,
            (before, now) => now != before,
        };
        if has_come { Ok(()) } else { session.wait_for_mail(pause) }
    })
}
