//! A DMARC record as text: each tag, what it means, and whether it may be so (RFC 9989 §4.7 and §4.8).

use serde::Serialize;

use super::policy::Policy;
use super::report_uri::ReportUri;
use crate::tag_list::{Tag, TagList, TagProblem, quoted};

/// Whether the domain is a public suffix, by its own record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Psd {
    /// It does not say: the tree walk finds out.
    #[default]
    Unknown,
    /// It is one.
    Yes,
    /// It is an organizational domain.
    No,
}

/// Whether a tag counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TagState {
    /// It counts.
    Valid,
    /// RFC 7489 had it, RFC 9989 has not.
    Historic,
    /// Its value is wrong.
    Invalid,
    /// No standard has it; receivers pass over it.
    Unknown,
}

/// A tag and what it means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TagReview {
    /// Its name.
    pub name: String,
    /// Its value, as written.
    pub value: String,
    /// Whether it counts.
    pub state: TagState,
    /// What it means, in a few words.
    pub meaning: String,
}

/// A DMARC record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DmarcRecord {
    /// The policy, where there is a valid one.
    pub p: Option<Policy>,
    /// That of subdomains.
    pub sp: Option<Policy>,
    /// That of subdomains that do not exist.
    pub np: Option<Policy>,
    /// Strict alignment of DKIM.
    pub adkim_strict: bool,
    /// Strict alignment of SPF.
    pub aspf_strict: bool,
    /// `t=y`.
    pub testing: bool,
    /// `psd`.
    pub psd: Psd,
    /// `pct`, historic; receivers of RFC 9989 do not look at it.
    pub pct: Option<u8>,
    /// Where aggregate reports go.
    pub rua: Vec<ReportUri>,
    /// Where failure reports go.
    pub ruf: Vec<ReportUri>,
    /// Every tag.
    pub tags: Vec<TagReview>,
    /// What does not follow the syntax.
    pub problems: Vec<TagProblem>,
}

impl DmarcRecord {
    /// Reads a text; `None` where it is not a DMARC record: where it does not begin with exactly `v=DMARC1` (blanks may
    /// stand around the `=`), receivers do not look at it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let list = TagList::parse(text.as_bytes());
        let starts = text.starts_with('v')
            && list.tags.first().is_some_and(|tag| (tag.name.as_str(), tag.value.as_str()) == ("v", "DMARC1"));
        if !starts {
            return None;
        }
        let mut record = DmarcRecord { problems: list.problems, ..DmarcRecord::default() };
        for tag in &list.tags {
            let (state, meaning) = record.read(tag);
            let (name, value) = (tag.name.clone(), tag.value.clone());
            record.tags.push(TagReview { name, value, state, meaning });
        }
        // Where a policy is there twice, receivers were seen to apply the last one.
        for problem in &record.problems {
            if let TagProblem::Twice(name, value) = problem
                && let Some(policy) = Policy::parse(value)
            {
                match name.as_str() {
                    "p" => record.p = Some(policy),
                    "sp" => record.sp = Some(policy),
                    "np" => record.np = Some(policy),
                    _ => {}
                }
            }
        }
        Some(record)
    }

    /// Whether somebody meant a text to be a DMARC record, whether or not it is one.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        let letters: String = text.chars().take(500).filter(|c| c.is_ascii_alphanumeric()).collect();
        let letters = letters.to_ascii_lowercase();
        letters.starts_with("vdmarc") || letters.starts_with("dmarc1") || letters.contains("vdmarc1")
    }

    /// The policy that receivers apply to the domain itself. With no valid `p`, or an invalid `sp` or `np`, it is `none` where
    /// reports are asked for; otherwise the record is as good as none (RFC 9989 §4.10.1).
    #[must_use]
    pub fn effective(&self) -> Option<Policy> {
        let broken =
            self.tags.iter().any(|tag| tag.state == TagState::Invalid && matches!(tag.name.as_str(), "sp" | "np"));
        match self.p {
            Some(policy) if !broken => Some(policy),
            _ => self.rua.iter().any(|uri| uri.problem.is_none()).then_some(Policy::None),
        }
    }

    /// The policy for names below the record's domain: those that exist, those that do not.
    #[must_use]
    pub fn below(&self, exists: bool) -> Option<Policy> {
        let policy = self.effective()?;
        if self.p.is_none() || policy < self.p.unwrap_or(policy) {
            return Some(policy);
        }
        let sp = self.sp.unwrap_or(policy);
        Some(if exists { sp } else { self.np.unwrap_or(sp) })
    }

    fn read(&mut self, tag: &Tag) -> (TagState, String) {
        let value = tag.value.as_str();
        match tag.name.as_str() {
            "v" => (TagState::Valid, "a DMARC record".to_owned()),
            "p" => policy(value, &mut self.p, "mail that fails"),
            "sp" => policy(value, &mut self.sp, "mail of subdomains that fails"),
            "np" => policy(value, &mut self.np, "mail of subdomains that do not exist"),
            "adkim" => alignment(value, &mut self.adkim_strict, "DKIM"),
            "aspf" => alignment(value, &mut self.aspf_strict, "SPF"),
            "fo" => failure_options(value),
            "rua" => uris(value, &mut self.rua, "aggregate reports"),
            "ruf" => uris(value, &mut self.ruf, "failure reports"),
            "t" => match lower(value).as_str() {
                "y" => {
                    self.testing = true;
                    (TagState::Valid, "test mode: one level less than the policy is applied".to_owned())
                }
                "n" => (TagState::Valid, "no test mode".to_owned()),
                _ => invalid(value, "y or n"),
            },
            "psd" => {
                let (psd, meaning) = match lower(value).as_str() {
                    "y" => (Psd::Yes, "a public suffix domain"),
                    "n" => (Psd::No, "an organizational domain: the tree walk ends here"),
                    "u" => (Psd::Unknown, "the tree walk finds the organizational domain"),
                    _ => return invalid(value, "y, n or u"),
                };
                self.psd = psd;
                (TagState::Valid, meaning.to_owned())
            }
            "pct" => match value.parse::<u8>().ok().filter(|&percent| percent <= 100) {
                Some(percent) => {
                    self.pct = Some(percent);
                    let meaning = match percent {
                        100 => "the policy is for all failing mail, as without it".to_owned(),
                        _ => {
                            format!("older receivers apply the policy to {percent}% of failing mail, newer ones to all")
                        }
                    };
                    (TagState::Historic, meaning)
                }
                None => invalid(value, "a number from 0 to 100 (and the tag is historic)"),
            },
            "rf" => (TagState::Historic, "the format of failure reports, which is fixed now".to_owned()),
            "ri" => match value.parse::<u32>() {
                Ok(_) => (TagState::Historic, "how often reports were asked for; they come daily".to_owned()),
                Err(_) => invalid(value, "a number of seconds (and the tag is historic)"),
            },
            _ => (TagState::Unknown, "no such tag; receivers pass over it".to_owned()),
        }
    }
}

