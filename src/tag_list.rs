//! Tag lists (RFC 6376 §3.2): `v=1; a=rsa-sha256; d=example.com`, the form of `DKIM-Signature`, of the ARC fields, and of DMARC
//! and DKIM records in the DNS.

/// Tags kept of one list; a signature has some fifteen.
const MOST: usize = 64;
/// A stranger's text quoted in a problem is cut there.
const MOST_QUOTED: usize = 60;

/// A tag, without the blanks around name and value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Its name; names are told apart by case.
    pub name: String,
    /// Its value, without line ends.
    pub value: String,
}

/// What does not follow the syntax.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TagProblem {
    /// There is no `=` in a part.
    #[error("invalid tag {0:?}: a tag is a name, \"=\" and a value")]
    NoEquals(String),
    /// A name that is none.
    #[error("{0:?} is not the name of a tag")]
    BadName(String),
    /// The tag was there before; its name, and the value that it has here. The first one counts in [`TagList::tags`]; by the RFC
    /// the whole list is invalid.
    #[error("the tag {0} is there twice")]
    Twice(String, String),
    /// Nothing between two semicolons.
    #[error("there is nothing between two semicolons")]
    Empty,
    /// A character that may not stand in a value.
    #[error("the value of {0} has characters that may not be in it")]
    BadValue(String),
    /// More tags than anybody writes.
    #[error("there are more than {MOST} tags")]
    TooMany,
}

/// The tags of a list that could be read, in order, each once; and what was wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagList {
    /// The tags.
    pub tags: Vec<Tag>,
    /// What was wrong.
    pub problems: Vec<TagProblem>,
}

impl TagList {
    /// Reads a record, or the value of a field, folded as it came.
    #[must_use]
    pub fn parse(value: &[u8]) -> Self {
        let text = String::from_utf8_lossy(value);
        let mut list = TagList::default();
        let mut parts = text.split(';').map(str::trim_ascii).peekable();
        while let Some(part) = parts.next() {
            if list.tags.len() == MOST && !part.is_empty() {
                list.problem(TagProblem::TooMany);
                break;
            }
            match part.split_once('=') {
                // A semicolon at the end is as good as none.
                None if part.is_empty() && parts.peek().is_none() => {}
                None if part.is_empty() => list.problem(TagProblem::Empty),
                None => list.problem(TagProblem::NoEquals(quoted(part))),
                Some((name, value)) => list.add(name.trim_ascii(), value.trim_ascii()),
            }
        }
        list
    }

    /// The value of a tag.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.tags.iter().find(|tag| tag.name == name).map(|tag| tag.value.as_str())
    }

    /// The value of a tag without any white space, for what may be folded anywhere: base64, lists.
    #[must_use]
    pub fn compact(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| value.chars().filter(|c| !c.is_ascii_whitespace()).collect())
    }

    /// Whether something in it is no `tag=value`, or there are more tags than anybody writes.
    #[must_use]
    pub fn is_malformed(&self) -> bool {
        use TagProblem::{BadName, NoEquals, TooMany};
        self.problems.iter().any(|problem| matches!(problem, NoEquals(_) | BadName(_) | TooMany))
    }

    /// A tag that stands there twice, which makes the whole list invalid.
    #[must_use]
    pub fn repeated(&self) -> Option<&str> {
        self.problems.iter().find_map(|problem| match problem {
            TagProblem::Twice(name, _) => Some(name.as_str()),
            _ => None,
        })
    }

    fn add(&mut self, name: &str, value: &str) {
        if !is_name(name) {
            self.problem(TagProblem::BadName(quoted(name)));
        } else if self.get(name).is_some() {
            self.problem(TagProblem::Twice(quoted(name), quoted(value)));
        } else {
            if value.chars().any(|c| !matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{21}'..='\u{7e}')) {
                self.problem(TagProblem::BadValue(quoted(name)));
            }
            self.tags.push(Tag { name: name.to_owned(), value: value.replace(['\r', '\n'], "") });
        }
    }

    fn problem(&mut self, problem: TagProblem) {
        if self.problems.len() < MOST && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether a text is what belongs into a CNAME: the name of a host or key, and nothing else.
#[must_use]
pub fn is_name_of_target(text: &str) -> bool {
    let name = text.trim().trim_end_matches('.');
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let labels = name.split('.').count();
    // A verification code of somebody else may have a dot in it; the last label of a name has letters only.
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= 253
        && labels >= 3
        && name.split('.').all(label)
        && last.len() >= 2
        && (last.bytes().all(|byte| byte.is_ascii_alphabetic()) || last.starts_with("xn--"))
}

/// A piece of a stranger's text for a message, cut where it is long.
#[must_use]
pub fn quoted(text: &str) -> String {
    match text.char_indices().nth(MOST_QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn folded_values_and_faults() {
        let list = TagList::parse(b" v=1; a=rsa-sha256;\r\n\t d = example.com; h=From:\r\n Subject; b=ab\r\n cd=;");
        assert_eq!((list.get("d"), list.get("h"), list.get("D")), (Some("example.com"), Some("From: Subject"), None));
        assert_eq!(list.compact("b").as_deref(), Some("abcd="));
        assert_eq!(list.problems, []);
        assert!(TagList::parse(b"v=1; nonsense").is_malformed() && TagList::parse(b"1=2").is_malformed());
        assert_eq!(TagList::parse(b"d=a; s=b; d=c").repeated(), Some("d"));
        assert_eq!(TagList::parse(b"d=a; s=b; d=c").get("d"), Some("a"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let problems = |text: &str| TagList::parse(text.as_bytes()).problems;
        assert_eq!(problems("v=DMARC1;;p=none"), [TagProblem::Empty]);
        assert_eq!(problems("v=DMARC1; none"), [TagProblem::NoEquals("none".to_owned())]);
        assert_eq!(problems("v=DMARC1; \u{201c}p\u{201d}=none").len(), 1);
        assert_eq!(problems("v=DMARC1; p=n\u{f6}ne"), [TagProblem::BadValue("p".to_owned())]);
        let many: String = (0..100).map(|number| format!("t{number}=x;")).collect();
        assert_eq!(problems(&many), [TagProblem::TooMany]);
        assert_eq!(problems(""), []);
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let list = TagList::parse(&bytes);
            let _ = (list.compact("b"), list.is_malformed());
            prop_assert!(list.tags.iter().all(|tag| list.get(&tag.name) == Some(&tag.value)));
        }

        #[test]
        fn what_is_written_is_read(tags in proptest::collection::btree_map("[a-z][a-z0-9]{0,5}", "[!-:<-~]{0,20}", 0..8)) {
            let text: String = tags.iter().map(|(name, value)| format!("{name}={value};\r\n ")).collect();
            let list = TagList::parse(text.as_bytes());
            prop_assert_eq!(&list.problems, &[]);
            for (name, value) in &tags {
                prop_assert_eq!(list.get(name), Some(value.as_str()));
            }
        }
    }
}
