//! The review before `p=quarantine` or `p=reject`: `readiness`.

use std::num::NonZero;

use super::Question;
use crate::diagnosis::readiness::{Observed, ReadinessThresholds, Review, Target, quiet_addresses, review};
use crate::diagnosis::{Wanted, diagnose};
use crate::dns::DnsAudit;
use crate::domain::is_within;
use crate::parallel;
use crate::query::{CheckedReports, Survey, Window, earlier_days, strict_alignment};
use crate::report::period::{Day, day_of};
use crate::store::{Store, StoreError};

/// What is known of who sent the reports.
#[derive(Debug)]
pub struct Genuine {
    /// By policy domain, how many reports somebody checked.
    pub checked: Vec<CheckedReports>,
    /// Some passed, and those that nobody checked are left out.
    pub unchecked_left_out: bool,
}

impl Genuine {
    /// Of the reports of some days. Where some on the domain (or on any, where none is named) are known to be their reporters', the
    /// store leaves out the others from here on: nobody's word beside them makes a domain ready.
    ///
    /// # Errors
    /// Those of the store.
    pub fn of(store: &mut Store, window: Window, domains: &[String], domain: Option<&str>) -> Result<Self, StoreError> {
        let checked = store.checked_reports(window.first, window.last, domains)?;
        let unchecked_left_out = checked.iter().any(|one| {
            let concerns = |domain: &str| is_within(&one.domain, domain) || is_within(domain, &one.domain);
            one.checked > 0 && domain.is_none_or(concerns)
        });
        store.leave_out_unchecked(unchecked_left_out);
        Ok(Genuine { checked, unchecked_left_out })
    }
}

impl Question<'_> {
    /// The reviews of the domains that `which` names, of those that the question is about, made by at most `threads` threads. `dns` looks at
    /// the live records of a domain, where they are wanted.
    ///
    /// # Errors
    /// Those of the store and of `dns`.
    pub fn reviews<E: From<StoreError>>(
        &self,
        which: impl FnOnce(&Survey) -> Vec<String>,
        target: Target,
        thresholds: &ReadinessThresholds,
        genuine: &Genuine,
        dns: impl FnMut(&str) -> Result<Option<DnsAudit>, E>,
        threads: NonZero<usize>,
    ) -> Result<Vec<Review>, E> {
        let mut scan = self.scan()?;
        let survey = scan.survey()?;
        let receivers = scan.receivers()?;
        let matching = scan.matching()?;
        let strict = strict_alignment(self.store, &survey)?;
        let paths = diagnose(&survey, &self.known.rules(), 0, Wanted::All).paths;
        let today = day_of(self.today);
        let (first, last) = survey.days.unwrap_or((today - 1, today - 1));
        let begin = if self.window.first == Day::MIN { first } else { self.window.first };
        let end = if self.window.last == Day::MAX { last } else { self.window.last };
        let findings = self.findings(&survey)?;
        let before = Window { first: begin, ..self.window };
        let memory_days = self.known.rules().thresholds.memory_days;
        let earlier = earlier_days(self.store, before, memory_days, &quiet_addresses(&survey, &paths, end))?;
        let observed = Observed {
            survey: &survey,
            matching: &matching,
            paths: &paths,
            findings: &findings,
            receivers: &receivers,
            checked: &genuine.checked,
            unchecked_left_out: genuine.unchecked_left_out,
            strict: &strict,
            earlier: &earlier,
            catalogue: &self.known.catalogue,
            window: (begin, end),
            today,
        };
        let domains = which(&survey);
        let live = domains.iter().map(String::as_str).map(dns).collect::<Result<Vec<_>, E>>()?;
        Ok(parallel::map_large(threads, domains.len(), |at| {
            review(&observed, &domains[at], target, thresholds, live[at].clone())
        }))
    }
}
