//! DKIM keys in the DNS: where a selector's key is, what it is, and whether receivers can use it.

mod der;
mod key;
mod microsoft;
mod review;

pub use der::rsa_bits;
pub use key::{DkimRecord, KeyType};
pub use microsoft::{AliasState, Microsoft365, MicrosoftAlias};
pub use review::{DkimKey, KeyState, questions, review};

/// The name of a selector's key (RFC 6376 §3.6.2.1).
#[must_use]
pub fn key_name(selector: &str, domain: &str) -> String {
    format!("{selector}._domainkey.{domain}")
}
