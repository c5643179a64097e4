//! No single reporter decides: how far a judgement may rest on what reporters say.
//!
//! Reporters make mistakes and lie, each in its own way: one calls every failure a pass, one cannot fetch a key that all
//! others fetch, one invents thousands of messages. So whatever is judged of a path, a key or an account is judged by one of
//! these functions:
//!
//! - [`robust_share`]: a share that holds without the reporter that says most for it and without the one that says most
//!   against it; [`share_without_most_for`] where only a large share does harm;
//! - [`is_lone_claim`]: a state that one reporter claims and at least two others saw otherwise on the same days, beyond chance;
//! - [`Seen::is_enough`]: two reporters on two days, or all that there are.
//!
//! Reporters go by small numbers, given by whoever asks.

/// A share that no single reporter decides. `messages` has for each reporter the messages for it and those against it. It is
/// the share without the reporter that says most against it, where that is larger than the share of all (one reporter takes
/// nothing from the others), and then without the one that says most for it, where others are left (one reporter alone gives
/// nothing). None where nothing was seen.
#[must_use]
pub fn robust_share(messages: impl IntoIterator<Item = [u64; 2]>) -> Option<f64> {
    let mut parts: Vec<[u64; 2]> = messages.into_iter().filter(|part| part[0] > 0 || part[1] > 0).collect();
    let share = |parts: &[[u64; 2]]| {
        let (these, all) = parts.iter().fold((0u64, 0u64), |(these, all), part| {
            let these = these.saturating_add(part[0]);
            (these, all.saturating_add(part[0]).saturating_add(part[1]))
        });
        (all > 0).then(|| these as f64 / all as f64)
    };
    let leave = |parts: &mut Vec<[u64; 2]>, side: usize| {
        let most = (0..parts.len()).max_by_key(|&at| (parts[at][side], parts[at][1 - side]));
        if let Some(most) = most.filter(|_| parts.len() > 1) {
            parts.swap_remove(most);
        }
    };
    let full = share(&parts)?;
    leave(&mut parts, 1);
    let carried = share(&parts).map_or(full, |rest| rest.max(full));
    leave(&mut parts, 0);
    Some(share(&parts).map_or(carried, |rest| rest.min(carried)))
}

/// A share without the reporter that says most for it, where others are left: the less of the two. None where nothing was seen.
#[must_use]
pub fn share_without_most_for(messages: &[[u64; 2]]) -> Option<f64> {
    let share = |parts: &mut dyn Iterator<Item = &[u64; 2]>| {
        let sums = parts.fold([0u64; 2], |sum, one| [sum[0].saturating_add(one[0]), sum[1].saturating_add(one[1])]);
        (sums[0] > 0 || sums[1] > 0).then(|| part(sums[0], sums[1]))
    };
    let all = share(&mut messages.iter())?;
    let most = (0..messages.len()).max_by_key(|&at| (messages[at][0], messages[at][1]))?;
    let rest = share(&mut messages.iter().enumerate().filter(|(at, _)| *at != most).map(|(_, one)| one));
    Some(rest.map_or(all, |rest| rest.min(all)))
}

/// Whether a share is `least` or more, and more than nothing, on nobody's word alone: see [`robust_share`].
#[must_use]
pub fn has_share(messages: impl IntoIterator<Item = [u64; 2]>, least: f64) -> bool {
    robust_share(messages).is_some_and(|share| share > 0.0 && share >= least)
}

/// What one reporter says of something on one day: the messages for a claim, and those that were seen otherwise. What could
/// not be evaluated (`permerror`, `temperror`) is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The day.
    pub day: i32,
    /// The reporter.
    pub reporter: u32,
    /// Messages for it.
    pub claimed: u64,
    /// Messages seen otherwise.
    pub otherwise: u64,
}

/// Chance alone makes shares differ: how far below what is expected of its messages a count must be to speak against it.
fn is_below_chance(seen: u64, of: u64, expected_share: f64) -> bool {
    let expected = of as f64 * expected_share;
    of > 0 && (seen as f64) < expected - 3.0 * (expected * (1.0 - expected_share)).sqrt() - 1e-9
}

