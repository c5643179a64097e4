//! What was forgotten.

use std::io::{Result, Write};

use jiff::civil::Date;
use serde_json::json;

use super::{Form, json};
use crate::store::Pruned;
use crate::words::plural;

/// Writes what was, or in a dry run would be, forgotten.
///
/// # Errors
/// Those of writing.
pub fn prune(pruned: Pruned, before: Date, dry_run: bool, form: Form, out: &mut dyn Write) -> Result<()> {
    let Pruned { reports, records, messages } = pruned;
    match form {
        Form::Json => json(
            &json!({
                "schema": "dmarcstat/prune/1", "before": before.to_string(), "dry_run": dry_run,
                "reports": reports, "records": records, "messages": messages,
            }),
            out,
        ),
        Form::Table | Form::Markdown | Form::Csv => writeln!(
            out,
            "{} {} of days before {before}, with {} and {}.",
            if dry_run { "Would forget" } else { "Forgot" },
            plural(reports, "report"),
            plural(records, "record"),
            plural(messages, "message"),
        ),
    }
}
