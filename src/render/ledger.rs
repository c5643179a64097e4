//! Entries of the ledger, ready to paste into the configuration.

use std::io::{Result, Write};

use crate::diagnosis::EntryText;

/// Writes the entries as TOML.
///
/// # Errors
/// Those of writing.
pub fn ledger(proposals: &[EntryText], out: &mut dyn Write) -> Result<()> {
    if proposals.is_empty() {
        return writeln!(out, "# Nothing that was seen needs an entry: what is yours is in the ledger.");
    }
    for (number, one) in proposals.iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        write!(out, "{one}")?;
    }
    Ok(())
}
