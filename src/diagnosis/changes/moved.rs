//! Mail that moved: one sender falls silent, and on the same days as much mail begins to come from another.

use std::collections::BTreeMap;

use super::answer::{Change, ChangeKind};
use super::comparison::{Comparison, FEW, Judged};
use super::shares::{Shares, shares};
use crate::diagnosis::dates::shown;
use crate::diagnosis::path::SendingPath;
use crate::diagnosis::silence::{self, BETWEEN, moves_gradually, takes_over};
use crate::query::{PartFigures, SenderKey};
use crate::report::period::Day;
use crate::role::Role;

/// The margin by which a share that fell is worse.
const MARGIN: f64 = 0.10;

pub(super) type Days = BTreeMap<Day, PartFigures>;

/// A path that took the place of another.
pub(super) struct Move {
    /// The ids of both.
    pub(super) from: String,
    pub(super) to: String,
    pub(super) told: Change,
}

/// The moves within both windows, each address once.
pub(super) fn moves(comparison: &Comparison<'_>, days: &dyn Fn(&str) -> Days) -> Vec<Move> {
    let (now, then) = (&comparison.now.diagnosis.paths, &comparison.then.diagnosis.paths);
    let machines = |path: &SendingPath, judged: &Judged<'_>| {
        let figures = judged.survey.paths.get(path.figures);
        figures.is_some_and(|path| {
            matches!(
                path.sender,
                SenderKey::Network(_) | SenderKey::Host(_) | SenderKey::Behind(_) | SenderKey::Listed(_)
            )
        })
    };
    let old = then.iter().filter(|path| path.role.is_owners());
    // What nobody authenticates is a server of the owner's at another address, or a stranger's.
    let is_unknown = |path: &SendingPath| path.role == Role::Unknown && machines(path, &comparison.now);
    let new: Vec<(&SendingPath, Days)> = now
        .iter()
        .filter(|path| (path.role.is_owners() || is_unknown(path)) && path.messages >= FEW)
        .map(|path| (path, days(&path.id)))
        .collect();
    let mut found: Vec<Move> = Vec::new();
    for before in old.filter(|path| path.messages >= FEW) {
        let days_before = days(&before.id);
        let Some((&last, _)) = days_before.range(..=comparison.window.last).next_back() else {
            continue;
        };
        if last >= comparison.window.last.saturating_sub(1) {
            continue;
        }
        let days_before = messages(&days_before);
        let is_machine = machines(before, &comparison.then);
        let candidates = new.iter().filter(|(path, _)| {
            let may_be = path.role.is_owners() || is_machine;
            may_be && path.domain == before.domain && path.id != before.id && found.iter().all(|one| one.to != path.id)
        });
        let candidates = candidates.filter_map(|(path, days)| {
            let (days, last) = (messages(days), comparison.window.last);
            let gradually = || moves_gradually(&days_before, &days, last).filter(|_| path.role.is_owners());
            // What was there from the first day on that is compared may have been there before.
            let at_once = || takes_over(&days_before, &days, last).filter(|one| one.0 > comparison.before.first);
            let (first, unlike) = at_once().or_else(gradually)?;
            Some((unlike, first, *path))
        });
        if let Some((_, first, after)) = candidates.min_by(|a, b| a.0.total_cmp(&b.0).then(a.2.id.cmp(&b.2.id))) {
            let told = told(before, after, (first, last));
            found.push(Move { from: before.id.clone(), to: after.id.clone(), told });
        }
    }
    found
}

fn messages(days: &Days) -> silence::Days {
    days.iter().map(|(&day, part)| (day, part.messages)).collect()
}

/// `first` is the first day of the new one, and `last` the last of the old one.
fn told(before: &SendingPath, after: &SendingPath, (first, last): (Day, Day)) -> Change {
    let how = if last.saturating_sub(first) > BETWEEN {
        format!("from which the mail came over until {}", shown(last))
    } else {
        "which fell silent as it began".to_owned()
    };
    let mut texts = vec![format!("in place of {}, {how}", before.sender)];
    let lost = shares(before, after);
    let lost: Vec<&Shares> = lost.iter().filter(|one| one.differ(MARGIN)).collect();
    let worse = lost.iter().any(|one| one.gain() < 0.0) || after.role == Role::Unknown;
    if after.role == Role::Unknown {
        texts.push("nothing authenticates it: if it is the same server at a new address, name that in SPF".to_owned());
    }
    texts.extend(lost.iter().map(|one| one.in_words()));
    let kind = if worse { ChangeKind::Worse } else { ChangeKind::Changed };
    let mut change = Change::of_path(kind, after, format!("moved: {}", texts.join("; ")));
    change.since = Some(shown(first));
    change.before = Some(before.into());
    change.after = Some(after.into());
    change
}
