//! The reviews of several domains, a line each.

use serde::Serialize;

use super::answer::{Review, Verdict};
use super::impact::Impact;
use super::policy::Target;
use crate::diagnosis::WindowAnswer;

/// One line of the list of all domains.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReviewLine {
    /// The domain.
    pub domain: String,
    /// What its review comes to.
    pub verdict: Verdict,
    /// The policy published last.
    pub policy: Option<String>,
    /// Days with reports of mail.
    pub days: u32,
    /// Reporters that reported mail.
    pub reporters: u64,
    /// What would become of its messages.
    pub impact: Impact,
    /// How many paths stand in the way.
    pub blockers: u64,
    /// The blocking checks that failed.
    pub failed: Vec<String>,
}

/// All domains, worst first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReviewList {
    /// Which answer, and its version.
    pub schema: &'static str,
    /// The policy that is to be published.
    pub target: Target,
    /// The days it is about.
    pub window: WindowAnswer,
    /// The day of the reviews.
    pub as_of: String,
    /// Reports behind it.
    pub reports: u64,
    /// Nobody checked who sent them.
    pub unchecked: bool,
    /// The end of the newest.
    pub newest_report: Option<String>,
    /// The domains.
    pub domains: Vec<ReviewLine>,
}

impl ReviewList {
    /// Of the reviews of several domains over the same window.
    #[must_use]
    pub fn of(reviews: Vec<Review>) -> Self {
        let first = reviews.first();
        let mut list = ReviewList {
            schema: "dmarcstat/readiness-list/1",
            target: first.map_or(Target::Reject, |one| one.target),
            window: first.map_or(WindowAnswer { begin: None, end: None }, |one| one.window.clone()),
            as_of: first.map(|one| one.as_of.clone()).unwrap_or_default(),
            reports: reviews.iter().map(|one| one.evidence.reports).sum(),
            unchecked: reviews.iter().any(|one| {
                one.evidence.reports > 0 && one.evidence.unchecked_reports > 0 && !one.evidence.unchecked_left_out
            }),
            newest_report: reviews.iter().filter_map(|one| one.newest_report.clone()).max(),
            domains: Vec::new(),
        };
        list.domains = reviews
            .into_iter()
            .map(|one| ReviewLine {
                policy: one.published.and_then(|record| record.p),
                days: one.evidence.days,
                reporters: one.evidence.reporters,
                blockers: one.blockers.len() as u64,
                failed: one
                    .checks
                    .into_iter()
                    .filter(|check| check.blocking && !check.passed)
                    .map(|check| check.name)
                    .collect(),
                domain: one.domain,
                verdict: one.verdict,
                impact: one.impact,
            })
            .collect();
        list.domains.sort_by(|a, b| {
            let lost = |line: &ReviewLine| line.impact.lost_own();
            (a.verdict, std::cmp::Reverse(lost(a)), std::cmp::Reverse(a.impact.messages), &a.domain).cmp(&(
                b.verdict,
                std::cmp::Reverse(lost(b)),
                std::cmp::Reverse(b.impact.messages),
                &b.domain,
            ))
        });
        list
    }
}
