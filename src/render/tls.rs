//! SMTP TLS reports: the answer of `tls`.

use serde::Serialize;
use serde_json::json;

use super::document::{Document, Paint, Text};
use super::form::Answer;
use super::long_list::with_list;
use super::opening::{days_of, summary};
use super::table::{Column, Field, Row, Rows, Table, Written as _, painted, plain};
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
        Rows::of(&fields(), Line::all(self))
    }
}

fn kind(policy: &TlsPolicy) -> &str {
    policy.policy_type.as_deref().unwrap_or("(not given)")
}

fn policies(answer: &TlsAnswer) -> Table {
    Table::first_of(
        MOST,
        answer.domains.iter().flat_map(|one| one.policies.iter().map(|policy| (&one.domain, policy))),
        [
            (Column::text("DOMAIN"), |(domain, _)| plain(*domain)),
            (Column::text("POLICY"), |(_, policy)| plain(kind(policy))),
            (Column::text("MODE"), |(_, policy)| plain(policy.mode.as_deref().unwrap_or("–"))),
            (Column::number("SESSIONS"), |(_, policy)| plain(grouped(sessions(policy)))),
            (Column::number("FAILED"), |(_, policy)| {
                painted(grouped(policy.failed), if policy.failed > 0 { Paint::Warn } else { Paint::Good })
            }),
            (Column::number("SHARE").from(60), |(_, policy)| plain(percent(policy.failed, sessions(policy)))),
            (Column::number("REPORTS").from(100), |(_, policy)| plain(grouped(policy.reports))),
            (Column::text("REPORTERS").from(90), |(_, policy)| plain(list(&policy.reporters, NAMED))),
            (Column::text("LAST SEEN").from(70), |(_, policy)| plain(&policy.last_seen)),
        ],
    )
}

fn sessions(policy: &TlsPolicy) -> u64 {
    policy.successful.saturating_add(policy.failed)
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

/// A policy of a domain, and one of its failures where it has any.
struct Line<'a> {
    domain: &'a str,
    policy: &'a TlsPolicy,
    failure: Option<&'a TlsFailure>,
}

impl<'a> Line<'a> {
    /// What is in a field about the failure.
    fn of_failure(&self, value: fn(&TlsFailure) -> String) -> String {
        self.failure.map(value).unwrap_or_default()
    }

    /// Every failure, and every policy without any.
    fn all(answer: &'a TlsAnswer) -> impl Iterator<Item = Line<'a>> {
        let policies = answer.domains.iter().flat_map(|one| one.policies.iter().map(|policy| (&one.domain, policy)));
        policies.flat_map(|(domain, policy)| {
            let failures = policy.failures.iter().map(Some);
            let none = policy.failures.is_empty().then_some(None);
            failures.chain(none).map(move |failure| Line { domain, policy, failure })
        })
    }
}

fn fields<'a>() -> [Field<Line<'a>>; 17] {
    [
        ("domain", |line| line.domain.written()),
        ("policy_type", |line| line.policy.policy_type.written()),
        ("mode", |line| line.policy.mode.written()),
        ("enforced", |line| line.policy.enforced.written()),
        ("successful", |line| line.policy.successful.written()),
        ("failed", |line| line.policy.failed.written()),
        ("result_type", |line| line.of_failure(|failure| failure.result_type.written())),
        ("mx_host", |line| line.of_failure(|failure| failure.mx_host.written())),
        ("sessions", |line| line.of_failure(|failure| failure.sessions.written())),
        ("reporters", |line| line.failure.map_or(&line.policy.reporters, |failure| &failure.reporters).written()),
        ("since", |line| line.of_failure(|failure| failure.since.written())),
        ("last_seen", |line| line.failure.map_or(&line.policy.last_seen, |failure| &failure.last_seen).written()),
        ("ongoing", |line| line.of_failure(|failure| failure.ongoing.written())),
        ("lone_claim", |line| line.of_failure(|failure| failure.lone_claim.written())),
        ("receiving_ips", |line| line.of_failure(|failure| failure.receiving_ips.written())),
        ("reason_codes", |line| line.of_failure(|failure| failure.reason_codes.written())),
        ("remedy", |line| line.of_failure(|failure| failure.remedy.title.written())),
    ]
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

const REPORT_FIELDS: &[Field<TlsReportRow>] = &[
    ("id", |report| report.id.written()),
    ("org_name", |report| report.org_name.written()),
    ("reporter", |report| report.reporter.written()),
    ("contact", |report| report.contact.written()),
    ("report_id", |report| report.report_id.written()),
    ("domains", |report| report.domains.written()),
    ("begin", |report| rfc3339(report.begin)),
    ("end", |report| rfc3339(report.end)),
    ("day", |report| date_of(report.day).written()),
    ("successful", |report| report.successful.written()),
    ("failed", |report| report.failed.written()),
    ("trust", |report| report.trust.as_str().written()),
    ("counted", |report| report.counted.written()),
    ("foreign", |report| report.foreign.written()),
    ("location", |report| report.location.written()),
];

impl Answer for TlsReportsAnswer<'_> {
    const HAS_ROWS: bool = true;

    fn data(&self) -> impl Serialize {
        let fields = json!({
            "schema": "dmarcstat/tls-reports/1",
            "window": self.window,
            "newest_report": self.newest,
        });
        with_list(fields, "reports", self.reports, |report| {
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
        Rows::of(REPORT_FIELDS, self.reports.iter())
    }
}

fn reports(reports: &[TlsReportRow]) -> Table {
    Table::of(
        reports,
        [
            (Column::number("ID"), |report| plain(report.id.written())),
            (Column::text("DAY"), |report| plain(date_of(report.day).written())),
            (Column::text("REPORTER"), |report| plain(&report.reporter)),
            (Column::text("DOMAINS"), |report| plain(list(&report.domains, NAMED))),
            (Column::number("SESSIONS"), |report| plain(grouped(report.successful.saturating_add(report.failed)))),
            (Column::number("FAILED"), |report| plain(grouped(report.failed))),
            (Column::text("REPORT ID").from(120), |report| plain(&report.report_id)),
            (Column::text("NOTE").from(80), |report| painted(note(report), Paint::Warn)),
        ],
    )
}

/// Why a report does not count.
fn note(report: &TlsReportRow) -> &'static str {
    match (report.foreign, report.trust.is_believed(), report.counted) {
        (true, ..) => "foreign",
        (_, false, _) => "mail failed DMARC or came under another's name",
        (.., false) => "not counted",
        _ => "",
    }
}
