//! Why a packed stream ends early: a limit, or damage.

use std::io;

use crate::rejection::RejectionCode;

/// The code of the limit for which a stream ended, if that was why.
#[must_use]
pub fn limit_met(error: &io::Error) -> Option<RejectionCode> {
    error.get_ref()?.downcast_ref::<LimitMet>().map(|met| met.0)
}

/// A limit of the budget, as the error of a stream.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.explanation())]
pub(super) struct LimitMet(pub(super) RejectionCode);

impl From<LimitMet> for io::Error {
    fn from(met: LimitMet) -> Self {
        io::Error::other(met)
    }
}

pub(super) fn damaged(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
