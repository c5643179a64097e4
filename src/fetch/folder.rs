//! A round through one folder: what is new in it, and what becomes of that.

use std::collections::BTreeMap;

use super::connection::Connection;
use super::options::{FetchOptions, Since};
use super::post_actions::PostActions;
use super::pull::Pull;
use super::summary::{Ended, FolderSummary};
use crate::ingest::{IngestOptions, IngestSummary, Observer, ingest};
use crate::source::MailOutcome;
use crate::source::imap::account::After;
use crate::source::imap::{Error, Failure, Folder, Listed, Step};
use crate::store::{Mailbox, Store};
use crate::uid_set::UidSet;

/// How many mails are read before something is done with them on the server.
const CHAPTER: usize = 2_000;
/// How often a folder that is replaced while it is read is begun anew.
const REPLACED: u32 = 3;

/// One round.
pub(super) struct Round<'r, 'l, 'o> {
    pub(super) store: &'r mut Store,
    pub(super) connection: &'r mut Connection<'l>,
    pub(super) options: &'r FetchOptions<'o>,
    pub(super) observer: &'r mut dyn Observer,
    pub(super) folder: &'r Folder,
    pub(super) targets: &'r BTreeMap<String, Folder>,
    pub(super) summary: &'r mut FolderSummary,
    pub(super) ingested: &'r mut IngestSummary,
}

