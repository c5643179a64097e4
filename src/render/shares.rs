//! Parts of a whole.

use super::sparkline::Look;
use super::table::{Column, Table, painted, plain};
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
        Table::of(
            self.parts.iter().map(|part| (part, whole)),
            [
                (Column::text("WHOSE"), |(part, _)| {
                    painted(part.label, if part.messages == 0 { Paint::Dim } else { part.paint })
                }),
                (Column::number("MESSAGES"), |(part, _)| plain(grouped(part.messages))),
                (Column::number("SHARE"), |(part, whole)| plain(part.percent(*whole))),
                (Column::text(""), |(part, _)| plain(part.note)),
            ],
        )
    }
}
