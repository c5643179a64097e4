//! DKIM keys in the DNS: where a selector's key is, what it is, and whether receivers can use it.

mod der;
mod found;
mod key;
mod microsoft;
mod review;

pub use der::{RsaKey, rsa_key};
pub use found::{DkimKey, KeyState};
pub use key::{DkimRecord, KeyType, key_name};
pub use microsoft::{AliasState, Microsoft365, MicrosoftAlias};
pub use review::{questions, review};
