//! What is right and wrong about the keys of a domain's selectors.

use super::found::{DkimKey, KeyState, is_name, key};
use super::key::{DkimRecord, KeyType, key_name};
use super::microsoft::{self, Microsoft365};
use crate::dns::check::{Check, Findings};
use crate::dns::spf::SpfReview;
use crate::dns::{Kind, Memory, Origin, Question, Request, Selector};
use crate::finding::Severity;
use crate::tag_list::quoted;

/// Receivers must not use shorter keys (RFC 8301 §3.2).
const SHORTEST: usize = 1024;
/// Signers should not use shorter ones (RFC 8301 §3.2).
const SHORT: usize = 2048;
/// Receivers need not be able to use longer ones.
const LONGEST: usize = 4096;
/// The questions that a review of the selectors begins with.
#[must_use]
pub fn questions(request: &Request<'_>) -> Vec<Question> {
    let names = request.selectors.iter().filter(|selector| is_name(selector));
    names
        .map(|selector| key_name(&selector.selector, &selector.domain))
        .flat_map(|name| [Kind::Cname, Kind::Txt].map(|kind| Question::new(kind, &name)))
        .collect()
}

/// Looks at the keys, and at Microsoft 365's names where it sends for the domain.
#[must_use]
pub fn review(
    request: &Request<'_>,
    spf: &SpfReview,
    mx: &[String],
    memory: &Memory<'_>,
    findings: &mut Findings,
) -> (Vec<DkimKey>, Option<Microsoft365>) {
    let name = request.domain;
    let theirs =
        |selector: &Selector| selector.domain == name && microsoft::SELECTORS.contains(&selector.selector.as_str());
    let sends = request.microsoft365 || spf.includes("spf.protection.outlook.com");
    let concerned = sends
        || mx
            .iter()
            .any(|server| server.ends_with(".mail.protection.outlook.com") || server.ends_with(".mx.microsoft"))
        || microsoft::is_named(name, memory);
    let microsoft365 = concerned.then(|| microsoft::review(name, mx, sends, memory, findings));
    let mut keys = Vec::new();
    for selector in request.selectors {
        let key = key(selector, memory);
        // What is wrong with the alias was said above; that the selector not in use has no key is as it should be.
        let said = microsoft365.is_some()
            && theirs(selector)
            && matches!(key.state, KeyState::Missing | KeyState::Broken | KeyState::CouldNotLook);
        if !said {
            judge(selector, &key, request, memory, findings);
        }
        if !concerned && theirs(selector) && key.state == KeyState::Present && key.aliases.is_empty() {
            findings.fail(
                Check::DkimMicrosoft365,
                Severity::Advice,
                &key.name,
                "Microsoft 365 signs with this selector; should it send for the domain, a CNAME belongs here, not a key",
                "",
            );
        }
        keys.push(key);
    }
    (keys, microsoft365)
}

fn judge(selector: &Selector, key: &DkimKey, request: &Request<'_>, memory: &Memory<'_>, findings: &mut Findings) {
    const CHECK: Check = Check::DkimKey;
    let missed = matches!(selector.origin, Origin::Asked | Origin::Verified);
    let severity = if missed { Severity::Error } else { Severity::Advice };
    let name = quoted(&key.name);
    // A key that is not used any more need not be there.
    if selector.origin == Origin::Retired && matches!(key.state, KeyState::Missing | KeyState::Revoked) {
        return;
    }
    match key.state {
        KeyState::CouldNotLook => {
            findings.unknown(CHECK, Severity::Error, &name, key.problem.as_deref().unwrap_or_default())
        }
        KeyState::Missing => {
            let wrong = format!("{}.{}", key.name, selector.domain);
            let alias = key.aliases.first();
            let detail = match (alias, selector.origin) {
                (Some(target), _) => format!("it is an alias of {}, where there is no key", quoted(target)),
                (None, _) if is_there(&wrong, memory) => {
                    format!("there is no key here, but one at {}: the domain is appended twice", quoted(&wrong))
                }
                (None, _) if alike(selector, request, memory).is_some() => format!(
                    "there is no key here, but one at {}: one of the two names is misspelt",
                    quoted(&alike(selector, request, memory).unwrap_or_default())
                ),
                (None, Origin::Asked | Origin::Retired) => "there is no key here".to_owned(),
                (None, Origin::Verified) => {
                    "there is no key here, though reports say that signatures with it verified: mail signed with it fails now"
                        .to_owned()
                }
                (None, Origin::Unverified) => {
                    "there is no key here, and no signature with it verified; it may be an invention of somebody else"
                        .to_owned()
                }
            };
            let remedy = if missed || alias.is_some() {
                "Publish the key that the sender signs with, or take the selector out of use there first."
            } else {
                ""
            };
            findings.fail(CHECK, severity, &name, detail, remedy);
        }
        KeyState::Revoked => findings.fail(
            CHECK,
            match selector.origin {
                Origin::Verified => Severity::Error,
                Origin::Asked | Origin::Retired => Severity::Warning,
                Origin::Unverified => Severity::Advice,
            },
            &name,
            "the key is revoked (p= is empty): signatures with it fail",
            "Make sure that nothing signs with it any more.",
        ),
        KeyState::Broken => findings.fail(
            CHECK,
            severity,
            &name,
            key.problem.clone().unwrap_or_default(),
            key.remedy.clone().unwrap_or_else(|| {
                "Publish the key once, as the sender shows it, whole and in one TXT record.".to_owned()
            }),
        ),
        KeyState::Present => present(key, &name, findings),
    }
}

