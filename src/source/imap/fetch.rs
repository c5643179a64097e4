//! Fetching mail: what there is, and then its bytes, in batches of which the next few are on their way while one is read.

use std::collections::{BTreeMap, VecDeque};

use super::error::{Error, Result};
use super::folders::Folder;
use super::response::{Response, Value};
use super::session::{Part, Session};
use super::wire::Cap;
use crate::uid_set::UidSet;

/// A batch ends when it holds this many bytes by the server's own account, mails, or pieces of a set of UIDs: commands of
/// more than about a thousand bytes are refused by some, and silently not obeyed by others (RFC 2683 §3.2.1.5).
const BATCH_BYTES: u64 = 4 * 1024 * 1024;
const BATCH_MAILS: usize = 400;
const SET_PIECES: usize = 60;
/// Batches asked for and not yet there: enough that the server has work for a round trip and for the time in which nobody
/// reads here, because all cores are busy with what came before. Over a slow link small mails need more batches than
/// large ones, so further ones are asked for while little is under way.
const AHEAD: usize = 4;
const AHEAD_BYTES: u64 = 8 * 1024 * 1024;
const AHEAD_MOST: usize = 32;
/// More mails in one folder are not looked at in one go.
const MOST_MAILS: usize = 5_000_000;
/// What is fetched of a mail over the limit, for a look at it.
pub const HEAD_OF_LARGE: u32 = 64 * 1024;

/// A folder that was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opened {
    /// What its UIDs are valid with; 0 where the server does not say.
    pub uid_validity: u32,
    /// The UID that the next mail will get; 0 where the server does not say.
    pub uid_next: u32,
    /// How many mails are in it.
    pub exists: u32,
    /// It takes no changes.
    pub read_only: bool,
}

/// A mail in the folder that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// Its UID.
    pub uid: u32,
    /// Its number in the folder, from 1 without gaps; 0 where numbers changed while they were listed.
    pub number: u32,
    /// Its size in bytes, as the server has it.
    pub size: u64,
    /// The day it came, in days since the epoch, where that was asked for.
    pub day: Option<i64>,
}

/// What came for a UID.
#[derive(Debug)]
pub enum Fetched {
    /// The mail, or the part of it that was asked for.
    Mail(u32, Vec<u8>),
    /// Nothing came for these: they are gone, or the server keeps them back.
    Nothing(UidSet),
}

