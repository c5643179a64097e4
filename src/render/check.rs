//! One screen on how things stand: what is configured, what is stored, whether accounts can be reached, what is wrong.

use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Value, json};

use super::document::{Document, Fact, Paint, Text};
use super::findings::paint;
use super::form::Answer;
use super::table::{Column, Row, Rows, Table};
use crate::finding::{Code, Finding, Severity};
use crate::report::period::rfc3339;
use crate::words::{grouped, plural, size};

/// How things stand.
#[derive(Debug, Clone, Default)]
pub struct CheckAnswer {
    /// The configuration file, where there is one.
    pub configuration: Option<String>,
    /// The database.
    pub database: DatabaseCheck,
    /// The accounts asked for.
    pub accounts: Vec<AccountCheck>,
    /// What is wrong, or will be; the subject is `configuration`, `database`, `quarantine` or the name of an account.
    pub findings: Vec<Finding<CheckCode>>,
}

/// The database.
#[derive(Debug, Clone, Default)]
pub struct DatabaseCheck {
    /// Where it is.
    pub path: String,
    /// It is there and can be read.
    pub readable: bool,
    /// The bytes of its file.
    pub bytes: Option<u64>,
    /// Reports in it.
    pub reports: u64,
    /// The end of the newest report that counts, in seconds since the epoch.
    pub newest_report: Option<i64>,
    /// How many whole days ago that was.
    pub newest_report_age_days: Option<i64>,
    /// Reports that were taken away.
    pub dropped: u64,
    /// Reports kept apart because their reporters are ignored.
    pub ignored: u64,
    /// Reports kept apart because they are on domains that are not the owner's.
    pub foreign: u64,
    /// Reports kept apart because their mail failed DMARC or came under another's name.
    pub untrusted: u64,
    /// What is in quarantine.
    pub quarantined: u64,
    /// The bytes that are kept there, as they are stored.
    pub quarantined_bytes: u64,
    /// SMTP TLS reports in it, and how many of them are kept apart because no domain of theirs is the owner's.
    pub tls_reports: (u64, u64),
    /// The end of the newest SMTP TLS report that counts, in seconds since the epoch.
    pub newest_tls_report: Option<i64>,
}

/// An account.
#[derive(Debug, Clone, Default)]
pub struct AccountCheck {
    /// Its name.
    pub name: String,
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who logs in.
    pub user: String,
    /// `password`, `xoauth2` or `oauthbearer`.
    pub auth: &'static str,
    /// The grant, for access tokens.
    pub grant: Option<&'static str>,
    /// How logging in went.
    pub login: LoginCheck,
    /// The folders that mail is fetched from, as far as they are known.
    pub folders: Vec<FolderCheck>,
    /// When it was fetched from last, whatever came of it.
    pub last_run: Option<i64>,
    /// When that went well last.
    pub last_success: Option<i64>,
    /// What went wrong last, and when.
    pub last_error: Option<(i64, String)>,
    /// When the access token that is kept ends.
    pub access_token_expires: Option<i64>,
    /// When somebody logged in for it.
    pub logged_in: Option<i64>,
    /// When the client secret ends, as the configuration says.
    pub client_secret_expires: Option<Date>,
    /// When the client certificate ends.
    pub client_certificate_expires: Option<i64>,
}

/// How logging in went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LoginCheck {
    /// It was not tried.
    #[default]
    NotTried,
    /// Well.
    Ok,
    /// Not at all.
    Failed,
}

impl LoginCheck {
    fn as_str(self) -> &'static str {
        match self {
            LoginCheck::NotTried => "not-tried",
            LoginCheck::Ok => "ok",
            LoginCheck::Failed => "failed",
        }
    }
}

