//! Pending actions on mails at their server, read from the database and carried out there.
//!
//! Everything here may be interrupted anywhere and is taken up by the next run. Marking and deleting twice does no harm.
//! Where a mail is moved, or copied and then deleted, it is noted before where the copy will be, so that the next run finds
//! it and makes no second one.

use std::collections::{BTreeMap, HashMap};

use super::connection::Connection;
use super::summary::{Ended, FolderSummary};
use crate::source::MailOutcome;
use crate::source::imap::account::After;
use crate::source::imap::{Error, Folder, Removal, Step, in_commands};
use crate::store::{Copying, PendingMail, Store};
use crate::uid_set::UidSet;

/// How many mails are moved or copied at once: few, so that what an interruption leaves open is little.
const AT_ONCE: usize = 100;
/// How often in a row others may take mail out of the folder while something is done with it.
const FASTER: u32 = 5;

/// The mails of one folder.
pub(super) struct PostActions<'t, 'l> {
    pub(super) store: &'t mut Store,
    pub(super) connection: &'t mut Connection<'l>,
    pub(super) folder: &'t Folder,
    pub(super) targets: &'t BTreeMap<String, Folder>,
    /// The folder's number in the database.
    pub(super) mailbox: i64,
    pub(super) uid_validity: u32,
    pub(super) summary: &'t mut FolderSummary,
}

impl PostActions<'_, '_> {
    pub(super) fn run(&mut self) -> Result<(), Ended> {
        let pending = self.store.pending_mail(self.mailbox)?;
        if pending.is_empty() {
            return Ok(());
        }
        // Of a copy that was begun the original goes, whatever is configured now: it would be there twice.
        let (copied, pending): (Vec<_>, Vec<_>) = pending.into_iter().partition(|mail| mail.copying.is_some());
        if !copied.is_empty() {
            self.finish_copies(&copied)?;
        }
        let mut by_fate: BTreeMap<String, (After, UidSet)> = BTreeMap::new();
        let left = if copied.is_empty() { pending } else { self.store.pending_mail(self.mailbox)? };
        for mail in left {
            // By what is configured now, not by what was when it was read.
            let after = match MailOutcome::parse(&mail.outcome) {
                Some(outcome) => self.connection.account.fate(outcome).clone(),
                None => After::Keep,
            };
            by_fate.entry(format!("{after:?}")).or_insert((after, UidSet::default())).1.insert(mail.uid);
        }
        for (after, uids) in by_fate.into_values() {
            match after {
                After::Keep => self.store.tidied(self.mailbox, &uids)?,
                After::Seen => self.mark(&uids)?,
                After::Delete => self.delete(&uids)?,
                After::Move(name) => self.move_to(&name, &uids)?,
            }
        }
        Ok(())
    }

    fn step(&self) -> Step {
        Step::Afterwards(self.folder.name.clone())
    }

    /// Runs something in the folder, opened for changes.
    fn attempt<T>(
        &mut self,
        run: impl FnMut(&mut crate::source::imap::Session) -> Result<T, Error>,
    ) -> Result<T, Ended> {
        let step = self.step();
        let mut run = run;
        let done = self.connection.attempt_in(self.folder, Some(self.uid_validity), &step, |session, opened| {
            if opened.read_only {
                return Err(Error::ReadOnly);
            }
            run(session)
        })?;
        self.connection.went_well();
        Ok(done)
    }

    /// Runs something with mails until the server has done it for all of them that are there, and gives those. A command
    /// that is refused because some are gone may have done nothing, so the rest is looked up and asked for again.
    fn settle(
        &mut self,
        uids: &UidSet,
        mut run: impl FnMut(&mut crate::source::imap::Session, &UidSet) -> Result<(), Error>,
    ) -> Result<UidSet, Ended> {
        let mut there = uids.clone();
        for _ in 0..FASTER {
            if there.is_empty() {
                return Ok(there);
            }
            match self.attempt(|session| run(session, &there)) {
                Err(Ended::Failed(failure)) if failure.error.some_are_gone() => there = self.those_there(&there)?,
                other => return other.map(|()| there),
            }
        }
        self.attempt(|session| run(session, &there)).map(|()| there)
    }

    /// Those of some mails that are in the folder.
    fn those_there(&mut self, uids: &UidSet) -> Result<UidSet, Ended> {
        let listed = self.attempt(|session| session.list_mail(uids, false))?;
        Ok(listed.into_iter().map(|mail| mail.uid).collect())
    }

    fn mark(&mut self, uids: &UidSet) -> Result<(), Ended> {
        let marked = self.settle(uids, |session, uids| session.flag(uids, "\\Seen"))?;
        self.summary.seen += marked.len();
        Ok(self.store.tidied(self.mailbox, uids)?)
    }

    fn delete(&mut self, uids: &UidSet) -> Result<(), Ended> {
        self.remove(uids)?;
        self.summary.deleted += uids.len();
        Ok(self.store.tidied(self.mailbox, uids)?)
    }

    /// Takes mails out of the folder. They are expunged only once the server has said that they are marked.
    fn remove(&mut self, uids: &UidSet) -> Result<(), Ended> {
        if self.attempt(|session| session.removal(false))? == Removal::None {
            return Err(Error::CannotRemove.at(self.step()).into());
        }
        let marked = self.settle(uids, |session, uids| session.flag(uids, "\\Deleted"))?;
        self.settle(&marked, |session, uids| session.expunge(uids))?;
        Ok(())
    }

