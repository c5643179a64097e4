//! What is done with mail that was read: marking, moving, deleting. Never a plain EXPUNGE, which takes with it what others
//! have marked.

use std::collections::HashMap;

use super::error::Result;
use super::fetch::pieces;
use super::folders::Folder;
use super::response::Response;
use super::session::{Part, Session};
use super::wire::Cap;
use crate::uid_set::UidSet;

/// How a mail leaves a folder on this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// MOVE (RFC 6851).
    Move,
    /// COPY, `\Deleted` and UID EXPUNGE (RFC 4315).
    Expunge,
    /// Not one by one.
    None,
}

/// By what a copy of a mail is known again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fingerprint(Vec<Vec<u8>>);

impl Session {
    /// How a mail leaves a folder here.
    ///
    /// # Errors
    /// See [`Error`](super::Error).
    pub fn removal(&mut self, to_folder: bool) -> Result<Removal> {
        if to_folder && self.can("MOVE")? {
            return Ok(Removal::Move);
        }
        Ok(if self.can("UIDPLUS")? { Removal::Expunge } else { Removal::None })
    }

    /// Sets a flag on mails.
    ///
    /// # Errors
    /// See [`Error`](super::Error).
    pub fn flag(&mut self, uids: &UidSet, flag: &str) -> Result<()> {
        self.each_piece(uids, |set| format!("UID STORE {set} +FLAGS.SILENT ({flag})"), None)
    }

    /// Takes mails out that are marked as deleted, and no others.
    ///
    /// # Errors
    /// See [`Error`](super::Error).
    pub fn expunge(&mut self, uids: &UidSet) -> Result<()> {
        self.each_piece(uids, |set| format!("UID EXPUNGE {set}"), None)
    }

    /// Moves mails.
    ///
    /// # Errors
    /// See [`Error`](super::Error).
    pub fn move_mail(&mut self, uids: &UidSet, to: &Folder) -> Result<()> {
        self.each_piece(uids, |set| format!("UID MOVE {set}"), Some(to))
    }

    /// Copies mails, all or none of each piece that is sent at once.
    ///
    /// # Errors
    /// See [`Error`](super::Error).
    pub fn copy_mail(&mut self, uids: &UidSet, to: &Folder) -> Result<()> {
        self.each_piece(uids, |set| format!("UID COPY {set}"), Some(to))
    }

    fn each_piece(&mut self, uids: &UidSet, command: impl Fn(&str) -> String, to: Option<&Folder>) -> Result<()> {
        for set in pieces(uids) {
            let command = command(&set);
            let mut parts = vec![Part::Plain(&command)];
            parts.extend(to.map(|folder| Part::Text(&folder.sent)));
            // MOVE and EXPUNGE tell of each mail.
            let mut told = 0;
            let result = self.run(&parts, &mut |_| {
                told += 1;
                told <= uids.len()
            });
            result?;
        }
        Ok(())
    }

    /// UIDVALIDITY and next UID of a folder that is not open.
    ///
    /// # Errors
    /// See [`Error`](super::Error).
    pub fn position(&mut self, folder: &Folder) -> Result<(u32, u32)> {
        let (mut validity, mut next) = (0, 0);
        let parts = [Part::Plain("STATUS"), Part::Text(&folder.sent), Part::Plain("(UIDVALIDITY UIDNEXT)")];
        self.run(&parts, &mut |response| match response {
            Response::Status(items) => {
                for (name, value) in items {
                    match name.as_str() {
                        "UIDVALIDITY" => validity = value.number().unwrap_or(0),
                        "UIDNEXT" => next = value.number().unwrap_or(0),
                        _ => {}
                    }
                }
                false
            }
            _ => false,
        })?;
        Ok((validity, next))
    }

    /// By what mails of the open folder are known again: size, arrival and the headers that tell mails apart.
    ///
    /// # Errors
    /// See [`Error`](super::Error).
    pub fn fingerprints(&mut self, uids: &UidSet) -> Result<HashMap<u32, Fingerprint>> {
        const ITEMS: &str = "(UID RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE SUBJECT)])";
        let mut found = HashMap::new();
        for set in pieces(uids) {
            let set = set.replace(&format!(":{}", u32::MAX), ":*");
            let tag = self.send(&[Part::Plain("UID FETCH"), Part::Plain(&set), Part::Plain(ITEMS)])?;
            let cap = Cap { text: Cap::SMALL.text, literals: 256 * 1024 };
            self.finish(&tag, cap, &mut |response| {
                let Response::Fetch(_, items) = response else { return false };
                let Some(uid) = items.iter().find(|(name, _)| name == "UID").and_then(|(_, uid)| uid.number()) else {
                    return false;
                };
                let mut print: Vec<(String, Vec<u8>)> = items
                    .into_iter()
                    .filter(|(name, _)| name != "UID" && name != "FLAGS" && name != "MODSEQ")
                    .map(|(name, value)| (name, value.into_text().unwrap_or_default().trim_ascii().to_vec()))
                    .collect();
                print.sort();
                let print = Fingerprint(print.into_iter().map(|(_, value)| value).collect());
                uids.contains(uid) && found.insert(uid, print).is_none()
            })?;
        }
        Ok(found)
    }
}
