//! Who reports: the domain whose mail brought a report, and the name that the report gives itself.
//!
//! `org_name` (RFC 7489 Appendix C) is a label that anybody can write. What a mail server has checked is a domain: the one
//! that passed DMARC. So a reporter is both. Where the label is that domain's own name, it is the reporter's name;
//! otherwise the name says by whom it is used, as in "post of example (by example.net)". The names of well-known reporters are
//! believed from the domains that they report from and from no others.

use std::borrow::Cow;

use crate::domain::{is_within, normalize, organizational};

/// Whether a reporter's name is its own, where its mail passed DMARC for a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// It is that of the domain that passed, or says by which domain it is used.
    Confirmed,
    /// The domain that passed gives addresses to anybody, or handed on another's mail: it says nothing of who reports.
    Unconfirmed,
    /// It is the name of a well-known reporter, used by somebody else.
    Misused,
}

/// A reporter that is known by its domain and by other words as well.
struct WellKnown {
    /// Words of a label that mean it.
    words: &'static [&'static str],
    /// Whole labels that mean it, where their words alone could be anybody's.
    labels: &'static [&'static str],
    /// Where its reports come from, the first of them its name as a witness. Nobody else has addresses there.
    senders: &'static [&'static str],
    /// Its other organizational domains. At most of them anybody may have an address.
    others: &'static [&'static str],
}

const WELL_KNOWN: &[WellKnown] = &[
    WellKnown {
        words: &["google", "gmail", "googlemail"],
        labels: &[],
        senders: &["google.com"],
        others: &["gmail.com", "googlemail.com"],
    },
    WellKnown {
        words: &["microsoft", "hotmail", "office365"],
        labels: &["outlook", "enterprise outlook"],
        senders: &["microsoft.com", "protection.outlook.com"],
        others: &["outlook.com", "hotmail.com", "live.com", "msn.com", "office365.com"],
    },
    WellKnown { words: &["yahoo japan"], labels: &[], senders: &["lycorp.co.jp"], others: &["yahoo.co.jp"] },
    WellKnown {
        words: &["yahoo", "yahooinc"],
        labels: &["aol", "aol inc"],
        senders: &["yahooinc.com", "yahoo-inc.com", "dmarc.yahoo.com", "verizonmedia.com"],
        others: &["yahoo.com", "ymail.com", "rocketmail.com", "aol.com"],
    },
    WellKnown {
        words: &["mailru"],
        labels: &["mail ru"],
        senders: &["corp.mail.ru"],
        others: &["mail.ru", "bk.ru", "inbox.ru", "list.ru"],
    },
    WellKnown { words: &["comcast", "xfinity"], labels: &[], senders: &["comcast.net", "comcast.com"], others: &[] },
    WellKnown {
        words: &["amazonses", "amazon ses"],
        labels: &[],
        senders: &["amazonses.com", "amazon.com"],
        others: &[],
    },
    WellKnown {
        words: &["gmx"],
        labels: &["web de"],
        senders: &["sicher.gmx.net", "sicher.web.de", "1und1.de"],
        others: &["gmx.net", "gmx.de", "gmx.at", "gmx.ch", "gmx.com", "web.de"],
    },
    WellKnown {
        words: &["fastmail"],
        labels: &[],
        senders: &["fastmaildmarc.com", "fastmailteam.com"],
        others: &["fastmail.com", "fastmail.fm", "messagingengine.com"],
    },
    WellKnown {
        words: &["icloud"],
        labels: &["apple", "apple inc"],
        senders: &["apple.com"],
        others: &["icloud.com", "me.com", "mac.com"],
    },
    WellKnown { words: &["linkedin"], labels: &[], senders: &["linkedin.com"], others: &[] },
];

impl WellKnown {
    /// The one that a label means.
    fn of(label: &str) -> Option<&'static WellKnown> {
        if let Some(name) = as_domain(label) {
            let organization = organizational(&name);
            return WELL_KNOWN.iter().find(|well_known| well_known.owns(organization));
        }
        let words: Vec<&str> = label.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let words = format!(" {} ", words.join(" "));
        WELL_KNOWN.iter().find(|well_known| {
            well_known.words.iter().any(|word| words.contains(&format!(" {word} ")))
                || well_known.labels.contains(&words.trim_matches(' '))
        })
    }

    fn owns(&self, organization: &str) -> bool {
        self.others.contains(&organization) || self.senders.iter().any(|one| organizational(one) == organization)
    }

    fn reports_from(&self, domain: &str) -> bool {
        self.senders.iter().any(|sender| is_within(domain, sender))
    }
}

