//! Domains whose name servers do not answer: they are waited for once.

use std::collections::HashMap;
use std::time::Duration;

use super::lookup::{Answer, Kind, Question};
use crate::domain;

/// A failure that took less is an answer of sorts, which costs nothing to ask for again.
const SLOW: Duration = Duration::from_secs(1);

/// What is known of domains: `None` where something was answered, else why nothing was.
#[derive(Debug, Default)]
pub(super) struct Unanswered(HashMap<String, Option<String>>);

impl Unanswered {
    /// Why it is of no use to ask, where that is so.
    pub(super) fn of(&self, question: &Question) -> Option<String> {
        self.0.get(zone(question)).cloned().flatten()
    }

    /// Notes what came of a question. One answer shows that the servers of a domain are there: a name of theirs that is an alias
    /// of a silent one does not make them silent.
    pub(super) fn note(&mut self, question: &Question, answer: &Answer, took: Duration) {
        let zone = zone(question);
        match answer.failure() {
            None => {
                self.0.insert(zone.to_owned(), None);
            }
            Some(reason) if took >= SLOW => {
                self.0.entry(zone.to_owned()).or_insert_with(|| Some(reason.to_owned()));
            }
            Some(_) => {}
        }
    }
}

/// The part of the DNS that one set of servers answers for, as far as a name tells.
fn zone(question: &Question) -> &str {
    match question.kind {
        // Reverse zones are delegated by networks, the smallest of 256 addresses.
        Kind::Ptr => question.name.split_once('.').map_or(question.name.as_str(), |(_, rest)| rest),
        _ => domain::organizational(&question.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_waited_for_once() {
        let question = |name: &str| Question::new(Kind::Txt, name);
        let late = Answer::CouldNotLook("no answer in time".to_owned());
        let mut unanswered = Unanswered::default();
        let wait = Duration::from_secs(3);
        unanswered.note(&question("_dmarc.example.com"), &late, wait);
        assert_eq!(unanswered.of(&question("k._domainkey.mail.example.com")).as_deref(), Some("no answer in time"));
        assert_eq!(unanswered.of(&question("example.net")), None);
        // Some server of it is there after all.
        unanswered.note(&question("www.example.com"), &Answer::NoData, wait);
        unanswered.note(&question("_dmarc.example.com"), &late, wait);
        assert_eq!(unanswered.of(&question("_dmarc.example.com")), None);
        // A quick refusal costs nothing.
        unanswered.note(&question("example.org"), &late, Duration::from_millis(2));
        assert_eq!(unanswered.of(&question("example.org")), None);
        let reverse = |address: &str| Question::reverse(address.parse().unwrap());
        unanswered.note(&reverse("192.0.2.1"), &late, wait);
        assert!(unanswered.of(&reverse("192.0.2.2")).is_some() && unanswered.of(&reverse("192.0.3.1")).is_none());
    }
}
