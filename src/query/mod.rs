//! Asking the store about windows of days: filters in, plain figures out.

mod survey;
mod window;

pub use survey::{DomainFigures, Evidence, PathFigures, SenderKey, Signer, SignerUse, Survey, survey};
pub use window::{Bound, Span, Window, WindowChoice};
