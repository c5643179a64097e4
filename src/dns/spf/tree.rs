//! What an SPF record costs: the look-ups that a receiver makes for it, as a tree (RFC 7208 §4.6.4).

use serde::Serialize;

use super::record::SpfRecord;
use super::term::{Term, TermKind};
use crate::dns::{Answer, Kind, Memory, Question};

/// How it stands with a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// Well.
    Fine,
    /// It finds nothing, which receivers bear twice.
    Void,
    /// It works and should not be used.
    Deprecated,
    /// Receivers refuse the record when they come to it.
    PermanentError,
    /// The DNS gave no answer; what it refers to is not known.
    CouldNotLook,
}

/// A term that costs look-ups, and what it refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpfNode {
    /// As written.
    pub term: String,
    /// The name looked up; `null` where it depends on the message (macros).
    pub name: Option<String>,
    /// The record found there, of `include` and `redirect`.
    pub record: Option<String>,
    /// Look-ups that it costs, with those of what it refers to.
    pub lookups: usize,
    /// Look-ups of these that find nothing, as far as can be told without a message.
    pub void_lookups: usize,
    /// How it stands with it.
    pub state: NodeState,
    /// What is wrong with it.
    pub problem: Option<String>,
    /// What it refers to.
    pub behind: Vec<SpfNode>,
}

/// Receivers stop at ten look-ups; here it stops where all hope is lost.
const MOST_LOOKUPS: usize = 60;
/// Mail servers of one name that a receiver looks at.
const MOST_SERVERS: usize = 10;
/// How deep records are fetched in advance.
const LEVELS_AHEAD: usize = 6;

/// The records at a name; a receiver takes exactly one.
pub(super) fn records(answer: &Answer) -> Vec<&String> {
    answer.values().iter().filter(|text| SpfRecord::parse(text).is_some()).collect()
}

/// The terms that count: all up to the first `all`, and the redirect where there is no `all`.
pub(super) fn counted(record: &SpfRecord) -> impl Iterator<Item = &Term> {
    let has_all = record.all().is_some();
    let upto = record.terms.iter().position(|term| term.kind == TermKind::All).unwrap_or(record.terms.len());
    let redirects = |term: &&Term| matches!(term.kind, TermKind::Redirect(_));
    let mechanisms = record.terms[..upto].iter().filter(move |term| !redirects(term));
    mechanisms.chain(record.terms.iter().filter(redirects).take(usize::from(!has_all)))
}

/// The questions that a term asks of the DNS, where they do not depend on the message.
fn questions(term: &Term, own: &str) -> Vec<Question> {
    let (kinds, name): (&[Kind], _) = match &term.kind {
        TermKind::Include(target) | TermKind::Redirect(target) => (&[Kind::Txt], Some(target.as_str())),
        TermKind::A(target, _) => (&[Kind::A, Kind::Aaaa], Some(target.as_deref().unwrap_or(own))),
        TermKind::Mx(target, _) => (&[Kind::Mx], Some(target.as_deref().unwrap_or(own))),
        TermKind::Exists(target) => (&[Kind::A], Some(target.as_str())),
        _ => (&[], None),
    };
    let name = name.filter(|name| !name.contains('%'));
    name.map_or_else(Vec::new, |name| kinds.iter().map(|&kind| Question::new(kind, name)).collect())
}

/// Fetches what the tree below a record needs, level by level.
fn fetch_ahead(record: &SpfRecord, own: &str, memory: &Memory<'_>) {
    let mut level: Vec<(SpfRecord, String)> = vec![(record.clone(), own.to_owned())];
    let mut left = MOST_LOOKUPS;
    for _ in 0..LEVELS_AHEAD {
        let terms = level.iter().flat_map(|(record, own)| counted(record).map(move |term| (term, own)));
        let terms: Vec<(&Term, &String)> = terms.filter(|(term, _)| term.costs()).take(left).collect();
        left -= terms.len();
        memory.fetch(terms.iter().flat_map(|(term, own)| questions(term, own)).collect::<Vec<_>>());
        let mut next = Vec::new();
        for (term, _) in terms {
            if let TermKind::Include(target) | TermKind::Redirect(target) = &term.kind
                && !target.contains('%')
            {
                let answer = memory.txt(target);
                next.extend(
                    records(&answer).first().and_then(|text| SpfRecord::parse(text)).map(|one| (one, target.clone())),
                );
            }
        }
        if next.is_empty() || left == 0 {
            return;
        }
        level = next;
    }
}

/// The nodes below a record.
pub(super) fn tree(record: &SpfRecord, own: &str, memory: &Memory<'_>) -> Vec<SpfNode> {
    fetch_ahead(record, own, memory);
    Tree { memory, left: MOST_LOOKUPS, path: vec![own.to_owned()] }.nodes(record, own)
}

