//! Where receivers find a domain's DMARC policy: by walking up the tree (RFC 9989 §4.10), and by the Public Suffix List
//! (RFC 7489 §6.6.3), which many still do.

use serde::Serialize;

use super::policy::Policy;
use super::record::{DmarcRecord, Psd};
use crate::dns::{Answer, Kind, Memory, Question};
use crate::domain;

/// A way to find the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// RFC 9989.
    TreeWalk,
    /// RFC 7489.
    Psl,
}

/// What one way finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Walk {
    /// Which way.
    pub method: Method,
    /// The names asked for TXT records, in order; eight at most.
    pub queried: Vec<String>,
    /// The domain whose record applies, without `_dmarc`.
    pub policy_domain: Option<String>,
    /// That record.
    pub record: Option<String>,
    /// The policy that it comes to for the domain asked about: `p` of its own record, else `sp` or `np` of one above.
    pub policy: Option<Policy>,
    /// The organizational domain.
    pub organizational_domain: Option<String>,
    /// Why this could not be found out, or not all of it.
    pub could_not_look: Option<String>,
}

/// What both ways find.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Discovery {
    /// By walking up the tree.
    pub tree_walk: Walk,
    /// By the Public Suffix List.
    pub psl: Walk,
    /// Whether the domain exists; `None` where nobody could say.
    pub exists: Option<bool>,
}

impl Discovery {
    /// Whether the two ways come to different policies, or to different organizational domains.
    #[must_use]
    pub fn differs(&self) -> bool {
        let known = self.tree_walk.could_not_look.is_none() && self.psl.could_not_look.is_none();
        let (walk, psl) = (&self.tree_walk, &self.psl);
        known
            && ((&walk.policy_domain, walk.policy) != (&psl.policy_domain, psl.policy)
                || walk.record.is_some() && walk.organizational_domain != psl.organizational_domain)
    }
}

/// The domains to look at, from the domain itself up to its top-level domain: of long names the middle is left out.
pub(super) fn steps(name: &str) -> Vec<&str> {
    let labels = name.split('.').count();
    let mut steps = vec![name];
    let mut rest = name;
    let mut left = labels;
    while left > 1 {
        let cut = if steps.len() == 1 && labels >= 8 { labels - 7 } else { 1 };
        rest = rest.splitn(cut + 1, '.').last().unwrap_or(rest);
        left -= cut;
        steps.push(rest);
    }
    steps
}

/// The name of the record of a domain.
pub(super) fn record_name(domain: &str) -> String {
    format!("_dmarc.{domain}")
}

/// The one record that receivers see at a domain: several count as none.
pub(super) fn record_at(domain: &str, memory: &Memory<'_>) -> Result<Option<(String, DmarcRecord)>, String> {
    let answer = memory.txt(&record_name(domain));
    if let Answer::CouldNotLook(reason) = answer {
        return Err(reason);
    }
    let mut records: Vec<(String, DmarcRecord)> = answer
        .values()
        .iter()
        .filter_map(|text| DmarcRecord::parse(text).map(|record| (text.clone(), record)))
        .collect();
    Ok(if records.len() == 1 { records.pop() } else { None })
}

/// The questions that both ways ask.
#[must_use]
pub fn questions(name: &str) -> Vec<Question> {
    let domains = steps(name).into_iter().chain([domain::organizational(name)]);
    domains.map(|at| Question::new(Kind::Txt, &record_name(at))).collect()
}

/// Finds the policy in both ways.
#[must_use]
pub fn discover(name: &str, memory: &Memory<'_>) -> Discovery {
    memory.fetch(questions(name));
    let exists = match memory.ask(Question::new(Kind::Mx, name)) {
        Answer::CouldNotLook(_) => None,
        Answer::NoSuchName => Some(false),
        Answer::Found(_) | Answer::NoData => Some(true),
    };
    Discovery { tree_walk: tree_walk(name, exists, memory), psl: psl(name, exists, memory), exists }
}

