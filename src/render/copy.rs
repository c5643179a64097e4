//! What was copied.

use serde::Serialize;
use serde_json::json;

use super::document::Document;
use super::form::Answer;
use crate::store::CopiedTable;
use crate::words::plural;

/// A database that was copied into another.
#[derive(Debug, Clone)]
pub struct CopyAnswer {
    /// Where it was.
    pub from: String,
    /// Where it is now as well.
    pub to: String,
    /// Its tables.
    pub tables: Vec<CopiedTable>,
}

impl CopyAnswer {
    fn rows_of(&self, table: &str) -> u64 {
        self.tables.iter().find(|one| one.table == table).map_or(0, |one| one.rows)
    }
}

impl Answer for CopyAnswer {
    fn data(&self) -> impl Serialize {
        let tables: Vec<_> = self.tables.iter().map(|one| json!({ "table": one.table, "rows": one.rows })).collect();
        json!({ "schema": "dmarcstat/copy/1", "from": self.from, "to": self.to, "tables": tables })
    }

    fn document(&self) -> Document {
        let mut document = Document::default();
        document.line(format!(
            "Copied {} and {} in {}; all are the same in both, by number and digest.",
            plural(self.rows_of("report"), "report"),
            plural(self.rows_of("tls_report"), "SMTP TLS report"),
            plural(self.tables.iter().map(|one| one.rows).sum(), "row"),
        ));
        document
    }
}
