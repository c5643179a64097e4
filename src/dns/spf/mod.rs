//! SPF records (RFC 7208): what they say, what they cost in look-ups, and what is wrong with them.

mod lookups;
mod reach;
mod record;
mod review;
mod syntax;
mod term;
mod tree;

pub use record::SpfRecord;
pub use review::{SpfReview, review};
pub use term::{Lengths, Qualifier, Term, TermKind};
pub use tree::{NodeState, SpfNode};
