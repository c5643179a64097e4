//! What is remembered of mail on servers: which of it was read, what is still to be done with it, and how each account fared.
//!
//! Mail is known by the account, the folder, the folder's UIDVALIDITY and the mail's UID (RFC 3501 §2.3.1.1). That a
//! mail is done is written in the transaction that holds what was in it, so that neither is ever there without the other.

use std::collections::BTreeMap;

use super::engine::{self, Connection, Optional, Row, params};

use super::{Result, Store, StoreError};
use crate::uid_set::UidSet;

/// A folder of an account, as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// Its number.
    pub id: i64,
    /// The mails that need not be read any more, and UIDs that never will be a mail's.
    pub done: UidSet,
    /// The day before which mail is passed over, in days since the epoch.
    pub since: Option<i64>,
    /// The folder was known under another UIDVALIDITY: all of it is to be read again.
    pub replaced: bool,
}

/// A mail that was read, with actions pending on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingMail {
    /// Which.
    pub uid: u32,
    /// What came of it.
    pub outcome: String,
    /// A copy of it that was begun.
    pub copying: Option<Copying>,
}

/// A copy that was begun, so that it is found again after an interruption and not made twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copying {
    /// The folder copied to.
    pub folder: String,
    /// Its UIDVALIDITY then.
    pub uid_validity: u32,
    /// Its next UID then: the copy has this one or a larger one.
    pub uid_next: u32,
    /// The copy is known to be made.
    pub done: bool,
}

/// How an account fared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRun {
    /// Which account: user and server.
    pub account: String,
    /// What the operator called it then.
    pub name: String,
    /// When it was fetched from last, in seconds since the epoch.
    pub last_run: i64,
    /// When that went well last.
    pub last_success: Option<i64>,
    /// When something went wrong last, and what.
    pub last_error: Option<(i64, String)>,
}

/// How far a folder was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxPosition {
    /// The folder's name as on the server.
    pub folder: String,
    /// Its UIDVALIDITY.
    pub uid_validity: u32,
    /// The largest UID up to which something was read.
    pub last_uid: u32,
    /// Mails with pending actions.
    pub pending: u64,
    /// When it was opened last, in seconds since the epoch.
    pub opened: i64,
}

/// The mails that a batch is done with.
#[derive(Debug, Default)]
pub(super) struct Settled(BTreeMap<i64, UidSet>);

impl Settled {
    pub(super) fn add(&mut self, connection: &Connection, mailbox: i64, uid: u32, outcome: Option<&str>) -> Result<()> {
        self.0.entry(mailbox).or_default().insert(uid);
        if let Some(outcome) = outcome {
            connection
                .prepare(
                    "INSERT INTO mailbox_pending (mailbox, uid, outcome, copied) VALUES (?1, ?2, ?3, 0)
                     ON CONFLICT (mailbox, uid) DO UPDATE SET outcome = excluded.outcome",
                )?
                .execute(params![mailbox, uid, outcome])?;
        }
        Ok(())
    }

    pub(super) fn flush(&mut self, connection: &Connection) -> Result<()> {
        for (mailbox, uids) in std::mem::take(&mut self.0) {
            add_done(connection, mailbox, &uids)?;
        }
        Ok(())
    }
}

/// Adds to what is done, within a transaction.
fn add_done(connection: &Connection, mailbox: i64, uids: &UidSet) -> Result<()> {
    let done: String =
        connection.prepare("SELECT done FROM mailbox WHERE id = ?1")?.query_row([mailbox], |row| row.get(0))?;
    let mut done = read_uids(mailbox, &done)?;
    done.extend(uids);
    connection.prepare("UPDATE mailbox SET done = ?2 WHERE id = ?1")?.execute(params![mailbox, done.to_string()])?;
    Ok(())
}

fn read_uids(mailbox: i64, text: &str) -> Result<UidSet> {
    text.parse().map_err(|_| StoreError::Damaged(format!("the state of mailbox {mailbox}")))
}

const SELECT_RUN: &str = "SELECT account, name, last_run, last_success, last_error_time, last_error FROM account_run";

