//! One `DKIM-Signature` (RFC 6376 §3.5): as whom, over what, how strong.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::answer::{Aligned, SignatureReview};
use super::code::{Finding, MessageCode};
use crate::domain::{self, Author};
use crate::finding::Severity;
use crate::report::period::rfc3339;
use crate::tag_list::TagList;

/// Decodes base64 with and without padding: the length is what matters.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What its findings are about.
const FIELD: &str = "DKIM-Signature";
/// Fields whose change would change what a reader sees or where an answer goes (RFC 6376 §5.4.1).
const OUGHT_TO_BE_COVERED: [&str; 6] = ["subject", "to", "cc", "date", "reply-to", "message-id"];
/// Those of these that may not be missing where they were not there when the message was signed.
const OVERSIGN: [&str; 2] = ["from", "reply-to"];

/// A signature field with what is needed to find its result.
pub(super) struct Signature {
    pub(super) review: SignatureReview,
    /// `b=` without white space; results name its beginning (RFC 6008).
    pub(super) b: String,
}

/// What a signature is judged against.
pub(super) struct Surroundings<'a> {
    /// From, where there is just one domain.
    pub(super) from: Option<Author<'a>>,
    /// Names of all header fields, in lower case.
    pub(super) fields: &'a [String],
    /// The time the message arrived, or else now.
    pub(super) time: i64,
    /// Whether that is when it arrived.
    pub(super) arrived: bool,
    /// Bytes of the body as it lies; absent where not all of it was read.
    pub(super) body: Option<u64>,
}

pub(super) fn read(value: &[u8], around: &Surroundings<'_>) -> Signature {
    let tags = TagList::parse(value);
    let domain = tags.compact("d").and_then(|name| domain::normalize(&name).map(|name| name.into_owned()));
    let covered: Vec<String> = tags
        .compact("h")
        .map(|list| list.split(':').filter(|name| !name.is_empty()).map(str::to_ascii_lowercase).collect())
        .unwrap_or_default();
    let algorithm = tags.compact("a").map(|text| text.to_ascii_lowercase());
    let b = tags.compact("b").unwrap_or_default();
    let mut findings = Vec::new();
    form(&tags, &covered, domain.as_deref(), &mut findings);
    let key_bits = strength(algorithm.as_deref(), &b, &tags, &mut findings);
    times(&tags, around, &mut findings);
    let uncovered = coverage(&covered, around, &mut findings);
    body_length(&tags, around, &mut findings);
    if tags.get("c").is_none_or(|c| !c.trim_ascii().to_ascii_lowercase().starts_with("relaxed")) {
        findings.push(Finding::new(
            Severity::Advice,
            MessageCode::SimpleHeader,
            FIELD,
            "header canonicalization is simple: a server that only folds a line anew breaks it; relaxed/relaxed survives more",
        ));
    }
    let aligned = match (&domain, &around.from) {
        (Some(domain), Some(from)) => Aligned::of(domain, from),
        _ => Aligned::No,
    };
    findings.sort_by_key(|finding| finding.severity);
    let review = SignatureReview {
        aligned,
        domain,
        selector: tags.compact("s").filter(|text| !text.is_empty()),
        algorithm,
        key_bits,
        identity: tags.compact("i"),
        present: true,
        result: None,
        result_detail: None,
        covered,
        uncovered,
        findings,
    };
    Signature { review, b }
}

