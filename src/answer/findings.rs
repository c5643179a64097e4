//! What is wrong with domains as a whole, for all questions that tell it.

use std::collections::BTreeSet;

use super::{HISTORY, Question};
use crate::diagnosis::{DomainFinding, FindingCode, Observations, domain_findings, since};
use crate::domain;
use crate::query::{Published, ReporterDays, Survey, Window, history, published, reporter_days, survey};
use crate::report::period::Day;
use crate::store::StoreError;

impl Question<'_> {
    /// What is wrong with the domains of a survey.
    ///
    /// # Errors
    /// Those of the store.
    pub fn findings(&self, survey: &Survey) -> Result<Vec<DomainFinding>, StoreError> {
        self.findings_with(survey, &self.reported()?, &published(self.store, survey)?)
    }

    /// Who reported in the window and well before it.
    pub(super) fn reported(&self) -> Result<Vec<ReporterDays>, StoreError> {
        let first = self.window.first.saturating_sub(HISTORY);
        let last = self.today_of_reports.unwrap_or(Day::MAX).saturating_sub(1);
        reporter_days(self.store, first, last, self.domains)
    }

    /// The same where it is known who reported, and what was published.
    pub(super) fn findings_with(
        &self,
        survey: &Survey,
        reporter_days: &[ReporterDays],
        published: &Published,
    ) -> Result<Vec<DomainFinding>, StoreError> {
        let mut foreign = self.store.foreign_totals(self.window.first, self.window.last)?;
        foreign.retain(|one| domain::is_among(&one.domain, self.domains));
        let rules = self.known.rules();
        let mut found = domain_findings(&Observations {
            survey,
            reporter_days,
            foreign: &foreign,
            published,
            window: self.window,
            today: self.today_beside(reporter_days),
            rules: &rules,
        });
        let began_before = |finding: &DomainFinding| {
            let bears = matches!(finding.code(), FindingCode::SpfUnevaluable | FindingCode::StrictAlignmentCosts);
            bears && finding.since.is_none() && self.window.first != Day::MIN
        };
        let domains: BTreeSet<String> =
            found.iter().filter(|one| began_before(one)).map(|one| one.domain.clone()).collect();
        if !domains.is_empty() {
            let further_back = self.further_back(&domains)?;
            for finding in found.iter_mut().filter(|one| began_before(one)) {
                finding.since = since(finding, &further_back, &rules);
            }
        }
        Ok(found)
    }

    /// What began before the window is looked up in the memory, once for all domains.
    fn further_back(&self, domains: &BTreeSet<String>) -> Result<Survey, StoreError> {
        let memory_days = self.known.thresholds.memory_days;
        let window = Window { first: self.window.first.saturating_sub_unsigned(memory_days), ..self.window };
        match history(self.store, window, domains, memory_days)? {
            Some(found) => Ok(found),
            None => survey(self.store, window, &Vec::from_iter(domains.iter().cloned()), self.known.knowledge()),
        }
    }
}
