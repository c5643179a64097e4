//! One report whole.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::document::{Document, Fact, Paint};
use super::form::Answer;
use super::reports::{beside_others, summary_json};
use super::table::{Column, Field, Rows, Table, Written as _, painted, plain};
use crate::alignment::{AuthResult, Disposition, SpfCheck};
use crate::report::period::{date_of, rfc3339};
use crate::report::{Irregularity, IrregularityCode};
use crate::store::{Apart, ReportDetail, ReportRow, ReportSummary, Trust};
use crate::words::{grouped, hex, plural};

fn result_json(result: AuthResult, word: Option<&String>) -> (Value, Option<&String>) {
    (json!(result.as_str()), word)
}

fn row_json(row: &ReportRow) -> Value {
    let outcome = &row.outcome;
    let verdict = &outcome.verdict;
    let evaluated = |value: Option<bool>| value.map(pass);
    let listed = |result, word: &Option<String>| {
        let (value, word) = result_json(result, word.as_ref());
        let mut map = Map::new();
        map.insert("result".to_owned(), value);
        if let Some(word) = word {
            map.insert("result_raw".to_owned(), json!(word));
        }
        map
    };
    let dkim: Vec<Value> = outcome
        .dkim
        .iter()
        .map(|one| {
            let mut map = listed(one.result, &one.word);
            map.insert("domain".to_owned(), json!(one.domain));
            map.insert("selector".to_owned(), json!(one.selector));
            map.insert("human_result".to_owned(), json!(one.human));
            Value::Object(map)
        })
        .collect();
    let spf: Vec<Value> = outcome
        .spf
        .iter()
        .map(|one| {
            let mut map = listed(one.result, &one.word);
            map.insert("domain".to_owned(), json!(one.domain));
            map.insert("scope".to_owned(), json!(one.scope.map(|scope| scope.as_str())));
            map.insert("human_result".to_owned(), json!(one.human));
            Value::Object(map)
        })
        .collect();
    json!({
        "source_ip": row.is_address.then_some(&row.address),
        "source_ip_raw": (!row.is_address).then_some(&row.address),
        "count": row.count,
        "header_from": outcome.header_from,
        "envelope_from": outcome.envelope_from,
        "envelope_to": outcome.envelope_to,
        "disposition": outcome.disposition.map(Disposition::as_str),
        "disposition_raw": outcome.disposition_word,
        "evaluated_dkim": evaluated(outcome.evaluated_dkim),
        "evaluated_spf": evaluated(outcome.evaluated_spf),
        "reasons": outcome.reasons.iter().map(|reason| json!({
            "type": reason.kind.as_str(), "type_raw": reason.word, "comment": reason.comment,
        })).collect::<Vec<_>>(),
        "dkim": dkim,
        "spf": spf,
        "dkim_state": verdict.dkim.as_str(),
        "spf_state": verdict.spf.as_str(),
        "dmarc": verdict.dmarc.map(pass),
        "dmarc_source": if verdict.dmarc_recomputed { "recomputed" } else { "reported" },
        "recomputed_dkim": verdict.recomputed_dkim.map(pass),
        "recomputed_spf": verdict.recomputed_spf.map(pass),
        "contradiction": verdict.contradiction,
    })
}

fn pass(passed: bool) -> &'static str {
    if passed { "pass" } else { "fail" }
}

/// One report whole.
#[derive(Debug, Clone, Copy)]
pub struct ReportAnswer<'a> {
    /// All but its rows.
    pub detail: &'a ReportDetail,
    /// Its rows.
    pub rows: &'a [ReportRow],
}

impl Answer for ReportAnswer<'_> {
    const HAS_ROWS: bool = true;

    fn data(&self) -> impl Serialize {
        let detail = self.detail;
        let errors: Vec<&str> = detail.head.errors.iter().flat_map(|errors| errors.lines()).collect();
        let irregularities = detail.head.summary.irregularities.iter().map(
            |one| json!({ "code": one.code.as_str(), "detail": described(one, &detail.head.summary), "count": one.count }),
        );
        let sightings = detail.sightings.iter().map(|one| {
            json!({
                "input": one.location, "message_id": one.message_id,
                "trust": one.trust.as_str(), "dmarc_domain": one.dmarc_domain,
            })
        });
        let raw = json!({ "sha256": hex(&detail.sha256), "bytes": detail.size, "kept": detail.raw_kept });
        let mut map = summary_json(&detail.head.summary);
        for (key, value) in [
            ("extra_contact_info", json!(detail.head.extra_contact_info)),
            ("generator", json!(detail.head.generator)),
            ("version", json!(detail.head.version)),
            ("namespace", json!(detail.head.namespace)),
            ("errors", json!(errors)),
            ("irregularities", irregularities.collect()),
            ("sightings", sightings.collect()),
            ("raw", raw),
            ("rows", self.rows.iter().map(row_json).collect()),
        ] {
            map.insert(key.to_owned(), value);
        }
        json!({ "schema": "dmarcstat/report/1", "report": map })
    }

    fn document(&self) -> Document {
        let mut document = Document::default();
        document.facts(facts(self.detail).into_iter().map(|(name, value)| Fact::new(name, value)).collect());
        document.table(table(self.rows));
        document
    }

    fn rows(&self) -> Rows<'_> {
        Rows::of(ROW_FIELDS, self.rows.iter())
    }
}

/// The place or value at which something odd was seen; of a report beside others of its identity, whether it counts.
fn described<'r>(one: &'r Irregularity, report: &ReportSummary) -> Cow<'r, str> {
    match one.code {
        IrregularityCode::SameIdDifferentContent => Cow::Owned(beside_others(report)),
        _ => Cow::Borrowed(&one.detail),
    }
}

