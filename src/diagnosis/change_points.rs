//! The days on which something changed, told from counts by day.
//!
//! The days are divided into segments within which the shares of a few states stay about the same, so that all days
//! together are explained best and each further segment has to earn its place (optimal partitioning with a penalty, after
//! Jackson et al., "An algorithm for optimal partitioning of data on an interval", 2005). The counts of one day are weighed as
//! those of [`DAY_WEIGHT`] messages at most: the messages of one day are not independent witnesses, and one large day is not to
//! outweigh a month.

use crate::report::period::Day;

/// No day counts for more messages than this.
const DAY_WEIGHT: f64 = 40.0;
/// What a further segment costs, in units of log-likelihood. A segment of few messages cannot pay it.
const PENALTY: f64 = 12.0;
/// Neighbours whose shares differ by less are one segment: half the sum of the differences, so 0.25 is a quarter of the
/// messages in another state.
pub(super) const DIFFERENT: f64 = 0.25;
/// A segment of fewer messages says nothing.
const FEWEST: u64 = 5;
/// More days than this are taken in groups, so that the work stays bounded.
const MOST_DAYS: usize = 800;

/// Days in a row on which the shares of the states stay about the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment<const K: usize> {
    /// The first day with counts.
    pub(super) first: Day,
    /// The last day with counts.
    pub(super) last: Day,
    /// The counts of its days, by state.
    pub(super) sums: [u64; K],
}

impl<const K: usize> Segment<K> {
    pub(super) fn join(self, next: Self) -> Self {
        Segment { first: self.first, last: next.last, sums: add(self.sums, next.sums) }
    }

    fn messages(&self) -> u64 {
        self.sums.iter().fold(0, |sum, &count| sum.saturating_add(count))
    }
}

/// How far apart the shares of two counts are: from 0, the same, to 1, nothing in common.
pub(super) fn distance<const K: usize>(left: [u64; K], right: [u64; K]) -> f64 {
    let all = |counts: [u64; K]| counts.iter().fold(0_u64, |sum, &count| sum.saturating_add(count));
    let (all_left, all_right) = (all(left), all(right));
    if all_left == 0 || all_right == 0 {
        return 0.0;
    }
    let share = |part: u64, whole: u64| part as f64 / whole as f64;
    left.iter().zip(right).map(|(&a, b)| (share(a, all_left) - share(b, all_right)).abs()).sum::<f64>() / 2.0
}

/// Divides counts by day, which are in the order of the days, into segments. Days without any count belong to none.
pub(super) fn segments<const K: usize>(days: &[(Day, [u64; K])]) -> Vec<Segment<K>> {
    let mut pieces: Vec<Segment<K>> = days
        .iter()
        .filter(|(_, counts)| counts.iter().any(|&count| count > 0))
        .map(|&(day, sums)| Segment { first: day, last: day, sums })
        .collect();
    if pieces.len() > MOST_DAYS {
        let together = pieces.len().div_ceil(MOST_DAYS);
        pieces = pieces.chunks(together).filter_map(|group| group.iter().copied().reduce(Segment::join)).collect();
    }
    let mut found: Vec<Segment<K>> = Vec::new();
    let mut begin = 0;
    for end in seams(&pieces) {
        found.extend(pieces[begin..end].iter().copied().reduce(Segment::join));
        begin = end;
    }
    settle(found)
}

/// Where the segments end, the last end included.
fn seams<const K: usize>(pieces: &[Segment<K>]) -> Vec<usize> {
    // Running sums of the weighed counts, so that the cost of any segment is at hand.
    let mut sums = vec![[0.0; K]; pieces.len() + 1];
    for (at, piece) in pieces.iter().enumerate() {
        let days = f64::from(piece.last.saturating_sub(piece.first)) + 1.0;
        let weight = (DAY_WEIGHT * days / piece.messages() as f64).min(1.0);
        sums[at + 1] = std::array::from_fn(|state| sums[at][state] + piece.sums[state] as f64 * weight);
    }
    let cost = |begin: usize, end: usize| {
        let counts: [f64; K] = std::array::from_fn(|state| sums[end][state] - sums[begin][state]);
        let whole: f64 = counts.iter().sum();
        -counts.iter().filter(|&&count| count > 0.0).map(|count| count * (count / whole).ln()).sum::<f64>()
    };
    let mut best = vec![(0.0, 0); pieces.len() + 1];
    for end in 1..=pieces.len() {
        best[end] = (0..end)
            .map(|begin| (best[begin].0 + cost(begin, end) + PENALTY, begin))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .unwrap_or((0.0, 0));
    }
    let mut ends = Vec::new();
    let mut end = pieces.len();
    while end > 0 {
        ends.push(end);
        end = best[end].1;
    }
    ends.reverse();
    ends
}

