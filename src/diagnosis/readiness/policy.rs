//! The published record as reports saw it, day by day.

use serde::Serialize;

use crate::diagnosis::published::{TAGS, most, voices};
use crate::query::Receivers;
use crate::report::period::date_of;
use crate::vocabulary::vocabulary;

/// The record as reports found it last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names are the tags'")]
pub struct PublishedAnswer {
    pub domain: String,
    pub p: Option<String>,
    pub sp: Option<String>,
    pub np: Option<String>,
    pub adkim: Option<String>,
    pub aspf: Option<String>,
    pub pct: Option<String>,
    pub testing: Option<String>,
}

/// A change of the published record within the window, as reports saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyChange {
    /// The first day on which most reports saw the new value.
    pub date: String,
    /// The tag.
    pub tag: &'static str,
    /// Its value before.
    pub from: Option<String>,
    /// Its value from then on.
    pub to: Option<String>,
}

/// The record of a policy domain as reports found it last, and how it changed. On a day on which reports differ (they
/// keep old records for a while, and some leave tags out) the value that most of those reporters give holds that give any.
pub(super) fn history(receivers: &Receivers, domain: &str) -> (Option<PublishedAnswer>, Vec<PolicyChange>) {
    let mut changes = Vec::new();
    let mut last: Vec<Option<String>> = Vec::new();
    let reports = || receivers.reports.iter().filter(|report| report.policy_domain == domain);
    let any = reports().next().is_some();
    for tag in &TAGS {
        let found = reports().map(|one| (one.day, one.reporter as u32, &receivers.policies[one.policy]));
        let mut before: Option<String> = None;
        for (day, values) in voices(found, tag) {
            let Some(now) = most(&values) else { continue };
            if before.as_ref().is_some_and(|before| before != now) {
                let date = date_of(day).to_string();
                changes.push(PolicyChange { date, tag: tag.name, from: before.clone(), to: Some(now.to_owned()) });
            }
            before = Some(now.to_owned());
        }
        last.push(before);
    }
    changes.sort_by(|a, b| (&a.date, a.tag).cmp(&(&b.date, b.tag)));
    let mut next = last.into_iter();
    let mut take = || next.next().flatten();
    let published = PublishedAnswer {
        domain: domain.to_owned(),
        p: take(),
        sp: take(),
        np: take(),
        adkim: take(),
        aspf: take(),
        pct: take(),
        testing: take(),
    };
    (any.then_some(published), changes)
}

vocabulary! {
    /// The policy that is to be published.
    pub enum Target {
        /// `p=quarantine`.
        Quarantine => "quarantine",
        /// `p=reject`.
        Reject => "reject",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::ReportSeen;
    use crate::report::PolicyPublished;
    use crate::report::period::{Day, Period};
    use crate::store::Trust;

    /// Reports on example.com: day and policy.
    fn receivers(reports: &[(Day, usize)], policies: &[(&str, &str)]) -> Receivers {
        let filled = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Receivers {
            reports: reports
                .iter()
                .enumerate()
                .map(|(reporter, &(day, policy))| ReportSeen {
                    day,
                    period: Period { begin: 0, end: 0 },
                    reporter,
                    policy_domain: "example.com".to_owned(),
                    policy,
                    messages: 1,
                    trust: Trust::Unchecked,
                })
                .collect(),
            reporters: vec!["reporter".to_owned()],
            policies: policies
                .iter()
                .map(|(p, sp)| PolicyPublished { p: filled(p), sp: filled(sp), ..PolicyPublished::default() })
                .collect(),
            ..Receivers::default()
        }
    }

    #[test]
    fn stragglers_and_omissions_are_no_changes() {
        let policies = [("none", "none"), ("Reject", ""), ("reject", "none")];
        // On day 11 the policy changes; one reporter keeps the old record for a day, another leaves sp out.
        let reports = [(10, 0), (10, 0), (11, 2), (11, 1), (11, 0), (12, 1), (12, 2)];
        let (published, changes) = history(&receivers(&reports, &policies), "example.com");
        assert_eq!(
            changes.iter().map(|change| (change.tag, change.date.as_str())).collect::<Vec<_>>(),
            [("p", "1970-01-12")]
        );
        let published = published.unwrap();
        assert_eq!((published.p.as_deref(), published.sp.as_deref()), (Some("reject"), Some("none")));
        assert_eq!((published.adkim.as_deref(), published.np), (Some("r"), None));
    }

    #[test]
    fn no_report_is_no_record() {
        assert_eq!(history(&receivers(&[], &[]), "example.com"), (None, Vec::new()));
        assert_eq!(history(&receivers(&[(1, 0)], &[("none", "")]), "example.org").0, None);
    }
}
