//! Paths that came, went, or sign and align more or less than before.

use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};

use super::answer::{Change, ChangeKind, Changes};
use super::comparison::{Comparison, FEW};
use super::moved::{Days, moves};
use super::renamed::{ById, renamed};
use super::shares::{share, shares, states};
use crate::alignment::DkimState;
use crate::diagnosis::change_points::{Segment, distance, segments};
use crate::diagnosis::class::Class;
use crate::diagnosis::dates::shown;
use crate::diagnosis::path::SendingPath;
use crate::domain::organizational;
use crate::query::{PartFigures, Survey, Window};
use crate::report::period::Day;
use crate::words::plural;

/// The fewest messages of an unknown sender's path that is listed on its own, and their least share of its domain's.
const LOUD: u64 = 100;
const LOUD_SHARE: f64 = 0.01;
/// Shares that differ by less are not told apart from each other.
const MARGIN: f64 = 0.10;
/// The same where the class has changed with them.
const CLASS_MARGIN: f64 = 0.05;
/// A path is missed when it pauses for longer than its longest pause times this.
const PATIENCE: f64 = 1.5;

pub(super) fn compare(comparison: &Comparison<'_>, found: &mut Changes) {
    let by_id =
        |paths: &[SendingPath]| -> ById { paths.iter().enumerate().map(|(at, path)| (path.id.clone(), at)).collect() };
    let (now, then) = (&comparison.now.diagnosis.paths, &comparison.then.diagnosis.paths);
    let (now_by_id, then_by_id) = (by_id(now), by_id(then));
    let history = by_id(&comparison.history.diagnosis.paths);
    let days = |id: &str| -> Days {
        let path = history.get(id).map(|&at| &comparison.history.diagnosis.paths[at]);
        path.map(|path| days(comparison.history.survey, path.figures)).unwrap_or_default()
    };
    let domains = Domains::of(comparison);
    let moves = moves(comparison, &days);
    let renamed = renamed(comparison, [&now_by_id, &then_by_id], &days);
    let former: BTreeSet<&String> = renamed.values().map(|&at| &then[at].id).collect();
    let ids: BTreeSet<&String> = now_by_id.keys().chain(then_by_id.keys()).collect();
    for id in ids.into_iter().filter(|id| !former.contains(id)) {
        let after = now_by_id.get(id).map(|&at| &now[at]);
        let before = then_by_id.get(id).or_else(|| renamed.get(id)).map(|&at| &then[at]);
        let largest = before.map_or(0, |path| path.messages).max(after.map_or(0, |path| path.messages));
        if largest < comparison.min_messages {
            continue;
        }
        let change = match (before, after) {
            (Some(before), Some(after)) => otherwise(before, after, &|| days(id), comparison),
            (None, Some(after)) => domains.appeared(after, &|| days(id), found),
            (Some(before), None) => domains.went(before, &|| days(id), found),
            (None, None) => None,
        };
        if moves.iter().any(|one| one.from == **id || one.to == **id && before.is_none()) {
            // Told once, as a move.
            continue;
        }
        if let Some(mut change) = change {
            change.before = before.map(Into::into);
            change.after = after.map(Into::into);
            found.changes.push(change);
        }
    }
    let large = |one: &Change| {
        let messages = [one.before, one.after].into_iter().flatten().map(|state| state.figures.messages).max();
        messages.is_some_and(|messages| messages >= comparison.min_messages)
    };
    found.changes.extend(moves.into_iter().map(|one| one.told).filter(large));
}

fn days(survey: &Survey, path: usize) -> Days {
    let mut days = Days::new();
    for entry in survey.tally.entries(path) {
        days.entry(survey.tally.report(entry).day).or_default().add(survey.tally.facts(entry), entry.messages);
    }
    days
}

/// What is known of the domains that the paths are of.
struct Domains<'c> {
    window: Window,
    before: Window,
    /// Messages in this window, by header From.
    now: FxHashMap<&'c str, u64>,
    /// The same in the window before.
    then: FxHashMap<&'c str, u64>,
    /// Organizational domains that were reported on before the window.
    known: FxHashSet<&'c str>,
}

