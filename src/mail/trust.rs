//! Whether a mail comes from whom it says, by the word of a server that is believed (RFC 8601).
//!
//! Reports are mail, and anybody may write to the address that is published for them. The server that took the mail in
//! has checked it, and says so in a field that it puts on top and takes away where others wrote it in its name.

use super::auth_results::AuthenticationResults;
use super::fields::HeaderFields;

/// What the server that is believed says of a mail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Authenticity {
    /// Nothing, or neither yes nor no: no server is believed, it did not look, or the domain publishes no policy.
    #[default]
    Unchecked,
    /// It passed DMARC, for this domain of its From.
    Passed(Option<String>),
    /// It failed DMARC, for this domain of its From.
    Failed(Option<String>),
}

/// By this name a server is meant that leaves its own name out, as Exchange Online does.
pub const NAMELESS: &str = "microsoft365";

impl Authenticity {
    /// What the server of this authserv-id says. Only the topmost of its fields counts: what lies below was there before.
    #[must_use]
    pub fn of(message: &[u8], authserv_id: &str) -> Self {
        let read = HeaderFields::new(message)
            .filter(|field| field.is("Authentication-Results"))
            .map(|field| AuthenticationResults::parse(field.value))
            .find(|read| match &read.authserv_id {
                None => authserv_id.eq_ignore_ascii_case(NAMELESS),
                Some(_) => read.is_from(authserv_id),
            });
        let Some(read) = read else { return Authenticity::Unchecked };
        let with = |result: &str| read.of("dmarc").find(|found| found.result == result);
        let domain = |found: &super::MethodResult| found.property("header", "from").map(domain_of);
        // Of two answers the bad one counts.
        match (with("fail"), with("pass")) {
            (Some(failed), _) => Authenticity::Failed(domain(failed)),
            (None, Some(passed)) => Authenticity::Passed(domain(passed)),
            (None, None) => Authenticity::Unchecked,
        }
    }

    /// The domain that it passed or failed for.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        match self {
            Authenticity::Unchecked => None,
            Authenticity::Passed(domain) | Authenticity::Failed(domain) => domain.as_deref(),
        }
    }
}

/// The domain, where a server wrote the address.
fn domain_of(value: &str) -> String {
    let domain = value
        .rsplit('@')
        .next()
        .unwrap_or(value)
        .trim_matches(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '.'));
    crate::report::shorten(domain, 253).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(header: &str) -> Authenticity {
        Authenticity::of(format!("{header}\r\n\r\nbody").as_bytes(), "mx.example.com")
    }

    fn passed(domain: &str) -> Authenticity {
        Authenticity::Passed(Some(domain.to_owned()))
    }

    #[test]
    fn the_topmost_word_of_the_server_counts() {
        let pass = "Authentication-Results: mx.example.com; dmarc=pass header.from=reporter.example";
        let fail =
            "authentication-results: MX.Example.COM 1;\r\n dmarc=fail (p=none)\r\n header.from=a@Reporter.example";
        let other = "Authentication-Results: elsewhere.example; dmarc=fail header.from=x";
        let newer = "Authentication-Results: mx.example.com 2; dmarc=pass header.from=x";
        assert_eq!(of(pass), passed("reporter.example"));
        assert_eq!(of(&format!("From: x\r\n{other}\r\n{newer}\r\n{pass}\r\n{fail}")), passed("reporter.example"));
        assert_eq!(of(&format!("{fail}\r\n{pass}")), Authenticity::Failed(Some("reporter.example".to_owned())));
        assert_eq!(of(other), Authenticity::Unchecked);
        // A field in the body is no field.
        assert_eq!(of(&format!("Subject: x\r\n\r\n{pass}")), Authenticity::Unchecked);
    }

    #[test]
    fn neither_yes_nor_no_is_unchecked() {
        for results in ["none", "spf=pass smtp.mailfrom=x", "dmarc=none header.from=x", "dmarc=temperror", "dmarc", ""]
        {
            assert_eq!(
                of(&format!("Authentication-Results: mx.example.com; {results}")),
                Authenticity::Unchecked,
                "{results}"
            );
        }
        assert_eq!(of("Authentication-Results: mx.example.com; dmarc=pass"), Authenticity::Passed(None));
        let two = "Authentication-Results: mx.example.com; dmarc=pass header.from=a; dmarc=fail header.from=b";
        assert_eq!(of(two), Authenticity::Failed(Some("b".to_owned())));
        let comment = "Authentication-Results: mx.example.com; spf=fail (; dmarc=pass header.from=x) smtp.mailfrom=\"; dmarc=pass\"";
        assert_eq!(of(comment), Authenticity::Unchecked);
    }

    #[test]
    fn exchange_online_leaves_its_name_out() {
        let mail = b"Authentication-Results: spf=pass (sender IP is 192.0.2.1)\r\n smtp.mailfrom=r.example; \
                     dmarc=pass action=none header.from=r.example;compauth=pass reason=100\r\n\r\n";
        assert_eq!(Authenticity::of(mail, "microsoft365"), passed("r.example"));
        assert_eq!(Authenticity::of(mail, "mx.example.com"), Authenticity::Unchecked);
    }

    proptest! {
        #[test]
        fn never_panics_and_never_believes_another(
            lines in proptest::collection::vec("[ -~\t\r\nÄ]{0,60}", 0..8), bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let text: String = lines.iter().map(|line| format!("Authentication-Results: other.example{line}\r\n")).collect();
            prop_assert_eq!(of(&text.replace("mx.example.com", "")), Authenticity::Unchecked);
            let mail = [b"Authentication-Results: mx.example.com;".as_slice(), &bytes].concat();
            let _ = Authenticity::of(&mail, "mx.example.com");
        }
    }
}
