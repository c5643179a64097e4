//! Which sending path a message belongs to.

use super::answer::{Inspection, PathMatch, Place};
use crate::diagnosis::SendingPath;
use crate::domain;
use crate::providers::Catalogue;

/// Finds the message's path among those of its From domain: by the address that handed it over, else by its provider
/// and tenant, else by the domain that SPF authenticated, else by a verified signature. Only what fits just one path
/// names it.
#[must_use]
pub fn place(message: &Inspection, paths: &[SendingPath], catalogue: &Catalogue) -> Place {
    let Some(from) = &message.from else {
        return Place { path: None, note: Some("without one From domain there is no path".to_owned()) };
    };
    let own: Vec<&SendingPath> = paths.iter().filter(|path| path.domain == *from).collect();
    if own.is_empty() {
        return Place { path: None, note: Some(format!("the database has no mail from {from} in this window")) };
    }
    let mut several = None;
    for (by, fits) in evidence(message, catalogue) {
        let fitting: Vec<&&SendingPath> = own.iter().filter(|path| fits(path)).collect();
        match fitting[..] {
            [] => {}
            [path] => return Place { path: Some(found(path, by)), note: several },
            _ => {
                let names: Vec<&str> = fitting.iter().take(5).map(|path| path.sender.as_str()).collect();
                several.get_or_insert_with(|| format!("the {by} fits {} paths: {} …", fitting.len(), names.join(", ")));
            }
        }
    }
    let note = several.unwrap_or_else(|| format!("no path of {from} in this window fits this message"));
    Place { path: None, note: Some(note) }
}

type Fits<'m> = Box<dyn Fn(&SendingPath) -> bool + 'm>;

/// What the message shows of its sender, the surest first.
fn evidence<'m>(message: &'m Inspection, catalogue: &'m Catalogue) -> Vec<(String, Fits<'m>)> {
    let mut list: Vec<(String, Fits<'m>)> = Vec::new();
    if let Some(hand_over) = &message.handed_over_by {
        let address = hand_over.address;
        list.push((format!("address {address}"), Box::new(move |path| path.source_ips.contains(&address))));
    }
    let spf = message.spf.as_ref().filter(|spf| spf.result.as_deref() == Some("pass"));
    let spf_domain = spf.and_then(|spf| spf.domain.as_deref());
    let passed = message.signatures.iter().filter(|one| one.result.as_deref() == Some("pass"));
    let provider = spf_domain
        .and_then(|name| catalogue.by_envelope_domain(name))
        .or_else(|| message.handed_over_by.as_ref().and_then(|one| catalogue.by_address(one.address)));
    if let Some(provider) = provider {
        let tenant = passed.clone().filter_map(|one| one.domain.as_deref()).find_map(|name| provider.tenant(name));
        let by = match &tenant {
            Some(tenant) => format!("provider {} ({tenant})", provider.name),
            None => format!("provider {}", provider.name),
        };
        list.push((
            by,
            Box::new(move |path| {
                path.provider.as_deref() == Some(provider.id.as_str()) && (tenant.is_none() || path.tenant == tenant)
            }),
        ));
    }
    if let Some(name) = spf_domain {
        let organization = domain::organizational(name);
        list.push((format!("SPF domain {organization}"), Box::new(move |path| path.sender == organization)));
    }
    for signature in passed {
        let (Some(name), Some(selector)) = (signature.domain.as_deref(), signature.selector.as_deref()) else {
            continue;
        };
        list.push((
            format!("signature d={name} s={selector}"),
            Box::new(move |path| {
                path.signing_domains.iter().any(|known| known == name)
                    && path.selectors.iter().any(|known| known.eq_ignore_ascii_case(selector))
            }),
        ));
    }
    list
}

fn found(path: &SendingPath, by: String) -> PathMatch {
    PathMatch {
        id: path.id.clone(),
        sender: path.sender.clone(),
        class: path.class,
        role: path.role,
        messages: path.messages,
        dkim_aligned: path.dkim.aligned,
        matched_by: by,
    }
}
