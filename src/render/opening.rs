//! The lines that answers about reports begin with: the days, how much is known of them, how fresh that is, and what to be cautious of.

use super::document::{Document, Paint, Text};
use crate::diagnosis::{Basis, WindowAnswer};
use crate::report::period::{date_of, last_day};
use crate::words::plural;

/// The line that every such answer begins with; short enough for the narrowest of usual terminals.
pub(super) fn summary(days: &str, reports: u64, reporters: usize, newest: Option<&str>) -> String {
    let newest = newest.map_or("none".to_owned(), day_ended);
    let (reports, reporters) = (plural(reports, "report"), plural(reporters as u64, "reporter"));
    format!("{days} · {reports}, {reporters} · newest {newest}")
}

/// The last day of a period that ends at a moment: one that ends at midnight is of the day before.
pub(super) fn day_ended(end: &str) -> String {
    match end.parse::<jiff::Timestamp>() {
        Ok(end) => date_of(last_day(end.as_second())).to_string(),
        Err(_) => end.to_owned(),
    }
}

/// The days of an answer.
pub(super) fn days_of(window: &WindowAnswer) -> String {
    match (&window.begin, &window.end) {
        (Some(begin), Some(end)) if begin == end => begin.clone(),
        (Some(begin), Some(end)) => format!("{begin} to {end}"),
        _ => "no days".to_owned(),
    }
}

/// Adds that line, and one below it where there is reason for caution.
pub(super) fn basis(basis: &Basis, document: &mut Document) {
    let newest = basis.newest_report.as_deref();
    document.text(summary(&days_of(&basis.window), basis.reports, basis.reporters, newest));
    cautions(&basis.cautions, document);
}

/// Adds a line with what to be cautious of, if anything.
pub(super) fn cautions(cautions: &[String], document: &mut Document) {
    if !cautions.is_empty() {
        document.text(Text::prose(format!("Note: {}.", cautions.join("; "))).paint(Paint::Warn));
    }
}
