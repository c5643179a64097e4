//! What an answer was made of, and what to be cautious of: how little the reports may say. No data is never good news.

use serde::Serialize;

use super::dates::WindowAnswer;
use crate::query::{Survey, Window};
use crate::report::period::{Day, date_of};

/// With reports of fewer days than this an answer is a glimpse.
const FEW_DAYS: usize = 3;
/// Days without a report after which reporters have fallen silent: most report each day, and some a day late.
const SILENT_DAYS: Day = 2;

/// The days of an answer, and how much is known of them.
#[derive(Debug, Clone, Serialize)]
pub struct Basis {
    /// The days it is about.
    pub window: WindowAnswer,
    /// The end of the newest report in the database.
    pub newest_report: Option<String>,
    /// Reports within the window, on all that was asked about.
    pub reports: u64,
    /// Reporters within the window.
    pub reporters: usize,
    /// Why it tells little, in words.
    pub cautions: Vec<String>,
}

impl Basis {
    /// What an answer is made of that is about a window, of which these are the first and the last day with reports.
    #[must_use]
    pub fn of(survey: &Survey, window: Window, days: (Day, Day), newest_report: Option<String>) -> Self {
        Basis {
            window: WindowAnswer::of(window, days),
            newest_report,
            reports: survey.reports,
            reporters: survey.reporters,
            cautions: cautions(survey, window),
        }
    }
}

/// Why an answer about this window tells little, in words; nothing where it does not.
fn cautions(survey: &Survey, window: Window) -> Vec<String> {
    let mut cautions = Vec::new();
    let Some((_, last)) = survey.days else {
        return cautions;
    };
    if survey.domains.iter().all(|domain| domain.messages == 0) {
        cautions.push("the reports list no mail".to_owned());
    }
    if survey.reporters == 1 {
        cautions.push("one reporter only".to_owned());
    }
    match survey.tally.days() {
        1 => cautions.push("reports of one day only".to_owned()),
        days if days < FEW_DAYS => cautions.push(format!("reports of {days} days only")),
        _ => {}
    }
    if window.last != Day::MAX && last < window.last - SILENT_DAYS {
        cautions.push(format!("no report of a day after {}", date_of(last)));
    }
    cautions
}
