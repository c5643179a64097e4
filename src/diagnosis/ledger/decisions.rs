//! Ledger entries for either decision about a path.

use ipnet::IpNet;

use super::entry::EntryText;
use super::identity::{Ground, because, identity, is_about_these_alone};
use crate::diagnosis::SendingPath;
use crate::query::{Decision, Identities};

/// The `[[sender]]` entry of a path, where it is the owner's: never by what all customers of a provider show, nor by addresses
/// that they share. Where there is nothing else, comment lines say what to do first.
pub(in crate::diagnosis) fn approval(ground: &Ground<'_>, path: &SendingPath) -> EntryText {
    let found = identity(ground, path, Decision::Approved);
    let (name, domain) = (path.sender.as_str(), path.domain.as_str());
    if !found.entries.is_empty() {
        return EntryText::live(Decision::Approved, name, domain, found.entries);
    }
    let provider = path.provider.as_deref().and_then(|id| ground.catalogue.get(id));
    let provider_id: Vec<String> = provider.iter().map(|provider| provider.id.clone()).collect();
    let mut remarks = vec![format!("An entry would approve strangers: {}.", because(&found.why))];
    let identities = if provider.is_some_and(|provider| provider.shows_accounts()) {
        remarks.push("First find the name of its account, and put it in below.".to_owned());
        vec![Identities {
            tenant: vec!["NAME OF THE ACCOUNT".to_owned()],
            provider: provider_id,
            ..Identities::default()
        }]
    } else if provider.is_some() {
        remarks.push(format!("First, if it is yours, have it sign as {domain}; from then on this recognises it:"));
        vec![Identities { signing_domain: vec![path.domain.clone()], provider: provider_id, ..Identities::default() }]
    } else {
        remarks.push(format!("If it is yours, have it sign as {domain}: then it needs no [[sender]] entry."));
        Vec::new()
    };
    EntryText::commented(Decision::Approved, name, domain, identities).under(remarks)
}

/// The `[[not_ours]]` entry of a path, where it is not the owner's.
pub(in crate::diagnosis) fn denial(ground: &Ground<'_>, path: &SendingPath) -> EntryText {
    let found = identity(ground, path, Decision::Denied);
    let (name, domain) = (path.sender.as_str(), path.domain.as_str());
    if !found.entries.is_empty() {
        return EntryText::live(Decision::Denied, name, domain, found.entries);
    }
    let why = because(&found.why);
    let provider = path.provider.as_deref().and_then(|id| ground.catalogue.get(id));
    let through = provider.map_or(name, |provider| provider.name.as_str());
    match found.shared {
        Some(identities) => EntryText::commented(Decision::Denied, name, domain, vec![identities]).under([
            format!("Nothing distinguishes this sender from others: {why}."),
            format!("Take away the # only if nobody sends as {domain} through {through}: it is about all of them."),
        ]),
        None => EntryText::commented(Decision::Denied, name, domain, Vec::new())
            .under([format!("No [[not_ours]] entry could be about this mail alone: {why}.")]),
    }
}

/// The `[[sender]]` entry of several paths under one header From. It is a comment: one that is pasted unread would approve whoever is
/// among them.
pub(in crate::diagnosis) fn approval_together(
    ground: &Ground<'_>,
    name: &str,
    paths: &[&SendingPath],
) -> Option<EntryText> {
    let text = EntryText::together(name, paths.iter().map(|path| approval(ground, path)))?;
    Some(text.into_comment().under(["Keep those that are yours, and take away the #.".to_owned()]))
}

/// The `[[not_ours]]` entry of several paths under one header From.
pub(in crate::diagnosis) fn denial_together(
    ground: &Ground<'_>,
    name: &str,
    paths: &[&SendingPath],
) -> Option<EntryText> {
    EntryText::together(name, paths.iter().map(|path| denial(ground, path)))
}

/// The `[[sender]]` entry of a line whose address changes within a network: a comment, as others have the rest of it.
pub(in crate::diagnosis) fn approval_of_line(network: IpNet, domain: &str) -> EntryText {
    let identities = vec![Identities { ip: vec![network], ..Identities::default() }];
    EntryText::commented(Decision::Approved, &network.to_string(), domain, identities).under([
        "An entry would approve strangers: tomorrow another has the address.".to_owned(),
        format!("First, if it is yours, have it send through a server that signs as {domain}: then it needs no entry."),
    ])
}

/// The `[[not_ours]]` entry of a line: the network where no other mail comes from it, else the addresses that were seen.
pub(in crate::diagnosis) fn denial_of_line(
    ground: &Ground<'_>,
    network: IpNet,
    paths: &[&SendingPath],
) -> Option<EntryText> {
    let identities = Identities { ip: vec![network], ..Identities::default() };
    let name = network.to_string();
    if is_about_these_alone(ground, paths, Decision::Denied, &identities) {
        return Some(EntryText::live(Decision::Denied, &name, &paths.first()?.domain, vec![identities]));
    }
    denial_together(ground, &name, paths)
}
