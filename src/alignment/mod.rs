//! From what a reporter wrote to what it means: vocabularies, identifier alignment, states.

pub mod codec;
mod detail;
mod outcome;
mod reason_text;
mod state;
mod vocabulary;

pub use detail::{Detail, SpfFault};
pub use outcome::{AlignmentMode, Outcome, OverrideReason, Signature, SpfCheck};
pub use state::{ForwardingReasons, Verdict};
pub use vocabulary::{AuthResult, Disposition, DkimState, OverrideType, Reading, ReasonCode, Scope, SpfState};
