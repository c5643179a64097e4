//! `[[account]]`: a mailbox that report mail comes to.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::mistake::{Mistake, SecretRef};
use super::oauth2::{OAuthConfig, WrittenOAuth};
use super::preset::Preset;
use super::written::{Misplaced, NO_SECRETS_HERE, filled, host_name, is_loopback, secret};
use crate::source::imap::account::{After, Mechanism, Tls};

/// A table as written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    name: Spanned<String>,
    provider: Option<Preset>,
    host: Option<Spanned<String>>,
    port: Option<u16>,
    tls: Option<Spanned<Tls>>,
    ca_file: Option<PathBuf>,
    #[serde(default)]
    allow_plaintext: bool,
    user: Option<Spanned<String>>,
    auth: Option<Spanned<AuthWord>>,
    password_command: Option<Spanned<String>>,
    password_file: Option<Spanned<String>>,
    password_env: Option<Spanned<String>>,
    folders: Option<Spanned<Vec<String>>>,
    after: Option<Spanned<String>>,
    after_quarantined: Option<Spanned<String>>,
    after_other: Option<Spanned<String>>,
    trusted_authserv_id: Option<Spanned<String>>,
    oauth2: Option<Spanned<WrittenOAuth>>,
    /// Nothing of it is kept: it would be a secret.
    password: Option<Spanned<Misplaced>>,
}

/// How to log in, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AuthWord {
    Password,
    XOAuth2,
    OAuthBearer,
}

/// How to log in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Auth {
    /// With a password.
    Password(SecretRef),
    /// With an access token.
    OAuth(Mechanism, Box<OAuthConfig>),
}

/// An account, checked; secrets are still where they are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AccountConfig {
    pub(crate) name: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: Tls,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) allow_plaintext: bool,
    pub(crate) user: String,
    pub(crate) auth: Auth,
    pub(crate) folders: Vec<String>,
    pub(crate) after: After,
    pub(crate) after_quarantined: After,
    pub(crate) after_other: After,
    pub(crate) trusted_authserv_id: Option<String>,
}

impl AccountConfig {
    /// Takes relative paths to be from this folder, that of the configuration.
    pub(super) fn lie_in(&mut self, folder: &Path) {
        if let Some(file) = &mut self.ca_file {
            *file = folder.join(&file);
        }
        match &mut self.auth {
            Auth::Password(secret) => secret.lie_in(folder),
            Auth::OAuth(_, oauth) => oauth.lie_in(folder),
        }
    }
}

/// Checks all accounts of a file.
pub(super) fn check(written: &[Spanned<Written>], text: &str) -> Result<Vec<AccountConfig>, Mistake> {
    let mut accounts: Vec<AccountConfig> = Vec::with_capacity(written.len());
    for table in written {
        let account = Checking { at: table.span().start, text, written: table.get_ref() }.account()?;
        if accounts.iter().any(|other| other.name == account.name) {
            let at = table.get_ref().name.span().start;
            return Err(Mistake::new(at, "name", format!("another account has the name {:?} too", account.name)));
        }
        accounts.push(account);
    }
    Ok(accounts)
}

struct Checking<'c> {
    at: usize,
    text: &'c str,
    written: &'c Written,
}

