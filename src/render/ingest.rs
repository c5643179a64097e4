//! What came of reading files.

use std::io::{Result, Write};

use serde_json::{Value, json};

use super::{Form, json};
use crate::ingest::IngestSummary;
use crate::words::{grouped, plural};

/// Writes the summary of a run that took `seconds`. It has no rows: as CSV it is the text for people, and the command line
/// refuses that form.
///
/// # Errors
/// Those of writing.
pub fn ingest(summary: &IngestSummary, seconds: f64, form: Form, out: &mut dyn Write) -> Result<()> {
    match form {
        Form::Json => json(&facts("dmarcstat/ingest/1", summary, seconds), out),
        Form::Table | Form::Markdown | Form::Csv => {
            writeln!(out, "{} ({seconds:.1} s)", sentence(summary))?;
            if summary.quarantined.iter().any(|one| !one.known) {
                writeln!(out, "See `dmarcstat quarantine` for what could not be read.")?;
            }
            Ok(())
        }
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
        "untrusted": summary.untrusted,
        "other": {
            "tls_report": summary.tls_reports,
            "failure_report": summary.failure_reports,
            "not_a_report": summary.not_a_report,
        },
        "irregularities": summary.irregularities,
        "quarantined": summary.quarantined.iter().map(|one| json!({
            "input": one.input, "code": one.code, "reason": one.reason, "known": one.known,
        })).collect::<Vec<_>>(),
        "failed": summary.failed.iter().map(|one| json!({ "input": one.input, "reason": one.reason })).collect::<Vec<_>>(),
        "elapsed_seconds": (seconds * 1000.0).round() / 1000.0,
    })
}

/// The summary in one line.
pub(super) fn sentence(summary: &IngestSummary) -> String {
    let fresh = summary.quarantined.iter().filter(|one| !one.known).count() as u64;
    let known = summary.quarantined.len() as u64 - fresh;
    let mut parts = vec![format!("{} new", plural(summary.new, "report"))];
    let mut part = |number: u64, text: &str| {
        if number > 0 {
            parts.push(format!("{} {text}", grouped(number)));
        }
    };
    part(summary.duplicate, "known before");
    part(summary.reread, "of them read otherwise than before");
    part(summary.conflicting, "under a known id with other content");
    part(summary.foreign, "not on the domains of [owner]");
    part(summary.untrusted, "kept apart because the mail failed DMARC or came under another's name");
    part(summary.tls_reports, if summary.tls_reports == 1 { "SMTP TLS report" } else { "SMTP TLS reports" });
    part(summary.failure_reports, if summary.failure_reports == 1 { "failure report" } else { "failure reports" });
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
