//! Who saw something and on which days, in few bytes: there is one for each address and state of a window.

use rustc_hash::FxHashMap;

use crate::report::period::Day;

/// Days that are told apart, back from the last; what was earlier counts on the first of them.
const DAYS: i64 = 64;
/// In the number of an operator: nobody checked its reports.
pub(super) const UNCHECKED: u32 = 1 << 31;
/// In place of a reporter: more than one.
const SEVERAL: u32 = !UNCHECKED;
/// In place of a reporter: more than one, and nobody checked what any of them reports.
const SEVERAL_UNCHECKED: u32 = u32::MAX;

/// Who saw something, one or several, and on which days.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sighting {
    /// A bit for each day, back from the last. None: nobody saw it.
    days: u64,
    last: Day,
    /// While records are read the number of its operator; then its place among those that bear witness.
    reporter: u32,
}

impl Sighting {
    /// By a reporter, on a day.
    pub(super) fn add(&mut self, reporter: u32, day: Day) {
        self.extend(Sighting { days: 1, last: day, reporter });
    }

    /// By those that saw another thing, too.
    pub(super) fn extend(&mut self, other: Sighting) {
        if other.days == 0 {
            return;
        }
        if self.days == 0 {
            *self = other;
            return;
        }
        let last = self.last.max(other.last);
        self.days = self.days_back_from(last) | other.days_back_from(last);
        self.last = last;
        if self.reporter != other.reporter {
            let unchecked = self.reporter & other.reporter & UNCHECKED != 0;
            self.reporter = if unchecked { SEVERAL_UNCHECKED } else { SEVERAL };
        }
    }

    fn days_back_from(&self, last: Day) -> u64 {
        let later = (i64::from(last) - i64::from(self.last)).clamp(0, DAYS) as u32;
        let kept = self.days.checked_shl(later).unwrap_or(0);
        let lost = kept.count_ones() < self.days.count_ones();
        kept | u64::from(lost) << (DAYS - 1)
    }

    /// What of it was seen on a day or later. Who saw that is not known apart.
    fn since(mut self, day: Day) -> Self {
        let back = i64::from(self.last) - i64::from(day);
        if back < 0 {
            return Sighting::default();
        }
        if back < DAYS - 1 {
            self.days &= (1 << (back + 1)) - 1;
        }
        self
    }

    /// What of it was seen on a day or later, and how many of its messages that comes to when each day has as many.
    pub(super) fn part_since(self, day: Day, messages: u64) -> (Self, u64) {
        let part = self.since(day);
        let (these, all) = (u128::from(part.days.count_ones()), u128::from(self.days.count_ones().max(1)));
        let messages = (u128::from(messages) * these + all / 2) / all;
        (part, u64::try_from(messages).unwrap_or(u64::MAX))
    }

    /// With who bears witness in the place of its operator. Where some reports were checked, all others are of `unchecked`.
    pub(super) fn settled(self, witnesses: &FxHashMap<u32, u32>, unchecked: Option<u32>) -> Self {
        let reporter = match self.reporter {
            SEVERAL => SEVERAL,
            SEVERAL_UNCHECKED => unchecked.unwrap_or(SEVERAL),
            operator => witnesses.get(&operator).copied().unwrap_or(SEVERAL),
        };
        Sighting { reporter, ..self }
    }

    /// With the place that its reporter has now, by the one that it had.
    pub(super) fn placed(self, places: &[u32]) -> Self {
        let place = places.get(self.reporter as usize).copied();
        Sighting { reporter: place.unwrap_or(self.reporter), ..self }
    }

    /// The only reporter that saw it, by its place in [`Survey::reporter_names`](super::Survey::reporter_names). None: several
    /// did, or nobody.
    #[must_use]
    pub fn only_reporter(self) -> Option<u32> {
        (self.days != 0 && self.reporter != SEVERAL).then_some(self.reporter)
    }

    /// Whether it was seen on a day. Days long before the last one are not told apart.
    #[must_use]
    pub fn is_on(self, day: Day) -> bool {
        let back = i64::from(self.last) - i64::from(day);
        (0..DAYS).contains(&back) && self.days >> back & 1 == 1
    }

