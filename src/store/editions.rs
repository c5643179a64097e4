//! Which of several reports of one identity are editions of one another, and which are parts that all count.
//!
//! Reporters are known that send several reports under one id for one domain and period: what a program gathered by
//! destination, in two runs, on two servers. Each message is in one of them, and a row that two of them have is
//! chance: such *parts* all count in full. A report that is sent again with more in it is an *edition*: it has every row
//! of the earlier one with at least as many messages (it *covers* it), and, unlike a part that does so by chance, some
//! row with exactly as many. What is covered by a later edition does not count, and since all of its rows are in that
//! one, no row is lost whole.

/// A report is compared with this many of those that may cover it, the largest first; beyond that it counts in full.
/// Real editions grow, so the largest covers the others; this bounds what reports made to be compared can cost.
const COMPARED: usize = 64;

/// What a report says: its rows by a digest of address and outcome, those of one address and outcome added up.
#[derive(Debug)]
pub(super) struct MergedRows {
    /// Digest and messages, in the order of the digests.
    rows: Vec<(u64, u64)>,
    messages: u64,
    /// Decides between reports that say the same, so that the order in which they are given never does.
    digest: u128,
}

impl MergedRows {
    /// Of rows in any order, with the digest of the report's content.
    pub(super) fn new(mut rows: Vec<(u64, u64)>, digest: u128) -> Self {
        rows.sort_unstable();
        rows.dedup_by(|next, kept| {
            let equal = next.0 == kept.0;
            if equal {
                kept.1 = kept.1.saturating_add(next.1);
            }
            equal
        });
        let messages = rows.iter().fold(0_u64, |sum, row| sum.saturating_add(row.1));
        MergedRows { rows, messages, digest }
    }

    /// Whether it has every row of another with at least as many messages; where it does, whether some row has exactly as
    /// many.
    fn covers(&self, other: &MergedRows) -> Option<bool> {
        if self.rows.len() < other.rows.len() {
            return None;
        }
        let mut equal = false;
        for &(row, messages) in &other.rows {
            let at = self.rows.binary_search_by_key(&row, |own| own.0).ok()?;
            let own = self.rows[at].1;
            if own < messages {
                return None;
            }
            equal |= own == messages;
        }
        Some(equal)
    }
}

/// Which reports have which row: the rows' digests with the places of the reports, in this order.
struct Holders(Vec<(u64, u32)>);

impl Holders {
    fn of<'r>(reports: impl Iterator<Item = &'r MergedRows>) -> Self {
        let mut holders: Vec<(u64, u32)> = reports
            .zip(0_u32..)
            .flat_map(|(report, place)| report.rows.iter().map(move |row| (row.0, place)))
            .collect();
        holders.sort_unstable();
        Holders(holders)
    }

    fn of_row(&self, row: u64) -> &[(u64, u32)] {
        let from = self.0.partition_point(|holder| holder.0 < row);
        let to = from + self.0[from..].partition_point(|holder| holder.0 == row);
        &self.0[from..to]
    }
}

/// For each report of one identity the place of the one that stands for it: that says the same, or, where the reports are
/// editions, the largest that covers it.
pub(super) fn replaced(reports: &[MergedRows]) -> Vec<Option<usize>> {
    let mut replaced = vec![None; reports.len()];
    let order = distinct(reports, &mut replaced);
    let holders = Holders::of(order.iter().map(|&at| &reports[at]));
    let (mut covered, mut editions) = (Vec::new(), false);
    for (place, &at) in order.iter().enumerate().skip(1) {
        let report = &reports[at];
        let rarest = report.rows.iter().map(|row| holders.of_row(row.0)).min_by_key(|holders| holders.len());
        let Some(rarest) = rarest else {
            // No rows at all: the largest says as much.
            covered.push((at, order[0]));
            continue;
        };
        let before = rarest.iter().map(|holder| holder.1 as usize).take_while(|&other| other < place);
        let mut by = None;
        for other in before.map(|other| order[other]).take(COMPARED) {
            if let Some(equal) = reports[other].covers(report) {
                by.get_or_insert(other);
                editions |= equal;
                if editions {
                    break;
                }
            }
        }
        covered.extend(by.map(|other| (at, other)));
    }
    if editions {
        covered.into_iter().for_each(|(at, other)| replaced[at] = Some(other));
        // What says the same as a covered report is covered with it.
        let stands: Vec<Option<usize>> = replaced.iter().map(|by| by.and_then(|by| replaced[by])).collect();
        for (by, stands) in replaced.iter_mut().zip(stands) {
            *by = stands.or(*by);
        }
    }
    replaced
}