/// Joins neighbours that are not different enough, the most alike first.
fn settle<const K: usize>(mut found: Vec<Segment<K>>) -> Vec<Segment<K>> {
    loop {
        let joint = (1..found.len())
            .map(|at| {
                let (left, right) = (&found[at - 1], &found[at]);
                let small = left.messages().min(right.messages()) < FEWEST;
                (at, if small { 0.0 } else { distance(left.sums, right.sums) })
            })
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .filter(|&(_, apart)| apart < DIFFERENT);
        let Some((at, _)) = joint else {
            return found;
        };
        let right = found.remove(at);
        found[at - 1] = found[at - 1].join(right);
    }
}

pub(super) fn add<const K: usize>(left: [u64; K], right: [u64; K]) -> [u64; K] {
    std::array::from_fn(|at| left[at].saturating_add(right[at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(days: &[(Day, [u64; 2])]) -> Vec<(Day, Day)> {
        segments(days).iter().map(|one| (one.first, one.last)).collect()
    }

    #[test]
    fn one_state_is_one_stretch() {
        let days: Vec<_> = (0..60).map(|day| (day, [100 + day as u64 % 7, day as u64 % 5])).collect();
        assert_eq!(ends(&days), [(0, 59)]);
        assert_eq!(ends(&[]), []);
    }

    #[test]
    fn the_day_of_a_change_is_found() {
        let days: Vec<_> = (0..30).map(|day| (day, if day < 19 { [97, 3] } else { [2, 98] })).collect();
        assert_eq!(ends(&days), [(0, 18), (19, 29)]);
    }

    #[test]
    fn two_bad_days_are_found_between_good_ones() {
        let days: Vec<_> = (0..60).map(|day| (day, if (30..32).contains(&day) { [0, 90] } else { [100, 1] })).collect();
        assert_eq!(ends(&days), [(0, 29), (30, 31), (32, 59)]);
    }

    #[test]
    fn a_few_messages_are_no_change() {
        let days: Vec<_> = (0..30).map(|day| (day, if day == 20 { [0, 3] } else { [100, 0] })).collect();
        assert_eq!(ends(&days), [(0, 29)]);
        assert_eq!(ends(&[(0, [1, 0]), (1, [0, 1]), (2, [1, 0])]), [(0, 2)]);
    }

    #[test]
    fn years_are_bounded_work() {
        let days: Vec<_> = (0..20_000).map(|day| (day, if day < 9_000 { [50, 0] } else { [0, 50] })).collect();
        let found = segments(&days);
        assert_eq!(found.len(), 2);
        assert!((found[0].last - 9_000).abs() <= 25);
    }

    proptest::proptest! {
        #[test]
        fn stretches_cover_all_that_is_counted(counts in proptest::collection::vec(proptest::array::uniform2(0..1000_u64), 0..60)) {
            let days: Vec<_> = counts.iter().enumerate().map(|(day, &counts)| (day as Day, counts)).collect();
            let found = segments(&days);
            let sum = |of: &mut dyn Iterator<Item = [u64; 2]>| of.fold([0; 2], add);
            proptest::prop_assert_eq!(sum(&mut counts.iter().copied()), sum(&mut found.iter().map(|one| one.sums)));
            proptest::prop_assert!(found.windows(2).all(|pair| pair[0].last < pair[1].first));
            proptest::prop_assert!(found.windows(2).all(|pair| distance(pair[0].sums, pair[1].sums) >= DIFFERENT));
        }
    }
}
