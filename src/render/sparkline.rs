//! Days as a small picture: a character a day, or a few days where there are more than fit.
//!
//! The pictures say roughly what the figures beside them say exactly; none is the only place where something stands.

use unicode_width::UnicodeWidthStr;

use crate::diagnosis::Class;
use crate::report::period::{Day, date_of};
use crate::vocabulary::vocabulary;
use crate::words::grouped;

/// The most characters of a row of marks, and of a row of bars.
const MARKS: usize = 40;
const BARS_IN_ROW: usize = 100;
/// The figure behind a row of bars.
const FIGURE: usize = 11;
/// Bars of eight heights, least first.
const BARS: [[char; 8]; 2] = [['.', ':', '-', '=', '+', '*', '#', '@'], ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']];

vocabulary! {
    /// How messages of a kind look in pictures with colours: in a colour and, but for the first, with a pattern over it.
    #[derive(Default)]
    pub enum Look {
        /// Signed and aligned, or passed.
        Signed => "signed",
        /// Signed by times.
        Intermittent => "intermittent",
        /// Signed as somebody else.
        Unaligned => "unaligned",
        /// Signatures that do not verify.
        Broken => "broken",
        /// Not signed, or failed.
        Unsigned => "unsigned",
        /// In the hands of somebody else.
        HandedOn => "handed-on",
        /// Nothing is known.
        #[default]
        NotReported => "not-reported",
    }
}

impl From<Class> for Look {
    fn from(class: Class) -> Self {
        match class {
            Class::Signed => Look::Signed,
            Class::Intermittent => Look::Intermittent,
            Class::Unaligned => Look::Unaligned,
            Class::Broken => Look::Broken,
            Class::Unsigned => Look::Unsigned,
            Class::NotReported => Look::NotReported,
        }
    }
}

/// Messages of one kind, day by day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Series {
    /// What they are.
    pub label: String,
    /// How they look.
    pub look: Look,
    /// They are counted in other series too, and so no part of the whole.
    pub apart: bool,
    /// The messages of each day; days without any may be left out.
    pub days: Vec<(Day, u64)>,
}

/// Rows of bars over the same days, all to one scale.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sparkline {
    /// All messages, day by day; their days are those of the picture.
    pub all: Vec<(Day, u64)>,
    /// The rows.
    pub series: Vec<Series>,
}

impl Sparkline {
    /// The first and the last day.
    pub(super) fn ends(&self) -> Option<(Day, Day)> {
        let days = self.all.iter().map(|&(day, _)| day);
        days.clone().min().zip(days.max())
    }

    /// The rows as characters, the dates below them, and what a bar is.
    pub(super) fn lines(&self, width: usize, unicode: bool) -> Vec<String> {
        let Some((first, last)) = self.ends() else { return Vec::new() };
        let label = self.series.iter().map(|series| series.label.width() + 1).max().unwrap_or(0);
        let room = width.saturating_sub(label + FIGURE).clamp(10, BARS_IN_ROW);
        let layout = Layout::new(first, last, room, unicode);
        let most = layout.sums(self.all.iter().copied()).into_iter().max().unwrap_or(0);
        let mut lines = Vec::new();
        for series in &self.series {
            let bars = layout.bars(&layout.sums(series.days.iter().copied()), most);
            let blank = " ".repeat(layout.characters().saturating_sub(bars.chars().count()));
            let all = series.days.iter().fold(0_u64, |sum, &(_, value)| sum.saturating_add(value));
            lines.push(format!("{:<label$}{bars}{blank}{:>FIGURE$}", series.label, grouped(all)));
        }
        lines.push(format!("{:<label$}{}", "", layout.axis()));
        let most = grouped(most);
        lines.push(match layout.per {
            1 => format!("highest {most} in a day"),
            days => format!("{days} days a character · highest {most}"),
        });
        lines
    }
}

/// How much of something was good, day by day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// The first and the last day of the picture, which are those of all pictures that it is compared with.
    pub days: (Day, Day),
    /// What was good on each day.
    pub good: Vec<(Day, u64)>,
    /// What was not.
    pub bad: Vec<(Day, u64)>,
}

impl Marks {
    /// A row of characters.
    pub(super) fn line(&self, width: usize, unicode: bool) -> String {
        let layout = Layout::new(self.days.0, self.days.1, MARKS.min(width), unicode);
        layout.marks(&layout.sums(self.good.iter().copied()), &layout.sums(self.bad.iter().copied()))
    }
}

/// How some days are laid out in a row of characters, or of bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    first: Day,
    last: Day,
    /// Days a character.
    per: i32,
    unicode: bool,
}

impl Layout {
    /// The days from `first` to `last` in at most `width` characters.
    pub(super) fn new(first: Day, last: Day, width: usize, unicode: bool) -> Self {
        let last = last.max(first);
        let days = i64::from(last) - i64::from(first) + 1;
        let width = i64::try_from(width).unwrap_or(i64::MAX).max(1);
        let per = i32::try_from((days + width - 1) / width).unwrap_or(i32::MAX);
        Layout { first, last, per, unicode }
    }

