//! What reporters say of a path, and whose word counts.
//!
//! `gather` has what each reporter says on each day, `alone` finds who claims by himself what others saw otherwise, `agreed` what
//! holds without any one reporter, and `view` is what comes of it for a path.

pub(super) mod agreed;
pub(super) mod alone;
pub(super) mod gather;
pub(super) mod view;
