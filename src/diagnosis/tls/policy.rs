//! What a policy asks of who sends.

use crate::query::TlsPolicyFigures;
use crate::tls::PolicyType;

/// `mode` in the lines of an MTA-STS policy (RFC 8461 §3.2).
pub(super) fn mode(policy: &TlsPolicyFigures) -> Option<String> {
    if policy.policy_type.as_deref() != Some(PolicyType::Sts.as_str()) {
        return None;
    }
    let line = policy.policy_string.iter().find_map(|line| line.trim().strip_prefix("mode:"))?;
    Some(line.trim().to_ascii_lowercase()).filter(|mode| !mode.is_empty())
}

/// Whether mail is not delivered where TLS fails under a policy.
pub(super) fn is_enforced(policy: &TlsPolicyFigures) -> bool {
    match policy.policy_type.as_deref().and_then(PolicyType::parse) {
        Some(PolicyType::Tlsa) => true,
        Some(PolicyType::Sts) => mode(policy).as_deref() == Some("enforce"),
        _ => false,
    }
}
