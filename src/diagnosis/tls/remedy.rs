//! What to do about each kind of failure (RFC 8460 §4.3).

use super::policy::is_enforced;
use crate::providers::Remedy;
use crate::query::{TlsFailureFigures, TlsPolicyFigures};
use crate::tls::{PolicyType, ResultType};

/// What a remedy depends on.
pub(super) struct Case<'c> {
    domain: &'c str,
    host: Option<&'c str>,
    /// The address that failed, where there is just one.
    address: Option<&'c str>,
    policy: Option<PolicyType>,
    kind: Option<ResultType>,
    /// A word was given, whether it is known or not.
    has_word: bool,
    enforced: bool,
}

impl<'c> Case<'c> {
    pub(super) fn of(policy: &'c TlsPolicyFigures, failure: &'c TlsFailureFigures) -> Self {
        let only = failure.receiving_ips.first().filter(|_| failure.receiving_ips.len() == 1);
        Case {
            domain: &policy.domain,
            host: failure.mx_host.as_deref(),
            address: only.map(String::as_str),
            policy: policy.policy_type.as_deref().and_then(PolicyType::parse),
            kind: failure.result_type.as_deref().and_then(ResultType::parse),
            has_word: failure.result_type.is_some(),
            enforced: is_enforced(policy),
        }
    }

    /// The host in words.
    fn host(&self) -> String {
        match (self.host, self.address) {
            (Some(host), Some(address)) => format!("{host} ({address})"),
            (Some(host), None) => host.to_owned(),
            (None, Some(address)) => address.to_owned(),
            (None, None) => format!("the mail servers of {}", self.domain),
        }
    }
}

