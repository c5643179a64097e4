//! From results to states: what the listed signatures and checks amount to for header From.
//!
//! The reporter's evaluation is the verdict, what it lists is the evidence; both are kept, and where they disagree
//! that is noted and not corrected.

use super::detail;
use super::outcome::{Outcome, Signature, SpfCheck};
use super::verdict::{ForwardingReasons, Verdict};
use super::vocabulary::{AuthResult, DkimState, OverrideType, Scope, SpfState};
use crate::domain::{self, Author};

impl ForwardingReasons {
    /// Those of an outcome, whatever came of DMARC.
    fn of(outcome: &Outcome) -> Self {
        let has = |kind| outcome.reasons.iter().any(|reason| reason.kind == kind);
        ForwardingReasons {
            forwarded: has(OverrideType::Forwarded),
            mailing_list: has(OverrideType::MailingList),
            trusted_forwarder: has(OverrideType::TrustedForwarder),
            arc_pass: outcome.reasons.iter().filter_map(|reason| reason.comment.as_deref()).any(says_arc_pass),
        }
    }
}

/// Whether a comment says `arc=pass`, and not only within another word or value.
fn says_arc_pass(comment: &str) -> bool {
    comment.split(|c: char| !c.is_ascii_alphanumeric() && c != '=').any(|word| word.eq_ignore_ascii_case("arc=pass"))
}

impl Verdict {
    /// Judges an outcome by its results.
    #[must_use]
    pub fn of(outcome: &Outcome) -> Self {
        let from = outcome.header_from.as_deref().map(Author::new);
        let from = from.as_ref();
        let (dkim, broken_by) = dkim_state(outcome, from);
        let recomputed_dkim = from
            .map(|from| outcome.dkim.iter().any(|one| one.result == AuthResult::Pass && aligns(one, from, outcome)));
        let recomputed_spf = from.map(|from| {
            outcome.spf.iter().any(|one| {
                one.result == AuthResult::Pass && is_mail_from(one, outcome) && spf_aligns(one, from, outcome)
            })
        });
        let (by_dkim, by_spf) = (outcome.evaluated_dkim.or(recomputed_dkim), outcome.evaluated_spf.or(recomputed_spf));
        let dmarc = match (by_dkim, by_spf) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        };
        let envelope = envelope(outcome);
        let differs = |said: Option<bool>, found: Option<bool>| matches!((said, found), (Some(a), Some(b)) if a != b);
        Verdict {
            dkim,
            spf: spf_state(outcome, from),
            broken_by,
            recomputed_dkim,
            recomputed_spf,
            dmarc,
            dmarc_recomputed: outcome.evaluated_dkim.is_none() || outcome.evaluated_spf.is_none(),
            contradiction: differs(outcome.evaluated_dkim, recomputed_dkim)
                || differs(outcome.evaluated_spf, recomputed_spf),
            authenticated: envelope.and_then(|name| foreign_organization(name, from)).map(str::to_owned),
            envelope: envelope.map(str::to_owned),
            null_reverse_path: null_reverse_path(outcome),
            detail: detail::of(outcome, from, broken_by),
            forwarding: match dmarc {
                Some(true) => ForwardingReasons::default(),
                _ => ForwardingReasons::of(outcome),
            },
        }
    }
}

fn aligns(signature: &Signature, from: &Author<'_>, outcome: &Outcome) -> bool {
    signature.domain.as_deref().is_some_and(|domain| from.aligns(domain, outcome.mode.dkim_strict))
}

fn spf_aligns(check: &SpfCheck, from: &Author<'_>, outcome: &Outcome) -> bool {
    check.domain.as_deref().is_some_and(|domain| from.aligns(domain, outcome.mode.spf_strict))
}

