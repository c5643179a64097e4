//! The ARC sets of a message (RFC 8617): who sealed it, and whether the chain is whole as far as it can be seen.

use std::collections::BTreeMap;

use super::answer::ArcSet;
use super::code::{Finding, MessageCode};
use crate::domain;
use crate::finding::Severity;
use crate::mail::{AuthenticationResults, HeaderFields};
use crate::tag_list::TagList;

/// Sets allowed in a chain (RFC 8617 §4.2.1).
const MOST: u32 = 50;

/// The sets, oldest first, and what is wrong with them.
pub(super) fn sets(message: &[u8]) -> (Vec<ArcSet>, Vec<Finding>) {
    #[derive(Default)]
    struct Parts {
        set: ArcSet,
        seals: u32,
        signatures: u32,
        results: u32,
    }
    let mut parts: BTreeMap<u32, Parts> = BTreeMap::new();
    let mut findings = Vec::new();
    let mut stray = 0;
    for field in HeaderFields::new(message) {
        let is_results = field.is("ARC-Authentication-Results");
        let is_seal = field.is("ARC-Seal");
        if !is_results && !is_seal && !field.is("ARC-Message-Signature") {
            continue;
        }
        let tags = TagList::parse(field.value);
        let instance = match is_results {
            true => AuthenticationResults::parse_arc(field.value).instance,
            false => tags.compact("i").and_then(|text| text.parse().ok()),
        };
        let Some(instance) = instance.filter(|number| (1..=MOST).contains(number)) else {
            stray += 1;
            continue;
        };
        let part = parts.entry(instance).or_default();
        if is_results {
            part.results += 1;
        } else if is_seal {
            part.seals += 1;
            part.set.sealed_by = tags.compact("d").and_then(|name| domain::normalize(&name).map(String::from));
            part.set.chain_validation = tags.compact("cv").map(|text| text.to_ascii_lowercase());
        } else {
            part.signatures += 1;
        }
    }
    let mut error = |code, text: String| findings.push(Finding::new(Severity::Error, code, "ARC", text));
    if stray > 0 {
        error(
            MessageCode::ArcInstance,
            format!("ARC fields without an instance from 1 to {MOST}: the chain is invalid"),
        );
    }
    let newest = parts.keys().next_back().copied().unwrap_or(0);
    if newest as usize != parts.len() {
        error(MessageCode::ArcGap, "instances are missing from the ARC chain: it is invalid".to_owned());
    }
    let mut sets = Vec::with_capacity(parts.len());
    for (instance, part) in parts {
        let complete = (part.seals, part.signatures, part.results) == (1, 1, 1);
        if !complete {
            error(
                MessageCode::ArcIncomplete,
                format!("ARC set {instance} does not have each of its three fields once"),
            );
        }
        let expected = if instance == 1 { "none" } else { "pass" };
        match part.set.chain_validation.as_deref() {
            Some(found) if found != expected => {
                let by = part.set.sealed_by.as_deref().unwrap_or("its sealer");
                error(
                    MessageCode::ArcChain,
                    format!("ARC set {instance} says cv={found}: {by} found the chain broken"),
                );
            }
            _ => {}
        }
        sets.push(ArcSet { instance, complete, ..part.set });
    }
    (sets, findings)
}
