//! An IMAP account as it is configured: where it is, how to log in, which folders, and what becomes of mail that was read.

use std::fmt;
use std::path::PathBuf;

use secrecy::SecretString;
use serde::Deserialize;

use crate::oauth::TokenSource;

/// An account and everything needed to read its report mail.
#[derive(Debug)]
pub struct Account {
    /// What the operator calls it.
    pub name: String,
    /// The server's name or address. Its certificate has to carry it.
    pub host: String,
    /// The server's port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: Tls,
    /// Certificates in PEM form to trust besides those of the system.
    pub ca_file: Option<PathBuf>,
    /// The operator said in words that plain text is acceptable to a host that is not this machine.
    pub allow_plaintext: bool,
    /// Who logs in.
    pub user: String,
    /// With what.
    pub credentials: Credentials,
    /// Names and patterns of folders, with `/` between levels whatever the server uses.
    pub folders: Vec<String>,
    /// What becomes of mail whose reports are stored.
    pub after: After,
    /// What becomes of mail of which something was quarantined.
    pub after_quarantined: After,
    /// What becomes of mail that held no report.
    pub after_other: After,
    /// Whose `Authentication-Results` on the mail are believed (RFC 8601 §5).
    pub trusted_authserv_id: Option<String>,
}

/// How a connection is protected; the configuration has it as one word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// TLS from the first byte (RFC 8314), mostly on port 993.
    #[default]
    Implicit,
    /// TLS on request (RFC 3501 §6.2.1), mostly on port 143.
    StartTls,
    /// None; refused unless the server is this machine or it was allowed in words.
    None,
}

/// With what to log in.
pub enum Credentials {
    /// A password.
    Password(SecretString),
    /// An access token.
    OAuth {
        /// How the token is handed over.
        mechanism: Mechanism,
        /// Where tokens come from.
        tokens: Box<dyn TokenSource>,
    },
}

/// How an access token is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// Google's and Microsoft's own.
    XOAuth2,
    /// RFC 7628.
    OAuthBearer,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Credentials::Password(_) => f.write_str("Password"),
            Credentials::OAuth { mechanism, .. } => write!(f, "{mechanism:?}"),
        }
    }
}

/// What becomes of a mail once all that was in it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum After {
    /// Nothing: it stays as it is, unread if it was unread.
    #[default]
    Keep,
    /// It is marked as read.
    Seen,
    /// It is moved to this folder, which is made if it is missing.
    Move(String),
    /// It is deleted.
    Delete,
}

impl std::str::FromStr for After {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "keep" => Ok(After::Keep),
            "seen" => Ok(After::Seen),
            "delete" => Ok(After::Delete),
            _ => match text.strip_prefix("move:").map(str::trim) {
                Some(folder) if !folder.is_empty() => Ok(After::Move(folder.to_owned())),
                _ => Err(format!("`{text}` is not one of keep, seen, move:FOLDER, delete")),
            },
        }
    }
}

impl Account {
    /// Who reads which server: what the state of folders is remembered by. The two usual ports lead to the same mail.
    #[must_use]
    pub fn identity(&self) -> String {
        identity(&self.user, &self.host, self.port)
    }

    /// What becomes of a mail with this outcome.
    #[must_use]
    pub fn fate(&self, outcome: crate::source::MailOutcome) -> &After {
        match outcome {
            crate::source::MailOutcome::Report => &self.after,
            crate::source::MailOutcome::Other => &self.after_other,
            crate::source::MailOutcome::Quarantined => &self.after_quarantined,
        }
    }

    /// Whether mail is left as it is, whatever is in it.
    #[must_use]
    pub fn keeps_all(&self) -> bool {
        [&self.after, &self.after_quarantined, &self.after_other].iter().all(|after| **after == After::Keep)
    }
}

/// See [`Account::identity`].
#[must_use]
pub fn identity(user: &str, host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    match port {
        143 | 993 => format!("{user}@{host}"),
        port => format!("{user}@{host}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_of_mail_in_words() {
        assert_eq!("move:Reports/Done".parse(), Ok(After::Move("Reports/Done".to_owned())));
        assert_eq!(["keep", "seen", "delete"].map(str::parse), [Ok(After::Keep), Ok(After::Seen), Ok(After::Delete)]);
        for wrong in ["", "move:", "move", "Keep", "archive"] {
            assert!(wrong.parse::<After>().unwrap_err().contains("move:FOLDER"), "{wrong}");
        }
    }

    #[test]
    fn credentials_do_not_show() {
        let credentials = Credentials::Password("hunter2".into());
        assert_eq!(format!("{credentials:?}"), "Password");
    }
}
