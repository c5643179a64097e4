//! The period a report is about, from whatever was written for it.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;

use super::feedback::DateRange;
use super::irregularity::{Irregularities, IrregularityCode};

/// Seconds of a day.
pub const DAY: i64 = 86_400;
/// 2012-01-01: DMARC was made public in that month, and no report is about an earlier time. A time of 0 is what programs
/// make of one they cannot read.
const FIRST_REPORT: i64 = 1_325_376_000;
/// 2100-01-01: no report is about a later time.
const FAR_FUTURE: i64 = 4_102_444_800;

/// No reporter reports more seldom than once a month.
const LONGEST: i64 = 31 * DAY;
/// Reports of longer periods than this are looked at one by one when it is asked what is fresh.
pub const LONG: i64 = 2 * DAY;

/// A UTC day, counted from 1970-01-01.
pub type Day = i32;

/// The period of a report, in seconds since the epoch, as the reporter gave it (the end inclusive or not: both
/// are common).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Its beginning.
    pub begin: i64,
    /// Its end, never before the beginning.
    pub end: i64,
}

impl Period {
    /// Whether a report of this period says that its reporter reports still, as of a moment: not one whose end is yet to come,
    /// nor one of a period so long (31 days) that no reporter writes it.
    #[must_use]
    pub fn is_evidence_of_now(self, now: i64) -> bool {
        self.end <= now && self.end - self.begin <= LONGEST
    }

    /// The last UTC day of the period, see [`last_day`].
    #[must_use]
    pub fn last_day(self) -> Day {
        last_day(self.end)
    }

    /// The UTC day that holds the middle of the period: the one day the report counts on.
    #[must_use]
    pub fn day(self) -> Day {
        let middle = self.begin + (self.end - self.begin) / 2;
        // Both ends lie between 1970 and 2100.
        i32::try_from(middle.div_euclid(DAY)).unwrap_or(Day::MAX)
    }
}

/// The last UTC day of a period that ends at a time, in seconds since the epoch: one that ends at midnight is of the day before.
#[must_use]
pub fn last_day(end: i64) -> Day {
    i32::try_from((end - 1).div_euclid(DAY)).unwrap_or(Day::MAX)
}

/// How old a report whose period ends at a time is, in UTC days from its last day to today: what was reported of yesterday is one
/// day old, at whatever hour it is looked at. Nothing for one whose end is yet to come.
#[must_use]
pub fn age_in_days(end: i64, today: Day) -> u32 {
    u32::try_from(i64::from(today) - i64::from(last_day(end))).unwrap_or(0)
}

/// The civil date of a day.
#[must_use]
pub fn date_of(day: Day) -> Date {
    let epoch = Date::constant(1970, 1, 1);
    let bound = if day < 0 { Date::MIN } else { Date::MAX };
    epoch.checked_add(jiff::SignedDuration::from_hours(i64::from(day) * 24)).unwrap_or(bound)
}

/// The first second of a day.
#[must_use]
pub fn begin_of(day: Day) -> i64 {
    i64::from(day) * DAY
}

/// The first second after a day, as far as there are days.
#[must_use]
pub fn end_of(day: Day) -> i64 {
    (i64::from(day) + 1) * DAY
}

/// The day of a civil date.
#[must_use]
pub fn day_of(date: Date) -> Day {
    let since = Date::constant(1970, 1, 1).duration_until(date);
    i32::try_from(since.as_secs().div_euclid(DAY)).unwrap_or(Day::MAX)
}

