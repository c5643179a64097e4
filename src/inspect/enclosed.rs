//! A failure report (RFC 6591): what is inspected is the message that it encloses, by what the reporter says of it.

use std::net::IpAddr;

use super::answer::{FailureReport, HandOver, Inspection, Published};
use super::review::{NotAMessage, inspect_message};
use crate::container::{FailureParts, failure_parts};
use crate::domain;
use crate::mail::{HeaderFields, addresses};
use crate::report::shorten;

/// Fields of a feedback report that are looked at, and how much of a value is kept.
const FIELDS: usize = 100;
const KEPT: usize = 400;

/// Inspects a message as received, or, of a failure report, the message that it encloses. `trusted` are the authserv-ids of
/// one's own servers, `now` is used where the message does not say when it arrived (seconds since the epoch), `whole` says
/// that `message` is not cut. `published` tells the alignment that the domain of From publishes, where that is known.
///
/// # Errors
/// The bytes are not a message, or a failure report without one.
pub fn inspect(
    message: &[u8],
    whole: bool,
    trusted: &[String],
    now: i64,
    published: &dyn Fn(&str) -> Option<Published>,
) -> Result<Inspection, NotAMessage> {
    let Some(parts) = failure_parts(message) else {
        return inspect_message(message, whole, trusted, now, published);
    };
    let report = report(message, &parts);
    let Some(original) = &parts.original else {
        return Err(NotAMessage::NothingEnclosed);
    };
    let told = with_what_is_told(&parts.feedback, original);
    let whole = whole && !parts.headers_only;
    let mut answer = inspect_message(&told, whole, trusted, now, published)?;
    // One's own server never saw it: the word of the reporter's is all there is.
    if !trusted.is_empty() && answer.authserv.as_ref().is_none_or(|authserv| !authserv.trusted) {
        answer = inspect_message(&told, whole, &[], now, published)?;
    }
    if let Some(address) = report.source_ip.as_deref().and_then(address) {
        answer.handed_over_by = Some(HandOver { address, source: "Source-IP" });
    }
    answer.failure_report = Some(report);
    Ok(answer)
}

/// The address of `Source-IP`, after which some write the host.
fn address(text: &str) -> Option<IpAddr> {
    text.split([' ', '(']).next()?.trim_matches(['[', ']']).parse().ok()
}

fn report(mail: &[u8], parts: &FailureParts) -> FailureReport {
    let field = |name: &str| {
        let mut fields = HeaderFields::new(&parts.feedback).take(FIELDS);
        let value = fields.find(|field| field.is(name))?.value;
        let text = String::from_utf8_lossy(value);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Some(shorten(&text, KEPT).to_owned()).filter(|text| !text.is_empty())
    };
    let sender = HeaderFields::new(mail).take(FIELDS).find(|field| field.is("From")).and_then(|field| {
        let from = addresses(field.value).into_iter().next()?;
        domain::normalize(domain::of_mailbox(&from)).map(|name| name.into_owned())
    });
    let mta = field("Reporting-MTA").map(|mta| match mta.split_once(';') {
        Some((_, name)) => name.trim().to_owned(),
        None => mta,
    });
    FailureReport {
        reporter: mta.or(sender),
        feedback_type: field("Feedback-Type"),
        auth_failure: field("Auth-Failure"),
        identity_alignment: field("Identity-Alignment"),
        reported_domain: field("Reported-Domain"),
        source_ip: field("Source-IP"),
        arrival_date: field("Arrival-Date"),
        delivery_result: field("Delivery-Result"),
        headers_only: parts.headers_only,
    }
}

/// The message with what the reporter says of it on top, as its server would have written it there.
fn with_what_is_told(feedback: &[u8], original: &[u8]) -> Vec<u8> {
    let mut told = Vec::with_capacity(original.len() + 1024);
    let has = |name: &str| HeaderFields::new(original).any(|field| field.is(name));
    for field in HeaderFields::new(feedback).take(FIELDS) {
        let name = match () {
            () if field.is("Authentication-Results") => "Authentication-Results:",
            () if field.is("Original-Mail-From") && !has("Return-Path") => "Return-Path:",
            () => continue,
        };
        told.extend_from_slice(name.as_bytes());
        told.extend_from_slice(field.value.trim_ascii_end());
        told.extend_from_slice(b"\r\n");
    }
    told.extend_from_slice(original);
    told
}
