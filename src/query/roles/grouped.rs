//! Things in the order of their groups.

/// The numbers of things in the order of their groups, and within each group as they were.
#[derive(Debug, Default)]
pub(super) struct Grouped {
    things: Vec<u32>,
    /// Where the things of each group end.
    ends: Vec<usize>,
}

impl Grouped {
    /// Of things, each with its group; `groups` is the number of groups.
    pub(super) fn of(groups_of_things: &[u32], groups: usize) -> Self {
        let mut ends = vec![0; groups];
        groups_of_things.iter().for_each(|group| ends[*group as usize] += 1);
        let mut sum = 0;
        for end in &mut ends {
            // First where they begin, then moved on with each that is put there.
            (*end, sum) = (sum, sum + *end);
        }
        let mut things = vec![0; sum];
        for (thing, group) in (0..).zip(groups_of_things) {
            let end = &mut ends[*group as usize];
            things[*end] = thing;
            *end += 1;
        }
        Grouped { things, ends }
    }

    /// The things of a group.
    pub(super) fn of_group(&self, group: usize) -> &[u32] {
        let begin = group.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.things[begin..self.ends[group]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_stay_in_their_order() {
        let grouped = Grouped::of(&[2, 0, 2, 1, 0], 4);
        assert_eq!([0, 1, 2, 3].map(|group| grouped.of_group(group)), [&[1, 4][..], &[3], &[0, 2], &[]]);
    }
}
