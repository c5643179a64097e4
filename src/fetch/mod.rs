//! Going round IMAP accounts: which mail is new, fetching it through the [ingest](crate::ingest) line into the store, and
//! what becomes of it on the server once it is there.
//!
//! A mail is done when all that was in it is committed, and that it is done is committed with it. What is then left to do
//! with it on the server is read from the database, never from memory, so that an interrupted run is finished by the next.

mod folder;
mod line;
mod pull;
mod tidy;
mod watch;

use std::collections::BTreeMap;

use crate::ingest::{IngestOptions, IngestSummary, Observer};
use crate::source::MailOutcome;
use crate::source::imap::account::{Account, After};
use crate::source::imap::{Error, Failure, Folder, Patience, Step};
use crate::store::{Store, StoreError};

use line::Line;
pub use watch::{Watched, watch};

/// How to fetch.
pub struct FetchOptions<'o> {
    /// How to ingest.
    pub ingest: IngestOptions,
    /// How long to wait for servers.
    pub patience: Patience,
    /// Which mail to pass over.
    pub since: Since,
    /// Seconds since the epoch.
    pub clock: &'o (dyn Fn() -> i64 + Sync),
    /// Hears of trouble that may pass.
    pub note: &'o (dyn Fn(&str) + Sync),
}

/// Which mail to pass over because it is old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// What was passed over the last time, and none the first time.
    AsBefore,
    /// None.
    All,
    /// What came before this day, in days since the epoch.
    Day(i64),
}

/// What came of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountSummary {
    /// What the operator calls it.
    pub name: String,
    /// Its folders, as far as they were opened.
    pub folders: Vec<FolderSummary>,
    /// What went wrong for good.
    pub failures: Vec<FailureSummary>,
    /// How many folders were gone through to the end.
    pub finished: u64,
    /// It was told to stop before the end.
    pub stopped: bool,
    /// What went wrong may pass by itself.
    pub may_pass: bool,
}

/// What came of a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FolderSummary {
    /// Its name.
    pub name: String,
    /// Its UIDVALIDITY.
    pub uid_validity: u32,
    /// The UID that the next mail would get when the round began; 0 where the server does not say.
    pub uid_next: u32,
    /// Mails in it when it was opened.
    pub mails: u32,
    /// Mails fetched.
    pub fetched: u64,
    /// Mails too large to fetch, of which the beginning was.
    pub oversized: u64,
    /// Mails that were gone before they were fetched.
    pub vanished: u64,
    /// Mails passed over because they are old.
    pub passed_over: u64,
    /// The folder was replaced by another of its name, and was read again from the beginning.
    pub replaced: bool,
    /// Mails marked as read.
    pub seen: u64,
    /// Mails moved.
    pub moved: u64,
    /// Mails deleted.
    pub deleted: u64,
    /// Mails that are read and stored, and with which something could not be done on the server; the next run tries again.
    pub left_to_do: u64,
}

impl AccountSummary {
    /// Whether something went wrong, and nothing well.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.finished == 0 && !self.failures.is_empty()
    }

    /// Goes on to the next round: what was done adds up, what went wrong is what went wrong last.
    pub fn follow(&mut self, next: AccountSummary) {
        let before = std::mem::replace(self, next);
        self.finished += before.finished;
        for old in before.folders {
            match self.folders.iter_mut().find(|folder| folder.name == old.name) {
                Some(folder) => {
                    folder.fetched += old.fetched;
                    folder.oversized += old.oversized;
                    folder.vanished += old.vanished;
                    folder.passed_over += old.passed_over;
                    folder.replaced |= old.replaced;
                    folder.seen += old.seen;
                    folder.moved += old.moved;
                    folder.deleted += old.deleted;
                    // What is left is what was left last.
                }
                None => self.folders.push(old),
            }
        }
    }
}

/// Something that went wrong for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureSummary {
    /// What was being done.
    pub step: String,
    /// What went wrong, and what to do.
    pub reason: String,
}

impl From<Failure> for FailureSummary {
    fn from(failure: Failure) -> Self {
        FailureSummary { step: failure.step.to_string(), reason: failure.error.to_string() }
    }
}

/// Why a part of a round ended early.
enum Ended {
    /// The server, or the way to it; other parts may go well.
    Failed(Failure),
    /// All was read and stored; marking, moving or deleting on the server failed.
    Untidy(Failure),
    /// The database: nothing can go well.
    Store(StoreError),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Ended::Failed(failure)
    }
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Ended::Store(error)
    }
}

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
    let mut line = Line::new(account, options);
    let result = round(store, &mut line, options, observer);
    line.log_out();
    result
}

/// One round through the folders of an account.
fn round(
    store: &mut Store,
    line: &mut Line<'_>,
    options: &FetchOptions<'_>,
    observer: &mut dyn Observer,
) -> Result<(AccountSummary, IngestSummary), StoreError> {
    let mut summary = AccountSummary { name: line.account.name.clone(), ..AccountSummary::default() };
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
    match find(line) {
        Ok(found) => {
            found.missing.into_iter().for_each(|failure| failed(&mut summary, failure));
            untidy += found.closed.len();
            found.closed.into_iter().for_each(|failure| failed(&mut summary, failure));
            for folder in &found.folders {
                let mut one = FolderSummary { name: folder.name.clone(), ..FolderSummary::default() };
                let mut run = folder::Round {
                    store: &mut *store,
                    line: &mut *line,
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
                        if line.is_lost() {
                            break;
                        }
                    }
                    Err(Ended::Failed(failure)) => {
                        let lost = line.is_lost();
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
        let error = summary.failures.first().map(|failure| format!("{}: {}", failure.step, failure.reason));
        let identity = line.account.identity();
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

fn find(line: &mut Line<'_>) -> Result<Found, Failure> {
    let wanted = line.account.folders.clone();
    let mut names: Vec<String> = Vec::new();
    for outcome in [MailOutcome::Report, MailOutcome::Other, MailOutcome::Quarantined] {
        if let After::Move(name) = line.account.fate(outcome)
            && !names.contains(name)
        {
            names.push(name.clone());
        }
    }
    line.attempt(&Step::ListFolders, |session| {
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
