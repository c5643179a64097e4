//! A table of records in place of the DNS, for tests.

use std::collections::BTreeMap;

use super::lookup::{Answer, Kind, Lookup, Question, Records};

/// Records by name; a name that has any, or has one below it, exists. A value that begins with `!` makes the question fail.
#[derive(Debug, Clone, Default)]
pub(crate) struct Zone(BTreeMap<(String, Kind), Vec<String>>);

impl Zone {
    /// From lines `name TYPE value`; the value of a TXT is the rest of the line.
    pub(crate) fn new(lines: &str) -> Self {
        let mut zone = Zone::default();
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let mut parts = line.splitn(3, ' ');
            let (name, kind) = (parts.next().unwrap(), parts.next().unwrap());
            let kind = match kind {
                "A" => Kind::A,
                "AAAA" => Kind::Aaaa,
                "CNAME" => Kind::Cname,
                "MX" => Kind::Mx,
                "PTR" => Kind::Ptr,
                "TXT" => Kind::Txt,
                other => panic!("{other}"),
            };
            zone.0.entry((name.to_owned(), kind)).or_default().push(parts.next().unwrap_or("").to_owned());
        }
        zone
    }

    fn answer(&self, question: &Question, aliases: Vec<String>) -> Answer {
        let key = |kind| (question.name.clone(), kind);
        if let Some(values) = self.0.get(&key(question.kind)) {
            return match values[0].strip_prefix('!') {
                Some(reason) => Answer::CouldNotLook(reason.to_owned()),
                None => Answer::Found(Records { aliases, values: values.clone() }),
            };
        }
        if let Some(target) = self.0.get(&key(Kind::Cname)).filter(|_| aliases.len() < 8) {
            let target = target[0].clone();
            let aliases = aliases.into_iter().chain([target.clone()]).collect();
            return self.answer(&Question { name: target, kind: question.kind }, aliases);
        }
        let below = format!(".{}", question.name);
        match self.0.keys().any(|(name, _)| *name == question.name || name.ends_with(&below)) {
            true => Answer::NoData,
            false => Answer::NoSuchName,
        }
    }
}

impl Lookup for Zone {
    fn look_up(&self, questions: &[Question]) -> Vec<Answer> {
        questions.iter().map(|question| self.answer(question, Vec::new())).collect()
    }
}
