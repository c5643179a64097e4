//! What reporters say about a path, and which of them count.
//!
//! `gather` has what each reporter says on each day, `alone` finds the reporters whose claims all others contradict,
//! `agreed` what holds without any one reporter, and `view` combines these for a path.

pub(super) mod agreed;
pub(super) mod alone;
pub(super) mod gather;
pub(super) mod view;
