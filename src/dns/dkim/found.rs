//! What stands at the name of a selector.

use serde::Serialize;

use super::key::{DkimRecord, KeyType, key_name};
use crate::dns::{Answer, Kind, Memory, Origin, Question, Selector};
use crate::finding::Severity;
use crate::tag_list::{TagProblem, is_name_of_target, quoted};

/// How it stands with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// It is there and receivers can use it.
    Present,
    /// There is none.
    Missing,
    /// It was taken back (`p=` with nothing).
    Revoked,
    /// Receivers cannot use what is there.
    Broken,
    /// The DNS gave no answer.
    CouldNotLook,
}

/// The key of a selector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DkimKey {
    /// The selector.
    pub selector: String,
    /// The domain that signs with it, `d=`.
    pub domain: String,
    /// Why it is looked at.
    pub origin: Origin,
    /// Where its key is.
    pub name: String,
    /// How it stands.
    pub state: KeyState,
    /// The names that led to it, where the name is an alias.
    pub aliases: Vec<String>,
    /// The record.
    pub record: Option<String>,
    /// The kind of the key.
    pub key_type: Option<KeyType>,
    /// Its bits.
    pub bits: Option<usize>,
    /// `t=y`.
    pub testing: bool,
    /// What is wrong with it.
    pub problem: Option<String>,
    /// What to do about that, where it is not to publish the key anew.
    #[serde(skip)]
    pub(super) remedy: Option<String>,
    /// What could be better.
    #[serde(skip)]
    pub(super) notes: Vec<(Severity, &'static str, &'static str)>,
}

/// Looks at the key of a selector.
pub(super) fn key(selector: &Selector, memory: &Memory<'_>) -> DkimKey {
    let name = key_name(&selector.selector, &selector.domain);
    let mut key = DkimKey {
        selector: selector.selector.clone(),
        domain: selector.domain.clone(),
        origin: selector.origin,
        name: name.clone(),
        state: KeyState::Missing,
        aliases: Vec::new(),
        record: None,
        key_type: None,
        bits: None,
        testing: false,
        problem: None,
        remedy: None,
        notes: Vec::new(),
    };
    if !is_name(selector) {
        key.state = KeyState::Broken;
        key.problem = Some("this cannot be a name in the DNS".to_owned());
        return key;
    }
    let cname = memory.ask(Question::new(Kind::Cname, &name));
    key.aliases = cname.values().to_vec();
    match memory.txt(&name) {
        Answer::CouldNotLook(reason) => {
            key.state = KeyState::CouldNotLook;
            key.problem = Some(reason);
        }
        Answer::NoSuchName | Answer::NoData => {}
        Answer::Found(records) => {
            if !records.aliases.is_empty() {
                key.aliases = records.aliases;
            }
            read(&records.values, &mut key);
        }
    }
    key
}

fn read(texts: &[String], key: &mut DkimKey) {
    let meant: Vec<&String> = texts.iter().filter(|text| DkimRecord::is_meant(text)).collect();
    let text = match meant.as_slice() {
        [] => {
            key.state = KeyState::Broken;
            key.record = texts.first().cloned();
            if let Some(target) = texts.iter().find(|text| is_name_of_target(text)) {
                key.problem = Some(format!("a TXT record holds {:?}, which is what a CNAME points to", quoted(target)));
                key.remedy = Some(format!("Make it a CNAME: {} CNAME {}", key.name, quoted(target.trim())));
                return;
            }
            key.problem = Some("the record here is not a DKIM key".to_owned());
            return;
        }
        [text, ..] => *text,
    };
    let record = DkimRecord::parse(text);
    key.record = Some(text.clone());
    key.key_type = Some(record.key_type);
    key.bits = record.bits;
    key.testing = record.testing;
    (key.state, key.problem) = match record.problem {
        _ if texts.len() > 1 => (
            KeyState::Broken,
            Some(format!(
                "there are {} TXT records; which of them receivers take is not defined (RFC 6376 §3.6.2.2)",
                texts.len()
            )),
        ),
        Some(problem) => (KeyState::Broken, Some(problem)),
        None if record.revoked => (KeyState::Revoked, None),
        // A quotation mark makes the value odd, which is said in a better way below.
        None => {
            let problem = record
                .problems
                .iter()
                .find(|problem| !(record.in_pieces && **problem == TagProblem::BadValue("p".to_owned())));
            (KeyState::Present, problem.map(ToString::to_string))
        }
    };
    if record.private {
        key.remedy = Some(
            "The key is public now: make a new pair, publish the public half under a new selector, sign with it, and remove this record."
                .to_owned(),
        );
    }
    if record.in_pieces {
        key.notes.push((
            Severity::Warning,
            "the key has blanks or quotation marks within it; receivers read over them, and need not",
            "Publish the key in one piece.",
        ));
    }
    if record.granularity_empty {
        key.notes.push((
            Severity::Advice,
            "g= is empty: RFC 6376 has no such tag, and by RFC 4871 such a key fits no address",
            "Remove g=.",
        ));
    }
}

/// Longer selectors fit no name.
const MOST_LABELS: usize = 200;

/// Whether a selector can be a name in the DNS; reports hold anything.
pub(super) fn is_name(selector: &Selector) -> bool {
    let name = key_name(&selector.selector, &selector.domain);
    let label =
        |label: &str| !label.is_empty() && label.len() <= 63 && label.bytes().all(|byte| byte.is_ascii_graphic());
    selector.selector.len() < MOST_LABELS && name.len() <= 253 && name.split('.').all(label)
}
