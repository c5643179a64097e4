//! The answer of `check`, as data.

use jiff::civil::Date;

use crate::finding::{Code, Finding, Severity};

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
    pub(super) fn as_str(self) -> &'static str {
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
    /// Mails with actions that are pending on the server.
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
    /// What is to become of mail cannot be done with it on the server.
    After,
    /// The last fetch failed.
    FetchFailed,
    /// The last fetch read all, and could not mark, move or delete all that it was to.
    FetchUntidy,
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
            CheckCode::After => "after",
            CheckCode::FetchFailed => "fetch-failed",
            CheckCode::FetchUntidy => "fetch-untidy",
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
