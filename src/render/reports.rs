//! The list of reports.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::document::{Document, Paint, Text};
use super::form::Answer;
use super::long_list::with_list;
use super::opening::summary;
use super::table::{Column, Field, Rows, Table, Written as _, painted, plain};
use crate::report::period::{Day, date_of, rfc3339};
use crate::store::{Apart, ReportSummary, Trust};
use crate::words::{agree, grouped, plural};

/// The most reports that a table for people has.
const MOST: usize = 10_000;

/// A list of reports, and what it is a list of.
#[derive(Debug, Clone, Default)]
pub struct ReportsAnswer<'a> {
    /// The first day.
    pub begin: Option<Day>,
    /// The last day.
    pub end: Option<Day>,
    /// The end of the newest report.
    pub newest: Option<String>,
    /// The reports, newest first.
    pub reports: &'a [ReportSummary],
    /// How many others were taken away.
    pub dropped: u64,
    /// How many others are kept apart because their reporters are ignored.
    pub ignored: u64,
    /// How many others are kept apart because they are on domains that are not the owner's.
    pub foreign: u64,
    /// How many others are kept apart because their mail failed DMARC or came under another's name.
    pub untrusted: u64,
}

fn codes(report: &ReportSummary) -> Vec<&'static str> {
    let mut codes: Vec<&str> = report.irregularities.iter().map(|one| one.code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// Whether a report counts that is not the only one of its identity, and why.
pub(super) fn beside_others(report: &ReportSummary) -> String {
    match (report.counted, report.replaced_by, report.shared.unwrap_or(0)) {
        (true, _, 0) => "counts; other reports of this id have other rows".to_owned(),
        (true, _, shared) => {
            format!("counts; {} in rows that another report of this id has too", plural(shared, "message"))
        }
        (false, Some(other), _) => format!("does not count: report {other} has all of it"),
        (false, None, _) => {
            "does not count: the mail of another report of this id passed DMARC for the reporter's domain".to_owned()
        }
    }
}

/// What the list and the whole report say alike.
pub(super) fn summary_json(report: &ReportSummary) -> Map<String, Value> {
    let policy = &report.policy;
    let value = json!({
        "id": report.id,
        "org_name": report.org_name,
        "reporter": report.reporter,
        "email": report.email,
        "report_id": report.report_id,
        "domain": report.domain,
        "begin": rfc3339(report.begin),
        "end": rfc3339(report.end),
        "day": date_of(report.day).to_string(),
        "policy": {
            "domain": report.domain, "p": lower(&policy.p), "sp": word(&policy.sp), "np": word(&policy.np),
            "adkim": lower(&policy.adkim), "aspf": lower(&policy.aspf), "pct": policy.pct.as_deref().and_then(|pct| pct.parse::<i64>().ok()),
            "fo": policy.fo, "testing": policy.testing, "discovery_method": policy.discovery_method,
        },
        "generation": generation(report),
        "record_count": report.records,
        "messages": report.messages,
        "dmarc_pass": report.dmarc_pass,
        "sibling": report.sibling,
        "counted": report.counted,
        "replaced_by": report.replaced_by,
        "shared_messages": report.shared,
        "dropped": report.dropped,
        "ignored": report.ignored,
        "foreign": report.foreign,
        "trust": report.trust.as_str(),
    });
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// The document that the report follows.
fn generation(report: &ReportSummary) -> &'static str {
    if report.rfc9990 { "rfc9990" } else { "rfc7489" }
}

fn lower(text: &Option<String>) -> Option<String> {
    text.as_ref().map(|text| text.to_ascii_lowercase())
}

/// A policy word; `nil` is how one reporter writes that there is none.
fn word(text: &Option<String>) -> Option<String> {
    lower(text).filter(|word| word != "nil")
}

const FIELDS: &[Field<ReportSummary>] = &[
    ("id", |report| report.id.written()),
    ("org_name", |report| report.org_name.written()),
    ("reporter", |report| report.reporter.written()),
    ("email", |report| report.email.written()),
    ("report_id", |report| report.report_id.written()),
    ("domain", |report| report.domain.written()),
    ("begin", |report| rfc3339(report.begin)),
    ("end", |report| rfc3339(report.end)),
    ("day", |report| date_of(report.day).written()),
    ("policy", |report| lower(&report.policy.p).written()),
    ("generation", |report| generation(report).written()),
    ("record_count", |report| report.records.written()),
    ("messages", |report| report.messages.written()),
    ("dmarc_pass", |report| report.dmarc_pass.written()),
    ("counted", |report| report.counted.written()),
    ("irregularities", |report| codes(report).written()),
    ("trust", |report| report.trust.as_str().written()),
    ("foreign", |report| report.foreign.written()),
    ("dropped", |report| report.dropped.written()),
    ("ignored", |report| report.ignored.written()),
];

impl Answer for ReportsAnswer<'_> {
    const HAS_ROWS: bool = true;

    fn data(&self) -> impl Serialize {
        let fields = json!({
            "schema": "dmarcstat/reports/1",
            "window": { "begin": date(self.begin), "end": date(self.end) },
            "newest_report": self.newest,
        });
        with_list(fields, "reports", self.reports, |report| {
            let mut map = summary_json(report);
            map.insert("irregularities".to_owned(), json!(codes(report)));
            map
        })
    }

    fn document(&self) -> Document {
        let mut document = Document::default();
        let reporters: HashSet<&str> = self.reports.iter().map(|report| report.reporter.as_str()).collect();
        let days = format!("{} to {}", date(self.begin).unwrap_or_default(), date(self.end).unwrap_or_default());
        document.text(summary(&days, self.reports.len() as u64, reporters.len(), self.newest.as_deref()));
        document.table(table(self.reports));
        if self.reports.len() > MOST {
            document.text("All of them in rows: `--format csv` or `--format json`");
        }
        let apart = [
            (self.dropped, "because somebody dropped it", "--dropped"),
            (self.ignored, "because the reporter is ignored", "--ignored"),
            (self.foreign, "not on the domains of [owner]", "--foreign"),
            (self.untrusted, "because the mail failed DMARC or came under another's name", "--untrusted"),
        ];
        for (number, why, option) in apart.into_iter().filter(|(number, ..)| *number > 0) {
            let verb = agree(number, "is", "are");
            let reports = plural(number, "report");
            document.text(Text::prose(format!("{reports} {verb} kept apart, {why}: `dmarcstat reports {option}`")));
        }
        document
    }

    fn rows(&self) -> Rows<'_> {
        Rows::of(FIELDS, self.reports.iter())
    }
}

