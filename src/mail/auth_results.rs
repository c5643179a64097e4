//! `Authentication-Results` (RFC 8601) and `ARC-Authentication-Results` (RFC 8617 §4.1.1): what a server says it found.
//!
//! The field is a server's word, and anybody may write one: only those of one's own server, by its authserv-id, are
//! worth belief, and of those the topmost. Servers write the field with more freedom than the RFC gives
//! (Microsoft 365 leaves out the authserv-id and the property type of `action`), so reading never fails: what cannot
//! be made sense of is left out.

use super::result_text::{Cursor, Item};

/// Results kept of one field, and properties kept of one result; servers write a handful. A failure of DMARC
/// is kept wherever it stands: many other results do not hide it.
const MOST: usize = 64;

/// One field, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthenticationResults {
    /// `i=` of the ARC set, from 1; absent in `Authentication-Results`.
    pub instance: Option<u32>,
    /// Who speaks, as written; absent where the field begins with a result.
    pub authserv_id: Option<String>,
    /// The version after the authserv-id. Absent means 1; of another one, nothing is known (RFC 8601 §2.2).
    pub version: Option<u32>,
    /// The results, in order. Empty for `none`.
    pub results: Vec<MethodResult>,
}

/// The result of one method.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MethodResult {
    /// `dkim`, `spf`, `dmarc`, `arc` …, in lower case, without a version.
    pub method: String,
    /// `pass`, `fail` …, in lower case.
    pub result: String,
    /// `reason=`.
    pub reason: Option<String>,
    /// What was checked, in order.
    pub properties: Vec<Property>,
    /// Comments within this result, without their outer parentheses.
    pub comments: Vec<String>,
}

/// `ptype.property=value`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Property {
    /// `smtp`, `header`, `body`, `policy`, in lower case; empty where the server left it out.
    pub ptype: String,
    /// The name, in lower case.
    pub name: String,
    /// The value, unquoted.
    pub value: String,
}

impl MethodResult {
    /// Whether it says that DMARC failed.
    #[must_use]
    pub fn is_dmarc_failure(&self) -> bool {
        self.method == "dmarc" && self.result == "fail"
    }

    /// The value of a property, such as `("header", "from")`.
    #[must_use]
    pub fn property(&self, ptype: &str, name: &str) -> Option<&str> {
        self.properties
            .iter()
            .find(|property| property.ptype == ptype && property.name == name)
            .map(|property| property.value.as_str())
    }
}

impl AuthenticationResults {
    /// Reads the value of an `Authentication-Results` field, folded as it came.
    #[must_use]
    pub fn parse(value: &[u8]) -> Self {
        let text = String::from_utf8_lossy(value);
        let mut read = AuthenticationResults::default();
        read.fill(&mut Cursor::new(&text));
        read
    }

    /// Reads the value of an `ARC-Authentication-Results` field, which begins with the instance.
    #[must_use]
    pub fn parse_arc(value: &[u8]) -> Self {
        let text = String::from_utf8_lossy(value);
        let mut read = AuthenticationResults::default();
        let mut cursor = Cursor::new(&text);
        let start = cursor;
        let mut comments = Vec::new();
        match cursor.item(&mut comments) {
            Some(Item::Pair(name, value)) if name.eq_ignore_ascii_case("i") => {
                read.instance = value.parse().ok();
                cursor.rest_of_part();
            }
            _ => cursor = start,
        }
        read.fill(&mut cursor);
        read
    }

    /// The results of a method.
    pub fn of<'a>(&'a self, method: &'a str) -> impl Iterator<Item = &'a MethodResult> {
        self.results.iter().filter(move |result| result.method == method)
    }

    /// Whether the field is `id`'s and of the version that this reads. Names compare without case.
    #[must_use]
    pub fn is_from(&self, id: &str) -> bool {
        self.authserv_id.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(id))
            && self.version.is_none_or(|version| version == 1)
    }

    fn fill(&mut self, cursor: &mut Cursor<'_>) {
        let mut first = true;
        loop {
            let mut result: Option<MethodResult> = None;
            let mut comments = Vec::new();
            while let Some(item) = cursor.item(&mut comments) {
                match (item, &mut result) {
                    (Item::Word(word), None) if first && self.authserv_id.is_none() => self.authserv_id = Some(word),
                    (Item::Word(word), None) if first && self.version.is_none() => self.version = word.parse().ok(),
                    (Item::Word(_), _) => {}
                    (Item::Pair(name, value), None) => {
                        let method = name.split('/').next().unwrap_or_default().trim().to_ascii_lowercase();
                        result =
                            Some(MethodResult { method, result: value.to_ascii_lowercase(), ..Default::default() });
                    }
                    (Item::Pair(name, value), Some(result)) => result.add(&name, value),
                }
            }
            let beyond = self.results.len() >= MOST;
            let kept = |result: &MethodResult| {
                !beyond || result.is_dmarc_failure() && !self.results.iter().any(MethodResult::is_dmarc_failure)
            };
            if let Some(mut result) = result.filter(kept) {
                result.comments = comments;
                self.results.push(result);
            }
            first = false;
            if !cursor.next_part() {
                return;
            }
        }
    }
}