fn present(key: &DkimKey, name: &str, findings: &mut Findings) {
    const CHECK: Check = Check::DkimKey;
    let bits = key.bits.unwrap_or_default();
    match key.key_type {
        Some(KeyType::Rsa) if bits < SHORTEST => findings.fail(
            Check::DkimKeyBits,
            Severity::Error,
            name,
            format!(
                "the RSA key is too short: it has {bits} bits, and receivers must treat signatures by keys of less than {SHORTEST} as failed (RFC 8301 §3.2). So they do, whether they report `fail`, `policy` or `permerror`: the mail counts as not signed"
            ),
            format!("Make a key of {SHORT} bits under a new selector, publish it, and sign with it."),
        ),
        Some(KeyType::Rsa) if bits < SHORT => findings.fail(
            Check::DkimKeyBits,
            Severity::Warning,
            name,
            format!("the RSA key has {bits} bits; {SHORT} are advised (RFC 8301)"),
            format!("Make a key of {SHORT} bits at the next rotation."),
        ),
        Some(KeyType::Rsa) if bits > LONGEST => findings.fail(
            Check::DkimKeyBits,
            Severity::Warning,
            name,
            format!("the RSA key has {bits} bits; receivers need not be able to use more than {LONGEST} (RFC 8301)"),
            format!("Make a key of {SHORT} bits."),
        ),
        Some(KeyType::Rsa) => findings.pass(CHECK, name, format!("an RSA key of {bits} bits")),
        Some(KeyType::Ed25519) => {
            findings.pass(CHECK, name, "an Ed25519 key; receivers that know only RSA cannot use it")
        }
        Some(KeyType::Unknown) | None => {}
    }
    if key.testing {
        findings.fail(
            Check::DkimTesting,
            Severity::Warning,
            name,
            "the key is marked as a test (t=y): receivers may treat what it signs as unsigned",
            "Remove t=y.",
        );
    }
    if let Some(problem) = &key.problem {
        findings.fail(Check::DkimSyntax, Severity::Warning, name, problem.clone(), "Correct the record.");
    }
    for (severity, detail, remedy) in &key.notes {
        findings.fail(Check::DkimSyntax, *severity, name, *detail, *remedy);
    }
}

/// The name of a key whose selector is one edit away from one without a key.
fn alike(selector: &Selector, request: &Request<'_>, memory: &Memory<'_>) -> Option<String> {
    let near = |other: &&Selector| {
        other.domain == selector.domain
            && other.selector.len() > 1
            && strsim::osa_distance(&other.selector, &selector.selector) == 1
            // s1 and s2 are two selectors, not one misspelt.
            && other.selector.trim_end_matches(|c: char| c.is_ascii_digit())
                != selector.selector.trim_end_matches(|c: char| c.is_ascii_digit())
    };
    let mut names = request.selectors.iter().filter(near).map(|other| key_name(&other.selector, &other.domain));
    names.find(|name| is_there(name, memory))
}

