//! Signatures that did not verify: why, by the server's word, and what to do about it.

use super::answer::SignatureReview;
use super::code::{Finding, MessageCode};
use crate::alignment::ReasonCode;
use crate::dns::dkim::key_name;
use crate::finding::Severity;

/// Whether a text beside `none` says that there was a signature whose key record could not be used.
pub(super) fn is_invalid_record(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["invalid dkim record", "invalid record", "invalid key"].iter().any(|phrase| text.contains(phrase))
}

/// Whether a server found that a signature does not verify.
pub(super) fn is_broken(signature: &SignatureReview) -> bool {
    match signature.result.as_deref() {
        None | Some("pass" | "") => false,
        Some("none") => signature.result_detail.as_deref().is_some_and(is_invalid_record),
        Some(_) => true,
    }
}

/// What to say of a signature that did not verify. It fails for nobody but its own domain, so one that does not align is no
/// error.
pub(super) fn finding(signature: &SignatureReview, counts: bool) -> Option<Finding> {
    if !is_broken(signature) {
        return None;
    }
    let text = signature.result_detail.as_deref().unwrap_or_default();
    let (domain, selector) = (signature.domain.as_deref()?, signature.selector.as_deref().unwrap_or("SELECTOR"));
    let name = key_name(selector, domain);
    let look = format!("`dmarcstat dns {domain} --selector {selector}` shows what is there");
    let (code, detail, remedy) = match ReasonCode::read(text) {
        Some(ReasonCode::BodyHash) => (
            MessageCode::BodyChanged,
            "the body was changed after it was signed".to_owned(),
            "sign last: after whatever adds a footer or disclaimer, scans links or converts the text".to_owned(),
        ),
        Some(ReasonCode::NoKey) => (
            MessageCode::KeyMissing,
            format!("the server found no key at {name}"),
            format!("publish the key of the signer there; {look}"),
        ),
        Some(ReasonCode::KeyRevoked) => (
            MessageCode::KeyRevoked,
            format!("the key at {name} is revoked"),
            "let the signer use the selector of the key that is published".to_owned(),
        ),
        Some(ReasonCode::DnsTimeout) => (
            MessageCode::KeyUnreachable,
            format!("the server could not fetch the key at {name}"),
            format!("see whether the name servers of {domain} answer; {look}"),
        ),
        Some(ReasonCode::KeySyntax | ReasonCode::UnsupportedAlgorithm) => (
            MessageCode::KeyUnusable,
            format!("the server cannot use the key at {name}"),
            format!("publish it anew; {look}"),
        ),
        _ if is_invalid_record(text) => (
            MessageCode::KeyUnusable,
            format!("the server finds no key that it can use at {name}"),
            format!("publish the key of the signer there; {look}"),
        ),
        Some(ReasonCode::SignatureMismatch) => (
            MessageCode::SignatureWrong,
            "the signature does not fit: a header field was changed after it was signed, or the published key is not the signer's"
                .to_owned(),
            format!("compare the published key with the signer's; {look}"),
        ),
        // What has expired was said where its times are read.
        Some(ReasonCode::Expired) => return None,
        _ => (
            MessageCode::NotVerified,
            "the server does not say why it did not verify".to_owned(),
            format!("see whether the key is there, and whether something changes the mail after it is signed; {look}"),
        ),
    };
    let severity = if counts { Severity::Error } else { Severity::Advice };
    Some(Finding::new(severity, code, "DKIM-Signature", detail).with_remedy(remedy))
}