fn tree_walk(name: &str, exists: Option<bool>, memory: &Memory<'_>) -> Walk {
    let mut walk = Walk::new(Method::TreeWalk);
    let mut found: Vec<(&str, String, DmarcRecord)> = Vec::new();
    for step in steps(name) {
        walk.queried.push(record_name(step));
        match record_at(step, memory) {
            Err(reason) => {
                walk.could_not_look.get_or_insert(format!("{}: {reason}", record_name(step)));
            }
            Ok(None) => {}
            Ok(Some((text, record))) => {
                let stop = record.psd != Psd::Unknown;
                found.push((step, text, record));
                if stop {
                    break;
                }
            }
        }
    }
    let organization = organization(name, &found);
    // The policy of the domain itself, of its organizational domain, of a public suffix above.
    let own = found.iter().find(|(step, ..)| *step == name);
    let above = || found.iter().find(|(step, ..)| *step == organization);
    let suffix = || found.iter().find(|(_, _, record)| record.psd == Psd::Yes);
    if let Some((step, text, record)) = own.or_else(above).or_else(suffix) {
        walk.settle(name, step, text, record, exists);
    }
    if walk.could_not_look.is_none() {
        walk.organizational_domain = Some(organization.to_owned());
    } else if own.is_none() {
        // What could not be seen may lie nearer.
        (walk.policy_domain, walk.record, walk.policy) = (None, None, None);
    }
    walk
}

