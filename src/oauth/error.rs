//! Why there is no token, worded for the operator.

use std::time::Duration;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody has logged in yet, or the login is over.
    #[error("{why}; run `dmarcstat login {account}`")]
    LoginNeeded {
        /// Which account.
        account: String,
        /// What is missing.
        why: String,
    },
    /// The provider cannot be reached.
    #[error("cannot reach {host}: {reason}; check the network, and the URLs in [account.oauth2]")]
    Unreachable {
        /// The host asked.
        host: String,
        /// Why.
        reason: String,
    },
    /// The provider has no time now.
    #[error("{host} answered with HTTP status {status} and no token; try again later")]
    Busy {
        /// The host asked.
        host: String,
        /// The HTTP status.
        status: u16,
        /// When to ask again, where it said so.
        retry_after: Option<Duration>,
    },
    /// The provider answered with something else than tokens.
    #[error("{host} gave no token: {reason}; check the URLs in [account.oauth2]")]
    Answer {
        /// The host asked.
        host: String,
        /// What was wrong with the answer.
        reason: String,
    },
    /// The provider refuses, and says why (RFC 6749 §5.2).
    #[error("{host} refuses: {code}{}{description}; {advice}", if description.is_empty() { "" } else { ", " })]
    Refused {
        /// The host asked.
        host: String,
        /// The error code.
        code: String,
        /// What it says of it, one line.
        description: String,
        /// What to do.
        advice: String,
    },
    /// The file that keeps tokens cannot be read or written.
    #[error("cannot keep tokens in {path}: {reason}; check the rights, or set token_cache in [account.oauth2]")]
    Cache {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// A key or certificate to sign with cannot be used.
    #[error("{what} cannot be used: {reason}")]
    Key {
        /// Which.
        what: String,
        /// Why.
        reason: String,
    },
    /// Nobody finished the login in time.
    #[error("nobody finished the login within {minutes} minutes; run `dmarcstat login {account}` again")]
    LoginExpired {
        /// Which account.
        account: String,
        /// How long it was waited.
        minutes: u64,
    },
    /// The browser came back with a refusal, or not from where it was sent.
    #[error("the login did not succeed: {0}")]
    LoginFailed(String),
}

impl Error {
    /// How long to wait before the next attempt, where the provider said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::Busy { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the same may go well a little later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Error::Unreachable { .. } | Error::Busy { .. } => true,
            Error::Refused { code, .. } => {
                matches!(code.as_str(), "temporarily_unavailable" | "server_error" | "slow_down")
            }
            _ => false,
        }
    }
}
