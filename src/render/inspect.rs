//! One inspected message.

use serde::Serialize;

use super::document::{Document, Fact, Mark, Paint, Text};
use super::findings::paint;
use super::form::Answer;
use super::table::{Column, Field, Row, Rows, Table, Written as _};
use crate::inspect::{Aligned, Finding, Inspection, SignatureReview};
use crate::words::{percent, plural};

const FIELDS: &[Field<SignatureReview>] = &[
    ("domain", |signature| signature.domain.written()),
    ("selector", |signature| signature.selector.written()),
    ("algorithm", |signature| signature.algorithm.written()),
    ("key_bits", |signature| signature.key_bits.written()),
    ("present", |signature| signature.present.written()),
    ("aligned", |signature| word(signature.aligned).written()),
    ("result", |signature| signature.result.written()),
    ("covered", |signature| signature.covered.written()),
    ("findings", |signature| signature.findings.iter().map(|one| one.code.as_str()).collect::<Vec<_>>().written()),
];

impl Answer for Inspection {
    const HAS_ROWS: bool = true;

    fn data(&self) -> impl Serialize {
        self
    }

    fn document(&self) -> Document {
        let mut document = Document::default();
        failure_report(self, &mut document);
        headline(self, &mut document);
        envelope(self, &mut document);
        signatures(self, &mut document);
        spf(self, &mut document);
        results(self, &mut document);
        arc(self, &mut document);
        place(self, &mut document);
        if !self.findings.is_empty() {
            document.heading("To know about this message");
            findings(&self.findings, 0, &mut document);
        }
        document.heading("What this answer rests on");
        let text = "Nothing was verified here: the results are those of the server named above; everything else was read from the message.";
        document.text(Text::plain(text).paint(Paint::Dim));
        document
    }

    /// A signature is a row.
    fn rows(&self) -> Rows<'_> {
        Rows::of(FIELDS, self.signatures.iter())
    }
}

fn signatures(answer: &Inspection, document: &mut Document) {
    document.heading("DKIM");
    if answer.signatures.is_empty() {
        document.marked("✗", Paint::Bad, "no signature");
    }
    for signature in &answer.signatures {
        let (mark, paint) = mark(signature, answer);
        document.marked(mark, paint, signature_line(signature));
        findings(&signature.findings, 1, document);
    }
}

fn spf(answer: &Inspection, document: &mut Document) {
    document.heading("SPF");
    let Some(spf) = &answer.spf else {
        return document.marked("?", Paint::Dim, "the message does not say");
    };
    let result = spf.result.as_deref().unwrap_or("no result");
    let passed = result == "pass" && spf.aligned.counts(answer.published.is_some_and(|published| published.spf_strict));
    let (mark, paint) = if passed { ("✓", Paint::Good) } else { ("✗", Paint::Dim) };
    let domain = spf.domain.as_deref().unwrap_or("no domain");
    let scope = if spf.scope == "helo" { "HELO" } else { "MAIL FROM" };
    let text = format!("{scope} {domain} · {} · {result} ({})", aligned(spf.aligned), spf.source);
    document.marked(mark, paint, text);
}

/// What a failure report says of the message in it.
fn failure_report(answer: &Inspection, document: &mut Document) {
    let Some(report) = &answer.failure_report else { return };
    let by = report.reporter.as_deref().unwrap_or("somebody");
    let what = if report.headers_only { "the header of a message" } else { "a message" };
    let mut text = format!("A failure report of {by} encloses {what}");
    for (name, value) in [
        ("Feedback-Type", &report.feedback_type),
        ("Auth-Failure", &report.auth_failure),
        ("Identity-Alignment", &report.identity_alignment),
        ("Delivery-Result", &report.delivery_result),
        ("Arrival-Date", &report.arrival_date),
    ] {
        if let Some(value) = value {
            text.push_str(&format!(" · {name} {value}"));
        }
    }
    document.text(Text::plain(text).paint(Paint::Dim));
}

fn headline(answer: &Inspection, document: &mut Document) {
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
                "Passes by SPF only{claimed}: no verifying signature aligns with {from}, so it fails when it is forwarded."
            ),
            Paint::Warn,
        ),
        ("broken", _) => (format!("A signature of {from} does not verify{claimed}."), Paint::Bad),
        ("unaligned", _) => (format!("Signed, but not as {from}{claimed}."), Paint::Bad),
        ("unsigned", _) => (format!("Not signed{claimed}."), Paint::Bad),
        _ if answer.signatures.iter().any(|one| one.aligned.counts(dkim_strict(answer))) => {
            (format!("A signature aligns with {from}; nothing in the message says whether it verifies."), Paint::Warn)
        }
        _ => ("The message does not say whether it passes.".to_owned(), Paint::Warn),
    };
    document.text(Text::plain(text).paint(paint));
}

fn envelope(answer: &Inspection, document: &mut Document) {
    let mut facts = Vec::new();
    let mut line = |name: &str, text: String| facts.push(Fact::new(name, text));
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
    document.heading("Message");
    document.facts(facts);
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
        parts.push("known from the results only; its field is not in the message".to_owned());
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

fn findings(findings: &[Finding], depth: usize, document: &mut Document) {
    for finding in findings {
        let remedy = finding.remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
        let mark = Mark::Word(format!("{}:", finding.severity.as_str()), paint(finding.severity));
        document.item_at(depth, mark, Text::prose(format!("{}{remedy}", finding.detail)));
    }
}

/// What every server on the way says it found.
fn results(answer: &Inspection, document: &mut Document) {
    let mut table = Table::new([Column::text("SERVER"), Column::text("SAYS"), Column::text("FIELD").from(100)]);
    for field in &answer.results {
        let id = field.authserv_id.as_deref().unwrap_or("(no name)");
        let server = if field.used { format!("{id} (read)") } else { id.to_owned() };
        let name = match field.instance {
            Some(instance) => format!("{} i={instance}", field.field),
            None => field.field.to_owned(),
        };
        table.push(Row::new([server, field.results.join(", "), name]));
    }
    if !table.rows.is_empty() {
        document.heading("Results in the message");
        document.table(table);
    }
}

fn arc(answer: &Inspection, document: &mut Document) {
    if answer.arc.is_empty() {
        return;
    }
    document.heading("ARC: who sealed it on the way, by their own word");
    for set in &answer.arc {
        let text = format!(
            "sealed by {} · chain before it: {}",
            set.sealed_by.as_deref().unwrap_or("nobody named"),
            set.chain_validation.as_deref().unwrap_or("not given")
        );
        document.marked(set.instance.to_string(), Paint::Dim, text);
    }
}

fn place(answer: &Inspection, document: &mut Document) {
    document.heading("Its sending path");
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
        document.marked("→", Paint::Plain, text);
        document.verbatim(1, vec![format!("dmarcstat explain {}", path.id)]);
    }
    if let Some(note) = &answer.place.note {
        document.text(Text::prose(format!("{note}.")).paint(Paint::Dim));
    }
}
