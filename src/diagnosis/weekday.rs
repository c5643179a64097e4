//! Mail that comes once a week, or on weekends: a newsletter, a payroll run, a job. The days are what its owner knows it by.

use std::collections::BTreeMap;

use jiff::civil::Weekday;

use super::states::share;
use crate::report::period::{Day, date_of};

/// Mail is weekly when at least this share of it comes on one day of the week,
const NEARLY_ALL: f64 = 0.9;
/// in at least this many weeks,
const WEEKS: usize = 3;
/// with at least this many messages,
const MESSAGES: u64 = 20;
/// over more days than these, within which all mail would look weekly.
const SPAN: Day = 14;

/// The day of the week on which mail comes, in the plural, where it comes on one; or the weekends. `days` are those on which it came.
pub(super) fn weekly(days: impl IntoIterator<Item = (Day, u64)>) -> Option<&'static str> {
    let mut by_day: BTreeMap<Day, u64> = BTreeMap::new();
    for (day, messages) in days.into_iter().filter(|(_, messages)| *messages > 0) {
        let sum = by_day.entry(day).or_default();
        *sum = sum.saturating_add(messages);
    }
    let span = by_day.last_key_value()?.0.saturating_sub(*by_day.first_key_value()?.0);
    let all = by_day.values().fold(0u64, |sum, &messages| sum.saturating_add(messages));
    let mut by_weekday: [(usize, u64); 7] = [(0, 0); 7];
    for (&day, &messages) in &by_day {
        let sums = &mut by_weekday[date_of(day).weekday().to_monday_zero_offset() as usize];
        *sums = (sums.0 + 1, sums.1.saturating_add(messages));
    }
    let (at, &(weeks, messages)) = by_weekday.iter().enumerate().max_by_key(|(_, sums)| sums.1)?;
    let is_steady = span >= SPAN && all >= MESSAGES && weeks >= WEEKS;
    if is_steady && share(messages, all) >= NEARLY_ALL {
        return Some(plural(at));
    }
    let [.., saturdays, sundays] = by_weekday;
    let on_weekends = share(saturdays.1.saturating_add(sundays.1), all) >= NEARLY_ALL;
    let is_of_weekends = is_steady && on_weekends && saturdays.0.min(sundays.0) >= WEEKS - 1;
    is_of_weekends.then_some("Saturdays and Sundays")
}

/// By days since Monday.
fn plural(at: usize) -> &'static str {
    match Weekday::from_monday_zero_offset(at as i8).unwrap_or(Weekday::Monday) {
        Weekday::Monday => "Mondays",
        Weekday::Tuesday => "Tuesdays",
        Weekday::Wednesday => "Wednesdays",
        Weekday::Thursday => "Thursdays",
        Weekday::Friday => "Fridays",
        Weekday::Saturday => "Saturdays",
        Weekday::Sunday => "Sundays",
    }
}

#[cfg(test)]
mod tests {
    use super::weekly;

    #[test]
    fn mail_of_one_day_of_the_week_is_weekly() {
        // Day 0 is a Thursday.
        let on = |days: &[(i32, u64)]| weekly(days.iter().copied());
        assert_eq!(on(&[(5, 100), (12, 90), (19, 80), (20, 3)]), Some("Tuesdays"));
        // Two weeks, too few messages, or too much on other days.
        assert_eq!(on(&[(5, 100), (12, 90)]), None);
        assert_eq!(on(&[(5, 1), (12, 1), (19, 1)]), None);
        assert_eq!(on(&[(5, 100), (12, 90), (19, 80), (20, 60)]), None);
        assert_eq!(on(&[]), None);
        // Day 2 is a Saturday.
        let weekends = [(2, 30), (3, 28), (9, 31), (10, 30), (16, 29), (17, 3), (20, 3)];
        assert_eq!(on(&weekends), Some("Saturdays and Sundays"));
        assert_eq!(on(&[(2, 30), (3, 28), (9, 31), (10, 30)]), None);
    }
}
