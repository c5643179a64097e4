//! What a record shows of *why* DKIM or SPF does not align, beside the states.

use super::outcome::{Outcome, Signature};
use super::verdict::{Detail, SpfFault};
use super::vocabulary::{AuthResult, ReasonCode, Scope};
use crate::domain::Author;

/// The detail of an outcome; `broken_by` is the result of the broken signature that sets the state.
pub(super) fn of(outcome: &Outcome, from: Option<&Author<'_>>, broken_by: Option<AuthResult>) -> Detail {
    let Some(from) = from else {
        return Detail::default();
    };
    let misses = |name: Option<&str>, strict: bool| {
        strict && name.is_some_and(|name| from.aligns(name, false) && !from.aligns(name, true))
    };
    let passes = |result| result == AuthResult::Pass;
    let (spf_fault, spf_fault_elsewhere) =
        spf_fault(outcome, from).map_or((None, false), |(fault, elsewhere)| (Some(fault), elsewhere));
    Detail {
        reason: broken_by.and_then(|result| reason(outcome, from, result)),
        spf_fault,
        spf_fault_elsewhere,
        strict_dkim: outcome
            .dkim
            .iter()
            .any(|one| passes(one.result) && misses(one.domain.as_deref(), outcome.mode.dkim_strict)),
        strict_spf: outcome.spf.iter().any(|one| {
            let mail_from = one.scope != Some(Scope::Helo);
            passes(one.result) && mail_from && misses(one.domain.as_deref(), outcome.mode.spf_strict)
        }),
        envelope_reported: outcome.envelope_from.is_some() || outcome.spf.iter().any(|one| one.scope.is_some()),
        spf_without_domain: outcome.envelope_from.is_none()
            && !outcome.spf.is_empty()
            && outcome.spf.iter().all(|one| one.domain.is_none() && one.result != AuthResult::Unknown),
    }
}

/// What is said of the domain's signatures with this result.
fn reason(outcome: &Outcome, from: &Author<'_>, result: AuthResult) -> Option<ReasonCode> {
    let own = |one: &&Signature| one.domain.as_deref().is_some_and(|name| from.aligns(name, outcome.mode.dkim_strict));
    let own: Vec<&Signature> = outcome.dkim.iter().filter(own).collect();
    let read = |one: &&Signature| one.human.as_deref().and_then(ReasonCode::read);
    // An algorithm that the reporter does not know says nothing about the signature beside it.
    let texts = own.iter().filter(|one| one.result == result).filter_map(read);
    let known = texts.min_by_key(|&code| code == ReasonCode::UnsupportedAlgorithm);
    known.or_else(|| own.iter().any(|one| listed_for_a_timeout(one, &own)).then_some(ReasonCode::DnsTimeout))
}

/// One evaluator lists a signature whose key it could not fetch twice: as `temperror` and as `permerror`.
fn listed_for_a_timeout(one: &Signature, own: &[&Signature]) -> bool {
    let same = |other: &&&Signature| other.domain == one.domain && other.selector == one.selector;
    one.result == AuthResult::TempError
        && own.iter().filter(same).any(|other| other.result == AuthResult::PermError)
        && own.iter().filter(same).all(|other| matches!(other.result, AuthResult::TempError | AuthResult::PermError))
}

