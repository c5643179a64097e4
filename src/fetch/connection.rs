//! The connection to a server: made when it is needed, made again when it broke, given up in the end.

use std::time::Duration;

use super::options::FetchOptions;
use crate::source::imap::account::Account;
use crate::source::imap::{Error, Failure, Folder, Opened, Patience, Session, Step};

/// No server makes us wait longer before the next attempt.
const LONGEST_RETRY: Duration = Duration::from_secs(300);

/// An account and the connection to it, if there is one.
pub(super) struct Connection<'a> {
    pub(super) account: &'a mut Account,
    pub(super) patience: Patience,
    note: &'a (dyn Fn(&str) + Sync),
    session: Option<Session>,
    /// The folder that is open, and how it was found.
    open: Option<(Folder, Opened)>,
    /// Attempts in a row that came to nothing.
    failed: u32,
}

impl<'a> Connection<'a> {
    pub(super) fn new(account: &'a mut Account, options: &FetchOptions<'a>) -> Self {
        let patience = options.patience.clone();
        Connection { account, patience, note: options.note, session: None, open: None, failed: 0 }
    }

    /// Whether there is no connection, because all attempts came to nothing.
    pub(super) fn is_lost(&self) -> bool {
        self.session.is_none()
    }

    /// Something went well: the next trouble is met with fresh patience.
    pub(super) fn went_well(&mut self) {
        self.failed = 0;
    }

    fn connect(&mut self) -> Result<&mut Session, Failure> {
        if self.patience.is_over() {
            return Err(Error::Stopped.at(Step::Connect));
        }
        match &mut self.session {
            Some(session) => Ok(session),
            none => {
                self.open = None;
                Ok(none.insert(Session::log_in(self.account, &self.patience)?))
            }
        }
    }

    /// Runs something once on the connection, which is made where there is none and forgotten where it fails.
    pub(super) fn once<T>(
        &mut self,
        step: &Step,
        run: impl FnOnce(&mut Session) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let result = self.connect().and_then(|session| run(session).map_err(|error| error.at(step.clone())));
        if let Err(failure) = &result {
            self.broke(failure);
        }
        result
    }

    /// The same in a folder, which is opened where it is not. It has to be the one of `uid_validity`, where that is given.
    pub(super) fn once_in<T>(
        &mut self,
        folder: &Folder,
        uid_validity: Option<u32>,
        step: &Step,
        run: impl FnOnce(&mut Session, &Opened) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let opened = match &self.open {
            Some((open, opened)) if open == folder && self.session.is_some() => opened.clone(),
            _ => {
                self.open = None;
                let opened = self.once(&Step::Open(folder.name.clone()), |session| session.open_folder(folder))?;
                self.open = Some((folder.clone(), opened.clone()));
                opened
            }
        };
        if uid_validity.is_some_and(|expected| expected != opened.uid_validity) {
            return Err(Error::Replaced.at(step.clone()));
        }
        self.once(step, |session| run(session, &opened))
    }

    /// Runs something until it goes well or there is no hope.
    pub(super) fn attempt<T>(
        &mut self,
        step: &Step,
        mut run: impl FnMut(&mut Session) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        loop {
            match self.once(step, &mut run) {
                Ok(done) => return Ok(done),
                Err(failure) => self.wait_after(failure)?,
            }
        }
    }

    /// The same in a folder.
    pub(super) fn attempt_in<T>(
        &mut self,
        folder: &Folder,
        uid_validity: Option<u32>,
        step: &Step,
        mut run: impl FnMut(&mut Session, &Opened) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        loop {
            match self.once_in(folder, uid_validity, step, &mut run) {
                Ok(done) => return Ok(done),
                Err(failure) => self.wait_after(failure)?,
            }
        }
    }

    /// Closes the folder, so that it is opened afresh.
    pub(super) fn reopen(&mut self) {
        self.open = None;
    }

    fn broke(&mut self, failure: &Failure) {
        // After a refusal the conversation goes on; after anything else nobody knows where it stands.
        let goes_on = matches!(
            *failure.error,
            Error::Refused { .. }
                | Error::NoSuchFolder { .. }
                | Error::BadName(_)
                | Error::ReadOnly
                | Error::CannotRemove
                | Error::Replaced
        );
        if !goes_on || failure.error.is_passing() {
            self.session = None;
            self.open = None;
        }
    }

    /// Waits before the next attempt, longer each time; gives the failure back when there is no hope.
    pub(super) fn wait_after(&mut self, failure: Failure) -> Result<(), Failure> {
        if !failure.error.is_passing() || matches!(*failure.error, Error::Replaced) {
            return Err(failure);
        }
        self.failed += 1;
        if self.failed >= self.patience.attempts {
            return Err(failure);
        }
        let wanted = match &*failure.error {
            Error::Token(error) => error.retry_after().unwrap_or_default().min(LONGEST_RETRY),
            _ => Duration::ZERO,
        };
        let pause = self.patience.pause_after(self.failed).max(wanted);
        (self.note)(&format!("{}: {failure}; trying again in {:.0?}", self.account.name, pause));
        if self.patience.sleep(pause) { Ok(()) } else { Err(Error::Stopped.at(failure.step)) }
    }

    /// Ends the conversation.
    pub(super) fn log_out(&mut self) {
        self.open = None;
        if let Some(session) = self.session.take() {
            session.log_out();
        }
    }
}
