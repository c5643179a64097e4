//! What to bear in mind with any answer: how little the reports may tell. No data is never good news.

use crate::query::{Survey, Window};
use crate::report::period::{Day, date_of};

/// With reports of fewer days than this an answer is a glimpse.
const FEW_DAYS: usize = 3;
/// After so many days without a report reporters have fallen silent: most report each day, and some a day late.
const SILENT_DAYS: Day = 2;

/// Why an answer about this window tells little, in words; nothing where it does not.
#[must_use]
pub fn cautions(survey: &Survey, window: Window) -> Vec<String> {
    let mut cautions = Vec::new();
    let Some((_, last)) = survey.days else {
        return cautions;
    };
    if survey.domains.iter().all(|domain| domain.messages == 0) {
        cautions.push("the reports tell of no mail".to_owned());
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
