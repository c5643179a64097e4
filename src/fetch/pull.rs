//! Pulling mail out of a folder into the ingest pipeline, over as many connections as it takes.
//!
//! A mail that a connection breaks on, or whose answer makes no sense, must not hold up the others: mails that were on
//! their way when something went wrong are asked for one by one, and one that fails so again is put aside.

use std::collections::HashMap;
use std::sync::Arc;

use super::connection::Connection;
use super::summary::FolderSummary;
use crate::mail::Envelope;
use crate::source::imap::{Error, Failure, Fetched, Folder, Listed, Step};
use crate::source::{Belief, Content, Input, InputSink, Receipt};
use crate::uid_set::UidSet;

/// A mail that a connection broke on so often, alone, is put aside.
const STRIKES: u32 = 2;
/// From this many mails put aside in one folder on, the server is at fault and not the mails.
const MOST_ASIDE: u32 = 25;

/// Pulls mails of one folder.
pub(super) struct Pull<'p, 'l> {
    pub(super) connection: &'p mut Connection<'l>,
    pub(super) folder: &'p Folder,
    pub(super) uid_validity: u32,
    /// The folder's number in the database.
    pub(super) mailbox: i64,
    /// The largest mail in bytes.
    pub(super) most: u64,
    pub(super) summary: &'p mut FolderSummary,
    pub(super) sink: &'p mut dyn InputSink,
}

impl Pull<'_, '_> {
    /// Pulls these mails, and the beginnings of those that are too large.
    pub(super) fn run(&mut self, mails: &[Listed]) -> Result<(), Failure> {
        let (large, mails): (Vec<Listed>, Vec<Listed>) = mails.iter().partition(|mail| mail.size > self.most);
        let missing = self.mails(mails)?;
        self.look_for(&missing)?;
        for mail in large {
            self.beginning(mail)?;
        }
        Ok(())
    }

    fn naming(&self) -> Naming {
        let account = &*self.connection.account;
        let belief = account.trusted_authserv_id.as_deref().map_or(Belief::Nobody, |id| Belief::Server(id.into()));
        Naming { account: account.name.clone(), folder: self.folder.name.clone(), belief }
    }

    fn step(&self) -> Step {
        Step::Fetch(self.folder.name.clone())
    }

    /// Pulls mails; gives those for which nothing came.
    fn mails(&mut self, mut left: Vec<Listed>) -> Result<UidSet, Failure> {
        let mut missing = UidSet::default();
        let mut suspects = UidSet::default();
        let mut strikes: HashMap<u32, u32> = HashMap::new();
        let mut aside = 0;
        while !left.is_empty() {
            let (first, rest): (Vec<Listed>, Vec<Listed>) = left.iter().partition(|mail| suspects.contains(mail.uid));
            let one_by_one = !first.is_empty();
            let now = if one_by_one { first } else { rest };
            let mut outstanding = UidSet::default();
            let mut settled = UidSet::default();
            let result = self.batch(&now, one_by_one, &mut outstanding, &mut settled, &mut missing);
            if !settled.is_empty() {
                self.connection.went_well();
                left.retain(|mail| !settled.contains(mail.uid));
            }
            let Err(failure) = result else { continue };
            let by_content = matches!(
                *failure.error,
                Error::LargeMail { .. } | Error::TooLong { .. } | Error::Garbled(_) | Error::Flood
            );
            let stuck = by_content || (failure.error.is_passing() && settled.is_empty());
            if one_by_one && stuck && outstanding.len() == 1 {
                let uid = outstanding.last().unwrap_or_default();
                let count = strikes.entry(uid).or_default();
                *count += 1;
                if *count >= STRIKES || matches!(*failure.error, Error::LargeMail { .. }) {
                    aside += 1;
                    if aside > MOST_ASIDE {
                        return Err(failure);
                    }
                    self.put_aside(uid, &failure.error);
                    self.connection.went_well();
                    left.retain(|mail| mail.uid != uid);
                    suspects.remove(uid);
                }
            } else if stuck {
                suspects.extend(&outstanding);
            }
            self.connection.wait_after(failure)?;
        }
        Ok(missing)
    }

    fn batch(
        &mut self,
        mails: &[Listed],
        one_by_one: bool,
        outstanding: &mut UidSet,
        settled: &mut UidSet,
        missing: &mut UidSet,
    ) -> Result<(), Failure> {
        let step = self.step();
        let naming = self.naming();
        let (mailbox, most, summary, sink) = (self.mailbox, self.most, &mut *self.summary, &mut *self.sink);
        self.connection.once_in(self.folder, Some(self.uid_validity), &step, |session, _| {
            session.fetch_mail(mails, most, one_by_one, outstanding, &mut |fetched| match fetched {
                Fetched::Mail(uid, bytes) if is_substitute(mails, uid, &bytes) => {
                    settled.insert(uid);
                    missing.insert(uid);
                    true
                }
                Fetched::Mail(uid, bytes) => {
                    settled.insert(uid);
                    summary.fetched += 1;
                    sink.push(naming.input(mailbox, uid, Content::Bytes(Arc::new(bytes))))
                }
                Fetched::Nothing(uids) => {
                    settled.extend(&uids);
                    missing.extend(&uids);
                    true
                }
            })
        })
    }

