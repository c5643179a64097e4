//! From a TLS report as it is written to one that can be stored: who reports, on which domains, about when.

use std::sync::Arc;

use super::head::{FileName, period_told, submitter};
use crate::domain;
use crate::rejection::{Rejection, RejectionCode};
use crate::report::{Irregularities, shorten};
use crate::store::{NewTlsReport, Origin, Raw, Trust, who_reports};
use crate::tls::{PolicyReport, TlsReport};

/// A report that came with what `origin` says of it, ready to be stored.
pub(super) fn assemble(report: TlsReport, origin: &Arc<Origin>, raw: Arc<Raw>) -> Result<NewTlsReport, Rejection> {
    let file = origin.file_name.as_deref().and_then(FileName::read);
    let report = with_domains(report, origin, file.as_ref())?;
    let label = label(&report, origin, file.as_ref());
    // A name is believed where it is for all that the report is about.
    let domains = report.policies.iter().filter_map(|policy| policy.policy_domain.as_deref());
    let (reporter, trust) = domains
        .map(|domain| who_reports(&label, &origin.authenticity, domain))
        .min_by_key(|(_, trust)| *trust)
        .unwrap_or((label.clone(), Trust::Unchecked));
    // Times in words are the rule here, and the other oddities of times cost nothing.
    let odd = &mut Irregularities::default();
    let period = period_told(&report.date_range, file.as_ref(), origin.date, odd);
    let period = period.ok_or_else(|| Rejection::new(RejectionCode::NoDateRange))?;
    Ok(NewTlsReport { report, label, reporter, trust, period, raw, origin: Arc::clone(origin) })
}

/// The report with a domain at each policy, normalized. One that has none is about what the others, the file's name or the
/// Subject (RFC 8460 §5.3) say.
fn with_domains(mut report: TlsReport, origin: &Origin, file: Option<&FileName<'_>>) -> Result<TlsReport, Rejection> {
    let normal = |text: &str| domain::normalize(domain::of_mailbox(text)).map(|name| name.into_owned());
    for policy in &mut report.policies {
        policy.policy_domain = policy.policy_domain.as_deref().and_then(normal);
    }
    if report.policies.is_empty() {
        report.policies.push(PolicyReport::default());
    }
    let written = report.policies.iter().find_map(|policy| policy.policy_domain.clone());
    let elsewhere = written
        .or_else(|| file.and_then(|file| normal(file.domain)))
        .or_else(|| named_by_subject(origin.subject.as_deref()?).and_then(normal));
    for policy in report.policies.iter_mut().filter(|policy| policy.policy_domain.is_none()) {
        policy.policy_domain.clone_from(&elsewhere);
    }
    if elsewhere.is_none() {
        return Err(Rejection::new(RejectionCode::NoDomain));
    }
    Ok(report)
}

/// The domain after `Report Domain:`.
fn named_by_subject(subject: &str) -> Option<&str> {
    const BEFORE: &str = "report domain:";
    let at = subject.to_ascii_lowercase().find(BEFORE)? + BEFORE.len();
    subject.get(at..)?.split_whitespace().next().map(|word| word.trim_end_matches([';', ',']))
}

/// What the reporter calls itself, in lower case, or what stands in for it; empty where nothing does.
fn label(report: &TlsReport, origin: &Origin, file: Option<&FileName<'_>>) -> String {
    let domain_of = |address: &str| Some(address.trim_matches(['<', '>']).rsplit_once('@')?.1.to_lowercase());
    let label = report
        .organization_name
        .as_deref()
        .map(str::to_lowercase)
        .or_else(|| report.contact_info.as_deref().and_then(domain_of))
        .or_else(|| file.map(|file| file.receiver.to_lowercase()).filter(|receiver| !receiver.is_empty()))
        .or_else(|| submitter(origin.subject.as_deref()?))
        .or_else(|| origin.from.as_deref().and_then(domain_of))
        .unwrap_or_default();
    shorten(&label, 255).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::Authenticity;
    use crate::report::DateRange;
    use crate::store::RawBytes;

    fn assembled(report: TlsReport, origin: Origin) -> Result<NewTlsReport, RejectionCode> {
        let raw = Arc::new(Raw { sha256: [0; 32], size: 0, bytes: RawBytes::Dropped });
        assemble(report, &Arc::new(origin), raw).map_err(|rejection| rejection.code)
    }

    fn report(domains: &[Option<&str>]) -> TlsReport {
        let policy = |domain: &Option<&str>| PolicyReport {
            policy_domain: domain.map(str::to_owned),
            ..PolicyReport::default()
        };
        TlsReport {
            organization_name: Some("Google Inc.".to_owned()),
            date_range: DateRange {
                begin: Some("2026-10-01T00:00:00Z".into()),
                end: Some("2026-10-01T23:59:59Z".into()),
            },
            policies: domains.iter().map(policy).collect(),
            ..TlsReport::default()
        }
    }

    fn domains(new: &NewTlsReport) -> Vec<&str> {
        new.report.policies.iter().map(|policy| policy.policy_domain.as_deref().unwrap()).collect()
    }

    #[test]
    fn what_is_missing_is_taken_from_elsewhere() {
        let name = "posthorn.example!example.org!1790812800!1790899199!1.json.gz";
        let named = Origin { file_name: Some(name.to_owned()), ..Origin::default() };
        let subject = Origin {
            subject: Some("Report Domain: Example.NET Submitter: posthorn.example Report-ID: <1>".to_owned()),
            date: Some(1_790_900_000),
            ..Origin::default()
        };
        assert_eq!(domains(&assembled(report(&[Some("A.example."), None]), named.clone()).unwrap()), ["a.example"; 2]);
        assert_eq!(domains(&assembled(report(&[None]), named.clone()).unwrap()), ["example.org"]);
        assert_eq!(domains(&assembled(report(&[]), subject.clone()).unwrap()), ["example.net"]);
        assert_eq!(assembled(report(&[None]), Origin::default()).unwrap_err(), RejectionCode::NoDomain);
        let nameless = TlsReport { policies: report(&[Some("a.example")]).policies, ..TlsReport::default() };
        let by_name = assembled(nameless.clone(), named).unwrap();
        assert_eq!((by_name.reporter.as_str(), by_name.period.begin), ("posthorn.example", 1_790_812_800));
        let by_mail = assembled(nameless.clone(), subject).unwrap();
        assert_eq!((by_mail.reporter.as_str(), by_mail.period.end), ("posthorn.example", 1_790_900_000));
        assert_eq!(assembled(nameless, Origin::default()).unwrap_err(), RejectionCode::NoDateRange);
    }

    #[test]
    fn a_great_name_is_believed_for_no_domain_of_the_sender() {
        let passed =
            |domain: &str| Origin { authenticity: Authenticity::Passed(Some(domain.to_owned())), ..Origin::default() };
        let trust = |domains: &[Option<&str>], by: &str| assembled(report(domains), passed(by)).unwrap().trust;
        assert_eq!(trust(&[Some("a.example")], "google.com"), Trust::Passed);
        assert_eq!(trust(&[Some("a.example")], "evil.example"), Trust::Misnamed);
        assert_eq!(trust(&[Some("evil.example"), Some("a.example")], "evil.example"), Trust::Misnamed);
    }
}
