//! Entries for what was seen and is not in the ledger.

use std::collections::BTreeMap;

use super::entry::EntryText;
use super::identity::{Ground, because, identity};
use super::small;
use crate::diagnosis::SendingPath;
use crate::providers::Catalogue;
use crate::query::{Decision, Matching, Survey};
use crate::role::Role;
use crate::words::plural;

/// Entries for the senders that were seen and are not in the ledger. Live are those of the owner's own mail, by what no
/// stranger shows; mail of services and of other accounts, of which nothing shows that they act for the owner, is a comment. There
/// is none for who only hands mail on, and for what nothing authenticates.
#[must_use]
pub fn proposals(
    survey: &Survey,
    matching: &Matching<'_>,
    catalogue: &Catalogue,
    paths: &[SendingPath],
) -> Vec<EntryText> {
    let ground = Ground { survey, matching, catalogue };
    let groups = groups(survey, paths);
    let told: BTreeMap<usize, usize> =
        groups.iter().enumerate().flat_map(|(at, group)| group.iter().map(move |path| (path.figures, at))).collect();
    let mut proposals: Vec<EntryText> = Vec::new();
    for path in paths.iter().filter(|path| !path.domain.is_empty()) {
        let proposal = match told.get(&path.figures).map(|&at| &groups[at]) {
            // All of them are told in the place of the first.
            Some(group) if group[0].figures == path.figures => together(&ground, group),
            Some(_) => None,
            None => proposal(&ground, path),
        };
        let Some(proposal) = proposal else { continue };
        let mut left = Some(proposal);
        for known in &mut proposals {
            left = left.and_then(|proposal| known.merge(proposal));
        }
        proposals.extend(left);
    }
    proposals
}

/// The services that are told together, by header From.
fn groups<'p>(survey: &Survey, paths: &'p [SendingPath]) -> Vec<Vec<&'p SendingPath>> {
    let mut all: BTreeMap<&str, u64> = BTreeMap::new();
    for path in paths {
        let sum = all.entry(&path.domain).or_default();
        *sum = sum.saturating_add(path.messages);
    }
    let is_small = |path: &&SendingPath| {
        path.role == Role::Service && small::is_small(survey, path, all.get(path.domain.as_str()).copied().unwrap_or(0))
    };
    small::groups(paths.iter().filter(is_small).collect(), |path| path.domain.as_str()).0
}

/// The comment about many small services.
fn together(ground: &Ground<'_>, group: &[&SendingPath]) -> Option<EntryText> {
    let name = small::name(group.len());
    let messages = group.iter().fold(0u64, |sum, path| sum.saturating_add(path.messages));
    let domain = &group.first()?.domain;
    let seen = format!("{domain}: {}, {name}, {}", Role::Service.as_str(), plural(messages, "message"));
    let text = super::approval_together(ground, &name, group)?;
    Some(text.under([seen, "Nothing proves that they send for you.".to_owned()]))
}

fn proposal(ground: &Ground<'_>, path: &SendingPath) -> Option<EntryText> {
    if !matches!(path.role, Role::Own | Role::Service | Role::OtherAccount) {
        return None;
    }
    let identity = identity(ground, path, Decision::Approved);
    let seen = format!(
        "{}: {}, {}, {}",
        path.domain,
        path.role.as_str(),
        path.class.as_str(),
        plural(path.messages, "message")
    );
    let (name, domain) = (path.sender.as_str(), path.domain.as_str());
    let text = match (path.role, identity.entries.is_empty()) {
        (Role::Own, false) => {
            let left = (identity.left > 0)
                .then(|| format!("{} of these show nothing that is yours alone.", plural(identity.left, "message")));
            EntryText::live(Decision::Approved, name, domain, identity.entries).under(left).under([seen])
        }
        (Role::Own, true) => EntryText::commented(Decision::Approved, name, domain, Vec::new())
            .under([seen, format!("No entry could be about this mail alone: {}.", because(&identity.why))]),
        (_, false) => EntryText::commented(Decision::Approved, name, domain, identity.entries)
            .under([seen, "Nothing proves that it sends for you; take away the # where it does.".to_owned()]),
        (_, true) => super::approval(ground, path).under([seen]),
    };
    Some(text)
}
