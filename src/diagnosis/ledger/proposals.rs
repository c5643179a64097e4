//! Entries for what was seen and is not in the ledger.

use super::entry::EntryText;
use super::identity::{Ground, because, identity};
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
    let mut proposals: Vec<EntryText> = Vec::new();
    for path in paths.iter().filter(|path| !path.domain.is_empty()) {
        let Some(proposal) = proposal(&ground, path) else { continue };
        let mut left = Some(proposal);
        for known in &mut proposals {
            left = left.and_then(|proposal| known.merge(proposal));
        }
        proposals.extend(left);
    }
    proposals
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
