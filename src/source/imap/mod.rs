//! Mail in the folders of IMAP accounts (RFC 3501, RFC 9051).

pub mod account;
