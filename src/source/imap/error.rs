//! What goes wrong between here and a mail server, and what the operator can do about it.

use std::time::Duration;

use crate::oauth;

/// What was being done when something went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Connecting, up to the server's greeting.
    Connect,
    /// Securing the connection.
    Secure,
    /// Logging in.
    LogIn,
    /// Finding the folders.
    ListFolders,
    /// Opening a folder.
    Open(String),
    /// Fetching mail from a folder.
    Fetch(String),
    /// Marking, moving or deleting mail of a folder that was read.
    Afterwards(String),
    /// Waiting for new mail.
    Wait,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Step::Connect => f.write_str("connecting"),
            Step::Secure => f.write_str("securing the connection"),
            Step::LogIn => f.write_str("logging in"),
            Step::ListFolders => f.write_str("finding the folders"),
            Step::Open(folder) => write!(f, "opening folder {folder}"),
            Step::Fetch(folder) => write!(f, "fetching from folder {folder}"),
            Step::Afterwards(folder) => write!(f, "marking or moving mail in folder {folder}"),
            Step::Wait => f.write_str("waiting for new mail"),
        }
    }
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server's name leads nowhere.
    #[error("cannot find {host}: {reason}; check `host` and the name server")]
    NoSuchHost {
        /// The name.
        host: String,
        /// Why.
        reason: String,
    },
    /// Nobody answers there.
    #[error(
        "cannot connect to {host} port {port}: {reason}; check `host` and `port`, and whether a firewall is in between"
    )]
    Unreachable {
        /// The name.
        host: String,
        /// The port.
        port: u16,
        /// Why.
        reason: String,
    },
    /// The `ca_file` is of no use.
    #[error("ca_file {path}: {reason}")]
    CaFile {
        /// Which.
        path: String,
        /// Why.
        reason: String,
    },
    /// TLS did not come about.
    #[error("no secure connection to {host}: {reason}")]
    Tls {
        /// The name.
        host: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The server has no STARTTLS, or somebody took it out.
    #[error(
        "the server offers no STARTTLS, or something on the way removes it; nothing was sent. Try tls = \"implicit\" with port 993"
    )]
    NoStartTls,
    /// Bytes came before the connection was secured.
    #[error(
        "the server, or something on the way, sent more before the connection was secured; none of it was used. If this happens again, tell the network's administrator"
    )]
    Injected,
    /// Plain text to another machine.
    #[error(
        "plain text to {host} would show the password and the mail to everybody on the way; use tls = \"implicit\" or \"starttls\", or say allow_plaintext = true"
    )]
    Plaintext {
        /// The name.
        host: String,
    },
    /// The server took us for somebody before we said who we are, over an open line.
    #[error(
        "the server greets as if we had logged in, over a connection that is not secured; refused. Use tls = \"implicit\""
    )]
    PreAuth,
    /// The server does not take who we say we are.
    #[error("{answer}: {advice}", answer = said("the server refused the login", text))]
    Login {
        /// What it said.
        text: String,
        /// What to do.
        advice: String,
    },
    /// The server offers no way to log in that the account can go.
    #[error("the server does not offer {wanted}; it offers {offered}. Set `auth` accordingly")]
    NoMechanism {
        /// What the account wants.
        wanted: &'static str,
        /// What there is.
        offered: String,
    },
    /// There is no access token.
    #[error(transparent)]
    Token(#[from] oauth::Error),
    /// There is no such folder.
    #[error("there is no folder {name}; there {are}. Set `folders` accordingly", are = listed(have))]
    NoSuchFolder {
        /// Which.
        name: String,
        /// Some that there are.
        have: Vec<String>,
    },
    /// The folder's name cannot be a name.
    #[error("{0:?} cannot be the name of a folder")]
    BadName(String),
    /// A command was refused.
    #[error("{}", said("the server refused", text))]
    Refused {
        /// The response code (RFC 3501 §7.1), in capitals, such as `TRYCREATE`; empty where there is none.
        code: String,
        /// What it said.
        text: String,
    },
    /// Other programs took mail out of the folder each time that some was to be moved.
    #[error("other programs keep taking mail out of the folder")]
    Contended,
    /// The folder that mail is moved to does not take it.
    #[error("folder {folder} does not accept the mail: {answer}; {advice}", answer = said("the server refused", text))]
    Target {
        /// The folder.
        folder: String,
        /// What the server said.
        text: String,
        /// What to do.
        advice: &'static str,
    },
    /// The folder takes no changes.
    #[error(
        "the folder is read-only for this user: mail in it cannot be marked, moved or deleted. Give the user the rights, or set after = \"keep\""
    )]
    ReadOnly,
    /// The user lacks rights in a folder.
    #[error(
        "the user has the rights \u{201c}{has}\u{201d} there and lacks {missing} (RFC 4314); give the user these, or set `after` to what the rights allow"
    )]
    Rights {
        /// The rights that are missing.
        missing: String,
        /// Those that there are.
        has: String,
    },
    /// There is no way to take single mails out of a folder.
    #[error(
        "the server has neither MOVE nor UIDPLUS, so that one mail cannot be taken out without all others that are marked as deleted; set after = \"seen\" or \"keep\""
    )]
    CannotRemove,
    /// The server hangs up.
    #[error("{}", said("the server hung up", text))]
    Bye {
        /// What it said.
        text: String,
    },
    /// The connection is gone.
    #[error("the connection broke: {0}")]
    Lost(String),
    /// The server says nothing any more.
    #[error("the server said nothing for {} seconds; a longer --timeout may help with a slow one", .0.as_secs())]
    Stalled(Duration),
    /// The server says nothing at all, as one does that waits for TLS.
    #[error(
        "the server sent no greeting within {} seconds; on port {port} it may wait for TLS: set tls = \"implicit\"", .waited.as_secs()
    )]
    NoGreeting {
        /// The port.
        port: u16,
        /// How long was waited.
        waited: Duration,
    },
    /// An answer is larger than any that makes sense.
    #[error("the server sent {what} of more than {limit} bytes, which no sound server does")]
    TooLong {
        /// What.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// A mail is larger than its limit, whatever the server said of its size.
    #[error("the server sent a mail of {size} bytes, which is over the limit")]
    LargeMail {
        /// Its size in bytes, as declared.
        size: u64,
        /// Its beginning.
        head: Vec<u8>,
    },
    /// The server does not stop sending what nobody asked for.
    #[error("the server sends without end what nobody asked for")]
    Flood,
    /// What the server sent is not IMAP.
    #[error("the server sent what is not IMAP ({0}); check `host`, `port` and `tls`")]
    Garbled(String),
    /// The folder was replaced by another of its name while it was read.
    #[error("the folder was replaced while it was read")]
    Replaced,
    /// We were told to stop.
    #[error("stopped")]
    Stopped,
}