/// The name of a reporter, from the label that its report gives it (in lower case, empty for none) and the domain that its
/// mail passed DMARC for; and how far it is its own. `policy_domain` is what the report is about: mail that passes for
/// the owner's own domain was handed on by a list or a group of the owner's.
#[must_use]
pub fn name(label: &str, passed: &str, policy_domain: &str) -> (String, Naming) {
    let passed = normalize(passed).unwrap_or_default();
    let by = organizational(&passed);
    let label = plain(label);
    let well_known = WellKnown::of(&label);
    let confirmed = match well_known {
        Some(well_known) => well_known.reports_from(&passed),
        None => label.is_empty() || as_domain(&label).is_some_and(|name| organizational(&name) == by),
    };
    if confirmed {
        let name = if label.is_empty() { by.to_owned() } else { label.into_owned() };
        return (name, Naming::Confirmed);
    }
    if by == organizational(policy_domain) || well_known.is_some_and(|well_known| well_known.owns(by)) {
        return (label.into_owned(), Naming::Unconfirmed);
    }
    let naming = if well_known.is_some() { Naming::Misused } else { Naming::Confirmed };
    (format!("{label}{BY}{by})"), naming)
}

/// What stands between a label and the domain that uses it.
const BY: &str = " (by ";

/// A label that does not look as if it said by whom it is used.
#[must_use]
pub fn plain(label: &str) -> Cow<'_, str> {
    if label.contains("(by") { Cow::Owned(label.replace("(by", "(\u{2018}by\u{2019}")) } else { Cow::Borrowed(label) }
}

/// Whether a name says that somebody else uses it.
#[must_use]
pub fn is_used_by_another(name: &str) -> bool {
    name.ends_with(')') && name.contains(BY)
}

/// The label in a name.
#[must_use]
pub fn label(name: &str) -> &str {
    if is_used_by_another(name) { name.rsplit_once(BY).map_or(name, |(label, _)| label) } else { name }
}

/// Who a reporter is, by its name: the domain that passed DMARC for it. Of a report that nobody checked it is the operator that the
/// name means, or the name itself where it means none. Many names of one operator are one witness.
#[must_use]
pub fn operator(name: &str) -> Cow<'_, str> {
    if let Some((_, by)) = name.strip_suffix(')').and_then(|rest| rest.rsplit_once(BY)) {
        return Cow::Borrowed(by);
    }
    match (WellKnown::of(name), as_domain(name)) {
        (Some(well_known), _) => Cow::Borrowed(well_known.senders[0]),
        (None, Some(domain)) => Cow::Owned(organizational(&domain).to_owned()),
        (None, None) => Cow::Borrowed(name),
    }
}

/// Whether one of those who are to be ignored, as [`typed`] has it, is this reporter: by its name, or by the domain that
/// passed DMARC for it, subdomains included.
#[must_use]
pub fn is_meant(name: &str, entry: &str) -> bool {
    name == entry || as_domain(entry).is_some_and(|domain| is_within(&operator(name), &domain))
}

/// Whether a reporter is meant by one of some entries.
#[must_use]
pub fn is_among(name: &str, entries: &[String]) -> bool {
    entries.iter().any(|entry| is_meant(name, entry))
}

/// A reporter or a domain as somebody types it, in the spelling that names have; none where nothing is in it.
#[must_use]
pub fn typed(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    (!text.is_empty() && !text.contains(char::is_control)).then_some(text)
}

