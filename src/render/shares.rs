//! Parts of a whole.

use super::sparkline::Look;
use super::table::{Column, Row, Table};
use super::text::Paint;
use crate::words::{grouped, percent, percent_lost};

/// A part of a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// How it looks.
    pub look: Look,
    /// What it is.
    pub label: &'static str,
    /// What becomes of it.
    pub note: &'static str,
    /// What that means, for the figures.
    pub paint: Paint,
    /// How much of it there is.
    pub messages: u64,
}

impl Share {
    /// Its share of a whole, in words: what is good is never made larger, what is not never smaller.
    pub(super) fn percent(&self, whole: u64) -> String {
        match self.paint {
            Paint::Good => percent(self.messages, whole),
            _ => percent_lost(self.messages, whole),
        }
    }
}

/// Parts of a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shares {
    /// The parts, in order.
    pub parts: Vec<Share>,
}

impl Shares {
    /// The whole.
    #[must_use]
    pub fn whole(&self) -> u64 {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(part.messages))
    }

    /// The parts as a table, for where there are no pictures.
    pub(super) fn table(&self) -> Table {
        let whole = self.whole();
        let mut table =
            Table::new([Column::text("WHOSE"), Column::number("MESSAGES"), Column::number("SHARE"), Column::text("")]);
        for part in &self.parts {
            let paint = if part.messages == 0 { Paint::Dim } else { part.paint };
            let row = [part.label.to_owned(), grouped(part.messages), part.percent(whole), part.note.to_owned()];
            table.push(Row::new(row).paint(0, paint));
        }
        table
    }
}
