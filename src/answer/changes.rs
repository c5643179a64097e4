//! What is new, worse, mended or gone: `changes`.

use super::{HISTORY, Question};
use crate::diagnosis::{
    ChangesAnswer, Comparison, Judged, KeyChoice, Wanted, WindowAnswer, by_place, changes, diagnose, selectors,
};
use crate::query::{ReporterDays, Survey, Tally, Window, key_survey, published, reporter_days, survey, tls_survey};
use crate::report::period::{Day, day_of};
use crate::store::StoreError;

impl Question<'_> {
    /// What differs from as many days just before; where all days are asked about, the newer half of them from the older.
    /// Paths with fewer messages in both windows are left out.
    ///
    /// # Errors
    /// Those of the store.
    pub fn changes(&self, min_messages: u64) -> Result<Option<ChangesAnswer>, StoreError> {
        let (store, known, domains) = (self.store, self.known, self.domains);
        let reporter_days = reporter_days(store, Day::MIN, day_of(self.today), domains)?;
        let Some(window) = closed(self.window, &reporter_days) else { return Ok(None) };
        let length = window.last.saturating_sub(window.first).saturating_add(1);
        let before = Window { first: window.first.saturating_sub(length), last: window.first.saturating_sub(1) };
        let all = Window { first: before.first.saturating_sub(HISTORY), last: window.last };

        // One window after the other, and of the two that are compared no more is kept than is: with the memory before them they are
        // large. The history, of which most is needed, comes last.
        let judge = |survey: &Survey| diagnose(survey, &known.rules(), 0, Wanted::All);
        let mut then = survey(store, before, domains, known.knowledge())?;
        let (then_judged, then_published) = (judge(&then), published(store, &then)?);
        then.tally = Tally::default();
        let mut now = survey(store, window, domains, known.knowledge())?;
        let (now_judged, now_published) = (judge(&now), published(store, &now)?);
        let findings = Question { window, ..*self }.findings_with(&now, &reporter_days, &now_published)?;
        now.tally = Tally::default();
        let history = survey(store, all, domains, known.knowledge())?;
        let history_judged = judge(&history);
        let choice = KeyChoice { others: false, min_messages: 0 };
        let selectors = selectors(&key_survey(&history), &by_place(&history_judged.paths), choice);
        let found = changes(&Comparison {
            window,
            before,
            today: self.today_beside(&reporter_days),
            now: Judged { survey: &now, diagnosis: &now_judged },
            then: Judged { survey: &then, diagnosis: &then_judged },
            history: Judged { survey: &history, diagnosis: &history_judged },
            keys: &selectors,
            published: [&then_published, &now_published],
            findings: &findings,
            reporter_days: &reporter_days,
            tls: &tls_survey(store, all.first, window.last, domains)?,
            min_messages,
        });
        Ok(Some(ChangesAnswer {
            schema: "dmarcstat/changes/1",
            window: WindowAnswer::of(window, (window.first, window.last)),
            before: WindowAnswer::of(before, (before.first, before.last)),
            newest_report: self.newest_report()?,
            reports: now.reports,
            reporters: now.reporters,
            reports_before: then.reports,
            reporters_before: then.reporters,
            only_new: false,
            found,
        }))
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
