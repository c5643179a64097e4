//! Which path somebody means who types an id, a name, a domain or an address.

use std::cmp::Reverse;
use std::net::IpAddr;

use crate::diagnosis::path::SendingPath;

/// What was found for what was typed.
#[derive(Debug, Clone)]
pub enum Found<'p> {
    /// One path.
    One(&'p SendingPath),
    /// Several, those with most messages first.
    Several(Vec<&'p SendingPath>),
    /// None; the names and ids that are nearest to what was typed, nearest first.
    None(Vec<&'p SendingPath>),
}

/// So many near names are given.
const NEAREST: usize = 3;
/// A name that is less alike is not near.
const ALIKE: f64 = 0.7;

/// Finds a path by its id; by an address it sends from; by its whole name; by header From; by a part of its name, its provider
/// or its tenant. The first of these that fits any path decides.
#[must_use]
pub fn find<'p>(paths: &'p [SendingPath], typed: &str) -> Found<'p> {
    let typed = typed.trim();
    let wanted = typed.to_lowercase();
    let address: Option<IpAddr> = typed.parse().ok();
    let tests: [&dyn Fn(&SendingPath) -> bool; 5] = [
        &|path| path.id == wanted,
        &|path| address.is_some_and(|address| path.source_ips.contains(&address)),
        &|path| path.sender.to_lowercase() == wanted,
        &|path| path.domain == wanted.trim_end_matches('.'),
        &|path| names(path).any(|name| name.to_lowercase().contains(&wanted)),
    ];
    if wanted.is_empty() {
        return Found::None(Vec::new());
    }
    for test in tests {
        let mut fits: Vec<&SendingPath> = paths.iter().filter(|path| test(path)).collect();
        fits.sort_by_key(|path| (Reverse(path.messages), &path.domain, &path.sender));
        match fits.as_slice() {
            [] => {}
            [one] => return Found::One(one),
            _ => return Found::Several(fits),
        }
    }
    Found::None(nearest(paths, &wanted))
}

/// What a path goes by.
fn names(path: &SendingPath) -> impl Iterator<Item = &str> {
    [Some(path.sender.as_str()), path.provider.as_deref(), path.tenant.as_deref()].into_iter().flatten()
}

fn nearest<'p>(paths: &'p [SendingPath], wanted: &str) -> Vec<&'p SendingPath> {
    // Whoever types much, types no name.
    let wanted: String = wanted.chars().take(100).collect();
    let alike = |path: &SendingPath| {
        let words = path.sender.to_lowercase();
        let words = words.split([' ', '(', ')', '.']).filter(|word| word.len() > 2).map(str::to_owned);
        let all = names(path).map(str::to_lowercase).chain(words).chain([path.id.clone()]);
        all.map(|name| strsim::normalized_damerau_levenshtein(&name, &wanted)).fold(0.0, f64::max)
    };
    let mut near: Vec<(f64, &SendingPath)> =
        paths.iter().map(|path| (alike(path), path)).filter(|(alike, _)| *alike >= ALIKE).collect();
    near.sort_by(|(a, left), (b, right)| {
        b.total_cmp(a).then_with(|| (Reverse(left.messages), &left.id).cmp(&(Reverse(right.messages), &right.id)))
    });
    near.into_iter().take(NEAREST).map(|(_, path)| path).collect()
}
