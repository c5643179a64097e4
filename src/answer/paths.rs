//! Sending paths: `unsigned` and `sources`.

use super::Look;
use crate::diagnosis::{Answer, Diagnosis, Wanted, diagnose, ledger_findings};
use crate::store::StoreError;

impl Look<'_> {
    /// The paths wanted that have at least `min_messages`, and the domains that they send for.
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
            basis: question.basis(survey, self.days)?,
            domains,
            findings,
            paths,
            unknown,
            other_accounts,
            ledger: ledger_findings(survey, &question.known.ledger, question.domains, question.today),
        })
    }
}
