//! What to do, with the records ready to copy.

use super::document::{Document, Paint, Text};
use crate::diagnosis::Remedy;

/// What stands in place of a value that only the provider knows.
pub(super) const VALUE_AT_PROVIDER: &str = "(value as the provider shows it)";

/// The line that sums a remedy up.
pub(super) fn title(remedy: &Remedy) -> Text {
    Text::prose(format!("→ {}", remedy.title))
}

/// The records, a line each.
fn records(remedy: &Remedy) -> Vec<String> {
    let line = |record: &crate::providers::DnsRecord| {
        let value = record.value.as_deref().unwrap_or(VALUE_AT_PROVIDER);
        format!("{}  {}  {value}", record.name, record.kind)
    };
    remedy.records.iter().map(line).collect()
}

/// Adds a remedy as a part of its own.
pub(super) fn part(remedy: &Remedy, document: &mut Document) {
    document.heading("What to do");
    document.text(Text::prose(&remedy.title).paint(Paint::Bold));
    steps(remedy, 0, document);
}

/// Adds the steps, the records and where they are from, at a depth of lists.
pub(super) fn steps(remedy: &Remedy, depth: usize, document: &mut Document) {
    document.steps(depth, &remedy.steps);
    if depth == 0 && !remedy.records.is_empty() {
        document.text("DNS records:");
    }
    document.verbatim(depth, records(remedy));
    if let Some(source) = &remedy.source {
        // Whole, so that it can be opened.
        document.verbatim(depth, vec![format!("See {source}")]);
    }
}
