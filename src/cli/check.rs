//! `dmarcstat check`.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil::Date};

use super::configured;
use super::context::Context;
use super::failure::{Outcome, Status};
use super::length::some_length;
use super::stored::{full_quarantine, whose_domains};
use crate::config::account::{AccountConfig, Auth};
use crate::config::accounts;
use crate::config::oauth2::OAuthConfig;
use crate::diagnosis::SILENT;
use crate::finding::{Finding, Severity};
use crate::oauth::{Proof, Tokens};
use crate::render::check::{AccountCheck, CheckAnswer, CheckCode, DatabaseCheck, FolderCheck, LoginCheck};
use crate::report::period::{DAY, age_in_days, day_of};
use crate::source::imap::account::{Account, After, Mechanism, identity};
use crate::source::imap::{Error, Folder, Patience, Session};
use crate::store::{Store, StoreError};
use crate::words::size;

/// After two days without a fetch that went well, whatever starts it is out of order.
const OVERDUE_DAYS: i64 = 2;
/// How long before its end a secret is warned of: time enough to get a new one.
const WARN_DAYS: i64 = 30;

/// One screen: the configuration, the accounts, the database, and what is wrong with them
///
/// Logs in to each account and looks for its folders; nothing is read or changed there. Ends with status 1 when something
/// does not work, and with 0 when all does, with warnings or without.
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// The accounts, by their names in the configuration [default: all]
    #[arg(value_name = "ACCOUNT")]
    accounts: Vec<String>,
    /// Contact no server
    #[arg(long)]
    offline: bool,
    /// Read the whole database: SQLite's own check, every record, and the sums kept of them
    #[arg(long)]
    deep: bool,
    /// How long a server may take for each answer
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = some_length)]
    timeout: Duration,
}

impl Check {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let mut answer = CheckAnswer {
            configuration: context.config.file.as_ref().map(|file| file.display().to_string()),
            ..CheckAnswer::default()
        };
        answer.findings.extend(configured::whole(context));
        let store = database(context, &mut answer)?;
        if let Some(store) = &store {
            if self.deep {
                answer.findings.extend(store.check_deeply()?.into_iter().map(|fault| {
                    let remedy = if store.is_split() {
                        "docs/scale.md says what a commit leaves that broke off between two servers, and how to repair it"
                    } else {
                        "restore the database from a backup, or ingest the mail into a new one (docs/database.md)"
                    };
                    finding(Severity::Error, CheckCode::DatabaseDamaged, "database", fault, remedy)
                }));
            }
            answer.findings.extend(configured::unheard(context, store)?);
            answer.findings.extend(configured::ignores_nobody(context, store)?);
        }
        let chosen = if context.config.accounts.is_empty() && self.accounts.is_empty() {
            Vec::new()
        } else {
            accounts::select(&context.config, &self.accounts)?
        };
        for config in chosen {
            let mut account = Examined { config, store: store.as_ref(), context, check: &self, answer: &mut answer };
            account.examine();
        }
        answer.findings.sort_by_key(|finding| finding.severity);
        context.show(&answer)?;
        Ok(if answer.is_ok() { Status::Done } else { Status::Broken })
    }
}

/// A finding; the remedy is empty where what to do is part of the message.
fn finding(
    severity: Severity,
    code: CheckCode,
    subject: &str,
    detail: impl Into<String>,
    remedy: impl Into<String>,
) -> Finding<CheckCode> {
    let remedy = Some(remedy.into()).filter(|text| !text.is_empty());
    Finding { remedy, ..Finding::new(severity, code, subject, detail) }
}

