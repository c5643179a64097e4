//! Many paths that need the same, in one row: many machines of one owner, many small senders.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::cause::Cause;
use crate::diagnosis::{Class, DkimFigures, Role, SendingPath};
use crate::words::grouped;

/// Fewer paths stand for themselves.
pub(in crate::render) const LEAST: usize = 5;
/// A path below this share of all mail is small.
const SMALL: f64 = 0.01;

/// A row of the table: a path, or several, the largest first.
pub(super) struct Folded<'p> {
    pub(super) paths: Vec<&'p SendingPath>,
}

impl Folded<'_> {
    /// The largest.
    pub(super) fn first(&self) -> &SendingPath {
        self.paths[0]
    }

    pub(super) fn is_one(&self) -> bool {
        self.paths.len() == 1
    }

    /// What to call them: the sender of the largest, and how many more there are.
    pub(super) fn name(&self) -> String {
        name(&self.first().sender, self.paths.len())
    }

    /// The domain of all of them, or what stands for several below one.
    pub(super) fn domain(&self) -> Cow<'_, str> {
        let domain = self.first().domain.as_str();
        if self.paths.iter().all(|path| path.domain == domain) {
            return domain.into();
        }
        format!("*.{}", self.first().organization()).into()
    }

    /// A figure of all of them.
    pub(super) fn sum(&self, of: impl Fn(&SendingPath) -> u64) -> u64 {
        self.paths.iter().fold(0, |sum, path| sum.saturating_add(of(path)))
    }

    /// Their messages by DKIM state.
    pub(super) fn dkim(&self) -> DkimFigures {
        let of = |state: fn(&DkimFigures) -> u64| self.sum(|path| state(&path.dkim));
        DkimFigures {
            aligned: of(|dkim| dkim.aligned),
            unaligned: of(|dkim| dkim.unaligned),
            broken: of(|dkim| dkim.broken),
            unsigned: of(|dkim| dkim.unsigned),
            unknown: of(|dkim| dkim.unknown),
        }
    }

    /// Whether all want the very same.
    pub(super) fn is_same_remedy(&self) -> bool {
        let title = |path: &SendingPath| path.remedy.as_ref().map(|remedy| remedy.title.clone());
        self.paths.iter().all(|path| title(path) == title(self.first()))
    }
}

/// What to call several paths: the sender of the largest, and how many more there are.
pub(in crate::render) fn name(first: &str, number: usize) -> String {
    match number {
        1 => first.to_owned(),
        many => format!("{first} and {} more", grouped(many as u64 - 1)),
    }
}

/// What paths that are folded have in common. Catalogued senders stand for themselves: each has a remedy of its own.
type Key<'p> = (&'p str, Role, Class, Option<Cause>, Option<Cow<'p, str>>);

/// The title of a remedy; of unknown senders without whom it is about, as all of them are asked about alike.
fn title(path: &SendingPath) -> Option<Cow<'_, str>> {
    let title = path.remedy.as_ref()?.title.as_str();
    Some(match path.role {
        Role::Unknown => title.replace(&path.sender, "").replace(&path.domain, "").into(),
        _ => title.into(),
    })
}

/// The rows of paths, each at the place of its first path. `all` is the messages that the answer is about.
pub(super) fn fold(paths: &[SendingPath], all: u64) -> Vec<Folded<'_>> {
    let is_small = |path: &SendingPath| (path.messages as f64) < SMALL * all as f64;
    fn key(path: &SendingPath, is_small: bool) -> Option<Key<'_>> {
        // Unknown senders under invented names below the domain are of one kind.
        let unknown = path.role == Role::Unknown;
        let title = title(path).filter(|_| unknown || !is_small);
        let domain = if unknown { path.organization() } else { &path.domain };
        path.provider.is_none().then_some((domain, path.role, path.class, path.cause, title))
    }
    let key = |path| key(path, is_small(path));
    let mut sizes: BTreeMap<Key<'_>, usize> = BTreeMap::new();
    paths.iter().filter_map(key).for_each(|key| *sizes.entry(key).or_default() += 1);
    let mut rows: Vec<Folded<'_>> = Vec::new();
    let mut places: BTreeMap<Key<'_>, usize> = BTreeMap::new();
    for path in paths {
        match key(path).filter(|key| sizes[key] >= LEAST) {
            Some(key) => match places.get(&key) {
                Some(&at) => rows[at].paths.push(path),
                None => {
                    places.insert(key, rows.len());
                    rows.push(Folded { paths: vec![path] });
                }
            },
            None => rows.push(Folded { paths: vec![path] }),
        }
    }
    rows
}
