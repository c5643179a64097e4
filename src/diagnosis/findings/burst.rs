//! Unauthenticated mail under the domain's name, from many networks at once.

use std::collections::BTreeMap;

use super::code::{DomainFinding, FindingCode, FindingEvidence, remedy};
use super::observations::{DomainMail, names};
use crate::diagnosis::class::Thresholds;
use crate::diagnosis::dates::shown;
use crate::finding::Severity;
use crate::query::SenderKey;
use crate::report::period::Day;
use crate::role::Role;
use crate::words::plural;

/// At least this share of messages and networks is seen by others than any one reporter, where there are others.
const BY_OTHERS: f64 = 0.1;
/// Days of one burst lie no further apart.
const PAUSE: Day = 2;

/// What one reporter saw of one path, which is a network where nothing names the sender.
#[derive(Clone, Copy)]
struct Sight {
    path: usize,
    reporter: u32,
    messages: u64,
}

/// What was seen on one day.
struct OnDay {
    messages: u64,
    networks: u64,
    /// For each reporter, its messages, and the networks that it alone saw.
    reporters: BTreeMap<u32, (u64, u64)>,
}

impl OnDay {
    fn of(mut sights: Vec<Sight>) -> Self {
        sights.sort_unstable_by_key(|sight| sight.path);
        let mut day = OnDay { messages: 0, networks: 0, reporters: BTreeMap::new() };
        for of_path in sights.chunk_by(|a, b| a.path == b.path) {
            day.networks += 1;
            for sight in of_path {
                day.messages = day.messages.saturating_add(sight.messages);
                let sum = &mut day.reporters.entry(sight.reporter).or_default().0;
                *sum = sum.saturating_add(sight.messages);
            }
            let first = of_path[0].reporter;
            if of_path.iter().all(|sight| sight.reporter == first) {
                day.reporters.entry(first).or_default().1 += 1;
            }
        }
        day
    }

    /// Whether it is a burst, whatever one reporter says.
    fn is_burst(&self, thresholds: &Thresholds, alone: bool) -> bool {
        let part = |of: u64, all: u64| all.saturating_sub(of) as f64 >= BY_OTHERS * all as f64;
        let mut reporters = self.reporters.values();
        self.messages >= thresholds.burst_messages
            && self.networks >= thresholds.burst_networks
            && (alone || reporters.all(|&(messages, sole)| part(messages, self.messages) && part(sole, self.networks)))
    }
}

pub(super) fn find(of: &DomainMail<'_>, thresholds: &Thresholds) -> Option<DomainFinding> {
    let (survey, tally) = (of.survey, &of.survey.tally);
    let unknown: Vec<usize> = of.paths.iter().copied().filter(|&at| survey.paths[at].role == Role::Unknown).collect();
    let messages = unknown.iter().map(|&at| survey.paths[at].messages).fold(0, u64::saturating_add);
    if (unknown.len() as u64) < thresholds.burst_networks || messages < thresholds.burst_messages {
        return None;
    }
    let mut sights: BTreeMap<Day, Vec<Sight>> = BTreeMap::new();
    // A network that writes under several names is one.
    let mut networks: BTreeMap<&SenderKey, usize> = BTreeMap::new();
    for &at in &unknown {
        let path = *networks.entry(&survey.paths[at].sender).or_insert(at);
        for entry in tally.entries(at).iter().filter(|entry| entry.messages > 0) {
            let report = tally.report(entry);
            let sight = Sight { path, reporter: report.reporter, messages: entry.messages };
            sights.entry(report.day).or_default().push(sight);
        }
    }
    let alone = survey.evidence.get(of.domain).is_none_or(|evidence| evidence.reporters < 2);
    let on_days = sights.into_iter().map(|(day, sights)| (day, OnDay::of(sights)));
    let days: BTreeMap<Day, OnDay> = on_days.filter(|(_, on_day)| on_day.is_burst(thresholds, alone)).collect();
    // The last burst, if there were several.
    let last = *days.last_key_value()?.0;
    let mut first = last;
    for &day in days.keys().rev() {
        if first.saturating_sub(day) > PAUSE {
            break;
        }
        first = day;
    }
    let burst = days.range(first..=last);
    let who = names(of.survey, burst.clone().flat_map(|(_, day)| day.reporters.keys().copied()));
    let lasted = burst.clone().count() as u64;
    let (&worst, on_worst) = burst.max_by_key(|(day, of)| (of.messages, std::cmp::Reverse(**day)))?;
    let (messages, networks) = (on_worst.messages, on_worst.networks);
    let detail = format!(
        "spoofed from {} with {} on {}",
        plural(networks, "network"),
        plural(messages, "message"),
        shown(worst),
    );
    let evidence = FindingEvidence::Burst {
        worst_day: shown(worst),
        networks,
        messages,
        days: lasted,
        last_day: shown(last),
        reporters: who,
    };
    let mut found =
        DomainFinding::new(Severity::Advice, FindingCode::SpoofingBurst, of.domain, of.domain, detail, evidence);
    found.finding.remedy = Some(remedy(
        "nothing to fix in your mail; p=reject is what stops it",
        &[
            "Nothing authenticates that mail; your policy is what tells receivers to refuse it.",
            "If the domain is at p=none or p=quarantine, `dmarcstat readiness` says what stands in the way of p=reject.",
            "Expect bounces and complaints for a few days; answer that the mail was not yours.",
        ],
        None,
    ));
    found.since = Some(shown(first));
    Some(found)
}
