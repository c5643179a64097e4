//! Domain names: one spelling for each, and the organizational domain by the Public Suffix List.

use std::borrow::Cow;
use std::net::IpAddr;

/// The day of the Public Suffix List that is built in: on which the release of `psl` in Cargo.lock was published.
pub const SUFFIX_LIST_DATE: &str = "2026-11-05";

/// The one spelling of a domain name: A-labels, lower case, no dot at the end. `None` for nothing, and for what
/// reporters write to say that there is no name.
///
/// Names that are not valid IDNA (underscores, HELO names that are any text) are kept, in lower case: they were
/// used in mail and must be told apart, whatever a registry would say of them.
#[must_use]
pub fn normalize(text: &str) -> Option<Cow<'_, str>> {
    let name = text.trim().trim_end_matches('.');
    if name.is_empty() || name == "<>" || name.eq_ignore_ascii_case("not.evaluated") {
        return None;
    }
    if name.is_ascii() {
        return Some(if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(name.to_ascii_lowercase())
        } else {
            Cow::Borrowed(name)
        });
    }
    let ascii = idna::domain_to_ascii(name).ok().filter(|ascii| !ascii.is_empty());
    Some(Cow::Owned(ascii.unwrap_or_else(|| name.to_lowercase())))
}

/// The domain of what should be a domain, and at some reporters is a mailbox: what stands after the last `@`, without
/// brackets, quotes and whatever follows it. Square brackets stay around an address: it is not a domain without them either.
#[must_use]
pub fn of_mailbox(text: &str) -> &str {
    let domain = match text.rsplit_once('@') {
        Some((_, domain)) => domain.split(['>', ' ', '\t', ',', ';', '"', ')']).next().unwrap_or(domain),
        None => text,
    };
    let domain = domain.trim_matches(['<', '>', '"', ' ']);
    let bare = domain.trim_start_matches('[').trim_end_matches(']');
    let is_address =
        bare.get(..5).is_some_and(|tag| tag.eq_ignore_ascii_case("ipv6:")) || bare.parse::<IpAddr>().is_ok();
    if is_address { domain } else { bare.trim() }
}

/// The one spelling of a domain as people write it on a command line or in a configuration; `None` where it is none, but a
/// mailbox, a page, a pattern or several words.
#[must_use]
pub fn typed(text: &str) -> Option<Cow<'_, str>> {
    normalize(text).filter(|name| !name.contains(|c: char| c.is_whitespace() || matches!(c, '@' | '/' | '*' | '"')))
}

/// The organizational domain of a normalized name: its public suffix and one label more (RFC 7489 §3.2). The name
/// itself where it has none, such as a public suffix or an address in brackets.
#[must_use]
pub fn organizational(name: &str) -> &str {
    psl::domain_str(name).unwrap_or(name)
}

/// Whether a normalized name is one that somebody registered, or lies below one: no public suffix, host or address.
#[must_use]
pub fn is_registrable(name: &str) -> bool {
    psl::domain_str(name).is_some_and(|registered| registered.contains('.'))
}

/// Whether `name` is `domain` or lies below it.
#[must_use]
pub fn is_within(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Whether `name` is one of some domains or lies below one; where there are none, every name is meant.
#[must_use]
pub fn is_among(name: &str, domains: &[String]) -> bool {
    domains.is_empty() || domains.iter().any(|domain| is_within(name, domain))
}

/// Whether a policy domain is one of the owner's, below one, or above one within its organization: the policy of a domain may
/// stand there. Where no domain is named, every one may be the owner's.
#[must_use]
pub fn is_owners(policy_domain: &str, owners: &[String]) -> bool {
    let above = |own: &String| is_within(own, policy_domain) && is_within(policy_domain, organizational(own));
    is_among(policy_domain, owners) || owners.iter().any(above)
}

/// The domain of the From header field, with its organizational domain at hand: it is compared with many others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Author<'a> {
    /// The normalized name.
    pub name: &'a str,
    /// Its organizational domain.
    pub organization: &'a str,
}

impl<'a> Author<'a> {
    /// For a normalized name.
    #[must_use]
    pub fn new(name: &'a str) -> Self {
        Author { name, organization: organizational(name) }
    }

