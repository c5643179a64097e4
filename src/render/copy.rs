//! What was copied.

use serde::Serialize;
use serde_json::json;

use super::document::Document;
use super::form::Answer;
use crate::store::{Copied, CopiedTable};
use crate::words::plural;

/// A database that was copied into another, or compared with its copy.
#[derive(Debug, Clone)]
pub struct CopyAnswer {
    /// Where it was.
    pub from: String,
    /// Where it is now as well.
    pub to: String,
    /// What was done.
    pub copied: Copied,
}

impl CopyAnswer {
    fn rows_of(&self, table: &str) -> u64 {
        self.copied.tables.iter().find(|one| one.table == table).map_or(0, |one| one.rows)
    }
}

impl Answer for CopyAnswer {
    fn data(&self) -> impl Serialize {
        let of = |one: &CopiedTable| json!({ "table": one.table, "rows": one.rows });
        let tables: Vec<_> = self.copied.tables.iter().map(of).collect();
        let (schema, copied) = ("dmarcstat/copy/1", !self.copied.was_whole);
        json!({ "schema": schema, "from": self.from, "to": self.to, "copied": copied, "tables": tables })
    }

    fn document(&self) -> Document {
        let mut document = Document::default();
        let what = format!(
            "{} and {} in {}",
            plural(self.rows_of("report"), "report"),
            plural(self.rows_of("tls_report"), "SMTP TLS report"),
            plural(self.copied.tables.iter().map(|one| one.rows).sum(), "row"),
        );
        document.line(if self.copied.was_whole {
            format!("The copy was complete; nothing was copied. {what} are the same in both, by number and digest.")
        } else {
            format!("Copied {what}; all are the same in both, by number and digest.")
        });
        document
    }
}
