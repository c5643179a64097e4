//! SPF records (RFC 7208): what they say, what they cost in look-ups, and what is wrong with them.

mod lookups;
mod reach;
mod record;
mod review;
mod tree;

pub use record::{Lengths, Qualifier, SpfRecord, Term, TermKind};
pub use review::{SpfReview, review};
pub use tree::{NodeState, SpfNode};