/// What the RFC asks of every signature; without it verifiers answer permerror (RFC 6376 §6.1.1).
fn form(tags: &TagList, covered: &[String], domain: Option<&str>, findings: &mut Vec<Finding>) {
    let mut error = |code, text: String| findings.push(Finding::new(Severity::Error, code, FIELD, text));
    if tags.is_malformed() {
        error(MessageCode::Malformed, "invalid list of tags: something in it is not tag=value".to_owned());
    }
    if let Some(tag) = tags.repeated() {
        error(MessageCode::RepeatedTag, format!("the tag {tag}= stands in it more than once"));
    }
    let missing: Vec<&str> = ["v", "a", "b", "bh", "d", "h", "s"]
        .into_iter()
        .filter(|&tag| tags.compact(tag).is_none_or(|value| value.is_empty()))
        .collect();
    if !missing.is_empty() {
        error(MessageCode::MissingTag, format!("required tags are missing or empty: {}=", missing.join("=, ")));
    }
    if tags.get("v").is_some_and(|version| version != "1") {
        error(MessageCode::Version, "v= is not 1".to_owned());
    }
    if !covered.is_empty() && !covered.iter().any(|name| name == "from") {
        error(
            MessageCode::FromNotCovered,
            "h= does not cover From, which every signature must (RFC 6376 §5.4)".to_owned(),
        );
    }
    let identity = tags.compact("i").and_then(|identity| {
        identity.rsplit_once('@').and_then(|(_, name)| domain::normalize(name).map(|name| name.into_owned()))
    });
    if let (Some(identity), Some(domain)) = (&identity, domain)
        && !domain::is_within(identity, domain)
    {
        error(MessageCode::IdentityOutside, format!("i= names {identity}, which is not at or below d={domain}"));
    }
    if let Some(query) = tags.compact("q").filter(|q| !q.split(':').any(|one| one.eq_ignore_ascii_case("dns/txt"))) {
        error(MessageCode::Query, format!("q={query} asks for its key in no way that verifiers know"));
    }
}

/// Algorithm and key; the size of an RSA key is the length of its signatures.
fn strength(algorithm: Option<&str>, b: &str, tags: &TagList, findings: &mut Vec<Finding>) -> Option<usize> {
    let mut add = |severity, code, text: String| findings.push(Finding::new(severity, code, FIELD, text));
    match algorithm {
        Some("rsa-sha256" | "ed25519-sha256") | None => {}
        Some("rsa-sha1") => add(
            Severity::Error,
            MessageCode::RsaSha1,
            "signed with rsa-sha1, which verifiers must not accept any more; switch the signer to rsa-sha256 (RFC 8301)".to_owned(),
        ),
        Some(other) => add(Severity::Error, MessageCode::Algorithm, format!("a={other} is not an algorithm that verifiers know")),
    }
    if b.is_empty() {
        return None;
    }
    let Ok(bytes) = BASE64.decode(b) else {
        add(
            Severity::Error,
            MessageCode::SignatureNoBase64,
            "b= is not base64: the signature was cut or changed".to_owned(),
        );
        return None;
    };
    let hash = tags.compact("bh").filter(|text| !text.is_empty());
    let expected = if algorithm.is_some_and(|name| name.ends_with("sha256")) { Some(32) } else { None };
    if let (Some(hash), Some(expected)) = (hash, expected)
        && BASE64.decode(hash).map(|bytes| bytes.len()).ok() != Some(expected)
    {
        add(Severity::Error, MessageCode::BodyHashLength, "bh= is not a SHA-256 hash".to_owned());
    }
    match algorithm {
        Some("ed25519-sha256") if bytes.len() != 64 => {
            add(
                Severity::Error,
                MessageCode::SignatureLength,
                "b= is not an Ed25519 signature: those have 64 bytes".to_owned(),
            );
            None
        }
        Some(name) if name.starts_with("rsa-") => {
            let bits = bytes.len() * 8;
            match bits {
                0..1024 => add(
                    Severity::Error,
                    MessageCode::KeyTooShort,
                    format!(
                        "signed with an RSA key of {bits} bits; verifiers must not accept less than 1024 (RFC 8301)"
                    ),
                ),
                1024..2048 => add(
                    Severity::Warning,
                    MessageCode::KeyShort,
                    format!("signed with an RSA key of {bits} bits; use 2048 (RFC 8301)"),
                ),
                _ => {}
            }
            Some(bits)
        }
        _ => None,
    }
}

