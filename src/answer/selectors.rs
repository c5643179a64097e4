//! DKIM selectors: `selectors`.

use super::Question;
use crate::diagnosis::{KeyChoice, SelectorsAnswer, Wanted, WindowAnswer, by_place, cautions, diagnose, selectors};
use crate::query::key_survey;
use crate::store::StoreError;

impl Question<'_> {
    /// The keys chosen, with the machines that use each where they are wanted.
    ///
    /// # Errors
    /// Those of the store.
    pub fn selectors(&self, choice: KeyChoice, by_address: bool) -> Result<Option<SelectorsAnswer>, StoreError> {
        let mut scan = self.scan()?;
        let survey = scan.survey()?;
        let Some(days) = survey.days else { return Ok(None) };
        let paths = diagnose(&survey, &self.known.rules(), 0, Wanted::All).paths;
        let found = selectors(&key_survey(&mut scan, &survey, by_address)?, &by_place(&paths), choice);
        Ok(Some(SelectorsAnswer {
            schema: "dmarcstat/selectors/1",
            window: WindowAnswer::of(self.window, days),
            newest_report: self.newest_report()?,
            reports: survey.reports,
            reporters: survey.reporters,
            cautions: cautions(&survey, self.window),
            selectors: found.selectors,
            rotations: found.rotations,
            others: found.others,
        }))
    }
}
