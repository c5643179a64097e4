//! What is in quarantine.

use std::io::{Result, Write};

use serde_json::{Value, json};

use super::grid::{Column, Grid, Row, csv};
use super::text::hex;
use super::{Form, Paint, Style, json};
use crate::report::period::rfc3339;
use crate::sanitize::sanitize;
use crate::store::{QuarantineEntry, Quarantined};
use crate::words::{grouped, plural};

/// How many bytes of an entry are shown.
const EXCERPT: usize = 512;

fn entry_json(entry: &QuarantineEntry) -> Value {
    json!({
        "id": entry.id,
        "input": entry.origin.location,
        "code": entry.code,
        "reason": entry.reason,
        "inner": entry.inner,
        "bytes": entry.size,
        "sha256": hex(&entry.sha256),
        "first_seen": rfc3339(entry.first_seen),
        "reporter": entry.reporter,
        "domain": entry.domain,
        "begin": entry.period.map(|period| rfc3339(period.0)),
        "end": entry.period.map(|period| rfc3339(period.1)),
        "mail_from": entry.origin.from,
        "subject": entry.origin.subject,
        "message_id": entry.origin.message_id,
        "file_name": entry.origin.file_name,
    })
}

/// Who reported on what, as far as is known.
fn about(entry: &QuarantineEntry) -> String {
    let reporter = entry.reporter.as_ref().or(entry.origin.from.as_ref());
    let day = entry.period.map(|period| rfc3339(period.0)[..10].to_owned());
    [reporter.cloned(), entry.domain.clone(), day].into_iter().flatten().collect::<Vec<_>>().join(" on ")
}

/// Writes the list.
///
/// # Errors
/// Those of writing.
pub fn quarantine_list(entries: &[QuarantineEntry], form: Form, style: &Style, out: &mut dyn Write) -> Result<()> {
    match form {
        Form::Json => json(
            &json!({ "schema": "dmarcstat/quarantine/1", "entries": entries.iter().map(entry_json).collect::<Vec<_>>() }),
            out,
        ),
        Form::Csv => csv(
            &[
                "id",
                "input",
                "code",
                "reason",
                "inner",
                "bytes",
                "first_seen",
                "reporter",
                "domain",
                "mail_from",
                "subject",
                "file_name",
            ],
            entries.iter().map(|entry| {
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                vec![
                    entry.id.to_string(),
                    entry.origin.location.clone(),
                    entry.code.clone(),
                    entry.reason.clone(),
                    entry.inner.clone(),
                    entry.size.to_string(),
                    rfc3339(entry.first_seen),
                    text(&entry.reporter),
                    text(&entry.domain),
                    text(&entry.origin.from),
                    text(&entry.origin.subject),
                    text(&entry.origin.file_name),
                ]
            }),
            out,
        ),
        Form::Table | Form::Markdown => {
            if entries.is_empty() {
                return writeln!(out, "The quarantine is empty.");
            }
            let mut grid = Grid::new([
                Column::number("ID"),
                Column::text("CODE"),
                Column::text("INPUT"),
                Column::number("BYTES"),
                Column::text("SINCE").from(100),
                Column::text("ABOUT").from(120),
            ]);
            for entry in entries {
                let mut row = Row::new([
                    entry.id.to_string(),
                    entry.code.clone(),
                    entry.origin.location.clone(),
                    grouped(entry.size),
                    rfc3339(entry.first_seen)[..10].to_owned(),
                    about(entry),
                ])
                .paint(1, Paint::Warn);
                row.below = Some(entry.reason.clone());
                grid.push(row);
            }
            if form == Form::Markdown {
                return grid.markdown(out);
            }
            grid.table(out, style)
        }
    }
}

/// Writes one entry, with the beginning of its bytes.
///
/// # Errors
/// Those of writing.
pub fn quarantine_entry(found: &Quarantined, form: Form, style: &Style, out: &mut dyn Write) -> Result<()> {
    let entry = &found.entry;
    let head = &found.bytes[..found.bytes.len().min(EXCERPT)];
    // Packed bytes are shown as such; text may be cut within its last character.
    let excerpt = match std::str::from_utf8(head) {
        Err(error) if error.valid_up_to() + 4 < head.len() || head.contains(&0) => hex(&head[..head.len().min(32)]),
        _ => String::from_utf8_lossy(head).into_owned(),
    };
    match form {
        Form::Json => json(
            &json!({ "schema": "dmarcstat/quarantine-entry/1", "entry": entry_json(entry), "excerpt": excerpt }),
            out,
        ),
        Form::Csv => quarantine_list(std::slice::from_ref(entry), form, style, out),
        Form::Table | Form::Markdown => {
            let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
            for (name, value) in [
                ("entry", entry.id.to_string()),
                ("input", entry.origin.location.clone()),
                ("reason", format!("{} ({})", entry.reason, entry.code)),
                ("since", rfc3339(entry.first_seen)),
                ("about", about(entry)),
                ("mail from", text(&entry.origin.from)),
                ("subject", text(&entry.origin.subject)),
                ("file name", text(&entry.origin.file_name)),
                ("bytes", format!("{}, sha256 {}", grouped(entry.size), hex(&entry.sha256))),
            ] {
                writeln!(out, "{} {}", style.paint(&format!("{name:>10}"), Paint::Dim), sanitize(&value))?;
            }
            writeln!(out)?;
            for line in excerpt.lines().take(20) {
                writeln!(out, "    {}", sanitize(line))?;
            }
            Ok(())
        }
    }
}

/// Writes what was done with entries.
///
/// # Errors
/// Those of writing.
pub fn quarantine_actions(done: &str, entries: usize, left: usize, form: Form, out: &mut dyn Write) -> Result<()> {
    match form {
        Form::Json => json(
            &json!({ "schema": "dmarcstat/quarantine-action/1", "action": done, "entries": entries, "left": left }),
            out,
        ),
        Form::Csv => {
            csv(&["action", "entries", "left"], [vec![done.to_owned(), entries.to_string(), left.to_string()]], out)
        }
        Form::Table | Form::Markdown => {
            let entry = if entries == 1 { "entry" } else { "entries" };
            writeln!(
                out,
                "{} {entry} {done}; {} left in the quarantine.",
                grouped(entries as u64),
                plural(left as u64, "entry").replace("entrys", "entries")
            )
        }
    }
}
