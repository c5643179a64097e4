//! Whether a mail comes from whom it says, by the word of a server that is believed (RFC 8601).
//!
//! Reports are mail, and anybody may write to the address that is published for them. The server that took the mail in
//! has checked it, and says so in a field that it puts on top and takes away where others wrote it in its name.

use super::auth_results::{AuthenticationResults, MethodResult};
use super::fields::HeaderFields;
use super::trace::addresses;

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

/// Where a field stands by the topmost fields of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Above,
    Within,
    Below,
}

/// What filters write between the results of others on the same server.
const FILTERS: [&str; 7] = [
    "ARC-Authentication-Results",
    "ARC-Filter",
    "ARC-Message-Signature",
    "ARC-Seal",
    "DKIM-Filter",
    "DMARC-Filter",
    "Received-SPF",
];

/// By this name a server is meant that leaves its own name out, as Exchange Online does.
pub const NAMELESS: &str = "microsoft365";

impl Authenticity {
    /// What the server of this authserv-id says.
    ///
    /// Servers write one field, or one for each of their filters, and put them on top. A pass counts from those alone: from
    /// the first of the server's fields and those that adjoin it. What lies further down was there before, and the sender may
    /// have written it. A failure counts wherever it stands: nobody lies to be disbelieved.
    #[must_use]
    pub fn of(message: &[u8], authserv_id: &str) -> Self {
        let (mut passed, mut block) = (None, Block::Above);
        for field in HeaderFields::new(message) {
            if !field.is("Authentication-Results") {
                if block == Block::Within && !FILTERS.iter().any(|name| field.is(name)) {
                    block = Block::Below;
                }
                continue;
            }
            let read = AuthenticationResults::parse(field.whole);
            let believed = match &read.authserv_id {
                None => authserv_id.eq_ignore_ascii_case(NAMELESS),
                Some(_) => read.is_from(authserv_id),
            };
            if !believed {
                block = if block == Block::Above { Block::Above } else { Block::Below };
                continue;
            }
            if let Some(failed) = read.results.iter().find(|result| result.is_dmarc_failure()) {
                return Authenticity::Failed(domain(failed, message));
            }
            if block == Block::Above {
                block = Block::Within;
            }
            if block == Block::Within && passed.is_none() {
                passed = read.of("dmarc").find(|result| result.result == "pass").map(|found| domain(found, message));
            }
        }
        passed.map_or(Authenticity::Unchecked, Authenticity::Passed)
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

/// The domain that was checked: the one that the server names, else that of `From`, which is what DMARC is about.
fn domain(result: &MethodResult, message: &[u8]) -> Option<String> {
    if let Some(named) = result.property("header", "from") {
        return Some(domain_of(named));
    }
    let mut from = HeaderFields::new(message).filter(|field| field.is("From")).flat_map(|field| addresses(field.value));
    match (from.next(), from.next()) {
        (Some(only), None) => Some(domain_of(&only)),
        _ => None,
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

    fn failed(domain: &str) -> Authenticity {
        Authenticity::Failed(Some(domain.to_owned()))
    }

    /// A field of the server's.
    fn field(results: &str) -> String {
        format!("Authentication-Results: mx.example.com; {results}\r\n")
    }

    #[test]
    fn a_failure_counts_wherever_the_server_wrote_it() {
        let fail = "dmarc=fail header.from=reporter.example";
        let pass = field("dmarc=pass header.from=reporter.example");
        let (spf, dkim) = (field("spf=pass smtp.mailfrom=x"), field("dkim=none"));
        let many = "dkim=pass header.d=x.example; ".repeat(200);
        let long = format!("spf=fail ({}) smtp.mailfrom=x; ", "a long story ".repeat(3_000));
        for header in [
            format!("{spf}{dkim}{}", field(fail)),
            field(&format!("{many}{fail}")),
            field(&format!("dmarc=pass header.from=x; {many}{fail}")),
            field(&format!("{long}{fail}")),
            format!("{pass}{}", field(fail)),
            format!("{pass}Received: from x by y\r\nSubject: x\r\n{}", field(fail)),
        ] {
            assert_eq!(of(&header), failed("reporter.example"), "{}", &header[..header.len().min(300)]);
        }
    }

    #[test]
    fn a_pass_counts_from_the_topmost_fields_alone() {
        let spf = field("spf=pass smtp.mailfrom=x");
        let pass = field("dmarc=pass header.from=reporter.example");
        let filter = "DKIM-Filter: Filter v2 mx.example.com 1\r\nReceived-SPF: pass\r\n";
        for header in [format!("From: x\r\n{spf}{pass}"), format!("{spf}{filter}{pass}"), format!("{spf}{spf}{pass}")] {
            assert_eq!(of(&header), passed("reporter.example"), "{header}");
        }
        let between = "Received: from evil.example by mx.example.com\r\n";
        let other = "Authentication-Results: elsewhere.example; dkim=pass\r\n";
        for header in [
            format!("{spf}{between}{pass}"),
            format!("{spf}Subject: x\r\n{pass}"),
            format!("{spf}{other}{pass}"),
            format!("{spf}no field\r\nTo: x\r\n{pass}"),
        ] {
            assert_eq!(of(&header), Authenticity::Unchecked, "{header}");
        }
        // Of two that adjoin the topmost.
        let forged = field("dmarc=pass header.from=great.example");
        assert_eq!(of(&format!("{pass}{forged}")), passed("reporter.example"));
    }

    #[test]
    fn where_the_server_names_no_domain_it_is_that_of_from() {
        let pass = field("dmarc=pass");
        assert_eq!(of(&format!("{pass}From: \"R\" <noreply@Reporter.example>")), passed("reporter.example"));
        assert_eq!(of(&format!("{pass}From: a@reporter.example, b@other.example")), Authenticity::Passed(None));
    }

    #[test]
    fn the_topmost_word_of_the_server_counts() {
        let pass = "Authentication-Results: mx.example.com; dmarc=pass header.from=reporter.example";
        let fail =
            "authentication-results: MX.Example.COM 1;\r\n dmarc=fail (p=none)\r\n header.from=a@Reporter.example";
        let other = "Authentication-Results: elsewhere.example; dmarc=fail header.from=x";
        let newer = "Authentication-Results: mx.example.com 2; dmarc=pass header.from=x";
        assert_eq!(of(pass), passed("reporter.example"));
        assert_eq!(of(&format!("From: x\r\n{other}\r\n{newer}\r\n{pass}")), passed("reporter.example"));
        assert_eq!(of(&format!("{fail}\r\n{pass}")), Authenticity::Failed(Some("reporter.example".to_owned())));
        assert_eq!(of(other), Authenticity::Unchecked);
        // What looks like a field in the body is none.
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
