//! Records that somebody meant for DMARC and put where no receiver looks.

use super::discovery::record_name;
use super::record::DmarcRecord;
use crate::dns::{Kind, Memory, Question};
use crate::domain;

/// A record where no receiver looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misplaced {
    /// Its name.
    pub(super) name: String,
    /// What is wrong with the name.
    pub(super) mistake: &'static str,
    /// Its text.
    pub(super) text: String,
}

/// The names that mistakes lead to.
fn candidates(name: &str) -> Vec<(String, &'static str)> {
    const APPENDED: &str = "the domain is appended twice";
    let mut names = vec![
        (name.to_owned(), "it stands at the domain itself, not at _dmarc below it"),
        (format!("_dmarc.{}", record_name(name)), "_dmarc is there twice"),
        (format!("dmarc.{name}"), "the underscore is missing"),
        (format!("{}.{name}", record_name(name)), APPENDED),
    ];
    let organization = domain::organizational(name);
    if organization != name {
        names.push((format!("{}.{organization}", record_name(name)), APPENDED));
    }
    names
}

/// Looks at those names.
pub(super) fn misplaced(name: &str, memory: &Memory<'_>) -> Vec<Misplaced> {
    // A wildcard answers for every name below it, which is nobody's mistake in the name.
    let wildcards = [format!("*.{name}"), format!("*.{}", domain::organizational(name))];
    let names = candidates(name);
    let all = names.iter().map(|(name, _)| name).chain(&wildcards);
    memory.fetch(all.map(|name| Question::new(Kind::Txt, name)).collect::<Vec<_>>());
    let everywhere: Vec<String> = wildcards.iter().flat_map(|name| memory.txt(name).values().to_vec()).collect();
    let mut found = Vec::new();
    for (name, mistake) in names {
        let answer = memory.txt(&name);
        let meant = answer.values().iter().filter(|text| DmarcRecord::is_meant(text) && !everywhere.contains(text));
        found.extend(meant.map(|text| Misplaced { name: name.clone(), mistake, text: text.clone() }));
    }
    found
}
