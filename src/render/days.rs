//! Days as a small picture: a character a day, or a few days where there are more than fit.
//!
//! The pictures say roughly what the figures beside them say exactly; none is the only place where something stands.

use crate::report::period::{Day, date_of};

/// Bars of eight heights, least first.
const BARS: [[char; 8]; 2] = [['.', ':', '-', '=', '+', '*', '#', '@'], ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']];

/// How some days are laid out in a row of characters.
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

    /// Days a character.
    pub(super) fn days_a_character(self) -> i32 {
        self.per
    }

    /// How many characters a row has.
    pub(super) fn characters(self) -> usize {
        usize::try_from((i64::from(self.last) - i64::from(self.first)) / i64::from(self.per) + 1).unwrap_or(1)
    }

    /// The values of each character's days in sum.
    pub(super) fn sums(self, values: impl IntoIterator<Item = (Day, u64)>) -> Vec<u64> {
        let mut sums = vec![0_u64; self.characters()];
        for (day, value) in values {
            let at = (i64::from(day) - i64::from(self.first)) / i64::from(self.per);
            if let Some(sum) = usize::try_from(at).ok().and_then(|at| sums.get_mut(at)) {
                *sum = sum.saturating_add(value);
            }
        }
        sums
    }

    /// A row of bars, the highest for `most`; a blank for zero, and never for more.
    pub(super) fn bars(self, sums: &[u64], most: u64) -> String {
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
    pub(super) fn marks(self, good: &[u64], bad: &[u64]) -> String {
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
    pub(super) fn axis(self) -> String {
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
        assert_eq!((layout.days_a_character(), layout.characters()), (7, 53));
        assert_eq!(layout.sums((0..365).map(|day| (day, 1))).iter().sum::<u64>(), 365);
        assert_eq!(layout.axis().chars().count(), 53);
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
