//! Text with placeholders, such as `Enable DKIM for {domain}`.

use std::fmt::Write;

use serde::{Deserialize, Deserializer, de};

/// What may stand in braces, each with what it is.
pub(super) const PLACEHOLDERS: [&str; 6] = [
    // The header From domain: `example.com`.
    "domain",
    // The same with its dots as dashes: `example-com`.
    "dashed",
    // The tenant: `contoso.onmicrosoft.com`.
    "tenant",
    // The domains that sign in place of the header From domain.
    "signing",
    // The selectors seen.
    "selectors",
    // The provider's name.
    "name",
];

/// The values of the placeholders; one that is not known is left as `<tenant>`, for a reader to fill in.
pub(super) trait Values {
    /// The value, where it is known.
    fn value(&self, placeholder: &str) -> Option<&str>;
}

/// Text whose placeholders are all known ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(String);

impl Template {
    /// Reads it; the error says what is wrong with it.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        if text.trim() != text || text.is_empty() || text.contains(char::is_control) {
            return Err("is empty, has blanks around it, or control characters in it".to_owned());
        }
        let template = Template(text.to_owned());
        let unknown = template.pieces().find_map(|(_, name)| name.filter(|name| !PLACEHOLDERS.contains(name)));
        match unknown.map(str::to_owned) {
            Some(name) => Err(format!("unknown placeholder {{{name}}}: use one of {}", PLACEHOLDERS.join(", "))),
            None => Ok(template),
        }
    }

    /// The pieces of text, each with the placeholder after it.
    fn pieces(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.split_inclusive('}').map(|piece| {
            match piece.strip_suffix('}').and_then(|inner| inner.rsplit_once('{')) {
                Some((text, placeholder)) => (text, Some(placeholder)),
                None => (piece, None),
            }
        })
    }

    /// Whether these words stand in it.
    pub(super) fn contains(&self, words: &str) -> bool {
        self.0.contains(words)
    }

    /// The text with the placeholders filled.
    pub(super) fn fill(&self, values: &impl Values) -> String {
        let mut out = String::with_capacity(self.0.len() + 32);
        for (text, placeholder) in self.pieces() {
            out.push_str(text);
            match placeholder.map(|name| (name, values.value(name))) {
                Some((_, Some(value))) => out.push_str(value),
                // Writing into a String cannot fail.
                Some((name, None)) => _ = write!(out, "<{name}>"),
                None => {}
            }
        }
        out
    }

    /// The text, where all of its placeholders have values.
    pub(super) fn fill_whole(&self, values: &impl Values) -> Option<String> {
        let known = self.pieces().all(|(_, name)| name.is_none_or(|name| values.value(name).is_some()));
        known.then(|| self.fill(values))
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Template::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Only;

    impl Values for Only {
        fn value(&self, placeholder: &str) -> Option<&str> {
            (placeholder == "domain").then_some("example.com")
        }
    }

    #[test]
    fn placeholders_are_filled() {
        let text = |template: &str| Template::new(template).unwrap().fill(&Only);
        assert_eq!(text("a {domain}, b {domain}"), "a example.com, b example.com");
        assert_eq!(text("s._domainkey.{tenant}"), "s._domainkey.<tenant>");
        assert_eq!(text("no placeholder"), "no placeholder");
        assert_eq!(Template::new("{tenant}").unwrap().fill_whole(&Only), None);
        assert_eq!(Template::new("x.{domain}").unwrap().fill_whole(&Only).as_deref(), Some("x.example.com"));
    }

    #[test]
    fn unknown_placeholders_are_refused() {
        assert!(Template::new("{doman}").unwrap_err().contains("{doman}"));
        assert!(Template::new("").is_err() && Template::new(" x").is_err() && Template::new("a\nb").is_err());
    }
}
