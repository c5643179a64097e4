//! What is new, worse, mended or gone: `changes`.

use std::collections::BTreeMap;

use super::{HISTORY, Question};
use crate::diagnosis::{
    ChangesAnswer, Comparison, Diagnosis, Judged, KeyChoice, Wanted, WindowAnswer, by_place, changes, diagnose,
    selectors,
};
use crate::domain;
use crate::query::{
    Parts, PathFigures, Published, ReporterDays, Survey, Tally, Window, key_survey, published, reporter_days, rounds,
    survey, tls_survey,
};
use crate::report::period::{Day, day_of};
use crate::store::StoreError;

impl Question<'_> {
    /// What differs from as many days just before; where all days are asked about, the newer half of them from the older.
    /// Paths with fewer messages in both windows are left out.
    ///
    /// # Errors
    /// Those of the store.
    pub fn changes(&self, min_messages: u64) -> Result<Option<ChangesAnswer>, StoreError> {
        let reporter_days = self.reporter_days()?;
        let Some(spans) = Spans::of(self.window, &reporter_days) else { return Ok(None) };
        Ok(self.compared(spans, vec![(*self, reporter_days)], min_messages)?.pop())
    }

    /// The same for each of these domains, as if it had been asked for alone.
    ///
    /// # Errors
    /// Those of the store.
    pub fn changes_of_each(
        &self,
        domains: &[String],
        min_messages: u64,
    ) -> Result<Vec<Option<ChangesAnswer>>, StoreError> {
        let all_days = Question { domains, ..*self }.reporter_days()?;
        let mut found = vec![None; domains.len()];
        for round in rounds(domains) {
            // Where the window is open, its ends are those of the domain's own reports.
            let mut by_spans: BTreeMap<Spans, Vec<(usize, Vec<ReporterDays>)>> = BTreeMap::new();
            for at in round {
                let own = all_days.iter().filter(|one| domain::is_within(&one.domain, &domains[at]));
                let own: Vec<ReporterDays> = own.cloned().collect();
                if let Some(spans) = Spans::of(self.window, &own) {
                    by_spans.entry(spans).or_default().push((at, own));
                }
            }
            for (spans, each) in by_spans {
                let (places, each): (Vec<usize>, Vec<_>) = each.into_iter().unzip();
                let asked: Vec<String> = places.iter().map(|&at| domains[at].clone()).collect();
                let alone = asked.chunks(1).map(|domains| Question { domains, ..*self });
                let together = Question { domains: &asked, ..*self };
                let answers = together.compared(spans, alone.zip(each).collect(), min_messages)?;
                places.into_iter().zip(answers).for_each(|(at, answer)| found[at] = Some(answer));
            }
        }
        Ok(found)
    }

    fn reporter_days(&self) -> Result<Vec<ReporterDays>, StoreError> {
        reporter_days(self.store, Day::MIN, day_of(self.today), self.domains)
    }

    /// The answers to questions that differ in their domains alone, each with who reported on these; this one is about all of the
    /// domains.
    fn compared(
        &self,
        spans: Spans,
        each: Vec<(Question<'_>, Vec<ReporterDays>)>,
        min_messages: u64,
    ) -> Result<Vec<ChangesAnswer>, StoreError> {
        let (store, known, Spans { window, before, all }) = (self.store, self.known, spans);
        // One window after the other, and of the two that are compared no more is kept than is: with the memory before them they are
        // large. The history, of which most is needed, comes last.
        let kept = |mut survey: Survey, published: Published| {
            let diagnosis = diagnose(&survey, &known.rules(), 0, Wanted::AllInBrief);
            survey.tally = Tally::default();
            survey.paths.iter_mut().for_each(PathFigures::keep_sums);
            Kept { survey, diagnosis, published }
        };
        let (mut then, mut now) = (Vec::with_capacity(each.len()), Vec::with_capacity(each.len()));
        self.survey_each(before, &each, |_, survey| {
            let published = published(store, &survey)?;
            then.push(kept(survey, published));
            Ok(())
        })?;
        self.survey_each(window, &each, |(question, reporter_days), survey| {
            let published = published(store, &survey)?;
            let findings = Question { window, ..*question }.findings_with(&survey, reporter_days, &published)?;
            now.push((kept(survey, published), findings));
            Ok(())
        })?;
        let mut sides = then.into_iter().zip(now);
        let mut answers = Vec::with_capacity(each.len());
        self.survey_each(all, &each, |(question, reporter_days), history| {
            let Some((then, (now, findings))) = sides.next() else { return Ok(()) };
            let history_judged = diagnose(&history, &known.rules(), 0, Wanted::All);
            let choice = KeyChoice { others: false, min_messages: 0 };
            let selectors = selectors(&key_survey(&history), &by_place(&history_judged.paths), choice);
            let found = changes(&Comparison {
                window,
                before,
                today: question.today_beside(reporter_days),
                now: Judged { survey: &now.survey, diagnosis: &now.diagnosis },
                then: Judged { survey: &then.survey, diagnosis: &then.diagnosis },
                history: Judged { survey: &history, diagnosis: &history_judged },
                keys: &selectors,
                published: [&then.published, &now.published],
                findings: &findings,
                reporter_days,
                tls: &tls_survey(store, all.first, window.last, question.domains)?,
                min_messages,
            });
            answers.push(ChangesAnswer {
                schema: "dmarcstat/changes/1",
                window: WindowAnswer::of(window, (window.first, window.last)),
                before: WindowAnswer::of(before, (before.first, before.last)),
                newest_report: question.newest_report()?,
                reports: now.survey.reports,
                reporters: now.survey.reporters,
                reports_before: then.survey.reports,
                reporters_before: then.survey.reporters,
                only_new: false,
                found,
            });
            Ok(())
        })?;
        Ok(answers)
    }

    /// Goes through the records of a window once, and shows for each question what it alone would have found.
    fn survey_each<A>(
        &self,
        window: Window,
        each: &[(Question<'_>, A)],
        mut show: impl FnMut(&(Question<'_>, A), Survey) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let whole = survey(self.store, window, self.domains, self.known.knowledge())?;
        if let [only] = each {
            return show(only, whole);
        }
        let parts = Parts::new(self.store, &whole, window)?;
        each.iter().try_for_each(|one| show(one, parts.of(&one.0.domains[0])?))
    }
}

/// A window that is compared, as far as it is.
struct Kept {
    survey: Survey,
    diagnosis: Diagnosis,
    published: Published,
}

/// The windows that are looked at; all of their ends are days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Spans {
    window: Window,
    /// As many days just before.
    before: Window,
    /// Both of them, and what was before.
    all: Window,
}

impl Spans {
    /// Of the window chosen; nothing where there are no reports.
    fn of(chosen: Window, reporter_days: &[ReporterDays]) -> Option<Self> {
        let window = closed(chosen, reporter_days)?;
        let length = window.last.saturating_sub(window.first).saturating_add(1);
        let before = Window { first: window.first.saturating_sub(length), last: window.first.saturating_sub(1) };
        Some(Spans { window, before, all: Window { first: before.first.saturating_sub(HISTORY), last: window.last } })
    }
}

/// The window with both its ends: where it is open at the beginning, the newer half of the days there are.
fn closed(chosen: Window, reporter_days: &[ReporterDays]) -> Option<Window> {
    let days = reporter_days.iter().flat_map(|one| one.days.keys()).copied();
    let (first, last) = days.clone().min().zip(days.max())?;
    let last = if chosen.last == Day::MAX { last } else { chosen.last };
    let first = match chosen.first {
        Day::MIN => last.saturating_sub(last.saturating_sub(first).max(0) / 2),
        first => first,
    };
    Some(Window { first, last: last.max(first) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_window_is_the_newer_half() {
        let reporter_days = [ReporterDays {
            domain: "example.com".to_owned(),
            reporter: "one".to_owned(),
            days: (100..110).map(|day| (day, 1)).collect(),
        }];
        let closed = |first, last| closed(Window { first, last }, &reporter_days);
        assert_eq!(closed(Day::MIN, Day::MAX), Some(Window { first: 105, last: 109 }));
        assert_eq!(closed(104, Day::MAX), Some(Window { first: 104, last: 109 }));
        assert_eq!(closed(100, 120), Some(Window { first: 100, last: 120 }));
        assert_eq!(super::closed(Window { first: Day::MIN, last: Day::MAX }, &[]), None);
    }
}