fn facts(detail: &ReportDetail) -> Vec<(&'static str, String)> {
    let report = &detail.head.summary;
    let policy = &report.policy;
    let tags = [
        ("p", &policy.p),
        ("sp", &policy.sp),
        ("np", &policy.np),
        ("adkim", &policy.adkim),
        ("aspf", &policy.aspf),
        ("pct", &policy.pct),
        ("fo", &policy.fo),
        ("testing", &policy.testing),
        ("discovery", &policy.discovery_method),
    ];
    let tags: Vec<String> =
        tags.into_iter().filter_map(|(tag, value)| value.as_ref().map(|value| format!("{tag}={value}"))).collect();
    let mut facts = vec![
        ("report", format!("{} (id {})", report.report_id, report.id)),
        (
            "reporter",
            format!(
                "{} <{}>",
                report.org_name.as_deref().unwrap_or(&report.reporter),
                report.email.as_deref().unwrap_or("no address")
            ),
        ),
        ("domain", report.domain.clone()),
        ("period", format!("{} to {}, counted on {}", rfc3339(report.begin), rfc3339(report.end), date_of(report.day))),
        ("policy", tags.join(" ")),
        ("records", format!("{}, {}", grouped(report.records), plural(report.messages, "message"))),
    ];
    match report.apart() {
        Some(Apart::Dropped) => {
            facts.push(("counted", format!("no: it was dropped (dmarcstat reports drop {})", report.id)))
        }
        Some(Apart::Ignored) => {
            facts.push(("counted", "no: its reporter is ignored (dmarcstat reports ignore)".to_owned()));
        }
        Some(Apart::Foreign) => {
            facts.push(("counted", "no: its domain is none of those in [owner] domains".to_owned()))
        }
        Some(Apart::Untrusted) if report.trust == Trust::Misnamed => facts.push((
            "counted",
            "no: the mail that brought it passed DMARC for somebody who uses another's name".to_owned(),
        )),
        Some(Apart::Untrusted) => facts.push(("counted", "no: the mail that brought it failed DMARC".to_owned())),
        None => {}
    }
    for one in &report.irregularities {
        let times = if one.count > 1 { format!(" ({} times)", grouped(one.count)) } else { String::new() };
        let detail = described(one, report);
        let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
        facts.push(("irregularity", format!("{}{detail}{times}", one.code)));
    }
    for error in detail.head.errors.iter().flat_map(|errors| errors.lines()) {
        facts.push(("error", error.to_owned()));
    }
    for one in &detail.sightings {
        let domain = one.dmarc_domain.as_ref().map_or(String::new(), |domain| format!(" for {domain}"));
        let word = match one.trust {
            Trust::Unchecked => String::new(),
            trust => format!(" (the mail {} DMARC{domain})", trust.as_str()),
        };
        facts.push(("seen in", format!("{}{word}", one.location)));
    }
    facts
}

const ROW_FIELDS: &[Field<ReportRow>] = &[
    ("source_ip", |row| row.address.written()),
    ("count", |row| row.count.written()),
    ("header_from", |row| row.outcome.header_from.written()),
    ("envelope_from", |row| row.outcome.envelope_from.written()),
    ("envelope_to", |row| row.outcome.envelope_to.written()),
    ("disposition", |row| row.outcome.disposition.map(Disposition::as_str).written()),
    ("evaluated_dkim", |row| row.outcome.evaluated_dkim.map(pass).written()),
    ("evaluated_spf", |row| row.outcome.evaluated_spf.map(pass).written()),
    ("dkim_state", |row| row.outcome.verdict.dkim.as_str().written()),
    ("spf_state", |row| row.outcome.verdict.spf.as_str().written()),
    ("dmarc", |row| row.outcome.verdict.dmarc.map(pass).written()),
    ("reasons", |row| row.outcome.reasons.iter().map(|reason| reason.kind.as_str()).collect::<Vec<_>>().written()),
    ("dkim", signatures),
    ("spf", spf_checks),
];

fn spf_checks(row: &ReportRow) -> String {
    let one = |one: &SpfCheck| format!("{}={}", one.domain.as_deref().unwrap_or("-"), one.result.as_str());
    row.outcome.spf.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn signatures(row: &ReportRow) -> String {
    let one = |one: &crate::alignment::Signature| {
        let selector = one.selector.as_ref().map_or(String::new(), |selector| format!("{selector}@"));
        format!("{selector}{}={}", one.domain.as_deref().unwrap_or("-"), one.result.as_str())
    };
    row.outcome.dkim.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn table(rows: &[ReportRow]) -> Table {
    Table::of(
        rows,
        [
            (Column::text("SOURCE"), |row| plain(&row.address)),
            (Column::number("COUNT"), |row| plain(row.count.written())),
            (Column::text("HEADER FROM"), |row| plain(row.outcome.header_from.written())),
            (Column::text("DKIM"), |row| plain(row.outcome.verdict.dkim.as_str())),
            (Column::text("SPF"), |row| plain(row.outcome.verdict.spf.as_str())),
            (Column::text("DMARC"), |row| match row.outcome.verdict.dmarc {
                Some(true) => painted(pass(true), Paint::Good),
                Some(false) => painted(pass(false), Paint::Bad),
                None => painted("", Paint::Dim),
            }),
            (Column::text("DISPOSITION").from(100), |row| {
                plain(row.outcome.disposition.map(Disposition::as_str).written())
            }),
            (Column::text("SIGNATURES").from(130), |row| plain(signatures(row))),
            (Column::text("SPF CHECKS").from(170), |row| plain(spf_checks(row))),
        ],
    )
}
