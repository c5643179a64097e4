//! What is wrong with a domain as a whole, before the paths of an answer.

use std::io::{Result, Write};

use super::grid::wrap;
use super::page::Page;
use super::prose::Prose;
use super::text::markdown_cell;
use super::{Paint, Style};
use crate::diagnosis::DomainFinding;
use crate::finding::Severity;
use crate::sanitize::sanitize;

fn paint(severity: Severity) -> Paint {
    match severity {
        Severity::Error => Paint::Bad,
        Severity::Warning => Paint::Warn,
        Severity::Advice => Paint::Dim,
    }
}

/// What to do, in a line; nothing of advice, where nothing is to be mended.
fn remedy(finding: &DomainFinding) -> Option<String> {
    if finding.finding.severity == Severity::Advice {
        return None;
    }
    finding.finding.remedy.as_ref().map(|remedy| format!("→ {}", remedy.title))
}

/// In a table of paths: one below the other, with a blank line behind them.
pub(super) fn table(findings: &[DomainFinding], style: &Style, out: &mut dyn Write) -> Result<()> {
    let width = usize::from(style.width);
    for finding in findings {
        let mark = finding.finding.severity.as_str();
        let text = format!("{mark}: {}", finding.worded());
        for (number, line) in wrap(&sanitize(&text), width.saturating_sub(2)).iter().enumerate() {
            match line.strip_prefix(mark).filter(|_| number == 0) {
                Some(rest) => writeln!(out, "{}{rest}", style.paint(mark, paint(finding.finding.severity)))?,
                None => writeln!(out, "  {line}")?,
            }
        }
        for line in remedy(finding).iter().flat_map(|text| wrap(&sanitize(text), width.saturating_sub(4))) {
            writeln!(out, "    {}", style.paint(&line, Paint::Dim))?;
        }
    }
    if findings.is_empty() { Ok(()) } else { writeln!(out) }
}

/// The same in Markdown.
pub(super) fn markdown(findings: &[DomainFinding], out: &mut dyn Write) -> Result<()> {
    for finding in findings {
        let remedy = remedy(finding).map_or_else(String::new, |text| format!(" {}", markdown_cell(&text)));
        let mark = finding.finding.severity.as_str();
        writeln!(out, "- **{mark}** {}{remedy}", markdown_cell(&finding.worded()))?;
    }
    if findings.is_empty() { Ok(()) } else { writeln!(out) }
}

/// In a page of parts.
pub(super) fn page(findings: &[DomainFinding], page: &mut Page<'_>) -> Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    page.heading("Of the whole domain")?;
    for finding in findings {
        page.item("-", &finding.worded(), paint(finding.finding.severity))?;
        if let Some(text) = remedy(finding) {
            page.below(&text)?;
        }
    }
    Ok(())
}

/// In a review, with every step.
pub(super) fn prose(findings: &[DomainFinding], prose: &mut Prose) {
    if findings.is_empty() {
        return;
    }
    prose.heading("Of the whole domain");
    for finding in findings {
        let severity = finding.finding.severity;
        prose.item(0, severity.as_str(), paint(severity), finding.worded());
        let Some(remedy) = &finding.finding.remedy else { continue };
        prose.item(1, "mend:", Paint::Plain, remedy.title.clone());
        for (number, step) in remedy.steps.iter().enumerate() {
            prose.item(1, format!("{}.", number + 1), Paint::Dim, step.clone());
        }
        if let Some(source) = &remedy.source {
            prose.item(1, "source:", Paint::Dim, source.clone());
        }
    }
}