    /// Mails for which nothing came, or not the mail: most are gone meanwhile. Those that are still there are asked for
    /// once more, alone, since some servers answer a long command with nothing. What cannot be had now is told as failed and
    /// asked for again by the next run.
    fn look_for(&mut self, missing: &UidSet) -> Result<(), Failure> {
        if missing.is_empty() {
            return Ok(());
        }
        let step = self.step();
        let (folder, validity) = (self.folder, Some(self.uid_validity));
        let there =
            self.connection.attempt_in(folder, validity, &step, |session, _| session.list_mail(missing, false))?;
        self.summary.vanished += missing.len() - there.len() as u64;
        let mut in_vain = 0;
        for mail in there {
            let still_missing = self.mails(vec![mail])?;
            if !still_missing.is_empty() {
                in_vain += 1;
                if in_vain > MOST_ASIDE {
                    let text = "it lists mails but does not deliver them".to_owned();
                    return Err(Error::Refused { code: String::new(), text }.at(step));
                }
                let reason = "the server lists this mail but does not deliver it; it will be asked for again";
                let content = Content::Unreadable(reason.to_owned());
                self.push(mail.uid, content);
            }
        }
        Ok(())
    }

    /// A mail that is too large: its beginning, for the quarantine.
    fn beginning(&mut self, mail: Listed) -> Result<(), Failure> {
        let step = self.step();
        let (folder, validity) = (self.folder, Some(self.uid_validity));
        let head = self.connection.attempt_in(folder, validity, &step, |session, _| session.fetch_head(mail.uid))?;
        match head {
            None => self.summary.vanished += 1,
            Some(head) => {
                self.summary.oversized += 1;
                self.push(mail.uid, Content::Oversized { head, size: mail.size, mail: true });
            }
        }
        Ok(())
    }

    /// A mail that cannot be had.
    fn put_aside(&mut self, uid: u32, error: &Error) {
        let content = match error {
            Error::LargeMail { size, head } => {
                self.summary.oversized += 1;
                Content::Oversized { head: head.clone(), size: *size, mail: true }
            }
            other => Content::Unreadable(other.to_string()),
        };
        self.push(uid, content);
    }

    fn push(&mut self, uid: u32, content: Content) {
        let input = self.naming().input(self.mailbox, uid, content);
        self.sink.push(input);
    }
}

/// Whether what came is not the mail but a text in its place: Courier answers OK with a note of some hundred bytes where it
/// cannot read the file just now. Servers count sizes differently, by line ends or an estimate, but never by half.
fn is_substitute(mails: &[Listed], uid: u32, bytes: &[u8]) -> bool {
    const NOTE: u64 = 4096;
    let length = bytes.len() as u64;
    let listed = mails.iter().find(|mail| mail.uid == uid).map_or(0, |mail| mail.size);
    // Of a small mail the sizes tell little; that text is known.
    let is_note = length != listed && memchr::memmem::find(bytes, b"Subject: message unavailable").is_some();
    length <= NOTE && (is_note || length < listed / 2 && listed - length > 512)
}

/// What all mails of a folder have in common.
struct Naming {
    account: String,
    folder: String,
    belief: Belief,
}

impl Naming {
    fn input(&self, mailbox: i64, uid: u32, content: Content) -> Input {
        Input {
            location: location(&self.account, &self.folder, uid),
            file_name: None,
            is_mail: true,
            envelope: Envelope::default(),
            belief: self.belief.clone(),
            receipt: Some(Receipt { mailbox, uid }),
            content,
        }
    }
}

/// What to call a mail: a URL in the manner of RFC 5092, with the account's name for the server's.
fn location(account: &str, folder: &str, uid: u32) -> String {
    let escape = |text: &str| {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '%' | ';' | '?' | '#' | '"' | '<' | '>' | '\\' | ' ' | '\0'..='\x1f' | '\x7f' => {
                    out.push_str(&format!("%{:02X}", c as u32));
                }
                _ => out.push(c),
            }
        }
        out
    };
    format!("imap://{}/{};UID={uid}", escape(account), escape(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_in_place_of_a_mail_is_not_the_mail() {
        let mails =
            [Listed { uid: 7, number: 1, size: 3_000, day: None }, Listed { uid: 8, number: 2, size: 0, day: None }];
        for (uid, length, expected) in
            [(7, 129, true), (7, 0, true), (7, 2_900, false), (7, 1_600, false), (8, 10, false), (9, 10, false)]
        {
            assert_eq!(is_substitute(&mails, uid, &vec![b'x'; length]), expected, "{uid} {length}");
        }
        let short = [Listed { uid: 7, number: 1, size: 400, day: None }];
        assert!(!is_substitute(&short, 7, b""), "the size of a small mail may be an estimate");
        assert!(is_substitute(&short, 7, b"From: x\nSubject: message unavailable\n\nIt is not there.\n"));
    }

    #[test]
    fn locations_are_one_word_and_come_apart_again() {
        assert_eq!(location("rua", "INBOX", 123), "imap://rua/INBOX;UID=123");
        assert_eq!(location("a b", "x;UID=1/ü%", 2), "imap://a%20b/x%3BUID=1/ü%25;UID=2");
    }
}
