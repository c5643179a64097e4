//! `[mail]`: who summaries are from and to, and what sends them.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::mistake::{Mistake, SecretRef};
use super::written::{Misplaced, NO_SECRETS_HERE, filled, host_name, is_loopback, secret};
use crate::source::imap::account::Tls;

/// The table as written.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Written {
    from: Option<Spanned<String>>,
    to: Option<Spanned<Vec<String>>>,
    sendmail: Option<PathBuf>,
    host: Option<Spanned<String>>,
    port: Option<Spanned<u16>>,
    tls: Option<Spanned<Tls>>,
    ca_file: Option<PathBuf>,
    user: Option<Spanned<String>>,
    password_command: Option<Spanned<String>>,
    password_file: Option<Spanned<String>>,
    password_env: Option<Spanned<String>>,
    /// Nothing of it is kept: it would be a secret.
    password: Option<Spanned<Misplaced>>,
}

/// `[mail]`, checked; the password is still where it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct MailConfig {
    /// Who it is from, where that is said.
    pub(crate) from: Option<String>,
    /// Who it is to, where nothing else is said.
    pub(crate) to: Vec<String>,
    /// What sends it.
    pub(crate) sender: Sender,
}

/// What sends mail.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sender {
    /// The machine's own, by its `sendmail`; the usual one where none is named.
    Sendmail(Option<PathBuf>),
    /// A server, by SMTP.
    Smtp(Box<SmtpConfig>),
}

impl Default for Sender {
    fn default() -> Self {
        Sender::Sendmail(None)
    }
}

/// A server that takes mail by SMTP.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SmtpConfig {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: Tls,
    pub(crate) ca_file: Option<PathBuf>,
    /// User and password, where it wants a login.
    pub(crate) login: Option<(String, SecretRef)>,
}

impl MailConfig {
    /// Takes relative paths to be from this folder, that of the configuration.
    pub(super) fn lie_in(&mut self, folder: &Path) {
        match &mut self.sender {
            Sender::Sendmail(Some(program)) => *program = folder.join(&program),
            Sender::Sendmail(None) => {}
            Sender::Smtp(smtp) => {
                smtp.ca_file = smtp.ca_file.take().map(|file| folder.join(file));
                if let Some((_, password)) = &mut smtp.login {
                    password.lie_in(folder);
                }
            }
        }
    }
}

/// Checks the table.
pub(super) fn check(written: &Written, text: &str) -> Result<MailConfig, Mistake> {
    if let Some(password) = &written.password {
        return Err(Mistake::new(password.span().start, "password", NO_SECRETS_HERE));
    }
    let from = written.from.as_ref().map(|from| mailbox(from, from.get_ref(), "from")).transpose()?;
    let to = match &written.to {
        Some(to) => to.get_ref().iter().map(|one| mailbox(to, one, "to")).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let sender = match (&written.host, &written.sendmail) {
        (Some(host), Some(_)) => {
            return Err(Mistake::new(host.span().start, "host", "`sendmail` already sends it; give only one of them"));
        }
        (Some(host), None) => Sender::Smtp(Box::new(smtp(written, host, text)?)),
        (None, program) => {
            let keys = [
                ("port", written.port.as_ref().map(Spanned::span)),
                ("tls", written.tls.as_ref().map(Spanned::span)),
                ("user", written.user.as_ref().map(Spanned::span)),
            ];
            if let Some((key, span)) = keys.into_iter().find_map(|(key, span)| Some((key, span?))) {
                return Err(Mistake::new(span.start, key, "is about a server: name it with `host`"));
            }
            Sender::Sendmail(program.clone())
        }
    };
    Ok(MailConfig { from, to, sender })
}

fn smtp(written: &Written, host: &Spanned<String>, text: &str) -> Result<SmtpConfig, Mistake> {
    let host = host_name(host)?;
    let tls = match &written.tls {
        None => Tls::StartTls,
        Some(word) if *word.get_ref() == Tls::None && !is_loopback(&host) => {
            let reason = "only a server on this machine may do without TLS; use \"starttls\" or \"implicit\"";
            return Err(Mistake::new(word.span().start, "tls", reason));
        }
        Some(word) => *word.get_ref(),
    };
    let password =
        secret(text, "password", [&written.password_command, &written.password_file, &written.password_env])?;
    let login = match (&written.user, password) {
        (Some(user), Some(password)) => Some((filled(user, "user")?, password)),
        (None, None) => None,
        (Some(user), None) => {
            let reason = "needs a password: say where it is with password_command, password_file or password_env";
            return Err(Mistake::new(user.span().start, "user", reason));
        }
        (None, Some(password)) => {
            let at = text.lines().take(password.place.line - 1).map(|line| line.len() + 1).sum();
            return Err(Mistake::new(at, &password.place.key, "is a password without a user: set `user` too"));
        }
    };
    let usual = match tls {
        Tls::Implicit => 465,
        Tls::StartTls => 587,
        Tls::None => 25,
    };
    let port = written.port.as_ref().map_or(usual, |port| *port.get_ref());
    Ok(SmtpConfig { host, port, tls, ca_file: written.ca_file.clone(), login })
}

/// An address of mail, with or without a name before it.
pub(super) fn mailbox<T>(place: &Spanned<T>, text: &str, key: &str) -> Result<String, Mistake> {
    match text.parse::<lettre::message::Mailbox>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => {
            Err(Mistake::new(place.span().start, key, format!("{text:?} is not an address such as name@example.com")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn the_machine_sends_unless_a_server_is_named() {
        let mail = |text: &str| Config::parse(&format!("[mail]\n{text}")).map(|config| config.mail);
        assert_eq!(mail("").unwrap(), MailConfig::default());
        let config =
            mail("from = \"DMARC <a@example.com>\"\nto = [\"b@example.com\"]\nsendmail = \"/opt/sendmail\"").unwrap();
        assert_eq!(config.sender, Sender::Sendmail(Some(PathBuf::from("/opt/sendmail"))));
        assert_eq!(config.to, ["b@example.com"]);
        let Sender::Smtp(smtp) = mail("host = \"mail.example.com\"").unwrap().sender else { panic!("no server") };
        assert_eq!((smtp.port, smtp.tls, smtp.login), (587, Tls::StartTls, None));
    }

    #[test]
    fn mistakes_name_line_and_key() {
        for (text, parts) in [
            ("from = \"nobody\"", ["line 2", "`from`"]),
            ("to = [\"a@example.com\", \"b\"]", ["line 2", "`to`"]),
            ("password = \"x\"", ["line 2", "`password`"]),
            ("port = 25", ["line 2", "`host`"]),
            ("host = \"mail.example.com\"\ntls = \"none\"", ["line 3", "`tls`"]),
            ("host = \"mail.example.com\"\nuser = \"a\"", ["line 3", "`user`"]),
            ("host = \"mail.example.com\"\npassword_env = \"A\"", ["line 3", "`password_env`"]),
            ("host = \"mail.example.com\"\nsendmail = \"/x\"", ["line 2", "`host`"]),
        ] {
            let error = Config::parse(&format!("[mail]\n{text}\n")).unwrap_err();
            assert!(parts.iter().all(|part| error.contains(part)) && !error.contains('\n'), "{error}");
        }
    }
}
