//! An account on the command line, without any configuration.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::ValueEnum;
use oauth2::url::Url;

use super::failure::Failure;
use crate::config::secrets::SecretSource;
use crate::source::imap::account::{Account, After, Credentials, Tls};

/// An account in the form of a URL, and what a URL cannot say.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "An account without a configuration")]
pub(super) struct Address {
    /// The account: imaps://USER@HOST[:PORT]/FOLDER, or imap:// for STARTTLS. An @ in USER is written %40
    #[arg(long, value_name = "URL")]
    account_url: Option<String>,
    /// Take the password from the output of this command
    #[arg(long, value_name = "COMMAND", requires = "account_url", group = "password")]
    password_command: Option<String>,
    /// Take the password from this file
    #[arg(long, value_name = "FILE", requires = "account_url", group = "password")]
    password_file: Option<PathBuf>,
    /// Take the password from this environment variable
    #[arg(long, value_name = "NAME", requires = "account_url", group = "password")]
    password_env: Option<String>,
    /// How to protect the connection, in place of what the URL says
    #[arg(long, value_enum, requires = "account_url")]
    tls: Option<TlsWord>,
    /// Trust the certificates in this file too
    #[arg(long, value_name = "FILE", requires = "account_url")]
    ca_file: Option<PathBuf>,
    /// What to do with mail whose reports are stored: keep, seen, move:FOLDER, delete
    #[arg(long, value_name = "WHAT", requires = "account_url", default_value = "keep")]
    after: After,
    /// What to do with mail of which something was quarantined
    #[arg(long, value_name = "WHAT", requires = "account_url", default_value = "keep")]
    after_quarantined: After,
    /// What to do with mail that held no report
    #[arg(long, value_name = "WHAT", requires = "account_url", default_value = "keep")]
    after_other: After,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum TlsWord {
    /// TLS from the first byte
    Implicit,
    /// STARTTLS
    Starttls,
    /// No encryption; to this machine only
    None,
}

impl Address {
    /// The account, if one was named.
    pub(super) fn account(&self) -> Result<Option<Account>, Failure> {
        let Some(text) = &self.account_url else { return Ok(None) };
        let wrong =
            |reason: &str| Failure::Usage(format!("--account-url: {reason}; write it like imaps://USER@HOST/FOLDER"));
        let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
        let (tls, port) = match url.scheme() {
            "imaps" => (Tls::Implicit, 993),
            "imap" => (Tls::StartTls, 143),
            _ => return Err(wrong("it begins with neither imaps:// nor imap://")),
        };
        let tls = match self.tls {
            None => tls,
            Some(TlsWord::Implicit) => Tls::Implicit,
            Some(TlsWord::Starttls) => Tls::StartTls,
            Some(TlsWord::None) => Tls::None,
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("it names no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if url.password().is_some() {
            return Err(wrong("a password does not belong on the command line, where everybody sees it"));
        }
        let user = decoded(url.username()).filter(|user| !user.is_empty()).ok_or_else(|| wrong("it names no user"))?;
        let folder = decoded(url.path().trim_matches('/')).ok_or_else(|| wrong("the folder is not UTF-8"))?;
        Ok(Some(Account {
            name: format!("{}@{host}", url.username()),
            port: url.port().unwrap_or(port),
            host,
            tls,
            ca_file: self.ca_file.clone(),
            allow_plaintext: false,
            user,
            credentials: Credentials::Password(self.password()?),
            folders: vec![if folder.is_empty() { "INBOX".to_owned() } else { folder }],
            after: self.after.clone(),
            after_quarantined: self.after_quarantined.clone(),
            after_other: self.after_other.clone(),
            trusted_authserv_id: None,
        }))
    }

    fn password(&self) -> Result<secrecy::SecretString, Failure> {
        let (option, source) = match (&self.password_command, &self.password_file, &self.password_env) {
            (Some(command), _, _) => ("--password-command", SecretSource::Command(command.clone())),
            (_, Some(path), _) => ("--password-file", SecretSource::File(path.clone())),
            (_, _, Some(name)) => ("--password-env", SecretSource::Env(name.clone())),
            _ => {
                return Err(Failure::Usage(
                    "--account-url needs one of --password-command, --password-file, --password-env".to_owned(),
                ));
            }
        };
        source.read().map_err(|error| Failure::Failed(anyhow!("{option}: {error}")))
    }
}

/// What is written with `%` in a URL.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| byte == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        address: Address,
    }

    fn account(arguments: &[&str]) -> Result<Account, Failure> {
        let line = Line::parse_from(["x"].iter().chain(arguments));
        line.address.account().map(Option::unwrap)
    }

    #[test]
    fn urls() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "secret\n").unwrap();
        let file = file.path().to_str().unwrap();
        let url = ["--password-file", file, "--account-url"];
        let with = |rest: &'static str| account(&[url.as_slice(), &[rest]].concat());
        let found = with("imaps://dmarc%40example.com@MAIL.example/Reports/%C3%9C%20*").unwrap();
        assert_eq!((found.host.as_str(), found.port, found.tls), ("mail.example", 993, Tls::Implicit));
        assert_eq!((found.user.as_str(), found.folders[0].as_str()), ("dmarc@example.com", "Reports/Ü *"));
        let found = with("imap://u@[::1]:1143").unwrap();
        assert_eq!((found.host.as_str(), found.port, found.tls), ("::1", 1143, Tls::StartTls));
        assert_eq!(found.folders, ["INBOX"]);
        for wrong in ["pop3://u@h/", "imaps://h/", "imaps://u:p@h/", "imaps://u@/x", "nonsense", "imaps:u@h"] {
            assert!(matches!(with(wrong), Err(Failure::Usage(_))), "{wrong}");
        }
    }
}