impl Checking<'_> {
    fn account(&self) -> Result<AccountConfig, Mistake> {
        let written = self.written;
        let name = written.name.get_ref().clone();
        if name.is_empty() || name.len() > 64 || name.contains(|c: char| c.is_control() || c == '/') {
            let reason = "wants 1 to 64 characters, none of them a slash or a control character";
            return Err(Mistake::new(written.name.span().start, "name", reason));
        }
        if let Some(password) = &written.password {
            return Err(Mistake::new(password.span().start, "password", NO_SECRETS_HERE));
        }
        let host = match (&written.host, written.provider) {
            (Some(host), _) => host_name(host)?,
            (None, Some(preset)) => preset.host().to_owned(),
            (None, None) => return Err(self.missing("host", "names the server, or `provider` one whose is known")),
        };
        let user = match &written.user {
            Some(user) => filled(user, "user")?,
            None => return Err(self.missing("user", "names who logs in")),
        };
        let tls = self.tls(&host)?;
        Ok(AccountConfig {
            port: written.port.unwrap_or(if tls == Tls::Implicit { 993 } else { 143 }),
            auth: self.auth(&user)?,
            name,
            host,
            tls,
            ca_file: written.ca_file.clone(),
            allow_plaintext: written.allow_plaintext,
            user,
            folders: self.folders()?,
            after: after(written.after.as_ref(), "after")?,
            after_quarantined: after(written.after_quarantined.as_ref(), "after_quarantined")?,
            after_other: after(written.after_other.as_ref(), "after_other")?,
            trusted_authserv_id: match &written.trusted_authserv_id {
                Some(id) => Some(filled(id, "trusted_authserv_id")?),
                None => None,
            },
        })
    }

    fn missing(&self, key: &str, what: &str) -> Mistake {
        let name = self.written.name.get_ref();
        Mistake::new(self.at, key, format!("is missing in the account {name:?}: it {what}"))
    }

    fn tls(&self, host: &str) -> Result<Tls, Mistake> {
        let Some(tls) = &self.written.tls else { return Ok(Tls::default()) };
        if *tls.get_ref() == Tls::None && !is_loopback(host) && !self.written.allow_plaintext {
            let reason = "without TLS everybody on the way can read the password and the mail; use \"implicit\" or \
                          \"starttls\", or say allow_plaintext = true";
            return Err(Mistake::new(tls.span().start, "tls", reason));
        }
        Ok(*tls.get_ref())
    }

    fn folders(&self) -> Result<Vec<String>, Mistake> {
        let Some(folders) = &self.written.folders else { return Ok(vec!["INBOX".to_owned()]) };
        if folders.get_ref().is_empty() || folders.get_ref().iter().any(String::is_empty) {
            return Err(Mistake::new(folders.span().start, "folders", "names no folder"));
        }
        Ok(folders.get_ref().clone())
    }

    fn auth(&self, user: &str) -> Result<Auth, Mistake> {
        let written = self.written;
        let password =
            secret(self.text, "password", [&written.password_command, &written.password_file, &written.password_env])?;
        let word = match &written.auth {
            Some(auth) => *auth.get_ref(),
            None if written.oauth2.is_some() => AuthWord::XOAuth2,
            None => AuthWord::Password,
        };
        let mechanism = match word {
            AuthWord::Password => {
                if let Some(password) = password {
                    return Ok(Auth::Password(password));
                }
                return Err(match written.provider {
                    Some(Preset::Microsoft365) => {
                        self.missing("oauth2", "is the table with the ids; Microsoft 365 takes no password over IMAP")
                    }
                    _ => self
                        .missing("password_command", "says where the password is, as do password_file, password_env"),
                });
            }
            AuthWord::XOAuth2 => Mechanism::XOAuth2,
            AuthWord::OAuthBearer => Mechanism::OAuthBearer,
        };
        let Some(oauth2) = &written.oauth2 else {
            return Err(self.missing("oauth2", "is the table that says where access tokens come from"));
        };
        if let Some(password) = password {
            let at = written.auth.as_ref().map_or(self.at, |auth| auth.span().start);
            let reason = "an account has a password or [account.oauth2], not both";
            return Err(Mistake::new(at, &password.place.key, reason));
        }
        let config = oauth2.get_ref().check(oauth2.span().start, self.text, written.provider, user)?;
        Ok(Auth::OAuth(mechanism, Box::new(config)))
    }
}

fn after(written: Option<&Spanned<String>>, key: &str) -> Result<After, Mistake> {
    let Some(written) = written else { return Ok(After::default()) };
    written.get_ref().parse().map_err(|reason: String| Mistake::new(written.span().start, key, reason))
}

#[cfg(test)]
mod tests;
