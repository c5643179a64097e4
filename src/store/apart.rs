//! Reports that are stored but part of no answer: those that the owner dropped, those of ignored reporters, and those on
//! domains that are not the owner's.
//!
//! That a report is dropped is stored with it, so that it stays dropped when its mail is read again. Which reporters are
//! ignored, and which domains are the owner's, is decided when a question is asked: reports that are no longer ignored count
//! at once.

use super::engine::{self, Connection, Optional, params};
use rustc_hash::{FxHashMap, FxHashSet};

use super::day_totals::Deltas;
use super::interner::NameReader;
use super::same_identity::{self, Stored};
use super::{DigestKey, Result, Store};
use crate::domain;
use crate::reporter;

/// Why a report is in no answer; of several reasons the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Apart {
    /// The owner took it away.
    Dropped,
    /// Its reporter is ignored.
    Ignored,
    /// It is on a domain that is not the owner's, whatever is known of its mail.
    Foreign,
    /// It is not believed, see [`Trust::is_believed`](super::Trust::is_believed).
    Untrusted,
}

/// One of those who are ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredEntry {
    /// The reporter, or the domain that reporters write from.
    pub who: String,
    /// It stands in the database; else in the configuration.
    pub stored: bool,
    /// The reporters that it means, by name.
    pub reporters: Vec<String>,
    /// Their reports.
    pub reports: u64,
    /// Messages in these.
    pub messages: u64,
}

/// Tells which reports are in answers, by the numbers of their policy domains and reporters.
pub(super) struct Answered<'s> {
    owners: &'s [String],
    ignored: &'s [String],
    names: NameReader<'s>,
    /// What [`is_owners`](Self::is_owners) and [`is_ignored`](Self::is_ignored) found, by the numbers of the names.
    known_owners: FxHashMap<i64, bool>,
    known_ignored: FxHashMap<i64, bool>,
}

impl Answered<'_> {
    /// Whether reports of this reporter on this domain are in answers.
    pub(super) fn has(&mut self, domain: i64, reporter: i64) -> Result<bool> {
        Ok(self.is_owners(domain)? && !self.is_ignored(reporter)?)
    }

    /// Whether a policy domain is the owner's.
    pub(super) fn is_owners(&mut self, domain: i64) -> Result<bool> {
        if self.owners.is_empty() {
            return Ok(true);
        }
        if let Some(&known) = self.known_owners.get(&domain) {
            return Ok(known);
        }
        let owned = domain::is_owners(self.names.text(domain)?, self.owners);
        self.known_owners.insert(domain, owned);
        Ok(owned)
    }

    /// Whether a reporter is ignored.
    pub(super) fn is_ignored(&mut self, reporter: i64) -> Result<bool> {
        if self.ignored.is_empty() {
            return Ok(false);
        }
        if let Some(&known) = self.known_ignored.get(&reporter) {
            return Ok(known);
        }
        let name = self.names.text(reporter)?;
        let ignored = reporter::is_among(name, self.ignored);
        self.known_ignored.insert(reporter, ignored);
        Ok(ignored)
    }
}

/// Selects what the table `meta` has under a key.
pub(super) const SELECT_META: &str = "SELECT value FROM meta WHERE key = ?1";
/// In `meta`: who was ignored when it was decided which reports count.
pub(super) const SETTLED_WITHOUT: &str = "settled_without";
/// Selects whose reports `dmarcstat reports ignore` leaves out.
pub(super) const SELECT_IGNORED: &str = "SELECT who FROM ignored ORDER BY who";

/// Those who are ignored by the word of the database.
pub(super) fn ignored(connection: &Connection) -> Result<Vec<String>> {
    let mut select = connection.prepare(SELECT_IGNORED)?;
    let found = select.query_map((), |row| row.get(0))?;
    Ok(found.collect::<engine::Result<_>>()?)
}

/// Lets a report be dropped or not; which reports of its identity count is yet to be decided.
pub(super) fn set_dropped(connection: &Connection, report: i64, dropped: bool) -> Result<()> {
    connection.prepare("UPDATE report SET dropped = ?2 WHERE id = ?1")?.execute(params![report, dropped])?;
    Ok(())
}

