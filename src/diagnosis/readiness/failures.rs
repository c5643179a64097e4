//! What fails of a path, told apart by result: who saw it, and on which days.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::answer::FailingPart;
use crate::diagnosis::SendingPath;
use crate::diagnosis::dates::shown;
use crate::diagnosis::failing::result;
use crate::query::Survey;
use crate::report::period::Day;

#[derive(Default)]
struct Part {
    messages: u64,
    days: BTreeSet<Day>,
    reporters: BTreeMap<u32, u64>,
}

/// What fails of a path, by result, most messages first.
pub(super) fn parts(survey: &Survey, path: &SendingPath) -> Vec<FailingPart> {
    let mut parts: BTreeMap<String, Part> = BTreeMap::new();
    for entry in survey.tally.entries(path.figures).iter().filter(|entry| entry.messages > 0) {
        let facts = survey.tally.facts(entry);
        if facts.dmarc == Some(true) {
            continue;
        }
        let report = survey.tally.report(entry);
        let part = parts.entry(result(facts)).or_default();
        part.messages = part.messages.saturating_add(entry.messages);
        part.days.insert(report.day);
        let sum = part.reporters.entry(report.reporter).or_default();
        *sum = sum.saturating_add(entry.messages);
    }
    let mut found: Vec<FailingPart> = parts
        .into_iter()
        .filter_map(|(result, part)| {
            let (&first, &last) = (part.days.first()?, part.days.last()?);
            let mut reporters: Vec<(u32, u64)> = part.reporters.into_iter().collect();
            reporters
                .sort_unstable_by_key(|&(at, messages)| (Reverse(messages), survey.reporter_names.get(at as usize)));
            let name = |at: u32| survey.reporter_names.get(at as usize).cloned();
            Some(FailingPart {
                result,
                messages: part.messages,
                first: shown(first),
                last: shown(last),
                days: u32::try_from(part.days.len()).unwrap_or(u32::MAX),
                reporters: reporters.into_iter().filter_map(|(at, _)| name(at)).collect(),
            })
        })
        .collect();
    found.sort_by(|a, b| (Reverse(a.messages), &a.result).cmp(&(Reverse(b.messages), &b.result)));
    found
}