    /// Whether another normalized name is aligned with it: equal, or, in relaxed mode, of the same organizational domain
    /// (RFC 7489 §3.1, RFC 9989 §5.3). Receivers that walk the DNS tree may see it otherwise.
    #[must_use]
    pub fn aligns(&self, other: &str, strict: bool) -> bool {
        // A name outside the organizational domain needs no look into the list.
        other == self.name
            || !strict && is_within(other, self.organization) && organizational(other) == self.organization
    }
}

/// Whether two normalized names are aligned in relaxed mode, see [`Author::aligns`].
#[must_use]
pub fn aligned(left: &str, right: &str) -> bool {
    Author::new(right).aligns(left, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_of_mailboxes() {
        for written in [
            "a.example",
            "x@a.example",
            "<x@a.example>",
            "X Y <x@a.example>",
            "\"x\" <x@a.example>,",
            "@a.example",
            "a.example>",
            "<a.example",
            "x@y@a.example (remark)",
            "[a.example]",
            "[a.example",
            "<x@[a.example]>",
        ] {
            assert_eq!(of_mailbox(written), "a.example", "{written}");
        }
        assert_eq!(of_mailbox("bad<xml.example"), "bad<xml.example");
        for address in ["[192.0.2.1]", "[IPv6:2001:db8::1]", "[2001:db8::1]"] {
            assert_eq!(of_mailbox(address), address);
            assert_eq!(of_mailbox(&format!("<x@{address}>")), address);
        }
    }

    #[test]
    fn one_spelling() {
        assert_eq!(normalize(" Example.COM. ").as_deref(), Some("example.com"));
        assert_eq!(normalize("bücher.example").as_deref(), Some("xn--bcher-kva.example"));
        assert_eq!(normalize("under_score.example").as_deref(), Some("under_score.example"));
        for nothing in ["", " . ", "<>", "not.evaluated"] {
            assert_eq!(normalize(nothing), None);
        }
    }

    #[test]
    fn the_day_of_the_suffix_list_is_that_of_its_release() {
        let lock = include_str!("../Cargo.lock");
        let version = lock.split("name = \"psl\"\nversion = \"").nth(1).and_then(|rest| rest.split('"').next());
        // After an update of `psl`: put in its version, and the day on which it was published (`pubtime` in the registry).
        assert_eq!((version, SUFFIX_LIST_DATE), (Some("2.1.247"), "2026-11-05"));
    }

    #[test]
    fn what_is_typed_is_one_domain() {
        assert_eq!(typed(" Example.COM. ").as_deref(), Some("example.com"));
        for wrong in ["", "a@example.com", "https://example.com/", "*.example.com", "a b", "\"a\""] {
            assert_eq!(typed(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn organizational_domains() {
        assert_eq!(organizational("a.b.example.co.uk"), "example.co.uk");
        assert_eq!(organizational("co.uk"), "co.uk");
        assert_eq!(organizational("localhost"), "localhost");
        assert_eq!(organizational("mail.corp.internal-name"), "corp.internal-name");
    }

    #[test]
    fn alignment() {
        assert!(aligned("news.example.com", "example.com") && aligned("example.com", "news.example.com"));
        assert!(!Author::new("example.com").aligns("news.example.com", true));
        assert!(!aligned("contoso.onmicrosoft.com", "contoso.com"));
        assert!(!aligned("a.co.uk", "b.co.uk") && !aligned("a.co.uk", "co.uk") && !aligned("co.uk", "a.co.uk"));
    }

    #[test]
    fn owners() {
        let owners = ["example.com", "mail.example.co.uk"].map(str::to_owned);
        for own in ["example.com", "news.example.com", "example.co.uk", "mail.example.co.uk", "a.mail.example.co.uk"] {
            assert!(is_owners(own, &owners), "{own}");
        }
        for other in ["com", "co.uk", "example.net", "other.example.co.uk", "badexample.com"] {
            assert!(!is_owners(other, &owners), "{other}");
            assert!(is_owners(other, &[]));
        }
    }

    #[test]
    fn within() {
        assert!(is_within("a.example.com", "example.com") && is_within("example.com", "example.com"));
        assert!(!is_within("badexample.com", "example.com"));
    }
}