impl Store {
    pub(super) fn answered(&self) -> Answered<'_> {
        Answered {
            owners: &self.owner_domains,
            ignored: &self.ignored,
            names: self.names(),
            known_owners: FxHashMap::default(),
            known_ignored: FxHashMap::default(),
        }
    }

    /// Takes reports away, or brings them back. Which others of their identities count is decided anew.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError); nothing is changed then.
    pub fn set_dropped(&mut self, reports: &[i64], dropped: bool) -> Result<()> {
        let transaction = self.connection.transaction()?;
        let mut identities: FxHashSet<u128> = FxHashSet::default();
        for &report in reports {
            set_dropped(&transaction, report, dropped)?;
            identities.insert(Stored::load(&transaction, report)?.identity);
        }
        settle(&transaction, self.key, &self.ignored, identities)?;
        Ok(transaction.commit()?)
    }

    /// How many reports were taken away, whoever they are from.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn dropped_reports(&self) -> Result<u64> {
        self.count_reports_of(
            "SELECT domain, reporter, COUNT(*) FROM report WHERE dropped <> 0 GROUP BY domain, reporter",
            |answered, domain, _| Ok(!self.hides_foreign || answered.is_owners(domain)?),
        )
    }

    /// How many reports are in no answer because their reporters are ignored.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn ignored_reports(&self) -> Result<u64> {
        if self.ignored.is_empty() {
            return Ok(0);
        }
        self.count_reports_of(
            "SELECT domain, reporter, COUNT(*) FROM report WHERE dropped = 0 GROUP BY domain, reporter",
            |answered, domain, reporter| {
                Ok(answered.is_ignored(reporter)? && (!self.hides_foreign || answered.is_owners(domain)?))
            },
        )
    }

    /// The numbers of the reporters who are ignored.
    pub(super) fn ignored_reporters(&self) -> Result<Vec<i64>> {
        if self.ignored.is_empty() {
            return Ok(Vec::new());
        }
        let is_ignored = |name: &str| reporter::is_among(name, &self.ignored);
        Ok(reporters(&self.connection)?.into_iter().filter(|(_, name)| is_ignored(name)).map(|(id, _)| id).collect())
    }

    /// How many reports there are of the domains and reporters that are chosen; `sql` counts them by these.
    pub(super) fn count_reports_of(
        &self,
        sql: &str,
        choose: impl Fn(&mut Answered<'_>, i64, i64) -> Result<bool>,
    ) -> Result<u64> {
        let mut select = self.connection.prepare(sql)?;
        let mut rows = select.query(())?;
        let (mut answered, mut count) = (self.answered(), 0);
        while let Some(row) = rows.next()? {
            if choose(&mut answered, row.get(0)?, row.get(1)?)? {
                count += row.get::<i64>(2)?.unsigned_abs();
            }
        }
        Ok(count)
    }

    /// Keeps the reports of these (see [`typed`](reporter::typed)) out of all answers but those that ask for them, besides
    /// those whom the database names.
    #[must_use]
    pub fn ignoring(mut self, also: &[String]) -> Self {
        self.ignore_also(also);
        self
    }

    /// See [`ignoring`](Self::ignoring).
    pub fn ignore_also(&mut self, also: &[String]) {
        self.ignored.extend_from_slice(also);
        self.ignored.sort_unstable();
        self.ignored.dedup();
    }

    /// Notes in the database that these are ignored, or no longer. Returns those of whom that is no news.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError); nothing is changed then.
    pub fn ignore(&mut self, who: &[String], ignored: bool) -> Result<Vec<String>> {
        let transaction = self.connection.transaction()?;
        let sql = if ignored {
            "INSERT INTO ignored (who) VALUES (?1) ON CONFLICT DO NOTHING"
        } else {
            "DELETE FROM ignored WHERE who = ?1"
        };
        let mut no_news = Vec::new();
        for one in who {
            if transaction.prepare(sql)?.execute([one])? == 0 {
                no_news.push(one.clone());
            }
        }
        transaction.commit()?;
        if ignored {
            self.ignore_also(who);
        } else {
            self.ignored.retain(|entry| !who.contains(entry));
        }
        self.settle_ignored()?;
        Ok(no_news)
    }

    /// Decides anew which reports of an identity count where that was decided while others were ignored than are now: the
    /// configuration may have changed.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn settle_ignored(&mut self) -> Result<()> {
        let settled = |connection: &Connection| -> Result<Vec<String>> {
            let text: Option<String> =
                connection.query_row(SELECT_META, [SETTLED_WITHOUT], |row| row.get(0)).optional()?;
            Ok(text.iter().flat_map(|text| text.lines()).map(str::to_owned).collect())
        };
        if settled(&self.connection)? == self.ignored {
            return Ok(());
        }
        let transaction = self.connection.transaction()?;
        let before = settled(&transaction)?;
        let is_changed = |name: &str| {
            let is_in = |entries: &[String]| reporter::is_among(name, entries);
            is_in(&before) != is_in(&self.ignored)
        };
        let mut identities: FxHashSet<u128> = FxHashSet::default();
        for (id, name) in reporters(&transaction)? {
            if is_changed(&name) {
                let mut select = transaction.prepare(
                    "SELECT logical FROM report WHERE reporter = ?1
                     AND EXISTS (SELECT 1 FROM report other WHERE other.logical = report.logical AND other.id <> report.id)",
                )?;
                let found = select.query_map([id], |row| row.get(0).map(u128::from_be_bytes))?;
                identities.extend(found.collect::<engine::Result<Vec<_>>>()?);
            }
        }
        settle(&transaction, self.key, &self.ignored, identities)?;
        transaction.execute(
            "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            params![SETTLED_WITHOUT, self.ignored.join("\n")],
        )?;
        Ok(transaction.commit()?)
    }

    /// All who are ignored, in alphabetical order, with what there is of them.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn ignored_entries(&self) -> Result<Vec<IgnoredEntry>> {
        let stored = ignored(&self.connection)?;
        let mut entries: Vec<IgnoredEntry> = self
            .ignored
            .iter()
            .map(|who| IgnoredEntry {
                who: who.clone(),
                stored: stored.contains(who),
                reporters: Vec::new(),
                reports: 0,
                messages: 0,
            })
            .collect();
        let mut select =
            self.connection.prepare("SELECT reporter, messages FROM report WHERE dropped = 0 ORDER BY reporter")?;
        let (mut rows, mut names) = (select.query(())?, self.names());
        // The reporter of the rows at hand, and the entries that mean it.
        let mut at: Option<(i64, Vec<usize>)> = None;
        while let Some(row) = rows.next()? {
            let reporter = row.get(0)?;
            if at.as_ref().is_none_or(|(last, _)| *last != reporter) {
                let name = names.text(reporter)?;
                let meant = (0..entries.len()).filter(|&at| reporter::is_meant(name, &entries[at].who)).collect();
                let meant: Vec<usize> = meant;
                meant.iter().for_each(|&at| entries[at].reporters.push(name.to_owned()));
                at = Some((reporter, meant));
            }
            for &at in at.iter().flat_map(|(_, meant)| meant) {
                let entry = &mut entries[at];
                entry.reports += 1;
                entry.messages = entry.messages.saturating_add(row.get::<i64>(1)?.unsigned_abs());
            }
        }
        entries.iter_mut().for_each(|entry| entry.reporters.sort_unstable());
        Ok(entries)
    }
}

/// All reporters, with their names.
fn reporters(connection: &Connection) -> Result<Vec<(i64, String)>> {
    let mut select = connection
        .prepare("SELECT DISTINCT reporter, text FROM report JOIN name ON name.id = reporter ORDER BY reporter")?;
    let found = select.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(found.collect::<engine::Result<_>>()?)
}

/// Decides anew which reports of these identities count.
fn settle(connection: &Connection, key: DigestKey, ignored: &[String], identities: FxHashSet<u128>) -> Result<()> {
    let mut deltas = Deltas::default();
    for identity in identities {
        same_identity::settle(connection, key, ignored, identity, &mut deltas)?;
    }
    deltas.flush(connection)
}