fn account_run(row: Row<'_>) -> engine::Result<AccountRun> {
    Ok(AccountRun {
        account: row.get(0)?,
        name: row.get(1)?,
        last_run: row.get(2)?,
        last_success: row.get(3)?,
        last_error: row.get::<Option<i64>>(4)?.zip(row.get(5)?),
    })
}

impl Store {
    /// A folder that was opened on its server: what is remembered of it. Where it has another UIDVALIDITY than before,
    /// nothing is, and what was still to be done is forgotten, since its UIDs say nothing any more.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn mailbox(&mut self, account: &str, folder: &str, uid_validity: u32, now: i64) -> Result<Mailbox> {
        let transaction = self.connection.transaction()?;
        transaction.execute(
            "INSERT INTO mailbox (account, folder, uid_validity, done, passed, opened) VALUES (?1, ?2, ?3, '', '', ?4)
             ON CONFLICT (account, folder, uid_validity) DO UPDATE SET opened = excluded.opened",
            params![account, folder, uid_validity, now],
        )?;
        let (id, done, since): (i64, String, Option<i64>) = transaction.query_row(
            "SELECT id, done, since FROM mailbox WHERE account = ?1 AND folder = ?2 AND uid_validity = ?3",
            params![account, folder, uid_validity],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        let done = read_uids(id, &done)?;
        let others = "mailbox IN (SELECT id FROM mailbox WHERE account = ?1 AND folder = ?2 AND id <> ?3)";
        transaction.execute(&format!("DELETE FROM mailbox_pending WHERE {others}"), params![account, folder, id])?;
        let mut replaced = false;
        let mut since = since;
        if done.is_empty() {
            let before: Option<Option<i64>> = transaction
                .query_row(
                    "SELECT since FROM mailbox WHERE account = ?1 AND folder = ?2 AND id <> ?3 ORDER BY opened DESC, id DESC LIMIT 1",
                    params![account, folder, id],
                    |row| row.get(0),
                )
                .optional()?;
            // What was passed over before is passed over again.
            if let Some(before) = before {
                replaced = true;
                since = since.or(before);
            }
        }
        transaction.execute("UPDATE mailbox SET since = ?2 WHERE id = ?1", params![id, since])?;
        transaction.commit()?;
        Ok(Mailbox { id, done, since, replaced })
    }