/// Looks at the database; it may well be missing.
fn database(context: &Context, answer: &mut CheckAnswer) -> Result<Option<Store>, super::failure::Failure> {
    let place = context.database()?;
    answer.database = DatabaseCheck { path: place.to_string(), ..DatabaseCheck::default() };
    let looked = Store::open_existing(place.clone()).map(|store| context.for_owner(store)).and_then(|store| {
        let foreign = store.foreign_domains()?;
        answer.findings.extend(whose_domains(&store, &foreign)?);
        let held = store.held_in_quarantine()?;
        answer.findings.extend(full_quarantine(held, &context.config.limits));
        let check = DatabaseCheck {
            path: place.to_string(),
            readable: true,
            bytes: match place.file() {
                Some(path) => std::fs::metadata(path).ok().map(|file| file.len()),
                None => store.size_on_server()?,
            },
            reports: store.count_reports()?,
            newest_report: store.newest_report(context.now.as_second())?,
            newest_report_age_days: None,
            dropped: store.dropped_reports()?,
            ignored: store.ignored_reports()?,
            foreign: foreign.iter().map(|one| one.reports).sum(),
            untrusted: store.untrusted_reports()?,
            quarantined: held.entries,
            quarantined_bytes: held.bytes,
            tls_reports: store.count_tls_reports()?,
            newest_tls_report: store.newest_tls_report(context.now.as_second())?,
        };
        answer.findings.extend(super::tls::findings(&store, check.newest_tls_report, context.now.as_second())?);
        Ok((check, store))
    });
    let (mut check, store) = match looked {
        Ok(found) => found,
        Err(StoreError::Missing(_)) => {
            let remedy = "`dmarcstat fetch` or `dmarcstat ingest FILE…` makes it";
            answer.findings.push(finding(
                Severity::Warning,
                CheckCode::DatabaseMissing,
                "database",
                "there is none yet",
                remedy,
            ));
            return Ok(None);
        }
        Err(error) => {
            answer.findings.push(finding(Severity::Error, CheckCode::Database, "database", error.to_string(), ""));
            return Ok(None);
        }
    };
    let age = check.newest_report.map(|newest| age_in_days(newest, day_of(context.today())));
    check.newest_report_age_days = age;
    if let Some(days) = age.filter(|&days| days >= SILENT.unsigned_abs()) {
        let what = format!("the newest report is {days} days old");
        let remedy = "fetch; if nothing new comes, see whether report mail reaches the mailbox, and what `rua` says \
                      (`dmarcstat dns DOMAIN`)";
        answer.findings.push(finding(Severity::Warning, CheckCode::NoNewReports, "database", what, remedy));
    }
    if check.quarantined > 0 {
        let what = match check.quarantined {
            1 => "something could not be read".to_owned(),
            number => format!("{number} things could not be read"),
        };
        answer.findings.push(finding(
            Severity::Warning,
            CheckCode::Quarantine,
            "quarantine",
            what,
            "see `dmarcstat quarantine`",
        ));
    }
    let most = context.config.limits.database;
    if let Some(bytes) = check.bytes.filter(|&bytes| bytes > most) {
        let what = format!("it has {}, more than the limit `database` of {}", size(bytes), size(most));
        let remedy = "`dmarcstat prune --older-than AGE` makes it smaller; or raise the limit, which is only a warning";
        answer.findings.push(finding(Severity::Warning, CheckCode::DatabaseSize, "database", what, remedy));
    }
    answer.database = check;
    Ok(Some(store))
}

/// An account that is looked at.
struct Examined<'e> {
    config: &'e AccountConfig,
    store: Option<&'e Store>,
    context: &'e Context,
    check: &'e Check,
    answer: &'e mut CheckAnswer,
}

