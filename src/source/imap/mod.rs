//! Mail in the folders of IMAP accounts (RFC 3501, RFC 9051).
//!
//! From the stream up: `stream` and `tls` connect, `wire` cuts answers out of the stream under limits, `grammar`
//! understands them, `session` runs commands. On these stand `auth`, `folders`, `fetch`, `after` and `watch`.
//!
//! The conversation is our own, and not the `imap` crate's: that one holds the whole answer to a command in memory before
//! it looks at it, without a bound; it panics on answers that a server may send (an untagged NO while a folder is
//! opened); and it knows neither NAMESPACE nor commands sent ahead, on which fetching without pauses rests.

pub mod account;
mod after;
mod auth;
mod error;
mod fetch;
mod folders;
mod grammar;
mod name;
pub mod probe;
mod rights;
mod session;
mod stream;
mod tls;
mod watch;
mod wire;

pub use after::{Fingerprint, Removal};
pub use error::{Error, Failure, Result, Step};
pub use fetch::{Fetched, HEAD_OF_LARGE, Listed, Opened, in_commands};
pub use folders::Folder;
pub use session::Session;
pub use stream::Patience;
