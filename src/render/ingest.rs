//! What came of reading files.

use serde::Serialize;
use serde_json::{Value, json};

use super::document::{Document, Text};
use super::form::Answer;
use crate::ingest::IngestSummary;
use crate::store::Kept;
use crate::words::{agree, grouped, plural};

/// What came of reading files.
#[derive(Debug, Clone, Copy)]
pub struct IngestAnswer<'a> {
    /// What was read.
    pub summary: &'a IngestSummary,
    /// How long it took.
    pub seconds: f64,
}

impl Answer for IngestAnswer<'_> {
    fn data(&self) -> impl Serialize {
        facts("dmarcstat/ingest/1", self.summary, self.seconds)
    }

    fn document(&self) -> Document {
        let mut document = Document::default();
        document.line(format!("{} ({:.1} s)", sentence(self.summary), self.seconds));
        if self.summary.quarantined.iter().any(|one| one.kept != Kept::Before) {
            document.text(Text::prose("See `dmarcstat quarantine` for what could not be read."));
        }
        document
    }
}

/// The summary as JSON, with a schema's name.
pub(super) fn facts(schema: &str, summary: &IngestSummary, seconds: f64) -> Value {
    json!({
        "schema": schema,
        "inputs": summary.inputs,
        "mails": summary.mails,
        "reports": { "new": summary.new, "duplicate": summary.duplicate, "conflicting": summary.conflicting },
        "records": summary.records,
        "messages": summary.messages,
        "reread": summary.reread,
        "foreign": summary.foreign,
        "ignored": summary.ignored,
        "untrusted": summary.untrusted,
        "other": {
            "tls_report": summary.tls.all(),
            "failure_report": summary.failure_reports,
            "not_a_report": summary.not_a_report,
        },
        "tls_reports": summary.tls,
        "irregularities": summary.irregularities,
        "quarantined": summary.quarantined.iter().map(|one| json!({
            "input": one.input, "code": one.code, "reason": one.reason, "known": one.kept == Kept::Before,
            "kept": one.kept != Kept::Not,
        })).collect::<Vec<_>>(),
        "failed": summary.failed,
        "elapsed_seconds": (seconds * 1000.0).round() / 1000.0,
    })
}

/// The summary in one line.
pub(super) fn sentence(summary: &IngestSummary) -> String {
    let fresh = summary.quarantined.iter().filter(|one| one.kept != Kept::Before).count() as u64;
    let known = summary.quarantined.len() as u64 - fresh;
    let mut parts = vec![format!("{} new", plural(summary.new, "report"))];
    let mut part = |number: u64, text: &str| {
        if number > 0 {
            parts.push(format!("{} {text}", grouped(number)));
        }
    };
    part(summary.duplicate, "known before");
    part(summary.reread, "of them read differently than before");
    part(summary.conflicting, "with a known id and other content");
    part(summary.foreign, "not on the domains of [owner]");
    part(summary.ignored, "of reporters that are ignored");
    part(summary.untrusted, "kept apart because the mail failed DMARC or came under another's name");
    let tls = summary.tls;
    part(tls.new + tls.conflicting, agree(tls.new + tls.conflicting, "new SMTP TLS report", "new SMTP TLS reports"));
    part(tls.duplicate, agree(tls.duplicate, "SMTP TLS report known before", "SMTP TLS reports known before"));
    part(summary.failure_reports, agree(summary.failure_reports, "failure report", "failure reports"));
    part(summary.not_a_report, "not a report");
    part(fresh, "quarantined");
    part(known, "in quarantine before");
    part(summary.failed.len() as u64, "could not be opened");
    format!(
        "{}: {}; {}, {}",
        plural(summary.inputs, "input"),
        parts.join(", "),
        plural(summary.records, "record"),
        plural(summary.messages, "message"),
    )
}