impl Session {
    /// Opens a folder with SELECT, and with EXAMINE only where that is refused: under EXAMINE some servers (Courier,
    /// GNU Mailutils) hand out UIDs that they do not keep, so that a UID is another mail the next time. Reading with
    /// `BODY.PEEK[]` leaves every flag as it is but `\Recent`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn open_folder(&mut self, folder: &Folder) -> Result<Opened> {
        match self.open_by("SELECT", folder) {
            Err(Error::Refused { code, text }) => {
                let refused = Error::Refused { code, text };
                if refused.is_passing() {
                    return Err(refused);
                }
                match self.open_by("EXAMINE", folder) {
                    Err(Error::Refused { .. }) => Err(refused),
                    examined => examined.map(|opened| Opened { read_only: true, ..opened }),
                }
            }
            selected => selected,
        }
    }

    fn open_by(&mut self, command: &str, folder: &Folder) -> Result<Opened> {
        let mut opened = Opened::default();
        let code = self.run(&[Part::Plain(command), Part::Text(&folder.sent)], &mut |response| match response {
            Response::Exists(number) => {
                opened.exists = number;
                false
            }
            Response::State { tag: None, code, .. } if code.name == "UIDVALIDITY" => {
                opened.uid_validity = code.rest.trim().parse().unwrap_or(0);
                false
            }
            Response::State { tag: None, code, .. } if code.name == "UIDNEXT" => {
                opened.uid_next = code.rest.trim().parse().unwrap_or(0);
                false
            }
            _ => false,
        })?;
        opened.read_only = code.name == "READ-ONLY";
        Ok(opened)
    }

    /// The mails of the open folder with these UIDs, in order; with the day they came when asked for.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn list_mail(&mut self, uids: &UidSet, with_day: bool) -> Result<Vec<Listed>> {
        let items = if with_day { "(UID RFC822.SIZE INTERNALDATE)" } else { "(UID RFC822.SIZE)" };
        let mut found = BTreeMap::new();
        let mut renumbered = false;
        for set in pieces(uids) {
            // The largest UID there is may be larger than the last of an open range; `*` is what servers know.
            let text = match set.strip_suffix(&format!(":{}", u32::MAX)) {
                Some(first) => format!("{first}:*"),
                None => set,
            };
            let mut too_many = false;
            let result =
                self.run(&[Part::Plain("UID FETCH"), Part::Plain(&text), Part::Plain(items)], &mut |response| {
                    renumbered |= response == Response::Gone;
                    let Some(listed) = read_listed(&response) else { return false };
                    too_many |= found.len() >= MOST_MAILS;
                    // `n:*` is the last mail even where its UID is smaller.
                    // Only what was not told before brings us on: a server may repeat itself for ever.
                    uids.contains(listed.uid) && !too_many && found.insert(listed.uid, listed).is_none()
                });
            match result {
                Ok(_) => {}
                // Some of them are gone meanwhile (RFC 5530); the rest was sent.
                Err(Error::Refused { code, .. }) if code == "EXPUNGEISSUED" => {}
                Err(error) => return Err(error),
            }
            if too_many {
                return Err(Error::Flood);
            }
        }
        let mut found: Vec<Listed> = found.into_values().collect();
        if renumbered {
            found.iter_mut().for_each(|listed| listed.number = 0);
        }
        Ok(found)
    }

    /// Fetches mails, none larger than `most` bytes, and hands each to `take` as it comes, until that says no. The order
    /// of `mails` is kept as far as the server keeps it.
    ///
    /// `outstanding` says afterwards which were asked for and had not come: after an error one of them is the cause.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn fetch_mail(
        &mut self,
        mails: &[Listed],
        most: u64,
        one_by_one: bool,
        outstanding: &mut UidSet,
        take: &mut dyn FnMut(Fetched) -> bool,
    ) -> Result<()> {
        let mut batches = Batches { mails, most_mails: if one_by_one { 1 } else { BATCH_MAILS } };
        let mut asked: VecDeque<Asked> = VecDeque::new();
        let mut on_the_way = 0_u64;
        let cap = Cap { text: Cap::SMALL.text, literals: most };
        let mut deadline = self.deadline();
        loop {
            while asks_for_more(asked.len(), on_the_way, one_by_one)
                && let Some((uids, bytes)) = batches.next()
            {
                let set = uids.to_string();
                let tag =
                    self.send(&[Part::Plain("UID FETCH"), Part::Plain(&set), Part::Plain("(UID BODY.PEEK[])")])?;
                outstanding.extend(&uids);
                on_the_way = on_the_way.saturating_add(bytes);
                asked.push_back(Asked { tag, uids, bytes });
            }
            if asked.is_empty() {
                return Ok(());
            }
            match self.next(cap, &mut deadline)? {
                Response::Fetch(_, items) => match read_body(items) {
                    Some((uid, body)) if outstanding.contains(uid) => {
                        outstanding.remove(uid);
                        deadline.useful();
                        if !take(Fetched::Mail(uid, body)) {
                            return Err(Error::Stopped);
                        }
                    }
                    _ => deadline.useless()?,
                },
                Response::State { tag: Some(done), state, code, text } => {
                    let Some(Asked { uids, bytes, .. }) = asked.pop_front_if(|front| front.tag == done) else {
                        return Err(Error::Garbled("an answer to a command that was not sent".to_owned()));
                    };
                    on_the_way = on_the_way.saturating_sub(bytes);
                    let result = self.done(state, code, text);
                    let missing: UidSet = uids.iter().filter(|&uid| outstanding.contains(uid)).collect();
                    match result {
                        Ok(_) => {}
                        // What was refused because some of it is gone will be told apart by asking again.
                        Err(error) if error.is_passing() || missing.is_empty() => return Err(error),
                        Err(Error::Refused { .. }) => {}
                        Err(error) => return Err(error),
                    }
                    deadline.useful();
                    missing.iter().for_each(|uid| outstanding.remove(uid));
                    if !missing.is_empty() && !take(Fetched::Nothing(missing)) {
                        return Err(Error::Stopped);
                    }
                }
                _ => deadline.useless()?,
            }
        }
    }

    /// The beginning of a mail that is too large to fetch; nothing where it is gone.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn fetch_head(&mut self, uid: u32) -> Result<Option<Vec<u8>>> {
        let set = uid.to_string();
        let items = format!("(UID BODY.PEEK[]<0.{HEAD_OF_LARGE}>)");
        let mut head = None;
        let tag = self.send(&[Part::Plain("UID FETCH"), Part::Plain(&set), Part::Plain(&items)])?;
        let cap = Cap { text: Cap::SMALL.text, literals: u64::from(HEAD_OF_LARGE) };
        self.finish(&tag, cap, &mut |response| match response {
            Response::Fetch(_, items) => match read_body(items) {
                Some((found, body)) if found == uid => head.replace(body).is_none(),
                _ => false,
            },
            _ => false,
        })?;
        Ok(head)
    }
}

/// Cuts mails into batches.
struct Batches<'m> {
    mails: &'m [Listed],
    most_mails: usize,
}

/// A batch that was asked for.
struct Asked {
    tag: String,
    uids: UidSet,
    /// By the server's own account.
    bytes: u64,
}

/// Whether to ask for another batch, where this many are on the way, with this many bytes in all.
fn asks_for_more(batches: usize, bytes: u64, one_by_one: bool) -> bool {
    if one_by_one { batches == 0 } else { batches < AHEAD || (bytes < AHEAD_BYTES && batches < AHEAD_MOST) }
}

