//! Which path somebody means who types an id, a name, a domain or an address.

use std::cmp::Reverse;
use std::net::IpAddr;

use crate::diagnosis::sender::{id, sender_name};
use crate::domain;
use crate::providers::Catalogue;
use crate::query::Survey;

/// What was found for what was typed: paths by their places in the survey.
#[derive(Debug, Clone)]
pub enum Found {
    /// One path.
    One(usize),
    /// Several, those with most messages first.
    Several(Vec<usize>),
    /// None; those whose names and ids are nearest to what was typed, nearest first.
    None(Vec<usize>),
}

/// The most near names that are given.
const NEAREST: usize = 3;
/// A name that is less alike is not near.
const ALIKE: f64 = 0.7;

/// Finds a path by its id; by an address it sends from; by its whole name; by header From; by a part of its name, its provider
/// or its tenant. The first of these that fits any path decides.
#[must_use]
pub fn find(survey: &Survey, catalogue: &Catalogue, typed: &str) -> Found {
    let typed = typed.trim();
    let wanted = typed.to_lowercase();
    let address: Option<IpAddr> = typed.parse().ok();
    let domain = domain::normalize(typed);
    let sender = |at: usize| sender_name(&survey.paths[at], catalogue);
    let tests: [&dyn Fn(usize) -> bool; 5] = [
        &|at| id(&survey.paths[at]) == wanted,
        &|at| address.is_some_and(|address| survey.tally.sends_from(at, address)),
        &|at| sender(at).to_lowercase() == wanted,
        &|at| domain.as_deref() == Some(survey.paths[at].domain.as_str()),
        &|at| names(survey, catalogue, at).iter().any(|name| name.contains(&wanted)),
    ];
    if wanted.is_empty() {
        return Found::None(Vec::new());
    }
    for test in tests {
        let mut fits: Vec<usize> = (0..survey.paths.len()).filter(|&at| test(at)).collect();
        fits.sort_by_cached_key(|&at| (Reverse(survey.paths[at].messages), &survey.paths[at].domain, sender(at)));
        match fits.as_slice() {
            [] => {}
            [one] => return Found::One(*one),
            _ => return Found::Several(fits),
        }
    }
    Found::None(nearest(survey, catalogue, &wanted))
}

/// What a path goes by, in lower case: its name, its provider, its tenant.
fn names(survey: &Survey, catalogue: &Catalogue, at: usize) -> Vec<String> {
    let path = &survey.paths[at];
    let sender = sender_name(path, catalogue);
    let names = [Some(sender.as_str()), path.provider.as_deref(), path.tenant.as_deref()];
    names.into_iter().flatten().map(str::to_lowercase).collect()
}

fn nearest(survey: &Survey, catalogue: &Catalogue, wanted: &str) -> Vec<usize> {
    // Whoever types much, types no name.
    let wanted: String = wanted.chars().take(100).collect();
    let alike = |at: usize, id: &str| {
        let names = names(survey, catalogue, at);
        let words = names[0].split([' ', '(', ')', '.']).filter(|word| word.len() > 2);
        let all = names.iter().map(String::as_str).chain(words).chain([id]);
        all.map(|name| strsim::normalized_damerau_levenshtein(name, &wanted)).fold(0.0, f64::max)
    };
    let mut near: Vec<(f64, String, usize)> = (0..survey.paths.len())
        .map(|at| {
            let id = id(&survey.paths[at]);
            (alike(at, &id), id, at)
        })
        .filter(|(alike, ..)| *alike >= ALIKE)
        .collect();
    let messages = |at: usize| Reverse(survey.paths[at].messages);
    near.sort_by(|(a, left, here), (b, right, there)| {
        b.total_cmp(a).then_with(|| (messages(*here), left).cmp(&(messages(*there), right)))
    });
    near.into_iter().take(NEAREST).map(|(_, _, at)| at).collect()
}