/// The places of reports that differ, the largest first: what covers a report stands before it. Those that say the same as
/// another are replaced by it.
fn distinct(reports: &[MergedRows], replaced: &mut [Option<usize>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..reports.len()).collect();
    order.sort_by(|&left, &right| {
        let (left, right) = (&reports[left], &reports[right]);
        let larger = (right.messages, right.rows.len()).cmp(&(left.messages, left.rows.len()));
        larger.then_with(|| left.rows.cmp(&right.rows)).then_with(|| left.digest.cmp(&right.digest))
    });
    order.dedup_by(|next, kept| {
        let same = reports[*next].rows == reports[*kept].rows;
        if same {
            replaced[*next] = Some(*kept);
        }
        same
    });
    order
}

/// For each of some reports that count how many of its messages lie in rows that another of them has too.
pub(super) fn shared(reports: &[&MergedRows]) -> Vec<u64> {
    let mut shared = vec![0_u64; reports.len()];
    let holders = Holders::of(reports.iter().copied());
    for holding in holders.0.chunk_by(|left, right| left.0 == right.0).filter(|holding| holding.len() > 1) {
        for &(row, place) in holding {
            let rows = &reports[place as usize].rows;
            let messages = rows.binary_search_by_key(&row, |own| own.0).map_or(0, |at| rows[at].1);
            shared[place as usize] = shared[place as usize].saturating_add(messages);
        }
    }
    shared
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    fn report(rows: &[(u64, u64)]) -> MergedRows {
        MergedRows::new(rows.to_vec(), 0)
    }

    fn counted(reports: &[&[(u64, u64)]]) -> u64 {
        let reports: Vec<MergedRows> = reports.iter().map(|rows| report(rows)).collect();
        let replaced = replaced(&reports);
        reports.iter().zip(&replaced).filter(|(_, by)| by.is_none()).map(|(report, _)| report.messages).sum()
    }

    #[test]
    fn parts_add_up_and_editions_replace() {
        const A: u64 = 1;
        const B: u64 = 2;
        const C: u64 = 3;
        for (messages, what, reports) in [
            (38, "no row in common", &[&[(A, 30)][..], &[(B, 8)]][..]),
            (71, "neither has all of the other", &[&[(A, 30), (B, 8)], &[(A, 30), (C, 3)]]),
            (68, "more of the same row says nothing", &[&[(A, 30)], &[(A, 38)]]),
            (75, "covered, and no row equal", &[&[(A, 30), (B, 6)], &[(A, 31), (B, 8)]]),
            (38, "one row more", &[&[(A, 30)], &[(A, 30), (B, 8)]]),
            (40, "one row corrected", &[&[(A, 30), (B, 8)], &[(A, 32), (B, 8)]]),
            (50, "three editions", &[&[(A, 30)], &[(A, 36), (B, 8)], &[(A, 39), (B, 8), (C, 3)]]),
            (44, "an edition beside a part", &[&[(A, 30)], &[(A, 30), (B, 8)], &[(C, 6)]]),
            (9, "the same twice", &[&[(A, 4), (B, 5)], &[(B, 5), (A, 4)]]),
            (68, "the same twice makes no editions of others", &[&[(A, 30)], &[(A, 38)], &[(A, 30)]]),
            (9, "the same in smaller records", &[&[(A, 4), (B, 5)], &[(A, 2), (A, 2), (B, 5)]]),
            (8, "one without any row", &[&[], &[(B, 8)]]),
        ] {
            assert_eq!(counted(reports), messages, "{what}");
            let reversed: Vec<_> = reports.iter().rev().copied().collect();
            assert_eq!(counted(&reversed), messages, "{what}, in the other order");
        }
    }

    #[test]
    fn what_replaces_counts() {
        let reports = [report(&[(1, 30)]), report(&[(1, 30), (2, 8)]), report(&[(1, 20), (1, 10)])];
        assert_eq!(replaced(&reports), [Some(1), None, Some(1)]);
    }

    #[test]
    fn what_two_parts_both_have_is_told() {
        let parts = [report(&[(1, 30), (2, 8)]), report(&[(1, 5), (3, 4)]), report(&[(4, 1)])];
        assert_eq!(shared(&parts.iter().collect::<Vec<_>>()), [30, 5, 0]);
    }

    /// The rule word for word.
    fn by_the_rule(reports: &[MergedRows]) -> Vec<bool> {
        let rows = |at: usize| reports[at].rows.iter().copied().collect::<BTreeMap<_, _>>();
        // Of those that say the same the first stands for all.
        let first = |at: usize| (0..at).all(|other| reports[other].rows != reports[at].rows);
        let covers = |large: usize, small: usize| {
            let large = rows(large);
            rows(small).iter().all(|(row, count)| large.get(row).is_some_and(|own| own >= count))
        };
        let shares = |large: usize, small: usize| {
            let large = rows(large);
            rows(small).iter().any(|(row, count)| large.get(row) == Some(count))
        };
        let all: Vec<usize> = (0..reports.len()).filter(|&at| first(at)).collect();
        let by = |small: usize| all.iter().copied().filter(move |&large| large != small && covers(large, small));
        let editions = all.iter().any(|&small| by(small).any(|large| shares(large, small)));
        (0..reports.len()).map(|at| first(at) && !(editions && by(at).next().is_some())).collect()
    }

    fn reports() -> impl Strategy<Value = Vec<Vec<(u64, u64)>>> {
        prop::collection::vec(prop::collection::vec((0_u64..5, 1_u64..4), 1..5), 1..7)
    }

    proptest! {
        #[test]
        fn the_rule_is_kept(reports in reports()) {
            let reports: Vec<MergedRows> = reports.iter().map(|rows| report(rows)).collect();
            let replaced = replaced(&reports);
            // Of those that say the same it does not matter which counts.
            let counting = |counts: &[bool]| -> Vec<Vec<(u64, u64)>> {
                let of = reports.iter().zip(counts).filter(|(_, counts)| **counts);
                let mut rows: Vec<_> = of.map(|(report, _)| report.rows.clone()).collect();
                rows.sort();
                rows
            };
            let counts: Vec<bool> = replaced.iter().map(Option::is_none).collect();
            prop_assert_eq!(counting(&counts), counting(&by_the_rule(&reports)));
        }

        #[test]
        fn no_row_is_lost_and_what_replaces_counts(reports in reports(), rank in prop::collection::vec(any::<u32>(), 7)) {
            let reports: Vec<MergedRows> = reports.iter().map(|rows| report(rows)).collect();
            let by = replaced(&reports);
            let rows = |counts: bool| -> BTreeSet<u64> {
                let of = reports.iter().zip(&by).filter(|(_, by)| !counts || by.is_none());
                of.flat_map(|(report, _)| report.rows.iter().map(|row| row.0)).collect()
            };
            prop_assert_eq!(rows(true), rows(false));
            prop_assert!(by.iter().flatten().all(|&other| by[other].is_none()));

            let mut order: Vec<usize> = (0..reports.len()).collect();
            order.sort_by_key(|&at| rank[at]);
            let other = order.iter().map(|&at| MergedRows { rows: reports[at].rows.clone(), ..reports[at] }).collect::<Vec<_>>();
            let sum = |reports: &[MergedRows]| -> u64 {
                let by = replaced(reports);
                reports.iter().zip(by).filter(|(_, by)| by.is_none()).map(|(report, _)| report.messages).sum()
            };
            prop_assert_eq!(sum(&reports), sum(&other));
        }
    }
}