/// The organizational domain, from the records found on the way up.
fn organization<'n>(name: &'n str, found: &[(&'n str, String, DmarcRecord)]) -> &'n str {
    if let Some((step, ..)) = found.iter().find(|(_, _, record)| record.psd == Psd::No) {
        return step;
    }
    if let Some((step, ..)) = found.iter().find(|(step, _, record)| record.psd == Psd::Yes && *step != name) {
        let above = name.len() - step.len() - 1;
        return name[..above].rfind('.').map_or(name, |dot| &name[dot + 1..]);
    }
    found.last().map_or(name, |(step, ..)| step)
}

fn psl(name: &str, exists: Option<bool>, memory: &Memory<'_>) -> Walk {
    let mut walk = Walk::new(Method::Psl);
    let organization = domain::organizational(name);
    walk.organizational_domain = Some(organization.to_owned());
    for step in [name, organization] {
        if walk.queried.contains(&record_name(step)) {
            continue;
        }
        walk.queried.push(record_name(step));
        match record_at(step, memory) {
            Ok(None) => continue,
            Ok(Some((text, record))) => walk.settle(name, step, &text, &record, exists),
            Err(reason) => walk.could_not_look = Some(format!("{}: {reason}", record_name(step))),
        }
        break;
    }
    walk
}

impl Walk {
    fn new(method: Method) -> Self {
        Walk {
            method,
            queried: Vec::new(),
            policy_domain: None,
            record: None,
            policy: None,
            organizational_domain: None,
            could_not_look: None,
        }
    }

    fn settle(&mut self, name: &str, step: &str, text: &str, record: &DmarcRecord, exists: Option<bool>) {
        self.policy_domain = Some(step.to_owned());
        self.record = Some(text.to_owned());
        self.policy = match (step == name, self.method, exists) {
            (true, ..) => record.effective(),
            // RFC 7489 knows no `np`.
            (false, Method::Psl, _) => record.below(true),
            (false, Method::TreeWalk, Some(exists)) => record.below(exists),
            (false, Method::TreeWalk, None) => {
                Some(record.below(true)).filter(|policy| *policy == record.below(false)).flatten()
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::zone::Zone;
    use proptest::prelude::*;

    fn found(name: &str, zone: &str) -> Discovery {
        let zone = Zone::new(zone);
        discover(name, &Memory::new(&zone))
    }

    fn settled(walk: &Walk) -> (Option<&str>, Option<Policy>, Option<&str>) {
        (walk.policy_domain.as_deref(), walk.policy, walk.organizational_domain.as_deref())
    }

    #[test]
    fn eight_queries_at_most() {
        assert_eq!(steps("a.b.c"), ["a.b.c", "b.c", "c"]);
        assert_eq!(steps("com"), ["com"]);
        let long = "a.b.c.d.e.f.g.h.i.example.com";
        assert_eq!(steps(long)[..3], [long, "e.f.g.h.i.example.com", "f.g.h.i.example.com"]);
        assert_eq!(steps(long).len(), 8);
        assert_eq!(steps("b.c.d.e.f.g.example.com").len(), 8);
    }

    #[test]
    fn own_record_and_that_of_the_organization() {
        let zone = "_dmarc.example.com TXT v=DMARC1; p=reject; sp=quarantine; np=reject\n\
                    mail.example.com A 192.0.2.1\n\
                    _dmarc.own.example.com TXT v=DMARC1; p=none";
        let one = found("mail.example.com", zone);
        assert_eq!(settled(&one.tree_walk), (Some("example.com"), Some(Policy::Quarantine), Some("example.com")));
        assert_eq!(settled(&one.psl), settled(&one.tree_walk));
        assert!(!one.differs() && one.exists == Some(true));
        let none = found("nowhere.example.com", zone);
        assert_eq!((none.tree_walk.policy, none.psl.policy), (Some(Policy::Reject), Some(Policy::Quarantine)));
        assert!(none.differs() && none.exists == Some(false));
        let own = found("own.example.com", zone);
        assert_eq!(settled(&own.tree_walk), (Some("own.example.com"), Some(Policy::None), Some("example.com")));
    }

    #[test]
    fn records_that_end_the_walk() {
        let unit = "_dmarc.example.com TXT v=DMARC1; p=reject\n_dmarc.unit.example.com TXT v=DMARC1; p=none; psd=n\n\
                    a.unit.example.com A 192.0.2.1";
        let one = found("a.unit.example.com", unit);
        assert_eq!(settled(&one.tree_walk), (Some("unit.example.com"), Some(Policy::None), Some("unit.example.com")));
        assert_eq!(settled(&one.psl), (Some("example.com"), Some(Policy::Reject), Some("example.com")));
        assert!(one.differs());
        // A public suffix that publishes for what lies below it.
        let suffix = "_dmarc.bank.example TXT v=DMARC1; p=reject; psd=y\na.b.bank.example A 192.0.2.1";
        let one = found("a.b.bank.example", suffix);
        assert_eq!(settled(&one.tree_walk), (Some("bank.example"), Some(Policy::Reject), Some("b.bank.example")));
    }

    #[test]
    fn several_records_are_none_and_a_failure_is_unknown() {
        let two = "_dmarc.example.com TXT v=DMARC1; p=none\n_dmarc.example.com TXT v=DMARC1; p=reject";
        assert_eq!(found("example.com", two).tree_walk.record, None);
        let failed = "_dmarc.example.com TXT !timed out\n_dmarc.com TXT v=DMARC1; p=none\nexample.com A 192.0.2.1";
        let one = found("example.com", failed);
        assert_eq!((one.tree_walk.record.as_ref(), one.tree_walk.organizational_domain.as_ref()), (None, None));
        assert!(one.tree_walk.could_not_look.is_some_and(|reason| reason.contains("timed out")));
        assert!(one.psl.could_not_look.is_some());
    }

    proptest! {
        /// The organizational domain is the domain or lies above it, whatever records there are.
        #[test]
        fn the_organization_lies_above(records in proptest::collection::vec((0..6_usize, "(psd=[ynu])?"), 0..8)) {
            let name = "a.b.c.d.example.com";
            let lines: String = records.iter().map(|(at, psd)| format!("_dmarc.{} TXT v=DMARC1; p=none; {psd}\n", steps(name)[*at])).collect();
            let one = found(name, &lines);
            prop_assert!(one.tree_walk.queried.len() <= 8);
            prop_assert!(domain::is_within(name, one.tree_walk.organizational_domain.as_deref().unwrap()));
            if let Some(at) = &one.tree_walk.policy_domain {
                prop_assert!(domain::is_within(name, at));
            }
        }
    }
}
