//! Mail in the folders of IMAP accounts (RFC 3501, RFC 9051).

pub mod account;
mod after;
mod auth;
mod error;
mod fetch;
mod folders;
mod grammar;
mod name;
pub mod probe;
mod session;
mod stream;
mod tls;
mod watch;
mod wire;

pub use after::{Fingerprint, Removal};
pub use error::{Error, Failure, Result, Step};
pub use fetch::{Fetched, HEAD_OF_LARGE, Listed, Opened};
pub use folders::Folder;
pub use session::Session;
pub use stream::Patience;
