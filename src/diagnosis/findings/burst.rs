//! Unauthenticated mail under the domain's name, from many networks at once.

use std::collections::{BTreeMap, BTreeSet};

use super::DomainMail;
use super::code::{DomainFinding, FindingCode, FindingEvidence, remedy};
use crate::diagnosis::class::Thresholds;
use crate::diagnosis::dates::shown;
use crate::finding::Severity;
use crate::report::period::Day;
use crate::role::Role;
use crate::words::{grouped, plural};

/// At least this share of messages and networks is seen by others than any one reporter, where there are others.
const BY_OTHERS: f64 = 0.1;
/// Days of one burst lie no further apart.
const PAUSE: Day = 2;

#[derive(Default)]
struct OnDay {
    messages: BTreeMap<u32, u64>,
    /// By path, which is a network where nothing names the sender, who saw it.
    networks: BTreeMap<usize, BTreeSet<u32>>,
}

impl OnDay {
    fn all(&self) -> u64 {
        self.messages.values().copied().fold(0, u64::saturating_add)
    }

    /// Whether it is a burst, whatever one reporter says.
    fn is_burst(&self, thresholds: &Thresholds, alone: bool) -> bool {
        let (messages, networks) = (self.all(), self.networks.len() as u64);
        if messages < thresholds.burst_messages || networks < thresholds.burst_networks {
            return false;
        }
        if alone {
            return true;
        }
        let without = |reporter: u32, of_reporter: u64| {
            let seen = self.networks.values().filter(|who| who.iter().any(|&other| other != reporter)).count();
            (messages - of_reporter) as f64 >= BY_OTHERS * messages as f64 && seen as f64 >= BY_OTHERS * networks as f64
        };
        self.messages.iter().all(|(&reporter, &of_reporter)| without(reporter, of_reporter))
    }
}

pub(super) fn find(of: &DomainMail<'_>, thresholds: &Thresholds) -> Option<DomainFinding> {
    let (survey, tally) = (of.survey, &of.survey.tally);
    let unknown: Vec<usize> = of.paths.iter().copied().filter(|&at| survey.paths[at].role == Role::Unknown).collect();
    let messages = unknown.iter().map(|&at| survey.paths[at].messages).fold(0, u64::saturating_add);
    if (unknown.len() as u64) < thresholds.burst_networks || messages < thresholds.burst_messages {
        return None;
    }
    let mut days: BTreeMap<Day, OnDay> = BTreeMap::new();
    for &at in &unknown {
        for entry in tally.entries(at).iter().filter(|entry| entry.messages > 0) {
            let report = tally.report(entry);
            let day = days.entry(report.day).or_default();
            *day.messages.entry(report.reporter).or_default() += entry.messages;
            day.networks.entry(at).or_default().insert(report.reporter);
        }
    }
    let alone = survey.evidence.get(of.domain).is_none_or(|evidence| evidence.reporters < 2);
    days.retain(|_, day| day.is_burst(thresholds, alone));
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
    let who = of.all.reporters(burst.clone().flat_map(|(_, day)| day.messages.keys().copied()));
    let lasted = burst.clone().count() as u64;
    let (&worst, on_worst) = burst.max_by_key(|(day, of)| (of.all(), std::cmp::Reverse(**day)))?;
    let (messages, networks) = (on_worst.all(), on_worst.networks.len() as u64);
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
        "nothing to mend in your mail; p=reject is what stops it",
        &[
            &format!(
                "{} messages came from machines that are not yours. No receiver can be told apart from them but by your policy.",
                grouped(messages)
            ),
            "If the domain is at p=none or p=quarantine, `dmarcstat readiness` says what stands in the way of p=reject.",
            "Expect bounces and complaints for a few days; answer that the mail was not yours.",
        ],
        None,
    ));
    found.since = Some(shown(first));
    Some(found)
}