/// Why the SPF record of the domain, or of a name of the same organizational domain, could not be evaluated, and whether that
/// is the record of another name than the domain itself.
fn spf_fault(outcome: &Outcome, from: &Author<'_>) -> Option<(SpfFault, bool)> {
    let own = outcome.spf.iter().filter_map(|one| Some((one, one.domain.as_deref()?)));
    let faults = own.filter(|(_, name)| from.aligns(name, false)).filter_map(|(one, name)| {
        let fault = match (one.result, one.human.as_deref().and_then(ReasonCode::read)) {
            (AuthResult::PermError, Some(ReasonCode::TooManyLookups)) => SpfFault::TooManyLookups,
            (AuthResult::PermError, _) => SpfFault::Permanent,
            (AuthResult::TempError, _) => SpfFault::Temporary,
            _ => return None,
        };
        Some((fault, !from.aligns(name, true)))
    });
    // Of two checks (HELO, MAIL FROM) the one of the domain itself says more.
    faults.max_by_key(|&(fault, elsewhere)| (!elsewhere, fault))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alignment::AlignmentMode;
    use crate::report::{Irregularities, Record};

    /// A record for example.com with these signatures (domain, result, text) and this SPF check (domain, result, text).
    fn detail(strict: bool, dkim: &[(&str, &str, &str)], spf: (&str, &str, &str)) -> Detail {
        let mut record = Record::default();
        record.identifiers.header_from.set("example.com");
        for (domain, result, text) in dkim {
            let signature = record.auth_results.dkim.push();
            signature.domain.set(domain);
            signature.result.set(result);
            signature.human_result.set(text);
        }
        let check = record.auth_results.spf.push();
        check.domain.set(spf.0);
        check.result.set(spf.1);
        check.human_result.set(spf.2);
        let mode = AlignmentMode { dkim_strict: strict, spf_strict: strict };
        Outcome::of(&record, mode, &mut Irregularities::default()).verdict.detail
    }

    const SPF: (&str, &str, &str) = ("example.com", "pass", "");

    #[test]
    fn the_reason_is_that_of_the_broken_signature_of_the_domain() {
        let reason = |dkim: &[(&str, &str, &str)]| detail(false, dkim, SPF).reason;
        assert_eq!(reason(&[("example.com", "fail", "body has been altered")]), Some(ReasonCode::BodyHash));
        assert_eq!(reason(&[("other.example", "fail", "body has been altered")]), None);
        let dual = [("example.com", "fail", "unknown algorithm"), ("example.com", "fail", "bad RSA signature")];
        assert_eq!(reason(&dual), Some(ReasonCode::SignatureMismatch));
        assert_eq!(reason(&[("example.com", "pass", "body has been altered")]), None);
    }

    #[test]
    fn a_signature_listed_twice_could_not_be_fetched() {
        let twice = [("example.com", "temperror", ""), ("example.com", "permerror", "")];
        assert_eq!(detail(false, &twice, SPF).reason, Some(ReasonCode::DnsTimeout));
        assert_eq!(detail(false, &twice[1..], SPF).reason, None);
    }

    #[test]
    fn strict_misses_are_of_the_same_organization() {
        let signed = [("mail.example.com", "pass", "")];
        let of = |strict, spf| {
            let found = detail(strict, &signed, spf);
            (found.strict_dkim, found.strict_spf)
        };
        assert_eq!(of(true, ("bounce.example.com", "pass", "")), (true, true));
        assert_eq!(of(true, SPF), (true, false));
        assert_eq!(of(false, ("bounce.example.com", "pass", "")), (false, false));
        assert_eq!(of(true, ("other.example", "pass", "")), (true, false));
    }

    #[test]
    fn spf_of_the_domain_that_cannot_be_evaluated() {
        let fault = |spf| detail(false, &[], spf).spf_fault;
        assert_eq!(fault(("example.com", "permerror", "")), Some(SpfFault::Permanent));
        assert_eq!(fault(("bounce.example.com", "permerror", "too many lookups")), Some(SpfFault::TooManyLookups));
        assert_eq!(fault(("example.com", "temperror", "")), Some(SpfFault::Temporary));
        assert_eq!(fault(("other.example", "permerror", "")), None);
        assert_eq!(fault(("example.com", "softfail", "")), None);
        let elsewhere = |spf| detail(false, &[], spf).spf_fault_elsewhere;
        assert!(elsewhere(("bounce.example.com", "permerror", "")));
        assert!(!elsewhere(("example.com", "permerror", "")));
    }
}
