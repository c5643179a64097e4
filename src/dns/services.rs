//! Records beside DMARC that a domain publishes about its mail: MTA-STS (RFC 8461), SMTP TLS reports (RFC 8460) and BIMI
//! (draft-brand-indicators-for-message-identification). The policy of MTA-STS itself is a file on a web server and is not
//! fetched here.

use serde::Serialize;

use super::check::{Check, Findings};
use super::dmarc::{DmarcRecord, Policy, ReportUri, TagReview, TagState};
use super::lookup::{Answer, Kind, Memory, Question};
use crate::finding::Severity;
use crate::tag_list::{Tag, TagList, quoted};

/// A record of one of these kinds, as it is live.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ServiceRecord {
    /// Its name.
    pub name: String,
    /// How many there are; `null` where nobody could say.
    pub records: Option<usize>,
    /// The record, where there is exactly one.
    pub record: Option<String>,
    /// Its tags.
    pub tags: Vec<TagReview>,
}

/// A kind of record.
struct Service {
    check: Check,
    label: &'static str,
    version: &'static str,
    title: &'static str,
    required: &'static [&'static str],
    read: fn(&Tag) -> (TagState, String),
}

const MTA_STS: Service = Service {
    check: Check::MtaSts,
    label: "_mta-sts",
    version: "STSv1",
    title: "MTA-STS",
    required: &["id"],
    read: mta_sts,
};
const TLS_RPT: Service = Service {
    check: Check::TlsRpt,
    label: "_smtp._tls",
    version: "TLSRPTv1",
    title: "TLS report",
    required: &["rua"],
    read: tls_rpt,
};
const BIMI: Service = Service {
    check: Check::Bimi,
    label: "default._bimi",
    version: "BIMI1",
    title: "BIMI",
    required: &["l"],
    read: bimi,
};

impl Service {
    fn name(&self, domain: &str) -> String {
        format!("{}.{domain}", self.label)
    }

    /// Whether a text is a record of this kind: it begins with the version.
    fn is(&self, text: &str) -> bool {
        let list = TagList::parse(text.as_bytes());
        list.tags.first().is_some_and(|tag| tag.name == "v" && tag.value == self.version)
    }

    /// Whether somebody meant it to be one.
    fn is_meant(&self, text: &str) -> bool {
        let letters = |text: &str| -> String { text.chars().filter(char::is_ascii_alphanumeric).collect() };
        letters(text).to_ascii_lowercase().starts_with(&format!("v{}", self.version.to_ascii_lowercase()))
    }
}

/// The questions that a review of these records asks.
pub(super) fn questions(domain: &str) -> Vec<Question> {
    let txt = [MTA_STS, TLS_RPT, BIMI].map(|service| Question::new(Kind::Txt, &service.name(domain)));
    let host = format!("mta-sts.{domain}");
    txt.into_iter().chain([Kind::A, Kind::Aaaa].map(|kind| Question::new(kind, &host))).collect()
}

/// The three records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Services {
    pub(super) mta_sts: ServiceRecord,
    pub(super) tls_rpt: ServiceRecord,
    pub(super) bimi: ServiceRecord,
}

/// Looks at the three records of a domain whose DMARC record is given.
pub(super) fn review(domain: &str, dmarc: Option<&str>, memory: &Memory<'_>, findings: &mut Findings) -> Services {
    memory.fetch(questions(domain));
    let mta_sts = look(&MTA_STS, domain, memory, findings);
    let tls_rpt = look(&TLS_RPT, domain, memory, findings);
    let bimi = look(&BIMI, domain, memory, findings);
    if mta_sts.record.is_some() {
        policy_host(domain, memory, findings);
        if tls_rpt.records == Some(0) {
            findings.fail(
                Check::TlsRpt,
                Severity::Advice,
                &tls_rpt.name,
                "MTA-STS is published and nobody is asked to report what fails because of it",
                format!("Publish a TXT record at {}: v=TLSRPTv1; rua=mailto:…", tls_rpt.name),
            );
        }
    }
    if bimi.record.is_some() {
        enforced(&bimi.name, dmarc, findings);
    }
    Services { mta_sts, tls_rpt, bimi }
}

fn look(service: &Service, domain: &str, memory: &Memory<'_>, findings: &mut Findings) -> ServiceRecord {
    let Service { check, title, version, .. } = *service;
    let mut review = ServiceRecord { name: service.name(domain), ..ServiceRecord::default() };
    let answer = memory.txt(&review.name);
    if let Answer::CouldNotLook(reason) = &answer {
        findings.unknown(check, Severity::Warning, &review.name, reason);
        return review;
    }
    let (found, others): (Vec<&String>, Vec<&String>) = answer.values().iter().partition(|text| service.is(text));
    review.records = Some(found.len());
    for text in others.into_iter().filter(|text| service.is_meant(text)) {
        findings.fail(
            check,
            Severity::Error,
            &review.name,
            format!(
                "{:?} is not seen as a {title} record: it does not begin with exactly \"v={version};\"",
                quoted(text)
            ),
            format!("Let it begin with v={version}; in this spelling."),
        );
    }
    match found.as_slice() {
        [] => {}
        [text] => {
            tags(service, text, &mut review, findings);
            review.record = Some((*text).clone());
        }
        several => findings.fail(
            check,
            Severity::Error,
            &review.name,
            format!("there are {} {title} records; senders treat several as none", several.len()),
            "Leave one.",
        ),
    }
    review
}

