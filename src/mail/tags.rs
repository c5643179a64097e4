//! Tag lists (RFC 6376 §3.2): `v=1; a=rsa-sha256; d=example.com`, the form of `DKIM-Signature` and of the ARC fields.

/// Tags kept of one list; a signature has some fifteen.
const MOST: usize = 64;

/// The tags of a list, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagList {
    tags: Vec<(String, String)>,
    /// Something that is no `tag=value`, or more tags than anybody writes.
    pub malformed: bool,
}

impl TagList {
    /// Reads the value of a field, folded as it came. Line ends and the blanks around values are no part of them.
    #[must_use]
    pub fn parse(value: &[u8]) -> Self {
        let text = String::from_utf8_lossy(value);
        let mut list = TagList::default();
        for part in text.split(';') {
            let part = part.trim_ascii();
            if part.is_empty() {
                continue;
            }
            match part.split_once('=') {
                Some((name, value)) if list.tags.len() < MOST && is_name(name.trim_ascii()) => {
                    let value = value.trim_ascii().replace(['\r', '\n'], "");
                    list.tags.push((name.trim_ascii().to_owned(), value));
                }
                _ => list.malformed = true,
            }
        }
        list
    }

    /// The value of a tag. Names are told apart by case; of several the first counts.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.tags.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a tag without any white space, for what may be folded anywhere: base64, lists.
    #[must_use]
    pub fn compact(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| value.chars().filter(|c| !c.is_ascii_whitespace()).collect())
    }

    /// A tag that stands there twice, which makes the whole list invalid.
    #[must_use]
    pub fn repeated(&self) -> Option<&str> {
        self.tags
            .iter()
            .enumerate()
            .find(|(at, (name, _))| self.tags[..*at].iter().any(|(before, _)| before == name))
            .map(|(_, (name, _))| name.as_str())
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
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
        assert!(!list.malformed && list.repeated().is_none());
        assert!(TagList::parse(b"v=1; nonsense").malformed && TagList::parse(b"1=2").malformed);
        assert_eq!(TagList::parse(b"d=a; s=b; d=c").repeated(), Some("d"));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let list = TagList::parse(&bytes);
            let _ = (list.get("v"), list.compact("b"), list.repeated());
        }

        #[test]
        fn what_is_written_is_read(tags in proptest::collection::btree_map("[a-z][a-z0-9]{0,5}", "[!-:<-~]{0,20}", 0..8)) {
            let text: String = tags.iter().map(|(name, value)| format!("{name}={value};\r\n ")).collect();
            let list = TagList::parse(text.as_bytes());
            prop_assert!(!list.malformed);
            for (name, value) in &tags {
                prop_assert_eq!(list.get(name), Some(value.as_str()));
            }
        }
    }
}
