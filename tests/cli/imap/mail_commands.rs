//! What the server does with the mails of the open folder: search, fetch, store, copy, move, expunge.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::kept::{Folder, Message};
use super::server::{Session, gone};
use super::syntax::{is_in, part};

impl Session {
    pub(super) fn search(&mut self, words: &[String]) -> Result<String, String> {
        let header = words.iter().position(|word| word.eq_ignore_ascii_case("HEADER")).map(|at| words[at + 2].clone());
        let mut sets = words.iter().filter(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        let set = sets.find(|word| word.contains([':', ',', '*']) || word.parse::<u32>().is_ok()).cloned();
        let found = self.here(|folder| {
            let last = folder.messages.last().map_or(0, |message| message.uid);
            let wanted = |message: &&Message| {
                set.as_ref().is_none_or(|set| is_in(set, message.uid, last))
                    && header
                        .as_ref()
                        .is_none_or(|text| String::from_utf8_lossy(&message.bytes).contains(text.as_str()))
            };
            folder.messages.iter().filter(wanted).map(|message| format!(" {}", message.uid)).collect::<String>()
        })?;
        self.line.say(format!("* SEARCH{found}")).map_err(gone)?;
        Ok(String::new())
    }

    pub(super) fn fetch(&mut self, words: &[String]) -> Result<String, String> {
        let messages = self.chosen(&words[0])?;
        for (number, message) in messages {
            let (mut items, mut body) = (Vec::new(), None);
            for word in &words[1..] {
                match word.to_ascii_uppercase().as_str() {
                    "FLAGS" => items.push(format!("FLAGS ({})", flags(&message))),
                    "RFC822.SIZE" => items.push(format!("RFC822.SIZE {}", message.bytes.len())),
                    "INTERNALDATE" => items.push("INTERNALDATE \"02-Oct-2026 03:04:05 +0000\"".to_owned()),
                    "UID" | "(" | ")" => {}
                    other => body = Some(part(other, &message.bytes)?),
                }
            }
            items.insert(if self.manner.uid_last { items.len() } else { 0 }, format!("UID {}", message.uid));
            let mut line = format!("* {number} FETCH (").into_bytes();
            let uid_after = body.is_some() && self.manner.uid_last;
            let before = if uid_after { &items[..items.len() - 1] } else { &items[..] };
            line.extend_from_slice(before.join(" ").as_bytes());
            if let Some((name, bytes)) = body {
                let space = if before.is_empty() { "" } else { " " };
                line.extend_from_slice(format!("{space}{name} {{{}}}\r\n", bytes.len()).as_bytes());
                line.extend_from_slice(&bytes);
            }
            if uid_after {
                line.extend_from_slice(format!(" UID {}", message.uid).as_bytes());
            }
            line.extend_from_slice(b")\r\n");
            self.line.write(&line).map_err(gone)?;
        }
        Ok(String::new())
    }

    pub(super) fn store(&mut self, words: &[String]) -> Result<String, String> {
        if self.read_only && !self.manner.stores_under_examine {
            return Err("NO Mailbox is read-only".to_owned());
        }
        let named: BTreeSet<String> = words[2..].iter().filter(|word| word.starts_with('\\')).cloned().collect();
        let (set, add) = (words[0].clone(), words[1].starts_with('+'));
        let changed = self.here(|folder| {
            let last = folder.messages.last().map_or(0, |message| message.uid);
            let mut changed = Vec::new();
            for (at, message) in folder.messages.iter_mut().enumerate() {
                if is_in(&set, message.uid, last) {
                    if add {
                        message.flags.extend(named.iter().cloned());
                    } else {
                        message.flags.retain(|flag| !named.contains(flag));
                    }
                    changed.push((at + 1, message.clone()));
                }
            }
            changed
        })?;
        if !words[1].to_ascii_uppercase().ends_with(".SILENT") {
            for (number, message) in changed {
                let line = format!("* {number} FETCH (UID {} FLAGS ({}))", message.uid, flags(&message));
                self.line.say(line).map_err(gone)?;
            }
        }
        Ok(String::new())
    }

    pub(super) fn copy(&mut self, words: &[String], and_remove: bool) -> Result<String, String> {
        if self.read_only && and_remove {
            return Err("NO Mailbox is read-only".to_owned());
        }
        let chosen = self.chosen(&words[0])?;
        let code = self.folder(&words[1], |target| {
            let new: Vec<u32> = chosen.iter().map(|(_, message)| target.put(Arc::clone(&message.bytes))).collect();
            format!("COPYUID {} {} {}", target.validity, list(chosen.iter().map(|(_, message)| message.uid)), list(new))
        });
        let code = code.map_err(|_| "NO [TRYCREATE] Mailbox does not exist".to_owned())?;
        if and_remove {
            self.line.say(format!("* OK [{code}] moved")).map_err(gone)?;
            let uids: BTreeSet<u32> = chosen.iter().map(|(_, message)| message.uid).collect();
            let numbers = self.here(|folder| folder.take(|message| uids.contains(&message.uid)))?;
            self.tell_expunged(numbers)?;
            return Ok(String::new());
        }
        Ok(code)
    }

    pub(super) fn expunge(&mut self, set: &str) -> Result<String, String> {
        if self.read_only {
            return Err("NO Mailbox is read-only".to_owned());
        }
        let numbers = self.here(|folder| {
            let last = folder.messages.last().map_or(0, |message| message.uid);
            folder.take(|message| message.flags.contains("\\Deleted") && is_in(set, message.uid, last))
        })?;
        self.tell_expunged(numbers)?;
        Ok(String::new())
    }

    fn tell_expunged(&mut self, numbers: Vec<usize>) -> Result<(), String> {
        numbers.into_iter().try_for_each(|number| self.line.say(format!("* {number} EXPUNGE"))).map_err(gone)
    }

    fn here<T>(&self, look: impl FnOnce(&mut Folder) -> T) -> Result<T, String> {
        self.folder(self.open.as_deref().ok_or("BAD no folder is open")?, look)
    }

    fn chosen(&self, set: &str) -> Result<Vec<(usize, Message)>, String> {
        self.here(|folder| {
            let last = folder.messages.last().map_or(0, |message| message.uid);
            let numbered = folder.messages.iter().enumerate().map(|(at, message)| (at + 1, message.clone()));
            numbered.filter(|(_, message)| is_in(set, message.uid, last)).collect()
        })
    }
}

fn flags(message: &Message) -> String {
    message.flags.iter().cloned().collect::<Vec<_>>().join(" ")
}

fn list(uids: impl IntoIterator<Item = u32>) -> String {
    uids.into_iter().map(|uid| uid.to_string()).collect::<Vec<_>>().join(",")
}
