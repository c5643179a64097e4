//! The columns under this program's own names; `docs/export.md` explains each.

use std::sync::Arc;

use serde_json::json;

use super::value::{Content, Field, Kind, Record, Value};
use crate::alignment::{AuthResult, Disposition, Outcome};
use crate::diagnosis::SendingPath;
use crate::report::period::{date_of, rfc3339};
use crate::store::ReportHead;

/// What people look for first.
pub(super) const FIRST: &[&str] =
    &["id", "day", "domain", "source_ip", "messages", "header_from", "dkim", "spf", "dmarc"];

pub(super) const fn text<T>(name: &'static str, value: fn(&T) -> Value) -> Field<T> {
    Field { name, kind: Kind::Text, content: Content::Value(value) }
}

pub(super) const fn number<T>(name: &'static str, value: fn(&T) -> Value) -> Field<T> {
    Field { name, kind: Kind::Number, content: Content::Value(value) }
}

pub(super) const fn truth<T>(name: &'static str, value: fn(&T) -> Value) -> Field<T> {
    Field { name, kind: Kind::Truth, content: Content::Value(value) }
}

pub(super) const fn list<T>(name: &'static str, list: fn(&T) -> serde_json::Value) -> Field<T> {
    Field { name, kind: Kind::Json, content: Content::List(list) }
}

pub(super) const RECORD: &[Field<Record>] = &[
    text("id", |record| Value::Text(Arc::clone(&record.id))),
    text("source_ip", |record| if record.is_address { Value::Text(Arc::clone(&record.address)) } else { Value::Null }),
    text(
        "source_ip_raw",
        |record| {
            if record.is_address { Value::Null } else { Value::Text(Arc::clone(&record.address)) }
        },
    ),
    text("source_host", |record| Value::text(record.host.as_deref())),
    number("messages", |record| Value::number(record.messages)),
];

/// A policy tag as written, in lower case.
pub(super) fn tag(tag: &Option<String>) -> Value {
    Value::text(tag.as_ref().map(|tag| tag.to_ascii_lowercase()))
}

pub(super) const REPORT: &[Field<ReportHead>] = &[
    text("day", |head| Value::text(Some(date_of(head.summary.day).to_string()))),
    text("domain", |head| Value::text(Some(&head.summary.domain))),
    number("report", |head| Value::Number(head.summary.id)),
    text("report_id", |head| Value::text(Some(&head.summary.report_id))),
    text("reporter", |head| Value::text(Some(&head.summary.reporter))),
    text("org_name", |head| Value::text(head.summary.org_name.as_ref())),
    text("email", |head| Value::text(head.summary.email.as_ref())),
    text("extra_contact_info", |head| Value::text(head.extra_contact_info.as_ref())),
    text("begin", |head| Value::text(Some(rfc3339(head.summary.begin)))),
    text("end", |head| Value::text(Some(rfc3339(head.summary.end)))),
    text("errors", |head| Value::text(head.errors.as_ref())),
    text("generator", |head| Value::text(head.generator.as_ref())),
    text("version", |head| Value::text(head.version.as_ref())),
    text("namespace", |head| Value::text(head.namespace.as_ref())),
    text("generation", |head| Value::text(Some(if head.summary.rfc9990 { "rfc9990" } else { "rfc7489" }))),
    text("trust", |head| Value::text(Some(head.summary.trust.as_str()))),
    text("p", |head| tag(&head.summary.policy.p)),
    text("sp", |head| tag(&head.summary.policy.sp)),
    text("np", |head| tag(&head.summary.policy.np)),
    text("adkim", |head| tag(&head.summary.policy.adkim)),
    text("aspf", |head| tag(&head.summary.policy.aspf)),
    text("pct", |head| tag(&head.summary.policy.pct)),
    text("fo", |head| tag(&head.summary.policy.fo)),
    text("testing", |head| tag(&head.summary.policy.testing)),
    text("discovery_method", |head| tag(&head.summary.policy.discovery_method)),
];

fn pass(passed: Option<bool>) -> Value {
    Value::text(passed.map(|passed| if passed { "pass" } else { "fail" }))
}

/// The domains whose signatures verified, each once.
fn signed_by(outcome: &Outcome) -> Value {
    let mut domains: Vec<&str> = Vec::new();
    for one in outcome.dkim.iter().filter(|one| one.result == AuthResult::Pass) {
        domains.extend(one.domain.as_deref());
    }
    domains.sort_unstable();
    domains.dedup();
    if domains.is_empty() { Value::Null } else { Value::text(Some(domains.join(","))) }
}

pub(super) const OUTCOME: &[Field<Outcome>] = &[
    text("header_from", |outcome| Value::text(outcome.header_from.as_ref())),
    text("dkim", |outcome| Value::text(Some(outcome.verdict.dkim.as_str()))),
    text("spf", |outcome| Value::text(Some(outcome.verdict.spf.as_str()))),
    text("dmarc", |outcome| pass(outcome.verdict.dmarc)),
    truth("dmarc_recomputed", |outcome| Value::Truth(outcome.verdict.dmarc_recomputed)),
    text("envelope_from", |outcome| Value::text(outcome.envelope_from.as_ref())),
    text("envelope_to", |outcome| Value::text(outcome.envelope_to.as_ref())),
    text("disposition", |outcome| Value::text(outcome.disposition.map(Disposition::as_str))),
    text("disposition_raw", |outcome| Value::text(outcome.disposition_word.as_ref())),
    text("evaluated_dkim", |outcome| pass(outcome.evaluated_dkim)),
    text("evaluated_spf", |outcome| pass(outcome.evaluated_spf)),
    text("recomputed_dkim", |outcome| pass(outcome.verdict.recomputed_dkim)),
    text("recomputed_spf", |outcome| pass(outcome.verdict.recomputed_spf)),
    truth("contradiction", |outcome| Value::Truth(outcome.verdict.contradiction)),
    text("broken_by", |outcome| Value::text(outcome.verdict.broken_by.map(AuthResult::as_str))),
    truth("null_reverse_path", |outcome| Value::Truth(outcome.verdict.null_reverse_path)),
    text("spf_domain", |outcome| Value::text(outcome.verdict.envelope.as_ref())),
    text("signed_by", signed_by),
    list("dkim_results", |outcome| {
        outcome
            .dkim
            .iter()
            .map(|one| {
                json!({
                    "domain": one.domain, "selector": one.selector, "result": one.result.as_str(),
                    "result_raw": one.word, "human_result": one.human,
                })
            })
            .collect()
    }),
    list("spf_results", |outcome| {
        outcome
            .spf
            .iter()
            .map(|one| {
                json!({
                    "domain": one.domain, "scope": one.scope.map(|scope| scope.as_str()),
                    "result": one.result.as_str(), "result_raw": one.word, "human_result": one.human,
                })
            })
            .collect()
    }),
    list("reasons", |outcome| {
        let reasons = outcome.reasons.iter();
        reasons.map(|one| json!({ "type": one.kind.as_str(), "type_raw": one.word, "comment": one.comment })).collect()
    }),
];

pub(super) const PATH: &[Field<SendingPath>] = &[
    text("path", |path| Value::text(Some(&path.id))),
    text("sender", |path| Value::text(Some(&path.sender))),
    text("author", |path| Value::text(path.author.as_ref())),
    text("provider", |path| Value::text(path.provider.as_ref())),
    text("role", |path| Value::text(Some(path.role.as_str()))),
    text("class", |path| Value::text(Some(path.class.as_str()))),
    text("cause", |path| Value::text(path.cause.map(|cause| cause.as_str()))),
];
