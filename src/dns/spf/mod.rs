//! SPF records (RFC 7208): what they say, what they cost in look-ups, and what is wrong with them.

mod record;
mod review;
mod tree;

pub use record::{Qualifier, SpfRecord, Term, TermKind};
pub use review::{SpfReview, review};
pub use tree::{NodeState, SpfNode};
