//! Reading what lies on the disk for logins without a login: for fuzzing.

use secrecy::SecretString;

use super::cache::Kept;
use super::{ClientCertificate, ServiceAccount};
use crate::certificates;

/// Reads bytes as a file of tokens, as a certificate, and as the key files of a service account and of a client; says how
/// many of these they are.
#[must_use]
pub fn read(bytes: &[u8]) -> usize {
    let text = String::from_utf8_lossy(bytes);
    let secret = SecretString::from(text.as_ref());
    let found = [
        serde_json::from_slice::<Kept>(bytes).is_ok(),
        certificates::validity(bytes).is_some(),
        ServiceAccount::from_json(&secret, None, "fuzz").is_ok(),
        ClientCertificate::from_pem(&text, &secret, "fuzz").is_ok(),
    ];
    found.into_iter().filter(|found| *found).count()
}
