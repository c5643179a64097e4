//! Where reports go: the addresses in `rua` and `ruf` (RFC 9989 §4.6 and §4.8).

use serde::Serialize;

use crate::domain;
use crate::tag_list::quoted;

/// An address in `rua` or `ruf`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReportUri {
    /// As written.
    pub uri: String,
    /// The mail address, of a `mailto:`, with its escapes resolved.
    pub address: Option<String>,
    /// The domain of the mail address, in its one spelling.
    pub host: Option<String>,
    /// The size limit after `!`, as written: historic, receivers pass over it.
    pub size_limit: Option<String>,
    /// Why no receiver can use it.
    pub problem: Option<String>,
}

/// More addresses than that are not read.
const MOST_URIS: usize = 50;

impl ReportUri {
    /// Reads a list with commas between.
    #[must_use]
    pub fn parse_list(text: &str) -> Vec<Self> {
        let parts = text.split(',').map(str::trim).take(MOST_URIS);
        if text.trim().is_empty() { Vec::new() } else { parts.map(Self::parse).collect() }
    }

    /// Whether the mail address has letters beyond ASCII, which most receivers cannot send to.
    #[must_use]
    pub fn is_international(&self) -> bool {
        self.address.as_ref().is_some_and(|address| !address.is_ascii())
    }

    fn parse(text: &str) -> Self {
        let mut read = ReportUri { uri: text.to_owned(), ..ReportUri::default() };
        match read.read(text) {
            Ok(()) => read,
            Err(problem) => ReportUri { problem: Some(problem), address: None, host: None, ..read },
        }
    }

    fn read(&mut self, text: &str) -> Result<(), String> {
        let (uri, size) = text.split_once('!').map_or((text, None), |(uri, size)| (uri, Some(size)));
        if let Some(size) = size {
            let digits = size.trim_end_matches(['k', 'm', 'g', 't', 'K', 'M', 'G', 'T']);
            if digits.is_empty() || size.len() - digits.len() > 1 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(format!("invalid size limit {:?}; write a \"!\" within the address as %21", quoted(size)));
            }
            self.size_limit = Some(size.to_owned());
        }
        if uri.is_empty() {
            return Err("there is nothing between two commas".to_owned());
        }
        let Some((scheme, rest)) = uri.split_once(':') else {
            return Err(if uri.contains('@') {
                format!("\"mailto:\" is missing: write mailto:{}", quoted(uri))
            } else {
                "not a URI: an address begins with \"mailto:\"".to_owned()
            });
        };
        if !scheme.eq_ignore_ascii_case("mailto") {
            return Err(format!("{:?} is not mailto, and receivers need support no other", quoted(scheme)));
        }
        let address = unescape(rest.split('?').next().unwrap_or(rest))?;
        let (local, host) = address.rsplit_once('@').ok_or_else(|| "there is no \"@\" in the address".to_owned())?;
        if local.is_empty() || local.chars().any(|c| c.is_whitespace() || c.is_control() || c == '@') {
            return Err("invalid mailbox before the \"@\"".to_owned());
        }
        let host = domain::normalize(host).filter(|host| is_host(host));
        let host = host.ok_or_else(|| "invalid domain after the \"@\"".to_owned())?.into_owned();
        self.host = Some(host);
        self.address = Some(address);
        Ok(())
    }
}

/// Resolves `%2C` and the like.
fn unescape(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let value = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let value = value.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(value.ok_or_else(|| "a \"%\" in it is not followed by two hexadecimal digits".to_owned())?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).map_err(|_| "its escapes are not UTF-8 text".to_owned())
}

/// Whether a normalized name can be that of a host with mail.
fn is_host(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    name.len() <= 253 && name.contains('.') && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses() {
        let list = ReportUri::parse_list(
            "mailto:dmarc@example.com , MAILTO:a%2Cb%21c@B\u{fc}cher.example!10m,mailto:x@example.net?subject=y",
        );
        assert!(list.iter().all(|uri| uri.problem.is_none()), "{list:?}");
        assert_eq!(list[0].address.as_deref(), Some("dmarc@example.com"));
        assert_eq!(list[1].address.as_deref(), Some("a,b!c@B\u{fc}cher.example"));
        assert_eq!(
            (list[1].host.as_deref(), list[1].size_limit.as_deref()),
            (Some("xn--bcher-kva.example"), Some("10m"))
        );
        assert_eq!(list[2].host.as_deref(), Some("example.net"));
    }

    #[test]
    fn what_cannot_be_used() {
        for (text, says) in [
            ("dmarc@example.com", "mailto:dmarc@example.com"),
            ("example.com", "not a URI"),
            ("https://example.com/dmarc", "not mailto"),
            ("mailto:dmarc", "\"@\""),
            ("mailto:@example.com", "mailbox"),
            ("mailto:a b@example.com", "mailbox"),
            ("mailto:a@localhost", "invalid domain"),
            ("mailto:a@exam ple.com", "invalid domain"),
            ("mailto:a%2@example.com", "hexadecimal"),
            ("mailto:a%ff@example.com", "UTF-8"),
            ("mailto:a@example.com!", "size"),
            ("mailto:a!b@example.com", "%21"),
            ("mailto:a@example.com!10mb", "size"),
        ] {
            let uri = &ReportUri::parse_list(text)[0];
            assert!(uri.problem.as_ref().is_some_and(|problem| problem.contains(says)), "{text}: {uri:?}");
        }
        assert_eq!(ReportUri::parse_list(" "), []);
        assert!(ReportUri::parse_list("mailto:a@example.com,")[1].problem.is_some());
    }

    proptest! {
        #[test]
        fn any_text(text in "(mailto:)?\\PC{0,80}") {
            for uri in ReportUri::parse_list(&text) {
                prop_assert_eq!(uri.problem.is_none(), uri.address.is_some() && uri.host.is_some());
            }
        }
    }
}
