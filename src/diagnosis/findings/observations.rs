//! The observations from which findings are made.

use crate::diagnosis::rules::Rules;
use crate::query::{ForeignDomain, Published, ReporterDays, Survey, Window};
use crate::report::period::Day;

/// What findings are made of.
#[derive(Debug, Clone, Copy)]
pub struct Observations<'o> {
    /// The figures of the window.
    pub survey: &'o Survey,
    /// Who reported, from well before the window on.
    pub reporter_days: &'o [ReporterDays],
    /// The domains that are not the owner's and have reports in the window, most messages first.
    pub foreign: &'o [ForeignDomain],
    /// What the reports of the survey say was published.
    pub published: &'o Published,
    /// The window; it may be open at both ends.
    pub window: Window,
    /// What today is.
    pub today: Day,
    /// What paths are judged by, too.
    pub rules: &'o Rules<'o>,
}

/// The names of reporters, by their places, in order.
pub(super) fn names(survey: &Survey, places: impl IntoIterator<Item = u32>) -> Vec<String> {
    let all = &survey.reporter_names;
    let mut found: Vec<String> = places.into_iter().filter_map(|place| all.get(place as usize)).cloned().collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The mail of one header From domain.
#[derive(Clone, Copy)]
pub(super) struct DomainMail<'m> {
    pub(super) survey: &'m Survey,
    pub(super) domain: &'m str,
    /// The places of its paths.
    pub(super) paths: &'m [usize],
}
