//! Which reporters make a claim that all others contradict, and which leave out what others list.

use std::collections::BTreeMap;

use crate::alignment::DkimState;
use crate::diagnosis::states::{ALIGNED, BROKEN, Cell, States, UNALIGNED, UNSIGNED, add, by_reporter, known, share};
use crate::witness::{Claim, is_lone_claim};

/// Some reporters leave a signature out whose key they could not find, so a rotation looks unsigned to them. Counts that as
/// what the others saw, and says how many messages it was. With `no_key`, several reporters' word that the key is missing is enough;
/// else whoever leaves signatures out must have listed them on other days.
pub(in crate::diagnosis) fn count_omitted_as_broken(cells: &mut [Cell], no_key: bool) -> u64 {
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

/// Chance alone makes shares differ: how far above what is expected of its messages a count must be to be a claim.
fn above(seen: u64, of: u64, expected_share: f64) -> bool {
    let expected = of as f64 * expected_share;
    seen as f64 > expected + 4.0 * (expected * (1.0 - expected_share)).sqrt() + 1e-9
}

/// The messages of known state that others than these saw.
fn all_but(cells: &[Cell], reporters: &[u32]) -> u64 {
    cells.iter().filter(|cell| !reporters.contains(&cell.reporter)).map(|cell| known(&cell.states)).sum()
}

/// How many reporters are asked whether they are alone, of those that claim a state most often.
const MOST_CLAIMS: usize = 8;

/// The reporters of some cells, each with what it and the others saw on its days.
struct Reporters<'c> {
    cells: &'c [Cell],
    /// In the order of their places.
    all: Vec<(u32, States, Option<Ever>)>,
}

/// What a reporter saw, and what others saw on the same days.
#[derive(Debug, Clone, Copy)]
struct Ever {
    own: States,
    others: States,
}

impl Ever {
    fn of(cells: &[Cell], reporter: u32, doubted: &[u32]) -> Self {
        let mut ever = Ever { own: [0; 5], others: [0; 5] };
        for day in cells.chunk_by(|a, b| a.day == b.day) {
            let Ok(own) = day.binary_search_by_key(&reporter, |cell| cell.reporter) else {
                continue;
            };
            add(&mut ever.own, &day[own].states);
            let others = day.iter().filter(|cell| cell.reporter != reporter && !doubted.contains(&cell.reporter));
            others.for_each(|cell| add(&mut ever.others, &cell.states));
        }
        ever
    }

    /// Whether it saw more of a state than the others did. Whoever sees little of a mixture sees one state only on many days:
    /// that is chance, and no claim.
    fn claims(&self, state: usize) -> bool {
        above(self.own[state], known(&self.own), share(self.others[state], known(&self.others)))
    }
}

impl<'c> Reporters<'c> {
    /// Of cells in the order of days and reporters.
    fn of(cells: &'c [Cell]) -> Self {
        let all = by_reporter(cells).into_iter().map(|(reporter, states)| (reporter, states, None));
        Reporters { cells, all: all.collect() }
    }

    /// The one that alone claims a state, and its messages. Where several are alone, each on days of its own, it is the one
    /// that claims most.
    fn alone(&mut self, state: usize, few: f64) -> Option<(u32, u64)> {
        // It takes two others to say otherwise.
        if self.all.len() < 3 {
            return None;
        }
        // Those who claim little beside others change nothing.
        let mut ranked: Vec<u64> = self.all.iter().map(|one| one.1[state]).filter(|&messages| messages > 0).collect();
        ranked.sort_unstable_by(|a, b| b.cmp(a));
        let least = ranked.get(MOST_CLAIMS - 1).copied().unwrap_or(1);
        let mut found: Vec<(u32, u64)> = Vec::new();
        for (reporter, states, ever) in self.all.iter_mut().filter(|one| one.1[state] >= least) {
            let ever = ever.get_or_insert_with(|| Ever::of(self.cells, *reporter, &[]));
            if ever.claims(state) && is_contradicted(self.cells, *reporter, state, few, &[]) {
                found.push((*reporter, states[state]));
            }
        }
        let most = found.iter().map(|one| one.1).max()?;
        let mut first = found.into_iter().filter(|one| one.1 == most);
        let one = first.next()?;
        first.next().is_none().then_some(one)
    }
}