fn said(what: &str, text: &str) -> String {
    let text = text.trim();
    if text.is_empty() { what.to_owned() } else { format!("{what} (\u{201c}{text}\u{201d})") }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "is none that we may see".to_owned() } else { format!("is {}", names.join(", ")) }
}

impl Error {
    /// Whether a command was refused because some of the mails that it names are gone (RFC 5530). What became of the others
    /// differs: Dovecot then does nothing at all.
    #[must_use]
    pub fn some_are_gone(&self) -> bool {
        matches!(self, Error::Refused { code, .. } if code == "EXPUNGEISSUED")
    }

    /// Whether its text says what to do. Of the others there is nothing to do but to try again.
    #[must_use]
    pub fn advises(&self) -> bool {
        !matches!(
            self,
            Error::Refused { .. }
                | Error::Contended
                | Error::Bye { .. }
                | Error::Lost(_)
                | Error::TooLong { .. }
                | Error::LargeMail { .. }
                | Error::Flood
                | Error::Replaced
                | Error::Stopped
        )
    }

    /// Whether the same may go well a little later, over a new connection.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Error::Bye { .. }
            | Error::Lost(_)
            | Error::Stalled(_)
            | Error::TooLong { .. }
            | Error::LargeMail { .. }
            | Error::Flood
            | Error::Garbled(_)
            | Error::Replaced
            | Error::NoSuchHost { .. }
            | Error::Unreachable { .. } => true,
            // Temporary by what they mean (RFC 5530). Servers that throttle say so in words.
            Error::Refused { code, text } => {
                matches!(code.as_str(), "UNAVAILABLE" | "INUSE" | "LIMIT" | "SERVERBUG" | "THROTTLED")
                    || is_throttle(text)
            }
            Error::Token(error) => error.is_passing(),
            _ => false,
        }
    }
}

/// Whether a refusal is for now and not for good, by how the large providers word it.
pub(super) fn is_throttle(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    [
        "throttl",
        "too many",
        "try again",
        "temporar",
        "rate limit",
        "bandwidth",
        "suspended",
        "server busy",
        "backend error",
    ]
    .iter()
    .any(|word| text.contains(word))
}

/// The result of everything here.
pub type Result<T> = std::result::Result<T, Error>;

impl Failure {
    /// The failure of moving or copying mail into a folder: a refusal is about that folder, and says what to do there.
    #[must_use]
    pub fn into_target(mut self, target: &str) -> Self {
        if self.error.is_passing() {
            return self;
        }
        if let Error::Refused { code, text } = &*self.error {
            let (folder, advice) = (target.to_owned(), advice_on_target(code, text));
            self.error = Box::new(Error::Target { folder, text: text.clone(), advice });
        }
        self
    }
}

/// What to do where a folder takes no mail, by the response code (RFC 5530) or the usual words.
fn advice_on_target(code: &str, text: &str) -> &'static str {
    let text = text.to_ascii_lowercase();
    match code {
        "OVERQUOTA" | "LIMIT" => "make room in the mailbox, or set after = \"delete\"",
        "NOPERM" => {
            "give the user the right to insert mail there (lookup, insert, write), or name another folder in `after`"
        }
        "TRYCREATE" | "NONEXISTENT" => "create the folder, or name another one in `after`",
        _ if text.contains("quota") => "make room in the mailbox, or set after = \"delete\"",
        _ if text.contains("permission") || text.contains("denied") || text.contains("not allowed") => {
            "give the user the right to insert mail there (lookup, insert, write), or name another folder in `after`"
        }
        _ => "name another folder in `after`, or set after = \"keep\"",
    }
}

/// An error with what was being done.
#[derive(Debug, thiserror::Error)]
#[error("{step}: {error}")]
pub struct Failure {
    /// What was being done.
    pub step: Step,
    /// What went wrong.
    pub error: Box<Error>,
}

impl Error {
    /// The error at a step.
    #[must_use]
    pub fn at(self, step: Step) -> Failure {
        Failure { step, error: Box::new(self) }
    }
}
