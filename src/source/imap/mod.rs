//! Mail in the folders of IMAP accounts (RFC 3501, RFC 9051).
//!
//! From the stream up: `stream` and `tls` connect, `wire` cuts answers out of the stream under limits, `response`
//! parses them, `session` runs commands. On these stand `auth`, `folders`, `fetch`, `mailbox_actions` and `idle`.
//!
//! The conversation is our own, and not the `imap` crate's: that one holds the whole answer to a command in memory before
//! it looks at it, without a bound; it panics on answers that a server may send (an untagged NO while a folder is
//! opened); and it knows neither NAMESPACE nor commands sent ahead, on which fetching without pauses rests.

pub mod account;
mod auth;
mod error;
mod fetch;
mod folders;
pub mod fuzzing;
mod idle;
mod mailbox_actions;
mod response;
mod rights;
mod session;
mod stream;
mod tls;
mod utf7;
mod wire;

pub use error::{Error, Failure, Result, Step};
pub use fetch::{Fetched, HEAD_OF_LARGE, Listed, Opened, in_commands};
pub use folders::Folder;
pub use mailbox_actions::{Fingerprint, Removal};
pub use session::Session;
pub use stream::Patience;
