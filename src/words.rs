//! Numbers, shares, lists and plurals in words: the only place that writes them, so that they look alike everywhere.
//!
//! | what | function | written |
//! |---|---|---|
//! | a count | [`grouped`] | `44,579` |
//! | a count of something | [`plural`] | `1 report`, `2,159 reports`, `3 entries` |
//! | a measured share | [`percent`], [`percent_of`] | `98.3%`, `100%` and `0%` only where it is all or nothing, `<0.1%` |
//! | a measured share of what is lost | [`percent_lost`] | `0.9%`, rounded to the nearest tenth |
//! | a share that somebody chose | [`threshold`] | `95%`, `0.5%` |
//! | a few of many | [`list`], [`list_of`] | `a, b and 3 more`; `a, b and c` where that is all |
//! | rows left out of a table | [`more`] | `and 3 more` |
//! | the parts of a whole that occur | [`parts`] | `aligned 98.3%, broken 1.7%` |
//! | the verb after a count | [`agree`] | `is`, `are` |
//! | a size in bytes | [`size`] | `12 kB`, `1,234 MB` |
//! | bytes in digits | [`hex`] | `1f8b` |
//!
//! Shares are rounded down: none looks as if it had reached a threshold, or the whole, that it has not reached. There is
//! no blank before the percent sign: lines are broken at blanks.

use std::fmt::Display;

/// A number with its thousands apart: `44,579`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number and the noun for it, given in the singular: `1 report`, `2,159 reports`.
#[must_use]
pub fn plural(number: u64, noun: &str) -> String {
    let noun = if number == 1 { noun.to_owned() } else { plural_of(noun) };
    format!("{} {noun}", grouped(number))
}

/// The plural of a regular English noun.
fn plural_of(noun: &str) -> String {
    if let Some(stem) = noun.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u'])) {
        return format!("{stem}ies");
    }
    let hisses = ["s", "x", "ch", "sh"].iter().any(|ending| noun.ends_with(ending));
    format!("{noun}{}", if hisses { "es" } else { "s" })
}

/// The form of a verb that goes with a number: `agree(1, "is", "are")`.
#[must_use]
pub fn agree<'a>(number: u64, one: &'a str, many: &'a str) -> &'a str {
    if number == 1 { one } else { many }
}

/// A measured share in percent, to a tenth: `98.3%`. A dash where there is no whole.
#[must_use]
pub fn percent(part: u64, whole: u64) -> String {
    match whole {
        0 => "–".to_owned(),
        _ if part == 0 => "0%".to_owned(),
        _ if part == whole => "100%".to_owned(),
        _ => tenths(u128::from(part) * 1000 / u128::from(whole)),
    }
}

/// The same of what is lost, to the nearest tenth: rounded down it would look smaller than it is. All of it and nothing stay apart
/// from nearly all and hardly any.
#[must_use]
pub fn percent_lost(part: u64, whole: u64) -> String {
    if part == 0 || part >= whole {
        return percent(part, whole);
    }
    let (part, whole) = (u128::from(part), u128::from(whole));
    tenths(((part * 2000 + whole) / (2 * whole)).min(999))
}

/// The same of a share from 0 to 1 that was computed before.
#[must_use]
pub fn percent_of(share: f64) -> String {
    // A share that binary fractions cannot hold, such as 0.983, is not to lose a tenth over it.
    const ERROR: f64 = 1e-9;
    if share.is_nan() {
        return "–".to_owned();
    }
    match share {
        share if share <= 0.0 => "0%".to_owned(),
        share if share >= 1.0 => "100%".to_owned(),
        share => tenths((share * 1000.0 + ERROR) as u128),
    }
}

fn tenths(tenths: u128) -> String {
    match tenths {
        0 => "<0.1%".to_owned(),
        tenths => format!("{}.{}%", tenths / 10, tenths % 10),
    }
}

/// A share from 0 to 1 that somebody chose, as short as it is: `95%`, `0.5%`.
#[must_use]
pub fn threshold(share: f64) -> String {
    format!("{}%", (share * 10_000.0).round() / 100.0)
}

/// The first `most` of a list and how many more there are: `a, b and 3 more`, or `a, b and c` where that is all.
#[must_use]
pub fn list<T: Display>(items: impl IntoIterator<Item = T>, most: usize) -> String {
    let mut items = items.into_iter();
    let shown: Vec<String> = items.by_ref().take(most).map(|item| item.to_string()).collect();
    let all = shown.len() + items.count();
    join(shown, all)
}

/// The same where only some of the `all` are at hand.
#[must_use]
pub fn list_of<T: Display>(items: impl IntoIterator<Item = T>, most: usize, all: usize) -> String {
    join(items.into_iter().take(most).map(|item| item.to_string()).collect(), all)
}

fn join(mut shown: Vec<String>, all: usize) -> String {
    let last = match all.saturating_sub(shown.len()) {
        0 => shown.pop(),
        left if shown.is_empty() => Some(grouped(left as u64)),
        left => Some(format!("{} more", grouped(left as u64))),
    };
    match (shown.is_empty(), last) {
        (_, None) => String::new(),
        (true, Some(last)) => last,
        (false, Some(last)) => format!("{} and {last}", shown.join(", ")),
    }
}

