//! What came of accounts and their folders.

use serde::Serialize;

use crate::source::imap::Failure;
use crate::store::StoreError;

/// What came of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AccountSummary {
    /// What the operator calls it.
    pub name: String,
    /// Its folders, as far as they were opened.
    pub folders: Vec<FolderSummary>,
    /// What went wrong for good.
    pub failures: Vec<FailureSummary>,
    /// How many folders were gone through to the end.
    #[serde(skip)]
    pub finished: u64,
    /// It was told to stop before the end.
    pub stopped: bool,
    /// What went wrong may pass by itself.
    #[serde(skip)]
    pub may_pass: bool,
}

/// What came of a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FolderSummary {
    /// Its name.
    pub name: String,
    /// Its UIDVALIDITY.
    pub uid_validity: u32,
    /// The UID that the next mail would get when the round began; 0 where the server does not say.
    #[serde(skip)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailureSummary {
    /// What was being done.
    pub step: String,
    /// What went wrong, and what to do.
    pub reason: String,
    /// Whether the reason says what to do.
    #[serde(skip)]
    pub advises: bool,
}

impl From<Failure> for FailureSummary {
    fn from(failure: Failure) -> Self {
        FailureSummary {
            step: failure.step.to_string(),
            reason: failure.error.to_string(),
            advises: failure.error.advises(),
        }
    }
}

/// Why a part of a round ended early.
pub(super) enum Ended {
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