fn part(claimed: u64, otherwise: u64) -> f64 {
    let all = claimed.saturating_add(otherwise);
    if all == 0 { 0.0 } else { claimed as f64 / all as f64 }
}

/// Below this share a claim of others is noise, where nothing more is known of what they claim.
pub const NOISE: f64 = 0.05;

/// Whether what a reporter claims is seen by it alone: at least two others saw the same on the same days, speak against it
/// beyond chance, and none of them speaks for it. Below the share `few` a claim of the others together is noise.
#[must_use]
pub fn is_lone_claim(claims: &[Claim], reporter: u32, few: f64) -> bool {
    let mut days: Vec<i32> =
        claims.iter().filter(|one| one.reporter == reporter && one.claimed > 0).map(|one| one.day).collect();
    days.sort_unstable();
    days.dedup();
    let on_its_days = |one: &&Claim| days.binary_search(&one.day).is_ok();
    let (mut own, mut others) = ([0u64; 2], std::collections::BTreeMap::<u32, [u64; 2]>::new());
    for one in claims.iter().filter(on_its_days).filter(|one| one.claimed > 0 || one.otherwise > 0) {
        let sums = if one.reporter == reporter { &mut own } else { others.entry(one.reporter).or_default() };
        sums[0] = sums[0].saturating_add(one.claimed);
        sums[1] = sums[1].saturating_add(one.otherwise);
    }
    let claimed = part(own[0], own[1]);
    let of = |sums: &[u64; 2]| sums[0].saturating_add(sums[1]);
    let against = |sums: &[u64; 2]| is_below_chance(sums[0], of(sums), claimed);
    if own[0] == 0 || others.len() < 2 || others.values().any(|sums| sums[0] > 0 && !against(sums)) {
        return false;
    }
    let pooled =
        others.values().fold([0u64; 2], |sum, one| [sum[0].saturating_add(one[0]), sum[1].saturating_add(one[1])]);
    let speaking = others.values().filter(|sums| against(sums)).count();
    of(&pooled) >= 3 && (speaking >= 2 || against(&pooled) && part(pooled[0], pooled[1]) < few)
}

/// Who saw something and when, as far as that makes a difference: nobody, one or several, on one day or several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen(Option<First>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct First {
    reporter: u32,
    day: i32,
    several_reporters: bool,
    several_days: bool,
}

impl Seen {
    /// By a reporter, on a day.
    pub fn add(&mut self, reporter: u32, day: i32) {
        let first = self.0.get_or_insert(First { reporter, day, several_reporters: false, several_days: false });
        first.several_reporters |= first.reporter != reporter;
        first.several_days |= first.day != day;
    }

    /// By all that saw another thing, too.
    pub fn extend(&mut self, other: Seen) {
        if let Some(other) = other.0 {
            self.add(other.reporter, other.day);
            if let Some(first) = &mut self.0 {
                first.several_reporters |= other.several_reporters;
                first.several_days |= other.several_days;
            }
        }
    }

    /// Whether anybody saw it.
    #[must_use]
    pub fn is_any(self) -> bool {
        self.0.is_some()
    }

    /// Whether more than one reporter did.
    #[must_use]
    pub fn by_several(self) -> bool {
        self.0.is_some_and(|first| first.several_reporters)
    }

    /// Whether it was seen on more than one day.
    #[must_use]
    pub fn on_several_days(self) -> bool {
        self.0.is_some_and(|first| first.several_days)
    }

    /// Whether it is not the word of one reporter alone where several saw the `whole` that it is a part of. What nobody saw counts
    /// where one reporter at most saw anything.
    #[must_use]
    pub fn counts_in(self, whole: Seen) -> bool {
        self.by_several() || !whole.by_several()
    }

