//! From the bytes of a message to the answer.

use std::net::IpAddr;

use super::answer::{HandOver, Inspection, Place, Published, SignatureReview, SpfReview};
use super::arc;
use super::broken;
use super::findings::{differs, message_findings};
use super::header::{Header, read_header};
use super::results::{self, Results, mailbox_domain, received_spf};
use super::signature::{self, Signature, Surroundings};
use crate::alignment::{AlignmentMode, AuthResult, DkimState, Outcome, Reading, SpfCheck, Verdict};
use crate::domain::{self, Author};
use crate::mail::{HeaderFields, looks_like_message};
use crate::report::period::rfc3339;

/// Signatures looked at in a message.
const MOST_SIGNATURES: usize = 64;

/// The bytes are not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAMessage {
    /// No byte at all.
    #[error("it is empty")]
    Empty,
    /// Outlook's own format.
    #[error(
        "it is a file of Outlook's own format (.msg); save the message as its source (.eml): in Outlook on the web, ⋯ › Save as"
    )]
    OutlookFile,
    /// A failure report without the message that it is about.
    #[error("it is a failure report that encloses no message, so there is nothing to inspect")]
    NothingEnclosed,
    /// Anything else.
    #[error("not a mail message: it does not begin with header fields; save the message as its source (.eml)")]
    NoHeader,
}

/// Inspects one message, see [`inspect`](super::inspect).
pub(super) fn inspect_message(
    message: &[u8],
    whole: bool,
    trusted: &[String],
    now: i64,
    published: &dyn Fn(&str) -> Option<Published>,
) -> Result<Inspection, NotAMessage> {
    if message.trim_ascii().is_empty() {
        return Err(NotAMessage::Empty);
    }
    if message.starts_with(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]) {
        return Err(NotAMessage::OutlookFile);
    }
    let message = message.strip_prefix(b"\xef\xbb\xbf").unwrap_or(message);
    // An mbox puts a line of its own before the header.
    let message = match message.strip_prefix(b"From ") {
        Some(rest) => memchr::memchr(b'\n', rest).map_or(rest, |end| &rest[end + 1..]),
        None => message,
    };
    if !looks_like_message(message, false) {
        return Err(NotAMessage::NoHeader);
    }
    let header = read_header(message);
    let mut domains: Vec<String> = header
        .from_addresses
        .iter()
        .filter_map(|address| address.rsplit_once('@').and_then(|(_, name)| domain::normalize(name)).map(String::from))
        .collect();
    domains.sort_unstable();
    domains.dedup();
    let from_domain = match &domains[..] {
        [only] if header.from_fields == 1 => Some(only.clone()),
        _ => None,
    };
    let from = from_domain.as_deref().map(Author::new);
    let arrived = header.hops.first().and_then(|hop| hop.time);
    let body = {
        let mut fields = HeaderFields::new(message);
        fields.by_ref().for_each(drop);
        whole.then_some(fields.body().len() as u64)
    };
    let around =
        Surroundings { from, fields: &header.names, time: arrived.unwrap_or(now), arrived: arrived.is_some(), body };
    let mut signatures: Vec<Signature> = HeaderFields::new(message)
        .filter(|field| field.is("DKIM-Signature"))
        .take(MOST_SIGNATURES)
        .map(|field| signature::read(field.value, &around))
        .collect();
    let results = Results::read(message, trusted);
    results.judge(&mut signatures, from.as_ref());
    let mut signatures: Vec<SignatureReview> = signatures.into_iter().map(|one| one.review).collect();
    let published = from_domain.as_deref().and_then(published);
    let mode = published.map_or_else(AlignmentMode::default, |published| AlignmentMode {
        dkim_strict: published.dkim_strict,
        spf_strict: published.spf_strict,
    });
    for signature in &mut signatures {
        let found = broken::finding(signature, signature.aligned.counts(mode.dkim_strict));
        signature.findings.extend(found);
        signature.findings.sort_by_key(|finding| finding.severity);
    }
    let (told, told_address) = header.received_spf.map_or((None, None), |value| received_spf(value, from.as_ref()));
    let spf = results.spf(from.as_ref());
    let spf = spf.or_else(|| spf_without_results(&header, told, !trusted.is_empty(), from.as_ref()));
    let verdict = judge(from_domain.as_deref(), mode, &header, &results, &signatures, spf.as_ref());
    let (arc, arc_findings) = arc::sets(message);
    let mut findings =
        message_findings(&header, &domains, mode, &signatures, spf.as_ref(), &results, &verdict, trusted);
    findings.extend(differs(&results, &verdict, mode, &signatures, spf.as_ref(), !arc.is_empty()));
    findings.extend(arc_findings);
    findings.sort_by_key(|finding| finding.severity);
    let dmarc = results.of("dmarc").next().map(|one| one.result.clone());
    Ok(Inspection {
        schema: "dmarcstat/inspect/2",
        handed_over_by: handed_over_by(&header, &results, told_address),
        received: arrived.map(rfc3339),
        results: results.shown(),
        published,
        dmarc,
        authserv: results.authserv,
        from: from_domain,
        from_addresses: header.from_addresses,
        reverse_path: header.reverse_path,
        signatures,
        spf,
        arc,
        dkim_state: verdict.dkim.as_str(),
        spf_state: verdict.spf.as_str(),
        dmarc_pass: verdict.dmarc,
        verified_here: false,
        failure_report: None,
        place: Place::default(),
        findings,
    })
}

