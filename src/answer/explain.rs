//! All the evidence on one path: `explain`.

use super::Question;
use crate::diagnosis::{ExplainAnswer, Found, WindowAnswer, cautions, diagnose_some, evidence, find};
use crate::query::{Survey, keys_of_path, timeline};
use crate::store::StoreError;

/// What came of asking for a path.
#[derive(Debug)]
pub enum Asked {
    /// The window holds no reports.
    NoData,
    /// One path fits.
    One(Box<ExplainAnswer>),
    /// Several fit: their places among the paths of the survey.
    Several(Box<Survey>, Vec<usize>),
    /// None fits; near it are these, if any.
    None(Box<Survey>, Vec<usize>),
}

impl Question<'_> {
    /// The evidence on the path that is called so: by its id, its name or a part of that, an address, a domain.
    ///
    /// # Errors
    /// Those of the store.
    pub fn explain(&self, sender: &str) -> Result<Asked, StoreError> {
        let mut scan = self.scan()?;
        let survey = scan.survey()?;
        let Some(days) = survey.days else { return Ok(Asked::NoData) };
        let place = match find(&survey, &self.known.catalogue, sender) {
            Found::One(place) => place,
            Found::Several(places) => return Ok(Asked::Several(Box::new(survey), places)),
            Found::None(near) => return Ok(Asked::None(Box::new(survey), near)),
        };
        let Some(path) = diagnose_some(&survey, &self.known.rules(), &[place]).pop() else {
            return Ok(Asked::None(Box::new(survey), Vec::new()));
        };
        let timeline = timeline(&mut scan, &survey, path.figures)?;
        let keys = keys_of_path(&mut scan, &survey, path.figures)?;
        Ok(Asked::One(Box::new(ExplainAnswer {
            schema: "dmarcstat/explain/1",
            asked: sender.to_owned(),
            window: WindowAnswer::of(self.window, days),
            newest_report: self.newest_report()?,
            reports: survey.reports,
            reporters: survey.reporters,
            cautions: cautions(&survey, self.window),
            evidence: evidence(&path, &survey, &timeline, &keys, &self.known.thresholds),
            path,
        })))
    }
}