    /// Enough witnesses: two reporters and two days, or as many as there are of the `whole` that it is a part of.
    #[must_use]
    pub fn is_enough(self, whole: Seen) -> bool {
        let Some(first) = self.0 else {
            return false;
        };
        let (reporters, days) = whole.0.map_or((false, false), |whole| (whole.several_reporters, whole.several_days));
        (first.several_reporters || !reporters) && (first.several_days || !days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For each reporter those for it, and all.
    fn has(these: &[u64], all: &[u64], least: f64) -> bool {
        has_share(these.iter().zip(all).map(|(&these, &all)| [these, all - these]), least)
    }

    #[test]
    fn no_share_hangs_on_one_reporter() {
        // Three that agree, whatever the fourth says.
        assert!(has(&[9, 9, 9, 0], &[9, 9, 9, 9_000_000], 0.05));
        assert!(!has(&[1, 1, 1, 9_000_000], &[99, 99, 99, 9_000_000], 0.05));
        assert!(has(&[9, 9, 9], &[99, 99, 99], 0.05));
        assert!(!has(&[3, 3, 3], &[99, 99, 99], 0.05));
    }

    #[test]
    fn one_reporter_is_believed_where_there_is_no_other() {
        assert!(has(&[9], &[99], 0.05));
        assert!(!has(&[3], &[99], 0.05));
        assert!(!has(&[0], &[0], 0.05));
        assert!(!has(&[], &[], 0.05));
    }

    fn claims(of: &[(i32, u32, u64, u64)]) -> Vec<Claim> {
        of.iter().map(|&(day, reporter, claimed, otherwise)| Claim { day, reporter, claimed, otherwise }).collect()
    }

    #[test]
    fn a_claim_is_alone_where_two_others_saw_otherwise_on_the_same_days() {
        let alone = claims(&[(1, 0, 10_000, 0), (1, 1, 0, 50), (1, 2, 0, 3)]);
        assert!(is_lone_claim(&alone, 0, 0.05));
        // One other is not enough, nor are others on other days, nor is one that says the same.
        assert!(!is_lone_claim(&alone[..2], 0, 0.05));
        assert!(!is_lone_claim(&claims(&[(1, 0, 50, 0), (2, 1, 0, 50), (2, 2, 0, 50)]), 0, 0.05));
        assert!(!is_lone_claim(&claims(&[(1, 0, 50, 0), (1, 1, 0, 50), (1, 2, 0, 50), (1, 3, 7, 0)]), 0, 0.05));
        // What two could not evaluate contradicts nobody.
        assert!(!is_lone_claim(&claims(&[(1, 0, 50, 0), (1, 1, 0, 0), (1, 2, 0, 0)]), 0, 0.05));
        // A part of a mixture that few messages of the others do not show is chance.
        assert!(!is_lone_claim(&claims(&[(1, 0, 300, 700), (1, 1, 0, 3), (1, 2, 0, 2)]), 0, 0.05));
    }

    #[test]
    fn two_reporters_on_two_days_or_all_there_are() {
        let seen = |by: &[(u32, i32)]| {
            let mut seen = Seen::default();
            by.iter().for_each(|&(reporter, day)| seen.add(reporter, day));
            seen
        };
        let whole = seen(&[(1, 1), (2, 2)]);
        assert!(seen(&[(1, 1), (2, 2)]).is_enough(whole));
        assert!(!seen(&[(1, 1), (1, 2)]).is_enough(whole));
        assert!(!seen(&[(1, 1), (2, 1)]).is_enough(whole));
        assert!(!seen(&[]).is_enough(whole));
        assert!(!seen(&[]).is_enough(seen(&[])));
        assert!(seen(&[(3, 3)]).is_enough(seen(&[(3, 3)])));
        let mut both = seen(&[(1, 1)]);
        both.extend(seen(&[(2, 2)]));
        assert!(both.is_enough(whole));
        // Several, on whatever days, or one where there is no other.
        assert!(seen(&[(1, 1), (2, 1)]).counts_in(whole) && seen(&[(3, 3)]).counts_in(seen(&[(3, 3)])));
        assert!(!seen(&[(1, 1), (1, 2)]).counts_in(whole) && !seen(&[]).counts_in(whole));
    }
}
