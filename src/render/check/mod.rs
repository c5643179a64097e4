//! One screen on how things stand: what is configured, what is stored, whether accounts can be reached, what is wrong.

mod answer;

use serde::Serialize;

use super::document::{Document, Fact, Paint, Text};
use super::findings::paint;
use super::form::Answer;
use super::table::{Cell, Column, Field, Rows, Table, Written as _, plain};
use crate::finding::Finding;
use crate::report::period::{date_of, last_day, rfc3339};
use crate::words::{grouped, plural, size};
pub use answer::{AccountCheck, CheckAnswer, CheckCode, DatabaseCheck, FolderCheck, LoginCheck};

const FIELDS: &[Field<Finding<CheckCode>>] = &[
    ("severity", |finding| finding.severity.as_str().written()),
    ("code", |finding| finding.code.as_str().written()),
    ("subject", |finding| finding.subject.written()),
    ("detail", |finding| finding.detail.written()),
    ("remedy", |finding| finding.remedy.written()),
];

impl Answer for CheckAnswer {
    const HAS_ROWS: bool = true;

    fn data(&self) -> impl Serialize {
        Data { schema: "dmarcstat/check/2", ok: self.is_ok(), answer: self }
    }

    fn document(&self) -> Document {
        let mut document = Document::default();
        let mut facts = vec![Fact::new("configuration", self.configuration.as_deref().unwrap_or("none"))];
        // The name stands once.
        let names = std::iter::once("database").chain(std::iter::repeat(""));
        facts.extend(names.zip(database(&self.database)).map(|(name, line)| Fact::new(name, line)));
        document.facts(facts);
        self.accounts.iter().for_each(|one| account(one, &mut document));
        document.heading("Findings");
        if self.findings.is_empty() {
            document.text(Text::plain("Nothing is wrong.").paint(Paint::Good));
        }
        for finding in &self.findings {
            let text = Text::prose(format!("{}: {}", finding.subject, finding.detail));
            document.marked(format!("{}:", finding.severity.as_str()), paint(finding.severity), text);
            if let Some(remedy) = &finding.remedy {
                document.below(Text::prose(remedy));
            }
        }
        document
    }

    /// A finding is a row.
    fn rows(&self) -> Rows<'_> {
        Rows::of(FIELDS, self.findings.iter())
    }
}

/// The answer as JSON: what it is, and whether anything is wrong, before the rest.
#[derive(Serialize)]
struct Data<'a> {
    schema: &'static str,
    ok: bool,
    #[serde(flatten)]
    answer: &'a CheckAnswer,
}

fn account(account: &AccountCheck, document: &mut Document) {
    let (word, paint) = match account.login {
        LoginCheck::Ok => ("login works", Paint::Good),
        LoginCheck::Failed => ("login fails", Paint::Bad),
        LoginCheck::NotTried => ("login not tried", Paint::Dim),
    };
    let auth = account.grant.map_or(account.auth.to_owned(), |grant| format!("{}, {grant}", account.auth));
    let place = format!("{}, {} at {}:{} ({auth}): ", account.name, account.user, account.host, account.port);
    let mut facts = vec![Fact::new("account", Text::plain(place).and(Text::plain(word).paint(paint)))];
    facts.extend(history(account).into_iter().map(|line| Fact::new("", line)));
    document.facts(facts);
    document.table(folders(&account.folders));
}

fn database(database: &DatabaseCheck) -> Vec<String> {
    if !database.readable {
        return vec![database.path.clone()];
    }
    let size = database.bytes.map_or(String::new(), |bytes| format!(", {}", size(bytes)));
    let newest = match (database.newest_report, database.newest_report_age_days) {
        (Some(at), Some(0)) => format!("newest {}, today", date_of(last_day(at))),
        (Some(at), Some(days)) => format!("newest {}, {} ago", date_of(last_day(at)), plural(u64::from(days), "day")),
        _ => "none that counts".to_owned(),
    };
    let mut lines =
        vec![format!("{}{size}", database.path), format!("{}; {newest}", plural(database.reports, "report"))];
    if database.dropped > 0 {
        lines.push(format!("{} dropped", plural(database.dropped, "report")));
    }
    if database.ignored > 0 {
        lines.push(format!("{} kept apart, of reporters that are ignored", plural(database.ignored, "report")));
    }
    if database.foreign > 0 {
        lines.push(format!("{} kept apart, not on the domains of [owner]", plural(database.foreign, "report")));
    }
    if database.untrusted > 0 {
        lines.push(format!(
            "{} kept apart because the mail failed DMARC or came under another's name",
            plural(database.untrusted, "report")
        ));
    }
    if database.tls_reports.0 > 0 {
        let newest = database
            .newest_tls_report
            .map_or("none that counts".to_owned(), |at| format!("newest {}", date_of(last_day(at))));
        let foreign = match database.tls_reports.1 {
            0 => String::new(),
            number => format!("; {} kept apart, not on the domains of [owner]", grouped(number)),
        };
        lines.push(format!("{}; {newest}{foreign}", plural(database.tls_reports.0, "SMTP TLS report")));
    }
    lines.push(match database.quarantined {
        0 => "the quarantine is empty".to_owned(),
        1 => "1 entry in quarantine".to_owned(),
        number => format!("{} entries in quarantine", grouped(number)),
    });
    lines
}

fn history(account: &AccountCheck) -> Vec<String> {
    let mut lines = Vec::new();
    lines.push(match (account.last_success, account.last_run) {
        (Some(at), _) => format!("last fetched {}", rfc3339(at)),
        (None, Some(_)) => "never fetched successfully".to_owned(),
        (None, None) => "never fetched".to_owned(),
    });
    if let Some((at, text)) = &account.last_error {
        lines.push(format!("last error {}: {text}", rfc3339(*at)));
    }
    let mut ends = Vec::new();
    if let Some(at) = account.access_token_expires {
        ends.push(format!("access token until {} (renewed by itself)", rfc3339(at)));
    }
    if let Some(at) = account.logged_in {
        ends.push(format!("logged in {}", rfc3339(at)));
    }
    if let Some(date) = account.client_secret_expires {
        ends.push(format!("client secret until {date}"));
    }
    if let Some(at) = account.client_certificate_expires {
        ends.push(format!("client certificate until {}", rfc3339(at)));
    }
    lines.extend(ends);
    lines
}

fn folders(folders: &[FolderCheck]) -> Table {
    fn number(number: Option<u32>) -> Cell {
        number.map_or(plain("–"), |number| plain(number.written()))
    }
    Table::of(
        folders,
        [
            (Column::text("FOLDER"), |one| plain(&one.folder)),
            (Column::number("READ TO UID"), |one| number(one.last_uid)),
            (Column::number("NEXT UID"), |one| number(one.uid_next)),
            (Column::number("UIDVALIDITY").from(100), |one| number(one.uid_validity)),
            (Column::number("PENDING"), |one| plain(grouped(one.pending))),
            (Column::text("OPENED"), |one| plain(one.opened.map_or("never".to_owned(), rfc3339))),
        ],
    )
}