fn tags(service: &Service, text: &str, review: &mut ServiceRecord, findings: &mut Findings) {
    let Service { check, title, .. } = *service;
    let before = findings.0.len();
    let list = TagList::parse(text.as_bytes());
    for problem in &list.problems {
        findings.fail(check, Severity::Warning, &review.name, problem.to_string(), "Correct the record.");
    }
    for tag in &list.tags {
        let (state, meaning) = match tag.name.as_str() {
            "v" => (TagState::Valid, format!("a {title} record")),
            _ => (service.read)(tag),
        };
        let shown = format!("{}={}: {meaning}", tag.name, quoted(&tag.value));
        match state {
            TagState::Invalid => findings.fail(
                check,
                Severity::Error,
                &review.name,
                shown,
                format!("Correct {}=; as it is, the record has no effect.", tag.name),
            ),
            TagState::Unknown => findings.fail(
                check,
                Severity::Warning,
                &review.name,
                shown,
                format!("Remove {}=, or correct its name.", tag.name),
            ),
            TagState::Valid | TagState::Historic => {}
        }
        review.tags.push(TagReview { name: tag.name.clone(), value: tag.value.clone(), state, meaning });
    }
    for required in service.required.iter().filter(|name| list.get(name).is_none()) {
        findings.fail(
            check,
            Severity::Error,
            &review.name,
            format!("there is no {required}= in the {title} record: it has no effect"),
            format!("Add {required}=."),
        );
    }
    if findings.0.len() == before {
        findings.pass(check, &review.name, format!("the {title} record can be read"));
    }
}

/// The host that the policy is fetched from has to be there; what it serves is not looked at.
fn policy_host(domain: &str, memory: &Memory<'_>, findings: &mut Findings) {
    let host = format!("mta-sts.{domain}");
    let answers = [Kind::A, Kind::Aaaa].map(|kind| memory.ask(Question::new(kind, &host)));
    if answers.iter().all(Answer::is_nothing) {
        findings.fail(
            Check::MtaSts,
            Severity::Error,
            &host,
            "this host has no address, so no sender can fetch the policy that the record announces",
            format!("Serve https://{host}/.well-known/mta-sts.txt, or remove the record."),
        );
    }
}

/// Logos are shown only under a policy that is applied to all mail.
fn enforced(name: &str, dmarc: Option<&str>, findings: &mut Findings) {
    let Some(record) = dmarc.and_then(DmarcRecord::parse) else { return };
    let policy = record.effective().filter(|policy| *policy != Policy::None);
    let partial = record.pct.is_some_and(|percent| percent < 100);
    if policy.is_none() || record.sp == Some(Policy::None) || partial {
        findings.fail(
            Check::Bimi,
            Severity::Warning,
            name,
            "no logo is shown: BIMI wants p=quarantine or p=reject for all mail, without sp=none and without pct below 100",
            "Enforce DMARC first.",
        );
    }
}

fn invalid(wanted: &str) -> (TagState, String) {
    (TagState::Invalid, format!("it is not {wanted}"))
}

fn unknown() -> (TagState, String) {
    (TagState::Unknown, "no such tag; it is passed over".to_owned())
}

fn mta_sts(tag: &Tag) -> (TagState, String) {
    match tag.name.as_str() {
        "id" if (1..=32).contains(&tag.value.len()) && tag.value.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            (TagState::Valid, "the policy of this name; senders fetch it anew when this changes".to_owned())
        }
        "id" => invalid("1 to 32 letters and digits"),
        // Extensions may follow (RFC 8461 §3.1).
        _ => unknown(),
    }
}

fn tls_rpt(tag: &Tag) -> (TagState, String) {
    match tag.name.as_str() {
        "rua" => {
            let usable = |uri: &str| {
                let uri = uri.trim();
                uri.strip_prefix("https://").is_some_and(|rest| rest.contains('.'))
                    || ReportUri::parse_list(uri).iter().any(|uri| uri.problem.is_none())
            };
            let all = tag.value.split(',').count();
            match tag.value.split(',').filter(|uri| usable(uri)).count() {
                usable if usable == all => (TagState::Valid, "where TLS reports go".to_owned()),
                _ => invalid("a list of mailto: or https: addresses"),
            }
        }
        _ => unknown(),
    }
}

