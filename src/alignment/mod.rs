//! From what a reporter wrote to what it means: vocabularies, identifier alignment, states.

pub mod codec;
mod detail;
mod judge;
mod outcome;
mod reason_text;
mod record;
mod verdict;
mod vocabulary;

pub use outcome::{AlignmentMode, Outcome, OverrideReason, Signature, SpfCheck};
pub use verdict::{Detail, ForwardingReasons, SpfFault, Verdict};
pub use vocabulary::{AuthResult, Disposition, DkimState, OverrideType, Reading, ReasonCode, Scope, SpfState};