    fn move_to(&mut self, name: &str, uids: &UidSet) -> Result<(), Ended> {
        let Some(target) = self.targets.get(name).cloned() else {
            return Ok(());
        };
        if target.name == self.folder.name {
            // It is there already.
            return Ok(self.store.tidied(self.mailbox, uids)?);
        }
        let removal = self.attempt(|session| session.removal(true))?;
        if removal == Removal::None {
            return Err(Error::CannotRemove.at(self.step()).into());
        }
        // Those that are gone need nothing.
        let there = self.those_there(uids)?;
        let mut gone = uids.clone();
        gone.subtract(&there);
        self.store.tidied(self.mailbox, &gone)?;
        for some in in_commands(&there, AT_ONCE) {
            self.carry(some, &target, removal)?;
        }
        Ok(())
    }

    /// Moves or copies as many mails as go into one command, and takes the originals out.
    fn carry(&mut self, mut uids: UidSet, target: &Folder, removal: Removal) -> Result<(), Ended> {
        for _ in 0..=FASTER {
            if uids.is_empty() {
                return Ok(());
            }
            let (uid_validity, uid_next) = self.attempt(|session| session.position(target))?;
            let mut copying = Copying { folder: target.name.clone(), uid_validity, uid_next, done: false };
            self.store.note_copying(self.mailbox, &uids, Some(&copying))?;
            // Once only: after an interruption the copies are looked for before any is made again. That holds for MOVE too:
            // a server may go on with it when the connection is gone.
            let step = self.step();
            let result = self.connection.once_in(self.folder, Some(self.uid_validity), &step, |session, opened| {
                if opened.read_only {
                    return Err(Error::ReadOnly);
                }
                match removal {
                    Removal::Move => session.move_mail(&uids, target),
                    _ => session.copy_mail(&uids, target),
                }
            });
            match result {
                Ok(()) if removal == Removal::Move => {
                    self.summary.moved += uids.len();
                    return Ok(self.store.tidied(self.mailbox, &uids)?);
                }
                Ok(()) => {
                    copying.done = true;
                    self.store.note_copying(self.mailbox, &uids, Some(&copying))?;
                    return self.take_out(&uids);
                }
                Err(failure) if failure.error.some_are_gone() => {
                    // Nothing was done with any of them (RFC 3501 §6.4.7): what is still there is tried again.
                    self.store.note_copying(self.mailbox, &uids, None)?;
                    let there = self.those_there(&uids)?;
                    let mut gone = uids.clone();
                    gone.subtract(&there);
                    self.store.tidied(self.mailbox, &gone)?;
                    uids = there;
                }
                Err(failure) => {
                    if matches!(*failure.error, Error::Refused { .. } | Error::ReadOnly) {
                        self.store.note_copying(self.mailbox, &uids, None)?;
                    }
                    self.connection.wait_after(failure.into_target(&target.name))?;
                    let pending = self.store.pending_mail(self.mailbox)?;
                    let begun: Vec<_> = pending.into_iter().filter(|mail| uids.contains(mail.uid)).collect();
                    return self.finish_copies(&begun);
                }
            }
        }
        Err(Error::Contended.at(self.step()).into())
    }

    fn take_out(&mut self, uids: &UidSet) -> Result<(), Ended> {
        self.remove(uids)?;
        self.summary.moved += uids.len();
        Ok(self.store.tidied(self.mailbox, uids)?)
    }

    /// Finishes copies that were begun: the originals of those that were made are taken out, the others are as if nothing
    /// had been begun.
    fn finish_copies(&mut self, mails: &[PendingMail]) -> Result<(), Ended> {
        let mut made = UidSet::default();
        let mut begun: HashMap<(String, u32, u32), UidSet> = HashMap::new();
        for mail in mails {
            match &mail.copying {
                Some(copying) if copying.done => made.insert(mail.uid),
                Some(Copying { folder, uid_validity, uid_next, .. }) => {
                    begun.entry((folder.clone(), *uid_validity, *uid_next)).or_default().insert(mail.uid);
                }
                None => {}
            }
        }
        for ((folder, uid_validity, uid_next), uids) in begun {
            let found = self.find_copies(&folder, uid_validity, uid_next, &uids)?;
            let mut not_made = uids.clone();
            not_made.subtract(&found);
            self.store.note_copying(self.mailbox, &not_made, None)?;
            let done = Copying { folder, uid_validity, uid_next, done: true };
            self.store.note_copying(self.mailbox, &found, Some(&done))?;
            made.extend(&found);
        }
        if made.is_empty() {
            return Ok(());
        }
        if self.attempt(|session| session.removal(false))? == Removal::None {
            // The server can move and not take out single mails: one more move is all that is left, and loses nothing.
            return Ok(self.store.note_copying(self.mailbox, &made, None)?);
        }
        self.take_out(&made)
    }

    /// Those of some mails of which there is a copy that came after a copy of them was begun.
    fn find_copies(&mut self, target: &str, uid_validity: u32, uid_next: u32, uids: &UidSet) -> Result<UidSet, Ended> {
        let originals = self.attempt(|session| session.fingerprints(uids))?;
        let step = self.step();
        let name = [target.to_owned()];
        let (mut folders, _) = self.connection.attempt(&step, |session| session.folders(&name, &[]))?;
        let Some(target) = folders.pop() else {
            return Ok(UidSet::default());
        };
        let after = UidSet::range(uid_next.max(1), u32::MAX);
        let copies = self.connection.attempt_in(&target, None, &step, |session, opened| {
            // Another folder of that name has no copies in it.
            if opened.uid_validity != uid_validity || opened.exists == 0 {
                return Ok(HashMap::new());
            }
            session.fingerprints(&after)
        })?;
        let mut copies: Vec<_> = copies.into_values().collect();
        let mut found = UidSet::default();
        for (uid, original) in originals {
            if let Some(at) = copies.iter().position(|copy| *copy == original) {
                copies.swap_remove(at);
                found.insert(uid);
            }
        }
        Ok(found)
    }
}