fn lower(text: &str) -> String {
    text.to_ascii_lowercase()
}

fn invalid(value: &str, wanted: &str) -> (TagState, String) {
    (TagState::Invalid, format!("{:?} is not {wanted}", quoted(value)))
}

fn policy(value: &str, policy: &mut Option<Policy>, of: &str) -> (TagState, String) {
    *policy = Policy::parse(value);
    match policy {
        Some(Policy::None) => (TagState::Valid, format!("nothing is asked for {of}")),
        Some(Policy::Quarantine) => (TagState::Valid, format!("{of} is to be treated as suspicious")),
        Some(Policy::Reject) => (TagState::Valid, format!("{of} is to be refused")),
        None => invalid(value, "none, quarantine or reject"),
    }
}

fn alignment(value: &str, strict: &mut bool, of: &str) -> (TagState, String) {
    match lower(value).as_str() {
        "r" => (TagState::Valid, format!("{of} domains of the same organization align")),
        "s" => {
            *strict = true;
            (TagState::Valid, format!("only the same {of} domain aligns"))
        }
        _ => invalid(value, "r or s"),
    }
}

fn failure_options(value: &str) -> (TagState, String) {
    let options: Vec<String> = value.split(':').map(|option| lower(option.trim())).collect();
    let known = options.iter().all(|option| matches!(option.as_str(), "0" | "1" | "d" | "s"));
    let twice = options.iter().enumerate().any(|(at, option)| options[..at].contains(option));
    let both = ["0", "1"].iter().all(|wanted| options.iter().any(|option| option == wanted));
    if !known || twice {
        return invalid(value, "a choice of 0, 1, d and s, with colons between them");
    }
    if both {
        return invalid(value, "0 or 1: one excludes the other");
    }
    let meanings = options.iter().map(|option| match option.as_str() {
        "0" => "when nothing aligned passes",
        "1" => "when anything fails",
        "d" => "when a signature fails",
        _ => "when SPF fails",
    });
    (TagState::Valid, format!("failure reports {}", meanings.collect::<Vec<_>>().join(", ")))
}

