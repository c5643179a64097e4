//! Mail in the folders of IMAP accounts (RFC 3501, RFC 9051).

pub mod account;
mod auth;
mod error;
mod grammar;
mod session;
mod stream;
mod tls;
mod wire;

pub use error::{Error, Failure, Result, Step};
pub use session::Session;
pub use stream::Patience;