    /// Remembers UIDs that no mail has, or ever will have.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn note_unused(&mut self, mailbox: i64, uids: &UidSet) -> Result<()> {
        let transaction = self.connection.transaction()?;
        add_done(&transaction, mailbox, uids)?;
        transaction.commit()?;
        Ok(())
    }

    /// Passes over mail that came before a day: these are done without having been read.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn pass_over(&mut self, mailbox: i64, uids: &UidSet, since: i64) -> Result<()> {
        let transaction = self.connection.transaction()?;
        let passed: String =
            transaction.query_row("SELECT passed FROM mailbox WHERE id = ?1", [mailbox], |row| row.get(0))?;
        let mut passed = read_uids(mailbox, &passed)?;
        passed.extend(uids);
        transaction.execute(
            "UPDATE mailbox SET passed = ?2, since = ?3 WHERE id = ?1",
            params![mailbox, passed.to_string(), since],
        )?;
        add_done(&transaction, mailbox, uids)?;
        transaction.commit()?;
        Ok(())
    }

    /// Takes back that mail was passed over, and gives what is done without it.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn take_up_passed(&mut self, mailbox: i64) -> Result<UidSet> {
        let transaction = self.connection.transaction()?;
        let (done, passed): (String, String) =
            transaction.query_row("SELECT done, passed FROM mailbox WHERE id = ?1", [mailbox], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let mut done = read_uids(mailbox, &done)?;
        done.subtract(&read_uids(mailbox, &passed)?);
        transaction.execute(
            "UPDATE mailbox SET done = ?2, passed = '', since = NULL WHERE id = ?1",
            params![mailbox, done.to_string()],
        )?;
        transaction.commit()?;
        Ok(done)
    }

    /// The mails of a folder with pending actions, by UID.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn pending_mail(&self, mailbox: i64) -> Result<Vec<PendingMail>> {
        let mut select = self.connection.prepare(
            "SELECT uid, outcome, copy_folder, copy_uid_validity, copy_uid_next, copied
             FROM mailbox_pending WHERE mailbox = ?1 ORDER BY uid",
        )?;
        let rows = select.query_map([mailbox], |row| {
            let folder: Option<String> = row.get(2)?;
            let copying = match folder {
                Some(folder) => {
                    Some(Copying { folder, uid_validity: row.get(3)?, uid_next: row.get(4)?, done: row.get(5)? })
                }
                None => None,
            };
            Ok(PendingMail { uid: row.get(0)?, outcome: row.get(1)?, copying })
        })?;
        Ok(rows.collect::<engine::Result<_>>()?)
    }

    /// Nothing is pending any more for these mails.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn tidied(&mut self, mailbox: i64, uids: &UidSet) -> Result<()> {
        let transaction = self.connection.transaction()?;
        for (first, last) in uids.ranges().map(|range| (*range.start(), *range.end())) {
            transaction
                .prepare("DELETE FROM mailbox_pending WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3")?
                .execute(params![mailbox, first, last])?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Remembers how far the copies of some mails have come; nothing for none.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn note_copying(&mut self, mailbox: i64, uids: &UidSet, copying: Option<&Copying>) -> Result<()> {
        let transaction = self.connection.transaction()?;
        for (first, last) in uids.ranges().map(|range| (*range.start(), *range.end())) {
            transaction
                .prepare(
                    "UPDATE mailbox_pending SET copy_folder = ?4, copy_uid_validity = ?5, copy_uid_next = ?6, copied = ?7
                     WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3",
                )?
                .execute(params![
                    mailbox,
                    first,
                    last,
                    copying.map(|copying| &copying.folder),
                    copying.map(|copying| copying.uid_validity),
                    copying.map(|copying| copying.uid_next),
                    copying.is_some_and(|copying| copying.done),
                ])?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Remembers how fetching from an account went: whether all its mail was read and stored, and what went wrong, which
    /// may be only what was to be done with it on the server.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn note_account_run(
        &mut self,
        account: &str,
        name: &str,
        now: i64,
        success: bool,
        error: Option<&str>,
    ) -> Result<()> {
        let success = success.then_some(now);
        self.connection.execute(
            "INSERT INTO account_run (account, name, last_run, last_success, last_error_time, last_error)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (account) DO UPDATE SET name = excluded.name, last_run = excluded.last_run,
                last_success = COALESCE(excluded.last_success, account_run.last_success),
                last_error_time = COALESCE(excluded.last_error_time, account_run.last_error_time),
                last_error = COALESCE(excluded.last_error, account_run.last_error)",
            params![account, name, now, success, error.map(|_| now), error],
        )?;
        Ok(())
    }

    /// How fetching from an account went, if it was ever tried.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn account_run(&self, account: &str) -> Result<Option<AccountRun>> {
        let sql = format!("{SELECT_RUN} WHERE account = ?1");
        Ok(self.connection.query_row(&sql, [account], account_run).optional()?)
    }

    /// The same of every account that was ever fetched from, by name.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn account_runs(&self) -> Result<Vec<AccountRun>> {
        let mut select = self.connection.prepare(&format!("{SELECT_RUN} ORDER BY name, account"))?;
        let runs = select.query_map((), account_run)?;
        Ok(runs.collect::<engine::Result<_>>()?)
    }

    /// How far the folders of an account were read: those opened last under each name, by name.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn mailbox_positions(&self, account: &str) -> Result<Vec<MailboxPosition>> {
        let mut select = self.connection.prepare(
            "SELECT id, folder, uid_validity, done, opened,
                (SELECT COUNT(*) FROM mailbox_pending WHERE mailbox_pending.mailbox = mailbox.id)
             FROM mailbox WHERE account = ?1 ORDER BY folder, opened, id",
        )?;
        let mut rows = select.query([account])?;
        let mut found: Vec<MailboxPosition> = Vec::new();
        while let Some(row) = rows.next()? {
            let done: String = row.get(3)?;
            let position = MailboxPosition {
                folder: row.get(1)?,
                uid_validity: row.get(2)?,
                last_uid: read_uids(row.get(0)?, &done)?.last().unwrap_or(0),
                pending: row.get::<i64>(5)?.unsigned_abs(),
                opened: row.get(4)?,
            };
            found.retain(|other| other.folder != position.folder);
            found.push(position);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
