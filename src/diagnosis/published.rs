//! The tags of published policies, and what most reporters say of them on each day.

use std::collections::{BTreeMap, BTreeSet};

use crate::report::PolicyPublished;
use crate::report::period::Day;

/// A tag of a DMARC record that reports tell of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag {
    /// Its name in the record.
    pub(super) name: &'static str,
    value: fn(&PolicyPublished) -> &Option<String>,
    /// What its absence means.
    default: Option<&'static str>,
}

const fn tag(name: &'static str, value: fn(&PolicyPublished) -> &Option<String>, default: Option<&'static str>) -> Tag {
    Tag { name, value, default }
}

/// The tags that are followed; that of the policy comes first.
pub(super) const TAGS: [Tag; 7] = [
    tag("p", |policy| &policy.p, None),
    tag("sp", |policy| &policy.sp, None),
    tag("np", |policy| &policy.np, None),
    tag("adkim", |policy| &policy.adkim, Some("r")),
    tag("aspf", |policy| &policy.aspf, Some("r")),
    tag("pct", |policy| &policy.pct, Some("100")),
    tag("t", |policy| &policy.testing, Some("n")),
];

impl Tag {
    /// Its value in lower case, where it is given or its absence means something.
    fn read(&self, policy: &PolicyPublished) -> Option<String> {
        let text = (self.value)(policy).as_deref().map(str::trim).filter(|text| !text.is_empty());
        text.or(self.default).map(str::to_ascii_lowercase)
    }
}

/// By day and value who found it. Reporters that leave the tag out say nothing.
pub(super) type Voices = BTreeMap<Day, BTreeMap<String, BTreeSet<u32>>>;

/// What reporters say of a tag, of reports each with its day, its reporter and the policy that it found.
pub(super) fn voices<'p>(reports: impl Iterator<Item = (Day, u32, &'p PolicyPublished)>, tag: &Tag) -> Voices {
    let mut found = Voices::new();
    for (day, reporter, policy) in reports {
        if let Some(value) = tag.read(policy) {
            found.entry(day).or_default().entry(value).or_default().insert(reporter);
        }
    }
    found
}

/// What most of those say that say anything on a day; of equals the first by name.
pub(super) fn most(values: &BTreeMap<String, BTreeSet<u32>>) -> Option<&str> {
    let ranked = values.iter().max_by_key(|(text, who)| (who.len(), std::cmp::Reverse(*text)));
    ranked.map(|(text, _)| text.as_str())
}