/// A folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FolderCheck {
    /// Its name on the server.
    pub folder: String,
    /// Its UIDVALIDITY, as it was when mail was read from it last.
    pub uid_validity: Option<u32>,
    /// The largest UID that was read.
    pub last_uid: Option<u32>,
    /// The UID that the next mail will have, by the server.
    pub uid_next: Option<u32>,
    /// Mails of which something is left to do on the server.
    pub pending: u64,
    /// When it was opened last.
    pub opened: Option<i64>,
}

/// What a check of accounts and database finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckCode {
    /// No account is configured.
    NoAccount,
    /// Something that the configuration names cannot be used.
    Configuration,
    /// No report came in a mail on which the server that is believed has a word.
    AuthservId,
    /// Everybody can read a secret.
    SecretReadable,
    /// Mail is to be moved to where it is.
    MoveTarget,
    /// There is no database yet.
    DatabaseMissing,
    /// The database cannot be read.
    Database,
    /// Something in the database is not as it was written.
    DatabaseDamaged,
    /// The database is larger than the limit at which to warn.
    DatabaseSize,
    /// The quarantine takes no more.
    QuarantineFull,
    /// The newest report is old.
    NoNewReports,
    /// Something could not be read.
    Quarantine,
    /// There are reports on domains that are not the owner's.
    ForeignReports,
    /// The newest SMTP TLS report is old, though they used to come.
    NoNewTlsReports,
    /// TLS fails with a mail server of the owner's.
    TlsFailures,
    /// Whose domains are whose is not known, and only one reporter ever wrote about some.
    OneReporter,
    /// The account cannot be set up: a secret, a certificate.
    Account,
    /// The server does not let it in.
    Login,
    /// A folder is not there, or cannot be looked at.
    Folder,
    /// A client secret or certificate ends soon, or has ended.
    CredentialExpiry,
    /// Nobody has logged in for it yet.
    NotLoggedIn,
    /// The tokens that are kept cannot be read.
    TokenStore,
    /// The last fetch failed.
    FetchFailed,
    /// The last fetch that went well is days ago.
    FetchOverdue,
}

impl Code for CheckCode {
    fn as_str(self) -> &'static str {
        match self {
            CheckCode::NoAccount => "no-account",
            CheckCode::Configuration => "configuration",
            CheckCode::AuthservId => "authserv-id",
            CheckCode::SecretReadable => "secret-readable",
            CheckCode::MoveTarget => "move-target",
            CheckCode::DatabaseMissing => "database-missing",
            CheckCode::Database => "database",
            CheckCode::DatabaseDamaged => "database-damaged",
            CheckCode::DatabaseSize => "database-size",
            CheckCode::QuarantineFull => "quarantine-full",
            CheckCode::NoNewReports => "no-new-reports",
            CheckCode::Quarantine => "quarantine",
            CheckCode::ForeignReports => "foreign-reports",
            CheckCode::NoNewTlsReports => "no-new-tls-reports",
            CheckCode::TlsFailures => "tls-failures",
            CheckCode::OneReporter => "one-reporter",
            CheckCode::Account => "account",
            CheckCode::Login => "login",
            CheckCode::Folder => "folder",
            CheckCode::CredentialExpiry => "credential-expiry",
            CheckCode::NotLoggedIn => "not-logged-in",
            CheckCode::TokenStore => "token-store",
            CheckCode::FetchFailed => "fetch-failed",
            CheckCode::FetchOverdue => "fetch-overdue",
        }
    }
}

impl CheckAnswer {
    /// Whether everything works.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity != Severity::Error)
    }
}

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
        (Some(at), Some(0)) => format!("newest {}, today", rfc3339(at)),
        (Some(at), Some(days)) => format!("newest {}, {} ago", rfc3339(at), plural(days.unsigned_abs(), "day")),
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
        let newest =
            database.newest_tls_report.map_or("none that counts".to_owned(), |at| format!("newest {}", rfc3339(at)));
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
        (None, Some(_)) => "never fetched with success".to_owned(),
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
        Column::number("LEFT TO DO"),
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
