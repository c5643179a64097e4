//! From a record as it was written to its outcome, with notes of what is odd about it.

use super::outcome::{AlignmentMode, Outcome, OverrideReason, Signature, SpfCheck};
use super::verdict::Verdict;
use super::vocabulary::{AuthResult, Disposition, OverrideType, Reading, Scope};
use crate::domain;
use crate::report::{Irregularities, IrregularityCode, Record, Text};

impl Outcome {
    /// Reads and judges a record, noting what is odd about it.
    #[must_use]
    pub fn of(record: &Record, mode: AlignmentMode, odd: &mut Irregularities) -> Self {
        let evaluated = &record.row.policy_evaluated;
        let identifiers = &record.identifiers;
        let (disposition, disposition_word) = disposition(&evaluated.disposition, odd);
        let mut outcome = Outcome {
            mode,
            header_from: noted_name(&identifiers.header_from, "header_from", odd),
            envelope_from: identifiers
                .envelope_from
                .get()
                .map(|text| domain::normalize(domain::of_mailbox(text)).map_or_else(String::new, Into::into)),
            envelope_to: name(&identifiers.envelope_to),
            disposition,
            disposition_word,
            evaluated_dkim: evaluation(&evaluated.dkim, "dkim", odd),
            evaluated_spf: evaluation(&evaluated.spf, "spf", odd),
            reasons: evaluated
                .reasons
                .iter()
                .map(|reason| override_reason(&reason.kind, &reason.comment, odd))
                .collect(),
            dkim: Vec::with_capacity(record.auth_results.dkim.len()),
            spf: Vec::with_capacity(record.auth_results.spf.len()),
            verdict: Verdict::default(),
        };
        for listed in record.auth_results.dkim.iter() {
            let (result, word) = result(&listed.result, AuthResult::read_dkim, "dkim", odd);
            outcome.dkim.push(Signature {
                domain: noted_name(&listed.domain, "dkim/domain", odd),
                selector: listed.selector.filled().map(str::to_ascii_lowercase),
                human: human(&listed.human_result, &listed.result),
                result,
                word,
            });
        }
        for listed in record.auth_results.spf.iter() {
            let (result, word) = result(&listed.result, AuthResult::read_spf, "spf", odd);
            outcome.spf.push(SpfCheck {
                domain: listed.domain.filled().map(domain::of_mailbox).and_then(domain::normalize).map(Into::into),
                scope: scope(&listed.scope, odd),
                human: human(&listed.human_result, &listed.result),
                result,
                word,
            });
        }
        if outcome.header_from.is_none() {
            odd.add(IrregularityCode::NoHeaderFrom, "");
        }
        if outcome.dkim.is_empty() && outcome.spf.is_empty() {
            odd.add(IrregularityCode::NoAuthResults, "");
        }
        outcome.verdict = Verdict::of(&outcome);
        outcome
    }
}

fn name(text: &Text) -> Option<String> {
    text.filled().and_then(domain::normalize).map(Into::into)
}

/// The same of a field in which an address in place of the domain is worth a note.
fn noted_name(text: &Text, field: &str, odd: &mut Irregularities) -> Option<String> {
    let written = text.filled()?;
    let domain = domain::of_mailbox(written);
    if domain.len() != written.len() {
        odd.add(IrregularityCode::AddressForDomain, &format!("{field}: {written}"));
    }
    domain::normalize(domain).map(Into::into)
}

fn disposition(text: &Text, odd: &mut Irregularities) -> (Option<Disposition>, Option<String>) {
    let Some(word) = text.filled() else {
        return (None, None);
    };
    match Disposition::read(word) {
        Reading::Known(value) | Reading::Alias(value) => (Some(value), None),
        Reading::Unknown => {
            odd.add(IrregularityCode::BadEnum, &format!("disposition: {word}"));
            (Some(Disposition::Unknown), Some(word.to_owned()))
        }
    }
}

fn evaluation(text: &Text, mechanism: &str, odd: &mut Irregularities) -> Option<bool> {
    let Some(word) = text.filled() else {
        odd.add(IrregularityCode::NoEvaluation, mechanism);
        return None;
    };
    if word.eq_ignore_ascii_case("pass") {
        return Some(true);
    }
    if !word.eq_ignore_ascii_case("fail") {
        odd.add(IrregularityCode::BadEvaluated, &format!("{mechanism}: {word}"));
    }
    Some(false)
}

fn override_reason(kind: &Text, comment: &Text, odd: &mut Irregularities) -> OverrideReason {
    let comment = comment.filled().map(str::to_owned);
    let Some(word) = kind.filled() else {
        odd.add(IrregularityCode::EmptyReasonType, "");
        return OverrideReason { kind: OverrideType::Other, word: None, comment };
    };
    match OverrideType::read(word) {
        Reading::Known(kind) | Reading::Alias(kind) => OverrideReason { kind, word: None, comment },
        Reading::Unknown => {
            odd.add(IrregularityCode::BadEnum, &format!("reason type: {word}"));
            OverrideReason { kind: OverrideType::Unknown, word: Some(word.to_owned()), comment }
        }
    }
}

fn result(
    text: &Text,
    read: impl Fn(&str) -> Reading<AuthResult>,
    mechanism: &str,
    odd: &mut Irregularities,
) -> (AuthResult, Option<String>) {
    let Some(word) = text.filled() else {
        odd.add(IrregularityCode::EmptyResult, mechanism);
        return (AuthResult::Unknown, None);
    };
    match read(word) {
        Reading::Known(result) => (result, None),
        Reading::Alias(result) => {
            odd.add(IrregularityCode::AliasValue, &format!("{mechanism}: {word}"));
            (result, Some(word.to_owned()))
        }
        Reading::Unknown => {
            odd.add(IrregularityCode::BadEnum, &format!("{mechanism}: {word}"));
            (AuthResult::Unknown, Some(word.to_owned()))
        }
    }
}

fn scope(text: &Text, odd: &mut Irregularities) -> Option<Scope> {
    let word = text.filled()?;
    match Scope::read(word) {
        Reading::Known(scope) => Some(scope),
        Reading::Alias(scope) => {
            odd.add(IrregularityCode::AliasValue, &format!("scope: {word}"));
            Some(scope)
        }
        Reading::Unknown => {
            odd.add(IrregularityCode::BadEnum, &format!("scope: {word}"));
            Some(Scope::Unknown)
        }
    }
}

/// The text for people, unless it only repeats the result, as nearly all do.
fn human(text: &Text, result: &Text) -> Option<String> {
    text.filled()
        .filter(|human| !result.get().is_some_and(|result| human.eq_ignore_ascii_case(result)))
        .map(str::to_owned)
}
