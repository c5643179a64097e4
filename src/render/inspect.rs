//! One inspected message.

use std::io::{Result, Write};

use super::grid::{Column, Grid, Row, csv};
use super::prose::Prose;
use super::{Form, Paint, Style, json};
use crate::finding::{Code, Severity};
use crate::inspect::{Aligned, Finding, Inspection, SignatureReview};
use crate::words::{percent, plural};

const HEADINGS: [&str; 9] =
    ["domain", "selector", "algorithm", "key_bits", "present", "aligned", "result", "covered", "findings"];

/// Writes the answer.
///
/// # Errors
/// Those of writing.
pub fn inspect(answer: &Inspection, form: Form, style: &Style, out: &mut dyn Write) -> Result<()> {
    match form {
        Form::Json => json(answer, out),
        Form::Csv => csv(&HEADINGS, answer.signatures.iter().map(cells), out),
        Form::Table => prose(answer).table(out, style),
        Form::Markdown => prose(answer).markdown(out),
    }
}

fn cells(signature: &SignatureReview) -> Vec<String> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    vec![
        text(&signature.domain),
        text(&signature.selector),
        text(&signature.algorithm),
        signature.key_bits.map(|bits| bits.to_string()).unwrap_or_default(),
        signature.present.to_string(),
        word(signature.aligned).to_owned(),
        text(&signature.result),
        signature.covered.join(" "),
        signature.findings.iter().map(|finding| finding.code.as_str()).collect::<Vec<_>>().join(" "),
    ]
}

fn prose(answer: &Inspection) -> Prose {
    let mut prose = Prose::default();
    headline(answer, &mut prose);
    envelope(answer, &mut prose);
    prose.heading("DKIM");
    if answer.signatures.is_empty() {
        prose.item(0, "✗", Paint::Bad, "no signature");
    }
    for signature in &answer.signatures {
        let (mark, paint) = mark(signature, answer);
        prose.item(0, mark, paint, signature_line(signature));
        findings(&signature.findings, 1, &mut prose);
    }
    prose.heading("SPF");
    match &answer.spf {
        None => prose.item(0, "?", Paint::Dim, "the message does not tell"),
        Some(spf) => {
            let result = spf.result.as_deref().unwrap_or("no result");
            let passed =
                result == "pass" && spf.aligned.counts(answer.published.is_some_and(|published| published.spf_strict));
            let (mark, paint) = if passed { ("✓", Paint::Good) } else { ("✗", Paint::Dim) };
            let domain = spf.domain.as_deref().unwrap_or("no domain");
            let scope = if spf.scope == "helo" { "HELO" } else { "MAIL FROM" };
            let text = format!("{scope} {domain} · {} · {result} ({})", aligned(spf.aligned), spf.source);
            prose.item(0, mark, paint, text);
        }
    }
    results(answer, &mut prose);
    arc(answer, &mut prose);
    place(answer, &mut prose);
    if !answer.findings.is_empty() {
        prose.heading("To know about this message");
        findings(&answer.findings, 0, &mut prose);
    }
    prose.heading("How far this goes");
    prose.line(
        "Nothing was verified here: results are the word of the server named above, all else was read from the message.",
        Paint::Dim,
    );
    prose
}

fn headline(answer: &Inspection, prose: &mut Prose) {
    let claimed = match &answer.authserv {
        Some(authserv) if authserv.trusted => "",
        Some(_) => ", if the results in it are to be believed",
        None => "",
    };
    let from = answer.from.as_deref().unwrap_or("From");
    let (text, paint) = match (answer.dkim_state, answer.dmarc_pass) {
        ("aligned", _) => (format!("Signed as {from}: DKIM verifies and aligns{claimed}."), Paint::Good),
        (_, Some(true)) => (
            format!(
                "Carried by SPF alone{claimed}: no verifying signature aligns with {from}, so it fails when it is forwarded."
            ),
            Paint::Warn,
        ),
        ("broken", _) => (format!("A signature of {from} does not verify{claimed}."), Paint::Bad),
        ("unaligned", _) => (format!("Signed, but not as {from}{claimed}."), Paint::Bad),
        ("unsigned", _) => (format!("Not signed{claimed}."), Paint::Bad),
        _ if answer.signatures.iter().any(|one| one.aligned.counts(dkim_strict(answer))) => {
            (format!("A signature aligns with {from}; nothing in the message says whether it verifies."), Paint::Warn)
        }
        _ => ("The message does not tell whether it passes.".to_owned(), Paint::Warn),
    };
    prose.line(text, paint);
}