impl<'c> Domains<'c> {
    fn of(comparison: &Comparison<'c>) -> Self {
        let sums = |survey: &'c Survey| {
            let mut sums: FxHashMap<&str, u64> = FxHashMap::default();
            for path in &survey.paths {
                let sum = sums.entry(&path.domain).or_default();
                *sum = sum.saturating_add(path.messages);
            }
            sums
        };
        let before = comparison.history.survey.paths.iter().filter(|path| path.first < comparison.window.first);
        Domains {
            window: comparison.window,
            before: comparison.before,
            now: sums(comparison.now.survey),
            then: sums(comparison.then.survey),
            known: before.map(|path| organizational(&path.domain)).collect(),
        }
    }

    /// A path that was not there in the window before.
    fn appeared(&self, path: &SendingPath, days: &dyn Fn() -> Days, found: &mut Changes) -> Option<Change> {
        if !self.known.contains(organizational(&path.domain)) {
            // The domain is new, and told as such.
            return None;
        }
        if path.role.is_nobodys() && !is_loud(path, &self.now) {
            found.unknown.new_paths += 1;
            found.unknown.new_messages = found.unknown.new_messages.saturating_add(path.messages);
            return None;
        }
        let earlier = days().range(..self.window.first).next_back().map(|(&day, _)| day);
        let sort = format!("{}, {}", path.class.as_str(), path.role.as_str());
        let mut new = match earlier {
            Some(day) if day >= self.before.first => {
                let text = format!("part of another path before: {sort}, {}", plural(path.messages, "message"));
                Change::of_path(ChangeKind::Changed, path, text)
            }
            Some(day) => {
                let text = format!(
                    "back after a pause, last seen {}: {sort}, {}",
                    shown(day),
                    plural(path.messages, "message")
                );
                Change::of_path(ChangeKind::Changed, path, text)
            }
            None => Change::of_path(ChangeKind::New, path, format!("{sort}, {}", plural(path.messages, "message"))),
        };
        new.alarm = earlier.is_none() && path.role.is_owners() && path.class.needs_work();
        new.since = Some(path.first_seen.clone());
        Some(new)
    }

    /// A path that is no longer there.
    fn went(&self, path: &SendingPath, days: &dyn Fn() -> Days, found: &mut Changes) -> Option<Change> {
        if path.role.is_nobodys() && !is_loud(path, &self.then) {
            found.unknown.gone_paths += 1;
            found.unknown.gone_messages = found.unknown.gone_messages.saturating_add(path.messages);
            return None;
        }
        let seen: Vec<Day> = days().range(..=self.window.last).map(|(&day, _)| day).collect();
        let last = *seen.last()?;
        let longest = seen.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap_or(1);
        let pause = self.window.last.saturating_sub(last);
        let length = self.window.last.saturating_sub(self.window.first);
        // A path that was seen once or twice has no habit; a long window is the judge then.
        let habit = if seen.len() < 3 { f64::from(length.max(13)) } else { PATIENCE * f64::from(longest) };
        if path.messages < FEW || due(path, self) < FEW || f64::from(pause) <= habit {
            return None;
        }
        let mut gone = Change::of_path(
            ChangeKind::Gone,
            path,
            format!("not seen since {}; {} before", shown(last), plural(path.messages, "message")),
        );
        gone.since = Some(shown(last.saturating_add(1)));
        gone.remedy = None;
        Some(gone)
    }
}

/// Whether a path is large beside all of its domain.
fn is_loud(path: &SendingPath, messages: &FxHashMap<&str, u64>) -> bool {
    let all = messages.get(path.domain.as_str()).copied().unwrap_or(0);
    path.messages >= LOUD && path.messages as f64 >= LOUD_SHARE * all as f64
}

/// How many messages of a path of the window before would be due in this one, by how many reports tell of its domain.
fn due(path: &SendingPath, domains: &Domains<'_>) -> u64 {
    let all = |messages: &FxHashMap<&str, u64>| messages.get(path.domain.as_str()).copied().unwrap_or(0);
    let (then, now) = (all(&domains.then).saturating_sub(path.messages), all(&domains.now));
    if then == 0 {
        // It was all that the domain sent.
        return path.messages;
    }
    (path.messages as f64 * (now as f64 / then as f64)) as u64
}

/// How much work a path is; nothing where its signing is nobody's work.
fn severity(path: &SendingPath) -> Option<u8> {
    if path.role.hands_on() || path.role.is_nobodys() {
        return None;
    }
    match path.class {
        Class::Signed => Some(0),
        Class::Intermittent => Some(1),
        Class::Unaligned | Class::Broken | Class::Unsigned => Some(2),
        Class::NotReported => None,
    }
}

