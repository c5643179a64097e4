//! Domains below the one reviewed: which policy holds for them now, and what the change would do to them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::impact::{failing, is_own};
use super::policy::{PublishedAnswer, Target};
use crate::diagnosis::SendingPath;
use crate::domain::{is_within, organizational};
use crate::query::{Governed, Receivers};

/// A domain below the one reviewed that was seen in From.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subdomain {
    /// Its name.
    pub domain: String,
    /// Its messages.
    pub messages: u64,
    /// Those that pass DMARC.
    pub pass: u64,
    /// Those of paths of standing yours and listed that do not.
    pub own_lost: u64,
    /// Where receivers found its policy last.
    pub policy_domain: Option<String>,
    /// Whether it inherits the policy of the domain reviewed.
    pub inherited: bool,
    /// The policy that holds for it now.
    pub now: Option<String>,
    /// The tag that says so: `p`, `sp`, or `own` for a record of its own.
    pub by: &'static str,
    /// The policy that would hold after the change, with `sp` and `np` left as they are.
    pub then: String,
    /// What receivers that walk the DNS tree (RFC 9989) and others do differently, and what `np` does.
    pub notes: Vec<String>,
}

/// The policy domains that receivers found for a header From domain.
#[derive(Debug, Default)]
pub(super) struct Governing<'r> {
    /// The one found last by who can tell; of two on one day the closer to the name, as a new record is found where it was not
    /// before. Where nobody can tell and they differ, the one farther up: in doubt the policy above holds.
    pub(super) last: &'r str,
    all: Vec<&'r str>,
    /// Nobody can tell.
    in_doubt: bool,
}

/// By header From.
pub(super) fn governing(receivers: &Receivers) -> BTreeMap<&str, Governing<'_>> {
    let can_tell = who_can_tell(receivers);
    let mut by_name: BTreeMap<&str, Vec<&Governed>> = BTreeMap::new();
    for one in &receivers.governed {
        by_name.entry(&one.header_from).or_default().push(one);
    }
    by_name.into_iter().map(|(name, all)| (name, Governing::of(&all, &can_tell))).collect()
}