impl Batches<'_> {
    /// The next batch, and its bytes.
    fn next(&mut self) -> Option<(UidSet, u64)> {
        let mut uids = UidSet::default();
        let (mut bytes, mut taken) = (0_u64, 0);
        for mail in self.mails {
            let full = bytes.saturating_add(mail.size) > BATCH_BYTES || taken >= self.most_mails;
            if taken > 0 && (full || uids.range_count() >= SET_PIECES) {
                break;
            }
            uids.insert(mail.uid);
            bytes = bytes.saturating_add(mail.size);
            taken += 1;
        }
        self.mails = &self.mails[taken..];
        (taken > 0).then_some((uids, bytes))
    }
}

/// A set of UIDs as texts short enough to be sent.
pub(super) fn pieces(uids: &UidSet) -> Vec<String> {
    in_pieces(uids).iter().map(UidSet::to_string).collect()
}

fn in_pieces(uids: &UidSet) -> Vec<UidSet> {
    let ranges: Vec<_> = uids.ranges().collect();
    ranges.chunks(SET_PIECES).map(|some| some.iter().copied().collect()).collect()
}

/// A set of UIDs in parts of at most `most` mails, each of which goes into one command.
#[must_use]
pub fn in_commands(uids: &UidSet, most: usize) -> Vec<UidSet> {
    let all: Vec<u32> = uids.iter().collect();
    all.chunks(most.max(1)).flat_map(|some| in_pieces(&some.iter().copied().collect())).collect()
}

fn item<'i>(items: &'i [(String, Value)], name: &str) -> Option<&'i Value> {
    items.iter().find(|(found, _)| found == name).map(|(_, value)| value)
}

fn read_listed(response: &Response) -> Option<Listed> {
    let Response::Fetch(number, items) = response else { return None };
    let uid = item(items, "UID")?.number().filter(|&uid| uid > 0)?;
    // One that does not tell the size is fetched, and measured then.
    let size = item(items, "RFC822.SIZE").and_then(Value::number).unwrap_or(0);
    let day = item(items, "INTERNALDATE").and_then(Value::text).and_then(read_day);
    Some(Listed { uid, number: *number, size, day })
}

/// UID and bytes of a mail; of one that came without bytes nothing.
fn read_body(items: Vec<(String, Value)>) -> Option<(u32, Vec<u8>)> {
    let uid = item(&items, "UID")?.number().filter(|&uid| uid > 0)?;
    let is_body = |name: &str| name.starts_with("BODY[]") || name == "RFC822";
    let body = items.into_iter().find(|(name, _)| is_body(name)).and_then(|(_, value)| value.into_text())?;
    Some((uid, body))
}

/// The day of an INTERNALDATE (RFC 3501 §9, `date-time`), in days since the epoch.
fn read_day(date: &[u8]) -> Option<i64> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let text = std::str::from_utf8(date).ok()?.trim();
    let mut parts = text.split([' ', '-']);
    let day = parts.next()?.parse().ok()?;
    let month = parts.next()?.to_ascii_lowercase();
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let year = parts.next()?.parse().ok()?;
    let date = jiff::civil::Date::new(year, i8::try_from(month).ok()?, day).ok()?;
    Some(i64::from((date - jiff::civil::date(1970, 1, 1)).get_days()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mails(sizes: &[(u32, u64)]) -> Vec<Listed> {
        sizes.iter().map(|&(uid, size)| Listed { uid, number: 0, size, day: None }).collect()
    }

    #[test]
    fn batches_are_bounded_by_bytes_and_length() {
        let large = mails(&[(1, 10), (2, BATCH_BYTES - 5), (4, 9 * BATCH_BYTES), (5, u64::MAX), (6, 1)]);
        let mut batches = Batches { mails: &large, most_mails: BATCH_MAILS };
        let sets: Vec<_> = std::iter::from_fn(|| batches.next()).map(|(set, _)| set.to_string()).collect();
        assert_eq!(sets, ["1", "2", "4", "5", "6"]);
        let sparse: Vec<_> =
            (1..=2000).map(|n| Listed { uid: 4_000_000_000 + n * 2, number: 0, size: 1, day: None }).collect();
        let mut batches = Batches { mails: &sparse, most_mails: BATCH_MAILS };
        let sets: Vec<_> = std::iter::from_fn(|| batches.next()).map(|(set, _)| set).collect();
        assert!(sets.iter().all(|set| set.to_string().len() < 1000));
        assert_eq!(sets.iter().map(UidSet::len).sum::<u64>(), 2000);
    }

    #[test]
    fn days_of_arrival() {
        assert_eq!(read_day(b"17-Jul-1996 02:44:25 -0700"), Some(9694));
        assert_eq!(read_day(b" 1-Jan-1970 00:00:00 +0000"), Some(0));
        for wrong in ["", "99-Foo-1", "31-Feb-2026 x", "x"] {
            assert_eq!(read_day(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
