//! One answer in, bytes out: as a table, JSON, CSV or Markdown.
//!
//! All text in an answer comes from strangers. Whatever leaves here is made harmless for where it goes, in one place
//! ([`text`]).

mod changes;
pub mod check;
mod days;
mod dns;
mod explain;
mod fetch;
mod findings;
mod fold;
mod grid;
mod html;
mod ingest;
mod inspect;
mod json;
mod ledger;
mod login;
mod metrics;
mod page;
mod paths;
mod prose;
mod providers;
mod prune;
mod quarantine;
mod readiness;
mod readiness_list;
mod report;
mod reports;
mod selectors;
mod sql;
pub mod text;

use std::io::{Result, Write};

use serde::Serialize;

pub use changes::changes;
pub use dns::{DnsAnswer, dns};
pub use explain::explain;
pub use fetch::{FetchAnswer, fetch, fetch_line};
pub use html::readiness_page;
pub use ingest::ingest;
pub use inspect::inspect;
pub use ledger::ledger;
pub use login::{LoginAnswer, login};
pub use metrics::{MetricsAnswer, metrics};
pub use paths::{PathsView, paths};
pub use providers::{ProvidersView, providers};
pub use prune::prune;
pub use quarantine::{quarantine_actions, quarantine_entry, quarantine_list};
pub use readiness::readiness;
pub use readiness_list::readiness_list;
pub use report::report;
pub use reports::{ReportsAnswer, reports};
pub use selectors::selectors;
pub use sql::sql;

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For reading in a terminal.
    Table,
    /// One JSON object.
    Json,
    /// For a spreadsheet.
    Csv,
    /// For a ticket or a page.
    Markdown,
}

/// How a terminal shows an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Columns.
    pub width: u16,
    /// Whether to use colour.
    pub color: bool,
    /// Whether the reader's character set is Unicode; pictures are drawn in ASCII otherwise.
    pub unicode: bool,
}

/// What a piece of text is, for colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Paint {
    /// Nothing special.
    #[default]
    Plain,
    /// Of less weight.
    Dim,
    /// All is well.
    Good,
    /// Wants a look.
    Warn,
    /// Wants work.
    Bad,
    /// A heading.
    Bold,
}

impl Style {
    /// The text in its colour, where there is colour.
    #[must_use]
    pub fn paint(&self, text: &str, paint: Paint) -> String {
        let code = match paint {
            Paint::Plain => return text.to_owned(),
            _ if !self.color => return text.to_owned(),
            Paint::Dim => "2",
            Paint::Good => "32",
            Paint::Warn => "33",
            Paint::Bad => "31",
            Paint::Bold => "1",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// Writes an answer as one JSON object, indented.
///
/// # Errors
/// Those of writing.
pub fn json(answer: &impl Serialize, out: &mut dyn Write) -> Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, json::Harmless::default());
    answer.serialize(&mut serializer).map_err(std::io::Error::from)?;
    writeln!(out)
}