/// SPF where the results say nothing of it: by `Received-SPF`, unless a server that is to be believed was named, or the
/// identity alone.
fn spf_without_results(
    header: &Header<'_>,
    told: Option<SpfReview>,
    trusted: bool,
    from: Option<&Author<'_>>,
) -> Option<SpfReview> {
    if told.is_some() && !trusted {
        return told;
    }
    let name = header.reverse_path.as_deref().map(mailbox_domain).and_then(domain::normalize)?;
    Some(SpfReview {
        aligned: from.map_or(super::Aligned::No, |from| super::Aligned::of(&name, from)),
        domain: Some(name.into_owned()),
        scope: "mfrom",
        result: None,
        source: "Return-Path",
    })
}

/// Who handed the message over: by the server's results, by `Received-SPF`, or by the first hand-over from a public
/// address as the message tells it from the top.
fn handed_over_by(header: &Header<'_>, results: &Results, told: Option<IpAddr>) -> Option<HandOver> {
    if let Some(address) = results.client() {
        return Some(HandOver { address, source: "Authentication-Results" });
    }
    if let Some(address) = told {
        return Some(HandOver { address, source: "Received-SPF" });
    }
    let address = header.hops.iter().filter_map(|hop| hop.address).find(|&address| is_public(address))?;
    Some(HandOver { address, source: "Received" })
}

/// Whether an address may be one of another network's; documentation ranges count, they stand in examples.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let shared = v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
            !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() || shared)
        }
        IpAddr::V6(v6) => {
            let local = v6.segments()[0] & 0xfe00 == 0xfc00 || v6.segments()[0] & 0xffc0 == 0xfe80;
            !(v6.is_loopback() || v6.is_unspecified() || local)
        }
    }
}

/// The states, by the rules that records of reports are judged by.
fn judge(
    from: Option<&str>,
    mode: AlignmentMode,
    header: &Header<'_>,
    results: &Results,
    signatures: &[SignatureReview],
    spf: Option<&SpfReview>,
) -> Verdict {
    let word = |reading| match reading {
        Reading::Known(result) | Reading::Alias(result) => result,
        Reading::Unknown => AuthResult::Unknown,
    };
    let mut outcome = Outcome {
        mode,
        header_from: from.map(str::to_owned),
        envelope_from: header.reverse_path.as_deref().map(|path| mailbox_domain(path).to_owned()),
        envelope_to: None,
        disposition: None,
        disposition_word: None,
        evaluated_dkim: None,
        evaluated_spf: None,
        reasons: Vec::new(),
        dkim: signatures
            .iter()
            .map(|one| crate::alignment::Signature {
                domain: one.domain.clone(),
                selector: one.selector.clone(),
                result: match one.result.as_deref() {
                    // Whatever the server calls it, it did not verify.
                    Some("none") if broken::is_broken(one) => AuthResult::PermError,
                    result => result.map_or(AuthResult::Unknown, |text| word(AuthResult::read_dkim(text))),
                },
                word: None,
                human: None,
            })
            .collect(),
        spf: spf
            .iter()
            .map(|one| SpfCheck {
                domain: one.domain.clone(),
                scope: Some(results::scope(one)),
                result: one.result.as_deref().map_or(AuthResult::Unknown, |text| word(AuthResult::read_spf(text))),
                word: None,
                human: None,
            })
            .collect(),
        verdict: Verdict::default(),
    };
    let mut verdict = Verdict::of(&outcome);
    if !results.any() && outcome.dkim.is_empty() && from.is_some() {
        verdict.dkim = DkimState::Unsigned;
    }
    if verdict.dmarc == Some(false) {
        // What no server judged may still pass.
        let open = outcome.dkim.iter().any(|one| one.result == AuthResult::Unknown)
            || outcome.spf.is_empty()
            || outcome.spf.iter().any(|one| one.result == AuthResult::Unknown);
        if open {
            verdict.dmarc = None;
        }
    }
    outcome.verdict = verdict;
    outcome.verdict
}