    /// Whether more than one reporter saw it.
    #[must_use]
    pub fn by_several(self) -> bool {
        self.days != 0 && self.reporter == SEVERAL
    }

    /// The days from the first to the last on which it was seen, as far back as days are told apart.
    #[must_use]
    pub fn span(self) -> Day {
        self.days.checked_ilog2().map_or(0, |first| first as Day)
    }

    /// Whether it was seen on more than one day.
    #[must_use]
    pub fn on_several_days(self) -> bool {
        self.days.count_ones() > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(by: &[(u32, Day)]) -> Sighting {
        let mut seen = Sighting::default();
        by.iter().for_each(|&(reporter, day)| seen.add(reporter, day));
        seen
    }

    #[test]
    fn one_or_several() {
        let told = |seen: Sighting| (seen.by_several(), seen.on_several_days());
        assert_eq!(told(seen(&[])), (false, false));
        assert_eq!(told(seen(&[(3, 7), (3, 7)])), (false, false));
        assert_eq!(told(seen(&[(3, 7), (4, 7)])), (true, false));
        assert_eq!(told(seen(&[(3, 7), (3, 5)])), (false, true));
        assert_eq!(told(seen(&[(3, -900), (3, 900)])), (false, true));
        assert_eq!(seen(&[(3, 7), (4, 9), (3, 1)]), seen(&[(4, 9), (3, 1), (3, 7)]));
        let mut both = seen(&[(3, 7)]);
        both.extend(seen(&[(3, 9)]));
        assert_eq!(told(both), (false, true));
    }

    #[test]
    fn unchecked_reports_are_of_one_where_others_were_checked() {
        let witnesses: FxHashMap<u32, u32> = [(0, 4), (UNCHECKED | 1, 5), (UNCHECKED | 2, 6)].into_iter().collect();
        let told = |by: &[u32], unchecked: Option<u32>| {
            let settled = seen(&by.iter().map(|&one| (one, 7)).collect::<Vec<_>>()).settled(&witnesses, unchecked);
            (settled.only_reporter(), settled.by_several())
        };
        assert_eq!(told(&[0], None), (Some(4), false));
        assert_eq!(told(&[UNCHECKED | 2, UNCHECKED | 2], None), (Some(6), false));
        assert_eq!(told(&[UNCHECKED | 1, UNCHECKED | 2], None), (None, true));
        assert_eq!(told(&[UNCHECKED | 1, UNCHECKED | 2, UNCHECKED | 1], Some(5)), (Some(5), false));
        assert_eq!(told(&[UNCHECKED | 1, UNCHECKED | 2, 0], Some(5)), (None, true));
    }

    #[test]
    fn on_a_day_and_by_whom() {
        let two = seen(&[(3, 7), (3, 5)]);
        assert_eq!(
            [4, 5, 6, 7, 8, Day::MIN, Day::MAX].map(|day| two.is_on(day)),
            [false, true, false, true, false, false, false]
        );
        assert_eq!((two.only_reporter(), seen(&[(3, 7), (4, 7)]).only_reporter()), (Some(3), None));
        assert_eq!((seen(&[]).only_reporter(), seen(&[]).is_on(0)), (None, false));
        assert_eq!([two.span(), seen(&[(3, 7)]).span(), seen(&[]).span()], [2, 0, 0]);
    }

    #[test]
    fn messages_of_a_part_of_the_days() {
        let ten: Vec<(u32, Day)> = (1..=10).map(|day| (0, day)).collect();
        let since = |day: Day| seen(&ten).part_since(day, 50).1;
        assert_eq!([since(Day::MIN), since(1), since(8), since(10), since(11), since(Day::MAX)], [50, 50, 15, 5, 0, 0]);
        assert!(!seen(&ten).part_since(10, 50).0.on_several_days());
        // Days that are too far back are not told apart.
        let year: Vec<(u32, Day)> = (1..=365).map(|day| (0, day)).collect();
        assert_eq!(seen(&year).part_since(2, 365).1, 365);
        assert_eq!(seen(&year).part_since(366, 365).1, 0);
        assert_eq!(seen(&[]).part_since(0, 0).1, 0);
    }
}
