//! Who claims alone what others saw otherwise, and who leaves out what others list.

use std::collections::BTreeMap;

use super::view::{ALIGNED, BROKEN, Cell, States, UNSIGNED, add, known, share};

/// Some reporters leave a signature out whose key they could not find, so a rotation looks unsigned to them. Counts that as
/// what the others saw, and says how many messages it was. With `no_key`, several reporters' word that the key is missing is enough;
/// else whoever leaves signatures out must have listed them on other days.
pub(super) fn count_omitted_as_broken(cells: &mut [Cell], no_key: bool) -> u64 {
    if !cells.iter().any(|cell| cell.states[BROKEN] > 0) || !cells.iter().any(|cell| cell.states[UNSIGNED] > 0) {
        return 0;
    }
    let mut lists: BTreeMap<u32, [u64; 2]> = BTreeMap::new();
    for cell in cells.iter() {
        let listed = lists.entry(cell.reporter).or_default();
        listed[0] += cell.states[ALIGNED] + cell.states[BROKEN];
        listed[1] += cell.states[BROKEN];
    }
    let told = no_key && lists.values().filter(|listed| listed[1] > 0).count() > 1;
    let may = |reporter: u32| told || lists.get(&reporter).is_some_and(|listed| listed[0] > 0);
    let mut moved = 0;
    for day in cells.chunk_by_mut(|a, b| a.day == b.day) {
        for at in 0..day.len() {
            let Cell { reporter, states, .. } = day[at];
            // Who lists a signature of that day leaves none out.
            if states[UNSIGNED] == 0 || states[ALIGNED] + states[BROKEN] > 0 || !may(reporter) {
                continue;
            }
            let (mut others, mut seeing, mut broken) = ([0; 5], 0, 0);
            for other in (0..day.len()).filter(|&other| other != at).map(|other| &day[other].states) {
                add(&mut others, other);
                seeing += usize::from(known(other) > 0);
                broken += usize::from(other[BROKEN] > 0);
            }
            // One reporter alone says of nobody that he left something out.
            let witnessed = broken > 0 && broken >= seeing.min(2);
            if witnessed && share(others[BROKEN], known(&others) - others[UNSIGNED]) >= 0.9 {
                day[at].states[BROKEN] += states[UNSIGNED];
                day[at].states[UNSIGNED] = 0;
                moved += states[UNSIGNED];
            }
        }
    }
    moved
}

/// Chance alone makes shares differ: how far below what is expected of so many messages a count must be to speak against it.
fn against(seen: u64, of: u64, expected_share: f64) -> bool {
    let expected = of as f64 * expected_share;
    of > 0 && (seen as f64) < expected - 3.0 * (expected * (1.0 - expected_share)).sqrt() - 1e-9
}

/// The same the other way: how far above what is expected a count must be to say more than chance.
fn above(seen: u64, of: u64, expected_share: f64) -> bool {
    let expected = of as f64 * expected_share;
    seen as f64 > expected + 4.0 * (expected * (1.0 - expected_share)).sqrt() + 1e-9
}

/// The messages of known state that others than these saw.
pub(super) fn all_but(cells: &[Cell], reporters: &[u32]) -> u64 {
    cells.iter().filter(|cell| !reporters.contains(&cell.reporter)).map(|cell| known(&cell.states)).sum()
}

/// The reporter that alone claims a state, and its messages. Where several are alone, each on days of its own, it is the one
/// that claims most.
pub(super) fn alone(cells: &[Cell], state: usize, few: f64) -> Option<(u32, u64)> {
    let mut claims: BTreeMap<u32, u64> = BTreeMap::new();
    for cell in cells.iter().filter(|cell| cell.states[state] > 0) {
        *claims.entry(cell.reporter).or_default() += cell.states[state];
    }
    // Those who claim little beside others change nothing.
    let mut ranked: Vec<u64> = claims.values().copied().collect();
    ranked.sort_unstable_by(|a, b| b.cmp(a));
    let least = ranked.get(MOST_CLAIMS - 1).copied().unwrap_or(0);
    let found: Vec<(u32, u64)> = claims
        .into_iter()
        .filter(|&(reporter, messages)| messages >= least && is_alone(cells, reporter, state, few, &[]))
        .collect();
    let most = found.iter().map(|one| one.1).max()?;
    let mut first = found.into_iter().filter(|one| one.1 == most);
    let one = first.next()?;
    first.next().is_none().then_some(one)
}

/// So many reporters are asked whether they are alone, of those that claim a state most often.
const MOST_CLAIMS: usize = 8;

/// Whether two others or more saw the path on the days of a reporter's claim and speak against it, and none speaks for it;
/// those whose word is doubted themselves are not asked.
pub(super) fn is_alone(cells: &[Cell], reporter: u32, state: usize, few: f64, doubted: &[u32]) -> bool {
    let (mut own, mut others): (States, BTreeMap<u32, States>) = ([0; 5], BTreeMap::new());
    let (mut own_ever, mut others_ever): (States, States) = ([0; 5], [0; 5]);
    for day in cells.chunk_by(|a, b| a.day == b.day) {
        let Some(of_own) = day.iter().find(|cell| cell.reporter == reporter) else {
            continue;
        };
        let claims = of_own.states[state] > 0;
        add(&mut own_ever, &of_own.states);
        if claims {
            add(&mut own, &of_own.states);
        }
        for cell in day.iter().filter(|cell| cell.reporter != reporter && known(&cell.states) > 0) {
            if doubted.contains(&cell.reporter) {
                continue;
            }
            add(&mut others_ever, &cell.states);
            if claims {
                add(others.entry(cell.reporter).or_default(), &cell.states);
            }
        }
    }
    // Whoever sees little of a mixture sees one state only on many days: that is chance, and no claim.
    if !above(own_ever[state], known(&own_ever), share(others_ever[state], known(&others_ever))) {
        return false;
    }
    let claimed = share(own[state], known(&own));
    let supports = |states: &States| states[state] > 0 && !against(states[state], known(states), claimed);
    if others.len() < 2 || others.values().any(supports) {
        return false;
    }
    let mut pooled = [0; 5];
    others.values().for_each(|states| add(&mut pooled, states));
    let speak = others.values().filter(|states| against(states[state], known(states), claimed)).count();
    let together = against(pooled[state], known(&pooled), claimed) && share(pooled[state], known(&pooled)) < few;
    known(&pooled) >= 3 && (speak >= 2 || together)
}
