//! Sets of UIDs (RFC 3501 §2.3.1.1), kept as ranges and written as IMAP writes them: `1:4711,4713`.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use rangemap::RangeInclusiveSet;

/// A set of UIDs. What it takes depends on its gaps and not on its size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UidSet {
    ranges: RangeInclusiveSet<u32>,
}

impl UidSet {
    /// The set of all from `first` to `last`.
    #[must_use]
    pub fn range(first: u32, last: u32) -> Self {
        let mut set = UidSet::default();
        set.insert_range(first, last);
        set
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether a UID is in it.
    #[must_use]
    pub fn contains(&self, uid: u32) -> bool {
        self.ranges.contains(&uid)
    }

    /// Adds one.
    pub fn insert(&mut self, uid: u32) {
        self.ranges.insert(uid..=uid);
    }

    /// Adds all from `first` to `last`; none where `first` is the larger.
    pub fn insert_range(&mut self, first: u32, last: u32) {
        // The crate panics on ranges that end before they begin.
        if first <= last {
            self.ranges.insert(first..=last);
        }
    }

    /// Takes one out.
    pub fn remove(&mut self, uid: u32) {
        self.ranges.remove(uid..=uid);
    }

    /// Takes all of another set out.
    pub fn subtract(&mut self, other: &UidSet) {
        other.ranges.iter().for_each(|range| self.ranges.remove(range.clone()));
    }

    /// Adds all of another set.
    pub fn extend(&mut self, other: &UidSet) {
        self.ranges.extend(other.ranges.iter().cloned());
    }

    /// What is not in it, from `first` to `last`.
    #[must_use]
    pub fn gaps(&self, first: u32, last: u32) -> UidSet {
        let within = first..=last;
        UidSet {
            ranges: if within.is_empty() { RangeInclusiveSet::new() } else { self.ranges.gaps(&within).collect() },
        }
    }

    /// Its ranges in order, with gaps between them.
    pub fn ranges(&self) -> impl Iterator<Item = &RangeInclusive<u32>> {
        self.ranges.iter()
    }

    /// How many ranges it has.
    #[must_use]
    pub fn range_count(&self) -> usize {
        self.ranges.len()
    }

    /// How many are in it.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|range| u64::from(range.end() - range.start()) + 1).sum()
    }

    /// The largest.
    #[must_use]
    pub fn last(&self) -> Option<u32> {
        self.ranges.last().map(|range| *range.end())
    }

    /// Its members, in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.ranges.iter().cloned().flatten()
    }
}

impl FromIterator<u32> for UidSet {
    fn from_iter<I: IntoIterator<Item = u32>>(uids: I) -> Self {
        let mut set = UidSet::default();
        uids.into_iter().for_each(|uid| set.insert(uid));
        set
    }
}

impl<'r> FromIterator<&'r RangeInclusive<u32>> for UidSet {
    fn from_iter<I: IntoIterator<Item = &'r RangeInclusive<u32>>>(ranges: I) -> Self {
        let mut set = UidSet::default();
        ranges.into_iter().for_each(|range| set.insert_range(*range.start(), *range.end()));
        set
    }
}

impl fmt::Display for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, range) in self.ranges.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            match (range.start(), range.end()) {
                (first, last) if first == last => write!(f, "{comma}{first}")?,
                (first, last) => write!(f, "{comma}{first}:{last}")?,
            }
        }
        Ok(())
    }
}

/// The text is not a set of UIDs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a set of UIDs")]
pub struct NotUids;

impl FromStr for UidSet {
    type Err = NotUids;

    fn from_str(text: &str) -> Result<Self, NotUids> {
        let mut set = UidSet::default();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (first, last) = part.split_once(':').unwrap_or((part, part));
            let number = |text: &str| text.parse::<u32>().ok().filter(|&uid| uid > 0).ok_or(NotUids);
            let (first, last) = (number(first)?, number(last)?);
            set.insert_range(first.min(last), first.max(last));
        }
        Ok(set)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_join() {
        let mut set = UidSet::default();
        for uid in [5, 1, 3, 2, u32::MAX, 4, 7] {
            set.insert(uid);
        }
        assert_eq!(set.to_string(), "1:5,7,4294967295");
        assert_eq!(set.gaps(1, 9).to_string(), "6,8:9");
        assert_eq!(set.gaps(5, u32::MAX).to_string(), "6,8:4294967294");
        assert_eq!("7,1:5,4294967295".parse(), Ok(set));
        for wrong in ["0", "a", "1:", "1:2:3", "-1", "4294967296"] {
            assert_eq!(wrong.parse::<UidSet>(), Err(NotUids), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_set_is_a_set(ranges in proptest::collection::vec((1..200_u32, 0..20_u32), 0..40), window in (1..200_u32, 0..60_u32), gone in proptest::collection::vec(1..220_u32, 0..20)) {
            let mut set = UidSet::default();
            let mut model = BTreeSet::new();
            for (first, length) in ranges {
                set.insert_range(first, first + length);
                model.extend(first..=first + length);
            }
            for gone in gone {
                set.remove(gone);
                model.remove(&gone);
            }
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), model.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(set.len(), model.len() as u64);
            prop_assert_eq!(set.to_string().parse::<UidSet>().unwrap(), set.clone());
            prop_assert!(set.ranges().zip(set.ranges().skip(1)).all(|(one, next)| one.end() + 1 < *next.start()));
            let mut less = set.clone();
            let other: UidSet = (3..150).step_by(4).chain(window.0..window.0 + window.1).collect();
            less.subtract(&other);
            let left = model.iter().copied().filter(|&uid| !other.contains(uid)).collect::<Vec<_>>();
            prop_assert_eq!(less.iter().collect::<Vec<_>>(), left);
            let (first, last) = (window.0, window.0 + window.1);
            let gaps = (first..=last).filter(|uid| !model.contains(uid)).collect::<Vec<_>>();
            prop_assert_eq!(set.gaps(first, last).iter().collect::<Vec<_>>(), gaps);
            prop_assert!((0..260).all(|uid| set.contains(uid) == model.contains(&uid)));
        }
    }
}
