//! Sending paths: `unsigned` and `sources`.

use super::Question;
use crate::diagnosis::{Answer, Diagnosis, Wanted, WindowAnswer, cautions, diagnose, ledger_findings};
use crate::store::StoreError;

impl Question<'_> {
    /// The paths wanted that have so many messages, and the domains that they send for.
    ///
    /// # Errors
    /// Those of the store.
    pub fn paths(&self, schema: &'static str, min_messages: u64, wanted: Wanted) -> Result<Option<Answer>, StoreError> {
        let survey = self.scan()?.survey()?;
        let Some(days) = survey.days else { return Ok(None) };
        let findings = self.findings(&survey)?;
        let rules = self.known.rules();
        let Diagnosis { paths, unknown, other_accounts, domains } = diagnose(&survey, &rules, min_messages, wanted);
        Ok(Some(Answer {
            schema,
            window: WindowAnswer::of(self.window, days),
            newest_report: self.newest_report()?,
            reports: survey.reports,
            reporters: survey.reporters,
            cautions: cautions(&survey, self.window),
            domains,
            findings,
            paths,
            unknown,
            other_accounts,
            ledger: ledger_findings(&survey, &self.known.ledger, self.domains, self.today),
        }))
    }
}
