//! The sending paths of the window.

use std::sync::{Arc, OnceLock};

use super::list::List;
use crate::diagnosis::SendingPath;
use crate::flat::columns::{list, number, text};
use crate::flat::value::{Field, Value, values};
use crate::store::{Bounds, PlainColumn, Result, RowSource, Rows};

/// Finds the paths.
type Find = dyn Fn() -> Result<Vec<SendingPath>> + Send + Sync;

/// The table `path`. The paths are found when they are asked for first: that reads all records of the window.
pub struct PathTable {
    find: Box<Find>,
    found: OnceLock<Vec<Arc<[Value]>>>,
}

impl PathTable {
    /// Of the paths that are found so.
    #[must_use]
    pub fn new(find: Box<Find>) -> Self {
        PathTable { find, found: OnceLock::new() }
    }
}

impl RowSource for PathTable {
    fn name(&self) -> &'static str {
        "path"
    }

    fn columns(&self) -> Vec<PlainColumn> {
        PATH.iter().map(Field::plain).collect()
    }

    fn rows(&self, _: &Bounds) -> Result<Box<dyn Rows>> {
        if let Some(found) = self.found.get() {
            return Ok(Box::new(List::new(found.clone())));
        }
        let found: Vec<Arc<[Value]>> = (self.find)()?.iter().map(|path| values(PATH, path)).collect();
        Ok(Box::new(List::new(self.found.get_or_init(|| found).clone())))
    }
}

fn count(messages: u64) -> Value {
    Value::number(Some(messages))
}

const PATH: &[Field<SendingPath>] = &[
    text("path", |path| Value::text(Some(&path.id))),
    text("domain", |path| Value::text(Some(&path.domain))),
    text("sender", |path| Value::text(Some(&path.sender))),
    text("author", |path| Value::text(path.author.as_ref())),
    text("named_by", |path| Value::text(Some(&path.named_by))),
    text("provider", |path| Value::text(path.provider.as_ref())),
    text("tenant", |path| Value::text(path.tenant.as_ref())),
    text("role", |path| Value::text(Some(path.role.as_str()))),
    text("class", |path| Value::text(Some(path.class.as_str()))),
    text("cause", |path| Value::text(path.cause.map(|cause| cause.as_str()))),
    text("since", |path| Value::text(path.since.as_ref())),
    number("messages", |path| count(path.messages)),
    number("dkim_aligned", |path| count(path.dkim.aligned)),
    number("dkim_unaligned", |path| count(path.dkim.unaligned)),
    number("dkim_broken", |path| count(path.dkim.broken)),
    number("dkim_unsigned", |path| count(path.dkim.unsigned)),
    number("dkim_unknown", |path| count(path.dkim.unknown)),
    number("spf_aligned", |path| count(path.spf_aligned)),
    number("dmarc_pass", |path| count(path.dmarc_pass)),
    number("rejected", |path| count(path.rejected)),
    number("quarantined", |path| count(path.quarantined)),
    text("first_seen", |path| Value::text(Some(&path.first_seen))),
    text("last_seen", |path| Value::text(Some(&path.last_seen))),
    list("signing_domains", |path| serde_json::json!(path.signing_domains)),
    list("selectors", |path| serde_json::json!(path.selectors)),
    list("source_ips", |path| serde_json::json!(path.source_ips)),
    list("reporters", |path| serde_json::json!(path.reporters)),
];
