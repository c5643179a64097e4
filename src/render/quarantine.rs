//! What is in quarantine.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};

use super::document::{Document, Fact, Paint, Text};
use super::form::Answer;
use super::long_list::with_list;
use super::table::{Column, Field, Row, Rows, Table, Written as _};
use crate::report::period::rfc3339;
use crate::store::{QuarantineEntry, Quarantined};
use crate::words::{grouped, hex, plural};

/// How many bytes and lines of an entry are shown.
const EXCERPT: usize = 512;
const EXCERPT_LINES: usize = 20;

/// What is in quarantine.
#[derive(Debug, Clone, Copy)]
pub struct QuarantineAnswer<'a>(pub &'a [QuarantineEntry]);

/// One entry, with the beginning of its bytes.
#[derive(Debug, Clone, Copy)]
pub struct EntryAnswer<'a>(pub &'a Quarantined);

/// What was done with entries.
#[derive(Debug, Clone, Copy)]
pub struct QuarantineAction {
    /// In one word: `dropped`, `released`.
    pub done: &'static str,
    /// With how many.
    pub entries: usize,
    /// How many are left.
    pub left: usize,
}

fn entry_json(entry: &QuarantineEntry) -> Value {
    json!({
        "id": entry.id,
        "input": entry.origin.location,
        "code": entry.code,
        "reason": entry.reason,
        "inner": entry.inner,
        "bytes": entry.size,
        "sha256": hex(&entry.sha256),
        "first_seen": rfc3339(entry.first_seen),
        "reporter": entry.reporter,
        "domain": entry.domain,
        "begin": entry.period.map(|period| rfc3339(period.0)),
        "end": entry.period.map(|period| rfc3339(period.1)),
        "mail_from": entry.origin.from,
        "subject": entry.origin.subject,
        "message_id": entry.origin.message_id,
        "file_name": entry.origin.file_name,
    })
}

/// Who reported on what, as far as is known.
fn about(entry: &QuarantineEntry) -> String {
    let reporter = entry.reporter.as_ref().or(entry.origin.from.as_ref());
    let day = entry.period.map(|period| rfc3339(period.0)[..10].to_owned());
    [reporter.cloned(), entry.domain.clone(), day].into_iter().flatten().collect::<Vec<_>>().join(" on ")
}

const FIELDS: &[Field<QuarantineEntry>] = &[
    ("id", |entry| entry.id.written()),
    ("input", |entry| entry.origin.location.written()),
    ("code", |entry| entry.code.written()),
    ("reason", |entry| entry.reason.written()),
    ("inner", |entry| entry.inner.written()),
    ("bytes", |entry| entry.size.written()),
    ("first_seen", |entry| rfc3339(entry.first_seen)),
    ("reporter", |entry| entry.reporter.written()),
    ("domain", |entry| entry.domain.written()),
    ("mail_from", |entry| entry.origin.from.written()),
    ("subject", |entry| entry.origin.subject.written()),
    ("file_name", |entry| entry.origin.file_name.written()),
];

impl Answer for QuarantineAnswer<'_> {
    const HAS_ROWS: bool = true;

    fn data(&self) -> impl Serialize {
        with_list(json!({ "schema": "dmarcstat/quarantine/1" }), "entries", self.0, entry_json)
    }

    fn document(&self) -> Document {
        let mut document = Document::default();
        if self.0.is_empty() {
            document.text("The quarantine is empty.");
        }
        let mut table = Table::new([
            Column::number("ID"),
            Column::text("CODE"),
            Column::text("INPUT"),
            Column::number("BYTES"),
            Column::text("SINCE").from(100),
            Column::text("ABOUT").from(120),
        ]);
        for entry in self.0 {
            let row = Row::new([
                entry.id.to_string(),
                entry.code.clone(),
                entry.origin.location.clone(),
                grouped(entry.size),
                rfc3339(entry.first_seen)[..10].to_owned(),
                about(entry),
            ]);
            table.push(row.paint(1, Paint::Warn).below(Some(&entry.reason)));
        }
        document.table(table);
        document
    }

    fn rows(&self) -> Rows<'_> {
        Rows::of(FIELDS, self.0.iter())
    }
}

impl EntryAnswer<'_> {
    /// The beginning of its bytes. Packed bytes are shown as such; text may be cut within its last character.
    fn excerpt(&self) -> Cow<'_, str> {
        let head = &self.0.bytes[..self.0.bytes.len().min(EXCERPT)];
        match std::str::from_utf8(head) {
            Err(error) if error.valid_up_to() + 4 < head.len() || head.contains(&0) => {
                Cow::Owned(hex(&head[..head.len().min(32)]))
            }
            _ => String::from_utf8_lossy(head),
        }
    }
}

impl Answer for EntryAnswer<'_> {
    const HAS_ROWS: bool = true;

    fn data(&self) -> impl Serialize {
        json!({
            "schema": "dmarcstat/quarantine-entry/1", "entry": entry_json(&self.0.entry), "excerpt": self.excerpt(),
        })
    }

    fn document(&self) -> Document {
        let (entry, mut document) = (&self.0.entry, Document::default());
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
        let facts = [
            ("entry", entry.id.to_string()),
            ("input", entry.origin.location.clone()),
            ("reason", format!("{} ({})", entry.reason, entry.code)),
            ("since", rfc3339(entry.first_seen)),
            ("about", about(entry)),
            ("mail from", text(&entry.origin.from)),
            ("subject", text(&entry.origin.subject)),
            ("file name", text(&entry.origin.file_name)),
            ("bytes", format!("{}, sha256 {}", grouped(entry.size), hex(&entry.sha256))),
        ];
        document.facts(facts.map(|(name, value)| Fact::new(name, value)).into());
        // As text and no code: what shows code without escapes would let tags through.
        self.excerpt().lines().take(EXCERPT_LINES).for_each(|line| document.line(Text::plain(line)));
        document
    }

    fn rows(&self) -> Rows<'_> {
        Rows::of(FIELDS, std::iter::once(&self.0.entry))
    }
}

impl Answer for QuarantineAction {
    fn data(&self) -> impl Serialize {
        json!({
            "schema": "dmarcstat/quarantine-action/1", "action": self.done, "entries": self.entries, "left": self.left,
        })
    }

    fn document(&self) -> Document {
        let mut document = Document::default();
        let (entries, left) = (plural(self.entries as u64, "entry"), plural(self.left as u64, "entry"));
        document.line(format!("{entries} {}; {left} left in the quarantine.", self.done));
        document
    }
}
