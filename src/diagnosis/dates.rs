//! Days as dates in answers.

use serde::Serialize;

use crate::query::Window;
use crate::report::period::{Day, date_of};

/// The days of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WindowAnswer {
    /// The first.
    pub begin: Option<String>,
    /// The last.
    pub end: Option<String>,
}

impl WindowAnswer {
    /// A window as an answer shows it: where it is open, by the days that have reports.
    #[must_use]
    pub fn of(window: Window, (first, last): (Day, Day)) -> Self {
        let begin = if window.first == Day::MIN { first } else { window.first };
        let end = if window.last == Day::MAX { last } else { window.last };
        WindowAnswer { begin: Some(shown(begin)), end: Some(shown(end)) }
    }
}

/// The date of a day, as text.
pub(super) fn shown(day: Day) -> String {
    date_of(day).to_string()
}

/// Writes a day as its date, for fields that stay days until they are written.
pub(super) fn as_date<S: serde::Serializer>(day: &Day, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&date_of(*day))
}