fn date(day: Option<Day>) -> Option<String> {
    day.map(|day| date_of(day).to_string())
}

fn table(reports: &[ReportSummary]) -> Table {
    Table::first_of(
        MOST,
        reports,
        [
            (Column::number("ID"), |report| plain(report.id.written())),
            (Column::text("DAY"), |report| plain(date_of(report.day).written())),
            (Column::text("REPORTER"), |report| plain(&report.reporter)),
            (Column::text("DOMAIN"), |report| plain(&report.domain)),
            (Column::number("RECORDS"), |report| plain(grouped(report.records))),
            (Column::number("MESSAGES"), |report| plain(grouped(report.messages))),
            (Column::text("POLICY").from(100), |report| plain(lower(&report.policy.p).unwrap_or("–".to_owned()))),
            (Column::text("REPORT ID").from(140), |report| plain(&report.report_id)),
            (Column::text("IRREGULARITIES").from(100), |report| painted(notes(report).join(", "), Paint::Warn)),
        ],
    )
}

/// What was odd about a report, and why it does not count.
fn notes(report: &ReportSummary) -> Vec<&'static str> {
    let mut notes = codes(report);
    match report.apart() {
        Some(Apart::Dropped) => notes.push("dropped"),
        Some(Apart::Ignored) => notes.push("ignored"),
        Some(Apart::Foreign) => notes.push("foreign"),
        Some(Apart::Untrusted) if report.trust == Trust::Misnamed => notes.push("another's name"),
        Some(Apart::Untrusted) => notes.push("mail failed DMARC"),
        None if !report.counted => notes.push("not counted"),
        None => {}
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::form::{Form, Style};
    use crate::report::PolicyPublished;

    #[test]
    fn a_table_for_people_has_an_end_and_says_where_the_rest_is() {
        let report = ReportSummary {
            id: 7,
            org_name: None,
            reporter: "mailhaven.example".to_owned(),
            email: None,
            report_id: "r7".to_owned(),
            domain: "brightwater.example".to_owned(),
            begin: 0,
            end: 86_400,
            day: 0,
            policy: PolicyPublished::default(),
            rfc9990: false,
            records: 1,
            messages: 2,
            dmarc_pass: 2,
            sibling: 0,
            counted: true,
            replaced_by: None,
            shared: None,
            trust: Trust::Unchecked,
            dropped: false,
            ignored: false,
            foreign: false,
            irregularities: Vec::new(),
        };
        let style = Style { width: 80, color: false, unicode: false };
        let written = |form: Form, number: usize| {
            let reports = vec![report.clone(); number];
            let mut bytes = Vec::new();
            form.write(&ReportsAnswer { reports: &reports, ..ReportsAnswer::default() }, &style, &mut bytes).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        let all = written(Form::Table, MOST);
        assert_eq!((all.matches("mailhaven.example").count(), all.contains("more")), (MOST, false));
        let some = written(Form::Table, MOST + 3);
        assert_eq!(some.matches("mailhaven.example").count(), MOST);
        assert!(some.contains("and 3 more") && some.contains("--format csv"), "{}", &some[some.len() - 200..]);
        assert_eq!(written(Form::Csv, MOST + 3).matches("mailhaven.example").count(), MOST + 3);
    }
}
