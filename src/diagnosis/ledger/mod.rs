//! The ledger held against what was seen: entries that expired or matched nothing, and entries for what is not in it.
//!
//! - [`identity`](self) finds by what a path is recognised that nobody else shows;
//! - [`EntryText`] is an entry in TOML: live where it can be pasted, else comment lines with why;
//! - [`proposals()`] has entries for what is the owner's, `decisions` those for either answer of whoever decides.

mod decisions;
mod entry;
mod identity;
mod proposals;
pub(super) mod small;

use jiff::civil::Date;
use serde::Serialize;

pub(super) use decisions::{approval, approval_of_line, approval_together, denial, denial_of_line, denial_together};
pub use entry::EntryText;
pub(super) use identity::Ground;
pub use proposals::proposals;

use crate::domain;
use crate::query::{Ledger, Survey};

/// An entry of the ledger that wants a look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerFinding {
    /// The entry's name.
    pub name: String,
    /// Its line in the configuration.
    pub line: usize,
    /// What is the matter.
    pub problem: LedgerProblem,
    /// The last day of its approval.
    pub expires: Option<String>,
    /// The line of the entry that comes first and is about all that it is about.
    pub covered_by: Option<usize>,
    /// Whom to ask.
    pub owner: Option<String>,
}

/// What is the matter with an entry of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LedgerProblem {
    /// Its approval has ended. It still lists its sender: mail must not be given up for a date.
    Expired,
    /// Nothing in the window is its mail.
    Unmatched,
    /// Another entry with the same `match` comes first; those that deny come before those that approve.
    Covered,
}

impl LedgerFinding {
    /// In words.
    #[must_use]
    pub fn worded(&self) -> String {
        let owner = self.owner.as_ref().map_or_else(String::new, |owner| format!("; ask {owner}"));
        match self.problem {
            LedgerProblem::Expired => {
                let day = self.expires.as_deref().unwrap_or("a day gone by");
                format!("the ledger's {:?} (line {}) expired on {day}{owner}", self.name, self.line)
            }
            LedgerProblem::Unmatched => {
                format!("the ledger's {:?} (line {}) matches no mail of this window{owner}", self.name, self.line)
            }
            LedgerProblem::Covered => format!(
                "the ledger's {:?} (line {}) has no effect: the entry of line {} comes first for the same mail; take one of them out{owner}",
                self.name,
                self.line,
                self.covered_by.unwrap_or_default()
            ),
        }
    }
}

/// The entries that want a look, as far as they are about the domains asked for (all where there is none), on a day.
#[must_use]
pub fn ledger_findings(survey: &Survey, ledger: &Ledger, domains: &[String], today: Date) -> Vec<LedgerFinding> {
    let asked = |of: &str| domains.iter().any(|one| domain::is_within(of, one) || domain::is_within(one, of));
    let mut findings = Vec::new();
    for (number, entry) in ledger.entries.iter().enumerate() {
        if !domains.is_empty() && !entry.domains.is_empty() && !entry.domains.iter().any(|of| asked(of)) {
            continue;
        }
        if entry.shared && !survey.is_matched(number) {
            continue;
        }
        let mut before = ledger.entries[..number].iter();
        let covered_by = before.find(|one| one.covers_all_of(entry)).map(|one| one.line);
        let mut add = |problem| {
            findings.push(LedgerFinding {
                name: entry.name.clone(),
                line: entry.line,
                problem,
                expires: entry.expires.map(|day| day.to_string()),
                covered_by,
                owner: entry.owner.clone(),
            });
        };
        if entry.expires.is_some_and(|last| last < today) {
            add(LedgerProblem::Expired);
        }
        if covered_by.is_some() {
            add(LedgerProblem::Covered);
        } else if !survey.is_matched(number) {
            add(LedgerProblem::Unmatched);
        }
    }
    findings
}
