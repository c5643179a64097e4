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
        let (number, factor) = parts(text).ok_or_else(|| format!("invalid span of days {text:?}: use 7d or 4w"))?;
        match number.parse::<u16>() {
            Ok(number) if number > 0 => Ok(Span(i32::from(number) * factor)),
            _ => Err(format!("{text:?} is out of range: use 1d to {0}d, or 1w to {0}w", u16::MAX)),
        }
    }
}

/// The number of a span, and how many days its unit has; nothing where it is none.
fn parts(text: &str) -> Option<(&str, i32)> {
    let days = text.strip_suffix('d').map(|number| (number, 1));
    let parts = days.or_else(|| text.strip_suffix('w').map(|number| (number, 7)))?;
    Some(parts).filter(|(number, _)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
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
        if parts(text).is_some() {
            return text.parse().map(Bound::Ago);
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
                "the window would begin on {} and end on {}: choose a first day (--since) that is not after the last (--until)",
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
