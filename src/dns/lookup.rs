//! Questions to the DNS and their answers.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::IpAddr;

use crate::domain::is_within;

/// The type of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An IPv4 address.
    A,
    /// An IPv6 address.
    Aaaa,
    /// The name that this one is an alias of.
    Cname,
    /// A mail server.
    Mx,
    /// The name of an address.
    Ptr,
    /// A text.
    Txt,
}

/// A question: a name, without a dot at the end, and a type.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Question {
    /// The name.
    pub name: String,
    /// The type.
    pub kind: Kind,
}

impl Question {
    /// A question about a name, in lower case.
    #[must_use]
    pub fn new(kind: Kind, name: &str) -> Self {
        Question { name: name.trim_end_matches('.').to_ascii_lowercase(), kind }
    }

    /// The question for the name of an address (RFC 1035 §3.5, RFC 3596 §2.5).
    #[must_use]
    pub fn reverse(address: IpAddr) -> Self {
        let name = match address {
            IpAddr::V4(address) => {
                let [a, b, c, d] = address.octets();
                format!("{d}.{c}.{b}.{a}.in-addr.arpa")
            }
            IpAddr::V6(address) => {
                let nibbles = address.octets().into_iter().rev().flat_map(|byte| [byte & 15, byte >> 4]);
                nibbles.map(|nibble| format!("{nibble:x}.")).chain(["ip6.arpa".to_owned()]).collect()
            }
        };
        Question { name, kind: Kind::Ptr }
    }
}

/// The records of one name and type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Records {
    /// The names that the question was led to by CNAME records, in order; empty where the name is not an alias.
    pub aliases: Vec<String>,
    /// The values, never empty: a text with its strings joined, a name in lower case without a dot at the end (empty for the
    /// root), an address in its usual form.
    pub values: Vec<String>,
}

/// What the DNS said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Records.
    Found(Records),
    /// There is no such name, nor anything below it (NXDOMAIN, RFC 8020).
    NoSuchName,
    /// The name is there and has no record of this type.
    NoData,
    /// Nobody could say: no answer in time, an error of the server. It says nothing about the name.
    CouldNotLook(String),
}

impl Answer {
    /// The values found; none where there are none or nobody could say.
    #[must_use]
    pub fn values(&self) -> &[String] {
        match self {
            Answer::Found(records) => &records.values,
            _ => &[],
        }
    }

    /// The aliases followed.
    #[must_use]
    pub fn aliases(&self) -> &[String] {
        match self {
            Answer::Found(records) => &records.aliases,
            _ => &[],
        }
    }

    /// Why nobody could say, where that is so.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        match self {
            Answer::CouldNotLook(reason) => Some(reason),
            _ => None,
        }
    }

    /// Whether it is certain that there is no such record.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        matches!(self, Answer::NoSuchName | Answer::NoData)
    }
}

/// Whoever can answer questions.
pub trait Lookup {
    /// Answers the questions, in their order, in parallel where that is possible.
    fn look_up(&self, questions: &[Question]) -> Vec<Answer>;
}

/// Remembers what was answered, so that a review may ask the same question at several places, and fetches in advance what it
/// is known to need, so that it need not wait for one answer after the other.
pub struct Memory<'l> {
    lookup: &'l dyn Lookup,
    answers: RefCell<HashMap<Question, Answer>>,
    /// Why nobody is asked any more: the first batch brought nothing but failures.
    silent: RefCell<Option<String>>,
}

impl std::fmt::Debug for Memory<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").field("answers", &self.answers).finish_non_exhaustive()
    }
}

impl<'l> Memory<'l> {
    /// With nothing in it.
    #[must_use]
    pub fn new(lookup: &'l dyn Lookup) -> Self {
        Memory { lookup, answers: RefCell::default(), silent: RefCell::default() }
    }

    /// Asks these questions in parallel, unless they were asked before. Where several were asked and not one was answered,
    /// nobody waits for more.
    pub fn fetch(&self, questions: impl IntoIterator<Item = Question>) {
        let mut open: Vec<Question> = questions.into_iter().collect();
        open.sort_unstable();
        open.dedup();
        open.retain(|question| !self.answers.borrow().contains_key(question));
        if open.is_empty() {
            return;
        }
        let silent = self.silent.borrow().clone();
        let answers = match silent {
            Some(reason) => vec![Answer::CouldNotLook(reason); open.len()],
            None => self.lookup.look_up(&open),
        };
        if self.answers.borrow().is_empty()
            && answers.len() > 1
            && answers.iter().all(|answer| answer.failure().is_some())
        {
            *self.silent.borrow_mut() = answers.first().and_then(Answer::failure).map(str::to_owned);
        }
        self.answers.borrow_mut().extend(open.into_iter().zip(answers));
    }

    /// The answer to a question.
    #[must_use]
    pub fn ask(&self, question: Question) -> Answer {
        self.fetch([question.clone()]);
        let lost = || Answer::CouldNotLook("the question was not answered".to_owned());
        self.answers.borrow().get(&question).cloned().unwrap_or_else(lost)
    }

    /// The texts of a name.
    #[must_use]
    pub fn txt(&self, name: &str) -> Answer {
        self.ask(Question::new(Kind::Txt, name))
    }

    /// Whether any question about a domain and what lies below it was answered: by records, or by the certainty that there are
    /// none.
    #[must_use]
    pub fn could_look(&self, domain: &str) -> bool {
        let answers = self.answers.borrow();
        answers.iter().any(|(question, answer)| is_within(&question.name, domain) && answer.failure().is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reverse_names() {
        let name = |address: &str| Question::reverse(address.parse().unwrap()).name;
        assert_eq!(name("192.0.2.7"), "7.2.0.192.in-addr.arpa");
        assert_eq!(name("2001:db8::1"), "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
    }

    #[test]
    fn a_question_is_asked_once() {
        struct Counter(RefCell<Vec<usize>>);
        impl Lookup for Counter {
            fn look_up(&self, questions: &[Question]) -> Vec<Answer> {
                self.0.borrow_mut().push(questions.len());
                vec![Answer::NoData; questions.len()]
            }
        }
        let counter = Counter(RefCell::default());
        let memory = Memory::new(&counter);
        memory.fetch(["a", "b", "A."].map(|name| Question::new(Kind::Txt, name)));
        assert_eq!(memory.txt("b"), Answer::NoData);
        assert_eq!(memory.txt("c"), Answer::NoData);
        assert_eq!((*counter.0.borrow()).as_slice(), [2, 1]);
    }

    #[test]
    fn nobody_waits_for_a_silent_server() {
        struct Silent(RefCell<usize>);
        impl Lookup for Silent {
            fn look_up(&self, questions: &[Question]) -> Vec<Answer> {
                *self.0.borrow_mut() += 1;
                vec![Answer::CouldNotLook("no answer in time".to_owned()); questions.len()]
            }
        }
        let silent = Silent(RefCell::default());
        let memory = Memory::new(&silent);
        memory.fetch(["a.example", "b.example"].map(|name| Question::new(Kind::Txt, name)));
        assert_eq!(memory.txt("c.example").failure(), Some("no answer in time"));
        assert!(*silent.0.borrow() == 1 && !memory.could_look("example"));
    }
}