/// What a result type means, in a sentence.
pub(super) fn explanation(case: &Case<'_>) -> Option<&'static str> {
    use ResultType as R;
    Some(match case.kind? {
        R::StarttlsNotSupported => "the server did not offer STARTTLS",
        R::CertificateHostMismatch => "the certificate does not name the host",
        R::CertificateExpired => "the certificate has expired",
        R::CertificateNotTrusted => {
            "the sender does not trust who issued the certificate, or its chain is not complete"
        }
        R::ValidationFailure => "TLS failed for a reason that has no code of its own",
        R::TlsaInvalid => "the TLSA records cannot be used, or do not match the certificate",
        R::DnssecInvalid => "the DNS answers of the domain are not valid under DNSSEC",
        R::DaneRequired => "the sender insists on DANE, and there are no TLSA records",
        R::StsPolicyFetchError => "the MTA-STS policy could not be fetched",
        R::StsPolicyInvalid => "the MTA-STS policy cannot be read",
        R::StsWebpkiInvalid => "the web server that has the MTA-STS policy shows no valid certificate",
    })
}

/// What to do.
pub(super) fn remedy(case: &Case<'_>) -> Remedy {
    use ResultType as R;
    let (host, domain) = (case.host(), case.domain);
    let name = case.host.unwrap_or("the MX host");
    let see = format!("See what it shows: `openssl s_client -starttls smtp -connect {name}:25 -servername {name}`.");
    let policy_url = format!("https://mta-sts.{domain}/.well-known/mta-sts.txt");
    let (title, mut steps): (String, Vec<String>) = match case.kind {
        Some(R::StarttlsNotSupported) => (
            format!("Let {host} offer STARTTLS"),
            vec![
                "Switch TLS on for mail that comes in, with a certificate that names the MX host.".to_owned(),
                "See that no firewall on the way takes the word STARTTLS out of the dialogue (Cisco's `inspect esmtp` does)."
                    .to_owned(),
                see,
            ],
        ),
        Some(R::CertificateHostMismatch) => (
            format!("Give {host} a certificate that names it"),
            vec![
                format!("The certificate must have {name} as a DNS name (subjectAltName), as the MX record writes it."),
                "With MTA-STS, the name must also match an `mx:` line of the policy.".to_owned(),
                see,
            ],
        ),
        Some(R::CertificateExpired) => (
            format!("Renew the certificate of {host}"),
            vec![
                "Renew it, and let the mail server load it: many use the old one until they are reloaded.".to_owned(),
                "See why it was not renewed by itself.".to_owned(),
                see,
            ],
        ),
        Some(R::CertificateNotTrusted) => (
            format!("Give {host} a certificate that senders trust, with its chain"),
            vec![
                "Use a certificate of a public authority; MTA-STS accepts no others.".to_owned(),
                "Let the server send the intermediate certificates too.".to_owned(),
                see,
            ],
        ),
        Some(R::TlsaInvalid) => (
            format!("Let the TLSA records match the certificate of {host}"),
            vec![
                format!("Compare `_25._tcp.{name}` with the certificate; after a new key the record must change before the server does."),
                "Use the forms 3 1 1 or 2 1 1 (RFC 7672 §3.1), and publish the next key's record ahead of each change.".to_owned(),
                see,
            ],
        ),
        Some(R::DnssecInvalid) => (
            format!("Fix DNSSEC of {}", case.host.unwrap_or(domain)),
            vec![
                format!("Look for expired signatures and a DS record that fits no key: `delv +vtrace {name} A` and `delv {domain} MX`."),
                "Where DNSSEC is not meant to be there, take the DS record out at the registrar.".to_owned(),
            ],
        ),
        Some(R::DaneRequired) => (
            format!("Publish TLSA records for {host}, or agree with the sender on another policy"),
            vec![format!("The sender is set to require DANE for {domain}: it needs `_25._tcp.{name}` with DNSSEC.")],
        ),
        Some(R::StsPolicyFetchError) => (
            format!("Let the MTA-STS policy of {domain} be fetched"),
            vec![
                format!("Fetch it as senders do: `curl -v {policy_url}`. It must come with status 200, without a redirect, within a minute."),
                "Look for a web server or proxy that refuses senders by country, address or user agent.".to_owned(),
                format!("Where there is to be no policy, publish `mode: none` first, and later take out `_mta-sts.{domain}`."),
            ],
        ),
        Some(R::StsPolicyInvalid) => (
            format!("Fix the MTA-STS policy of {domain}"),
            vec![
                format!("{policy_url} must have `version: STSv1`, `mode:`, `max_age:` and an `mx:` line for each MX host (RFC 8461 §3.2)."),
                format!("When it changes, give `id=` of `_mta-sts.{domain}` a new value."),
            ],
        ),
        Some(R::StsWebpkiInvalid) => (
            format!("Give mta-sts.{domain} a valid certificate"),
            vec![
                format!("It must name mta-sts.{domain}, not be expired, and be of a public authority: `curl -v {policy_url}`."),
            ],
        ),
        Some(R::ValidationFailure) => (
            format!("Find out why TLS with {host} fails"),
            vec![
                "Look at the reason codes and the information that the reporter gives, and into the server's log of that day.".to_owned(),
                "A policy that names other MX hosts than there are, old protocols (below TLS 1.2) and weak keys are the usual reasons.".to_owned(),
                see,
            ],
        ),
        None if case.has_word => (
            format!("Find out why TLS with {host} fails: the reporter's word for it is not one of RFC 8460"),
            vec!["Look at the reason codes and the information that it gives, or ask it.".to_owned(), see],
        ),
        None => (
            format!("Find out why TLS with {host} fails: the reporter says only how often"),
            vec![see],
        ),
    };
    if case.enforced {
        steps.push(match case.policy {
            Some(PolicyType::Sts) => {
                format!("Until it is fixed, senders hold this mail back. `mode: testing` (with a new `id=`) lets it through; {domain} is then open to anyone who can tamper with the connection.")
            }
            _ => "Until it is fixed, senders that use DANE hold this mail back.".to_owned(),
        });
    }
    Remedy {
        title,
        steps,
        records: Vec::new(),
        source: Some("https://www.rfc-editor.org/rfc/rfc8460#section-4.3".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_type_has_an_explanation_and_steps() {
        for kind in ResultType::ALL.iter().map(|kind| Some(kind.as_str())).chain([Some("odd"), None]) {
            let failure = TlsFailureFigures {
                result_type: kind.map(str::to_owned),
                mx_host: Some("mx1.example.com".to_owned()),
                ..TlsFailureFigures::default()
            };
            let policy = TlsPolicyFigures {
                domain: "example.com".to_owned(),
                policy_type: Some("tlsa".to_owned()),
                ..TlsPolicyFigures::default()
            };
            let case = Case::of(&policy, &failure);
            let remedy = remedy(&case);
            assert!(!remedy.title.is_empty() && remedy.steps.len() >= 2, "{kind:?}: {remedy:?}");
            assert!(remedy.steps.len() <= crate::providers::MOST_STEPS, "{kind:?}");
            assert_eq!(explanation(&case).is_some(), kind.and_then(ResultType::parse).is_some(), "{kind:?}");
        }
    }
}