impl Round<'_, '_, '_> {
    pub(super) fn run(&mut self) -> Result<(), Ended> {
        let mut again = REPLACED;
        loop {
            match self.once() {
                Err(Ended::Failed(failure)) if matches!(*failure.error, Error::Replaced) && again > 0 => again -= 1,
                other => return other,
            }
        }
    }

    fn once(&mut self) -> Result<(), Ended> {
        let step = Step::Open(self.folder.name.clone());
        self.connection.reopen();
        let opened = self.connection.attempt_in(self.folder, None, &step, |_, opened| Ok(opened.clone()))?;
        self.summary.uid_validity = opened.uid_validity;
        self.summary.uid_next = opened.uid_next;
        self.summary.mails = opened.exists;
        let identity = self.connection.account.identity();
        let mut mailbox =
            self.store.mailbox(&identity, &self.folder.name, opened.uid_validity, (self.options.clock)())?;
        if opened.uid_validity == 0 {
            // UIDs of a server that does not say how long they are valid say nothing.
            mailbox.done = UidSet::default();
        }
        self.summary.replaced |= mailbox.replaced;
        // What cannot be done with mail on the server keeps no mail from being read; the next run tries it again.
        let mut untidy = self.tidy(&mailbox, opened.uid_validity)?;
        let mails = if opened.exists == 0 { Vec::new() } else { self.new_mail(&mut mailbox)? };
        let chapter = if self.connection.account.keeps_all() { mails.len().max(1) } else { CHAPTER };
        for mails in mails.chunks(chapter) {
            let pulled = self.ingest(&mailbox, mails)?;
            if untidy.is_none() {
                untidy = self.tidy(&mailbox, opened.uid_validity)?;
            }
            pulled?;
        }
        match untidy {
            None => Ok(()),
            Some(failure) => {
                self.summary.left_to_do = self.store.pending_mail(mailbox.id)?.len() as u64;
                Err(Ended::Untidy(failure))
            }
        }
    }

    /// The mails that were not read yet.
    fn new_mail(&mut self, mailbox: &mut Mailbox) -> Result<Vec<Listed>, Ended> {
        let since = match self.options.since {
            Since::AsBefore => mailbox.since,
            Since::All => None,
            Since::Day(day) => Some(day),
        };
        if mailbox.since.is_some_and(|before| since.is_none_or(|since| since < before)) {
            mailbox.done = self.store.take_up_passed(mailbox.id)?;
        }
        let step = Step::Fetch(self.folder.name.clone());
        // The last that was read is listed again: by its number it shows that there is none between it and the next.
        let mut wanted = mailbox.done.gaps(1, u32::MAX);
        mailbox.done.last().into_iter().for_each(|last| wanted.insert(last));
        let validity = Some(self.summary.uid_validity);
        let listed = self
            .connection
            .attempt_in(self.folder, validity, &step, |session, _| session.list_mail(&wanted, since.is_some()))?;
        self.connection.went_well();
        let mut unused = unused(&listed);
        unused.subtract(&mailbox.done);
        if !unused.is_empty() {
            self.store.note_unused(mailbox.id, &unused)?;
        }
        let new = listed.into_iter().filter(|mail| !mailbox.done.contains(mail.uid));
        let Some(since) = since else {
            return Ok(new.collect());
        };
        let (old, new): (Vec<_>, Vec<_>) = new.partition(|mail| mail.day.is_some_and(|day| day < since));
        self.summary.passed_over += old.len() as u64;
        let old: UidSet = old.into_iter().map(|mail| mail.uid).collect();
        if !old.is_empty() || mailbox.since != Some(since) {
            self.store.pass_over(mailbox.id, &old, since)?;
        }
        Ok(new)
    }

    /// Reads mails into the store. The inner result is the server's.
    fn ingest(&mut self, mailbox: &Mailbox, mails: &[Listed]) -> Result<Result<(), Failure>, Ended> {
        let account = &*self.connection.account;
        let left_to_do = [MailOutcome::Other, MailOutcome::Report, MailOutcome::Quarantined]
            .into_iter()
            .filter(|&outcome| *account.fate(outcome) != After::Keep && self.summary.uid_validity != 0)
            .collect();
        let options = IngestOptions { left_to_do, now: (self.options.clock)(), ..self.options.ingest.clone() };
        let most = options.limits.message;
        let mut pulled = Ok(());
        let (connection, folder, summary) = (&mut *self.connection, self.folder, &mut *self.summary);
        let (uid_validity, mailbox) = (summary.uid_validity, mailbox.id);
        let result = ingest(
            self.store,
            &options,
            |sink| {
                let mut pull = Pull { connection, folder, uid_validity, mailbox, most, summary, sink };
                pulled = pull.run(mails);
            },
            self.observer,
        );
        self.ingested.add(result?);
        Ok(pulled)
    }

    /// Carries out the actions that are pending on the server. What the server refuses comes as the inner failure.
    fn tidy(&mut self, mailbox: &Mailbox, uid_validity: u32) -> Result<Option<Failure>, Ended> {
        let result = PostActions {
            store: &mut *self.store,
            connection: &mut *self.connection,
            folder: self.folder,
            targets: self.targets,
            mailbox: mailbox.id,
            uid_validity,
            summary: &mut *self.summary,
        }
        .run();
        match result {
            Ok(()) => Ok(None),
            Err(Ended::Failed(failure)) if !matches!(*failure.error, Error::Stopped | Error::Replaced) => {
                Ok(Some(failure))
            }
            Err(other) => Err(other),
        }
    }
}

/// UIDs that no mail has, by the numbers of the mails on both sides of them. A server that keeps a mail back leaves a gap
/// in the numbers too.
fn unused(listed: &[Listed]) -> UidSet {
    let mut unused = UidSet::default();
    if let Some(first) = listed.first().filter(|first| first.number == 1) {
        unused.insert_range(1, first.uid - 1);
    }
    for two in listed.windows(2) {
        if two[0].number > 0 && two[0].number.checked_add(1) == Some(two[1].number) {
            unused.insert_range(two[0].uid + 1, two[1].uid - 1);
        }
    }
    unused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_proven_unused_is() {
        let mail = |number, uid| Listed { uid, number, size: 1, day: None };
        let listed = [mail(1, 5), mail(2, 6), mail(3, 10), mail(5, 20), mail(6, 22), mail(0, 30), mail(0, 40)];
        assert_eq!(unused(&listed).to_string(), "1:4,7:9,21");
        assert_eq!(unused(&[mail(3, 7)]).to_string(), "");
    }
}
