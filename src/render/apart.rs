//! The answers of `reports drop` and `reports ignore`.

use serde::Serialize;
use serde_json::{Value, json};

use super::document::{Document, Text};
use super::form::Answer;
use super::table::{Column, Row, Rows, Table};
use crate::report::period::date_of;
use crate::store::{IgnoredEntry, ReportSummary};
use crate::words::{agree, grouped, list, plural};

/// Reports that were taken away, or brought back.
#[derive(Debug, Clone, Copy)]
pub struct ReportsAction<'a> {
    /// They were brought back.
    pub back: bool,
    /// The reports.
    pub reports: &'a [ReportSummary],
}

impl ReportsAction<'_> {
    fn done(&self) -> &'static str {
        if self.back { "back" } else { "dropped" }
    }
}

impl Answer for ReportsAction<'_> {
    const HAS_ROWS: bool = true;

    fn data(&self) -> impl Serialize {
        let list = self.reports.iter().map(|one| {
            json!({
                "id": one.id, "reporter": one.reporter, "report_id": one.report_id, "domain": one.domain,
                "day": date_of(one.day).to_string(), "messages": one.messages,
            })
        });
        let list: Vec<Value> = list.collect();
        json!({ "schema": "dmarcstat/reports-action/1", "action": self.done(), "reports": list })
    }

    fn document(&self) -> Document {
        let mut document = Document::default();
        for one in self.reports {
            let (day, messages) = (date_of(one.day), plural(one.messages, "message"));
            let what = format!("report {} of {} on {}, {day}: {messages}", one.id, one.reporter, one.domain);
            document.item(Text::plain(what));
        }
        let count = self.reports.len() as u64;
        let number = plural(count, "report");
        if self.back {
            document.line(format!("{number} brought back: {} again.", agree(count, "it counts", "they count")));
            return document;
        }
        let numbers = self.reports.iter().map(|one| one.id.to_string()).collect::<Vec<_>>().join(" ");
        document.text(Text::prose(format!(
            "{number} dropped: {}, not even when {} read again. `dmarcstat reports drop --back {numbers}` brings {} back.",
            agree(count, "it counts in no answer", "they count in no answer"),
            agree(count, "its mail is", "their mail is"),
            agree(count, "it", "them"),
        )));
        document
    }

    fn rows(&self) -> Rows<'_> {
        let row = |one: &ReportSummary| {
            let (id, day, messages) = (one.id.to_string(), date_of(one.day).to_string(), one.messages.to_string());
            let texts = [&one.reporter, &one.report_id, &one.domain].map(Clone::clone);
            [vec![self.done().to_owned(), id], texts.to_vec(), vec![day, messages]].concat()
        };
        let headings = ["action", "id", "reporter", "report_id", "domain", "day", "messages"];
        Rows::new(&headings, self.reports.iter().map(row))
    }
}

/// Who is ignored.
#[derive(Debug, Clone, Copy)]
pub struct IgnoredAnswer<'a> {
    /// All of them.
    pub entries: &'a [IgnoredEntry],
    /// Those of whom that was just noted, or taken back.
    pub changed: &'a [String],
    /// It was taken back.
    pub back: bool,
}

fn place(entry: &IgnoredEntry) -> &'static str {
    if entry.stored { "database" } else { "configuration" }
}

impl Answer for IgnoredAnswer<'_> {
    const HAS_ROWS: bool = true;

    fn data(&self) -> impl Serialize {
        let list = self.entries.iter().map(|entry| {
            json!({
                "who": entry.who, "in": place(entry), "reporters": entry.reporters, "reports": entry.reports,
                "messages": entry.messages,
            })
        });
        json!({ "schema": "dmarcstat/ignored/1", "ignored": list.collect::<Vec<Value>>() })
    }

    fn document(&self) -> Document {
        let mut document = Document::default();
        let what =
            if self.back { "counts again" } else { "is ignored: its reports are stored, but count in no answer" };
        self.changed.iter().for_each(|one| document.line(Text::plain(format!("{one} {what}."))));
        if self.entries.is_empty() {
            document.line("No reporter is ignored.");
            return document;
        }
        let mut table = Table::new([
            Column::text("IGNORED"),
            Column::text("IN"),
            Column::number("REPORTS"),
            Column::number("MESSAGES"),
            Column::text("REPORTERS").from(80),
        ]);
        for entry in self.entries {
            let reporters =
                if entry.reporters.is_empty() { "none so far".to_owned() } else { list(&entry.reporters, 5) };
            table.push(Row::new([
                entry.who.clone(),
                place(entry).to_owned(),
                grouped(entry.reports),
                grouped(entry.messages),
                reporters,
            ]));
        }
        document.table(table);
        document
    }

    fn rows(&self) -> Rows<'_> {
        let row = |entry: &IgnoredEntry| {
            let (reports, messages) = (entry.reports.to_string(), entry.messages.to_string());
            vec![entry.who.clone(), place(entry).to_owned(), entry.reporters.join(" | "), reports, messages]
        };
        Rows::new(&["who", "in", "reporters", "reports", "messages"], self.entries.iter().map(row))
    }
}