fn times(tags: &TagList, around: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    /// Clocks differ: how far into the future a time may be.
    const SLACK: i64 = 300;
    let number = |tag| tags.compact(tag).and_then(|text| text.parse::<i64>().ok());
    let (signed, expires) = (number("t"), number("x"));
    let when = if around.arrived { "when it arrived" } else { "now" };
    if let Some(signed) = signed.filter(|&signed| signed > around.time.saturating_add(SLACK)) {
        let text =
            format!("signed at {}, which was in the future {when}: the signer's clock is wrong", rfc3339(signed));
        findings.push(Finding::new(Severity::Warning, MessageCode::SignedInFuture, FIELD, text));
    }
    let Some(expires) = expires else { return };
    if signed.is_some_and(|signed| expires <= signed) {
        findings.push(Finding::new(
            Severity::Error,
            MessageCode::ExpiresBeforeSigned,
            FIELD,
            "x= is not later than t=",
        ));
    } else if expires < around.time {
        let text = format!("expired at {}, before {when}", rfc3339(expires));
        findings.push(Finding::new(Severity::Error, MessageCode::Expired, FIELD, text));
    } else if let Some(life) = signed.map(|signed| expires - signed).filter(|&life| life < 86_400) {
        let text = format!("valid for {} only; mail that waits in a queue outlives it", hours(life));
        findings.push(Finding::new(Severity::Warning, MessageCode::ShortLife, FIELD, text));
    }
}

fn hours(seconds: i64) -> String {
    match seconds {
        ..7200 => format!("{} minutes", seconds / 60),
        _ => format!("{} hours", seconds / 3600),
    }
}

/// Fields that are there and ought to be covered; what may be added unnoticed is told besides.
fn coverage(covered: &[String], around: &Surroundings<'_>, findings: &mut Vec<Finding>) -> Vec<String> {
    let times = |list: &[String], name: &str| list.iter().filter(|known| *known == name).count();
    let uncovered: Vec<String> = OUGHT_TO_BE_COVERED
        .into_iter()
        .filter(|name| times(around.fields, name) > 0 && times(covered, name) == 0)
        .map(str::to_owned)
        .collect();
    if !covered.is_empty() && !uncovered.is_empty() {
        findings.push(Finding::new(
            Severity::Warning,
            MessageCode::FieldsNotCovered,
            FIELD,
            format!("not covered, so that anybody may change it on the way: {}", uncovered.join(", ")),
        ));
    }
    let addable: Vec<&str> = OVERSIGN
        .into_iter()
        .filter(|name| {
            let present = times(around.fields, name);
            let listed = times(covered, name);
            listed <= present && (listed > 0 || present == 0)
        })
        .collect();
    if !covered.is_empty() && !addable.is_empty() {
        findings.push(Finding::new(
            Severity::Advice,
            MessageCode::NotOversigned,
            FIELD,
            format!(
                "another {} could be added without breaking it; list the name once more in h= (over-signing)",
                addable.join(" or ")
            ),
        ));
    }
    let body_fields: Vec<&str> = ["content-type", "mime-version", "content-transfer-encoding"]
        .into_iter()
        .filter(|name| times(around.fields, name) > 0 && times(covered, name) == 0)
        .collect();
    if !covered.is_empty() && body_fields.contains(&"content-type") {
        findings.push(Finding::new(
            Severity::Advice,
            MessageCode::BodyTypeNotCovered,
            FIELD,
            format!("how the body is to be read is not covered: {}", body_fields.join(", ")),
        ));
    }
    uncovered
}

fn body_length(tags: &TagList, around: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let Some(text) = tags.compact("l") else { return };
    let Ok(length) = text.parse::<u64>() else {
        findings.push(Finding::new(Severity::Error, MessageCode::BodyLengthNoNumber, FIELD, "l= is not a number"));
        return;
    };
    let text = match length {
        0 => "l=0: no byte of the body is covered, so anybody may replace it; remove l= from the signer's settings"
            .to_owned(),
        _ => format!(
            "l={length}: anybody may add to the body after what is covered; remove l= from the signer's settings"
        ),
    };
    findings.push(Finding::new(Severity::Warning, MessageCode::BodyLength, FIELD, text));
    // Line ends may have been shortened since: two bytes a line at most.
    if around.body.is_some_and(|body| length > body.saturating_mul(2).saturating_add(2)) {
        findings.push(Finding::new(
            Severity::Error,
            MessageCode::BodyLengthBeyondBody,
            FIELD,
            "l= covers more than there is",
        ));
    }
}

#[cfg(test)]
mod tests;
