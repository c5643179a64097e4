//! Whose domains reports are about.
//!
//! Anybody can send a report on anything to the address that is published for reports. Where it is known which domains
//! are the owner's, reports on others are stored like all others and are in no answer: they are *foreign*. It is decided
//! when a question is asked, so that a domain which is added to the owner's brings its reports along.

use super::engine::{Value, params};

use super::trust::BELIEVED;
use super::values::number;
use super::{Result, Store};
use crate::report::period::Day;

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
    /// Keeps the reports on domains other than these (see [`is_owners`](crate::domain::is_owners)) out of all answers but those that
    /// ask for them. With no domains at all, which are the owner's is not known, and all count.
    #[must_use]
    pub fn owned_by(mut self, domains: &[String]) -> Self {
        self.owner_domains = domains.to_vec();
        self
    }

    /// Tells nothing of the reports on other domains, as if there were none.
    #[must_use]
    pub fn hiding_foreign(mut self) -> Self {
        self.hides_foreign = true;
        self
    }

    /// Whether it is known which domains are the owner's.
    #[must_use]
    pub fn has_owner(&self) -> bool {
        !self.owner_domains.is_empty()
    }

    /// The domains that are not the owner's, and have reports, whatever their mails were found to be; most messages first.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn foreign_domains(&self) -> Result<Vec<ForeignDomain>> {
        self.foreign(
            "SELECT domain, reporter, COUNT(*), SUM(CASE WHEN messages < 9007199254740992 THEN messages ELSE 9007199254740992 END) FROM report WHERE dropped = 0 GROUP BY domain, reporter ORDER BY domain, reporter",
            params![],
        )
    }

    /// The domains that are not the owner's, and have reports on the days from `first` to `last` that would count if they
    /// were; most messages first.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn foreign_totals(&self, first: Day, last: Day) -> Result<Vec<ForeignDomain>> {
        let sql = "SELECT domain, reporter, SUM(reports), SUM(CASE WHEN messages < 9007199254740992 THEN messages ELSE 9007199254740992 END) FROM day_total WHERE day BETWEEN ?1 AND ?2 GROUP BY domain, reporter ORDER BY domain, reporter";
        self.foreign(sql, params![first, last])
    }

    fn foreign(&self, sql: &str, parameters: &[Value<'_>]) -> Result<Vec<ForeignDomain>> {
        if !self.has_owner() || self.hides_foreign {
            return Ok(Vec::new());
        }
        let (mut answered, mut names) = (self.answered(), self.names());
        let mut select = self.connection.prepare(sql)?;
        let mut rows = select.query(parameters)?;
        // In the order of their numbers, so those of one domain adjoin.
        let mut found: Vec<ForeignDomain> = Vec::new();
        let mut last = None;
        while let Some(row) = rows.next()? {
            let name: i64 = row.get(0)?;
            if answered.is_owners(name)? || answered.is_ignored(row.get(1)?)? {
                continue;
            }
            if last != Some(name) {
                last = Some(name);
                found.push(ForeignDomain { domain: names.text(name)?.to_owned(), reports: 0, messages: 0 });
            }
            if let Some(one) = found.last_mut() {
                one.reports = one.reports.saturating_add(number(row, 2)?);
                one.messages = one.messages.saturating_add(number(row, 3)?);
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
        let mut select = self.connection.prepare(&format!(
            "SELECT name.text, reporter FROM report JOIN name ON name.id = domain
             WHERE {BELIEVED} GROUP BY name.text, reporter ORDER BY name.text",
        ))?;
        let mut rows = select.query(())?;
        // Each domain, and how many wrote about it.
        let mut domains: Vec<(String, u32)> = Vec::new();
        let mut answered = self.answered();
        while let Some(row) = rows.next()? {
            let domain: String = row.get(0)?;
            if answered.is_ignored(row.get(1)?)? {
                continue;
            }
            match domains.last_mut().filter(|(last, _)| *last == domain) {
                Some((_, reporters)) => *reporters += 1,
                None => domains.push((domain, 1)),
            }
        }
        let all = domains.len();
        let found = domains.into_iter().filter(|(_, reporters)| *reporters == 1).map(|(domain, _)| domain).collect();
        Ok((found, all))
    }
}