impl SpfNode {
    fn stands(&mut self, state: NodeState, problem: String) {
        self.state = state;
        self.problem = Some(problem);
    }
}

struct Tree<'m, 'l> {
    memory: &'m Memory<'l>,
    left: usize,
    path: Vec<String>,
}

impl Tree<'_, '_> {
    fn nodes(&mut self, record: &SpfRecord, own: &str) -> Vec<SpfNode> {
        let terms: Vec<Term> = counted(record).filter(|term| term.costs()).cloned().collect();
        let mut nodes = Vec::new();
        for term in terms {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            nodes.push(self.node(&term, own));
        }
        nodes
    }

    fn node(&mut self, term: &Term, own: &str) -> SpfNode {
        let questions = questions(term, own);
        let mut node = SpfNode {
            term: term.text.clone(),
            name: questions.first().map(|question| question.name.clone()),
            record: None,
            lookups: 1,
            void_lookups: 0,
            state: NodeState::Fine,
            problem: None,
            behind: Vec::new(),
        };
        if let TermKind::Ptr(_) = term.kind {
            node.stands(
                NodeState::Deprecated,
                "deprecated (RFC 7208 §5.5): slow, and receivers may pass over it".to_owned(),
            );
        }
        let answers: Vec<Answer> = questions.into_iter().map(|question| self.memory.ask(question)).collect();
        if let Some(reason) = answers.iter().find_map(Answer::failure) {
            node.stands(NodeState::CouldNotLook, format!("could not look: {reason}"));
        } else if !answers.is_empty() && answers.iter().all(Answer::is_nothing) {
            node.void_lookups = 1;
            node.stands(NodeState::Void, "nothing is found there".to_owned());
        }
        match &term.kind {
            TermKind::Include(target) | TermKind::Redirect(target)
                if !target.contains('%') && node.state != NodeState::CouldNotLook =>
            {
                self.follow(target, &answers, &mut node);
            }
            TermKind::Mx(..) if answers.iter().any(|answer| answer.values().len() > MOST_SERVERS) => {
                node.stands(NodeState::PermanentError, format!("it has more than {MOST_SERVERS} mail servers"));
            }
            TermKind::Mx(..) if answers.iter().any(|answer| self.is_unreachable(answer)) => node.stands(
                NodeState::PermanentError,
                "none of its mail servers has an address, which receivers take for a permanent error".to_owned(),
            ),
            _ => {}
        }
        node.lookups += node.behind.iter().map(|behind| behind.lookups).sum::<usize>();
        node.void_lookups += node.behind.iter().map(|behind| behind.void_lookups).sum::<usize>();
        node
    }

    /// Whether it is certain that none of the mail servers found has an address. That a domain takes no mail (RFC 7505) is
    /// another matter: the root is not a mail server.
    fn is_unreachable(&self, servers: &Answer) -> bool {
        let servers: Vec<&String> = servers.values().iter().filter(|server| !server.is_empty()).collect();
        let questions = servers.iter().flat_map(|server| [Kind::A, Kind::Aaaa].map(|kind| Question::new(kind, server)));
        let questions: Vec<Question> = questions.collect();
        self.memory.fetch(questions.clone());
        !servers.is_empty() && questions.into_iter().all(|question| self.memory.ask(question).is_nothing())
    }

    fn follow(&mut self, target: &str, answers: &[Answer], node: &mut SpfNode) {
        if self.path.iter().any(|name| name == target) {
            node.stands(NodeState::PermanentError, "a loop: it leads back to itself".to_owned());
            return;
        }
        let found = answers.first().map(records).unwrap_or_default();
        match found.as_slice() {
            [] => node.stands(NodeState::PermanentError, format!("{target} has no SPF record")),
            [text] => {
                node.record = Some((*text).clone());
                let Some(record) = SpfRecord::parse(text) else { return };
                if let Some(problem) = record.terms.iter().find_map(invalid) {
                    node.stands(NodeState::PermanentError, problem);
                }
                self.path.push(target.to_owned());
                node.behind = self.nodes(&record, target);
                self.path.pop();
            }
            several => {
                node.stands(NodeState::PermanentError, format!("{target} has {} SPF records", several.len()));
            }
        }
    }
}

/// What is wrong with a term, where receivers refuse the record for it.
pub(super) fn invalid(term: &Term) -> Option<String> {
    match &term.kind {
        TermKind::Invalid(reason) => Some(format!("{:?}: {reason}", crate::tag_list::quoted(&term.text))),
        _ => None,
    }
}