/// Seconds since the epoch as RFC 3339 in UTC.
#[must_use]
pub fn rfc3339(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

/// The two ends of the period as the report has them; nothing for one that is missing or cannot be.
#[must_use]
pub fn ends(range: &DateRange, irregularities: &mut Irregularities) -> (Option<i64>, Option<i64>) {
    (instant(range.begin.as_deref(), irregularities), instant(range.end.as_deref(), irregularities))
}

/// Whether a time can be one that a report is about.
#[must_use]
pub fn is_plausible(time: i64) -> bool {
    (FIRST_REPORT..FAR_FUTURE).contains(&time)
}

/// The period as it is written, where both its ends are times after the beginning of the epoch, plausible or not.
#[must_use]
pub fn as_written(range: &DateRange) -> Option<Period> {
    let seconds =
        |text: &Option<String>| text.as_deref()?.parse::<i64>().ok().filter(|time| (1..FAR_FUTURE).contains(time));
    let (one, other) = (seconds(&range.begin)?, seconds(&range.end)?);
    Some(Period { begin: one.min(other), end: one.max(other) })
}

/// Puts two ends in order and notes what is odd about their distance.
#[must_use]
pub fn checked(begin: i64, end: i64, irregularities: &mut Irregularities) -> Period {
    let (begin, end) = if end < begin {
        irregularities.add(IrregularityCode::ReversedRange, "");
        (end, begin)
    } else {
        (begin, end)
    };
    if begin == end {
        irregularities.add(IrregularityCode::ZeroRange, "");
    } else if end - begin > LONG {
        irregularities.add(IrregularityCode::LongRange, &format!("{} days", (end - begin + DAY / 2) / DAY));
    }
    Period { begin, end }
}

/// One end of the range: epoch seconds, or one of the other ways it has been written.
fn instant(text: Option<&str>, irregularities: &mut Irregularities) -> Option<i64> {
    let found = text.and_then(|text| {
        let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
        if let Ok(number) = whole.parse::<i64>() {
            if fraction.is_some() {
                irregularities.add(IrregularityCode::FractionalTime, text);
            }
            if number > 100_000_000_000 && is_plausible(number / 1000) {
                irregularities.add(IrregularityCode::MillisecondTime, text);
                return Some(number / 1000);
            }
            if is_plausible(number) {
                return Some(number);
            }
        }
        let time = written_out(text)?;
        irregularities.add(IrregularityCode::IsoTime, text);
        Some(time.as_second())
    });
    match found {
        Some(seconds) if is_plausible(seconds) => Some(seconds),
        _ => {
            irregularities.add(IrregularityCode::BadTime, text.unwrap_or("missing"));
            None
        }
    }
}

/// A time in words: RFC 3339, the same without a zone (which is taken for UTC) or without a time of day, RFC 5322.
fn written_out(text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix(" UTC").or_else(|| text.strip_suffix(" GMT")).unwrap_or(text).trim();
    let in_utc = |time: DateTime| time.to_zoned_datetime(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    text.parse::<Timestamp>()
        .ok()
        .or_else(|| text.parse::<DateTime>().ok().and_then(in_utc))
        .or_else(|| text.parse::<Date>().ok().and_then(|date| in_utc(date.at(0, 0, 0, 0))))
        .or_else(|| digits(text).and_then(in_utc))
        .or_else(|| rfc2822::parse(text).ok().map(|zoned| zoned.timestamp()))
}

/// `YYYYMMDDhhmmss`; without a time of day it is a date like others.
fn digits(text: &str) -> Option<DateTime> {
    let is_one = text.len() == 14 && text.bytes().all(|byte| byte.is_ascii_digit());
    let (date, time) = is_one.then(|| text.split_at(8))?;
    let date: Date = date.parse().ok()?;
    let number = |from: usize| time.get(from..from + 2)?.parse().ok();
    Some(date.to_datetime(Time::new(number(0)?, number(2)?, number(4)?, 0).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(begin: &str, end: &str) -> (Option<Period>, Vec<&'static str>) {
        let mut irregularities = Irregularities::default();
        let range = DateRange { begin: Some(begin.into()), end: Some(end.into()) };
        let period = match ends(&range, &mut irregularities) {
            (Some(begin), Some(end)) => Some(checked(begin, end, &mut irregularities)),
            _ => None,
        };
        (period, irregularities.as_slice().iter().map(|one| one.code.as_str()).collect())
    }

    #[test]
    fn the_age_is_that_of_the_last_day_at_whatever_hour() {
        let today = day_of("2026-10-05".parse().unwrap());
        for (end, age) in [
            ("2026-10-04T00:00:00Z", 2),
            ("2026-10-04T00:00:01Z", 1),
            ("2026-10-04T23:59:59Z", 1),
            ("2026-10-05T00:00:00Z", 1),
            ("2026-10-05T06:00:00Z", 0),
            ("2026-10-07T00:00:00Z", 0),
        ] {
            assert_eq!(age_in_days(end.parse::<Timestamp>().unwrap().as_second(), today), age, "{end}");
        }
    }

    #[test]
    fn inclusive_and_exclusive_ends_count_on_the_same_day() {
        let day = day_of("2026-10-01".parse().unwrap());
        let begin = i64::from(day) * DAY;
        for end in [begin + DAY - 1, begin + DAY] {
            assert_eq!(Period { begin, end }.day(), day);
        }
        assert_eq!(date_of(day).to_string(), "2026-10-01");
        for date in ["9999-12-31", "1969-12-31", "0001-01-01"] {
            assert_eq!(date_of(day_of(date.parse().unwrap())).to_string(), date);
        }
    }

    #[test]
    fn other_ways_to_write_a_time() {
        let expected = Some(Period { begin: 1_790_812_800, end: 1_790_899_199 });
        assert_eq!(period("1790812800", "1790899199"), (expected, vec![]));
        assert_eq!(period("1790812800.0", "1790899199"), (expected, vec!["fractional_time"]));
        assert_eq!(period("2026-10-01T00:00:00Z", "1790899199"), (expected, vec!["iso_time"]));
        assert_eq!(period("1790812800000", "1790899199"), (expected, vec!["millisecond_time"]));
        assert_eq!(period("1790899199", "1790812800"), (expected, vec!["reversed_range"]));
        for begin in [
            "2026-10-01 00:00:00",
            "2026-10-01T00:00:00",
            "2026-10-01",
            "20261001",
            "20261001000000",
            "2026-10-01 00:00:00 UTC",
            "Thu, 1 Oct 2026 00:00:00 +0000",
        ] {
            assert_eq!(period(begin, "1790899199"), (expected, vec!["iso_time"]), "{begin}");
        }
        assert_eq!(period("-5", "99999999999"), (None, vec!["bad_time", "bad_time"]));
        assert_eq!(period("0", "1790899199"), (None, vec!["bad_time"]));
    }
}
