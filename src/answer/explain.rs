//! All the evidence on one path: `explain`.

use super::Look;
use crate::diagnosis::{ExplainAnswer, Found, diagnose_some, evidence, find};
use crate::query::{keys_of_path, timeline};
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
        let Look { question, survey, days, scan } = self;
        let place = match find(survey, &question.known.catalogue, sender) {
            Found::One(place) => place,
            Found::Several(places) => return Ok(Asked::Several(places)),
            Found::None(near) => return Ok(Asked::None(near)),
        };
        let Some(path) = diagnose_some(survey, &question.known.rules(), &[place]).pop() else {
            return Ok(Asked::None(Vec::new()));
        };
        let timeline = timeline(scan, survey, path.figures)?;
        let keys = keys_of_path(survey, path.figures);
        Ok(Asked::One(Box::new(ExplainAnswer {
            schema: "dmarcstat/explain/1",
            asked: sender.to_owned(),
            basis: question.basis(survey, *days)?,
            evidence: evidence(&path, survey, &timeline, &keys, &question.known.thresholds),
            path,
        })))
    }
}
