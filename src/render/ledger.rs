//! Entries of the ledger, ready to paste into the configuration.

use std::io::{Result, Write};

use super::text::sanitize;
use crate::diagnosis::{Proposal, entry_lines};

/// Writes the entries as TOML. What nothing proves is written as a comment: pasting must not approve of strangers.
///
/// # Errors
/// Those of writing.
pub fn ledger(proposals: &[Proposal], out: &mut dyn Write) -> Result<()> {
    if proposals.is_empty() {
        return writeln!(out, "# Nothing was seen that wants an entry: what is yours is in the ledger.");
    }
    for (number, one) in proposals.iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        writeln!(out, "# {}", sanitize(&one.seen))?;
        let clean = |texts: &[String]| texts.iter().map(|one| sanitize(one).into_owned()).collect::<Vec<_>>();
        let identity = one.identity.as_ref().map(|(key, values)| (*key, clean(values)));
        let mut lines = entry_lines("sender", &sanitize(&one.name), &clean(&one.domains), identity.as_ref()).to_vec();
        lines.push("owner = \"\"".to_owned());
        let commented = !one.proven || one.identity.is_none();
        if !one.proven {
            writeln!(out, "# Nothing proves that it sends for you; take away the # where it does.")?;
        }
        for line in lines {
            writeln!(out, "{}{line}", if commented { "# " } else { "" })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_toml_whatever_the_names_are() {
        let hostile = "a\"]\n[database]\npath = \"x\u{1b}[31m\u{202e}'''\"\"\"\\";
        let proposal = |proven| Proposal {
            name: hostile.to_owned(),
            domains: vec![hostile.to_owned()],
            identity: Some(("envelope_domain", vec![hostile.to_owned(), "b.example".to_owned()])),
            seen: hostile.to_owned(),
            proven,
        };
        let mut out = Vec::new();
        ledger(&[proposal(true), proposal(false)], &mut out).unwrap();
        let written = String::from_utf8(out).unwrap();
        assert!(!written.chars().any(|c| c.is_control() && c != '\n'), "{written:?}");
        let table: toml::Table = written.parse().unwrap();
        assert_eq!(table.keys().collect::<Vec<_>>(), ["sender"], "{written}");
        assert_eq!(table["sender"].as_array().unwrap().len(), 1, "what is not proven is a comment");
    }
}
