//! The header of a mail: its fields, who it is from, and what the servers on its way say of it.
//!
//! Header fields, whose grammar is the messy part, are read by `mail-parser`; where they lie is found here, on the bytes
//! as they are. What a mail holds is walked by `container`.

mod auth_results;
mod fields;
mod header;
pub mod message;
mod result_text;
mod trace;
mod trust;

pub use auth_results::{AuthenticationResults, MethodResult, Property};
pub use fields::{Field, HeaderFields};
pub use header::{ContentFields, Envelope, KnownFields};
pub use message::looks_like_message;
pub use trace::{Hop, addresses};
pub use trust::{Authenticity, NAMELESS};
