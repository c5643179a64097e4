//! All the evidence on one path: `explain`.

use super::Look;
use crate::diagnosis::{ExplainAnswer, Found, diagnose_some, evidence, find};
use crate::query::{keys_of_path, timelines};
use crate::store::StoreError;

/// What came of asking for a path.
#[derive(Debug)]
pub enum Asked {
    /// One path fits.
    One(Box<ExplainAnswer>),
    /// Several fit: their places among the paths of the survey.
    Several(Vec<usize>),
    /// None fits; near it are these, if any.
    None(Vec<usize>),
}

impl Look<'_> {
    /// The evidence on the path that is called so: by its id, its name or a part of that, an address, a domain.
    ///
    /// # Errors
    /// Those of the store.
    pub fn explain(&mut self, sender: &str) -> Result<Asked, StoreError> {
        let place = match find(&self.survey, &self.question.known.catalogue, sender) {
            Found::One(place) => place,
            Found::Several(places) => return Ok(Asked::Several(places)),
            Found::None(near) => return Ok(Asked::None(near)),
        };
        let found = self.explain_each(&[place])?.pop();
        Ok(found.map_or(Asked::None(Vec::new()), |answer| {
            Asked::One(Box::new(ExplainAnswer { asked: sender.to_owned(), ..answer }))
        }))
    }

    /// The evidence on each of these paths, by their places in the survey, as if it had been asked for by its id. Goes through the
    /// records once for all of them.
    ///
    /// # Errors
    /// Those of the store.
    pub fn explain_each(&mut self, places: &[usize]) -> Result<Vec<ExplainAnswer>, StoreError> {
        let Look { question, survey, days, scan } = self;
        let basis = question.basis(survey, *days)?;
        let timelines = timelines(scan, survey, places)?;
        let paths = diagnose_some(survey, &question.known.rules(), places);
        let explained = paths.into_iter().zip(timelines).map(|(path, timeline)| {
            let keys = keys_of_path(survey, path.figures);
            ExplainAnswer {
                schema: "dmarcstat/explain/1",
                asked: path.id.clone(),
                basis: basis.clone(),
                evidence: evidence(&path, survey, &timeline, &keys, &question.known.thresholds),
                path,
            }
        });
        Ok(explained.collect())
    }
}