impl<'r> Governing<'r> {
    fn of(all: &[&'r Governed], can_tell: &BTreeSet<usize>) -> Self {
        let told = |one: &&&Governed| one.reporters.iter().any(|reporter| can_tell.contains(reporter));
        let last = all.iter().filter(told).max_by_key(|one| (one.last, one.policy_domain.len()));
        let upmost = || all.iter().min_by_key(|one| one.policy_domain.len());
        Governing {
            last: last.or_else(upmost).map_or("", |one| one.policy_domain.as_str()),
            all: all.iter().map(|one| one.policy_domain.as_str()).collect(),
            in_doubt: last.is_none() && all.len() > 1,
        }
    }
}

/// Reporters that found policies both at names below an organizational domain and above them. Others may have the habit to write
/// header From as the policy domain, or the organizational domain, whatever they found.
fn who_can_tell(receivers: &Receivers) -> BTreeSet<usize> {
    let below = receivers.governed.iter().filter(|one| organizational(&one.header_from) != one.header_from);
    let (at_name, above): (Vec<&Governed>, Vec<&Governed>) =
        below.partition(|one| one.policy_domain == one.header_from);
    let of =
        |all: Vec<&Governed>| all.into_iter().flat_map(|one| one.reporters.iter().copied()).collect::<BTreeSet<_>>();
    of(at_name).intersection(&of(above)).copied().collect()
}

pub(super) fn subdomains(
    domain: &str,
    target: Target,
    paths: &[&SendingPath],
    governing: &BTreeMap<&str, Governing<'_>>,
    published: Option<&PublishedAnswer>,
) -> Vec<Subdomain> {
    let mut found: BTreeMap<&str, Subdomain> = BTreeMap::new();
    for path in paths.iter().filter(|path| path.domain != domain && is_within(&path.domain, domain)) {
        let one = found.entry(&path.domain).or_insert_with(|| {
            let by = governing.get(path.domain.as_str());
            describe(&path.domain, domain, target, by, published)
        });
        one.messages += path.messages;
        one.pass += path.dmarc_pass;
        one.own_lost += if is_own(path) { failing(path) } else { 0 };
    }
    let mut found: Vec<Subdomain> = found.into_values().collect();
    found.sort_by(|a, b| (b.own_lost, b.messages).cmp(&(a.own_lost, a.messages)).then_with(|| a.domain.cmp(&b.domain)));
    found
}

fn describe(
    name: &str,
    domain: &str,
    target: Target,
    governing: Option<&Governing<'_>>,
    published: Option<&PublishedAnswer>,
) -> Subdomain {
    let mut notes = Vec::new();
    let policy_domain = governing.map(|found| found.last.to_owned());
    let own = policy_domain.as_deref().is_some_and(|by| by != domain && is_within(by, domain));
    if let Some(found) = governing
        && found.in_doubt
    {
        notes.push(format!(
            "reporters write {} as its policy domain, but they do so by habit: `dmarcstat dns {name}` shows whether it has a record of its own; until that is known, its mail is included",
            found.all.join(" or ")
        ));
    } else if let Some(found) = governing
        && found.all.len() > 1
    {
        notes.push(format!(
            "receivers found its policy at {}: those that walk the DNS tree (RFC 9989 §4.10) and those that go by the Public Suffix List do not agree, or the record is new",
            found.all.join(" and ")
        ));
    }
    let tag = |value: fn(&PublishedAnswer) -> &Option<String>| published.and_then(|record| value(record).clone());
    let (p, sp, np) = (tag(|record| &record.p), tag(|record| &record.sp), tag(|record| &record.np));
    // Reporters that always write sp and np write for them what holds where the record has none.
    let np = np.filter(|np| Some(np) != sp.as_ref().or(p.as_ref()));
    let sp = sp.filter(|sp| Some(sp) != p.as_ref());
    let (now, by, then) = if own {
        let policy = governing.map(|found| found.last).unwrap_or_default();
        notes.push(format!("the record at {policy} is its own: the change does not touch it"));
        (None, "own", "unchanged".to_owned())
    } else if let Some(sp) = sp {
        if sp != target.as_str() {
            notes.push(format!("sp={sp} stays in force for it: change or remove sp too, or it stays open to abuse"));
        }
        (Some(sp.clone()), "sp", sp)
    } else {
        (p.clone(), "p", target.as_str().to_owned())
    };
    if !own {
        match np {
            Some(np) => {
                notes.push(format!("if the name does not exist in DNS, np={np} holds for it at receivers of RFC 9989"))
            }
            None if then_is_open(&then) => notes.push("np=reject would protect names that do not exist".to_owned()),
            None => {}
        }
        if name.matches('.').count() > domain.matches('.').count() + 1 {
            notes.push("a record at a name between the two would take over at receivers that walk the DNS tree (RFC 9989 §4.10)".to_owned());
        }
    }
    Subdomain {
        domain: name.to_owned(),
        messages: 0,
        pass: 0,
        own_lost: 0,
        inherited: !own,
        policy_domain,
        now,
        by,
        then,
        notes,
    }
}

fn then_is_open(then: &str) -> bool {
    then == "none"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::period::Day;

    /// Of header From, policy domain, last day and who found it there.
    fn governed(found: &[(&str, &str, Day, &[usize])]) -> Receivers {
        let one = |&(header_from, policy_domain, last, reporters): &(&str, &str, Day, &[usize])| Governed {
            header_from: header_from.to_owned(),
            policy_domain: policy_domain.to_owned(),
            messages: 1,
            dmarc_pass: 1,
            last,
            reporters: reporters.to_vec(),
        };
        Receivers { governed: found.iter().map(one).collect(), ..Receivers::default() }
    }

    #[test]
    fn the_record_found_last_governs() {
        let receivers = governed(&[
            ("a.example.com", "a.example.com", 5, &[1]),
            ("a.example.com", "example.com", 9, &[1]),
            ("b.example.com", "b.example.com", 9, &[1]),
            ("b.example.com", "example.com", 9, &[1]),
        ]);
        let found = governing(&receivers);
        assert_eq!((found["a.example.com"].last, found["b.example.com"].last), ("example.com", "b.example.com"));
    }

    #[test]
    fn habits_tell_nothing_of_a_record() {
        let last = |found: &[(&str, &str, Day, &[usize])]| {
            let receivers = governed(found);
            let found = governing(&receivers);
            (found["a.example.com"].last.to_owned(), found["a.example.com"].in_doubt)
        };
        let (own, above) = ("a.example.com".to_owned(), "example.com".to_owned());
        let split: [(&str, &str, Day, &[usize]); 2] =
            [("a.example.com", "a.example.com", 9, &[1, 2]), ("a.example.com", "example.com", 8, &[3])];
        assert_eq!(last(&split), (above, true));
        assert_eq!(last(&split[..1]), (own.clone(), false), "all find the same");
        // The second has found a policy above another name.
        let told = [split[0], split[1], ("b.example.com", "example.com", 9, &[2])];
        assert_eq!(last(&told), (own, false));
    }

    #[test]
    fn sp_is_told_apart_from_what_reporters_fill_in() {
        let record = |sp: &str, np: &str| PublishedAnswer {
            p: Some("none".to_owned()),
            sp: Some(sp.to_owned()),
            np: Some(np.to_owned()),
            ..PublishedAnswer::default()
        };
        let receivers = governed(&[("a.example.com", "example.com", 1, &[1])]);
        let governing = governing(&receivers);
        let of = |record: &PublishedAnswer| {
            describe("a.example.com", "example.com", Target::Reject, governing.get("a.example.com"), Some(record))
        };
        let filled = of(&record("none", "none"));
        assert_eq!((filled.by, filled.then.as_str(), filled.notes.len()), ("p", "reject", 0));
        let own = of(&record("quarantine", "reject"));
        assert_eq!((own.by, own.now.as_deref(), own.then.as_str()), ("sp", Some("quarantine"), "quarantine"));
        assert_eq!(own.notes.len(), 2);
    }
}