impl MethodResult {
    fn add(&mut self, name: &str, value: String) {
        let name = name.to_ascii_lowercase();
        if name == "reason" {
            self.reason.get_or_insert(value);
        } else if self.properties.len() < MOST {
            let (ptype, name) = name.split_once('.').unwrap_or(("", &name));
            self.properties.push(Property { ptype: ptype.to_owned(), name: name.to_owned(), value });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> AuthenticationResults {
        AuthenticationResults::parse(text.as_bytes())
    }

    #[test]
    fn as_google_writes_it() {
        let read = read(concat!(
            " mx.google.com;\r\n       dkim=pass header.i=@news.example.com header.s=s1 header.b=\"ab/+c==\";\r\n",
            "       spf=pass (google.com: domain of b+1=u=x.org@bounce.example designates 192.0.2.1 as permitted sender)",
            " smtp.mailfrom=\"b+1=u=x.org@bounce.example\";\r\n",
            "       dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=example.com"
        ));
        assert_eq!((read.authserv_id.as_deref(), read.version, read.results.len()), (Some("mx.google.com"), None, 3));
        let [dkim, spf, dmarc] = &read.results[..] else { panic!() };
        assert_eq!((dkim.method.as_str(), dkim.result.as_str()), ("dkim", "pass"));
        assert_eq!(dkim.property("header", "i"), Some("@news.example.com"));
        assert_eq!(dkim.property("header", "b"), Some("ab/+c=="));
        assert_eq!(spf.property("smtp", "mailfrom"), Some("b+1=u=x.org@bounce.example"));
        assert_eq!(dmarc.comments, ["p=NONE sp=NONE dis=NONE"]);
        assert!(read.is_from("MX.google.com") && !read.is_from("google.com"));
    }

    #[test]
    fn as_microsoft_writes_it() {
        let read = read(concat!(
            "spf=pass (sender IP is 192.0.2.1)\r\n smtp.mailfrom=example.com; dkim=pass (signature was verified)\r\n",
            " header.d=example.com;dmarc=pass action=none header.from=example.com;compauth=pass reason=100"
        ));
        assert_eq!(read.authserv_id, None);
        let methods: Vec<_> = read.results.iter().map(|one| (one.method.as_str(), one.result.as_str())).collect();
        assert_eq!(methods, [("spf", "pass"), ("dkim", "pass"), ("dmarc", "pass"), ("compauth", "pass")]);
        assert_eq!(read.results[2].property("", "action"), Some("none"));
        assert_eq!(read.results[2].property("header", "from"), Some("example.com"));
        assert_eq!(read.results[3].reason.as_deref(), Some("100"));
    }

    #[test]
    fn as_the_rfc_allows_it() {
        let read = read(concat!(
            " (first) foo.example.net (foobar) 1 (baz);\r\n",
            "\tdkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n",
            "\t  policy (A dot can go here) . (like that) expired\r\n",
            "\t  (this surprised me) = (as I wasn't expecting it) 1362471462"
        ));
        assert_eq!((read.authserv_id.as_deref(), read.version), (Some("foo.example.net"), Some(1)));
        let [dkim] = &read.results[..] else { panic!() };
        assert_eq!((dkim.method.as_str(), dkim.result.as_str()), ("dkim", "fail"));
        assert_eq!(dkim.property("policy", "expired"), Some("1362471462"));
    }

    #[test]
    fn nothing_found_and_other_versions() {
        assert_eq!(read("mx.example.com; none").results, []);
        assert_eq!(read("mx.example.com").authserv_id.as_deref(), Some("mx.example.com"));
        assert!(!read("mx.example.com 2; dmarc=pass").is_from("mx.example.com"));
        assert_eq!(read(""), AuthenticationResults::default());
    }

    #[test]
    fn text_within_quotes_and_comments_is_no_result() {
        for text in [
            "mx; spf=fail smtp.mailfrom=\"a; dmarc=pass\"@evil.example",
            "mx; spf=fail (domain of a; dmarc=pass (nested); dmarc=pass) smtp.mailfrom=x",
            "mx; spf=fail (never closed; dmarc=pass header.from=example.com",
            "mx; spf=fail smtp.mailfrom=\"never closed; dmarc=pass header.from=example.com",
            "mx; spf=fail (\\); dmarc=pass header.from=example.com)",
        ] {
            let read = read(text);
            assert_eq!((read.of("dmarc").count(), read.of("spf").count()), (0, 1), "{text}");
        }
    }

    #[test]
    fn arc_names_its_instance() {
        let read = AuthenticationResults::parse_arc(b" i=2; mx.microsoft.com 1; spf=pass smtp.mailfrom=x; arc=none");
        assert_eq!((read.instance, read.authserv_id.as_deref()), (Some(2), Some("mx.microsoft.com")));
        assert_eq!((read.version, read.results.len()), (Some(1), 2));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = (AuthenticationResults::parse(&bytes), AuthenticationResults::parse_arc(&bytes));
        }

        #[test]
        fn never_panics_on_what_looks_alike(text in "[a-c =;.()/\"\\\\\r\n\té1]{0,80}") {
            let text = text.as_bytes();
            let _ = (AuthenticationResults::parse(text), AuthenticationResults::parse_arc(text));
        }

        #[test]
        fn what_is_written_is_read(
            id in "[a-z.]{1,20}",
            results in proptest::collection::vec(("[a-z]{1,8}", "[a-z]{1,9}", "[ -~]{0,20}", "[^()\\\\]{0,10}"), 0..5),
        ) {
            let mut text = id.clone();
            for (method, result, value, comment) in &results {
                let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
                text.push_str(&format!("; {method}={result} ({comment}) x.y=\"{quoted}\""));
            }
            let read = AuthenticationResults::parse(text.as_bytes());
            prop_assert_eq!(read.authserv_id.as_deref(), Some(id.as_str()));
            prop_assert_eq!(read.results.len(), results.len());
            for (read, (method, result, value, _)) in read.results.iter().zip(&results) {
                prop_assert_eq!((&read.method, &read.result), (method, result));
                prop_assert_eq!(read.property("x", "y"), Some(value.as_str()));
            }
        }
    }
}
