//! The columns of the CSV files that parsedmarc writes, for dashboards and sheets that were made for those.
//!
//! Its defaults stand where a report says nothing, as they do there. What it looks up elsewhere (countries, its list of senders) is empty,
//! but for host names that are known here and, with paths, the sender's name.

use std::sync::Arc;

use jiff::Timestamp;

use super::columns::{number, text, truth};
use super::value::{Field, Record, Value};
use crate::alignment::{Disposition, Outcome, Scope};
use crate::diagnosis::SendingPath;
use crate::domain;
use crate::store::{ReportHead, bare_id};

/// The columns in their order there, and after them `id`, by which a repeated export is recognised.
pub(super) const ORDER: &[&str] = &[
    "xml_schema",
    "org_name",
    "org_email",
    "org_extra_contact_info",
    "report_id",
    "begin_date",
    "end_date",
    "errors",
    "domain",
    "adkim",
    "aspf",
    "p",
    "sp",
    "pct",
    "fo",
    "source_ip_address",
    "source_country",
    "source_reverse_dns",
    "source_base_domain",
    "source_name",
    "source_type",
    "count",
    "spf_aligned",
    "dkim_aligned",
    "dmarc_aligned",
    "disposition",
    "policy_override_reasons",
    "policy_override_comments",
    "envelope_from",
    "header_from",
    "envelope_to",
    "dkim_domains",
    "dkim_selectors",
    "dkim_results",
    "spf_domains",
    "spf_scopes",
    "spf_results",
    "id",
];

/// Text, empty where there is none: no field is ever absent there.
fn filled(text: Option<impl AsRef<str>>) -> Value {
    text.map_or_else(|| Value::Text("".into()), |text| Value::Text(text.as_ref().into()))
}

/// A time without a zone, in UTC.
fn time(seconds: i64) -> Value {
    filled(Timestamp::from_second(seconds).ok().map(|time| time.strftime("%Y-%m-%d %H:%M:%S").to_string()))
}

/// A policy tag, or what holds without it (RFC 7489 §6.3).
fn tag(tag: Option<&String>, default: &str) -> Value {
    filled(Some(tag.map_or_else(|| default.to_owned(), |tag| tag.to_ascii_lowercase())))
}

pub(super) const RECORD: &[Field<Record>] = &[
    text("id", |record| Value::Text(Arc::clone(&record.id))),
    text("source_ip_address", |record| Value::Text(Arc::clone(&record.address))),
    text("source_country", |_| filled(None::<&str>)),
    text("source_reverse_dns", |record| filled(record.host.as_deref())),
    text("source_base_domain", |record| filled(record.host.as_deref().map(domain::organizational))),
    text("source_type", |_| filled(None::<&str>)),
    number("count", |record| Value::number(record.messages)),
];

pub(super) const REPORT: &[Field<ReportHead>] = &[
    text("xml_schema", |head| filled(Some(head.version.as_deref().unwrap_or("draft")))),
    text("org_name", |head| filled(head.summary.org_name.as_ref())),
    text("org_email", |head| filled(head.summary.email.as_ref())),
    text("org_extra_contact_info", |head| filled(head.extra_contact_info.as_ref())),
    text("report_id", |head| filled(bare_id(&head.summary.report_id).split('@').next())),
    text("begin_date", |head| time(head.summary.begin)),
    text("end_date", |head| time(head.summary.end)),
    text("errors", |head| filled(head.errors.as_ref().map(|errors| errors.replace('\n', "|")))),
    text("domain", |head| filled(Some(&head.summary.domain))),
    text("adkim", |head| tag(head.summary.policy.adkim.as_ref(), "r")),
    text("aspf", |head| tag(head.summary.policy.aspf.as_ref(), "r")),
    text("p", |head| tag(head.summary.policy.p.as_ref(), "")),
    text("sp", |head| tag(head.summary.policy.sp.as_ref().or(head.summary.policy.p.as_ref()), "")),
    text("pct", |head| tag(head.summary.policy.pct.as_ref(), "100")),
    text("fo", |head| tag(head.summary.policy.fo.as_ref(), "0")),
];

fn joined<T>(list: &[T], between: &str, text: impl Fn(&T) -> &str) -> Value {
    filled(Some(list.iter().map(text).collect::<Vec<&str>>().join(between)))
}

pub(super) const OUTCOME: &[Field<Outcome>] = &[
    truth("spf_aligned", |outcome| {
        Value::Truth(outcome.evaluated_spf.or(outcome.verdict.recomputed_spf) == Some(true))
    }),
    truth("dkim_aligned", |outcome| {
        Value::Truth(outcome.evaluated_dkim.or(outcome.verdict.recomputed_dkim) == Some(true))
    }),
    truth("dmarc_aligned", |outcome| Value::Truth(outcome.verdict.dmarc == Some(true))),
    text("disposition", |outcome| filled(Some(outcome.disposition.map_or("none", Disposition::as_str)))),
    text("policy_override_reasons", |outcome| joined(&outcome.reasons, ",", |reason| reason.kind.as_str())),
    text("policy_override_comments", |outcome| {
        joined(&outcome.reasons, "|", |reason| reason.comment.as_deref().unwrap_or("none"))
    }),
    text("envelope_from", |outcome| filled(outcome.envelope_from.as_ref())),
    text("header_from", |outcome| filled(outcome.header_from.as_ref())),
    text("envelope_to", |outcome| filled(outcome.envelope_to.as_ref())),
    text("dkim_domains", |outcome| joined(&outcome.dkim, ",", |one| one.domain.as_deref().unwrap_or(""))),
    text("dkim_selectors", |outcome| joined(&outcome.dkim, ",", |one| one.selector.as_deref().unwrap_or("none"))),
    text("dkim_results", |outcome| joined(&outcome.dkim, ",", |one| one.result.as_str())),
    text("spf_domains", |outcome| joined(&outcome.spf, ",", |one| one.domain.as_deref().unwrap_or(""))),
    text("spf_scopes", |outcome| joined(&outcome.spf, ",", |one| one.scope.unwrap_or(Scope::MailFrom).as_str())),
    text("spf_results", |outcome| joined(&outcome.spf, ",", |one| one.result.as_str())),
];

pub(super) const PATH: &[Field<SendingPath>] = &[text("source_name", |path| filled(Some(&path.sender)))];

/// The same column where the sender is not asked for.
pub(super) const NO_PATH: &[Field<SendingPath>] = &[text("source_name", |_| filled(None::<&str>))];
