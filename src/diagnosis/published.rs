//! The tags of published policies, and what most reporters say of them on each day.

use std::collections::{BTreeMap, BTreeSet};

use crate::query::Published;
use crate::report::PolicyPublished;
use crate::report::period::Day;

/// A tag of a DMARC record that reports tell of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag {
    /// Its name in the record.
    pub(super) name: &'static str,
    value: fn(&PolicyPublished) -> &Option<String>,
    is_valid: fn(&str) -> bool,
    /// What its absence means.
    default: Option<&'static str>,
}

const fn tag(
    name: &'static str,
    value: fn(&PolicyPublished) -> &Option<String>,
    is_valid: fn(&str) -> bool,
    default: Option<&'static str>,
) -> Tag {
    Tag { name, value, is_valid, default }
}

fn policy(text: &str) -> bool {
    matches!(text, "none" | "quarantine" | "reject")
}

fn mode(text: &str) -> bool {
    matches!(text, "r" | "s")
}

fn percentage(text: &str) -> bool {
    text.len() <= 3 && text.parse::<u8>().is_ok_and(|percent| percent <= 100)
}

fn yes_or_no(text: &str) -> bool {
    matches!(text, "y" | "n")
}

/// The tags that are followed; that of the policy comes first.
pub(super) const TAGS: [Tag; 7] = [
    tag("p", |found| &found.p, policy, None),
    tag("sp", |found| &found.sp, policy, None),
    tag("np", |found| &found.np, policy, None),
    tag("adkim", |found| &found.adkim, mode, Some("r")),
    tag("aspf", |found| &found.aspf, mode, Some("r")),
    tag("pct", |found| &found.pct, percentage, Some("100")),
    tag("t", |found| &found.testing, yes_or_no, Some("n")),
];

impl Tag {
    /// Its value in lower case, where it is given and valid, or its absence means something.
    fn read(&self, policy: &PolicyPublished) -> Option<String> {
        let text = (self.value)(policy).as_deref().map(str::trim).filter(|text| !text.is_empty());
        text.or(self.default).map(str::to_ascii_lowercase).filter(|text| (self.is_valid)(text))
    }
}

/// For each day and value, who found it. Reporters that leave the tag out, or write what it cannot be, say nothing.
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

/// The days on which most reporters agree, each with what they say. Where there are several reporters, one alone says
/// nothing.
pub(super) fn steady(voices: &Voices) -> Vec<(Day, &str)> {
    let all: BTreeSet<u32> = voices.values().flat_map(BTreeMap::values).flatten().copied().collect();
    let agreed = |values| {
        let values: &BTreeMap<String, BTreeSet<u32>> = values;
        let who: BTreeSet<u32> = values.values().flatten().copied().collect();
        let value = most(values)?;
        let agreeing = values.get(value).map_or(0, BTreeSet::len);
        (agreeing * 2 > who.len() && (who.len() > 1 || all.len() == 1)).then_some(value)
    };
    voices.iter().filter_map(|(&day, values)| Some((day, agreed(values)?))).collect()
}

/// The policy (`p`) of a domain that most reporters agreed on last.
pub(super) fn last_policy(published: &Published, domain: &str) -> Option<String> {
    let seen = published.domains.get(domain)?.iter();
    let found = voices(seen.map(|one| (one.day, one.reporter, &published.policies[one.policy])), &TAGS[0]);
    steady(&found).last().map(|(_, policy)| (*policy).to_owned())
}

/// How much a policy asks for; nothing of what is not a policy.
pub(super) fn strength(policy: &str) -> Option<usize> {
    ["none", "quarantine", "reject"].iter().position(|&word| word == policy)
}