    /// The same with whole weeks a character, where it is more than a day.
    pub(super) fn by_weeks(self) -> Self {
        if self.per > 1 { Layout { per: self.per.saturating_add(6) / 7 * 7, ..self } } else { self }
    }

    /// The first and the last day of a character.
    pub(super) fn days(self, at: usize) -> (Day, Day) {
        let start = |at: usize| i64::from(self.first) + at as i64 * i64::from(self.per);
        let day = |day: i64| Day::try_from(day).map_or(self.last, |day| day.min(self.last));
        (day(start(at)), day(start(at + 1) - 1))
    }

    /// How many characters a row has.
    pub(super) fn characters(self) -> usize {
        usize::try_from((i64::from(self.last) - i64::from(self.first)) / i64::from(self.per) + 1).unwrap_or(1)
    }

    /// The values of each character's days in sum.
    pub(super) fn sums(self, values: impl IntoIterator<Item = (Day, u64)>) -> Vec<u64> {
        let mut sums = vec![0_u64; self.characters()];
        for (day, value) in values.into_iter().filter(|(day, _)| (self.first..=self.last).contains(day)) {
            let at = (i64::from(day) - i64::from(self.first)) / i64::from(self.per);
            if let Some(sum) = usize::try_from(at).ok().and_then(|at| sums.get_mut(at)) {
                *sum = sum.saturating_add(value);
            }
        }
        sums
    }

    /// A row of bars, the highest for `most`; a blank for zero, and never for more.
    fn bars(self, sums: &[u64], most: u64) -> String {
        let bars = &BARS[usize::from(self.unicode)];
        sums.iter()
            .map(|&sum| match sum {
                0 => ' ',
                sum => {
                    let height = u128::from(sum) * 8 / u128::from(most.max(sum));
                    bars[usize::try_from(height).unwrap_or(8).clamp(1, 8) - 1]
                }
            })
            .collect::<String>()
            .trim_end()
            .to_owned()
    }

    /// A row of marks that says how much of something was good: all or nearly, some, little or nothing; a dot for days
    /// on which nothing is known.
    fn marks(self, good: &[u64], bad: &[u64]) -> String {
        let [all, some, little, none] = if self.unicode { ['█', '▄', '×', '·'] } else { ['#', '+', 'x', '.'] };
        good.iter()
            .zip(bad)
            .map(|(&good, &bad)| {
                let whole = u128::from(good) + u128::from(bad);
                match u128::from(good) * 10 {
                    _ if whole == 0 => none,
                    tenths if tenths >= whole * 8 => all,
                    tenths if tenths > whole * 2 => some,
                    _ => little,
                }
            })
            .collect()
    }

    /// The dates below a row: its first and its last day, as far as there is room.
    fn axis(self) -> String {
        let width = self.characters();
        let (first, last) = (date_of(self.first).to_string(), date_of(self.last).to_string());
        if self.first == self.last || width < first.len() + last.len() + 1 {
            return first;
        }
        format!("{first}{}{last}", " ".repeat(width - first.len() - last.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_drawn_as_nothing_and_little_is_seen() {
        let layout = Layout::new(100, 104, 40, true);
        let sums = layout.sums([(100, 1), (102, 500), (103, 1000), (99, 7), (105, 7)]);
        assert_eq!(sums, [1, 0, 500, 1000, 0]);
        assert_eq!(layout.bars(&sums, 1000), "▁ ▄█");
        assert_eq!(Layout { unicode: false, ..layout }.bars(&sums, 1000), ". =@");
    }

    #[test]
    fn many_days_share_characters() {
        let layout = Layout::new(0, 364, 60, true);
        assert_eq!((layout.per, layout.characters()), (7, 53));
        assert_eq!(layout.sums((0..365).map(|day| (day, 1))).iter().sum::<u64>(), 365);
        assert_eq!(layout.axis().chars().count(), 53);
        let lines = Sparkline {
            all: (0..365).map(|day| (day, 10)).collect(),
            series: vec![Series { label: "aligned".to_owned(), days: vec![(364, 10)], ..Series::default() }],
        }
        .lines(80, false);
        assert_eq!(lines.len(), 3);
        assert!(lines[0].starts_with("aligned ") && lines[0].ends_with(" 10") && lines[0].contains('.'), "{lines:?}");
        assert_eq!(lines[2], "6 days a character · highest 60");
        // Whatever days a stranger's report names.
        assert_eq!(Layout::new(Day::MIN, Day::MAX, 10, true).characters(), 10);
        assert_eq!(Layout::new(5, 3, 0, true).characters(), 1);
    }

    #[test]
    fn marks_say_how_much_was_good() {
        let layout = Layout::new(0, 3, 10, true);
        assert_eq!(layout.marks(&[9, 5, 1, 0], &[1, 5, 9, 0]), "█▄×·");
        assert_eq!(Layout { unicode: false, ..layout }.marks(&[9, 5, 1, 0], &[1, 5, 9, 0]), "#+x.");
    }
}
