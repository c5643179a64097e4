//! Things in the order of what they are of: those of one group, place or path one after the other.

use std::iter::repeat_n;

/// Things in the order of their groups.
#[derive(Debug, Clone)]
pub(super) struct Grouped<T> {
    things: Vec<T>,
    /// Where the things of each group end.
    ends: Vec<u32>,
}

impl<T> Default for Grouped<T> {
    fn default() -> Self {
        Grouped { things: Vec::new(), ends: Vec::new() }
    }
}

/// Where the things of each group end, by the groups of things.
fn ends(groups_of_things: impl Iterator<Item = u32>, groups: usize) -> Vec<u32> {
    let mut ends = vec![0; groups];
    groups_of_things.for_each(|group| ends[group as usize] += 1);
    let mut sum = 0;
    for end in &mut ends {
        sum += *end;
        *end = sum;
    }
    ends
}

impl<T: Copy> Grouped<T> {
    /// Of things, each with its group, as they come within it; `groups` is the number of groups.
    pub(super) fn of(things: impl Iterator<Item = (u32, T)> + Clone, groups: usize) -> Self {
        let ends = ends(things.clone().map(|(group, _)| group), groups);
        let mut places: Vec<u32> = [0].into_iter().chain(ends.iter().copied()).take(groups).collect();
        let mut sorted = match things.clone().next() {
            Some((_, filler)) => vec![filler; ends.last().map_or(0, |&end| end as usize)],
            None => Vec::new(),
        };
        for (group, thing) in things {
            let place = &mut places[group as usize];
            sorted[*place as usize] = thing;
            *place += 1;
        }
        Grouped { things: sorted, ends }
    }
}

impl<T> Grouped<T> {
    /// Of things with their groups, which are put in order where they are, for millions of things twice over would be felt:
    /// within a group they are in no order.
    pub(super) fn where_they_are(mut things: Vec<T>, mut groups_of_things: Vec<u32>, groups: usize) -> Self {
        things.shrink_to_fit();
        let ends = ends(groups_of_things.iter().copied(), groups);
        // What is before the place of a group is of it already.
        let mut places: Vec<u32> = [0].into_iter().chain(ends.iter().copied()).take(groups).collect();
        for (group, &end) in ends.iter().enumerate() {
            while places[group] < end {
                let at = places[group] as usize;
                let of = groups_of_things[at] as usize;
                let place = &mut places[of];
                if of != group {
                    things.swap(at, *place as usize);
                    groups_of_things.swap(at, *place as usize);
                }
                *place += 1;
            }
        }
        Grouped { things, ends }
    }

    /// The same things in the order of other groups: `of_groups` says for each group which it is of. They are in no order there.
    pub(super) fn regrouped(self, of_groups: &[u32], groups: usize) -> Self {
        let mut groups_of_things = Vec::with_capacity(self.things.len());
        let mut begin = 0;
        for (&end, &of) in self.ends.iter().zip(of_groups) {
            groups_of_things.extend(repeat_n(of, (end - begin) as usize));
            begin = end;
        }
        Grouped::where_they_are(self.things, groups_of_things, groups)
    }

    /// Keeps of each group as many of its things as `arrange` says, having put these first.
    pub(super) fn keep_first(&mut self, mut arrange: impl FnMut(&mut [T]) -> usize) {
        let (mut kept, mut begin) = (0, 0);
        for end in &mut self.ends {
            let of_group = begin as usize..*end as usize;
            begin = *end;
            for at in of_group.clone().take(arrange(&mut self.things[of_group])) {
                self.things.swap(kept, at);
                kept += 1;
            }
            *end = kept as u32;
        }
        self.things.truncate(kept);
        self.things.shrink_to_fit();
    }

    /// The things of a group; none of one that is not there.
    pub(super) fn of_group(&self, group: usize) -> &[T] {
        let begin = group.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(group).and_then(|&end| self.things.get(begin as usize..end as usize)).unwrap_or(&[])
    }

    /// All things, to change them where they are.
    pub(super) fn all_mut(&mut self) -> &mut [T] {
        &mut self.things
    }

    /// The things of each group, one after the other.
    pub(super) fn each_mut(&mut self, mut change: impl FnMut(&mut [T])) {
        let (mut rest, mut begin) = (&mut self.things[..], 0);
        for &end in &self.ends {
            let (of_group, others) = rest.split_at_mut((end - begin) as usize);
            change(of_group);
            (rest, begin) = (others, end);
        }
    }

    /// Adds a group at the end.
    pub(super) fn push(&mut self, things: impl IntoIterator<Item = T>) {
        self.things.extend(things);
        self.ends.push(self.things.len() as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_stay_in_their_order() {
        let things = [(2, 'a'), (0, 'b'), (2, 'c'), (1, 'd'), (0, 'e')];
        let mut grouped = Grouped::of(things.into_iter(), 4);
        let wanted = [&['b', 'e'][..], &['d'], &['a', 'c'], &[], &[]];
        assert_eq!([0, 1, 2, 3, 4].map(|group| grouped.of_group(group)), wanted);
        grouped.push(['f']);
        assert_eq!([3, 4, 5].map(|group| grouped.of_group(group)), [&[][..], &['f'], &[]]);
        assert_eq!(grouped.all_mut(), ['b', 'e', 'd', 'a', 'c', 'f']);
        assert!(Grouped::<char>::default().of_group(0).is_empty());
    }

    #[test]
    fn things_are_put_in_order_where_they_are() {
        let groups = [2, 0, 2, 1, 0, 2, 4, 4, 0];
        let by_group = |grouped: &mut Grouped<usize>, groups: usize| -> Vec<Vec<usize>> {
            grouped.each_mut(<[usize]>::sort_unstable);
            (0..groups).map(|group| grouped.of_group(group).to_vec()).collect()
        };
        let mut grouped = Grouped::where_they_are((0..groups.len()).collect(), groups.to_vec(), 5);
        assert_eq!(by_group(&mut grouped, 5), [vec![1, 4, 8], vec![3], vec![0, 2, 5], vec![], vec![6, 7]]);
        // Groups 0 and 4 are of one, and 1 and 2 of another.
        let mut regrouped = grouped.regrouped(&[1, 0, 0, 2, 1], 3);
        assert_eq!(by_group(&mut regrouped, 3), [vec![0, 2, 3, 5], vec![1, 4, 6, 7, 8], vec![]]);
        // Of each group the odd ones.
        regrouped.keep_first(|of_group| {
            of_group.sort_unstable_by_key(|one| (one % 2 == 0, *one));
            of_group.iter().filter(|one| *one % 2 == 1).count()
        });
        assert_eq!(by_group(&mut regrouped, 3), [vec![3, 5], vec![1, 7], vec![]]);
        assert!(Grouped::<u8>::where_they_are(Vec::new(), Vec::new(), 0).of_group(0).is_empty());
    }
}
