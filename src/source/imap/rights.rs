//! What may be done with mail of a folder, known before anything is tried: by what the server can do, by its answer to SELECT,
//! and by the rights of the user (RFC 4314).

use super::account::After;
use super::error::{Error, Result};
use super::folders::Folder;
use super::mailbox_actions::Removal;
use super::response::Response;
use super::session::{Part, Session};

/// A right, and the letters of which one gives it: `d` is how RFC 2086 has deleting and expunging.
type Right = (&'static str, &'static str);

const MARK: Right = ("s", "s");
const DELETE: [Right; 2] = [("t", "td"), ("e", "ed")];
const INSERT: Right = ("i", "i");

impl Session {
    /// Why what is to become of mail of a folder cannot be done with it there; nothing where nothing speaks against it.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn hindrance(&mut self, folder: &Folder, fates: &[&After]) -> Result<Option<Error>> {
        let mut needed: Vec<Right> = Vec::new();
        for fate in fates {
            match fate {
                After::Keep => {}
                After::Seen => needed.push(MARK),
                After::Delete | After::Move(_) => {
                    if self.removal(matches!(fate, After::Move(_)))? == Removal::None {
                        return Ok(Some(Error::CannotRemove));
                    }
                    needed.extend(DELETE);
                }
            }
        }
        if needed.is_empty() {
            return Ok(None);
        }
        if self.open_folder(folder)?.read_only {
            return Ok(Some(Error::ReadOnly));
        }
        self.lacking(folder, &needed)
    }

    /// Why mail cannot be moved to a folder. One that is not there yet is made when it is needed.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn hindrance_at_target(&mut self, name: &str) -> Result<Option<Error>> {
        match self.folders(&[name.to_owned()], &[])?.0.first() {
            Some(folder) => self.lacking(folder, &[INSERT]),
            None => Ok(None),
        }
    }

    /// Those of the rights that the user has not, where the server tells.
    fn lacking(&mut self, folder: &Folder, needed: &[Right]) -> Result<Option<Error>> {
        if !self.can("ACL")? {
            return Ok(None);
        }
        let mut has = None;
        let result = self.run(&[Part::Plain("MYRIGHTS"), Part::Text(&folder.sent)], &mut |response| {
            if let Response::MyRights(rights) = response {
                has = Some(rights);
            }
            false
        });
        match result {
            Ok(_) | Err(Error::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
        let Some(has) = has else { return Ok(None) };
        let mut missing: Vec<&str> = needed
            .iter()
            .filter(|(_, given_by)| !has.contains(|c| given_by.contains(c)))
            .map(|right| right.0)
            .collect();
        missing.dedup();
        Ok((!missing.is_empty()).then(|| Error::Rights { missing: missing.join(", "), has }))
    }
}
