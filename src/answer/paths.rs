//! Sending paths: `unsigned` and `sources`.

use super::Look;
use crate::diagnosis::{Answer, Diagnosis, Wanted, WindowAnswer, cautions, diagnose, ledger_findings};
use crate::store::StoreError;

impl Look<'_> {
    /// The paths wanted that have so many messages, and the domains that they send for.
    ///
    /// # Errors
    /// Those of the store.
    pub fn paths(&self, schema: &'static str, min_messages: u64, wanted: Wanted) -> Result<Answer, StoreError> {
        let (question, survey) = (&self.question, &self.survey);
        let findings = question.findings(survey)?;
        let rules = question.known.rules();
        let Diagnosis { paths, unknown, other_accounts, domains } = diagnose(survey, &rules, min_messages, wanted);
        Ok(Answer {
            schema,
            window: WindowAnswer::of(question.window, self.days),
            newest_report: question.newest_report()?,
            reports: survey.reports,
            reporters: survey.reporters,
            cautions: cautions(survey, question.window),
            domains,
            findings,
            paths,
            unknown,
            other_accounts,
            ledger: ledger_findings(survey, &question.known.ledger, question.domains, question.today),
        })
    }
}
