//! DKIM selectors: `selectors`.

use super::Look;
use crate::diagnosis::{KeyChoice, SelectorsAnswer, Wanted, by_place, diagnose, selectors};
use crate::query::{key_survey, key_survey_by_address};
use crate::store::StoreError;

impl Look<'_> {
    /// The keys chosen, with the machines that use each where they are wanted.
    ///
    /// # Errors
    /// Those of the store.
    pub fn selectors(self, choice: KeyChoice, by_address: bool) -> Result<SelectorsAnswer, StoreError> {
        let Look { question, survey, days, mut scan } = self;
        let by_address = by_address.then(|| key_survey_by_address(&mut scan, &survey)).transpose()?;
        // Where records name tens of thousands of keys, what they show is large.
        drop(scan);
        let keys = by_address.unwrap_or_else(|| key_survey(&survey));
        let paths = diagnose(&survey, &question.known.rules(), 0, Wanted::All).paths;
        let found = selectors(&keys, &by_place(&paths), choice);
        Ok(SelectorsAnswer {
            schema: "dmarcstat/selectors/1",
            basis: question.basis(&survey, days)?,
            selectors: found.selectors,
            rotations: found.rotations,
            others: found.others,
        })
    }
}