/// A path that is there in both windows.
fn otherwise(
    before: &SendingPath,
    after: &SendingPath,
    days: &dyn Fn() -> Days,
    comparison: &Comparison<'_>,
) -> Option<Change> {
    if before.role.is_nobodys() && after.role.is_nobodys() || before.messages.min(after.messages) < FEW {
        return None;
    }
    let shares = shares(before, after);
    let mut texts = Vec::new();
    let (mut worse, mut better) = (false, false);
    let work = severity(before).zip(severity(after));
    let moved = distance(states(before), states(after)) >= CLASS_MARGIN;
    if before.class != after.class && moved {
        match work {
            Some((old, new)) if old != new && shares[0].differ(CLASS_MARGIN) => {
                worse |= new > old;
                better |= new < old;
                texts.push(class_in_words(before, after));
            }
            // Another trouble than before, or forwarded mail that is taken for a sender's own.
            Some((old, new)) if old == new => texts.push(class_in_words(before, after)),
            _ => {}
        }
    }
    if before.role.is_owners() != after.role.is_owners() {
        worse |= before.role.is_owners();
        better |= after.role.is_owners();
        texts.push(format!("{} → {}", before.role.as_str(), after.role.as_str()));
    }
    // What a forwarder breaks comes and goes.
    let own = !after.role.hands_on() && !before.role.hands_on();
    for one in shares.iter().filter(|one| own && one.differ(MARGIN)) {
        worse |= one.gain() < 0.0;
        better |= one.gain() > 0.0;
        texts.push(one.in_words());
    }
    if texts.is_empty() {
        return None;
    }
    let kind = match (worse, better) {
        (true, _) => ChangeKind::Worse,
        (false, true) => ChangeKind::Mended,
        (false, false) => ChangeKind::Changed,
    };
    let days = days();
    let turn = since(&days, kind, comparison);
    if let Some((_, Some(back))) = turn {
        let word = if kind == ChangeKind::Worse { "mended" } else { "worse again" };
        texts.push(format!("{word} on {}", shown(back)));
    }
    let mut told = Change::of_path(kind, after, texts.join("; "));
    told.since = turn.map(|(day, _)| shown(day));
    told.missing = turn.map_or(0, |(day, _)| missing(&days, day, comparison.window.last));
    if kind == ChangeKind::Mended && !after.class.needs_work() {
        told.remedy = None;
    }
    Some(told)
}

/// The thousandths of the mail from a day on that are not signed as the domain, or do not pass, whichever is more.
fn missing(days: &Days, first: Day, last: Day) -> u32 {
    let sums = days.range(first..=last).fold([0u64; 3], |sums, (_, one)| {
        let aligned = one.in_state(DkimState::Aligned);
        [sums[0].saturating_add(one.messages), sums[1].saturating_add(aligned), sums[2].saturating_add(one.dmarc_pass)]
    });
    let share = |part: u64| (sums[0].saturating_sub(part).saturating_mul(1000) / sums[0].max(1)) as u32;
    share(sums[1]).max(share(sums[2]))
}

fn class_in_words(before: &SendingPath, after: &SendingPath) -> String {
    format!("{} → {}", before.class.as_str(), after.class.as_str())
}

/// The last day within both windows on which the path changed for the worse, or the better; and whether it changed back since.
fn since(days: &Days, kind: ChangeKind, comparison: &Comparison<'_>) -> Option<(Day, Option<Day>)> {
    let known = [DkimState::Aligned, DkimState::Unaligned, DkimState::Broken, DkimState::Unsigned];
    let turn = |counts: &dyn Fn(&PartFigures) -> [u64; 4]| -> Option<(Day, Option<Day>)> {
        let within = days.range(comparison.before.first..=comparison.window.last);
        let stays = segments(&within.map(|(&day, one)| (day, counts(one))).collect::<Vec<_>>());
        let aligned =
            |stay: &Segment<4>| share((stay.sums[0], stay.sums.iter().fold(0, |sum, &n| sum.saturating_add(n))));
        let fits = |pair: &&[Segment<4>]| match kind {
            ChangeKind::Worse => aligned(&pair[1]) < aligned(&pair[0]),
            ChangeKind::Mended => aligned(&pair[1]) > aligned(&pair[0]),
            _ => true,
        };
        let day = stays.windows(2).rev().find(fits).map(|pair| pair[1].first)?;
        // A change of neither kind has no way back.
        let turned = kind == ChangeKind::Worse || kind == ChangeKind::Mended;
        let back = stays.iter().find(|stay| turned && stay.first > day).map(|stay| stay.first);
        Some((day, back))
    };
    turn(&|one| known.map(|state| one.in_state(state)))
        .or_else(|| turn(&|one| [one.spf_aligned, one.messages.saturating_sub(one.spf_aligned), 0, 0]))
}