fn bimi(tag: &Tag) -> (TagState, String) {
    let https = tag.value.strip_prefix("https://").is_some_and(|rest| rest.contains('.') && rest.contains('/'));
    match (tag.name.as_str(), tag.value.as_str()) {
        ("l", "") => (TagState::Valid, "no logo: the domain takes no part".to_owned()),
        ("l", _) if !https => invalid("an https: address"),
        ("l", value) if !value.to_ascii_lowercase().split(['?', '#']).next().unwrap_or_default().ends_with(".svg") => {
            invalid("the address of a picture in SVG")
        }
        ("l", _) => (TagState::Valid, "where the logo is".to_owned()),
        ("a", "") => (TagState::Valid, "no certificate; some mailbox hosts show the logo only with one".to_owned()),
        ("a", _) if !https => invalid("an https: address"),
        ("a", _) => (TagState::Valid, "where the certificate of the logo is".to_owned()),
        ("avp", "brand" | "personal") => (TagState::Valid, "which picture is preferred".to_owned()),
        ("avp", _) => invalid("brand or personal"),
        ("lps", _) => (TagState::Valid, "selectors by the mailbox".to_owned()),
        _ => unknown(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::zone::Zone;
    use crate::dns::{Checked, Outcome};

    fn failed(lines: &str) -> Vec<String> {
        let zone = Zone::new(lines);
        let mut findings = Findings::default();
        let memory = Memory::new(&zone);
        let dmarc = memory.txt("_dmarc.example.com").values().first().cloned();
        review("example.com", dmarc.as_deref(), &memory, &mut findings);
        let open = findings.0.iter().map(Checked::key).filter(|(outcome, ..)| *outcome != Outcome::Passed);
        open.map(|(_, severity, check)| format!("{} {}", severity.as_str(), check.as_str())).collect()
    }

    const HOST: &str =
        "mta-sts.example.com A 192.0.2.1\n_smtp._tls.example.com TXT v=TLSRPTv1; rua=mailto:tls@example.com";

    #[test]
    fn records_in_order_and_none_at_all() {
        assert_eq!(failed(""), [] as [&str; 0]);
        assert_eq!(
            failed(&format!(
                "{HOST}\n_mta-sts.example.com TXT v=STSv1; id=20261101T000000;\n\
                 default._bimi.example.com TXT v=BIMI1; l=https://example.com/logo.svg; a=https://example.com/vmc.pem\n\
                 _dmarc.example.com TXT v=DMARC1; p=reject"
            )),
            [] as [&str; 0]
        );
    }

    #[test]
    fn what_is_wrong_with_mta_sts() {
        let sts = |record: &str| failed(&format!("{HOST}\n_mta-sts.example.com TXT {record}"));
        assert_eq!(sts("v=STSv1; id="), ["error mta-sts"]);
        assert_eq!(sts("v=STSv1; id=2026-11-01"), ["error mta-sts"]);
        assert_eq!(sts("v=STSv1;"), ["error mta-sts"]);
        assert_eq!(sts("v=stsv1; id=1"), ["error mta-sts"]);
        assert_eq!(sts("v=STSv1; id=1; x=y"), ["warning mta-sts"]);
        assert_eq!(sts("v=STSv1; id=1\n_mta-sts.example.com TXT v=STSv1; id=2"), ["error mta-sts"]);
        assert_eq!(sts("!timed out"), ["warning mta-sts"]);
        // Nobody to fetch the policy from, and nobody to report to.
        assert_eq!(failed("_mta-sts.example.com TXT v=STSv1; id=1"), ["error mta-sts", "advice tls-rpt"]);
    }

    #[test]
    fn what_is_wrong_with_tls_reports_and_bimi() {
        let tls = |record: &str| failed(&format!("_smtp._tls.example.com TXT {record}"));
        assert_eq!(tls("v=TLSRPTv1; rua=mailto:a@example.com,https://reports.example.net/v1"), [] as [&str; 0]);
        assert_eq!(tls("v=TLSRPTv1; rua=tls@example.com"), ["error tls-rpt"]);
        assert_eq!(tls("v=TLSRPTv1;"), ["error tls-rpt"]);
        let bimi = |record: &str, policy: &str| {
            failed(&format!("default._bimi.example.com TXT {record}\n_dmarc.example.com TXT v=DMARC1; {policy}"))
        };
        assert_eq!(bimi("v=BIMI1; l=https://example.com/logo.png; a=", "p=reject"), ["error bimi"]);
        assert_eq!(bimi("v=BIMI1; l=http://example.com/logo.svg", "p=reject"), ["error bimi"]);
        assert_eq!(bimi("v=BIMI1; a=https://example.com/vmc.pem", "p=reject"), ["error bimi"]);
        for weak in ["p=none", "p=reject; sp=none", "p=quarantine; pct=50"] {
            assert_eq!(bimi("v=BIMI1; l=https://example.com/logo.svg", weak), ["warning bimi"], "{weak}");
        }
    }
}