/// What stands below the rows that are shown where more are not; nothing where there are no more.
#[must_use]
pub fn more(number: usize) -> Option<String> {
    (number > 0).then(|| format!("and {} more", grouped(number as u64)))
}

/// The parts of a whole that occur, each with its amount: `aligned 98.3%, broken 1.7%`. A dash where none occurs.
#[must_use]
pub fn parts(parts: &[(&str, u64)], amount: impl Fn(u64) -> String) -> String {
    let occur = parts.iter().filter(|(_, number)| *number > 0);
    let written: Vec<String> = occur.map(|(word, number)| format!("{word} {}", amount(*number))).collect();
    if written.is_empty() { "–".to_owned() } else { written.join(", ") }
}

/// A number of bytes, rounded up: `12 kB`, `1,234 MB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    const MEGABYTE: u64 = 1_000_000;
    match bytes {
        0..1000 => plural(bytes, "byte"),
        1000..MEGABYTE => format!("{} kB", bytes.div_ceil(1000)),
        _ => format!("{} MB", grouped(bytes.div_ceil(MEGABYTE))),
    }
}

/// Bytes as hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_do_not_occur_are_left_out() {
        let of = |numbers: [u64; 3]| parts(&["a", "b", "c"].into_iter().zip(numbers).collect::<Vec<_>>(), grouped);
        assert_eq!(of([1, 0, 2000]), "a 1, c 2,000");
        assert_eq!(of([0, 0, 0]), "–");
    }

    #[test]
    fn numbers_have_their_thousands_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (44_579, "44,579"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn nouns_have_their_plurals() {
        for (number, noun, text) in [
            (0, "report", "0 reports"),
            (1, "entry", "1 entry"),
            (2, "entry", "2 entries"),
            (2, "day", "2 days"),
            (1000, "address", "1,000 addresses"),
            (3, "mailbox", "3 mailboxes"),
        ] {
            assert_eq!(plural(number, noun), text);
        }
    }

    #[test]
    fn shares_are_never_made_larger_and_only_all_is_all() {
        for (part, whole, text) in [
            (0, 0, "–"),
            (0, 5, "0%"),
            (5, 5, "100%"),
            (983, 1000, "98.3%"),
            (1, 2, "50.0%"),
            (1, 10_000, "<0.1%"),
            (99_999, 100_000, "99.9%"),
            (u64::MAX - 1, u64::MAX, "99.9%"),
        ] {
            assert_eq!(percent(part, whole), text, "{part} of {whole}");
        }
        for (share, text) in
            [(0.0, "0%"), (1.0, "100%"), (0.983, "98.3%"), (0.9499, "94.9%"), (0.00001, "<0.1%"), (f64::NAN, "–")]
        {
            assert_eq!(percent_of(share), text, "{share}");
        }
        assert!((1..1000).all(|tenths| percent_of(tenths as f64 / 1000.0) == percent(tenths, 1000)));
    }

    #[test]
    fn what_is_lost_is_rounded_to_the_nearest() {
        for (part, whole, text) in [
            (0, 5, "0%"),
            (5, 5, "100%"),
            (258, 28_829, "0.9%"),
            (84, 10_000, "0.8%"),
            (4, 10_000, "<0.1%"),
            (99_999, 100_000, "99.9%"),
            (1, u64::MAX, "<0.1%"),
            (0, 0, "–"),
        ] {
            assert_eq!(percent_lost(part, whole), text, "{part} of {whole}");
        }
    }

    #[test]
    fn thresholds_are_as_they_were_chosen() {
        for (share, text) in [(0.95, "95%"), (0.005, "0.5%"), (0.9995, "99.95%"), (1.0, "100%")] {
            assert_eq!(threshold(share), text);
        }
    }

    #[test]
    fn lists_say_what_they_leave_out() {
        assert_eq!(list(Vec::<&str>::new(), 3), "");
        assert_eq!(list(["a"], 3), "a");
        assert_eq!(list(["a", "b"], 3), "a and b");
        assert_eq!(list(["a", "b", "c"], 3), "a, b and c");
        assert_eq!(list(["a", "b", "c"], 2), "a, b and 1 more");
        assert_eq!(list(1..=5000, 1), "1 and 4,999 more");
        assert_eq!(list(["a", "b"], 0), "2");
        assert_eq!(list_of(["a", "b", "c"], 2, 10), "a, b and 8 more");
        assert_eq!((more(0), more(1234).as_deref()), (None, Some("and 1,234 more")));
    }

    #[test]
    fn sizes_are_rounded_up() {
        for (bytes, text) in [(1, "1 byte"), (1001, "2 kB"), (1_000_001, "2 MB"), (1_234_000_000, "1,234 MB")] {
            assert_eq!(size(bytes), text);
        }
    }
}
