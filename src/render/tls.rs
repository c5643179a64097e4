//! SMTP TLS reports: the answer of `tls`.

use serde::Serialize;
use serde_json::json;

use super::document::{Document, Paint, Text};
use super::form::Answer;
use super::opening::{days_of, summary};
use super::table::{Column, Row, Rows, Table};
use crate::diagnosis::{TlsAnswer, TlsFailure, TlsPolicy, WindowAnswer};
use crate::report::period::{date_of, rfc3339};
use crate::store::TlsReportRow;
use crate::words::{grouped, list, percent, plural};

/// Rows of a table that are shown; the JSON answer has all of them.
const MOST: usize = 60;
/// Reporters that are named.
const NAMED: usize = 3;

impl Answer for TlsAnswer {
    const HAS_ROWS: bool = true;

    fn data(&self) -> impl Serialize {
        self
    }

    fn document(&self) -> Document {
        let mut document = Document::default();
        document.aside(|document| document.title("TLS with your mail servers"));
        let newest = self.newest_report.as_deref();
        document.text(summary(&days_of(&self.window), self.reports, self.reporters, newest));
        document.heading("Policies");
        document.table(policies(self));
        let failures = failures(self);
        if failures.rows.is_empty() {
            document.text(Text::plain("No session failed.").paint(Paint::Good));
        } else {
            document.heading("What fails");
            document.table(failures);
        }
        document
    }

    /// A row for each failure, and one for each policy without any.
    fn rows(&self) -> Rows<'_> {
        Rows::new(&HEADINGS, rows(self).into_iter())
    }
}

fn kind(policy: &TlsPolicy) -> &str {
    policy.policy_type.as_deref().unwrap_or("(not given)")
}

fn policies(answer: &TlsAnswer) -> Table {
    let mut table = Table::new([
        Column::text("DOMAIN"),
        Column::text("POLICY"),
        Column::text("MODE"),
        Column::number("SESSIONS"),
        Column::number("FAILED"),
        Column::number("SHARE").from(60),
        Column::number("REPORTS").from(100),
        Column::text("REPORTERS").from(90),
        Column::text("LAST SEEN").from(70),
    ])
    .at_most(MOST);
    for domain in &answer.domains {
        for policy in &domain.policies {
            let all = policy.successful.saturating_add(policy.failed);
            let paint = if policy.failed > 0 { Paint::Warn } else { Paint::Good };
            table.push(
                Row::new([
                    domain.domain.clone(),
                    kind(policy).to_owned(),
                    policy.mode.clone().unwrap_or_else(|| "–".to_owned()),
                    grouped(all),
                    grouped(policy.failed),
                    percent(policy.failed, all),
                    grouped(policy.reports),
                    list(&policy.reporters, NAMED),
                    policy.last_seen.clone(),
                ])
                .paint(4, paint),
            );
        }
    }
    table
}

fn failures(answer: &TlsAnswer) -> Table {
    let mut table = Table::new([
        Column::text("DOMAIN"),
        Column::text("POLICY").from(70),
        Column::text("MX HOST"),
        Column::text("FAILURE"),
        Column::number("SESSIONS"),
        Column::text("SAID BY").from(90),
        Column::text("SINCE"),
        Column::text("LAST SEEN").from(100),
    ])
    .at_most(MOST);
    for domain in &answer.domains {
        for policy in &domain.policies {
            for failure in &policy.failures {
                let paint = match (failure.ongoing && !failure.lone_claim, policy.enforced) {
                    (true, true) => Paint::Bad,
                    (true, false) => Paint::Warn,
                    (false, _) => Paint::Dim,
                };
                let row = Row::new([
                    domain.domain.clone(),
                    kind(policy).to_owned(),
                    failure.mx_host.clone().unwrap_or_else(|| "(not given)".to_owned()),
                    failure.result_type.clone().unwrap_or_else(|| "(not given)".to_owned()),
                    grouped(failure.sessions),
                    list(&failure.reporters, NAMED),
                    failure.since.clone(),
                    failure.last_seen.clone(),
                ])
                .paint(3, paint);
                table.push(row.below(Some(below(policy, failure))));
            }
        }
    }
    table
}

/// What there is to say of a failure, below its row.
fn below(policy: &TlsPolicy, failure: &TlsFailure) -> String {
    if !failure.ongoing {
        return format!("over: not seen again on two later days with reports, last on {}", failure.last_seen);
    }
    let mut parts: Vec<String> = Vec::new();
    parts.extend(failure.explanation.map(str::to_owned));
    if !failure.reason_codes.is_empty() {
        parts.push(list(&failure.reason_codes, 2));
    }
    if failure.lone_claim {
        parts.push("only this reporter says so, others got through on the same days".to_owned());
    } else if policy.enforced {
        parts.push("mail is held back".to_owned());
    }
    parts.push(format!("→ {}", failure.remedy.title));
    parts.join("; ")
}

const HEADINGS: [&str; 17] = [
    "domain",
    "policy_type",
    "mode",
    "enforced",
    "successful",
    "failed",
    "result_type",
    "mx_host",
    "sessions",
    "reporters",
    "since",
    "last_seen",
    "ongoing",
    "lone_claim",
    "receiving_ips",
    "reason_codes",
    "remedy",
];

