//! The review before `p=quarantine` or `p=reject`: `readiness`.

use std::num::NonZero;

use super::{Look, Question};
use crate::diagnosis::readiness::{Earlier, Observed, ReadinessThresholds, Review, Target, quiet_addresses, review};
use crate::diagnosis::{Wanted, diagnose};
use crate::dns::DnsAudit;
use crate::domain::is_within;
use crate::parallel;
use crate::query::{CheckedReports, Scan, Survey, Window, earlier_days, published, strict_alignment};
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
    /// Of the reports of some days. Where some on the domain (or on any, where none is named) are known to be their reporters', those
    /// that nobody checked are to be left out of reviews: nobody's word beside them makes a domain ready.
    ///
    /// # Errors
    /// Those of the store.
    pub fn of(store: &Store, window: Window, domains: &[String], domain: Option<&str>) -> Result<Self, StoreError> {
        let checked = store.checked_reports(window.first, window.last, domains)?;
        let unchecked_left_out = checked.iter().any(|one| {
            let concerns = |domain: &str| is_within(&one.domain, domain) || is_within(domain, &one.domain);
            one.checked > 0 && domain.is_none_or(concerns)
        });
        Ok(Genuine { checked, unchecked_left_out })
    }
}

/// How domains are reviewed.
#[derive(Debug, Clone, Copy)]
pub struct Reviewing<'r> {
    /// The policy to be published.
    pub target: Target,
    /// What a domain must come up to.
    pub thresholds: &'r ReadinessThresholds,
    /// Who sent the reports. The store that they are read from leaves out what is to be left out.
    pub genuine: &'r Genuine,
    /// The most threads that make reviews.
    pub threads: NonZero<usize>,
}

impl Question<'_> {
    /// The reviews of the domains that `which` names, of those that the question is about. `dns` looks at the live records of a domain,
    /// where they are wanted.
    ///
    /// # Errors
    /// Those of the store and of `dns`.
    pub fn reviews<E: From<StoreError>>(
        &self,
        which: impl FnOnce(&Survey) -> Vec<String>,
        how: &Reviewing<'_>,
        dns: impl FnMut(&str) -> Result<Option<DnsAudit>, E>,
    ) -> Result<Vec<Review>, E> {
        let mut scan = self.scan()?;
        let survey = scan.survey()?;
        self.reviews_of(scan, &survey, which(&survey), how, dns)
    }

    fn reviews_of<E: From<StoreError>>(
        &self,
        mut scan: Scan<'_>,
        survey: &Survey,
        domains: Vec<String>,
        how: &Reviewing<'_>,
        dns: impl FnMut(&str) -> Result<Option<DnsAudit>, E>,
    ) -> Result<Vec<Review>, E> {
        let receivers = scan.receivers()?;
        let matching = scan.matching()?;
        let strict = strict_alignment(self.store, survey)?;
        let paths = diagnose(survey, &self.known.rules(), 0, Wanted::All).paths;
        let today = day_of(self.today);
        let (first, last) = survey.days.unwrap_or((today - 1, today - 1));
        let begin = if self.window.first == Day::MIN { first } else { self.window.first };
        let end = if self.window.last == Day::MAX { last } else { self.window.last };
        let reported = self.reported()?;
        let findings = self.findings_with(survey, &reported, &published(self.store, survey)?)?;
        let before = Window { first: begin, ..self.window };
        let memory_days = self.known.rules().thresholds.memory_days;
        let earlier = earlier_days(self.store, before, memory_days, &quiet_addresses(survey, &paths, end))?;
        let observed = Observed {
            survey,
            matching: &matching,
            paths: &paths,
            findings: &findings,
            receivers: &receivers,
            checked: &how.genuine.checked,
            unchecked_left_out: how.genuine.unchecked_left_out,
            strict: &strict,
            earlier: Earlier { first: begin.saturating_sub_unsigned(memory_days), days: &earlier, reported: &reported },
            catalogue: &self.known.catalogue,
            window: (begin, end),
            today,
        };
        let live = domains.iter().map(String::as_str).map(dns).collect::<Result<Vec<_>, E>>()?;
        Ok(parallel::map_large(how.threads, domains.len(), |at| {
            review(&observed, &domains[at], how.target, how.thresholds, live[at].clone())
        }))
    }
}

impl Look<'_> {
    /// The same of data that was gone through already, without live records.
    ///
    /// # Errors
    /// Those of the store.
    pub fn reviews(
        self,
        which: impl FnOnce(&Survey) -> Vec<String>,
        how: &Reviewing<'_>,
    ) -> Result<Vec<Review>, StoreError> {
        let Look { question, survey, scan, .. } = self;
        question.reviews_of(scan, &survey, which(&survey), how, |_| Ok(None))
    }
}
