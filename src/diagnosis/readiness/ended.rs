//! Paths that nothing comes from any more: the review does not wait for a machine that was taken away. No data is never safe: silence
//! counts only where the same reporters went on reporting other mail of the same domain.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::iter::{once, successors};
use std::net::IpAddr;

use super::answer::Successor;
use crate::diagnosis::SendingPath;
use crate::diagnosis::dates::shown;
use crate::diagnosis::silence::{Days, MONTHLY_RUN, is_quiet, stopped, takes_over};
use crate::query::{EarlierDays, ReporterDays, Survey};
use crate::report::period::Day;
use crate::role::Role;

/// It was seen on this many days at least, which lie further apart than a monthly run lasts.
const SEEN_DAYS: usize = 7;
/// Reporters of this share of its messages, from 0 to 1, report other mail since; two of them where it had two.
const REPORTERS_SHARE: f64 = 0.8;
/// A reporter counts for that share if it reported other mail on this many days since.
const GOES_ON_DAYS: usize = 7;

/// What came once and not in this many days before comes neither every month nor every quarter.
const QUARTER: Day = 98;
/// It is less than this part of the genuine mail: the hundredth, from which on paths are decided about.
const PART_OF_ONCE: u64 = 100;

/// What is known of the days before the window.
#[derive(Debug, Clone, Copy)]
pub struct Earlier<'o> {
    /// The first of those that are remembered.
    pub first: Day,
    /// On which of them the addresses of paths that are quiet sent.
    pub days: &'o EarlierDays,
    /// Who reported on them, and in the window, in the order of domains and reporters.
    pub reported: &'o [ReporterDays],
}

/// That a path is silent for good.
pub(super) enum End {
    /// Nothing that fails came in its place.
    Ended,
    /// Mail that nobody authenticates came in its place: it may be the same machine.
    Moved(Successor),
}

/// What was seen of all paths, to hold the silence of one against.
pub(super) struct Witnessed<'w> {
    survey: &'w Survey,
    paths: &'w [&'w SendingPath],
    earlier: Earlier<'w>,
    /// Messages of the genuine mail.
    messages: u64,
    /// The last day that there is mail on.
    last: Day,
    /// By header From and reporter the days with mail.
    seen: BTreeMap<&'w str, BTreeMap<u32, BTreeSet<Day>>>,
    /// For each header From, the paths that may have come in the place of one that is silent, with their days; once one is.
    others: OnceCell<BTreeMap<&'w str, Vec<(&'w SendingPath, Days)>>>,
}

/// The addresses of the owner's paths that may have ended: those of which nothing came for long before the last day.
#[must_use]
pub fn quiet_addresses(survey: &Survey, paths: &[SendingPath], last: Day) -> BTreeSet<IpAddr> {
    let may_have_ended = |path: &&SendingPath| path.role.is_owners() && is_quiet(survey.paths[path.figures].last, last);
    paths.iter().filter(may_have_ended).flat_map(|path| path.source_ips.iter().copied()).collect()
}

impl<'w> Witnessed<'w> {
    pub(super) fn of(survey: &'w Survey, paths: &'w [&'w SendingPath], earlier: Earlier<'w>, messages: u64) -> Self {
        let mut seen: BTreeMap<&str, BTreeMap<u32, BTreeSet<Day>>> = BTreeMap::new();
        let mut last = Day::MIN;
        for path in paths {
            let of_domain = seen.entry(path.domain.as_str()).or_default();
            for entry in survey.tally.entries(path.figures).iter().filter(|entry| entry.messages > 0) {
                let report = survey.tally.report(entry);
                of_domain.entry(report.reporter).or_default().insert(report.day);
                last = last.max(report.day);
            }
        }
        Witnessed { survey, paths, earlier, messages, last, seen, others: OnceCell::new() }
    }

    fn others(&self, domain: &str) -> &[(&'w SendingPath, Days)] {
        let all = self.others.get_or_init(|| {
            let mut found: BTreeMap<&str, Vec<(&SendingPath, Days)>> = BTreeMap::new();
            let is_others = |role| matches!(role, Role::Unknown | Role::Service | Role::OtherAccount);
            for path in self.paths.iter().filter(|path| is_others(path.role)) {
                found.entry(path.domain.as_str()).or_default().push((path, self.days(path)));
            }
            found
        });
        all.get(domain).map_or(&[], Vec::as_slice)
    }

    fn days(&self, path: &SendingPath) -> Days {
        let mut days = Days::new();
        for entry in self.survey.tally.entries(path.figures).iter().filter(|entry| entry.messages > 0) {
            let sum = days.entry(self.survey.tally.report(entry).day).or_default();
            *sum = sum.saturating_add(entry.messages);
        }
        days
    }

    /// Whether a path has ended, by its own habit: what comes once a month was quiet as long before, or has not been seen for
    /// long enough to tell.
    pub(super) fn end(&self, path: &SendingPath) -> Option<End> {
        let days = self.days(path);
        let before = path.source_ips.iter().filter_map(|ip| self.earlier.days.get(ip)).flatten();
        let all: BTreeSet<Day> = before.chain(days.keys()).copied().collect();
        let once = self.came_once(path, &all);
        let end = match stopped(all.iter().copied(), self.last) {
            Some(stopped) => stopped.end,
            // So few days make no habit.
            None => *all.last().filter(|_| once)?,
        };
        let took_over = self.others(&path.domain).iter().filter_map(|(other, theirs)| {
            let (first, unlike) = takes_over(&days, theirs, self.last)?;
            Some((unlike, first, *other))
        });
        if let Some((_, first, other)) = took_over.min_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.2.id.cmp(&b.2.id)))
        {
            let (path, sender) = (other.id.clone(), other.sender.clone());
            return Some(End::Moved(Successor { path, sender, since: shown(first) }));
        }
        let lasted = end.saturating_sub(*all.first()?);
        let is_long = all.len() >= SEEN_DAYS && lasted >= MONTHLY_RUN && is_quiet(end, self.last);
        ((is_long || once) && self.goes_on(path, end)).then_some(End::Ended)
    }

