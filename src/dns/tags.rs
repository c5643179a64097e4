//! Tag lists, `v=DMARC1; p=none`: the syntax that DMARC records and DKIM keys share (RFC 6376 §3.2).

/// A tag as written, without the blanks around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag<'a> {
    /// Its name; names are case-sensitive.
    pub name: &'a str,
    /// Its value.
    pub value: &'a str,
}

/// What does not follow the syntax.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TagProblem {
    /// There is no `=` in a part.
    #[error("{0:?} is no tag: it has no \"=\"")]
    NoEquals(String),
    /// A name that is none.
    #[error("{0:?} is not the name of a tag")]
    BadName(String),
    /// The tag was there before; the first one counts here, receivers may refuse the record.
    #[error("the tag {0} is there twice")]
    Twice(String),
    /// Nothing between two semicolons.
    #[error("there is nothing between two semicolons")]
    Empty,
    /// A character that may not stand in a value.
    #[error("the value of {0} has characters that may not be in it")]
    BadValue(String),
}

/// A tag list: the tags that could be read, in their order, and what could not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagList<'a> {
    /// Each tag once.
    pub tags: Vec<Tag<'a>>,
    /// What was wrong.
    pub problems: Vec<TagProblem>,
}

/// More tags than that are not read: no standard has as many.
const MOST_TAGS: usize = 100;
/// Text quoted in a problem is cut there.
const MOST_QUOTED: usize = 60;

impl<'a> TagList<'a> {
    /// Reads a list.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let mut list = TagList::default();
        let mut parts = text.split(';').map(trim).take(MOST_TAGS).peekable();
        while let Some(part) = parts.next() {
            let last = parts.peek().is_none();
            match part.split_once('=') {
                // A semicolon at the end is as good as none.
                None if part.is_empty() && last => {}
                None if part.is_empty() => list.problem(TagProblem::Empty),
                None => list.problem(TagProblem::NoEquals(quoted(part))),
                Some((name, value)) => list.add(trim(name), trim(value)),
            }
        }
        list
    }

    /// The value of a tag.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.tags.iter().find(|tag| tag.name == name).map(|tag| tag.value)
    }

    fn add(&mut self, name: &'a str, value: &'a str) {
        let starts = name.starts_with(|c: char| c.is_ascii_alphabetic());
        if !starts || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            self.problem(TagProblem::BadName(quoted(name)));
        } else if self.get(name).is_some() {
            self.problem(TagProblem::Twice(quoted(name)));
        } else {
            if value.chars().any(|c| !matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{21}'..='\u{7e}')) {
                self.problem(TagProblem::BadValue(quoted(name)));
            }
            self.tags.push(Tag { name, value });
        }
    }

    fn problem(&mut self, problem: TagProblem) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}

/// Without folding white space around it.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// A piece of a stranger's text for a message, at most so long.
#[must_use]
pub fn quoted(text: &str) -> String {
    match text.char_indices().nth(MOST_QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tags_in_their_order() {
        let list = TagList::parse("v=DMARC1 ; p = none;rua=mailto:a@example.com, mailto:b@example.com ;");
        let read: Vec<_> = list.tags.iter().map(|tag| (tag.name, tag.value)).collect();
        assert_eq!(read, [("v", "DMARC1"), ("p", "none"), ("rua", "mailto:a@example.com, mailto:b@example.com")]);
        assert!(list.problems.is_empty());
        // Only the first "=" parts name and value.
        assert_eq!(TagList::parse("p=MIGf==").get("p"), Some("MIGf=="));
    }

    #[test]
    fn what_is_wrong() {
        let problems = |text| TagList::parse(text).problems;
        assert_eq!(problems("v=DMARC1;;p=none"), [TagProblem::Empty]);
        assert_eq!(problems("v=DMARC1; none"), [TagProblem::NoEquals("none".to_owned())]);
        assert_eq!(problems("v=DMARC1; p=none; p=reject"), [TagProblem::Twice("p".to_owned())]);
        assert_eq!(problems("v=DMARC1; \u{201c}p\u{201d}=none").len(), 1);
        assert_eq!(problems("v=DMARC1; p=n\u{f6}ne"), [TagProblem::BadValue("p".to_owned())]);
        assert_eq!(problems(""), []);
    }

    proptest! {
        /// Whatever stands there, what is read is part of it and every name is there once.
        #[test]
        fn any_text(text in "\\PC{0,200}") {
            let list = TagList::parse(&text);
            let mut names: Vec<&str> = list.tags.iter().map(|tag| tag.name).collect();
            names.sort_unstable();
            let count = names.len();
            names.dedup();
            prop_assert_eq!(names.len(), count);
            prop_assert!(list.tags.iter().all(|tag| text.contains(tag.value)));
        }

        /// A list written from tags is read as those tags.
        #[test]
        fn round_trip(tags in proptest::collection::btree_map("[a-z]{1,5}", "[!-:<-~]([ -:<-~]{0,10}[!-:<-~])?", 1..8)) {
            let text: String = tags.iter().map(|(name, value)| format!(" {name} = {value} ;")).collect();
            let list = TagList::parse(&text);
            prop_assert!(list.problems.is_empty());
            let read: Vec<(String, String)> =
                list.tags.iter().map(|tag| (tag.name.to_owned(), tag.value.to_owned())).collect();
            prop_assert_eq!(read, tags.into_iter().collect::<Vec<_>>());
        }
    }
}
