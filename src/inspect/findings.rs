//! What is said of a message as a whole.

use super::answer::{Aligned, Authserv, SignatureReview, SpfReview};
use super::code::{Finding, MessageCode};
use super::header::Header;
use super::results::Results;
use crate::alignment::{AlignmentMode, DkimState, Verdict};
use crate::finding::Severity;

/// Where the server's DMARC result is not what its results of DKIM and SPF come to, and why that may be.
pub(super) fn differs(
    results: &Results,
    verdict: &Verdict,
    mode: AlignmentMode,
    signatures: &[SignatureReview],
    spf: Option<&SpfReview>,
    arc: bool,
) -> Option<Finding> {
    let theirs = results.of("dmarc").next()?;
    let passed = |result: Option<&str>| result == Some("pass");
    let relaxed_only = signatures.iter().any(|one| one.aligned == Aligned::Relaxed && passed(one.result.as_deref()))
        || spf.is_some_and(|spf| spf.aligned == Aligned::Relaxed && passed(spf.result.as_deref()));
    let why = match (theirs.result.as_str(), verdict.dmarc?) {
        ("pass", false) if relaxed_only && (mode.dkim_strict || mode.spf_strict) => {
            "the record asks for strict alignment, and only relaxed alignment passes here: the server may have seen another record"
        }
        ("pass", false) if arc => "nothing that aligns passed here: it may trust the ARC chain of a server before it",
        ("pass", false) => {
            "nothing that aligns passed by the results that it shows: it judged by something that it does not show"
        }
        ("bestguesspass", false) => "the domain had no DMARC record when the server looked, and it guessed",
        ("fail", true) if relaxed_only => {
            "what passes aligns in relaxed mode only: the record that the server saw may ask for strict alignment (adkim=s, aspf=s)"
        }
        ("fail", true) => {
            "something that aligns passed: the server may take another domain for the author's, or its fields are of different checks"
        }
        ("none", true) => "the server found no DMARC record",
        ("temperror" | "permerror", _) => "the server could not fetch or read the DMARC record",
        _ => return None,
    };
    let ours = if verdict.dmarc == Some(true) { "pass" } else { "fail" };
    let detail = format!("the server says dmarc={}, its other results come to {ours}: {why}", theirs.result);
    let finding = Finding::new(Severity::Warning, MessageCode::DmarcDiffers, "Authentication-Results", detail);
    Some(finding.with_remedy("`dmarcstat dns DOMAIN` shows the record as it is now"))
}

#[allow(clippy::too_many_arguments, reason = "all that a message shows bears on what is said of it")]
pub(super) fn message_findings(
    header: &Header<'_>,
    domains: &[String],
    mode: AlignmentMode,
    signatures: &[SignatureReview],
    spf: Option<&SpfReview>,
    results: &Results,
    verdict: &Verdict,
    trusted: &[String],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add =
        |severity, code, subject: &str, text: String| findings.push(Finding::new(severity, code, subject, text));
    match (header.from_fields, domains.len()) {
        (0, _) => add(
            Severity::Error,
            MessageCode::NoFrom,
            "From",
            "there is no From field: DMARC has no domain to ask for".to_owned(),
        ),
        (1, 0) => {
            add(Severity::Error, MessageCode::NoFromDomain, "From", "From names no address with a domain".to_owned())
        }
        (1, 1) => {}
        (1, _) => add(
            Severity::Error,
            MessageCode::ManyFromDomains,
            "From",
            format!("From names addresses of several domains ({}); receivers may refuse it", domains.join(", ")),
        ),
        (many, _) => add(
            Severity::Error,
            MessageCode::ManyFrom,
            "From",
            format!("there are {many} From fields; receivers refuse such mail (RFC 5322 §3.6)"),
        ),
    }
    let aligned: Vec<&SignatureReview> = signatures.iter().filter(|one| one.aligned != Aligned::No).collect();
    if let [from] = domains
        && aligned.is_empty()
    {
        let text = match signatures {
            [] => format!("no DKIM signature: make the sender sign as {from}"),
            _ => format!(
                "no signature is {from}'s own: make the sender sign with d={from}, or a name of the same organization"
            ),
        };
        let code = if signatures.is_empty() { MessageCode::Unsigned } else { MessageCode::NoAlignedSignature };
        add(Severity::Error, code, "DKIM-Signature", text);
    }
    if !aligned.is_empty() && aligned.iter().all(|one| one.aligned == Aligned::Relaxed) {
        if mode.dkim_strict {
            add(
                Severity::Error,
                MessageCode::StrictOnly,
                "DKIM-Signature",
                "the domain publishes adkim=s, and no signature has exactly the domain of From: sign with it, or publish adkim=r"
                    .to_owned(),
            );
        } else {
            add(
                Severity::Advice,
                MessageCode::RelaxedOnly,
                "DKIM-Signature",
                "aligned in relaxed mode only: under adkim=s it would not count".to_owned(),
            );
        }
    }
    if verdict.dkim == DkimState::Aligned && spf.is_none_or(|spf| !spf.aligned.counts(mode.spf_strict)) {
        add(
            Severity::Advice,
            MessageCode::SpfNotAligned,
            "SPF",
            "SPF does not align; with an aligned signature it need not".to_owned(),
        );
    }
    if header.reverse_path.as_deref() == Some("") {
        add(
            Severity::Advice,
            MessageCode::NullReversePath,
            "Return-Path",
            "the reverse-path is null (a bounce or an automatic reply), so SPF is checked for the HELO name: only DKIM can align reliably".to_owned(),
        );
    }
    match &results.authserv {
        None => add(
            Severity::Advice,
            MessageCode::NoResults,
            "Authentication-Results",
            "no Authentication-Results: nothing says whether the signatures verified; take the message from a mailbox whose server checks".to_owned(),
        ),
        Some(Authserv { trusted: true, .. }) => {}
        Some(authserv) if !trusted.is_empty() => add(
            Severity::Warning,
            MessageCode::NoTrustedResults,
            "Authentication-Results",
            format!(
                "no Authentication-Results of {}; those of {} are not believed",
                trusted.join(", "),
                if authserv.others.is_empty() { "others".to_owned() } else { authserv.others.join(", ") }
            ),
        ),
        Some(authserv) => add(
            Severity::Advice,
            MessageCode::UnnamedServer,
            "Authentication-Results",
            format!(
                "the results are those that {} claims; anybody can write such a field: name your server with --authserv-id",
                authserv.id.as_deref().unwrap_or("a server without a name")
            ),
        ),
    }
    findings
}
