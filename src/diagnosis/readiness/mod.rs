//! The review before `p=quarantine` or `p=reject`: what would be lost, what stands in the way, how much is known.
//!
//! Impact first: every message of the window counts once, as passing or as lost to somebody. Then checks, each with its
//! threshold and figure; those about the amount of evidence come before all others, because no data is never "safe".

mod advice;
mod answer;
mod checklist;
mod checks;
mod decisions;
mod ended;
mod failures;
mod impact;
mod lines;
mod list;
mod measures;
mod policy;
mod reporters;
mod review;
mod selectors;
mod sorted;
mod standards;
mod steady;
mod subdomains;
mod thresholds;
mod weighed;

pub use answer::{
    Advice, Blocker, Check, CheckArea, Decision, Ended, FailingPart, Fragile, Regression, Review, ReviewedPath,
    Successor, Undecided, Verdict,
};
pub use ended::{Earlier, quiet_addresses};
pub use impact::{DayFigures, Impact};
pub use list::{ReviewLine, ReviewList};
pub use policy::{PolicyChange, PublishedAnswer, Target};
pub use reporters::{DispositionFigures, Evidence, Overridden, ReporterFigures};
pub use review::{Observed, review};
pub use selectors::SelectorHealth;
pub use subdomains::Subdomain;
pub use thresholds::ReadinessThresholds;