    /// Whether a path is a small mailing that came once, and not for a quarter of a year before: `days` are all that it was seen on. Only
    /// mail that shows whose it is is remembered, by address, so that of other mail, and of machines that many share, nobody knows.
    fn came_once(&self, path: &SendingPath, days: &BTreeSet<Day>) -> bool {
        let (Some(&first), Some(&end)) = (days.first(), days.last()) else { return false };
        let since = first.saturating_sub(QUARTER);
        let is_remembered = path.provider.is_none() && path.spf_aligned.saturating_mul(2) > path.messages;
        let is_small = path.messages.saturating_mul(PART_OF_ONCE) < self.messages;
        let is_over = end.saturating_sub(first) < MONTHLY_RUN && is_quiet(end, self.last);
        is_small
            && is_remembered
            && is_over
            && since >= self.earlier.first
            && self.most_of(path, |reporter| self.never_paused(reporter, &path.domain, since, first))
    }

    /// Whether a reporter reported on a domain, or one above it, from a day to another, without a pause in which a monthly run could hide.
    fn never_paused(&self, reporter: u32, domain: &str, first: Day, last: Day) -> bool {
        let Some(name) = self.survey.reporter_names.get(reporter as usize) else { return false };
        let reported = self.earlier.reported;
        let above = successors(Some(domain), |name| name.split_once('.').map(|(_, above)| above));
        let of_it = above.filter_map(|domain| {
            let wanted = (domain, name.as_str());
            let at = reported.binary_search_by(|one| (one.domain.as_str(), one.reporter.as_str()).cmp(&wanted));
            reported.get(at.ok()?)
        });
        let days: BTreeSet<Day> = of_it.flat_map(|one| one.days.range(first..=last)).map(|(&day, _)| day).collect();
        let all: Vec<Day> = once(first).chain(days).chain([last]).collect();
        all.windows(2).all(|pair| pair[1].saturating_sub(pair[0]) < MONTHLY_RUN)
    }

    /// Whether those who reported a path went on to report other mail of its domain after a day.
    fn goes_on(&self, path: &SendingPath, end: Day) -> bool {
        let Some(seen) = self.seen.get(path.domain.as_str()) else { return false };
        self.most_of(path, |reporter| {
            seen.get(&reporter).is_some_and(|days| days.range(end.saturating_add(1)..).count() >= GOES_ON_DAYS)
        })
    }

    /// Whether something holds of the reporters of most of a path's messages.
    fn most_of(&self, path: &SendingPath, tells: impl Fn(u32) -> bool) -> bool {
        let mut messages: BTreeMap<u32, u64> = BTreeMap::new();
        for entry in self.survey.tally.entries(path.figures).iter().filter(|entry| entry.messages > 0) {
            let sum = messages.entry(self.survey.tally.report(entry).reporter).or_default();
            *sum = sum.saturating_add(entry.messages);
        }
        let all = messages.values().fold(0u64, |sum, &one| sum.saturating_add(one));
        let telling = messages.iter().filter(|(reporter, _)| tells(**reporter));
        let (number, of) = telling.fold((0usize, 0u64), |(number, of), (_, &one)| (number + 1, of.saturating_add(one)));
        number >= messages.len().min(2) && of as f64 >= REPORTERS_SHARE * all as f64
    }
}