impl Examined<'_> {
    fn note(&mut self, severity: Severity, code: CheckCode, detail: impl Into<String>, remedy: impl Into<String>) {
        self.answer.findings.push(finding(severity, code, &self.config.name, detail, remedy));
    }

    fn examine(&mut self) {
        let config = self.config;
        let mut account = AccountCheck {
            name: config.name.clone(),
            host: config.host.clone(),
            port: config.port,
            user: config.user.clone(),
            auth: match &config.auth {
                Auth::Password(_) => "password",
                Auth::OAuth(Mechanism::XOAuth2, _) => "xoauth2",
                Auth::OAuth(Mechanism::OAuthBearer, _) => "oauthbearer",
            },
            ..AccountCheck::default()
        };
        self.answer.findings.extend(configured::account(config));
        if !self.check.offline {
            self.log_in(&mut account);
        }
        // After the login, which may have brought a new token.
        if let Auth::OAuth(_, oauth) = &config.auth {
            self.tokens(oauth, &mut account);
        }
        if let Err(error) = self.remembered(&mut account) {
            self.note(Severity::Error, CheckCode::Database, error.to_string(), "");
        }
        self.answer.accounts.push(account);
    }

    /// Logs in and looks for the folders.
    fn log_in(&mut self, check: &mut AccountCheck) {
        check.login = LoginCheck::Failed;
        let mut account = match accounts::open(&self.context.config, self.config) {
            Ok(account) => account,
            Err(error) => return self.note(Severity::Error, CheckCode::Account, format!("{error:#}"), ""),
        };
        let patience = Patience { answer: self.check.timeout, attempts: 1, ..Patience::default() };
        let mut session = match Session::log_in(&mut account, &patience) {
            Ok(session) => session,
            Err(failure) => return self.note(Severity::Error, CheckCode::Login, failure.to_string(), ""),
        };
        check.login = LoginCheck::Ok;
        match session.folders(&account.folders, &[]) {
            Ok((found, missing)) => {
                for error in missing {
                    self.note(Severity::Error, CheckCode::Folder, error.to_string(), "");
                }
                if let Err(error) = self.afterwards(&mut session, &account, &found) {
                    self.note(Severity::Error, CheckCode::After, error.to_string(), "");
                }
                for folder in found {
                    let position = session.position(&folder).ok();
                    check.folders.push(FolderCheck {
                        folder: folder.name,
                        uid_validity: position.map(|(validity, _)| validity),
                        uid_next: position.map(|(_, next)| next),
                        ..FolderCheck::default()
                    });
                }
            }
            Err(error) => self.note(Severity::Error, CheckCode::Folder, error.to_string(), ""),
        }
        session.log_out();
    }

    /// Whether what is to become of mail can be done with it, as far as the server tells. Folders are opened, and nothing is
    /// changed.
    fn afterwards(&mut self, session: &mut Session, account: &Account, folders: &[Folder]) -> Result<(), Error> {
        let fates = [&account.after, &account.after_quarantined, &account.after_other];
        for folder in folders {
            if let Some(error) = session.hindrance(folder, &fates)? {
                // What the server cannot do it can do in no folder.
                let everywhere = matches!(error, Error::CannotRemove);
                let what = if everywhere { error.to_string() } else { format!("folder {}: {error}", folder.name) };
                self.note(Severity::Error, CheckCode::After, what, "");
                if everywhere {
                    break;
                }
            }
        }
        let mut targets: Vec<&String> = Vec::new();
        for fate in fates {
            if let After::Move(name) = fate
                && !targets.contains(&name)
            {
                targets.push(name);
                if let Some(error) = session.hindrance_at_target(name)? {
                    self.note(Severity::Error, CheckCode::After, format!("folder {name}: {error}"), "");
                }
            }
        }
        Ok(())
    }

    /// What is known of tokens and of what they are got with. An account whose secrets cannot be read has been noted.
    fn tokens(&mut self, oauth: &OAuthConfig, check: &mut AccountCheck) {
        check.grant = Some(oauth.grant.as_str());
        check.client_secret_expires = oauth.client_secret_expires;
        if let Some(date) = oauth.client_secret_expires {
            let today = self.context.today();
            self.ends(
                "the client secret",
                days_until(today, date),
                "make a new one at the provider, put it in place, and set client_secret_expires",
            );
        }
        let Ok(tokens) = accounts::tokens(&self.context.config, self.config, oauth) else { return };
        if let Proof::Certificate(certificate) = &tokens.settings().proof {
            check.client_certificate_expires = certificate.not_after;
            if let Some(end) = certificate.not_after {
                let days = (end - self.context.now.as_second()).div_euclid(DAY);
                self.ends("the client certificate", days, "make a new one, and let the provider know it");
            }
        }
        self.kept(&tokens, check);
    }

    fn kept(&mut self, tokens: &Tokens, check: &mut AccountCheck) {
        match tokens.kept() {
            Ok(Some(kept)) => {
                check.access_token_expires = Some(kept.expires);
                check.logged_in = kept.logged_in;
            }
            Ok(None) if self.check.offline && tokens.settings().grant.needs_login() => {
                let remedy = format!("run `dmarcstat login {}`", self.config.name);
                self.note(Severity::Error, CheckCode::NotLoggedIn, "nobody has logged in yet", remedy);
            }
            Ok(None) => {}
            Err(error) => self.note(Severity::Warning, CheckCode::TokenStore, error.to_string(), ""),
        }
    }

    fn ends(&mut self, what: &str, days: i64, remedy: &str) {
        if days < 0 {
            self.note(Severity::Error, CheckCode::CredentialExpiry, format!("{what} has ended"), remedy);
        } else if days <= WARN_DAYS {
            let when = match days {
                0 => "today".to_owned(),
                1 => "tomorrow".to_owned(),
                days => format!("in {days} days"),
            };
            self.note(Severity::Warning, CheckCode::CredentialExpiry, format!("{what} ends {when}"), remedy);
        }
    }

    /// What earlier runs left in the database.
    fn remembered(&mut self, check: &mut AccountCheck) -> Result<(), StoreError> {
        let Some(store) = self.store else { return Ok(()) };
        let identity = identity(&self.config.user, &self.config.host, self.config.port);
        for position in store.mailbox_positions(&identity)? {
            let at = check.folders.iter().position(|folder| folder.folder == position.folder);
            let folder = match at {
                Some(at) => &mut check.folders[at],
                // Not configured any more, or no server was asked.
                None if check.login == LoginCheck::Ok => continue,
                None => {
                    check.folders.push(FolderCheck { folder: position.folder, ..FolderCheck::default() });
                    let last = check.folders.len() - 1;
                    &mut check.folders[last]
                }
            };
            let replaced = folder.uid_validity.is_some_and(|validity| validity != position.uid_validity);
            folder.last_uid = (!replaced).then_some(position.last_uid);
            folder.uid_validity.get_or_insert(position.uid_validity);
            folder.pending = position.pending;
            folder.opened = Some(position.opened);
        }
        if let Some(run) = store.account_run(&identity)? {
            check.last_run = Some(run.last_run);
            check.last_success = run.last_success;
            check.last_error = run.last_error;
        }
        let untidy = match (&check.last_error, check.last_run, check.last_success) {
            (Some((at, text)), Some(run), Some(success)) if *at == run && success == run => Some(text.clone()),
            _ => None,
        };
        if let Some(text) = untidy {
            let what = format!(
                "the last fetch read all mail, but could not do all that was to be done with it on the server: {text}"
            );
            self.note(Severity::Warning, CheckCode::FetchUntidy, what, "");
        }
        let failing = match (&check.last_error, check.last_success) {
            (Some((at, text)), success) if success.is_none_or(|success| success < *at) => Some(text.clone()),
            _ => None,
        };
        let silent =
            check.last_success.map(|at| (self.context.now.as_second() - at) / DAY).filter(|&days| days >= OVERDUE_DAYS);
        if let Some(text) = failing.filter(|_| check.login != LoginCheck::Failed) {
            // The text says what to do.
            self.note(Severity::Warning, CheckCode::FetchFailed, format!("the last fetch failed: {text}"), "");
        } else if let Some(days) = silent {
            let remedy = "see whether the timer or the line in crontab that runs `dmarcstat fetch` is there";
            self.note(
                Severity::Warning,
                CheckCode::FetchOverdue,
                format!("the last fetch that went well was {days} days ago"),
                remedy,
            );
        }
        Ok(())
    }
}

fn days_until(today: Date, end: Date) -> i64 {
    let second = |date: Date| date.to_zoned_datetime(TimeZone::UTC).map_or(0, |at| Timestamp::from(at).as_second());
    (second(end) - second(today)) / DAY
}
