//! Asking the store about windows of days: filters in, plain figures out.

mod figures;
mod survey;
mod window;

pub use figures::{DomainFigures, Evidence, PathFigures, SenderKey, Signer, SignerUse, Survey};
pub use survey::survey;
pub use window::{Bound, Span, Window, WindowChoice};