/// A row for each failure, and one for each policy without any.
fn rows(answer: &TlsAnswer) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for domain in &answer.domains {
        for policy in &domain.policies {
            let head = [
                domain.domain.clone(),
                policy.policy_type.clone().unwrap_or_default(),
                policy.mode.clone().unwrap_or_default(),
                policy.enforced.to_string(),
                policy.successful.to_string(),
                policy.failed.to_string(),
            ];
            if policy.failures.is_empty() {
                let mut row = head.to_vec();
                row.resize(HEADINGS.len(), String::new());
                row[9] = policy.reporters.join(" ");
                row[11].clone_from(&policy.last_seen);
                rows.push(row);
            }
            for failure in &policy.failures {
                let mut row = head.to_vec();
                row.extend([
                    failure.result_type.clone().unwrap_or_default(),
                    failure.mx_host.clone().unwrap_or_default(),
                    failure.sessions.to_string(),
                    failure.reporters.join(" "),
                    failure.since.clone(),
                    failure.last_seen.clone(),
                    failure.ongoing.to_string(),
                    failure.lone_claim.to_string(),
                    failure.receiving_ips.join(" "),
                    failure.reason_codes.join(" "),
                    failure.remedy.title.clone(),
                ]);
                rows.push(row);
            }
        }
    }
    rows
}

/// The list of TLS reports.
#[derive(Debug, Clone, Copy)]
pub struct TlsReportsAnswer<'a> {
    /// The days it is about.
    pub window: &'a WindowAnswer,
    /// The end of the newest TLS report in the database.
    pub newest: Option<&'a str>,
    /// The reports, newest first.
    pub reports: &'a [TlsReportRow],
}

const REPORT_HEADINGS: [&str; 15] = [
    "id",
    "org_name",
    "reporter",
    "contact",
    "report_id",
    "domains",
    "begin",
    "end",
    "day",
    "successful",
    "failed",
    "trust",
    "counted",
    "foreign",
    "location",
];

impl Answer for TlsReportsAnswer<'_> {
    const HAS_ROWS: bool = true;

    fn data(&self) -> impl Serialize {
        let list = self.reports.iter().map(|report| {
            json!({
                "id": report.id,
                "org_name": report.org_name,
                "reporter": report.reporter,
                "contact": report.contact,
                "report_id": report.report_id,
                "domains": report.domains,
                "begin": rfc3339(report.begin),
                "end": rfc3339(report.end),
                "day": date_of(report.day).to_string(),
                "successful": report.successful,
                "failed": report.failed,
                "trust": report.trust.as_str(),
                "counted": report.counted,
                "foreign": report.foreign,
                "location": report.location,
            })
        });
        json!({
            "schema": "dmarcstat/tls-reports/1",
            "window": self.window,
            "newest_report": self.newest,
            "reports": list.collect::<Vec<_>>(),
        })
    }

    fn document(&self) -> Document {
        let mut document = Document::default();
        let newest = self.newest.map_or("none", |time| time.get(..10).unwrap_or(time));
        let count = plural(self.reports.len() as u64, "SMTP TLS report");
        document.text(format!("{} · {count} · newest {newest}", days_of(self.window)));
        document.table(reports(self.reports));
        document
    }

    fn rows(&self) -> Rows<'_> {
        Rows::new(&REPORT_HEADINGS, self.reports.iter().map(cells))
    }
}

fn cells(report: &TlsReportRow) -> Vec<String> {
    vec![
        report.id.to_string(),
        report.org_name.clone().unwrap_or_default(),
        report.reporter.clone(),
        report.contact.clone().unwrap_or_default(),
        report.report_id.clone(),
        report.domains.join(" "),
        rfc3339(report.begin),
        rfc3339(report.end),
        date_of(report.day).to_string(),
        report.successful.to_string(),
        report.failed.to_string(),
        report.trust.as_str().to_owned(),
        report.counted.to_string(),
        report.foreign.to_string(),
        report.location.clone(),
    ]
}

fn reports(reports: &[TlsReportRow]) -> Table {
    let mut table = Table::new([
        Column::number("ID"),
        Column::text("DAY"),
        Column::text("REPORTER"),
        Column::text("DOMAINS"),
        Column::number("SESSIONS"),
        Column::number("FAILED"),
        Column::text("REPORT ID").from(120),
        Column::text("NOTE").from(80),
    ]);
    for report in reports {
        let note = match (report.foreign, report.trust.is_believed(), report.counted) {
            (true, ..) => "foreign",
            (_, false, _) => "mail failed DMARC or came under another's name",
            (.., false) => "not counted",
            _ => "",
        };
        let row = Row::new([
            report.id.to_string(),
            date_of(report.day).to_string(),
            report.reporter.clone(),
            list(&report.domains, NAMED),
            grouped(report.successful.saturating_add(report.failed)),
            grouped(report.failed),
            report.report_id.clone(),
            note.to_owned(),
        ]);
        table.push(row.paint(7, Paint::Warn));
    }
    table
}