fn envelope(answer: &Inspection, prose: &mut Prose) {
    prose.heading("Message");
    let mut line = |name: &str, text: String| prose.item(0, format!("{name}:"), Paint::Dim, text);
    line("From", answer.from_addresses.join(", "));
    match answer.reverse_path.as_deref() {
        Some("") => line("Return-Path", "<> (null)".to_owned()),
        Some(path) => line("Return-Path", path.to_owned()),
        None => {}
    }
    if let Some(hand_over) = &answer.handed_over_by {
        line("Handed over by", format!("{} ({})", hand_over.address, hand_over.source));
    }
    if let Some(received) = &answer.received {
        line("Received", received.clone());
    }
    if let Some(published) = &answer.published {
        let mode = |strict| if strict { "strict" } else { "relaxed" };
        let by = if published.source == "dns" { "by the DNS" } else { "by the newest reports" };
        line(
            "Alignment asked for",
            format!("DKIM {}, SPF {} ({by})", mode(published.dkim_strict), mode(published.spf_strict)),
        );
    }
    let server = match &answer.authserv {
        None => "nobody's: there is no Authentication-Results".to_owned(),
        Some(authserv) => {
            let id = authserv.id.as_deref().unwrap_or("a server without a name");
            match (authserv.trusted, &authserv.id) {
                (true, _) => format!("{id}, your server"),
                (false, None) if !authserv.others.is_empty() => {
                    format!("nobody's: those of {} are not believed", authserv.others.join(", "))
                }
                (false, _) => format!("{id}, as it claims; only your own server's can be believed"),
            }
        }
    };
    line("Results", server);
    if let Some(dmarc) = &answer.dmarc {
        line("Its DMARC result", dmarc.clone());
    }
}

fn mark(signature: &SignatureReview, answer: &Inspection) -> (&'static str, Paint) {
    match (signature.aligned.counts(dkim_strict(answer)), signature.result.as_deref()) {
        (true, Some("pass")) => ("✓", Paint::Good),
        (true, None) => ("?", Paint::Warn),
        (true, _) => ("✗", Paint::Bad),
        (false, _) => ("·", Paint::Dim),
    }
}

fn signature_line(signature: &SignatureReview) -> String {
    let mut parts = vec![format!(
        "d={} s={}",
        signature.domain.as_deref().unwrap_or("(none)"),
        signature.selector.as_deref().unwrap_or("(none)")
    )];
    parts.push(aligned(signature.aligned).to_owned());
    parts.push(match (&signature.result, &signature.result_detail) {
        (None, _) => "no result".to_owned(),
        (Some(result), Some(detail)) if result != "pass" => format!("{result} ({detail})"),
        (Some(result), _) => result.clone(),
    });
    match (&signature.algorithm, signature.key_bits) {
        (Some(algorithm), Some(bits)) => parts.push(format!("{algorithm}, {bits} bit")),
        (Some(algorithm), None) => parts.push(algorithm.clone()),
        (None, _) => {}
    }
    if !signature.present {
        parts.push("told by the results only, its field is not in the message".to_owned());
    }
    parts.join(" · ")
}

fn dkim_strict(answer: &Inspection) -> bool {
    answer.published.is_some_and(|published| published.dkim_strict)
}

fn word(aligned: Aligned) -> &'static str {
    match aligned {
        Aligned::Strict => "strict",
        Aligned::Relaxed => "relaxed",
        Aligned::No => "no",
    }
}

fn aligned(aligned: Aligned) -> &'static str {
    match aligned {
        Aligned::Strict => "aligned (strict)",
        Aligned::Relaxed => "aligned (relaxed only)",
        Aligned::No => "not aligned",
    }
}

fn findings(findings: &[Finding], depth: usize, prose: &mut Prose) {
    for finding in findings {
        let paint = match finding.severity {
            Severity::Error => Paint::Bad,
            Severity::Warning => Paint::Warn,
            Severity::Advice => Paint::Dim,
        };
        let remedy = finding.remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
        prose.item(depth, format!("{}:", finding.severity.as_str()), paint, format!("{}{remedy}", finding.detail));
    }
}

/// What every server on the way says it found.
fn results(answer: &Inspection, prose: &mut Prose) {
    let mut grid = Grid::new([Column::text("SERVER"), Column::text("SAYS"), Column::text("FIELD").from(100)]);
    for field in &answer.results {
        let id = field.authserv_id.as_deref().unwrap_or("(no name)");
        let server = if field.used { format!("{id} (read)") } else { id.to_owned() };
        let name = match field.instance {
            Some(instance) => format!("{} i={instance}", field.field),
            None => field.field.to_owned(),
        };
        grid.push(Row::new([server, field.results.join(", "), name]));
    }
    if !grid.rows.is_empty() {
        prose.heading("Results in the message");
        prose.grid(grid);
    }
}

fn arc(answer: &Inspection, prose: &mut Prose) {
    if answer.arc.is_empty() {
        return;
    }
    prose.heading("ARC: who sealed it on the way, by their own word");
    for set in &answer.arc {
        let text = format!(
            "sealed by {} · chain before it: {}",
            set.sealed_by.as_deref().unwrap_or("nobody named"),
            set.chain_validation.as_deref().unwrap_or("not told")
        );
        prose.item(0, format!("{}", set.instance), Paint::Dim, text);
    }
}

fn place(answer: &Inspection, prose: &mut Prose) {
    prose.heading("Its sending path");
    if let Some(path) = &answer.place.path {
        let share = percent(path.dkim_aligned, path.messages);
        let text = format!(
            "{} · {}, {} · {}, {share} of them DKIM-aligned · found by {}",
            path.sender,
            path.class.as_str(),
            path.role.as_str(),
            plural(path.messages, "message"),
            path.matched_by,
        );
        prose.item(0, "→", Paint::Plain, text);
        prose.code(format!("dmarcstat explain {}", path.id));
    }
    if let Some(note) = &answer.place.note {
        prose.line(format!("{note}."), Paint::Dim);
    }
}