/// Whether a reporter claims a state alone, those whose word is doubted themselves not asked.
fn is_alone(cells: &[Cell], reporter: u32, state: usize, few: f64, doubted: &[u32]) -> bool {
    Ever::of(cells, reporter, doubted).claims(state) && is_contradicted(cells, reporter, state, few, doubted)
}

/// Whether it is a lone claim by what all saw of the path day by day, those whose word is doubted not asked.
fn is_contradicted(cells: &[Cell], reporter: u32, state: usize, few: f64, doubted: &[u32]) -> bool {
    let asked = cells.iter().filter(|cell| cell.reporter == reporter || !doubted.contains(&cell.reporter));
    let claims: Vec<Claim> = asked
        .map(|cell| {
            let (claimed, known) = (cell.states[state], known(&cell.states));
            Claim { day: cell.day, reporter: cell.reporter, claimed, otherwise: known.saturating_sub(claimed) }
        })
        .collect();
    is_lone_claim(&claims, reporter, few)
}

/// A claim of one reporter that does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnosis) struct Lone {
    pub(in crate::diagnosis) reporter: u32,
    pub(in crate::diagnosis) state: DkimState,
    pub(in crate::diagnosis) messages: u64,
    /// What the others saw on the days of its reports.
    pub(in crate::diagnosis) others: States,
    /// Another saw some of the same, on whatever day.
    pub(in crate::diagnosis) is_shared: bool,
    /// Of signatures that fail, the result that it writes, where it is one.
    pub(in crate::diagnosis) result: Option<&'static str>,
}

impl Lone {
    fn of(all: &[Cell], reporter: u32, state: DkimState, messages: u64) -> Self {
        let others = Ever::of(all, reporter, &[]).others;
        let at = usize::from(state.code());
        let is_shared = all.iter().any(|cell| cell.reporter != reporter && cell.states[at] > 0);
        Lone { reporter, state, messages, others, is_shared, result: None }
    }
}

/// What reporters say of a path without what one of them alone claims.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::diagnosis) struct Settled {
    /// In the order of days and reporters; as far as it counts.
    pub(in crate::diagnosis) cells: Vec<Cell>,
    /// The messages of these.
    pub(in crate::diagnosis) counted: States,
    /// What one reporter alone claims.
    pub(in crate::diagnosis) lone: Vec<Lone>,
}

/// Finds what one reporter alone claims and sums up the rest. `few` is the share below which a state is no more than noise.
pub(in crate::diagnosis) fn settle(all: Vec<Cell>, few: f64) -> Settled {
    let counted = sum(&all);
    let states = counted[..4].iter().filter(|&&messages| messages > 0).count();
    if states < 2 {
        return Settled { cells: all, counted, lone: Vec::new() };
    }
    let mut cells = all.clone();
    let mut lone: Vec<Lone> = Vec::new();
    // Who was found out once is looked at again without that claim: it may hide another.
    for round in 0..4 {
        let mut reporters = Reporters::of(&cells);
        let mut found: Vec<Lone> = [ALIGNED, UNALIGNED, BROKEN, UNSIGNED]
            .into_iter()
            .filter_map(|state| {
                let (reporter, messages) = reporters.alone(state, few)?;
                let known = lone.iter().any(|lone| lone.reporter == reporter);
                (round == 0 || known).then(|| Lone::of(&all, reporter, DkimState::ALL[state], messages))
            })
            .collect();
        // Whose own word is doubted is not a witness against one who could verify.
        let doubted: Vec<u32> = found.iter().map(|lone| lone.reporter).collect();
        if all_but(&cells, &doubted) > 0 {
            let alone = |state: DkimState, reporter| {
                state != DkimState::Aligned || is_alone(&cells, reporter, ALIGNED, few, &doubted)
            };
            found.retain(|lone| alone(lone.state, lone.reporter));
        }
        for lone in &found {
            let of = |cell: &&mut Cell| cell.reporter == lone.reporter;
            cells.iter_mut().filter(of).for_each(|cell| cell.states[lone.state as usize] = 0);
        }
        let done = found.is_empty();
        lone.extend(found);
        if done {
            break;
        }
    }
    let left = sum(&cells);
    if known(&left) == 0 && all.iter().any(|cell| known(&cell.states) > 0) {
        // Everybody alone: nobody is a witness against the others.
        return Settled { cells: all, counted, lone: Vec::new() };
    }
    Settled { cells, counted: left, lone }
}

fn sum(cells: &[Cell]) -> States {
    let mut sum = [0; 5];
    cells.iter().for_each(|cell| add(&mut sum, &cell.states));
    sum
}