/// A label that is a domain name.
fn as_domain(label: &str) -> Option<Cow<'_, str>> {
    let name = normalize(label)?;
    let is_name = name.contains('.') && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    is_name.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(label: &str, passed: &str) -> (String, Naming) {
        name(label, passed, "owner.example")
    }

    #[test]
    fn a_label_that_is_the_domains_own_is_the_name() {
        for (label, passed) in [
            ("mailhaven.example", "mailhaven.example"),
            ("mailhaven.example", "reports.mailhaven.example"),
            ("mx1.mailhaven.example", "mailhaven.example"),
            ("google.com", "google.com"),
            ("google llc", "google.com"),
            ("outlook.com", "microsoft.com"),
            ("enterprise outlook", "microsoft.com"),
            ("outlook.com", "eur.protection.outlook.com"),
            ("yahoo", "yahooinc.com"),
            ("yahoo! inc.", "dmarc.yahoo.com"),
            ("mail.ru", "corp.mail.ru"),
            ("comcast", "comcast.net"),
            ("amazon-ses", "amazonses.com"),
            ("web.de", "sicher.web.de"),
            ("fastmail pty ltd", "fastmaildmarc.com"),
        ] {
            assert_eq!(of(label, passed), (label.to_owned(), Naming::Confirmed), "{label} by {passed}");
        }
        assert_eq!(of("", "reports.mailhaven.example"), ("mailhaven.example".to_owned(), Naming::Confirmed));
    }

    #[test]
    fn another_domain_under_a_great_name_is_told() {
        for label in ["google.com", "mail.ru", "comcast", "google inc.", "yahoo!", "outlook.com", "gmail.com", "web.de"]
        {
            assert_eq!(of(label, "mail.evil.example"), (format!("{label} (by evil.example)"), Naming::Misused));
        }
        // What merely holds such a word in a longer one is no such name; nor is a host of the domain's own.
        assert_eq!(of("pineapple inc", "evil.example").1, Naming::Confirmed);
        assert_eq!(of("google.evil.example", "evil.example"), ("google.evil.example".to_owned(), Naming::Confirmed));
    }

    #[test]
    fn anybody_may_have_an_address_at_a_mailbox_host() {
        for (label, passed) in [("outlook.com", "outlook.com"), ("mail.ru", "mail.ru"), ("google.com", "gmail.com")] {
            assert_eq!(of(label, passed), (label.to_owned(), Naming::Unconfirmed), "{label} by {passed}");
        }
    }

    #[test]
    fn other_labels_say_by_whom_they_are_used() {
        let (name, naming) = of("post of the north", "northpost.example");
        assert_eq!((name.as_str(), naming), ("post of the north (by northpost.example)", Naming::Confirmed));
        assert_eq!(operator(&name), "northpost.example");
        let (name, naming) = of("mailhaven.example", "filter.example");
        assert_eq!((name.as_str(), naming), ("mailhaven.example (by filter.example)", Naming::Confirmed));
    }

    #[test]
    fn what_the_owner_handed_on_is_nobodys_word() {
        assert_eq!(of("google.com", "lists.owner.example"), ("google.com".to_owned(), Naming::Unconfirmed));
        assert_eq!(of("post", "owner.example"), ("post".to_owned(), Naming::Unconfirmed));
    }

    #[test]
    fn many_names_of_one_domain_are_one_witness() {
        for name in ["a.evil.example", "b.evil.example", "google.com (by evil.example)", "x (by evil.example)"] {
            assert_eq!(operator(name), "evil.example", "{name}");
        }
        assert_eq!(operator("outlook.com"), operator("enterprise outlook"));
        assert_ne!(operator("google.com"), operator("yahoo"));
    }

    #[test]
    fn who_is_meant_is_told_by_name_and_by_domain() {
        for (name, entry) in [
            ("post of the north", "Post of the North "),
            ("google.com (by evil.example)", "google.com (by evil.example)"),
            ("google.com (by evil.example)", "evil.example"),
            ("mx1.mailhaven.example", "mailhaven.example"),
            ("outlook.com", "microsoft.com"),
        ] {
            assert!(is_meant(name, &typed(entry).unwrap()), "{name} by {entry}");
        }
        for (name, entry) in [
            ("google.com (by evil.example)", "google.com"),
            ("post of the north (by northpost.example)", "post of the north"),
            ("mailhaven.example", "haven.example"),
            ("post", "pos"),
        ] {
            assert!(!is_meant(name, &typed(entry).unwrap()), "{name} by {entry}");
        }
        assert_eq!((typed(" \t"), typed("a\u{1b}b")), (None, None));
    }

    #[test]
    fn no_label_says_by_itself_who_uses_it() {
        for label in ["x (by google.com)", "x (by google.com) (by google.com)", "google.com (by google.com)"] {
            let (name, _) = of(label, "evil.example");
            assert_eq!(operator(&name), "evil.example", "{name}");
            assert_eq!(name.matches(BY).count(), 1, "{name}");
            assert!(!plain(label).contains(BY));
        }
    }
}
