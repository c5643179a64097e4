//! What is wrong with a domain as a whole, before the paths of an answer.

use super::document::{Document, Mark, Paint, Text};
use super::remedy;
use crate::diagnosis::DomainFinding;
use crate::finding::Severity;

pub(super) fn paint(severity: Severity) -> Paint {
    match severity {
        Severity::Error => Paint::Bad,
        Severity::Warning => Paint::Warn,
        Severity::Advice => Paint::Dim,
    }
}

/// Each in a line, with what to do in another; nothing of advice, where nothing is to be mended.
pub(super) fn short(findings: &[DomainFinding], document: &mut Document) {
    if findings.is_empty() {
        return;
    }
    document.heading("Of the whole domain");
    for finding in findings {
        item(finding, document);
        if let Some(remedy) = finding.finding.remedy.as_ref().filter(|_| finding.finding.severity != Severity::Advice) {
            document.below(remedy::title(remedy));
        }
    }
}

/// The same with every step.
pub(super) fn in_full(findings: &[DomainFinding], document: &mut Document) {
    if findings.is_empty() {
        return;
    }
    document.heading("Of the whole domain");
    for finding in findings {
        item(finding, document);
        if let Some(remedy) = &finding.finding.remedy {
            document.item_at(1, Mark::None, remedy::title(remedy));
            remedy::steps(remedy, 1, document);
        }
    }
}

fn item(finding: &DomainFinding, document: &mut Document) {
    let severity = finding.finding.severity;
    document.marked(format!("{}:", severity.as_str()), paint(severity), Text::prose(finding.worded()));
}
