//! Whose domains reports are about.
//!
//! Anybody can send a report on anything to the address that is published for reports. Where it is known which domains
//! are the owner's, reports on others are stored like all others and are in no answer: they are *foreign*. It is decided
//! when a question is asked, so that a domain which is added to the owner's brings its reports along.

use rusqlite::{ToSql, params};
use rustc_hash::FxHashMap;

use super::names::NameReader;
use super::trust::BELIEVED;
use super::{Result, Store};
use crate::domain;
use crate::report::period::Day;

/// Tells the owner's policy domains by their numbers.
pub(super) struct Owned<'s> {
    domains: &'s [String],
    names: NameReader<'s>,
    known: FxHashMap<i64, bool>,
}

impl Owned<'_> {
    /// Whether reports on this domain are for the owner.
    pub(super) fn has(&mut self, name: i64) -> Result<bool> {
        if self.domains.is_empty() {
            return Ok(true);
        }
        if let Some(&known) = self.known.get(&name) {
            return Ok(known);
        }
        let owned = domain::is_owners(self.names.text(name)?, self.domains);
        self.known.insert(name, owned);
        Ok(owned)
    }
}

/// A policy domain that is not the owner's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignDomain {
    /// Its name.
    pub domain: String,
    /// Reports on it.
    pub reports: u64,
    /// Their messages.
    pub messages: u64,
}

impl Store {
    /// Keeps the reports on domains other than these (see [`is_owners`](domain::is_owners)) out of all answers but those that
    /// ask for them. With no domains at all, which are the owner's is not known, and all count.
    #[must_use]
    pub fn owned_by(mut self, domains: &[String]) -> Self {
        self.owner_domains = domains.to_vec();
        self
    }

    /// Whether it is known which domains are the owner's.
    #[must_use]
    pub fn has_owner(&self) -> bool {
        !self.owner_domains.is_empty()
    }

    pub(super) fn owned(&self) -> Owned<'_> {
        Owned { domains: &self.owner_domains, names: self.names(), known: FxHashMap::default() }
    }

    /// The domains that are not the owner's, and have reports, whatever their mails were found to be; most messages first.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn foreign_domains(&self) -> Result<Vec<ForeignDomain>> {
        self.foreign("SELECT domain, COUNT(*), SUM(messages) FROM report GROUP BY domain", params![])
    }

    /// The domains that are not the owner's, and have reports on the days from `first` to `last` that would count if they
    /// were; most messages first.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn foreign_totals(&self, first: Day, last: Day) -> Result<Vec<ForeignDomain>> {
        let sql =
            "SELECT domain, SUM(reports), SUM(messages) FROM day_total WHERE day BETWEEN ?1 AND ?2 GROUP BY domain";
        self.foreign(sql, params![first, last])
    }

    fn foreign(&self, sql: &str, parameters: &[&dyn ToSql]) -> Result<Vec<ForeignDomain>> {
        if !self.has_owner() {
            return Ok(Vec::new());
        }
        let (mut owned, mut names) = (self.owned(), self.names());
        let mut select = self.connection.prepare_cached(sql)?;
        let mut rows = select.query(parameters)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let name: i64 = row.get(0)?;
            let number = |at| row.get::<_, i64>(at).map(i64::unsigned_abs);
            if !owned.has(name)? {
                let domain = names.text(name)?.to_owned();
                found.push(ForeignDomain { domain, reports: number(1)?, messages: number(2)? });
            }
        }
        found.sort_by(|a, b| (b.messages, &a.domain).cmp(&(a.messages, &b.domain)));
        Ok(found)
    }

    /// How many reports are on domains that are not the owner's.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn foreign_reports(&self) -> Result<u64> {
        Ok(self.foreign_domains()?.iter().map(|one| one.reports).sum())
    }

    /// The domains that only one reporter ever wrote about, in alphabetical order, and how many domains there are in all.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn domains_of_one_reporter(&self) -> Result<(Vec<String>, usize)> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT name.text, MIN(reporter) = MAX(reporter) FROM report JOIN name ON name.id = domain
             WHERE {BELIEVED} GROUP BY domain ORDER BY name.text",
        ))?;
        let mut rows = select.query([])?;
        let (mut found, mut all) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            all += 1;
            if row.get(1)? {
                found.push(row.get(0)?);
            }
        }
        Ok((found, all))
    }
}
