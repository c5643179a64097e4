//! The data of a question, gone through once, for all that is asked of it.

use super::Question;
use crate::query::{Scan, Survey};
use crate::report::period::Day;
use crate::store::StoreError;

/// The data of a question, gone through once.
pub struct Look<'q> {
    /// What was asked.
    pub question: Question<'q>,
    /// Sums by path.
    pub survey: Survey,
    /// The first and the last day with reports.
    pub days: (Day, Day),
    /// For what wants more of the records.
    pub scan: Scan<'q>,
}

impl<'q> Question<'q> {
    /// Goes through the records; nothing where the window holds no reports.
    ///
    /// # Errors
    /// Those of the store.
    pub fn look(self) -> Result<Option<Look<'q>>, StoreError> {
        let mut scan = self.scan()?;
        let survey = scan.survey()?;
        Ok(survey.days.map(|days| Look { question: self, survey, days, scan }))
    }

    /// The records that it is about.
    ///
    /// # Errors
    /// Those of the store.
    pub fn scan(&self) -> Result<Scan<'q>, StoreError> {
        Scan::new(self.store, self.window, self.domains, self.known.knowledge())
    }
}
