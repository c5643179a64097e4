//! The review before `p=quarantine` or `p=reject`: what would be lost, what stands in the way, how much is known.
//!
//! Impact first: every message of the window counts once, as passing or as lost to somebody. Then checks, each with its
//! threshold and figure; those about the amount of evidence come before all others, because no data is never "safe".

mod answer;
mod checks;
mod impact;
mod policy;
mod reporters;
mod review;
mod selectors;
mod subdomains;
mod thresholds;

pub use answer::{
    Advice, Blocker, ByClass, Check, CheckArea, DayFigures, DispositionFigures, Evidence, Fragile, Impact, Lost,
    Overridden, PolicyChange, PublishedAnswer, Regression, ReporterFigures, Review, ReviewLine, ReviewList,
    ReviewedPath, SelectorHealth, StrictAnswer, Subdomain, Target, Undecided, Verdict,
};
pub use review::{Observed, review};
pub use thresholds::ReadinessThresholds;