fn is_there(name: &str, memory: &Memory<'_>) -> bool {
    memory.txt(name).values().iter().any(|text| DkimRecord::is_meant(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::zone::Zone;
    use crate::dns::{Checked, Outcome};

    const KEY: &str = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

    fn reviewed(selector: &str, origin: Origin, zone: &str) -> (KeyState, Vec<(Severity, Check)>) {
        let zone = Zone::new(zone);
        let selectors = [Selector { domain: "example.com".to_owned(), selector: selector.to_owned(), origin }];
        let request = Request { domain: "example.com", selectors: &selectors, ..Request::default() };
        let mut findings = Findings::default();
        let (keys, _) = review(&request, &SpfReview::default(), &[], &Memory::new(&zone), &mut findings);
        let failed = findings.0.iter().map(Checked::key).filter(|(outcome, ..)| *outcome == Outcome::Failed);
        (keys[0].state, failed.map(|(_, severity, check)| (severity, check)).collect())
    }

    #[test]
    fn a_key_is_missed_only_where_it_was_used() {
        for (origin, severity) in [
            (Origin::Verified, Severity::Error),
            (Origin::Asked, Severity::Error),
            (Origin::Unverified, Severity::Advice),
        ] {
            assert_eq!(reviewed("s", origin, ""), (KeyState::Missing, vec![(severity, Check::DkimKey)]));
        }
        assert_eq!(reviewed("s", Origin::Verified, "s._domainkey.example.com TXT !SERVFAIL").0, KeyState::CouldNotLook);
    }

    #[test]
    fn a_key_that_is_not_used_any_more_is_not_missed() {
        for record in ["", "s._domainkey.example.com TXT v=DKIM1; p="] {
            assert_eq!(reviewed("s", Origin::Retired, record).1, [], "{record}");
            assert_eq!(reviewed("s", Origin::Verified, record).1, [(Severity::Error, Check::DkimKey)], "{record}");
        }
    }

    #[test]
    fn the_target_of_an_alias_as_a_text_is_one_error() {
        let record = "s._domainkey.example.com TXT s.example-com.keys.mailer.example.";
        assert_eq!(reviewed("s", Origin::Asked, record), (KeyState::Broken, vec![(Severity::Error, Check::DkimKey)]));
    }

    #[test]
    fn what_receivers_bear() {
        let spread = KEY.replace("VS/", "VS/\" \"");
        let record = format!("s._domainkey.example.com TXT {spread}; g=");
        let syntax = |severity| (severity, Check::DkimSyntax);
        let wanted = vec![syntax(Severity::Warning), syntax(Severity::Advice)];
        assert_eq!(reviewed("s", Origin::Verified, &record), (KeyState::Present, wanted));
    }

    #[test]
    fn a_key_that_is_too_short_is_called_so() {
        let key = "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAMvw3q+iOeHRzLiS2d2BA9LL6B1v5IMjKFFsK4uwJA5dBcq1TNQM+0nVlpmT0VVHvGsvWz0NrWVMp1+ieYOAgMkCAwEAAQ==";
        let record = format!("s._domainkey.example.com TXT v=DKIM1; k=rsa; p={key}");
        let wanted = vec![(Severity::Error, Check::DkimKeyBits)];
        assert_eq!(reviewed("s", Origin::Verified, &record), (KeyState::Present, wanted));
    }

    #[test]
    fn a_misspelt_selector_is_named() {
        let zone = Zone::new(&format!("mail2026._domainkey.example.com TXT {KEY}"));
        let selectors = ["mial2026", "mail2026", "mail2027"].map(|selector| Selector {
            domain: "example.com".to_owned(),
            selector: selector.to_owned(),
            origin: Origin::Verified,
        });
        let request = Request { domain: "example.com", selectors: &selectors, ..Request::default() };
        let mut findings = Findings::default();
        let _ = review(&request, &SpfReview::default(), &[], &Memory::new(&zone), &mut findings);
        let failed: Vec<String> =
            findings.0.into_iter().filter(|one| one.outcome == Outcome::Failed).map(|one| one.finding.detail).collect();
        assert!(failed[0].contains("mail2026._domainkey.example.com: one of the two names is misspelt"), "{failed:?}");
        assert!(!failed[1].contains("misspelt"), "{failed:?}");
    }

    #[test]
    fn selectors_of_reports_that_are_no_names() {
        let long = "x".repeat(64);
        for selector in ["", "a..b", "a b", long.as_str(), "\u{1b}[31m"] {
            assert_eq!(reviewed(selector, Origin::Unverified, "").0, KeyState::Broken, "{selector:?}");
        }
    }

    #[test]
    fn selector1_belongs_to_microsoft_only_where_it_sends() {
        let own = format!("selector1._domainkey.example.com TXT {KEY}");
        let (state, failed) = reviewed("selector1", Origin::Verified, &own);
        assert_eq!((state, failed), (KeyState::Present, vec![(Severity::Advice, Check::DkimMicrosoft365)]));
        let theirs = format!(
            "{own}\nselector2._domainkey.example.com CNAME selector2-example-com._domainkey.contoso.onmicrosoft.com"
        );
        let (_, failed) = reviewed("selector1", Origin::Verified, &theirs);
        assert_eq!(failed, [(Severity::Error, Check::DkimMicrosoft365)]);
    }
}
