//! What is wrong with the text of an SPF record, whatever it includes.

use super::record::SpfRecord;
use super::term::TermKind;
use super::tree::invalid;
use crate::dns::Answer;
use crate::dns::check::{Check, Findings};
use crate::finding::Severity;
use crate::tag_list::quoted;

/// A longer record may not fit an answer over UDP together with the others at the domain (RFC 7208 §3.4).
const LONG: usize = 450;

/// Texts that somebody meant for SPF.
pub(super) fn misread(name: &str, answer: &Answer, findings: &mut Findings) {
    for text in answer.values().iter().filter(|text| SpfRecord::parse(text).is_none()) {
        let start: String = text.chars().take(16).filter(|c| !c.is_whitespace() && *c != '"').collect();
        let start = start.to_ascii_lowercase();
        if start.starts_with("spf2.0") {
            findings.fail(
                Check::SpfSyntax,
                Severity::Advice,
                name,
                "there is a Sender ID record (spf2.0), which nobody reads any more",
                "Remove it.",
            );
        } else if start.starts_with("v=spf") || start.starts_with("spf1") {
            findings.fail(
                Check::SpfSyntax,
                Severity::Warning,
                name,
                format!("{:?} is not seen as an SPF record: it does not begin with exactly \"v=spf1 \"", quoted(text)),
                "Correct or remove it.",
            );
        }
    }
}

/// What is wrong with the terms of a record, and their order.
pub(super) fn syntax(name: &str, text: &str, record: &SpfRecord, findings: &mut Findings) {
    const CHECK: Check = Check::SpfSyntax;
    let before = findings.0.len();
    for problem in record.terms.iter().filter_map(invalid) {
        findings.fail(
            CHECK,
            Severity::Error,
            name,
            format!("{problem}; receivers refuse the whole record (a permanent error)"),
            "Correct the term.",
        );
    }
    let end = record.terms.iter().position(|term| term.kind == TermKind::All);
    let behind = end.map_or(&[][..], |end| &record.terms[end + 1..]);
    let dead: Vec<&str> = behind
        .iter()
        .filter(|term| !matches!(term.kind, TermKind::Exp(_) | TermKind::Modifier | TermKind::Invalid(_)))
        .map(|term| term.text.as_str())
        .collect();
    if !dead.is_empty() {
        findings.fail(
            CHECK,
            Severity::Warning,
            name,
            format!("what follows \"all\" has no effect: {}", quoted(&dead.join(" "))),
            "Move it before \"all\", or remove it.",
        );
    } else if record.redirect().is_some() && end.is_some() {
        findings.fail(
            CHECK,
            Severity::Warning,
            name,
            "with an \"all\" in the record its redirect has no effect (RFC 7208 §6.1)",
            "Remove one of the two.",
        );
    }
    let redirects = record.terms.iter().filter(|term| matches!(term.kind, TermKind::Redirect(_))).count();
    let explanations = record.terms.iter().filter(|term| matches!(term.kind, TermKind::Exp(_))).count();
    if redirects > 1 || explanations > 1 {
        findings.fail(
            CHECK,
            Severity::Error,
            name,
            "redirect or exp is there twice: a permanent error (RFC 7208 §6)",
            "Leave one.",
        );
    }
    if text.len() > LONG {
        findings.fail(
            Check::SpfLength,
            Severity::Advice,
            name,
            format!(
                "the record has {} characters; from {LONG} on an answer may need TCP, which some networks block",
                text.len()
            ),
            "Shorten it, or move parts into records of their own that it includes.",
        );
    }
    if findings.0.len() == before {
        findings.pass(CHECK, name, "every term of the SPF record can be read");
    }
}
