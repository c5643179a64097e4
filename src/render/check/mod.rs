//! One screen on how things stand: what is configured, what is stored, whether accounts can be reached, what is wrong.

mod answer;

use serde::Serialize;
use serde_json::{Value, json};

use super::document::{Document, Fact, Paint, Text};
use super::findings::paint;
use super::form::Answer;
use super::table::{Column, Row, Rows, Table};
use crate::finding::Code;
use crate::report::period::{date_of, last_day, rfc3339};
use crate::words::{grouped, plural, size};
pub use answer::{AccountCheck, CheckAnswer, CheckCode, DatabaseCheck, FolderCheck, LoginCheck};

const HEADINGS: [&str; 5] = ["severity", "code", "subject", "detail", "remedy"];

impl Answer for CheckAnswer {
    const HAS_ROWS: bool = true;

    fn data(&self) -> impl Serialize {
        as_json(self)
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
        let rows = self.findings.iter().map(|finding| {
            vec![
                finding.severity.as_str().to_owned(),
                finding.code.as_str().to_owned(),
                finding.subject.clone(),
                finding.detail.clone(),
                finding.remedy.clone().unwrap_or_default(),
            ]
        });
        Rows::new(&HEADINGS, rows)
    }
}

fn as_json(answer: &CheckAnswer) -> Value {
    let time = |time: Option<i64>| time.map(rfc3339);
    let database = &answer.database;
    json!({
        "schema": "dmarcstat/check/2",
        "ok": answer.is_ok(),
        "configuration": answer.configuration,
        "database": {
            "path": database.path,
            "readable": database.readable,
            "bytes": database.bytes,
            "reports": database.reports,
            "newest_report": time(database.newest_report),
            "newest_report_age_days": database.newest_report_age_days,
            "dropped": database.dropped,
            "ignored": database.ignored,
            "foreign": database.foreign,
            "untrusted": database.untrusted,
            "quarantined": database.quarantined,
            "quarantined_bytes": database.quarantined_bytes,
            "tls_reports": database.tls_reports.0,
            "newest_tls_report": time(database.newest_tls_report),
        },
        "accounts": answer.accounts.iter().map(|account| json!({
            "name": account.name,
            "host": account.host,
            "port": account.port,
            "user": account.user,
            "auth": account.auth,
            "grant": account.grant,
            "login": account.login.as_str(),
            "folders": account.folders.iter().map(|folder| json!({
                "folder": folder.folder,
                "uid_validity": folder.uid_validity,
                "last_uid": folder.last_uid,
                "uid_next": folder.uid_next,
                "pending": folder.pending,
                "opened": time(folder.opened),
            })).collect::<Vec<_>>(),
            "last_run": time(account.last_run),
            "last_success": time(account.last_success),
            "last_error": account.last_error.as_ref().map(|(at, text)| json!({ "time": rfc3339(*at), "text": text })),
            "access_token_expires": time(account.access_token_expires),
            "logged_in": time(account.logged_in),
            "client_secret_expires": account.client_secret_expires.map(|date| date.to_string()),
            "client_certificate_expires": time(account.client_certificate_expires),
        })).collect::<Vec<_>>(),
        "findings": answer.findings,
    })
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
    let mut table = Table::new([
        Column::text("FOLDER"),
        Column::number("READ TO UID"),
        Column::number("NEXT UID"),
        Column::number("UIDVALIDITY").from(100),
        Column::number("PENDING"),
        Column::text("OPENED"),
    ]);
    let number = |number: Option<u32>| number.map_or("–".to_owned(), |number| number.to_string());
    for folder in folders {
        table.push(Row::new([
            folder.folder.clone(),
            number(folder.last_uid),
            number(folder.uid_next),
            number(folder.uid_validity),
            grouped(folder.pending),
            folder.opened.map_or("never".to_owned(), rfc3339),
        ]));
    }
    table
}
