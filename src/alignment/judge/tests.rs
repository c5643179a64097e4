use super::*;
use crate::alignment::AlignmentMode;
use crate::report::{Irregularities, Record};

/// A record for example.com with these signatures (domain, result) and SPF checks (domain, scope, result).
fn outcome(
    evaluated: (&str, &str),
    dkim: &[(&str, &str)],
    spf: &[(&str, &str, &str)],
    envelope: Option<&str>,
) -> Outcome {
    let mut record = Record::default();
    record.identifiers.header_from.set("Example.com");
    if let Some(envelope) = envelope {
        record.identifiers.envelope_from.set(envelope);
    }
    record.row.policy_evaluated.dkim.set(evaluated.0);
    record.row.policy_evaluated.spf.set(evaluated.1);
    for (domain, result) in dkim {
        let signature = record.auth_results.dkim.push();
        signature.domain.set(domain);
        signature.result.set(result);
    }
    for (domain, scope, result) in spf {
        let check = record.auth_results.spf.push();
        check.domain.set(domain);
        check.scope.set(scope);
        check.result.set(result);
    }
    Outcome::of(&record, AlignmentMode::default(), &mut Irregularities::default())
}

fn dkim(evaluated: &str, signatures: &[(&str, &str)]) -> DkimState {
    outcome((evaluated, "fail"), signatures, &[("example.com", "", "fail")], None).verdict.dkim
}

#[test]
fn dkim_states() {
    use DkimState::*;
    assert_eq!(dkim("fail", &[("news.example.com", "pass")]), Aligned);
    assert_eq!(dkim("fail", &[("contoso.onmicrosoft.com", "pass")]), Unaligned);
    assert_eq!(dkim("fail", &[("contoso.onmicrosoft.com", "pass"), ("example.com", "fail")]), Broken);
    assert_eq!(dkim("fail", &[("contoso.onmicrosoft.com", "fail")]), Unaligned);
    assert_eq!(dkim("fail", &[]), Unsigned);
    assert_eq!(dkim("fail", &[("example.com", "none")]), Unsigned);
    assert_eq!(dkim("fail", &[("", "")]), Unsigned);
    assert_eq!(dkim("fail", &[("example.com", "")]), Unknown);
    assert_eq!(dkim("fail", &[("example.com", "odd"), ("other.example", "pass")]), Unknown);
}

#[test]
fn a_reporters_pass_is_taken_at_its_word_and_noted() {
    let outcome = outcome(("pass", "fail"), &[("example.com", "none")], &[("example.com", "", "fail")], None);
    assert_eq!(outcome.verdict.dkim, DkimState::Aligned);
    assert!(outcome.verdict.contradiction);
    assert_eq!(outcome.verdict.dmarc, Some(true));
}

#[test]
fn the_result_of_a_broken_signature_is_kept() {
    let verdict =
        outcome(("fail", "fail"), &[("example.com", "temperror"), ("example.com", "fail")], &[], None).verdict;
    assert_eq!(verdict.broken_by, Some(AuthResult::Fail));
}

#[test]
fn spf_states() {
    let state = |domain, scope, result| outcome(("fail", "fail"), &[], &[(domain, scope, result)], None).verdict.spf;
    assert_eq!(state("bounce.example.com", "mfrom", "pass"), SpfState::Aligned);
    assert_eq!(state("mail.example.net", "", "pass"), SpfState::Unaligned);
    for result in ["fail", "softfail", "neutral", "permerror", "hardfail"] {
        assert_eq!(state("example.com", "", result), SpfState::Fail);
    }
    assert_eq!(state("example.com", "", "none"), SpfState::None);
    assert_eq!(state("example.com", "", "temperror"), SpfState::Unknown);
}

#[test]
fn helo_counts_for_the_null_reverse_path_only() {
    let helo = [("mx.example.com", "helo", "pass")];
    assert_eq!(outcome(("fail", "fail"), &[], &helo, Some("")).verdict.recomputed_spf, Some(true));
    assert_eq!(outcome(("fail", "fail"), &[], &helo, Some("<>")).verdict.recomputed_spf, Some(true));
    assert_eq!(outcome(("fail", "fail"), &[], &helo, Some("other.example")).verdict.recomputed_spf, Some(false));
}

#[test]
fn without_an_evaluation_it_is_made_here_and_marked() {
    let verdict = outcome(("", ""), &[("example.com", "pass")], &[("example.net", "", "fail")], None).verdict;
    assert_eq!((verdict.dmarc, verdict.dmarc_recomputed), (Some(true), true));
}

#[test]
fn without_header_from_nothing_is_known() {
    let mut record = Record::default();
    record.auth_results.dkim.push().result.set("fail");
    let outcome = Outcome::of(&record, AlignmentMode::default(), &mut Irregularities::default());
    assert_eq!((outcome.verdict.dkim, outcome.verdict.dmarc), (DkimState::Unknown, None));
    assert_eq!(outcome.verdict.recomputed_dkim, None);
}

#[test]
fn the_authenticated_domain_is_anothers() {
    let found = |domain| outcome(("fail", "fail"), &[], &[(domain, "mfrom", "pass")], None).verdict.authenticated;
    assert_eq!(found("bounce.mailwave.example").as_deref(), Some("mailwave.example"));
    assert_eq!(found("bounce.example.com"), None);
}
