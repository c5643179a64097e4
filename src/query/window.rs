//! Windows of whole UTC days.

use std::str::FromStr;

use jiff::civil::Date;

use crate::report::period::{Day, date_of, day_of};

/// A length of time in days: `7d`, `4w`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(i32);

impl Span {
    /// How many days.
    #[must_use]
    pub fn days(self) -> i32 {
        self.0
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, factor) = match text.strip_suffix('d').map(|number| (number, 1)) {
            Some(found) => found,
            None => text.strip_suffix('w').map(|number| (number, 7)).unwrap_or((text, 0)),
        };
        match number.parse::<u16>() {
            Ok(number) if factor > 0 && number > 0 => Ok(Span(i32::from(number) * factor)),
            _ => Err(format!("invalid span of days {text:?}: use 7d or 4w")),
        }
    }
}

/// One end of a window as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// A number of days before today.
    Ago(Span),
    /// A day.
    On(Date),
    /// Today.
    Today,
    /// Yesterday.
    Yesterday,
    /// No bound.
    All,
}

impl FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => return Ok(Bound::All),
            "today" => return Ok(Bound::Today),
            "yesterday" => return Ok(Bound::Yesterday),
            _ => {}
        }
        if let Ok(span) = text.parse() {
            return Ok(Bound::Ago(span));
        }
        text.parse().map(Bound::On).map_err(|_| format!("invalid time {text:?}: use 7d, 4w, 2026-11-01 or all"))
    }
}

/// A window as chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowChoice {
    /// Its beginning.
    pub since: Bound,
    /// Its last day; yesterday where nothing was chosen, but everything with `all`.
    pub until: Option<Bound>,
    /// What today is.
    pub today: Date,
}

/// A window of whole UTC days, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first day.
    pub first: Day,
    /// The last day.
    pub last: Day,
}

impl Window {
    /// Whether a day is in it.
    #[must_use]
    pub fn holds(self, day: Day) -> bool {
        (self.first..=self.last).contains(&day)
    }
}

impl WindowChoice {
    /// The days that are meant; without a bound, the ends of time.
    ///
    /// # Errors
    /// When it would end before it begins.
    pub fn window(self) -> Result<Window, String> {
        let today = day_of(self.today);
        let day = |bound: Bound| match bound {
            Bound::Ago(span) => Some(today - span.days()),
            Bound::On(date) => Some(day_of(date)),
            Bound::Today => Some(today),
            Bound::Yesterday => Some(today - 1),
            Bound::All => None,
        };
        let first = day(self.since);
        let last = match self.until {
            Some(until) => day(until),
            None if self.since == Bound::All => None,
            None if self.since == Bound::Today => Some(today),
            None => Some(today - 1),
        };
        let window = Window { first: first.unwrap_or(Day::MIN), last: last.unwrap_or(Day::MAX) };
        if window.first > window.last {
            return Err(format!(
                "the window would begin on {} and end on {}",
                date_of(window.first),
                date_of(window.last)
            ));
        }
        Ok(window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(since: &str, until: Option<&str>) -> Result<(String, String), String> {
        let choice = WindowChoice {
            since: since.parse()?,
            until: until.map(str::parse).transpose()?,
            today: "2026-11-22".parse().unwrap(),
        };
        choice.window().map(|window| (date_of(window.first).to_string(), date_of(window.last).to_string()))
    }

    #[test]
    fn a_relative_window_ends_yesterday() {
        assert_eq!(window("7d", None).unwrap(), ("2026-11-15".into(), "2026-11-21".into()));
        assert_eq!(window("1w", Some("today")).unwrap(), ("2026-11-15".into(), "2026-11-22".into()));
        assert_eq!(window("2026-11-01", Some("2026-11-03")).unwrap(), ("2026-11-01".into(), "2026-11-03".into()));
    }

    #[test]
    fn nonsense_is_told() {
        for (since, until) in [
            ("0d", None),
            ("7", None),
            ("-7d", None),
            ("7x", None),
            ("2026-13-01", None),
            ("2026-11-05", Some("2026-11-01")),
        ] {
            assert!(window(since, until).is_err(), "{since}");
        }
    }
}
