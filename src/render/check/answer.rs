//! The answer of `check`, as data.

use jiff::civil::Date;
use serde::{Serialize, Serializer};
use serde_json::json;

use crate::finding::{Finding, Severity};
use crate::report::period::rfc3339;
use crate::vocabulary::vocabulary;

/// How things stand.
#[derive(Debug, Clone, Default, Serialize)]
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
#[derive(Debug, Clone, Default, Serialize)]
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
    #[serde(serialize_with = "time")]
    pub newest_report: Option<i64>,
    /// How old that is, see [`age_in_days`](crate::report::period::age_in_days).
    pub newest_report_age_days: Option<u32>,
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
    #[serde(serialize_with = "all")]
    pub tls_reports: (u64, u64),
    /// The end of the newest SMTP TLS report that counts, in seconds since the epoch.
    #[serde(serialize_with = "time")]
    pub newest_tls_report: Option<i64>,
}

/// An account.
#[derive(Debug, Clone, Default, Serialize)]
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
    #[serde(serialize_with = "time")]
    pub last_run: Option<i64>,
    /// When that went well last.
    #[serde(serialize_with = "time")]
    pub last_success: Option<i64>,
    /// What went wrong last, and when.
    #[serde(serialize_with = "error")]
    pub last_error: Option<(i64, String)>,
    /// When the access token that is kept ends.
    #[serde(serialize_with = "time")]
    pub access_token_expires: Option<i64>,
    /// When somebody logged in for it.
    #[serde(serialize_with = "time")]
    pub logged_in: Option<i64>,
    /// When the client secret ends, as the configuration says.
    #[serde(serialize_with = "date")]
    pub client_secret_expires: Option<Date>,
    /// When the client certificate ends.
    #[serde(serialize_with = "time")]
    pub client_certificate_expires: Option<i64>,
}

fn time<S: Serializer>(time: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(rfc3339).serialize(serializer)
}

fn date<S: Serializer>(date: &Option<Date>, serializer: S) -> Result<S::Ok, S::Error> {
    date.map(|date| date.to_string()).serialize(serializer)
}

fn error<S: Serializer>(error: &Option<(i64, String)>, serializer: S) -> Result<S::Ok, S::Error> {
    error.as_ref().map(|(time, text)| json!({ "time": rfc3339(*time), "text": text })).serialize(serializer)
}

/// Of how many there are, and how many of them are kept apart, the first.
fn all<S: Serializer>(reports: &(u64, u64), serializer: S) -> Result<S::Ok, S::Error> {
    reports.0.serialize(serializer)
}

vocabulary! {
    /// How logging in went.
    #[derive(Default)]
    pub enum LoginCheck {
        /// It was not tried.
        #[default]
        NotTried => "not-tried",
        /// Well.
        Ok => "ok",
        /// Not at all.
        Failed => "failed",
    }
}

/// A folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FolderCheck {
    /// Its name on the server.
    pub folder: String,
    /// Its UIDVALIDITY, as it was when mail was read from it last.
    pub uid_validity: Option<u32>,
    /// The largest UID that was read.
    pub last_uid: Option<u32>,
    /// The UID that the next mail will have, by the server.
    pub uid_next: Option<u32>,
    /// Mails with actions that are pending on the server.
    pub pending: u64,
    /// When it was opened last.
    #[serde(serialize_with = "time")]
    pub opened: Option<i64>,
}

vocabulary! {
    /// What a check of accounts and database finds.
    pub enum CheckCode {
        /// No account is configured.
        NoAccount => "no-account",
        /// Something that the configuration names cannot be used.
        Configuration => "configuration",
        /// No report came in a mail on which the server that is believed has a word.
        AuthservId => "authserv-id",
        /// Everybody can read a secret.
        SecretReadable => "secret-readable",
        /// Mail is to be moved to where it is.
        MoveTarget => "move-target",
        /// There is no database yet.
        DatabaseMissing => "database-missing",
        /// The database cannot be read.
        Database => "database",
        /// Something in the database is not as it was written.
        DatabaseDamaged => "database-damaged",
        /// The database is larger than the limit at which to warn.
        DatabaseSize => "database-size",
        /// The quarantine takes no more.
        QuarantineFull => "quarantine-full",
        /// The newest report is old.
        NoNewReports => "no-new-reports",
        /// Something could not be read.
        Quarantine => "quarantine",
        /// There are reports on domains that are not the owner's.
        ForeignReports => "foreign-reports",
        /// The newest SMTP TLS report is old, though they used to come.
        NoNewTlsReports => "no-new-tls-reports",
        /// TLS fails with a mail server of the owner's.
        TlsFailures => "tls-failures",
        /// Whose domains are whose is not known, and only one reporter ever wrote about some.
        OneReporter => "one-reporter",
        /// The account cannot be set up: a secret, a certificate.
        Account => "account",
        /// The server does not let it in.
        Login => "login",
        /// A folder is not there, or cannot be looked at.
        Folder => "folder",
        /// A client secret or certificate ends soon, or has ended.
        CredentialExpiry => "credential-expiry",
        /// Nobody has logged in for it yet.
        NotLoggedIn => "not-logged-in",
        /// The tokens that are kept cannot be read.
        TokenStore => "token-store",
        /// What is to become of mail cannot be done with it on the server.
        After => "after",
        /// The last fetch failed.
        FetchFailed => "fetch-failed",
        /// The last fetch read all, and could not mark, move or delete all that it was to.
        FetchUntidy => "fetch-untidy",
        /// The last fetch that went well is days ago.
        FetchOverdue => "fetch-overdue",
    }
}

impl CheckAnswer {
    /// Whether everything works.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity != Severity::Error)
    }
}
