//! The answers of `reports drop` and `reports ignore`.

use serde::Serialize;
use serde_json::{Value, json};

use super::document::{Document, Text};
use super::form::Answer;
use super::table::{Column, Field, Rows, Table, Written as _, plain};
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
            "{number} dropped: {}, not even when {} read again, until `prune` deletes {}. `dmarcstat reports drop --back {numbers}` brings {} back.",
            agree(count, "it counts in no answer", "they count in no answer"),
            agree(count, "its mail is", "their mail is"),
            agree(count, "it", "them"),
            agree(count, "it", "them"),
        )));
        document
    }

    fn rows(&self) -> Rows<'_> {
        let action: Field<(&str, &ReportSummary)> = ("action", |(done, _)| done.written());
        let fields = [
            action,
            ("id", |(_, one)| one.id.written()),
            ("reporter", |(_, one)| one.reporter.written()),
            ("report_id", |(_, one)| one.report_id.written()),
            ("domain", |(_, one)| one.domain.written()),
            ("day", |(_, one)| date_of(one.day).written()),
            ("messages", |(_, one)| one.messages.written()),
        ];
        Rows::of(&fields, self.reports.iter().map(|one| (self.done(), one)))
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
        let table = Table::of(
            self.entries,
            [
                (Column::text("IGNORED"), |entry| plain(&entry.who)),
                (Column::text("IN"), |entry| plain(place(entry))),
                (Column::number("REPORTS"), |entry| plain(grouped(entry.reports))),
                (Column::number("MESSAGES"), |entry| plain(grouped(entry.messages))),
                (Column::text("REPORTERS").from(80), |entry| match entry.reporters.as_slice() {
                    [] => plain("none so far"),
                    some => plain(list(some, 5)),
                }),
            ],
        );
        document.table(table);
        document
    }

    fn rows(&self) -> Rows<'_> {
        let fields: [Field<IgnoredEntry>; 5] = [
            ("who", |entry| entry.who.written()),
            ("in", |entry| place(entry).written()),
            ("reporters", |entry| entry.reporters.join(" | ")),
            ("reports", |entry| entry.reports.written()),
            ("messages", |entry| entry.messages.written()),
        ];
        Rows::of(&fields, self.entries.iter())
    }
}
