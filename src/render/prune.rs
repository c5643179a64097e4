//! What was deleted.

use jiff::civil::Date;
use serde::Serialize;
use serde_json::json;

use super::document::Document;
use super::form::Answer;
use crate::store::Pruned;
use crate::words::plural;

/// What was, or in a dry run would be, deleted.
#[derive(Debug, Clone, Copy)]
pub struct PruneAnswer {
    /// How much that is.
    pub pruned: Pruned,
    /// The first day that is kept.
    pub before: Date,
    /// Nothing was deleted.
    pub dry_run: bool,
}

impl Answer for PruneAnswer {
    fn data(&self) -> impl Serialize {
        let Pruned { reports, records, messages, tls_reports } = self.pruned;
        json!({
            "schema": "dmarcstat/prune/1", "before": self.before.to_string(), "dry_run": self.dry_run,
            "reports": reports, "records": records, "messages": messages,
            "tls_reports": tls_reports,
        })
    }

    fn document(&self) -> Document {
        let mut document = Document::default();
        document.line(format!(
            "{} {} of days before {}, with {} and {}{}.",
            if self.dry_run { "Would delete" } else { "Deleted" },
            plural(self.pruned.reports, "report"),
            self.before,
            plural(self.pruned.records, "record"),
            plural(self.pruned.messages, "message"),
            match self.pruned.tls_reports {
                0 => String::new(),
                number => format!(", and {}", plural(number, "SMTP TLS report")),
            },
        ));
        document
    }
}
