//! DKIM selectors: `selectors`.

use super::Look;
use crate::diagnosis::{KeyChoice, SelectorsAnswer, Wanted, by_place, diagnose, selectors};
use crate::query::key_survey;
use crate::store::StoreError;

impl Look<'_> {
    /// The keys chosen, with the machines that use each where they are wanted.
    ///
    /// # Errors
    /// Those of the store.
    pub fn selectors(&mut self, choice: KeyChoice, by_address: bool) -> Result<SelectorsAnswer, StoreError> {
        let Look { question, survey, days, scan } = self;
        let paths = diagnose(survey, &question.known.rules(), 0, Wanted::All).paths;
        let found = selectors(&key_survey(scan, survey, by_address)?, &by_place(&paths), choice);
        Ok(SelectorsAnswer {
            schema: "dmarcstat/selectors/1",
            basis: question.basis(survey, *days)?,
            selectors: found.selectors,
            rotations: found.rotations,
            others: found.others,
        })
    }
}