fn uris(value: &str, list: &mut Vec<ReportUri>, of: &str) -> (TagState, String) {
    *list = ReportUri::parse_list(value);
    let usable = list.iter().filter(|uri| uri.problem.is_none()).count();
    match (usable, list.len()) {
        (_, 0) => (TagState::Invalid, "no address".to_owned()),
        (0, _) => (TagState::Invalid, "no usable address".to_owned()),
        (usable, all) if usable < all => {
            (TagState::Invalid, format!("{} of {all} addresses cannot be used", all - usable))
        }
        (1, _) => (TagState::Valid, format!("{of} go to one address")),
        (usable, _) => (TagState::Valid, format!("{of} go to {usable} addresses")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> DmarcRecord {
        DmarcRecord::parse(text).unwrap()
    }

    fn state(text: &str, name: &str) -> TagState {
        read(text).tags.into_iter().find(|tag| tag.name == name).unwrap().state
    }

    #[test]
    fn every_tag() {
        let record = read(
            "v=DMARC1; p=reject; sp=Quarantine; np=reject; adkim=s; aspf=r; fo=1:d:s; t=y; psd=n; \
             rua=mailto:a@example.com,mailto:b@example.net!10m; ruf=mailto:c@example.com; pct=50; rf=afrf; ri=86400; x=y",
        );
        assert_eq!(
            (record.p, record.sp, record.np),
            (Some(Policy::Reject), Some(Policy::Quarantine), Some(Policy::Reject))
        );
        assert!(record.adkim_strict && !record.aspf_strict && record.testing);
        assert_eq!((record.psd, record.pct, record.rua.len(), record.ruf.len()), (Psd::No, Some(50), 2, 1));
        let states: Vec<TagState> = record.tags.iter().map(|tag| tag.state).collect();
        assert_eq!(states[..11], [TagState::Valid; 11]);
        assert_eq!(states[11..], [TagState::Historic, TagState::Historic, TagState::Historic, TagState::Unknown]);
        assert_eq!((record.below(true), record.below(false)), (Some(Policy::Quarantine), Some(Policy::Reject)));
    }

    #[test]
    fn values_that_may_not_be() {
        for (name, value) in [
            ("p", "monitor"),
            ("sp", ""),
            ("np", "rejected"),
            ("adkim", "strict"),
            ("aspf", "x"),
            ("fo", "2"),
            ("fo", "0:1"),
            ("fo", "d:d"),
            ("t", "yes"),
            ("psd", "maybe"),
            ("pct", "101"),
            ("pct", "half"),
            ("ri", "daily"),
            ("rua", ""),
            ("rua", "dmarc@example.com"),
        ] {
            let text = format!("v=DMARC1; {name}={value}");
            assert_eq!(state(&text, name), TagState::Invalid, "{text}");
        }
    }

    #[test]
    fn only_an_exact_version_counts() {
        for text in ["v=DMARC1", "v=DMARC1;p=none", "v = DMARC1 ; p=none"] {
            assert!(DmarcRecord::parse(text).is_some(), "{text}");
        }
        for text in [
            "v=dmarc1; p=none",
            "V=DMARC1; p=none",
            "v=DMARC1 p=none",
            "p=none; v=DMARC1",
            "v=DMARC2; p=none",
            " v=DMARC1; p=none",
            "",
            "v=spf1 -all",
        ] {
            assert_eq!(DmarcRecord::parse(text), None, "{text}");
        }
        assert!(
            ["v=dmarc1; p=none", "\"v=DMARC1; p=none\"", "v:DMARC1", "DMARC1; p=none", "p=reject; v=DMARC1"]
                .into_iter()
                .all(DmarcRecord::is_meant)
        );
        assert!(!DmarcRecord::is_meant("v=spf1 -all"));
    }

    #[test]
    fn a_policy_that_is_there_twice() {
        let record = read("v=DMARC1; p=none; p=reject; rua=mailto:a@example.com");
        assert_eq!((record.p, record.effective()), (Some(Policy::Reject), Some(Policy::Reject)));
    }

    #[test]
    fn what_is_applied() {
        assert_eq!(read("v=DMARC1; p=reject").effective(), Some(Policy::Reject));
        assert_eq!(read("v=DMARC1; rua=mailto:a@example.com").effective(), Some(Policy::None));
        assert_eq!(read("v=DMARC1; p=reject; sp=x; rua=mailto:a@example.com").effective(), Some(Policy::None));
        assert_eq!(read("v=DMARC1; p=reject; sp=x; rua=mailto:a@example.com").below(false), Some(Policy::None));
        assert_eq!(read("v=DMARC1; sp=reject; rua=mailto:a@example.com").below(true), Some(Policy::None));
        assert_eq!(read("v=DMARC1; p=x").effective(), None);
        assert_eq!(read("v=DMARC1; p=reject; sp=none").below(false), Some(Policy::None));
    }

    proptest! {
        #[test]
        fn any_text(text in "(v=DMARC1;)?\\PC{0,200}") {
            if let Some(record) = DmarcRecord::parse(&text) {
                prop_assert!(text.starts_with('v'));
                prop_assert!(record.tags.iter().filter(|tag| tag.name == "p").count() <= 1);
            }
        }
    }
}