/// Whether a check is for the identity that DMARC uses: MAIL FROM, or HELO where the reverse-path is null or not
/// told (RFC 7208 §2.4).
fn is_mail_from(check: &SpfCheck, outcome: &Outcome) -> bool {
    match check.scope {
        None | Some(Scope::MailFrom) => true,
        Some(Scope::Helo) => outcome.envelope_from.as_deref().is_none_or(str::is_empty),
        Some(Scope::Unknown) => false,
    }
}

fn dkim_state(outcome: &Outcome, from: Option<&Author<'_>>) -> (DkimState, Option<AuthResult>) {
    if outcome.evaluated_dkim == Some(true) {
        return (DkimState::Aligned, None);
    }
    if outcome.dkim.is_empty() && outcome.spf.is_empty() {
        return (DkimState::Unknown, None);
    }
    let Some(from) = from else {
        return (DkimState::Unknown, None);
    };
    let mut broken = None;
    let (mut unclear, mut foreign) = (false, false);
    for signature in &outcome.dkim {
        if signature.domain.is_none() || signature.result == AuthResult::None {
            continue;
        }
        if !aligns(signature, from, outcome) {
            foreign = true;
            continue;
        }
        match signature.result {
            AuthResult::Pass => return (DkimState::Aligned, None),
            AuthResult::Unknown => unclear = true,
            result => broken = worse(broken, result),
        }
    }
    match (broken, unclear, foreign) {
        (Some(result), _, _) => (DkimState::Broken, Some(result)),
        (None, true, _) => (DkimState::Unknown, None),
        (None, false, true) => (DkimState::Unaligned, None),
        (None, false, false) => (DkimState::Unsigned, None),
    }
}

/// The result that tells more: a changed message before a missing key before a key that was not fetched.
fn worse(known: Option<AuthResult>, result: AuthResult) -> Option<AuthResult> {
    let rank = |result| match result {
        AuthResult::Fail => 3,
        AuthResult::PermError => 2,
        AuthResult::TempError => 0,
        _ => 1,
    };
    match known {
        Some(known) if rank(known) >= rank(result) => Some(known),
        _ => Some(result),
    }
}

fn spf_state(outcome: &Outcome, from: Option<&Author<'_>>) -> SpfState {
    if outcome.evaluated_spf == Some(true) {
        return SpfState::Aligned;
    }
    let mut state = SpfState::Unknown;
    for check in &outcome.spf {
        let usable = is_mail_from(check, outcome);
        let found = match check.result {
            AuthResult::Pass if usable && from.is_some_and(|from| spf_aligns(check, from, outcome)) => {
                SpfState::Aligned
            }
            AuthResult::Pass if from.is_some() => SpfState::Unaligned,
            AuthResult::Fail | AuthResult::SoftFail | AuthResult::Neutral | AuthResult::PermError => SpfState::Fail,
            AuthResult::None => SpfState::None,
            _ => SpfState::Unknown,
        };
        // The states are declared best first.
        state = state.min(found);
    }
    state
}

/// The domain that SPF authenticated.
fn envelope(outcome: &Outcome) -> Option<&str> {
    let check = outcome.spf.iter().find(|check| check.result == AuthResult::Pass && is_mail_from(check, outcome))?;
    check.domain.as_deref().or(outcome.envelope_from.as_deref()).filter(|name| !name.is_empty())
}

fn foreign_organization<'n>(name: &'n str, from: Option<&Author<'_>>) -> Option<&'n str> {
    let organization = domain::organizational(name);
    from.is_none_or(|from| from.organization != organization).then_some(organization)
}

/// Some reporters leave the envelope out and tell a null reverse-path only by the scope of the SPF check.
fn null_reverse_path(outcome: &Outcome) -> bool {
    match outcome.envelope_from.as_deref() {
        Some(envelope) => envelope.is_empty(),
        None => {
            !outcome.spf.is_empty()
                && outcome.spf.iter().all(|check| check.scope == Some(Scope::Helo) && check.result != AuthResult::None)
        }
    }
}

#[cfg(test)]
mod tests;
