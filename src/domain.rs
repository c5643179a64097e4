//! Domain names: one spelling for each, and the organizational domain by the Public Suffix List.

use std::borrow::Cow;

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
    let ascii = idna::domain_to_ascii(name)
        .ok()
        .filter(|ascii| !ascii.is_empty());
    Some(Cow::Owned(ascii.unwrap_or_else(|| name.to_lowercase())))
}

/// The organizational domain of a normalized name: its public suffix and one label more (RFC 7489 §3.2). The name
/// itself where it has none, such as a public suffix or an address in brackets.
#[must_use]
pub fn organizational(name: &str) -> &str {
    psl::domain_str(name).unwrap_or(name)
}

/// Whether `name` is `domain` or lies below it.
#[must_use]
pub fn is_within(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Whether two normalized names are aligned: equal, or, in relaxed mode, of one organizational domain
/// (RFC 7489 §3.1, RFC 9989 §5.3). Receivers that walk the DNS tree may see it otherwise.
#[must_use]
pub fn aligned(left: &str, right: &str, strict: bool) -> bool {
    left == right || !strict && organizational(left) == organizational(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling() {
        assert_eq!(normalize(" Example.COM. ").as_deref(), Some("example.com"));
        assert_eq!(
            normalize("bücher.example").as_deref(),
            Some("xn--bcher-kva.example")
        );
        assert_eq!(
            normalize("under_score.example").as_deref(),
            Some("under_score.example")
        );
        for nothing in ["", " . ", "<>", "not.evaluated"] {
            assert_eq!(normalize(nothing), None);
        }
    }

    #[test]
    fn organizational_domains() {
        assert_eq!(organizational("a.b.example.co.uk"), "example.co.uk");
        assert_eq!(organizational("co.uk"), "co.uk");
        assert_eq!(organizational("localhost"), "localhost");
        assert_eq!(
            organizational("mail.corp.internal-name"),
            "corp.internal-name"
        );
    }

    #[test]
    fn alignment() {
        assert!(aligned("news.example.com", "example.com", false));
        assert!(!aligned("news.example.com", "example.com", true));
        assert!(!aligned("contoso.onmicrosoft.com", "contoso.com", false));
        assert!(!aligned("a.co.uk", "b.co.uk", false));
    }

    #[test]
    fn within() {
        assert!(
            is_within("a.example.com", "example.com") && is_within("example.com", "example.com")
        );
        assert!(!is_within("badexample.com", "example.com"));
    }
}
